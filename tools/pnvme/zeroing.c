// SPDX-License-Identifier: GPL-2.0
/* Sizes for namespaces, and the wait while space is zeroed. */
#include <errno.h>

#include "app.h"

#define MIB		(1ULL << 20)
/* How long udev may take for a link; the answer comes with a remark after that. */
#define SETTLE_MS	30000

static int cancelled(struct app *app, const struct pnvme_namespace *ns, bool cancel)
{
	int ret;

	if (!cancel)
		return report_text(app, EXIT_PARTLY, "EINTR", ns->name, "pnvme ns show",
				   "interrupted; %s goes on growing in the background", ns->name);
	ret = pnvme_namespace_delete(app->h, ns->uuid, 0);
	if (ret)
		return report(app, ret);
	return report_text(app, EXIT_FAILED, "EINTR", ns->name, NULL,
			   "interrupted; %s was not created", ns->name);
}

void settle(struct app *app, const struct pnvme_namespace *ns)
{
	if (pnvme_namespace_settle(app->h, ns, SETTLE_MS))
		remark(app, "%s", pnvme_error(app->h));
}

int wait_zeroed(struct app *app, struct pnvme_namespace **ns, bool cancel)
{
	struct pnvme_namespace *after = NULL;
	struct progress p = { .app = app, .what = "zeroing", .in_bytes = true };
	int ret;

	if ((*ns)->state != PNVME_NS_STATUS_ZEROING && !(*ns)->pending_size) {
		settle(app, *ns);
		return EXIT_DONE;
	}
	progress_begin(&p);
	ret = pnvme_namespace_wait(app->h, (*ns)->uuid, progress_draw, &p, &after);
	progress_end(&p);
	if (ret == -EINTR)
		return cancelled(app, *ns, cancel);
	if (ret)
		return report(app, ret);
	remarks(app);
	pnvme_namespace_free(*ns);
	*ns = after;
	settle(app, after);
	return EXIT_DONE;
}

int size_argument(struct app *app, const char *s, uint64_t *bytes, unsigned int *percent)
{
	uint64_t rounded;
	int ret = pnvme_size_parse(s, bytes, percent);

	if (ret == -ERANGE)
		return usage_error(app, "the size %s is too large", s);
	if (ret)
		return usage_error(app,
				   "\"%.60s\" is no size: write 500G, 1.5T (1024), 500GB (1000) or 1%% to 100%%",
				   s);
	if (*percent)
		return EXIT_DONE;
	if (!*bytes)
		return usage_error(app, "a size of 0 makes no namespace");
	if (*bytes > UINT64_MAX - MIB)
		return usage_error(app, "the size %s is too large", s);
	rounded = (*bytes + MIB - 1) / MIB * MIB;
	if (rounded != *bytes)
		remark(app, "%s is rounded up to %llu MiB", s,
		       (unsigned long long)(rounded / MIB));
	*bytes = rounded;
	return EXIT_DONE;
}
