// SPDX-License-Identifier: GPL-2.0
/* pnvme ns verify */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

static bool all_match(const struct pnvme_verified *v)
{
	return !v->broken && v->matched == v->samples;
}

/* Two digits, rounded up: what is promised must be true. */
static void percent_text(double part, char *out, size_t n)
{
	double percent = part * 100, unit = pow(10, floor(log10(percent)) - 1);

	snprintf(out, n, "%.*g", 2, ceil(percent / unit - 1e-9) * unit);
}

static const char *result(const struct pnvme_verified *v)
{
	if (v->broken)
		return "broken";
	return all_match(v) ? "match" : "differs";
}

static void out_verified(struct app *app, const struct pnvme_namespace *ns,
			 const struct pnvme_verified *v)
{
	struct json_object *o = json_object_new_object();
	bool known = !v->broken && (v->counted || all_match(v));

	json_text(o, "name", ns->name);
	json_uuid(o, "uuid", ns->uuid);
	json_text(o, "result", result(v));
	json_set(o, "sealed_at", json_object_new_uint64(v->sealed_at / 1000000000));
	json_set(o, "broken_at", v->broken_at ?
		 json_object_new_uint64(v->broken_at / 1000000000) : NULL);
	json_set(o, "samples", json_object_new_uint64(v->samples));
	json_set(o, "matched", known ? json_object_new_uint64(v->matched) : NULL);
	json_set(o, "unreadable", v->broken ? NULL : json_object_new_uint64(v->unreadable));
	json_set(o, "complete", json_object_new_boolean(v->complete));
	json_set(o, "confidence", all_match(v) && !v->complete ?
		 json_object_new_double(v->confidence) : NULL);
	json_set(o, "changed_below", all_match(v) ? json_object_new_double(v->bound) : NULL);
	json_object_array_add(out_array(app, "verified"), o);
}

static int tell_broken(struct app *app, const struct pnvme_namespace *ns,
		       const struct pnvme_verified *v)
{
	char sealed[32], broken[32];

	time_text(v->sealed_at, sealed, sizeof(sealed));
	time_text(v->broken_at, broken, sizeof(broken));
	return report_text(app, EXIT_OPERATOR, "ESEALBROKEN", ns->name, NULL,
			   "the seal of %s, of %s, was broken by a write or a resize at %s: nothing can be said of its data, and this is no sign of loss; seal it again with pnvme ns seal %s",
			   ns->name, sealed, broken, ns->name);
}

static int tell_match(struct app *app, const struct pnvme_namespace *ns,
		      const struct pnvme_verified *v)
{
	char percent[32];

	if (v->complete) {
		say(app, "%s: all %u data blocks match", ns->name, v->samples);
		return EXIT_DONE;
	}
	percent_text(v->bound, percent, sizeof(percent));
	say(app, "%s: %u of %u match: with %.4g %% confidence fewer than %s %% of the data blocks changed",
	    ns->name, v->matched, v->samples, 100 * v->confidence, percent);
	return EXIT_DONE;
}

static int tell_differs(struct app *app, const struct pnvme_namespace *ns,
			const struct pnvme_verified *v)
{
	char more[96] = "", where[64] = "";

	if (v->unreadable)
		snprintf(more, sizeof(more), ", %u of them cannot be read", v->unreadable);
	if (v->first != UINT64_MAX)
		snprintf(where, sizeof(where), ", the first at byte %llu",
			 (unsigned long long)v->first);
	if (v->counted)
		return report_text(app, EXIT_OPERATOR, "ELOST", ns->name, NULL,
				   "%s has lost data: only %u of %u samples match, though nothing was written since it was sealed; %u differ%s%s: restore it from elsewhere",
				   ns->name, v->matched, v->samples, v->samples - v->matched, more,
				   where);
	if (v->unreadable)
		return report_text(app, EXIT_OPERATOR, "ELOST", ns->name, NULL,
				   "%s has lost data: it cannot be read%s: restore it from elsewhere",
				   ns->name, where);
	return report_text(app, EXIT_OPERATOR, "ELOST", ns->name, NULL,
			   "%s has lost data: of its %u samples not all match, though nothing was written since it was sealed; where they were, %u blocks%s hold data now: restore it from elsewhere",
			   ns->name, v->samples, v->full, v->full > v->samples ? " or more" : "");
}

static int verify(struct app *app, const struct pnvme_namespace *ns)
{
	struct progress p = { .app = app, .what = "verifying" };
	struct pnvme_verified v;
	int ret;

	progress_begin(&p);
	ret = pnvme_namespace_verify(app->h, ns->uuid, progress_draw, &p, &v);
	progress_end(&p);
	if (ret)
		return report(app, ret);
	remarks(app);
	out_namespace(app, ns);
	out_verified(app, ns, &v);
	if (v.broken)
		return tell_broken(app, ns, &v);
	return all_match(&v) ? tell_match(app, ns, &v) : tell_differs(app, ns, &v);
}

int cmd_ns_verify(struct app *app)
{
	struct pnvme_inventory *inv;
	struct pnvme_namespace *ns;
	int ret;

	ret = served(app, &inv);
	if (ret)
		return ret;
	ns = ns_argument(app, inv, app->argv[0], &ret);
	if (ns)
		ret = verify(app, ns);
	pnvme_inventory_free(inv);
	return ret;
}
