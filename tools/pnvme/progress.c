// SPDX-License-Identifier: GPL-2.0
/* What takes long: a bar on a terminal, and the end of it by a signal. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app.h"

#define BAR 40

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

void progress_begin(struct progress *p)
{
	struct sigaction sa = { .sa_handler = on_signal };

	interrupted = 0;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, &p->old[0]);
	sigaction(SIGTERM, &sa, &p->old[1]);
}

void progress_end(struct progress *p)
{
	sigaction(SIGINT, &p->old[0], NULL);
	sigaction(SIGTERM, &p->old[1], NULL);
	if (p->shown)
		fputs("\r\033[K", stderr);
}

int progress_draw(void *arg, uint64_t done, uint64_t total)
{
	struct progress *p = arg;
	char a[SIZE_TEXT], z[SIZE_TEXT], fill[BAR + 1];
	unsigned int n;

	if (p->app->json || !isatty(STDERR_FILENO) || !total)
		return interrupted;
	n = (unsigned int)((double)done / (double)total * BAR);
	memset(fill, ' ', BAR);
	memset(fill, '#', n > BAR ? BAR : n);
	fill[BAR] = '\0';
	if (p->in_bytes)
		fprintf(stderr, "\r%s [%s] %s of %s  ", p->what, fill,
			size_text(p->app, done, a), size_text(p->app, total, z));
	else
		fprintf(stderr, "\r%s [%s] %u %%  ", p->what, fill,
			(unsigned int)((double)done / (double)total * 100));
	p->shown = true;
	return interrupted;
}
