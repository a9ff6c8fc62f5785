// SPDX-License-Identifier: GPL-2.0
/*
 * The namespace table of a label and the space it describes: finding, adding,
 * removing, resizing; gaps; dirty ranges; graves. Pure, like label.c.
 */
#include "label_priv.h"

/* Finding namespaces */

bool pnvme_table_used(const struct pnvme_label_ns *ns)
{
	return !all_zero(ns->uuid, sizeof(ns->uuid));
}

bool pnvme_table_touched(const struct pnvme_label *l)
{
	return !all_zero(l->ns, sizeof(l->ns)) || !all_zero(l->dirty, sizeof(l->dirty));
}

int pnvme_table_by_name(const struct pnvme_label *l, const char *name)
{
	int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (pnvme_table_used(&l->ns[i]) && !strncmp(l->ns[i].name, name, PNVME_NAME_BYTES))
			return i;
	}
	return -ENOENT;
}

int pnvme_table_by_uuid(const struct pnvme_label *l, const u8 *uuid)
{
	int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (pnvme_table_used(&l->ns[i]) && !memcmp(l->ns[i].uuid, uuid, 16))
			return i;
	}
	return -ENOENT;
}

/* Space */

/* The end of a range given by a caller; it may be nonsense. */
static u64 end_saturated(u64 start, u64 bytes)
{
	return bytes > U64_MAX - start ? U64_MAX : start + bytes;
}

/* The namespace with the lowest start of those that end behind @pos. */
static const struct pnvme_label_ns *ns_after(const struct pnvme_label *l, u64 pos)
{
	const struct pnvme_label_ns *ns, *first = NULL;

	for (ns = l->ns; ns < l->ns + PNVME_NS_MAX; ns++) {
		if (pnvme_table_used(ns) && ns_end(ns) > pos &&
		    (!first || ns_start(ns) < ns_start(first)))
			first = ns;
	}
	return first;
}

/* The first gap at or behind *@pos, which moves on. */
static bool next_gap(const struct pnvme_label *l, u64 *pos, u64 *start, u64 *end)
{
	const struct pnvme_label_ns *ns;

	while (*pos < data_end(l)) {
		ns = ns_after(l, *pos);
		*start = *pos;
		*end = ns ? ns_start(ns) : data_end(l);
		*pos = ns ? ns_end(ns) : data_end(l);
		if (*end > *start)
			return true;
	}
	return false;
}

static unsigned int entries_free(const struct pnvme_label *l)
{
	unsigned int i, n = 0;

	for (i = 0; i < PNVME_NS_MAX; i++)
		n += !pnvme_table_used(&l->ns[i]);
	return n;
}

void pnvme_space_get(const struct pnvme_label *l, struct pnvme_space *s)
{
	u64 pos = PNVME_DATA_START, start, end;

	memset(s, 0, sizeof(*s));
	s->size = data_end(l) - PNVME_DATA_START;
	s->entries_free = entries_free(l);
	while (next_gap(l, &pos, &start, &end)) {
		s->free += end - start;
		if (end - start > s->largest)
			s->largest = end - start;
	}
}

static const char *size_flaw(u64 bytes)
{
	if (!bytes)
		return "size is zero";
	return aligned(bytes) ? NULL : "size is not a multiple of 1 MiB";
}

/* Why @bytes do not fit, or NULL. */
static const char *space_flaw(const struct pnvme_label *l, u64 bytes)
{
	struct pnvme_space s;

	pnvme_space_get(l, &s);
	if (!s.entries_free)
		return "namespace table is full";
	if (bytes > s.free)
		return "not enough space";
	return bytes > s.largest ? "space is fragmented" : NULL;
}

int pnvme_space_find(const struct pnvme_label *l, u64 bytes, u64 *start, const char **why)
{
	u64 pos = PNVME_DATA_START, from, to, best = U64_MAX;
	const char *flaw = size_flaw(bytes);

	if (flaw)
		return refuse(why, -EINVAL, flaw);
	flaw = space_flaw(l, bytes);
	if (flaw)
		return refuse(why, -ENOSPC, flaw);
	while (next_gap(l, &pos, &from, &to)) {
		if (to - from >= bytes && to - from < best) {
			best = to - from;
			*start = from;
		}
	}
	return 0;
}

/* Graves */

static void grave_remove(struct pnvme_label *l, unsigned int index)
{
	unsigned int n = pnvme_grave_count(l);

	memmove(&l->grave[index], &l->grave[index + 1],
		(n - index - 1) * sizeof(l->grave[0]));
	memset(&l->grave[n - 1], 0, sizeof(l->grave[0]));
}

bool pnvme_grave_clear(struct pnvme_label *l, u64 start, u64 bytes)
{
	u64 end = end_saturated(start, bytes);
	unsigned int i = pnvme_grave_count(l);
	bool found = false;

	while (i--) {
		if (grave_start(&l->grave[i]) >= end || grave_end(&l->grave[i]) <= start)
			continue;
		grave_remove(l, i);
		found = true;
	}
	return found;
}

/* The range is dirty already, and nobody else's grave: it held a namespace until now. */
static void grave_add(struct pnvme_label *l, const struct pnvme_label_ns *ns)
{
	unsigned int n = pnvme_grave_count(l);
	struct pnvme_label_grave *g;

	if (n == PNVME_GRAVE_MAX)
		grave_remove(l, 0);
	g = &l->grave[pnvme_grave_count(l)];
	copy_id(g->uuid, ns->uuid);
	g->start = ns->start;
	g->bytes = ns->bytes;
}

/* Wherever it was. */
static void grave_forget(struct pnvme_label *l, const u8 *uuid)
{
	unsigned int i = pnvme_grave_count(l);

	while (i--) {
		if (!memcmp(l->grave[i].uuid, uuid, sizeof(l->grave[i].uuid)))
			grave_remove(l, i);
	}
}

static bool grave_is(const struct pnvme_label_grave *g, const struct pnvme_ns_params *p)
{
	return !memcmp(g->uuid, p->uuid, sizeof(g->uuid)) && grave_start(g) == p->start &&
	       le64_to_cpu(g->bytes) == p->bytes;
}

/* Dirty ranges */

static void dirty_remove(struct pnvme_label *l, unsigned int index)
{
	unsigned int n = pnvme_dirty_count(l);

	memmove(&l->dirty[index], &l->dirty[index + 1],
		(n - index - 1) * sizeof(l->dirty[0]));
	memset(&l->dirty[n - 1], 0, sizeof(l->dirty[0]));
}

/* Caller made room and keeps the order. */
static void dirty_insert(struct pnvme_label *l, unsigned int index, u64 start, u64 end)
{
	unsigned int n = pnvme_dirty_count(l);

	memmove(&l->dirty[index + 1], &l->dirty[index],
		(n - index) * sizeof(l->dirty[0]));
	extent_set(&l->dirty[index], start, end);
}

/* Bytes between entry @index and the next; U64_MAX if they must stay apart. */
static u64 merge_cost(const struct pnvme_label *l, unsigned int index)
{
	u64 from = extent_end(&l->dirty[index]), to = extent_start(&l->dirty[index + 1]);

	return pnvme_range_live(l, from, to) ? U64_MAX : to - from;
}

/*
 * Merges the two nearest entries of a full table. There are more entries than
 * gaps between namespaces, so that some pair shares a gap.
 */
static void dirty_make_room(struct pnvme_label *l)
{
	unsigned int i, best = 0;
	u64 cost, lowest = U64_MAX;

	for (i = 0; i < PNVME_DIRTY_MAX - 1; i++) {
		cost = merge_cost(l, i);
		if (cost < lowest) {
			lowest = cost;
			best = i;
		}
	}
	extent_set(&l->dirty[best], extent_start(&l->dirty[best]),
		   extent_end(&l->dirty[best + 1]));
	dirty_remove(l, best + 1);
}

/* Takes the entries that touch the range into it; returns the place for it. */
static unsigned int dirty_absorb(struct pnvme_label *l, u64 *start, u64 *end)
{
	unsigned int i = 0;

	while (i < PNVME_DIRTY_MAX && l->dirty[i].bytes && extent_start(&l->dirty[i]) <= *end) {
		if (extent_end(&l->dirty[i]) < *start) {
			i++;
			continue;
		}
		if (extent_start(&l->dirty[i]) < *start)
			*start = extent_start(&l->dirty[i]);
		if (extent_end(&l->dirty[i]) > *end)
			*end = extent_end(&l->dirty[i]);
		dirty_remove(l, i);
	}
	return i;
}

/* A range within one gap. */
static void dirty_add_gap(struct pnvme_label *l, u64 start, u64 end)
{
	unsigned int place = dirty_absorb(l, &start, &end);

	if (pnvme_dirty_count(l) == PNVME_DIRTY_MAX) {
		dirty_make_room(l);
		/* What was merged may now surround the range. */
		place = dirty_absorb(l, &start, &end);
	}
	dirty_insert(l, place, start, end);
}

void pnvme_dirty_add(struct pnvme_label *l, u64 start, u64 bytes)
{
	u64 pos = PNVME_DATA_START, from, to;
	u64 end = end_saturated(start, bytes);

	start &= ~(PNVME_ALIGN - 1);
	if (end < data_end(l))
		end = (end + PNVME_ALIGN - 1) & ~(PNVME_ALIGN - 1);
	while (bytes && next_gap(l, &pos, &from, &to)) {
		if (from < start)
			from = start;
		if (to > end)
			to = end;
		if (from < to)
			dirty_add_gap(l, from, to);
	}
}

/* Takes [start, end) out of entry @index; false if that makes two and the table is full. */
static bool dirty_cut(struct pnvme_label *l, unsigned int index, u64 start, u64 end)
{
	struct pnvme_label_extent *x = &l->dirty[index];
	u64 from = extent_start(x), to = extent_end(x);

	if (start <= from && end >= to) {
		dirty_remove(l, index);
	} else if (start <= from) {
		extent_set(x, end, to);
	} else if (end >= to) {
		extent_set(x, from, start);
	} else {
		if (pnvme_dirty_count(l) == PNVME_DIRTY_MAX)
			return false;
		extent_set(x, from, start);
		dirty_insert(l, index + 1, end, to);
	}
	return true;
}

/* The last entry that overlaps [start, end), or -1. */
static int dirty_last(const struct pnvme_label *l, u64 start, u64 end)
{
	int i = pnvme_dirty_count(l);

	while (--i >= 0) {
		if (extent_start(&l->dirty[i]) < end && extent_end(&l->dirty[i]) > start)
			break;
	}
	return i;
}

void pnvme_dirty_clear(struct pnvme_label *l, u64 start, u64 bytes)
{
	u64 end = end_saturated(start, bytes) & ~(PNVME_ALIGN - 1);
	int i;

	if (start > U64_MAX - PNVME_ALIGN)
		return;
	start = (start + PNVME_ALIGN - 1) & ~(PNVME_ALIGN - 1);
	if (start >= end)
		return;
	pnvme_grave_clear(l, start, end - start);
	while ((i = dirty_last(l, start, end)) >= 0) {
		if (!dirty_cut(l, i, start, end))
			dirty_make_room(l);
	}
}

bool pnvme_dirty_next(const struct pnvme_label *l, u64 start, u64 bytes, u64 *dstart, u64 *dbytes)
{
	u64 end = end_saturated(start, bytes), from, to;
	unsigned int i, n = pnvme_dirty_count(l);

	for (i = 0; i < n; i++) {
		from = extent_start(&l->dirty[i]);
		to = extent_end(&l->dirty[i]);
		if (from < start)
			from = start;
		if (to > end)
			to = end;
		if (from < to) {
			*dstart = from;
			*dbytes = to - from;
			return true;
		}
	}
	return false;
}

/* Editing namespaces */

static int ns_check_index(const struct pnvme_label *l, unsigned int index, const char **why)
{
	if (index >= PNVME_NS_MAX || !pnvme_table_used(&l->ns[index]))
		return refuse(why, -ENOENT, "there is no such namespace");
	return 0;
}

static int ns_free_entry(const struct pnvme_label *l)
{
	int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (!pnvme_table_used(&l->ns[i]))
			return i;
	}
	return -ENOSPC;
}

static bool nsid_taken(const struct pnvme_label *l, u32 nsid)
{
	unsigned int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (pnvme_table_used(&l->ns[i]) && le32_to_cpu(l->ns[i].nsid) == nsid)
			return true;
	}
	return false;
}

/* There are as many as entries, so with a free entry one is free. */
static u32 nsid_lowest_free(const struct pnvme_label *l)
{
	u32 nsid = 1;

	while (nsid < PNVME_NS_MAX && nsid_taken(l, nsid))
		nsid++;
	return nsid;
}

static void ns_fill(struct pnvme_label_ns *ns, const struct pnvme_ns_params *p, u32 nsid)
{
	memset(ns, 0, sizeof(*ns));
	copy_id(ns->uuid, p->uuid);
	copy_id(ns->nguid, p->nguid);
	ns->start = cpu_to_le64(p->start);
	ns->bytes = cpu_to_le64(p->bytes);
	ns->nsid = cpu_to_le32(nsid);
	ns->flags = cpu_to_le32(p->flags);
	ns->policy = p->policy;
	copy_text(ns->name, sizeof(ns->name), p->name);
}

/* May @ns, sound by itself, join the others? */
static int ns_check_join(const struct pnvme_label *l, const struct pnvme_label_ns *ns,
			 const char **why)
{
	const char *clash;
	unsigned int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (!pnvme_table_used(&l->ns[i]))
			continue;
		clash = pnvme_ns_clash(ns, &l->ns[i]);
		if (clash)
			return refuse(why, -EEXIST, clash);
	}
	if (pnvme_range_live(l, ns_start(ns), ns_end(ns)))
		return refuse(why, -ENOSPC, "range is not free");
	return 0;
}

int pnvme_table_add(struct pnvme_label *l, const struct pnvme_ns_params *p, const char **why)
{
	int ret, index = ns_free_entry(l);
	struct pnvme_label_ns ns;
	const char *flaw;

	if (index < 0)
		return refuse(why, -ENOSPC, "namespace table is full");
	ns_fill(&ns, p, p->nsid ? p->nsid : nsid_lowest_free(l));
	flaw = pnvme_table_used(&ns) ? pnvme_ns_flaw(l, &ns) : "namespace UUID is zero";
	if (flaw)
		return refuse(why, -EINVAL, flaw);
	ret = ns_check_join(l, &ns, why);
	if (ret)
		return ret;
	pnvme_dirty_clear(l, p->start, p->bytes);
	grave_forget(l, ns.uuid);
	l->ns[index] = ns;
	return index;
}

int pnvme_table_undelete(struct pnvme_label *l, const struct pnvme_ns_params *p, const char **why)
{
	struct pnvme_ns_params again = *p;
	unsigned int i, n = pnvme_grave_count(l);

	if (pnvme_table_by_uuid(l, p->uuid) >= 0)
		return refuse(why, -EEXIST, "namespace UUID is taken");
	for (i = 0; i < n && !grave_is(&l->grave[i], p); i++)
		;
	if (i == n)
		return refuse(why, -ESTALE,
			      "its space, or a part of it, was zeroed or given to another namespace since");
	if (nsid_taken(l, p->nsid))
		again.nsid = 0;
	return pnvme_table_add(l, &again, why);
}

int pnvme_table_del(struct pnvme_label *l, unsigned int index, const char **why)
{
	int ret = ns_check_index(l, index, why);
	struct pnvme_label_ns ns;

	if (ret)
		return ret;
	ns = l->ns[index];
	memset(&l->ns[index], 0, sizeof(l->ns[index]));
	pnvme_dirty_add(l, ns_start(&ns), le64_to_cpu(ns.bytes));
	grave_add(l, &ns);
	return 0;
}

static int ns_check_grow(const struct pnvme_label *l, const struct pnvme_label_ns *ns, u64 bytes,
			 const char **why)
{
	u64 end;

	if (bytes > data_end(l) - ns_start(ns))
		return refuse(why, -ENOSPC, "not enough space behind the namespace");
	end = ns_start(ns) + bytes;
	if (pnvme_range_live(l, ns_end(ns), end))
		return refuse(why, -ENOSPC, "another namespace is in the way");
	return 0;
}

int pnvme_table_resize(struct pnvme_label *l, unsigned int index, u64 bytes, const char **why)
{
	const char *flaw = size_flaw(bytes);
	int ret = ns_check_index(l, index, why);
	struct pnvme_label_ns *ns;
	u64 old_end;

	if (ret)
		return ret;
	if (flaw)
		return refuse(why, -EINVAL, flaw);
	ns = &l->ns[index];
	old_end = ns_end(ns);
	if (bytes > le64_to_cpu(ns->bytes)) {
		ret = ns_check_grow(l, ns, bytes, why);
		if (ret)
			return ret;
		pnvme_dirty_clear(l, old_end, bytes - le64_to_cpu(ns->bytes));
	}
	/* its samples were of what it was */
	if (bytes != le64_to_cpu(ns->bytes))
		pnvme_table_break(l, index, 0);
	ns->bytes = cpu_to_le64(bytes);
	if (ns_end(ns) < old_end)
		pnvme_dirty_add(l, ns_end(ns), old_end - ns_end(ns));
	return 0;
}

int pnvme_table_rename(struct pnvme_label *l, unsigned int index, const char *name,
		       const char **why)
{
	int other, ret = ns_check_index(l, index, why);
	struct pnvme_label_ns *ns;

	if (ret)
		return ret;
	if (!pnvme_name_ok(name, PNVME_NAME_BYTES))
		return refuse(why, -EINVAL, "namespace name is not valid");
	other = pnvme_table_by_name(l, name);
	if (other == (int)index)
		return 0;
	if (other >= 0)
		return refuse(why, -EEXIST, "namespace name is taken");
	ns = &l->ns[index];
	memset(ns->name, 0, sizeof(ns->name));
	copy_text(ns->name, sizeof(ns->name), name);
	return 0;
}

int pnvme_table_seal(struct pnvme_label *l, unsigned int index,
		     const struct pnvme_label_seal *seal, const char **why)
{
	int ret = ns_check_index(l, index, why);
	const char *flaw;

	if (ret)
		return ret;
	flaw = pnvme_seal_flaw(l, seal, le64_to_cpu(l->ns[index].bytes));
	if (flaw)
		return refuse(why, -EINVAL, flaw);
	l->ns[index].seal = *seal;
	return 0;
}

bool pnvme_table_break(struct pnvme_label *l, unsigned int index, u64 now)
{
	struct pnvme_label_seal *seal;

	if (ns_check_index(l, index, NULL))
		return false;
	seal = &l->ns[index].seal;
	if (seal->state != PNVME_LABEL_SEAL_WHOLE)
		return false;
	seal->state = PNVME_LABEL_SEAL_BROKEN;
	seal->broken_at = cpu_to_le64(now);
	return true;
}
