// SPDX-License-Identifier: GPL-2.0
/* Accept: an operator says that what is seen of a drive is right, and it becomes the record's. */
#include <stdlib.h>

#include "archive.h"
#include "lower.h"

static void name_of(const struct pnvme_drive *d, char out[80])
{
	char uuid[37];

	pnvme_uuid_format(d->uuid, uuid);
	if (d->name[0])
		put_text(out, 80, "/dev/%s", d->name);
	else
		put_text(out, 80, "drive %s", uuid);
}

/* Namespaces of a drive, borrowed from @inv. */
static int record_what_is(struct pnvme *h, const struct pnvme_inventory *inv,
			  const struct pnvme_drive *d)
{
	struct pnvme_inventory of = { 0 };
	size_t i;
	int ret;

	of.namespaces = calloc(inv->n_namespaces + 1, sizeof(struct pnvme_namespace *));
	if (!of.namespaces)
		return fail_nomem(h);
	for (i = 0; i < inv->n_namespaces; i++)
		if (!memcmp(inv->namespaces[i]->drive, d->uuid, 16))
			of.namespaces[of.n_namespaces++] = inv->namespaces[i];
	ret = record_put(h, d, &of, d->verdict == PNVME_VERDICT_STALE);
	free(of.namespaces);
	return ret;
}

static int accept_label(struct pnvme *h, const struct pnvme_inventory *inv, struct pnvme_drive *d,
			unsigned int flags)
{
	struct disk k;
	int ret;

	if (all_zero(d->owner, 16))
		return fail(h, -EINVAL, d->name,
			    "/dev/%s has no owner, it was released; attach it to make it this host's",
			    d->name);
	if (flags & PNVME_CHECK)
		return 0;
	if (!d->attached && !disk_read(d->name, &k))
		archive_disk(h, &k, flags);
	ret = record_what_is(h, inv, d);
	if (!ret) {
		d->verdict = PNVME_VERDICT_INTACT;
		d->recorded = true;
	}
	return ret;
}

/* One that carries the same label is here: which of them is the copy is not for us to say. */
static bool has_twin(const struct pnvme_inventory *inv, const struct pnvme_drive *d)
{
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		if (inv->drives[i] != d && inv->drives[i]->labelled &&
		    !memcmp(inv->drives[i]->uuid, d->uuid, 16))
			return true;
	return false;
}

static int accept_identity(struct pnvme *h, const struct pnvme_inventory *inv,
			   const struct pnvme_drive *d, unsigned int flags,
			   struct pnvme_drive **out)
{
	struct disk k;
	int ret;

	if (!(flags & PNVME_IDENTITY)) {
		fail(h, -EINVAL, d->name,
		     "/dev/%s is a copy of another drive's label, or the same drive whose hardware ID has changed; only you can tell which",
		     d->name);
		set_hint(h, "if it is the same drive: --identity; if it is a copy: pnvme drive examine /dev/%s",
			 d->name);
		return -EINVAL;
	}
	if (has_twin(inv, d))
		return fail(h, -ENOTUNIQ, d->name,
			    "another drive here carries the same label as /dev/%s: take one of them out, or erase the copy",
			    d->name);
	if (disk_read(d->name, &k) || k.diskseq != d->diskseq)
		return fail(h, -ESTALE, d->name, "/dev/%s has become another device meanwhile; try again",
			    d->name);
	if (flags & PNVME_CHECK)
		return disk_attach(h, &k, flags, out);
	/* a refusal leaves the archive as it is */
	ret = disk_attach(h, &k, flags | PNVME_CHECK, NULL);
	if (ret)
		return ret;
	archive_disk(h, &k, flags);
	return disk_attach(h, &k, flags, out);
}

/* What an operator cannot accept, but do something about. */
static int refuse(struct pnvme *h, const struct pnvme_drive *d)
{
	char name[80];

	name_of(d, name);
	if (d->verdict == PNVME_VERDICT_INTACT)
		fail(h, -EINVAL, name, "%s is intact: there is nothing to accept", name);
	else
		fail(h, -EINVAL, name, "%s is %s, which cannot be accepted: %s", name,
		     pnvme_verdict_name(d->verdict), d->evidence);
	if (d->next[0])
		set_hint(h, "%s", d->next);
	return -EINVAL;
}

static int accept(struct pnvme *h, const struct pnvme_inventory *inv, struct pnvme_drive *d,
		  enum pnvme_verdict expect, unsigned int flags, struct pnvme_drive **out)
{
	char name[80];
	int ret;

	if (d->verdict != expect) {
		name_of(d, name);
		fail(h, -ESTALE, name, "%s is %s, not %s: %s", name, pnvme_verdict_name(d->verdict),
		     pnvme_verdict_name(expect), d->evidence);
		return -ESTALE;
	}
	if (flags & PNVME_IDENTITY && expect != PNVME_VERDICT_CLONED)
		return fail(h, -EINVAL, d->name,
			    "only a drive that is cloned can be given another identity, and this one is %s",
			    pnvme_verdict_name(expect));
	switch (expect) {
	case PNVME_VERDICT_STALE:
	case PNVME_VERDICT_UNRECORDED:
		ret = accept_label(h, inv, d, flags);
		return ret ? ret : drive_hand_on(h, d, out);
	case PNVME_VERDICT_CLONED:
		return accept_identity(h, inv, d, flags, out);
	default:
		return refuse(h, d);
	}
}

API int pnvme_drive_accept(struct pnvme *h, const char *drive, enum pnvme_verdict expect,
			   unsigned int flags, struct pnvme_drive **out)
{
	struct pnvme_inventory *inv;
	int i, ret;

	enter(h);
	ret = pnvme_inventory_get(h, PNVME_LOOK_ALL, &inv);
	if (ret)
		return leave(h, ret);
	i = pnvme_find_drive(h, inv, drive);
	ret = i < 0 ? i : accept(h, inv, inv->drives[i], expect, flags, out);
	pnvme_inventory_free(inv);
	return leave(h, ret);
}
