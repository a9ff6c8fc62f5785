/* SPDX-License-Identifier: GPL-2.0 */
/* What label.c and table.c share; nobody else needs it. */
#ifndef PNVME_LABEL_PRIV_H
#define PNVME_LABEL_PRIV_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/byteorder.h>
#else
#include "label_user.h"
#endif
#include <pnvme/label.h>

/* What is wrong with one used entry by itself, or NULL. */
const char *pnvme_ns_flaw(const struct pnvme_label *l, const struct pnvme_label_ns *ns);
/* What is wrong with a seal of a namespace of @bytes, or NULL. */
const char *pnvme_seal_flaw(const struct pnvme_label *l, const struct pnvme_label_seal *seal,
			    u64 bytes);
/* What two used entries must not share but do, or NULL. */
const char *pnvme_ns_clash(const struct pnvme_label_ns *a, const struct pnvme_label_ns *b);
/* Is there a namespace in [start, end)? */
bool pnvme_range_live(const struct pnvme_label *l, u64 start, u64 end);
/* Used entries of the dirty table. */
unsigned int pnvme_dirty_count(const struct pnvme_label *l);
unsigned int pnvme_grave_count(const struct pnvme_label *l);

static inline int refuse(const char **why, int err, const char *phrase)
{
	if (why)
		*why = phrase;
	return err;
}

static inline bool all_zero(const void *p, size_t bytes)
{
	const u8 *b = p;

	while (bytes--) {
		if (*b++)
			return false;
	}
	return true;
}

static inline bool aligned(u64 v)
{
	return !(v & (PNVME_ALIGN - 1));
}

static inline u64 data_end(const struct pnvme_label *l)
{
	return le64_to_cpu(l->data_end);
}

/* Into a zeroed field. One byte too long leaves no NUL, which the checks refuse. */
static inline void copy_text(char *field, size_t bytes, const char *s)
{
	if (s)
		memcpy(field, s, strnlen(s, bytes));
}

static inline void copy_id(u8 id[16], const u8 *from)
{
	if (from)
		memcpy(id, from, 16);
}

static inline u64 ns_start(const struct pnvme_label_ns *ns)
{
	return le64_to_cpu(ns->start);
}

static inline u64 ns_end(const struct pnvme_label_ns *ns)
{
	return le64_to_cpu(ns->start) + le64_to_cpu(ns->bytes);
}

static inline bool ns_overlaps(const struct pnvme_label_ns *ns, u64 start, u64 end)
{
	return ns_start(ns) < end && start < ns_end(ns);
}

static inline u64 grave_start(const struct pnvme_label_grave *g)
{
	return le64_to_cpu(g->start);
}

static inline u64 grave_end(const struct pnvme_label_grave *g)
{
	return le64_to_cpu(g->start) + le64_to_cpu(g->bytes);
}

static inline u64 extent_start(const struct pnvme_label_extent *x)
{
	return le64_to_cpu(x->start);
}

static inline u64 extent_end(const struct pnvme_label_extent *x)
{
	return le64_to_cpu(x->start) + le64_to_cpu(x->bytes);
}

static inline void extent_set(struct pnvme_label_extent *x, u64 start, u64 end)
{
	x->start = cpu_to_le64(start);
	x->bytes = cpu_to_le64(end - start);
}

#endif
