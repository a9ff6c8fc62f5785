// SPDX-License-Identifier: GPL-2.0
/* pnvme verdict */
#include <stdio.h>
#include <time.h>

#include "app.h"

static const char *heads[] = { "VERDICT", "DEVICE", "SERIAL", "DRIVE", "EVIDENCE" };

static void show(const struct pnvme_inventory *inv)
{
	struct table t = { .heads = heads, .columns = sizeof(heads) / sizeof(heads[0]) };
	char uuid[37];
	size_t i;

	for (i = 0; i < inv->n_drives; i++) {
		const struct pnvme_drive *d = inv->drives[i];

		pnvme_uuid_format(d->uuid, uuid);
		table_cell(&t, "%s%s", pnvme_verdict_name(d->verdict),
			   d->repaired ? "+repaired" : "");
		table_cell(&t, "%s", dash(d->name));
		table_cell(&t, "%s", dash(d->serial));
		table_cell(&t, "%s", pnvme_uuid_is_null(d->uuid) ? "-" : uuid);
		table_cell(&t, "%s", dash(d->evidence));
	}
	table_print(&t);
}

/* What this host has, or should have; whoever else's it is, is not reported. */
static bool is_recorded(const struct pnvme_drive *d)
{
	return d->recorded || d->from_roster;
}

static int report_all(struct app *app, const struct pnvme_inventory *inv)
{
	size_t i;
	int ret;

	for (i = 0; i < inv->n_drives; i++) {
		if (!is_recorded(inv->drives[i]))
			continue;
		ret = pnvme_verdict_report(app->h, inv->drives[i]);
		if (ret)
			return report(app, ret);
	}
	return EXIT_DONE;
}

/*
 * Drives may still come: a second at a time, as the settle time may be changed meanwhile. A
 * policy that cannot be used gives the default, and is told of with the verdicts.
 */
static void wait_settled(struct app *app)
{
	const struct timespec second = { .tv_sec = 1 };
	uint32_t left;

	pnvme_settle_left(app->h, &left);
	while (left) {
		nanosleep(&second, NULL);
		pnvme_settle_left(app->h, &left);
	}
}

static bool all_intact(const struct pnvme_inventory *inv)
{
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		if (is_recorded(inv->drives[i]) &&
		    inv->drives[i]->verdict != PNVME_VERDICT_INTACT)
			return false;
	return true;
}

int cmd_verdict(struct app *app)
{
	struct pnvme_inventory *inv;
	int ret, exit_code;
	size_t i;

	if (option(app, "settle"))
		wait_settled(app);
	ret = pnvme_inventory_get(app->h, PNVME_LOOK_ALL, &inv);
	if (ret)
		return report(app, ret);
	remarks(app);
	for (i = 0; i < inv->n_drives; i++)
		out_drive(app, inv->drives[i]);
	if (!app->json)
		show(inv);
	exit_code = all_intact(inv) ? EXIT_DONE : EXIT_OPERATOR;
	if (option(app, "report") && !app->dry_run && report_all(app, inv))
		exit_code = app->worst;
	pnvme_inventory_free(inv);
	return exit_code;
}
