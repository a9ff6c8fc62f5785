// SPDX-License-Identifier: GPL-2.0
/* One drive in the record: what its entry says, and making it say something else. */
#include <string.h>
#include <time.h>

#include "record_priv.h"

/* An acknowledgment names the verdict that it is for. */
static void ack_of_entry(struct json_object *o, struct pnvme_drive *d)
{
	struct json_object *ack;
	int verdict;

	if (!json_object_object_get_ex(o, "acknowledged", &ack) ||
	    !json_object_is_type(ack, json_type_object))
		return;
	verdict = pnvme_verdict_parse(get_string(ack, "verdict"));
	if (verdict < 0)
		return;
	d->acked_verdict = (enum pnvme_verdict)verdict;
	d->acked_at = get_number(ack, "at");
}

static int drive_namespaces(struct json_object *o, const struct pnvme_drive *d,
			    struct pnvme_inventory *inv)
{
	struct json_object *list = get_array(o, "namespaces");
	size_t i, n = list ? json_object_array_length(list) : 0;
	struct pnvme_namespace *ns;

	for (i = 0; i < n; i++) {
		o = json_object_array_get_idx(list, i);
		ns = inventory_add_ns(inv);
		if (!ns)
			return -ENOMEM;
		get_uuid(o, "uuid", ns->uuid);
		get_uuid(o, "nguid", ns->nguid);
		memcpy(ns->drive, d->uuid, 16);
		copy_text(ns->name, sizeof(ns->name), get_string(o, "name"));
		ns->nsid = (uint32_t)get_number(o, "nsid");
		ns->start = get_number(o, "start");
		ns->size = get_number(o, "size");
		ns->policy = PNVME_POLICY_DATA;
		ns->state = PNVME_NS_STATUS_MISSING;
	}
	return 0;
}

int record_drive(const struct record *r, size_t i, struct pnvme_drive *d,
		 struct pnvme_inventory *inv)
{
	struct json_object *o = json_object_array_get_idx(r->drives, i);
	struct json_object *list;

	get_uuid(o, "uuid", d->uuid);
	get_uuid(o, "hwid", d->hwid);
	d->hwid_type = (uint8_t)get_number(o, "hwid_type");
	d->proof = d->hwid_type == PNVME_HWID_NONE ? PNVME_PROOF_WEAK : PNVME_PROOF_STRONG;
	copy_text(d->serial, sizeof(d->serial), get_string(o, "serial"));
	copy_text(d->model, sizeof(d->model), get_string(o, "model"));
	copy_text(d->slot, sizeof(d->slot), get_string(o, "slot"));
	d->capacity = get_number(o, "capacity");
	d->size = get_number(o, "size");
	d->lba_size = (uint32_t)get_number(o, "lba_size");
	d->epoch = get_number(o, "epoch");
	d->sequence = get_number(o, "sequence");
	d->last_seen = get_number(o, "last_seen");
	ack_of_entry(o, d);
	d->recorded = true;
	d->from_roster = get_flag(o, "from_roster");
	list = get_array(o, "namespaces");
	d->namespaces = list ? (uint32_t)json_object_array_length(list) : 0;
	return inv ? drive_namespaces(o, d, inv) : 0;
}

int record_find(const struct record *r, const uint8_t uuid[16])
{
	size_t i, n = record_count(r);
	uint8_t other[16];

	for (i = 0; i < n; i++) {
		get_uuid(json_object_array_get_idx(r->drives, i), "uuid", other);
		if (!memcmp(other, uuid, 16))
			return (int)i;
	}
	return -ENOENT;
}

bool record_stale(const struct record *r, const uint8_t uuid[16])
{
	int at = record_find(r, uuid);

	return at >= 0 && get_flag(json_object_array_get_idx(r->drives, (size_t)at), "stale");
}

/*
 * Nothing was written to a drive that is read-only, so its label is what it was. Unless that
 * was accepted, the entry goes on to tell what the drive has had, and the gate keeps it out.
 */
static bool stays_stale(const struct record *r, struct pnvme_drive *d)
{
	struct pnvme_drive before;

	if (!d->read_only || record_find(r, d->uuid) < 0)
		return false;
	drive_init(&before);
	record_drive(r, (size_t)record_find(r, d->uuid), &before, NULL);
	if (!label_is_older(d, &before))
		return record_stale(r, d->uuid);
	d->sequence = before.sequence;
	d->epoch = before.epoch;
	return true;
}

static int describe_ns(struct json_object *list, const struct pnvme_namespace *ns)
{
	struct json_object *o = json_object_new_object();

	if (!o)
		return -ENOMEM;
	if (add_string(o, "name", ns->name) || add_uuid(o, "uuid", ns->uuid) ||
	    add_uuid(o, "nguid", ns->nguid) || add_number(o, "nsid", ns->nsid) ||
	    add_number(o, "start", ns->start) || add_number(o, "size", ns->size) ||
	    json_object_array_add(list, o)) {
		json_object_put(o);
		return -ENOMEM;
	}
	return 0;
}

static int describe_namespaces(struct json_object *o, const struct pnvme_inventory *inv)
{
	struct json_object *list = json_object_new_array();
	size_t i;
	int ret;

	ret = add(o, "namespaces", list);
	for (i = 0; !ret && i < inv->n_namespaces; i++) {
		/* what is being created is in no label yet */
		if (inv->namespaces[i]->state != PNVME_NS_STATUS_ZEROING &&
		    inv->namespaces[i]->state != PNVME_NS_STATUS_FAILED)
			ret = describe_ns(list, inv->namespaces[i]);
	}
	return ret;
}

static int describe_drive(struct json_object *o, const struct pnvme_drive *d)
{
	struct disk k;

	if (disk_read(d->name, &k) || k.diskseq != d->diskseq)
		memset(&k, 0, sizeof(k));
	if (add_uuid(o, "uuid", d->uuid) || add_uuid(o, "hwid", d->hwid) ||
	    add_number(o, "hwid_type", d->hwid_type) || add_string(o, "serial", d->serial) ||
	    add_string(o, "model", d->model) || add_number(o, "capacity", d->capacity) ||
	    add_number(o, "size", d->size) || add_number(o, "lba_size", d->lba_size) ||
	    add_string(o, "slot", k.slot) || add_string(o, "device", d->name) ||
	    (d->instance >= 0 && add_number(o, "instance", (uint64_t)d->instance)) ||
	    add_number(o, "last_seen", (uint64_t)time(NULL)) ||
	    add_number(o, "epoch", d->epoch) || add_number(o, "sequence", d->sequence))
		return -ENOMEM;
	return 0;
}

int record_set_entry(struct record *r, const struct pnvme_drive *d,
		     const struct pnvme_inventory *inv, bool stale)
{
	struct json_object *o = json_object_new_object();
	int at = record_find(r, d->uuid), ret;
	struct pnvme_drive now = *d;

	if (!o)
		return -ENOMEM;
	stale = stale || stays_stale(r, &now);
	ret = describe_drive(o, &now);
	/* until it is attached and written: the module is told not to trust all of its label */
	if (!ret && stale)
		ret = add(o, "stale", json_object_new_boolean(true));
	if (!ret)
		ret = describe_namespaces(o, inv);
	if (!ret) {
		if (at < 0)
			ret = json_object_array_add(r->drives, o);
		else
			ret = json_object_array_put_idx(r->drives, (size_t)at, o);
	}
	if (ret) {
		json_object_put(o);
		return -ENOMEM;
	}
	return 0;
}

int record_remove_entry(struct record *r, const uint8_t uuid[16])
{
	int at = record_find(r, uuid);

	if (at < 0)
		return at;
	return json_object_array_del_idx(r->drives, (size_t)at, 1) ? -ENOMEM : 0;
}

/* The entry is written anew when the drive is back, without it. */
int record_ack_entry(struct record *r, const uint8_t uuid[16], enum pnvme_verdict v)
{
	struct json_object *ack;
	int at = record_find(r, uuid);

	if (at < 0)
		return at;
	ack = json_object_new_object();
	if (!ack)
		return -ENOMEM;
	if (add_string(ack, "verdict", pnvme_verdict_name(v)) ||
	    add_number(ack, "at", (uint64_t)time(NULL))) {
		json_object_put(ack);
		return -ENOMEM;
	}
	return add(json_object_array_get_idx(r->drives, (size_t)at), "acknowledged", ack);
}
