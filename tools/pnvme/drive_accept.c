// SPDX-License-Identifier: GPL-2.0
/* pnvme drive accept */
#include "app.h"

int cmd_drive_accept(struct app *app)
{
	const char *expect = option(app, "expect");
	unsigned int flags = check_flag(app);
	struct pnvme_drive *d;
	char uuid[37];
	int verdict, ret;

	if (!expect)
		return usage_error(app, "what do you expect it to be? pnvme drive accept %s",
				   app->command->args);
	verdict = pnvme_verdict_parse(expect);
	if (verdict < 0)
		return usage_error(app, "\"%.60s\" is no verdict; pnvme status shows them", expect);
	if (option(app, "identity"))
		flags |= PNVME_IDENTITY;
	ret = pnvme_drive_accept(app->h, app->argv[0], (enum pnvme_verdict)verdict, flags, &d);
	if (ret)
		return report(app, ret);
	remarks(app);
	out_drive(app, d);
	pnvme_uuid_format(d->uuid, uuid);
	if (flags & PNVME_IDENTITY)
		say(app, "/dev/%s is drive %s, with its new hardware ID, and attached", d->name, uuid);
	else
		say(app, "/dev/%s is recorded as drive %s, as it is now", d->name, uuid);
	pnvme_drive_free(d);
	return EXIT_DONE;
}
