// SPDX-License-Identifier: GPL-2.0
/* pnvme drive detach */
#include "app.h"

static bool detach_one(struct app *app, struct pnvme_drive *d)
{
	unsigned int flags = check_flag(app);
	int ret;

	if (option(app, "release"))
		flags |= PNVME_RELEASE;
	ret = pnvme_drive_detach(app->h, d->uuid, flags);
	if (ret) {
		report(app, ret);
		return false;
	}
	remarks(app);
	say(app, "pnvme%d (/dev/%s) is detached%s", d->instance, d->name,
	    flags & PNVME_RELEASE ? " and released" : "");
	if (!app->dry_run) {
		d->instance = -1;
		d->attached = false;
		d->state = PNVME_STATUS_DETACHED;
	}
	out_drive(app, d);
	return true;
}

static int detach_named(struct app *app, const struct pnvme_inventory *inv)
{
	struct pnvme_drive *d;
	unsigned int done = 0;
	int i, ignored;

	for (i = 0; i < app->argc; i++) {
		d = drive_argument(app, inv, app->argv[i], &ignored);
		if (d)
			done += detach_one(app, d);
	}
	return summed_up(app, done);
}

static int detach_all(struct app *app, const struct pnvme_inventory *inv)
{
	unsigned int done = 0;
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		done += detach_one(app, inv->drives[i]);
	if (!inv->n_drives)
		say(app, "no drive is attached");
	return summed_up(app, done);
}

int cmd_drive_detach(struct app *app)
{
	bool all = option(app, "all");
	struct pnvme_inventory *inv;
	int ret;

	if (all == (app->argc > 0))
		return usage_error(app, "which drive? pnvme drive detach %s", app->command->args);
	ret = served(app, &inv);
	if (ret)
		return ret;
	ret = all ? detach_all(app, inv) : detach_named(app, inv);
	pnvme_inventory_free(inv);
	return ret;
}
