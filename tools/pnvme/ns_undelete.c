// SPDX-License-Identifier: GPL-2.0
/* pnvme ns undelete */
#include "app.h"

int cmd_ns_undelete(struct app *app)
{
	const char *as = option(app, "as");
	char size[SIZE_TEXT], path[96];
	struct pnvme_namespace *ns;
	int ret;

	ret = as ? new_name(app, as) : EXIT_DONE;
	if (ret)
		return ret;
	ret = pnvme_namespace_undelete(app->h, app->argv[0], as, check_flag(app), &ns);
	if (ret)
		return report(app, ret);
	remarks(app);
	if (!app->dry_run)
		settle(app, ns);
	out_namespace(app, ns);
	ns_path(ns, path, sizeof(path));
	say(app, "%s is back, with its data: %s, %s", ns->name, path,
	    size_text(app, ns->size, size));
	pnvme_namespace_free(ns);
	return EXIT_DONE;
}
