// SPDX-License-Identifier: GPL-2.0
/* pnvme drive examine */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

static const char *status_text(int status)
{
	switch (status) {
	case 0:
		return "valid";
	case -ENODATA:
		return "none";
	case -EBADMSG:
		return "damaged";
	case -EPROTONOSUPPORT:
		return "unknown";
	case -EUCLEAN:
		return "invalid";
	default:
		return "unreadable";
	}
}

static void out_slot(struct app *app, const struct pnvme_slot *s, int i, bool newest)
{
	struct json_object *o = json_object_new_object();

	json_set(o, "copy", json_object_new_int(i));
	json_set(o, "offset", json_object_new_uint64(s->offset));
	json_text(o, "status", status_text(s->status));
	json_text(o, "why", s->why);
	json_set(o, "version", json_object_new_uint64(s->version));
	json_set(o, "sequence", json_object_new_uint64(s->sequence));
	json_set(o, "epoch", json_object_new_uint64(s->epoch));
	json_uuid(o, "uuid", s->uuid);
	json_uuid(o, "owner", s->owner);
	json_set(o, "in_force", json_object_new_boolean(newest));
	json_object_array_add(out_array(app, "labels"), o);
}

static void hwid_text(const struct pnvme_peer *p, char out[33])
{
	int i, n = p->hwid_type == 2 ? 16 : p->hwid_type == 1 ? 8 : 0;

	out[0] = '\0';
	for (i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", p->hwid[i]);
}

static void out_peer(struct app *app, const struct pnvme_peer *p)
{
	struct json_object *o = json_object_new_object();
	char hwid[33];

	hwid_text(p, hwid);
	json_uuid(o, "uuid", p->uuid);
	json_text(o, "hwid", hwid);
	json_text(o, "slot", p->slot);
	json_object_array_add(out_array(app, "roster"), o);
}

static void out(struct app *app, const struct pnvme_examined *e)
{
	size_t n;
	int i;

	json_set(app->root, "fence", json_object_new_boolean(e->fence));
	json_set(app->root, "repair", json_object_new_boolean(e->repair));
	out_array(app, "labels");
	for (i = 0; i < 4; i++)
		out_slot(app, &e->slots[i], i, i == e->newest);
	json_set(app->root, "roster_generation", json_object_new_uint64(e->roster_generation));
	out_array(app, "roster");
	for (n = 0; n < e->n_roster; n++)
		out_peer(app, &e->roster[n]);
	for (n = 0; n < e->content->n_drives; n++)
		out_drive(app, e->content->drives[n]);
	for (n = 0; n < e->content->n_namespaces; n++)
		out_namespace(app, e->content->namespaces[n]);
}

static const char *heads[] = {
	"COPY", ">OFFSET", "STATUS", ">GENERATION", ">ATTACH", "DRIVE", "OWNER",
};

static void show_slots(const struct pnvme_examined *e)
{
	struct table t = { .heads = heads, .columns = sizeof(heads) / sizeof(heads[0]) };
	char uuid[37], owner[37];
	int i;

	for (i = 0; i < 4; i++) {
		const struct pnvme_slot *s = &e->slots[i];

		pnvme_uuid_format(s->uuid, uuid);
		pnvme_uuid_format(s->owner, owner);
		table_cell(&t, "%d%s", i, i == e->newest ? "*" : "");
		table_cell(&t, "%llu", (unsigned long long)s->offset);
		table_cell(&t, "%s%s%s", status_text(s->status), s->why[0] ? ": " : "", s->why);
		table_cell(&t, "%llu", (unsigned long long)s->sequence);
		table_cell(&t, "%llu", (unsigned long long)s->epoch);
		table_cell(&t, "%s", pnvme_uuid_is_null(s->uuid) ? "-" : uuid);
		table_cell(&t, "%s", pnvme_uuid_is_null(s->owner) ? "-" : owner);
	}
	table_print(&t);
}

static void show_roster(const struct pnvme_examined *e)
{
	static const char *roster_heads[] = { "ROSTER", "HARDWARE ID", "SLOT" };
	struct table t = { .heads = roster_heads, .columns = 3 };
	char uuid[37], hwid[33];
	size_t i;

	for (i = 0; i < e->n_roster; i++) {
		pnvme_uuid_format(e->roster[i].uuid, uuid);
		hwid_text(&e->roster[i], hwid);
		table_cell(&t, "%s", uuid);
		table_cell(&t, "%s", dash(hwid));
		table_cell(&t, "%s", dash(e->roster[i].slot));
	}
	putchar('\n');
	table_print(&t);
}

static void show(struct app *app, const struct pnvme_examined *e)
{
	show_slots(e);
	printf("\nfence (GPT): %s\n", e->fence ? "there" : "not there");
	if (e->newest < 0) {
		printf("no label is in force: %s\n", dash(e->why));
		return;
	}
	printf("copy %d is in force%s\n\n", e->newest,
	       e->repair ? "; not all four are equal, the next attach repairs them" : "");
	show_label(app, e->content->drives[0]);
	if (e->content->n_namespaces) {
		putchar('\n');
		show_namespaces(app, e->content);
	}
	if (e->n_roster)
		show_roster(e);
}

int cmd_drive_examine(struct app *app)
{
	struct pnvme_examined *e;
	int ret = pnvme_drive_examine(app->h, app->argv[0], &e);

	if (ret)
		return report(app, ret);
	remarks(app);
	out(app, e);
	if (!app->json)
		show(app, e);
	pnvme_examined_free(e);
	return EXIT_DONE;
}
