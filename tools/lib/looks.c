// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the labels of all disks that may be drives, many at a time. What was read is
 * handed on one after the other, in the order of the names.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "looks.h"

static void read_one(void *item)
{
	struct look *l = item;
	int ret;

	l->fd = -1;
	if (disk_read(l->name, &l->disk) || l->disk.own || l->disk.hidden || !l->disk.capacity ||
	    !l->wanted(&l->disk, l->arg))
		return;
	l->read = true;
	ret = disk_open(l->h, &l->disk, O_RDONLY);
	if (ret < 0) {
		l->unopened = ret;
		return;
	}
	l->fd = ret;
	l->ret = labels_read(l->h, l->disk.path, l->fd, l->disk.capacity, &l->labels);
}

static void done_with(struct pnvme *h, struct look *l)
{
	if (l->read && !l->unopened && !l->ret)
		labels_free(&l->labels);
	if (l->fd >= 0)
		close(l->fd);
	handle_merge(h, l->h);
}

static int hand_on(struct pnvme *h, struct look *l, int (*found)(struct pnvme *h, struct look *l))
{
	if (!l->read)
		return 0;
	if (l->unopened || l->ret)
		h->failed = l->h->failed;
	return found(h, l);
}

/* A part of the names at a time: labels take memory. */
static int look_at_some(struct pnvme *h, char **names, size_t n, look_wanted_fn wanted,
			look_found_fn found, void *arg)
{
	struct look *looks = calloc(n, sizeof(*looks));
	size_t i, made = 0;
	int ret = 0;

	if (!looks)
		return fail_nomem(h);
	while (made < n && (looks[made].h = handle_like(h))) {
		looks[made].name = names[made];
		looks[made].wanted = wanted;
		looks[made].arg = arg;
		made++;
	}
	if (made == n)
		parallel(read_one, looks, sizeof(*looks), n);
	else
		ret = -ENOMEM;
	for (i = 0; i < made; i++) {
		if (made < n)
			looks[i].fd = -1;
		else if (!ret)
			ret = hand_on(h, &looks[i], found);
		done_with(h, &looks[i]);
	}
	free(looks);
	return ret;
}

int looks(struct pnvme *h, look_wanted_fn wanted, look_found_fn found, void *arg)
{
	size_t i, n, some;
	char **names;
	int ret;

	ret = disk_names(h, &names, &n);
	for (i = 0; !ret && i < n; i += some) {
		some = n - i < PARALLEL_MAX ? n - i : PARALLEL_MAX;
		ret = look_at_some(h, names + i, some, wanted, found, arg);
	}
	if (n)
		disk_names_free(names, n);
	return ret;
}
