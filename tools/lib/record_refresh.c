// SPDX-License-Identifier: GPL-2.0
/* Entries of attached drives, brought up to date: what the module says, and their labels. */
#include <stdlib.h>

#include "archive.h"
#include "record_priv.h"

/**
 * struct refresh - an entry that is brought up to date
 * @h: a handle of its own, for the archive
 * @drive: what the module says
 */
struct refresh {
	struct pnvme		*h;
	struct pnvme_drive	drive;
};

static void keep_one(void *item)
{
	struct refresh *f = item;

	archive_after(f->h, &f->drive);
	record_progress();
}

/* What the module says now, into the entry of a drive. @stale: and that is accepted. */
static int refresh_entry(struct pnvme *h, struct record *r, const uint8_t uuid[16], bool stale,
			 struct pnvme_drive *d)
{
	struct pnvme_inventory *inv = inventory_new();
	int ret;

	if (!inv)
		return -ENOMEM;
	drive_init(d);
	ret = kernel_drive(h, uuid, d);
	if (!ret)
		ret = kernel_namespaces(h, uuid, inv);
	if (!ret)
		ret = record_set_entry(r, d, inv, stale && d->read_only);
	pnvme_inventory_free(inv);
	return ret;
}

/* @list: room for @n. One that went meanwhile is left out, unless it is the only one. */
static int refresh_entries(struct pnvme *h, struct record *r, const uint8_t *const *uuids,
			   size_t n, bool stale, struct refresh *list, size_t *done)
{
	size_t i;
	int ret;

	for (i = 0; i < n; i++) {
		record_progress();
		ret = refresh_entry(h, r, uuids[i], stale, &list[*done].drive);
		if (ret == -ENOENT && n > 1)
			continue;
		if (!ret && !(list[*done].h = handle_like(h)))
			ret = -ENOMEM;
		if (ret)
			return ret;
		(*done)++;
	}
	return 0;
}

/* The archive reads each label: of all drives at once. */
int record_refresh_all(struct pnvme *h, struct record *r, const uint8_t *const *uuids, size_t n,
		       bool stale)
{
	struct refresh *list = calloc(n + 1, sizeof(*list));
	size_t i, done = 0;
	int ret;

	if (!list)
		return -ENOMEM;
	ret = refresh_entries(h, r, uuids, n, stale, list, &done);
	parallel(keep_one, list, sizeof(*list), done);
	for (i = 0; i < done; i++)
		handle_merge(h, list[i].h);
	free(list);
	return ret;
}

/* There was no record: what is attached was known. One that goes meanwhile is not. */
int record_refresh_attached(struct pnvme *h, struct record *r)
{
	struct pnvme_inventory *inv = inventory_new();
	const uint8_t **uuids = NULL;
	size_t i;
	int ret;

	if (!inv)
		return -ENOMEM;
	ret = kernel_drives(h, inv);
	if (!ret) {
		uuids = calloc(inv->n_drives + 1, sizeof(*uuids));
		ret = uuids ? 0 : -ENOMEM;
	}
	for (i = 0; !ret && i < inv->n_drives; i++)
		uuids[i] = inv->drives[i]->uuid;
	if (!ret)
		ret = record_refresh_all(h, r, uuids, inv->n_drives, false);
	free(uuids);
	pnvme_inventory_free(inv);
	return ret == -ENOENT ? 0 : ret;
}
