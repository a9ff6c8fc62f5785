// SPDX-License-Identifier: GPL-2.0
/* pnvme ns rename */
#include "app.h"

static int rename_ns(struct app *app, const struct pnvme_namespace *ns)
{
	struct pnvme_namespace *after;
	int ret;

	ret = pnvme_namespace_rename(app->h, ns->uuid, app->argv[1], check_flag(app), &after);
	if (ret)
		return report(app, ret);
	remarks(app);
	if (!app->dry_run)
		settle(app, after);
	out_namespace(app, after);
	say(app, "%s is now %s", ns->name, app->argv[1]);
	pnvme_namespace_free(after);
	return EXIT_DONE;
}

int cmd_ns_rename(struct app *app)
{
	struct pnvme_inventory *inv;
	struct pnvme_namespace *ns;
	int ret;

	ret = new_name(app, app->argv[1]);
	if (!ret)
		ret = served(app, &inv);
	if (ret)
		return ret;
	ns = ns_argument(app, inv, app->argv[0], &ret);
	if (ns)
		ret = rename_ns(app, ns);
	pnvme_inventory_free(inv);
	return ret;
}
