// SPDX-License-Identifier: GPL-2.0
/* pnvme ns set */
#include <string.h>

#include "app.h"

struct wanted {
	int read_only;
	int policy;
};

static int parse_setting(struct app *app, struct wanted *w, const char *text)
{
	if (!strcmp(text, "read-only=on") || !strcmp(text, "read-only=off")) {
		w->read_only = !strcmp(text, "read-only=on");
		return EXIT_DONE;
	}
	if (!strncmp(text, "read-only=", 10))
		return usage_error(app, "read-only takes on or off");
	if (!strncmp(text, "policy=", 7)) {
		w->policy = pnvme_policy_parse(text + 7);
		return w->policy >= 0 ? EXIT_DONE :
		       usage_error(app, "policy takes read, data or admin");
	}
	return usage_error(app, "a namespace has no setting \"%.60s\"; see \"pnvme help ns set\"", text);
}

static int apply(struct app *app, const struct pnvme_namespace *ns, const struct wanted *w)
{
	struct pnvme_namespace *after;
	int ret;

	ret = pnvme_namespace_set(app->h, ns->uuid, w->read_only, w->policy, check_flag(app),
				  &after);
	if (ret)
		return report(app, ret);
	remarks(app);
	out_namespace(app, after);
	say(app, "%s is changed", ns->name);
	pnvme_namespace_free(after);
	return EXIT_DONE;
}

int cmd_ns_set(struct app *app)
{
	struct wanted w = { .read_only = -1, .policy = -1 };
	struct pnvme_inventory *inv;
	struct pnvme_namespace *ns;
	int i, ret;

	for (i = 1; i < app->argc; i++) {
		ret = parse_setting(app, &w, app->argv[i]);
		if (ret)
			return ret;
	}
	ret = served(app, &inv);
	if (ret)
		return ret;
	ns = ns_argument(app, inv, app->argv[0], &ret);
	if (ns)
		ret = apply(app, ns, &w);
	pnvme_inventory_free(inv);
	return ret;
}
