// SPDX-License-Identifier: GPL-2.0
/* pnvme drive attach */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

static unsigned int flags_of(const struct app *app)
{
	return check_flag(app) | (option(app, "read-only") ? PNVME_READ_ONLY : 0);
}

static void out_namespaces_of(struct app *app, const uint8_t uuid[16])
{
	struct pnvme_inventory *inv;
	size_t i;

	if (!app->json || pnvme_inventory_get(app->h, PNVME_LOOK_MODULE, &inv))
		return;
	for (i = 0; i < inv->n_namespaces; i++)
		if (!memcmp(inv->namespaces[i]->drive, uuid, 16))
			out_namespace(app, inv->namespaces[i]);
	pnvme_inventory_free(inv);
}

static void tell(struct app *app, struct pnvme_drive *d)
{
	remarks(app);
	out_drive(app, d);
	out_namespaces_of(app, d->uuid);
	if (option(app, "auto"))
		;	/* quiet */
	else
		say(app, "/dev/%s is attached as pnvme%d, %u namespace%s", d->name, d->instance,
		    d->namespaces, d->namespaces == 1 ? "" : "s");
	pnvme_drive_free(d);
}

static bool attach_one(struct app *app, const char *drive)
{
	struct pnvme_drive *d;
	int ret = pnvme_drive_attach(app->h, drive, flags_of(app), &d);

	if (ret)
		report(app, ret);
	else
		tell(app, d);
	return !ret;
}

static int attach_named(struct app *app)
{
	unsigned int done = 0;
	int i;

	if (!app->argc)
		return usage_error(app, "which drive? pnvme drive attach %s", app->command->args);
	for (i = 0; i < app->argc; i++)
		done += attach_one(app, app->argv[i]);
	return summed_up(app, done);
}

/* --all: what is this host's and here gets attached, what is not needs a person. */

static bool owned(const struct pnvme_drive *d, const uint8_t host[16])
{
	return !pnvme_uuid_is_null(d->owner) &&
	       (d->recorded || !memcmp(d->owner, host, 16) ||
		d->verdict == PNVME_VERDICT_UNRECORDED);
}

static bool attachable(const struct pnvme_drive *d, const uint8_t host[16])
{
	return d->labelled && owned(d, host) && d->verdict != PNVME_VERDICT_FOREIGN &&
	       d->verdict != PNVME_VERDICT_CLONED;
}

static bool needs_operator(const struct pnvme_drive *d)
{
	return (d->recorded && d->verdict != PNVME_VERDICT_INTACT) ||
	       (d->verdict == PNVME_VERDICT_CLONED && d->nvme) || d->state == PNVME_STATUS_FAILED;
}

static void report_trouble(struct app *app, const struct pnvme_drive *d)
{
	char name[64];

	if (d->name[0])
		snprintf(name, sizeof(name), "%.60s", d->name);
	else
		pnvme_uuid_format(d->uuid, name);
	if (d->state == PNVME_STATUS_FAILED)
		report_text(app, EXIT_OPERATOR, "EFAILED", name, d->next, "%s: failed: %s", name,
			    d->reason);
	else
		report_text(app, EXIT_OPERATOR, "EVERDICT", name, d->next, "%s: %s: %s", name,
			    pnvme_verdict_name(d->verdict), d->evidence);
}

static int attach_all(struct app *app)
{
	unsigned int done = 0, failed = 0, trouble = 0;
	struct pnvme_inventory *inv;
	uint8_t host[16];
	char path[80];
	size_t i;
	int ret;

	if (app->argc)
		return usage_error(app, "--all takes no drive beside it");
	ret = pnvme_host_id(app->h, host);
	if (!ret)
		ret = pnvme_inventory_get(app->h, PNVME_LOOK_MODULE | PNVME_LOOK_BUS |
					  PNVME_LOOK_RECORD, &inv);
	if (ret)
		return report(app, ret);
	remarks(app);
	for (i = 0; i < inv->n_drives; i++) {
		const struct pnvme_drive *d = inv->drives[i];

		if (needs_operator(d)) {
			/* what is known stays as it is, and is not told each time */
			if (!d->acked_at) {
				report_trouble(app, d);
				trouble++;
			}
		} else if (d->attached || attachable(d, host)) {
			snprintf(path, sizeof(path), "/dev/%.60s", d->name);
			if (attach_one(app, path))
				done++;
			else
				failed++;
		}
	}
	pnvme_inventory_free(inv);
	if (failed)
		return done ? EXIT_PARTLY : app->worst;
	return trouble ? EXIT_OPERATOR : EXIT_DONE;
}

/* --auto */

static bool gate_one(struct app *app, const char *dev)
{
	struct pnvme_drive *d = NULL;
	bool attached;
	int ret = pnvme_drive_gate(app->h, dev, flags_of(app), &attached, &d);

	if (ret)
		report(app, ret);
	else if (d)
		tell(app, d);
	return !ret;
}

static int gate_all(struct app *app)
{
	struct pnvme_inventory *inv;
	unsigned int done = 0;
	char path[80];
	size_t i;
	int ret = pnvme_inventory_get(app->h, PNVME_LOOK_MODULE | PNVME_LOOK_BUS |
				      PNVME_LOOK_OPTIONAL, &inv);

	if (ret)
		return report(app, ret);
	for (i = 0; i < inv->n_drives; i++) {
		if (!inv->drives[i]->labelled || inv->drives[i]->attached)
			continue;
		snprintf(path, sizeof(path), "/dev/%.60s", inv->drives[i]->name);
		done += gate_one(app, path);
	}
	pnvme_inventory_free(inv);
	return summed_up(app, done);
}

static int attach_auto(struct app *app)
{
	unsigned int done = 0;
	int i;

	if (!app->argc)
		return gate_all(app);
	for (i = 0; i < app->argc; i++)
		done += gate_one(app, app->argv[i]);
	return summed_up(app, done);
}

int cmd_drive_attach(struct app *app)
{
	if (option(app, "all") && option(app, "auto"))
		return usage_error(app, "--all and --auto exclude one another");
	if (option(app, "all"))
		return attach_all(app);
	return option(app, "auto") ? attach_auto(app) : attach_named(app);
}
