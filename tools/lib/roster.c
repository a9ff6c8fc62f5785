// SPDX-License-Identifier: GPL-2.0
/*
 * Handing the roster to the labels of all attached drives, after the record was written.
 * The module leaves a label alone that has it already, so that in the long run nothing
 * is written. A drive that is away or detached is given it when it is attached. What
 * fails is a remark: the record has the same.
 */
#include <endian.h>
#include <stdlib.h>

#include "internal.h"

#define TRIES 4		/* somebody else changes the record meanwhile */

static void put_peer(struct nl_request *r, const struct pnvme_label_peer *peer)
{
	struct nlattr *nest = nl_nest(r, PNVME_A_DRIVE_PEER);

	nl_bytes(r, PNVME_A_PEER_UUID, peer->uuid, 16);
	if (peer->hwid_type != PNVME_HWID_NONE) {
		nl_bytes(r, PNVME_A_PEER_HWID, peer->hwid, 16);
		nl_u32(r, PNVME_A_PEER_HWID_TYPE, peer->hwid_type);
	}
	nl_string(r, PNVME_A_PEER_SLOT, peer->slot);
	nl_nest_end(r, nest);
}

/* 1: its label was written */
static int push_to(struct pnvme *h, const struct pnvme_drive *d, const struct roster *roster)
{
	struct pnvme_drive now = *d;
	struct nl_request r;
	unsigned int i;
	int ret;

	ret = nl_begin(h, &r, PNVME_CMD_DRIVE_ROSTER, false);
	if (ret)
		return ret;
	nl_bytes(&r, PNVME_A_DRIVE_UUID, d->uuid, 16);
	nl_u64(&r, PNVME_A_DRIVE_ROSTER_GENERATION, roster->generation);
	for (i = 0; i < roster->n; i++)
		put_peer(&r, &roster->peers[i]);
	ret = kernel_ask_drive(h, &r, d->name, &now);
	return ret ? ret : now.sequence != d->sequence;
}

/*
 * Its label has a newer one, of a record that is lost: that must not go before the record
 * has taken it in. What is imported has none.
 */
static bool has_newer(struct pnvme *h, const struct pnvme_drive *d, const struct roster *roster)
{
	struct pnvme_label *l;
	struct disk k;
	bool newer;

	if (disk_read(d->name, &k) || k.diskseq != d->diskseq ||
	    label_read(h, &k, d->uuid, d->sequence, &l)) {
		forget_error(h);
		return false;
	}
	newer = le64toh(l->roster_generation) > roster->generation;
	free(l);
	return newer;
}

/* Returns how many labels were written; their drives stay in @inv, first. */
static size_t push_to_all(struct pnvme *h, const struct roster *roster,
			  struct pnvme_inventory *inv)
{
	struct pnvme_drive *swap;
	size_t i, written = 0;
	int ret;

	for (i = 0; i < inv->n_drives; i++) {
		if (inv->drives[i]->state != PNVME_STATUS_LIVE ||
		    inv->drives[i]->read_only || has_newer(h, inv->drives[i], roster))
			continue;
		ret = push_to(h, inv->drives[i], roster);
		/*
		 * One that is gone by now is no news; nor is one with a newer list, which comes
		 * into the record with its next attach.
		 */
		if (ret < 0 && ret != -ENOENT && ret != -EALREADY)
			note(h, "the list of drives could not be stored on %s: %s",
			     inv->drives[i]->name, h->failed.message);
		forget_error(h);
		if (ret != 1)
			continue;
		swap = inv->drives[written];
		inv->drives[written++] = inv->drives[i];
		inv->drives[i] = swap;
	}
	return written;
}

static int push_once(struct pnvme *h, const struct roster *roster)
{
	struct pnvme_inventory *inv = inventory_new();
	size_t i, written = 0;
	int ret;

	if (!inv)
		return -ENOMEM;
	ret = kernel_drives(h, inv);
	if (!ret)
		written = push_to_all(h, roster, inv);
	/* the record knows the generations of these labels */
	for (i = 0; i < written; i++)
		record_refresh(h, inv->drives[i]->uuid);
	pnvme_inventory_free(inv);
	return ret;
}

/* Ours is a label that names this host and this hardware. */
static bool ours(struct pnvme *h, const struct disk *k, const struct pnvme_label *l)
{
	uint8_t form[16];

	return !disk_differs(k, l) && host_is(h, l->owner, form);
}

static void look_for_newer(struct pnvme *h, const char *name, struct roster *out)
{
	const struct pnvme_label *l;
	struct labels ls;
	struct disk k;

	if (disk_read(name, &k) || k.own || k.hidden || !k.capacity ||
	    labels_read_disk(h, &k, &ls))
		return;
	l = ls.newest >= 0 ? &ls.copy[ls.newest] : NULL;
	if (l && le64toh(l->roster_generation) > out->generation && ours(h, &k, l))
		roster_of_label(l, out);
	labels_free(&ls);
}

void roster_newest(struct pnvme *h, struct roster *out)
{
	char **names;
	size_t i, n;

	memset(out, 0, sizeof(*out));
	if (!disk_names(h, &names, &n)) {
		for (i = 0; i < n; i++)
			look_for_newer(h, names[i], out);
		if (n)
			disk_names_free(names, n);
	}
	forget_error(h);
}

static bool load_roster(struct pnvme *h, struct roster *roster)
{
	struct record *r;
	int ret = record_load(h, &r);

	forget_error(h);
	if (!ret)
		roster_of_record(r, roster);
	record_free(r);
	return !ret;
}

/* Whoever stores the record last is also the last one to hand it on. */
void roster_push(struct pnvme *h)
{
	struct roster roster, again;
	int i;

	if (!load_roster(h, &roster))
		return;
	for (i = 0; i < TRIES; i++) {
		if (push_once(h, &roster) || !load_roster(h, &again) ||
		    again.generation == roster.generation)
			break;
		roster = again;
	}
	forget_error(h);
}
