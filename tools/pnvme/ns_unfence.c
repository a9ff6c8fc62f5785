// SPDX-License-Identifier: GPL-2.0
/* pnvme ns unfence */
#include "app.h"

int cmd_ns_unfence(struct app *app)
{
	struct pnvme_inventory *inv;
	struct pnvme_namespace *ns, *now = NULL;
	int ret, err;

	/* the record may lie on the very drive that is held: reading it would hang */
	ret = pnvme_inventory_get(app->h, PNVME_LOOK_MODULE, &inv);
	if (ret)
		return report(app, ret);
	ns = ns_argument(app, inv, app->argv[0], &ret);
	if (ns) {
		err = pnvme_namespace_unfence(app->h, ns->uuid, check_flag(app), &now);
		if (err) {
			ret = report(app, err);
		} else {
			remarks(app);
			out_namespace(app, now);
			say(app, "%s is unfenced: its flushes succeed again", ns->name);
		}
		pnvme_namespace_free(now);
	}
	pnvme_inventory_free(inv);
	return ret;
}
