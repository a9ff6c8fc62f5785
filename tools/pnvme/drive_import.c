// SPDX-License-Identifier: GPL-2.0
/* pnvme drive import */
#include "app.h"

int cmd_drive_import(struct app *app)
{
	const char *from = option(app, "from");
	struct pnvme_drive *d;
	uint8_t owner[16];
	int ret;

	if (!from)
		return usage_error(app, "whose is it? pnvme drive import %s", app->command->args);
	if (pnvme_uuid_parse(from, owner))
		return usage_error(app, "\"%.60s\" is no host ID; pnvme drive examine %s shows the owner",
				   from, app->argv[0]);
	ret = pnvme_drive_import(app->h, app->argv[0], owner, check_flag(app), &d);
	if (ret)
		return report(app, ret);
	remarks(app);
	out_drive(app, d);
	say(app, "/dev/%s is this host's now, attached as pnvme%d, %u namespace%s", d->name,
	    d->instance, d->namespaces, d->namespaces == 1 ? "" : "s");
	pnvme_drive_free(d);
	return EXIT_DONE;
}
