/* SPDX-License-Identifier: GPL-2.0 */
/* Reading the labels of all disks, for the files that look for drives. */
#ifndef PNVME_LOOKS_H
#define PNVME_LOOKS_H

#include "internal.h"

struct look;

/* Is it to be read? Called in several threads: changes nothing, and takes no handle. */
typedef bool (*look_wanted_fn)(const struct disk *k, const void *arg);
/* One that was read, or could not be. Not 0 ends it. */
typedef int (*look_found_fn)(struct pnvme *h, struct look *l);

/**
 * struct look - one disk
 * @name: of it
 * @h: for its messages alone
 * @wanted: is it to be read?
 * @arg: of the caller
 * @disk: what sysfs says
 * @read: it was to be read; else nothing below counts
 * @unopened: errno of what could not be opened, or 0
 * @fd: open for reading, or -1
 * @ret: of reading @labels
 * @labels: the copies, if @unopened and @ret are 0
 */
struct look {
	const char	*name;
	struct pnvme	*h;
	look_wanted_fn	wanted;
	void		*arg;
	struct disk	disk;
	bool		read;
	int		unopened;
	int		fd;
	int		ret;
	struct labels	labels;
};

/*
 * All whole disks that may be drives, but ours, in the order of their names. Where one
 * could not be read, the handle of @found has the message.
 */
int looks(struct pnvme *h, look_wanted_fn wanted, look_found_fn found, void *arg);

#endif
