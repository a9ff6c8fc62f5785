// SPDX-License-Identifier: GPL-2.0
/* Namespaces that were deleted, from the archive of labels; the module proves that they are whole. */
#include <endian.h>
#include <stdlib.h>

#include "archive.h"

/* Where a deleted namespace was found. */
struct found {
	struct pnvme_label_ns	entry;
	uint8_t			drive[16];
	uint64_t		sequence;
	unsigned int		drives;		/* how many have one of that name */
};

static bool is_there(const struct pnvme_inventory *inv, const uint8_t uuid[16])
{
	size_t i;

	for (i = 0; i < inv->n_namespaces; i++)
		if (!memcmp(inv->namespaces[i]->uuid, uuid, 16))
			return true;
	return false;
}

/* @uuid NULL: by name. One that is there was not deleted. */
static const struct pnvme_label_ns *gone_in(const struct pnvme_label *l, const char *name,
					    const uint8_t *uuid, const struct pnvme_inventory *inv)
{
	unsigned int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		const struct pnvme_label_ns *e = &l->ns[i];

		if (!pnvme_table_used(e) || is_there(inv, e->uuid))
			continue;
		if (uuid ? !memcmp(e->uuid, uuid, 16) : !strcmp(e->name, name))
			return e;
	}
	return NULL;
}

/* The newest label of a drive that has it. */
static void search(const struct pnvme_drive *d, const char *name, const uint8_t *uuid,
		   const struct pnvme_inventory *inv, struct found *f)
{
	const struct pnvme_label_ns *e = NULL;
	struct pnvme_label *l = malloc(sizeof(*l));
	uint64_t *list;
	size_t n;

	if (!l || archive_list(d->uuid, &list, &n)) {
		free(l);
		return;
	}
	while (n && !e)
		if (!archive_load(d->uuid, list[--n], l))
			e = gone_in(l, name, uuid, inv);
	if (e) {
		f->entry = *e;
		f->sequence = le64toh(l->sequence);
		memcpy(f->drive, d->uuid, 16);
		f->drives++;
	}
	free(list);
	free(l);
}

static int search_all(struct pnvme *h, const char *ns, struct found *f)
{
	struct pnvme_inventory *inv = inventory_new();
	const char *text = strncmp(ns, "uuid:", 5) ? ns : ns + 5;
	uint8_t uuid[16];
	bool by_uuid = !pnvme_uuid_parse(text, uuid);
	size_t i;
	int ret;

	if (!inv)
		return fail_nomem(h);
	ret = kernel_drives(h, inv);
	if (!ret)
		ret = kernel_namespaces(h, NULL, inv);
	for (i = 0; !ret && i < inv->n_drives; i++)
		search(inv->drives[i], ns, by_uuid ? uuid : NULL, inv, f);
	pnvme_inventory_free(inv);
	if (ret)
		return ret;
	if (f->drives > 1)
		return fail(h, -ENOTUNIQ, ns,
			    "%u attached drives had a namespace %s: give its UUID, or run pnvme drive restore on one of them",
			    f->drives, ns);
	if (f->drives)
		return 0;
	fail(h, -ENOENT, ns, "the archive knows no deleted namespace %s of an attached drive", ns);
	set_hint(h, "pnvme ns show");
	return -ENOENT;
}

static int ask_back(struct pnvme *h, const uint8_t drive[16], const struct pnvme_label_ns *e,
		    const char *as, unsigned int flags, struct pnvme_namespace *ns)
{
	struct nl_request r;
	int ret = nl_begin(h, &r, PNVME_CMD_NS_UNDELETE, false);

	if (ret)
		return ret;
	nl_bytes(&r, PNVME_A_NAMESPACE_DRIVE, drive, 16);
	nl_bytes(&r, PNVME_A_NAMESPACE_UUID, e->uuid, 16);
	nl_bytes(&r, PNVME_A_NAMESPACE_NGUID, e->nguid, 16);
	nl_string(&r, PNVME_A_NAMESPACE_NAME, as ? as : e->name);
	nl_u32(&r, PNVME_A_NAMESPACE_NSID, le32toh(e->nsid));
	nl_u64(&r, PNVME_A_NAMESPACE_START, le64toh(e->start));
	nl_u64(&r, PNVME_A_NAMESPACE_SIZE, le64toh(e->bytes));
	nl_u32(&r, PNVME_A_NAMESPACE_POLICY, e->policy);
	nl_u8(&r, PNVME_A_NAMESPACE_READ_ONLY, !!(le32toh(e->flags) & PNVME_NS_READ_ONLY));
	nl_flag(&r, PNVME_A_NAMESPACE_CHECK, flags & PNVME_CHECK);
	return kernel_ns_reply(h, &r, e->name, ns);
}

static void hint_name(struct pnvme *h, const struct pnvme_label_ns *e)
{
	char uuid[37];

	if (strcmp(h->failed.code, "EEXIST"))
		return;
	pnvme_uuid_format(e->uuid, uuid);
	set_hint(h, "pnvme ns undelete %s --as=NEWNAME", uuid);
}

API int pnvme_namespace_undelete(struct pnvme *h, const char *ns, const char *as,
				 unsigned int flags, struct pnvme_namespace **out)
{
	struct pnvme_namespace back = { 0 };
	struct found f = { 0 };
	int ret;

	enter(h);
	if (as && !pnvme_name_valid(as))
		return leave(h, fail(h, -EINVAL, as, "\"%.80s\" is no name for a namespace", as));
	ret = search_all(h, ns, &f);
	if (ret)
		return leave(h, ret);
	archive_before(h, f.drive, flags);
	ret = ask_back(h, f.drive, &f.entry, as, flags, &back);
	if (ret) {
		hint_name(h, &f.entry);
		return leave(h, ret);
	}
	if (!(flags & PNVME_CHECK))
		record_update(h, f.drive);
	if (out) {
		*out = malloc(sizeof(back));
		if (!*out)
			return leave(h, fail_nomem(h));
		**out = back;
	}
	return leave(h, 0);
}

/* A whole table */

static unsigned int count_gone(const struct pnvme_label *l, const struct pnvme_inventory *inv)
{
	unsigned int i, n = 0;

	for (i = 0; i < PNVME_NS_MAX; i++)
		n += pnvme_table_used(&l->ns[i]) && !is_there(inv, l->ns[i].uuid);
	return n;
}

/* The label that was asked for, or the newest in which a namespace is that is gone. */
static int choose(struct pnvme *h, const uint8_t uuid[16], uint64_t sequence,
		  const struct pnvme_inventory *inv, struct pnvme_label *l)
{
	uint64_t *list;
	char text[37];
	size_t n;
	int ret;

	pnvme_uuid_format(uuid, text);
	if (sequence) {
		ret = archive_load(uuid, sequence, l);
		if (ret)
			return fail(h, ret, text,
				    "the archive has no usable label %llu of drive %s (%s)",
				    (unsigned long long)sequence, text, strerror(-ret));
		return 0;
	}
	ret = archive_list(uuid, &list, &n);
	if (ret)
		return fail(h, ret, text, "the archive in %s cannot be read: %s", state_dir(),
			    strerror(-ret));
	ret = -ENOENT;
	while (n && ret)
		if (!archive_load(uuid, list[--n], l) && count_gone(l, inv))
			ret = 0;
	free(list);
	if (ret)
		return fail(h, ret, text,
			    "no label of drive %s in the archive has a namespace that is gone", text);
	return 0;
}

/* All that is gone; what cannot come back is a remark, and the last such reason the failure. */
static int bring_back(struct pnvme *h, const struct pnvme_label *l, unsigned int flags,
		      const struct pnvme_inventory *there, struct pnvme_inventory *back)
{
	struct failure why = { 0 };
	struct pnvme_namespace *ns;
	unsigned int i;
	int ret, bad = 0;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (!pnvme_table_used(&l->ns[i]) || is_there(there, l->ns[i].uuid))
			continue;
		ns = inventory_add_ns(back);
		if (!ns)
			return fail_nomem(h);
		ret = ask_back(h, l->drive_uuid, &l->ns[i], NULL, flags, ns);
		if (!ret)
			continue;
		pnvme_namespace_free(back->namespaces[--back->n_namespaces]);
		if (bad)
			note(h, "%s", why.message);
		hint_name(h, &l->ns[i]);
		why = h->failed;
		bad = ret;
	}
	if (!bad)
		return 0;
	h->partly = back->n_namespaces && !(flags & PNVME_CHECK);
	h->failed = why;
	return bad;
}

API int pnvme_drive_undelete(struct pnvme *h, const uint8_t uuid[16], uint64_t sequence,
			     unsigned int flags, struct pnvme_inventory **out)
{
	struct pnvme_inventory *there = inventory_new(), *back = inventory_new();
	struct pnvme_label *l = malloc(sizeof(*l));
	struct failure why;
	int ret;

	enter(h);
	ret = there && back && l ? kernel_namespaces(h, NULL, there) : fail_nomem(h);
	if (!ret)
		ret = choose(h, uuid, sequence, there, l);
	if (!ret) {
		archive_before(h, uuid, flags);
		ret = bring_back(h, l, flags, there, back);
		why = h->failed;
		if (back->n_namespaces && !(flags & PNVME_CHECK))
			record_update(h, uuid);
		h->failed = why;
	}
	pnvme_inventory_free(there);
	free(l);
	*out = back;	/* what came back, also if not all did */
	return leave(h, ret);
}
