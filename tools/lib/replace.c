// SPDX-License-Identifier: GPL-2.0
/* Replace: another drive, empty, with the namespaces and settings that a lost one had. Its data is lost. */
#include <stdlib.h>

#include "archive.h"
#include "lower.h"
#include "policy.h"

static bool is_lost(const struct pnvme_drive *d)
{
	return d->recorded && !d->attached &&
	       (d->verdict == PNVME_VERDICT_MISSING || d->verdict == PNVME_VERDICT_REPLACED ||
		d->verdict == PNVME_VERDICT_WIPED);
}

static uint64_t data_bytes(const struct pnvme_drive *d)
{
	return d->capacity < PNVME_MIN_CAPACITY ? 0 :
	       pnvme_data_end(d->capacity) - PNVME_DATA_START;
}

/* The namespaces of the lost drive, in the order in which they lay, and its last label. */
struct lost {
	uint8_t			uuid[16];
	struct pnvme_namespace	**ns;
	size_t			n;
	uint64_t		bytes;
	bool			has_label;
	struct pnvme_label	label;		/* of the archive */
};

static int by_start(const void *a, const void *b)
{
	const struct pnvme_namespace *x = *(struct pnvme_namespace *const *)a;
	const struct pnvme_namespace *y = *(struct pnvme_namespace *const *)b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int find_lost(struct pnvme *h, const struct pnvme_inventory *inv, const uint8_t uuid[16],
		     struct lost *l)
{
	const struct pnvme_drive *d = inventory_drive(inv, uuid);
	char text[37];
	size_t i;

	pnvme_uuid_format(uuid, text);
	if (!d || !d->recorded)
		return fail(h, -ENOENT, text, "the record knows no drive %s", text);
	if (!is_lost(d)) {
		fail(h, -EBUSY, text, "drive %s is not lost, it is %s: %s", text,
		     d->attached ? pnvme_status_name(d->state) : pnvme_verdict_name(d->verdict),
		     d->evidence);
		set_hint(h, "%s", d->next);
		return -EBUSY;
	}
	if (d->from_roster) {
		fail(h, -ENODATA, text,
		     "drive %s is known from another drive's label only, so its namespaces are not known and cannot be made anew",
		     text);
		set_hint(h, "pnvme drive forget %s", text);
		return -ENODATA;
	}
	memcpy(l->uuid, uuid, 16);
	l->ns = calloc(inv->n_namespaces + 1, sizeof(*l->ns));
	if (!l->ns)
		return fail_nomem(h);
	for (i = 0; i < inv->n_namespaces; i++) {
		if (memcmp(inv->namespaces[i]->drive, uuid, 16))
			continue;
		l->ns[l->n++] = inv->namespaces[i];
		l->bytes += inv->namespaces[i]->size;
	}
	if (l->n)
		qsort(l->ns, l->n, sizeof(*l->ns), by_start);
	l->has_label = !archive_newest(uuid, &l->label);
	return 0;
}

/* One that is in force on this host: names on a drive of another host do not count. */
static bool is_served(const struct pnvme_inventory *inv, const struct pnvme_namespace *ns)
{
	const struct pnvme_drive *d = inventory_drive(inv, ns->drive);

	return ns->state != PNVME_NS_STATUS_MISSING && d && (d->attached || is_owned(d));
}

/* All that would stop it half way, as far as that can be told before. */
static int check(struct pnvme *h, const struct pnvme_inventory *inv, const struct lost *l,
		 const char *dev)
{
	struct pnvme_drive as_drive;
	struct disk k;
	size_t i, j;
	int ret = disk_named(h, dev, &k);

	if (ret)
		return ret;
	drive_init(&as_drive);
	as_drive.capacity = k.capacity;
	if (data_bytes(&as_drive) < l->bytes)
		return fail(h, -ENOSPC, k.path,
			    "%s is too small: its namespaces need %llu MiB, and it has %llu MiB for them",
			    k.path, (unsigned long long)l->bytes >> 20,
			    (unsigned long long)data_bytes(&as_drive) >> 20);
	for (i = 0; i < l->n; i++)
		for (j = 0; j < inv->n_namespaces; j++)
			if (is_served(inv, inv->namespaces[j]) &&
			    memcmp(inv->namespaces[j]->drive, l->uuid, 16) &&
			    !strcmp(inv->namespaces[j]->name, l->ns[i]->name))
				return fail(h, -EEXIST, l->ns[i]->name,
					    "there already is a namespace %s on this host; rename or delete it first",
					    l->ns[i]->name);
	return 0;
}

/*
 * What a drive does while it is away was decided for its place, not for its hardware. A drive
 * without is better than none, so what cannot be set is told.
 */
static void take_settings(struct pnvme *h, const struct lost *l, struct pnvme_drive **d)
{
	struct pnvme_settings s = {
		.have_hold_timeout = true, .have_on_resume = true, .have_hold_proof = true,
		.have_latency = true,
		.hold_timeout = le32toh(l->label.hold_timeout), .on_resume = l->label.on_resume,
		.hold_proof = l->label.hold_proof, .latency = le32toh(l->label.latency),
	};
	struct pnvme_drive *set;

	if (!l->has_label) {
		note(h, "the archive has no label of the lost drive: its settings and the policies of its namespaces are the default now");
		return;
	}
	if (pnvme_drive_set(h, (*d)->uuid, &s, 0, &set)) {
		note(h, "the settings of the lost drive were not taken over: %s",
		     h->failed.message);
		forget_error(h);
		return;
	}
	pnvme_drive_free(*d);
	*d = set;
}

static void take_policy(struct pnvme *h, const struct lost *l, const struct pnvme_namespace *like,
			struct pnvme_namespace **ns)
{
	const struct pnvme_label_ns *old = NULL;
	struct pnvme_namespace *set;
	size_t i;

	for (i = 0; l->has_label && i < PNVME_NS_MAX; i++)
		if (!memcmp(l->label.ns[i].uuid, like->uuid, 16))
			old = &l->label.ns[i];
	if (!old || old->policy == (*ns)->policy)
		return;
	if (pnvme_namespace_set(h, (*ns)->uuid, -1, old->policy, 0, &set)) {
		note(h, "the policy of %s was not taken over: %s", like->name, h->failed.message);
		forget_error(h);
		return;
	}
	pnvme_namespace_free(*ns);
	*ns = set;
}

static int make(struct pnvme *h, const struct pnvme_drive *d, const struct lost *l,
		const struct pnvme_namespace *like, struct pnvme_inventory *made)
{
	struct pnvme_namespace *ns, *done;
	int ret;

	ret = pnvme_namespace_create(h, d->uuid, like->name, like->size, 0, &ns);
	if (ret)
		return ret;
	if (ns->state == PNVME_NS_STATUS_ZEROING) {
		ret = pnvme_namespace_wait(h, ns->uuid, NULL, NULL, &done);
		pnvme_namespace_free(ns);
		if (ret)
			return ret;
		ns = done;
	}
	take_policy(h, l, like, &ns);
	done = inventory_add_ns(made);
	if (done)
		*done = *ns;
	pnvme_namespace_free(ns);
	return done ? 0 : fail_nomem(h);
}

/* What is made stays, and the record keeps the old drive, so that the rest can be made by hand. */
static int stopped(struct pnvme *h, const struct pnvme_drive *d, const struct lost *l, size_t i,
		   int ret)
{
	char why[sizeof(h->failed.message)];

	put_text(why, sizeof(why), "%s", h->failed.message);
	fail(h, ret, l->ns[i]->name,
	     "/dev/%s is adopted as pnvme%d, and %zu of %zu namespaces are made; then: %.500s", d->name,
	     d->instance, i, l->n, why);
	set_hint(h, "pnvme ns create pnvme%d %s %lluM, and so on; then pnvme drive forget", d->instance,
		 l->ns[i]->name, (unsigned long long)l->ns[i]->size >> 20);
	h->partly = true;
	return ret;
}

static int replace(struct pnvme *h, const struct lost *l, const char *dev, const char *overwrite,
		   unsigned int flags, struct pnvme_inventory *made)
{
	struct pnvme_drive *d, *copy;
	size_t i;
	int ret;

	ret = disk_adopt(h, dev, overwrite, l->uuid, flags & PNVME_CHECK, &d);
	if (ret == -ENOTEMPTY)
		set_hint(h, "look at it; --overwrite=KIND destroys what is named here");
	if (ret)
		return ret;
	if (!(flags & PNVME_CHECK))
		take_settings(h, l, &d);
	copy = inventory_add_drive(made);
	if (copy)
		*copy = *d;
	for (i = 0; i < l->n && !(flags & PNVME_CHECK); i++) {
		ret = make(h, d, l, l->ns[i], made);
		if (ret) {
			ret = stopped(h, d, l, i, ret);
			break;
		}
	}
	pnvme_drive_free(d);
	if (!ret && !copy)
		return fail_nomem(h);
	if (!ret && !(flags & PNVME_CHECK))
		record_drop(h, l->uuid);
	return ret;
}

API int pnvme_drive_replace(struct pnvme *h, const uint8_t uuid[16], const char *dev,
			    const char *overwrite, unsigned int flags, struct pnvme_inventory **out)
{
	struct pnvme_inventory *inv = NULL, *made = inventory_new();
	struct lost l = { 0 };
	int ret;

	enter(h);
	ret = made ? pnvme_inventory_get(h, PNVME_LOOK_ALL, &inv) :
		     fail_nomem(h);
	if (!ret)
		ret = find_lost(h, inv, uuid, &l);
	if (!ret)
		ret = check(h, inv, &l, dev);
	if (!ret)
		ret = replace(h, &l, dev, overwrite, flags, made);
	free(l.ns);
	pnvme_inventory_free(inv);
	*out = made;
	return leave(h, ret);
}

/* Pairs */

static bool is_paired(const struct pnvme_drive *d)
{
	return is_lost(d) && !d->from_roster;
}

/* Its own hardware, without anything on it, is a wiped drive's first choice. */
static const char *own_device(const struct pnvme_drive *d)
{
	return d->verdict == PNVME_VERDICT_WIPED && d->name[0] && !d->labelled ? d->name : NULL;
}

/* Its data may still be there, and the archive has its label. */
static bool is_restorable(const struct pnvme_drive *d)
{
	struct pnvme_label kept;

	return own_device(d) && !archive_newest(d->uuid, &kept);
}

static bool taken(const struct pnvme_pair *pairs, size_t n, const struct pnvme_drive *d)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(pairs[i].device, d->name))
			return true;
	return false;
}

static bool paired(const struct pnvme_pair *pairs, size_t n, const struct pnvme_drive *lost)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!memcmp(pairs[i].uuid, lost->uuid, 16))
			return true;
	return false;
}

/* What cannot be adopted (zoned, read-only) has no next command. */
static bool is_blank(const struct pnvme_drive *d)
{
	return d->verdict == PNVME_VERDICT_BLANK && d->name[0] && d->nvme && d->next[0];
}

/*
 * The smallest blank drive that will do: with @slot, only the one in the place of the lost;
 * elsewhere only one of the same model, as any other may be meant for something else.
 */
static const struct pnvme_drive *blank_for(const struct pnvme_inventory *inv,
					   const struct pnvme_drive *lost, bool slot,
					   const struct pnvme_pair *pairs, size_t n)
{
	const struct pnvme_drive *best = NULL;
	size_t i;

	for (i = 0; i < inv->n_drives; i++) {
		const struct pnvme_drive *d = inv->drives[i];

		if (!is_blank(d) || data_bytes(d) < lost->size || taken(pairs, n, d))
			continue;
		if (slot ? !lost->slot[0] || strcmp(d->slot, lost->slot) :
			   strcmp(d->model, lost->model))
			continue;
		if (!best || d->capacity < best->capacity)
			best = d;
	}
	return best;
}

static void pair(struct pnvme_pair *p, const struct pnvme_drive *lost, const char *device)
{
	p->restorable = is_restorable(lost);
	memcpy(p->uuid, lost->uuid, 16);
	copy_text(p->device, sizeof(p->device), device);
}


/* The largest that has no pair yet, so that small ones do not take what it needs. */
static const struct pnvme_drive *largest(const struct pnvme_inventory *inv,
					 const struct pnvme_pair *pairs, size_t n, const bool *tried)
{
	const struct pnvme_drive *best = NULL;
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		if (!tried[i] && is_paired(inv->drives[i]) && !paired(pairs, n, inv->drives[i]) &&
		    (!best || inv->drives[i]->size > best->size))
			best = inv->drives[i];
	return best;
}

static size_t pair_by_place(const struct pnvme_inventory *inv, struct pnvme_pair *pairs)
{
	const struct pnvme_drive *blank;
	size_t i, n = 0;

	for (i = 0; i < inv->n_drives; i++) {
		const struct pnvme_drive *d = inv->drives[i];

		if (!is_paired(d))
			continue;
		blank = own_device(d) ? d : blank_for(inv, d, true, pairs, n);
		if (blank)
			pair(&pairs[n++], d, blank->name);
	}
	return n;
}

/* A drive that is late would get its namespaces twice. */
static int wait_is_over(struct pnvme *h)
{
	uint32_t left;
	struct policy p;

	if (policy_load(h, &p))
		note(h, "%s", h->failed.message);
	forget_error(h);
	left = policy_settle_left(&p);
	if (!left)
		return 0;
	return fail(h, -EAGAIN, "settle",
		    "drives that are late may still come, %u s of the settle time are left; try again then",
		    left);
}

API int pnvme_replace_pairs(struct pnvme *h, struct pnvme_pair **out, size_t *n)
{
	const struct pnvme_drive *d, *blank;
	struct pnvme_inventory *inv;
	struct pnvme_pair *pairs;
	size_t i, at;
	bool *tried;
	int ret;

	enter(h);
	*n = 0;
	*out = NULL;
	ret = wait_is_over(h);
	if (!ret)
		ret = pnvme_inventory_get(h, PNVME_LOOK_ALL, &inv);
	if (ret)
		return leave(h, ret);
	pairs = calloc(inv->n_drives + 1, sizeof(*pairs));
	tried = calloc(inv->n_drives + 1, sizeof(*tried));
	if (pairs && tried) {
		at = pair_by_place(inv, pairs);
		while ((d = largest(inv, pairs, at, tried))) {
			for (i = 0; inv->drives[i] != d; i++)
				;
			tried[i] = true;
			blank = blank_for(inv, d, false, pairs, at);
			pair(&pairs[at++], d, blank ? blank->name : "");
		}
		*out = pairs;
		*n = at;
	} else {
		free(pairs);
		ret = fail_nomem(h);
	}
	free(tried);
	pnvme_inventory_free(inv);
	return leave(h, ret);
}
