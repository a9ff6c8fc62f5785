// SPDX-License-Identifier: GPL-2.0
/*
 * The same for many drives at once. What takes time is waiting for drives, not computing:
 * so there are as many threads as drives, and no more than serve them all in a few rounds.
 */
#include <signal.h>

#include "internal.h"

/**
 * struct work - what the threads share
 * @fn: for each item
 * @items: array
 * @size: of an item
 * @n: how many
 * @next: the first that nobody has taken yet
 */
struct work {
	void	(*fn)(void *item);
	char	*items;
	size_t	size;
	size_t	n;
	size_t	next;
};

static void *work_off(void *arg)
{
	struct work *w = arg;
	size_t i;

	while ((i = __atomic_fetch_add(&w->next, 1, __ATOMIC_RELAXED)) < w->n)
		w->fn(w->items + i * w->size);
	return NULL;
}

void parallel(void (*fn)(void *item), void *items, size_t size, size_t n)
{
	struct work w = { .fn = fn, .items = items, .size = size, .n = n };
	pthread_t threads[PARALLEL_MAX];
	size_t i, started = 0;
	sigset_t all, old;

	/* signals are the caller's business, in threads that it knows */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	/* where no thread is to be had, those that are there do it, at least this one */
	while (started + 1 < n && started + 1 < PARALLEL_MAX &&
	       !pthread_create(&threads[started], NULL, work_off, &w))
		started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	work_off(&w);
	for (i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

struct pnvme *handle_like(struct pnvme *h)
{
	struct pnvme *own = pnvme_new();

	if (!own) {
		fail_nomem(h);
		return NULL;
	}
	memcpy(own->host, h->host, sizeof(own->host));
	own->host_source = h->host_source;
	own->family = h->family;
	own->group = h->group;
	return own;
}

void handle_merge(struct pnvme *h, struct pnvme *own)
{
	size_t i;

	for (i = 0; own && i < own->n_notes; i++)
		note(h, "%s", own->notes[i]);
	pnvme_free(own);
}
