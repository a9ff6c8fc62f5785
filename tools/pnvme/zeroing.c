// SPDX-License-Identifier: GPL-2.0
/* Sizes for namespaces, and the wait while space is zeroed. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app.h"

#define MIB		(1ULL << 20)
#define BAR		40
/* How long udev may take for a link; the answer comes with a remark after that. */
#define SETTLE_MS	30000

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void catch_signals(struct sigaction old[2])
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, &old[0]);
	sigaction(SIGTERM, &sa, &old[1]);
}

static void restore_signals(const struct sigaction old[2])
{
	sigaction(SIGINT, &old[0], NULL);
	sigaction(SIGTERM, &old[1], NULL);
}

struct bar {
	struct app	*app;
	bool		shown;
};

static int draw(void *arg, uint64_t done, uint64_t total)
{
	struct bar *b = arg;
	char a[SIZE_TEXT], z[SIZE_TEXT], fill[BAR + 1];
	unsigned int n;

	if (b->app->json || !isatty(STDERR_FILENO) || !total)
		return interrupted;
	n = (unsigned int)((double)done / (double)total * BAR);
	memset(fill, ' ', BAR);
	memset(fill, '#', n > BAR ? BAR : n);
	fill[BAR] = '\0';
	fprintf(stderr, "\rzeroing [%s] %s of %s  ", fill, size_text(b->app, done, a),
		size_text(b->app, total, z));
	b->shown = true;
	return interrupted;
}

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
	struct bar bar = { .app = app };
	struct sigaction old[2];
	int ret;

	if ((*ns)->state != PNVME_NS_STATUS_ZEROING && !(*ns)->pending_size) {
		settle(app, *ns);
		return EXIT_DONE;
	}
	catch_signals(old);
	ret = pnvme_namespace_wait(app->h, (*ns)->uuid, draw, &bar, &after);
	restore_signals(old);
	if (bar.shown)
		fputs("\r\033[K", stderr);
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
