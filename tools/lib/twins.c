// SPDX-License-Identifier: GPL-2.0
/*
 * Two disks with one label, before the gate lets in the first that comes. A twin is one that
 * the label fits as well. What the record knows tells most of them apart: then only a disk
 * that sysfs gives the same identity can be one, and no other is read. Of a drive that is
 * not in the record, or by a roster alone, any disk may have the label: all are read.
 * A twin that is attached is the module's to refuse.
 */
#include <stdlib.h>

#include "attach.h"
#include "looks.h"

/**
 * struct search - for twins of these
 * @list: subjects, judged
 * @n: how many
 * @inv: what is attached
 */
struct search {
	struct subject *const		*list;
	size_t				n;
	const struct pnvme_inventory	*inv;
};

/* One that is a copy is that without any twin. */
static bool can_have_twin(const struct subject *s)
{
	return s->drive.labelled && s->drive.verdict != PNVME_VERDICT_CLONED;
}

static bool same_identity(const struct disk *a, const struct disk *b)
{
	return a->hwid_type == b->hwid_type && !memcmp(a->hwid, b->hwid, sizeof(a->hwid)) &&
	       !strcmp(a->serial, b->serial) && (!a->nvme || !strcmp(a->model, b->model));
}

static bool same_disk(const struct disk *a, const struct disk *b)
{
	return a->diskseq == b->diskseq && a->major == b->major && a->minor == b->minor;
}

static bool is_attached(const struct search *q, const struct disk *k)
{
	size_t i;

	for (i = 0; i < q->inv->n_drives; i++)
		if (q->inv->drives[i]->diskseq == k->diskseq &&
		    q->inv->drives[i]->major == k->major && q->inv->drives[i]->minor == k->minor)
			return true;
	return false;
}

/* Those in the list were read already. */
static bool may_be_twin(const struct disk *k, const void *arg)
{
	const struct search *q = arg;
	bool wanted = false;
	size_t i;

	for (i = 0; i < q->n; i++) {
		const struct subject *s = q->list[i];

		if (same_disk(k, &s->disk))
			return false;
		wanted |= can_have_twin(s) &&
			  (s->drive.verdict == PNVME_VERDICT_UNRECORDED ||
			   same_identity(k, &s->disk));
	}
	return wanted && !is_attached(q, k);
}

static void is_twin(struct subject *s, const char *name)
{
	put_text(s->twin, sizeof(s->twin), "%s", name);
}

static int keep_twin(struct pnvme *h, struct look *look)
{
	const struct search *q = look->arg;
	const struct pnvme_label *l;
	const char *why;
	size_t i;

	(void)h;
	if (look->unopened || look->ret || look->labels.newest < 0)
		return 0;
	l = &look->labels.copy[look->labels.newest];
	if (disk_differs(&look->disk, l) ||
	    pnvme_label_fits(l, look->disk.capacity, look->disk.lba_size, &why))
		return 0;
	for (i = 0; i < q->n; i++)
		if (can_have_twin(q->list[i]) && !memcmp(l->drive_uuid, q->list[i]->drive.uuid, 16))
			is_twin(q->list[i], look->disk.name);
	return 0;
}

static void compare_listed(const struct search *q)
{
	size_t i, j;

	for (i = 0; i < q->n; i++)
		for (j = 0; can_have_twin(q->list[i]) && j < q->n; j++)
			if (i != j && can_have_twin(q->list[j]) &&
			    !same_disk(&q->list[i]->disk, &q->list[j]->disk) &&
			    !memcmp(q->list[i]->drive.uuid, q->list[j]->drive.uuid, 16))
				is_twin(q->list[i], q->list[j]->disk.name);
}

/* What cannot be read is no twin that anybody could take for the drive. */
void twins_find(struct pnvme *h, struct subject *const *list, size_t n)
{
	struct search q = { .list = list, .n = n };
	struct pnvme_inventory *inv = inventory_new();

	if (inv && !kernel_drives(h, inv)) {
		q.inv = inv;
		compare_listed(&q);
		looks(h, may_be_twin, keep_twin, &q);
	}
	pnvme_inventory_free(inv);
	forget_error(h);
}
