// SPDX-License-Identifier: GPL-2.0
/* pnvme drive adopt */
#include "app.h"

static void tell(struct app *app, const struct pnvme_drive *d)
{
	char uuid[37], size[SIZE_TEXT];

	pnvme_uuid_format(d->uuid, uuid);
	say(app, "/dev/%s is now pnvme%d (%s), %s for namespaces", d->name, d->instance, uuid,
	    size_text(app, d->size, size));
	say(app, "next: pnvme ns create pnvme%d NAME SIZE", d->instance);
}

int cmd_drive_adopt(struct app *app)
{
	unsigned int flags = check_flag(app);
	struct pnvme_drive *d;
	int ret;

	if (option(app, "any"))
		flags |= PNVME_ANY;
	ret = pnvme_drive_adopt(app->h, app->argv[0], option(app, "overwrite"), flags, &d);
	if (ret)
		return report(app, ret);
	remarks(app);
	out_drive(app, d);
	tell(app, d);
	pnvme_drive_free(d);
	return EXIT_DONE;
}
