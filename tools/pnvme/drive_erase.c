// SPDX-License-Identifier: GPL-2.0
/* pnvme drive erase */
#include "app.h"

int cmd_drive_erase(struct app *app)
{
	const char *yes = option(app, "yes");
	unsigned int flags = check_flag(app);
	uint8_t uuid[16];
	int ret;

	if (!yes)
		return usage_error(app, "say which drive you mean: pnvme drive erase %s --yes=UUID",
				   app->argv[0]);
	if (pnvme_uuid_parse(yes, uuid))
		return usage_error(app, "\"%.60s\" is no UUID; pnvme drive examine %s shows it", yes,
				   app->argv[0]);
	if (option(app, "discard"))
		flags |= PNVME_DISCARD;
	ret = pnvme_drive_erase(app->h, app->argv[0], uuid, flags);
	if (ret)
		return report(app, ret);
	remarks(app);
	if (flags & PNVME_DISCARD)
		say(app, "%s is erased, its data discarded", app->argv[0]);
	else
		say(app, "%s is erased: label and fence are gone, the data on it stays", app->argv[0]);
	return EXIT_DONE;
}
