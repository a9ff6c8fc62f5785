// SPDX-License-Identifier: GPL-2.0
/* pnvme ns delete */
#include "app.h"

int cmd_ns_delete(struct app *app)
{
	struct pnvme_inventory *inv;
	struct pnvme_namespace *ns;
	int ret, err;

	ret = served(app, &inv);
	if (ret)
		return ret;
	ns = ns_argument(app, inv, app->argv[0], &ret);
	if (ns) {
		err = pnvme_namespace_delete(app->h, ns->uuid, check_flag(app));
		if (err) {
			ret = report(app, err);
		} else {
			remarks(app);
			out_namespace(app, ns);
			say(app, "%s is deleted", ns->name);
		}
	}
	pnvme_inventory_free(inv);
	return ret;
}
