// SPDX-License-Identifier: GPL-2.0
/* pnvme [status] */
#include <errno.h>
#include <stdio.h>

#include "app.h"

static bool is_problem(const struct pnvme_drive *d)
{
	if (d->verdict == PNVME_VERDICT_BLANK || d->verdict == PNVME_VERDICT_USED)
		return false;
	return d->verdict != PNVME_VERDICT_INTACT || d->state != PNVME_STATUS_LIVE;
}

static void show_problem(const struct pnvme_drive *d)
{
	char name[80];

	if (d->instance >= 0)
		instance_text(d, name, sizeof(name));
	else if (d->name[0])
		snprintf(name, sizeof(name), "%s", d->name);
	else
		pnvme_uuid_format(d->uuid, name);
	if (d->attached && d->state != PNVME_STATUS_LIVE && d->verdict != PNVME_VERDICT_INTACT) {
		printf("! %s: %s, %s: %s", name, pnvme_status_name(d->state),
		       pnvme_verdict_name(d->verdict), d->reason);
		if (d->hold_left != UINT32_MAX)
			printf(" (%u left)", d->hold_left);
		goto next;
	}
	printf("%c %s: %s", d->acked_at ? '-' : '!', name, pnvme_verdict_name(d->verdict));
	if (d->verdict == PNVME_VERDICT_INTACT)
		printf(", but %s%s%s", pnvme_status_name(d->state), d->reason[0] ? ": " : "",
		       d->reason);
	else
		printf("%s: %s", d->acked_at ? ", which is known" : "", dash(d->evidence));
next:
	putchar('\n');
	if (d->next[0])
		printf("  next: %s\n", d->next);
}

static void show_failed(const struct app *app, const struct pnvme_namespace *ns)
{
	char uuid[37];

	printf("! namespace %s: %s\n", ns->name, dash(ns->reason));
	/* one that the label has cannot be deleted while it has no device */
	pnvme_uuid_format(ns->drive, uuid);
	if (pnvme_namespace_delete(app->h, ns->uuid, PNVME_CHECK) == -ENODEV)
		printf("  next: pnvme drive detach %s, then pnvme drive attach %s\n", uuid, uuid);
	else
		printf("  next: pnvme ns delete %s\n", ns->name);
}

static void show_ns_problem(const struct app *app, const struct pnvme_namespace *ns)
{
	char uuid[37], done[SIZE_TEXT], total[SIZE_TEXT];

	if (ns->zero_total) {
		printf("! namespace %s: %s of %s zeroed\n", ns->name,
		       size_text(app, ns->zeroed, done), size_text(app, ns->zero_total, total));
	} else if (ns->state == PNVME_NS_STATUS_NAME_CONFLICT) {
		pnvme_uuid_format(ns->uuid, uuid);
		printf("! namespace %s: its name is taken on this host\n"
		       "  next: pnvme ns rename uuid:%s NEWNAME\n", ns->name, uuid);
	} else if (ns->fence != PNVME_FENCE_NONE) {
		printf("! namespace %s: %s since its drive was away with writes in doubt\n"
		       "  next: check its data, then close it, or pnvme ns unfence %s\n", ns->name,
		       ns->fence == PNVME_FENCE_ALL ? "all I/O fails" : "every flush fails",
		       ns->name);
	} else if (ns->state == PNVME_NS_STATUS_FAILED) {
		show_failed(app, ns);
	}
}

static bool any_known(const struct pnvme_inventory *inv)
{
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		if (inv->drives[i]->acked_at)
			return true;
	return false;
}

/* What is on it is not known, so it may be a drive of this host. */
static bool any_unjudged(const struct pnvme_inventory *inv)
{
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		if (inv->drives[i]->verdict == PNVME_VERDICT_UNKNOWN)
			return true;
	return inv->partial;
}

static void show(struct app *app, const struct pnvme_inventory *inv)
{
	size_t i;

	show_drives(app, inv, NULL, "There are no NVMe drives.");
	if (inv->n_namespaces) {
		putchar('\n');
		show_namespaces(app, inv);
	}
	putchar('\n');
	for (i = 0; i < inv->n_drives; i++)
		if (is_problem(inv->drives[i]))
			show_problem(inv->drives[i]);
	for (i = 0; i < inv->n_namespaces; i++)
		show_ns_problem(app, inv->namespaces[i]);
	if (inv->trouble)
		return;
	if (inv->record_unknown)
		puts("Nothing is known to be wrong, but the record could not be read: drives may be missing.");
	else if (any_unjudged(inv))
		puts("Nothing is known to be wrong, but not all drives could be judged.");
	else
		puts(any_known(inv) ? "Nothing needs an operator: what is lost is known." :
		     "All recorded drives are intact, all namespaces are usable.");
}

int cmd_status(struct app *app)
{
	struct pnvme_inventory *inv;
	struct pnvme_info info;
	int ret, exit_code;

	ret = pnvme_inventory_get(app->h, PNVME_LOOK_ALL, &inv);
	if (ret)
		return report(app, ret);
	remarks(app);
	if (!app->json)
		show(app, inv);
	for (size_t i = 0; i < inv->n_drives; i++)
		out_drive(app, inv->drives[i]);
	for (size_t i = 0; i < inv->n_namespaces; i++)
		out_namespace(app, inv->namespaces[i]);
	exit_code = inv->trouble ? EXIT_OPERATOR : EXIT_DONE;
	if (!inv->module) {
		ret = pnvme_module_info(app->h, &info);
		if (ret)
			exit_code = report(app, ret);
	}
	pnvme_inventory_free(inv);
	return exit_code;
}
