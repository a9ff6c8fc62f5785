// SPDX-License-Identifier: GPL-2.0
/* pnvme drive show */
#include <string.h>

#include "app.h"

static bool is_adopted(const struct pnvme_drive *d)
{
	return d->labelled || d->recorded;
}

static void out_namespaces_of(struct app *app, const struct pnvme_inventory *inv,
			      const struct pnvme_drive *d)
{
	size_t i;

	for (i = 0; i < inv->n_namespaces; i++)
		if (!memcmp(inv->namespaces[i]->drive, d->uuid, 16))
			out_namespace(app, inv->namespaces[i]);
}

static int show_one(struct app *app, const struct pnvme_inventory *inv)
{
	struct pnvme_drive *d;
	int ret = EXIT_DONE;

	d = drive_argument(app, inv, app->argv[0], &ret);
	if (!d)
		return ret;
	out_drive(app, d);
	out_namespaces_of(app, inv, d);
	if (!app->json)
		show_drive(app, d);
	return EXIT_DONE;
}

static int show_all(struct app *app, const struct pnvme_inventory *inv)
{
	size_t i;

	for (i = 0; i < inv->n_drives; i++) {
		if (!is_adopted(inv->drives[i]))
			continue;
		out_drive(app, inv->drives[i]);
		out_namespaces_of(app, inv, inv->drives[i]);
	}
	if (!app->json)
		show_drives(app, inv, is_adopted, "No drive is adopted.");
	return EXIT_DONE;
}

int cmd_drive_show(struct app *app)
{
	struct pnvme_inventory *inv;
	int ret = pnvme_inventory_get(app->h, PNVME_LOOK_ALL & ~PNVME_LOOK_OPTIONAL, &inv);

	if (ret)
		return report(app, ret);
	remarks(app);
	ret = app->argc ? show_one(app, inv) : show_all(app, inv);
	pnvme_inventory_free(inv);
	return ret;
}
