// SPDX-License-Identifier: GPL-2.0
/* pnvme ns seal */
#include "app.h"

static void tell(struct app *app, const struct pnvme_namespace *ns)
{
	unsigned long long looked = ns->seal_looked;

	if (app->dry_run)
		say(app, "%s could be sealed", ns->name);
	else if (looked == ns->size / 4096)
		say(app, "%s is sealed: all %u data blocks of its %llu were sampled", ns->name,
		    ns->seal_samples, looked);
	else
		say(app, "%s is sealed: %u data blocks were sampled; of %llu that were looked at, %.3g %% hold data",
		    ns->name, ns->seal_samples, looked, 100.0 * ns->seal_samples / looked);
}

static int seal(struct app *app, const struct pnvme_namespace *ns, uint32_t samples)
{
	struct progress p = { .app = app, .what = "sampling" };
	struct pnvme_namespace *now = NULL;
	int ret;

	progress_begin(&p);
	ret = pnvme_namespace_seal(app->h, ns->uuid, samples, check_flag(app), progress_draw, &p,
				   &now);
	progress_end(&p);
	if (ret)
		return report(app, ret);
	remarks(app);
	out_namespace(app, now);
	tell(app, now);
	pnvme_namespace_free(now);
	return EXIT_DONE;
}

int cmd_ns_seal(struct app *app)
{
	struct pnvme_inventory *inv;
	struct pnvme_namespace *ns;
	uint64_t samples;
	int ret;

	ret = number_option(app, "samples", 1U << 20, &samples);
	if (ret)
		return ret;
	ret = served(app, &inv);
	if (ret)
		return ret;
	ns = ns_argument(app, inv, app->argv[0], &ret);
	if (ns)
		ret = seal(app, ns, (uint32_t)samples);
	pnvme_inventory_free(inv);
	return ret;
}
