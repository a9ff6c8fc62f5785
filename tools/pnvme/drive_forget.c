// SPDX-License-Identifier: GPL-2.0
/* pnvme drive forget */
#include "app.h"

int cmd_drive_forget(struct app *app)
{
	uint8_t uuid[16];
	char text[37];
	int ret;

	if (pnvme_uuid_parse(app->argv[0], uuid))
		return usage_error(app, "\"%.60s\" is no UUID; pnvme status shows those of lost drives",
				   app->argv[0]);
	ret = pnvme_drive_forget(app->h, uuid, check_flag(app));
	if (ret)
		return report(app, ret);
	remarks(app);
	pnvme_uuid_format(uuid, text);
	say(app, "%s is forgotten, with the namespaces it had", text);
	return EXIT_DONE;
}
