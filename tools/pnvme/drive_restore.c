// SPDX-License-Identifier: GPL-2.0
/* pnvme drive restore */
#include "app.h"

static int restore_label(struct app *app, uint64_t sequence)
{
	struct pnvme_drive *d;
	uint8_t uuid[16];
	int ret;

	if (pnvme_uuid_parse(app->argv[0], uuid))
		return usage_error(app, "\"%.60s\" is no UUID; pnvme status shows those of lost drives",
				   app->argv[0]);
	ret = pnvme_drive_restore(app->h, uuid, app->argv[1], sequence, option(app, "overwrite"),
				  check_flag(app), &d);
	if (ret)
		return report(app, ret);
	remarks(app);
	out_drive(app, d);
	say(app, "/dev/%s has its label again%s, %u namespace%s; check what is in them", d->name,
	    app->dry_run ? "" : " and is attached", d->namespaces, d->namespaces == 1 ? "" : "s");
	pnvme_drive_free(d);
	return EXIT_DONE;
}

static void tell(struct app *app, const struct pnvme_inventory *back)
{
	char size[SIZE_TEXT];
	size_t i;

	for (i = 0; i < back->n_namespaces; i++) {
		out_namespace(app, back->namespaces[i]);
		say(app, "%s is back, with its data, %s", back->namespaces[i]->name,
		    size_text(app, back->namespaces[i]->size, size));
	}
}

static int restore_namespaces(struct app *app, uint64_t sequence)
{
	struct pnvme_inventory *inv, *back = NULL;
	struct pnvme_drive *d;
	int ret, err;

	if (option(app, "overwrite"))
		return usage_error(app, "--overwrite is for a drive without a label: pnvme drive restore UUID DEV");
	ret = served(app, &inv);
	if (ret)
		return ret;
	d = drive_argument(app, inv, app->argv[0], &ret);
	if (d) {
		err = pnvme_drive_undelete(app->h, d->uuid, sequence, check_flag(app), &back);
		ret = err ? report(app, err) : EXIT_DONE;
		if (!err)
			remarks(app);
		if (back)
			tell(app, back);
		pnvme_inventory_free(back);
	}
	pnvme_inventory_free(inv);
	return ret;
}

int cmd_drive_restore(struct app *app)
{
	uint64_t sequence;
	int ret = number_option(app, "sequence", UINT64_MAX, &sequence);

	if (ret)
		return ret;
	return app->argc == 2 ? restore_label(app, sequence) : restore_namespaces(app, sequence);
}
