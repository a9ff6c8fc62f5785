// SPDX-License-Identifier: GPL-2.0
/* pnvme drive fail */
#include "app.h"

int cmd_drive_fail(struct app *app)
{
	struct pnvme_inventory *inv;
	struct pnvme_drive *d, *now = NULL;
	int ret, err;

	/* the record may lie on the very drive that is held: reading it would hang */
	ret = pnvme_inventory_get(app->h, PNVME_LOOK_MODULE, &inv);
	if (ret)
		return report(app, ret);
	d = drive_argument(app, inv, app->argv[0], &ret);
	if (d) {
		err = pnvme_drive_fail(app->h, d->uuid, check_flag(app), &now);
		if (err) {
			ret = report(app, err);
		} else {
			remarks(app);
			out_drive(app, now);
			say(app, "pnvme%d is given up: its I/O fails", d->instance);
		}
		pnvme_drive_free(now);
	}
	pnvme_inventory_free(inv);
	return ret;
}
