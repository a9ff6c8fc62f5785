// SPDX-License-Identifier: GPL-2.0
/* pnvme ns create */
#include <stdio.h>

#include "app.h"

#define MIB (1ULL << 20)

static void tell(struct app *app, const struct pnvme_namespace *ns)
{
	char size[SIZE_TEXT], path[96];

	out_namespace(app, ns);
	ns_path(ns, path, sizeof(path));
	say(app, "%s is created: %s, %s", ns->name, path, size_text(app, ns->size, size));
}

static int create(struct app *app, const struct pnvme_drive *d, uint64_t bytes)
{
	unsigned int flags = check_flag(app) | (option(app, "keep-data") ? PNVME_KEEP_DATA : 0);
	struct pnvme_namespace *ns;
	int ret;

	ret = pnvme_namespace_create(app->h, d->uuid, app->argv[1], bytes, flags, &ns);
	if (ret)
		return report(app, ret);
	remarks(app);
	ret = app->dry_run ? EXIT_DONE : wait_zeroed(app, &ns, true);
	if (!ret)
		tell(app, ns);
	pnvme_namespace_free(ns);
	return ret;
}

int cmd_ns_create(struct app *app)
{
	struct pnvme_inventory *inv;
	struct pnvme_drive *d;
	unsigned int percent;
	uint64_t bytes;
	int ret;

	ret = new_name(app, app->argv[1]);
	if (!ret)
		ret = size_argument(app, app->argv[2], &bytes, &percent);
	if (!ret)
		ret = served(app, &inv);
	if (ret)
		return ret;
	d = drive_argument(app, inv, app->argv[0], &ret);
	if (d) {
		if (percent && percent < 100)
			bytes = d->size / MIB * percent / 100 * MIB;
		if (percent && percent < 100 && !bytes)
			ret = usage_error(app, "%s of this drive is less than 1 MiB", app->argv[2]);
		else
			ret = create(app, d, bytes);
	}
	pnvme_inventory_free(inv);
	return ret;
}
