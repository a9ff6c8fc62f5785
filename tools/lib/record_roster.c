// SPDX-License-Identifier: GPL-2.0
/*
 * The roster in the record. The record's list of drives (UUID, hardware ID, slot) is
 * copied into the labels of all of them, so that any one of them can bring it back. Its
 * generation, in record.json as "roster_generation", grows by one with each change.
 *
 * A record that is lost, or older than the labels, is rebuilt by whoever attaches a drive:
 * a label whose roster is newer than the record adds the drives that the record lacks, as
 * entries with "from_roster". Such an entry knows hardware and slot, nothing of the
 * label; it becomes a whole one when its drive is attached. What the record knew by
 * itself is never dropped for a roster.
 */
#include <endian.h>

#include "record_priv.h"

const struct pnvme_label_peer *roster_find(const struct roster *roster, const uint8_t uuid[16])
{
	unsigned int i;

	for (i = 0; i < roster->n; i++)
		if (!memcmp(roster->peers[i].uuid, uuid, 16))
			return &roster->peers[i];
	return NULL;
}

void roster_of_label(const struct pnvme_label *l, struct roster *out)
{
	unsigned int i;

	memset(out, 0, sizeof(*out));
	out->generation = le64toh(l->roster_generation);
	for (i = 0; i < PNVME_ROSTER_MAX; i++)
		if (!all_zero(l->roster[i].uuid, 16))
			out->peers[out->n++] = l->roster[i];
}

/* The format has no room for blanks at the end, nor for more than 31 bytes. */
static void put_slot(struct pnvme_label_peer *peer, const char *slot)
{
	size_t n;

	copy_text(peer->slot, sizeof(peer->slot), slot);
	for (n = strlen(peer->slot); n && peer->slot[n - 1] == ' '; n--)
		peer->slot[n - 1] = '\0';
}

void roster_of_record(const struct record *r, struct roster *out)
{
	size_t i, n = record_count(r);
	struct pnvme_label_peer *peer;
	struct json_object *o;

	memset(out, 0, sizeof(*out));
	out->generation = get_number(r->root, "roster_generation");
	for (i = 0; i < n && out->n < PNVME_ROSTER_MAX; i++) {
		o = json_object_array_get_idx(r->drives, i);
		peer = &out->peers[out->n];
		get_uuid(o, "uuid", peer->uuid);
		if (all_zero(peer->uuid, 16) || roster_find(out, peer->uuid))
			continue;
		get_uuid(o, "hwid", peer->hwid);
		peer->hwid_type = (uint8_t)get_number(o, "hwid_type");
		put_slot(peer, get_string(o, "slot"));
		out->n++;
	}
}

/* In any order */
static bool same_peers(const struct roster *a, const struct roster *b)
{
	const struct pnvme_label_peer *peer;
	unsigned int i;

	for (i = 0; i < a->n; i++) {
		peer = roster_find(b, a->peers[i].uuid);
		if (!peer || memcmp(peer, &a->peers[i], sizeof(*peer)))
			return false;
	}
	return a->n == b->n;
}

static int set_generation(struct record *r, uint64_t generation)
{
	return add_number(r->root, "roster_generation", generation);
}

int record_number_roster(struct record *r, const struct roster *before)
{
	struct roster now;

	roster_of_record(r, &now);
	if (same_peers(&now, before) && (now.generation || !now.n))
		return 0;
	return set_generation(r, now.generation + 1);
}

static int add_peer(struct record *r, const struct pnvme_label_peer *peer)
{
	struct json_object *o = json_object_new_object();

	if (!o)
		return -ENOMEM;
	if (add_uuid(o, "uuid", peer->uuid) || add_uuid(o, "hwid", peer->hwid) ||
	    add_number(o, "hwid_type", peer->hwid_type) || add_string(o, "slot", peer->slot) ||
	    add(o, "from_roster", json_object_new_boolean(true)) ||
	    json_object_array_add(r->drives, o)) {
		json_object_put(o);
		return -ENOMEM;
	}
	return 0;
}

/* Entries that an older roster brought and this one does not have */
static void drop_old_peers(struct record *r, const struct roster *roster)
{
	size_t i = record_count(r);
	struct json_object *o;
	uint8_t uuid[16];

	while (i--) {
		o = json_object_array_get_idx(r->drives, i);
		get_uuid(o, "uuid", uuid);
		if (get_flag(o, "from_roster") && !roster_find(roster, uuid))
			json_object_array_del_idx(r->drives, i, 1);
	}
}

int record_merge(struct record *r, const struct roster *roster)
{
	unsigned int i;
	int ret = 0;

	if (roster->generation <= get_number(r->root, "roster_generation"))
		return 0;
	drop_old_peers(r, roster);
	for (i = 0; !ret && i < roster->n; i++)
		if (record_find(r, roster->peers[i].uuid) < 0)
			ret = add_peer(r, &roster->peers[i]);
	return ret ? ret : set_generation(r, roster->generation);
}

void record_offer(struct record *r, const struct pnvme_label *l)
{
	if (le64toh(l->roster_generation) > r->newest.generation)
		roster_of_label(l, &r->newest);
}

int record_merge_newest(struct record *r)
{
	return record_merge(r, &r->newest);
}

bool record_is_lost(const struct record *r)
{
	return r->lost;
}
