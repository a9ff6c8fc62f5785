// SPDX-License-Identifier: GPL-2.0
/* pnvme ns show */
#include "app.h"

static int show_one(struct app *app, const struct pnvme_inventory *inv)
{
	struct pnvme_namespace *ns;
	int ret = EXIT_DONE;

	ns = ns_argument(app, inv, app->argv[0], &ret);
	if (!ns)
		return ret;
	out_namespace(app, ns);
	if (!app->json)
		show_namespace(app, ns, inv);
	return EXIT_DONE;
}

static int show_all(struct app *app, const struct pnvme_inventory *inv)
{
	size_t i;

	for (i = 0; i < inv->n_namespaces; i++)
		out_namespace(app, inv->namespaces[i]);
	if (!app->json)
		show_namespaces(app, inv);
	return EXIT_DONE;
}

int cmd_ns_show(struct app *app)
{
	struct pnvme_inventory *inv;
	int ret;

	ret = pnvme_inventory_get(app->h, PNVME_LOOK_MODULE | PNVME_LOOK_BUS | PNVME_LOOK_RECORD,
				  &inv);
	if (ret)
		return report(app, ret);
	remarks(app);
	ret = app->argc ? show_one(app, inv) : show_all(app, inv);
	pnvme_inventory_free(inv);
	return ret;
}
