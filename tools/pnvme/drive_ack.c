// SPDX-License-Identifier: GPL-2.0
/* pnvme drive ack */
#include "app.h"

int cmd_drive_ack(struct app *app)
{
	struct pnvme_drive *d;
	char uuid[37];
	int ret = pnvme_drive_ack(app->h, app->argv[0], check_flag(app), &d);

	if (ret)
		return report(app, ret);
	remarks(app);
	out_drive(app, d);
	pnvme_uuid_format(d->uuid, uuid);
	say(app, "it is known now that drive %s is %s", uuid, pnvme_verdict_name(d->verdict));
	pnvme_drive_free(d);
	return EXIT_DONE;
}
