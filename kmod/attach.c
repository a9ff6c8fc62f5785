// SPDX-License-Identifier: GPL-2.0
/* Adopt, attach, import, erase: from a block device to an attached drive, or not. */
#include <linux/blkdev.h>
#include <linux/random.h>
#include <linux/string.h>

#include "drive.h"
#include "event.h"
#include "label_io.h"
#include "namespace.h"

/**
 * pnvme_slot_kind - how a slot that holds something of ours is named in a refusal
 * @check: what pnvme_label_check() returned
 *
 * Return: with its article.
 */
const char *pnvme_slot_kind(int check)
{
	switch (check) {
	case 0:
		return "a pnvme label";
	case PNVME_LABEL_UNKNOWN:
		return "a pnvme label of an unknown version";
	default:
		return "a damaged pnvme label";
	}
}

/* Adopt destroys: whatever looks like ours, in any slot, is in the way. */
static int refuse_labels(struct pnvme_drive *drive, const struct pnvme_slots *slots,
			 struct pnvme_error *err)
{
	const char *why;
	int i, ret;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		if (slots->error[i])
			return pnvme_refuse(err, slots->error[i],
					    "%s cannot be read where its label would be (error %d)",
					    drive->lower_name, -slots->error[i]);
		ret = pnvme_label_check(slots->copy[i], &why);
		if (ret != PNVME_LABEL_NONE)
			return pnvme_refuse(err, -EEXIST,
					    "%s carries %s (slot %d): attach or import it, or erase it first",
					    drive->lower_name, pnvme_slot_kind(ret), i);
	}
	return 0;
}

static int draft_first_label(struct pnvme_drive *drive, const struct pnvme_attach *req,
			     bool dirty, struct pnvme_error *err)
{
	const struct pnvme_identity *id = &drive->identity;
	const char *why = "";
	struct pnvme_label_params p = {
		.drive_uuid	= req->uuid,
		.owner		= req->host,
		.hwid		= id->hwid,
		.hwid_type	= id->hwid_type,
		.pi_type	= id->pi_type,
		.metadata_bytes	= id->metadata_bytes,
		.serial		= id->serial,
		.model		= id->model,
		.instance	= drive->instance,
		.lba_size	= id->lba_size,
		.capacity	= id->capacity,
		.nonce		= get_random_u64(),
		.dirty		= dirty,
	};

	if (pnvme_label_init(drive->next, &p, &why))
		return pnvme_refuse(err, -EINVAL, "no label can be made for %s: %s",
				    drive->lower_name, why);
	return 0;
}

static int check_adopt(struct pnvme_drive *drive, const struct pnvme_attach *req,
		       struct pnvme_error *err)
{
	struct pnvme_slots slots;
	bool dirty;
	int ret;

	if (!drive->identity.nvme && !req->any)
		return pnvme_refuse(err, -EOPNOTSUPP,
				    "%s is not an NVMe drive; --any adopts it all the same, with weak proof of identity",
				    drive->lower_name);
	if (compat_claim_read_only(&drive->claim))
		return pnvme_refuse(err, -EROFS, "%s is read-only and cannot be adopted",
				    drive->lower_name);
	ret = pnvme_slots_alloc(&slots);
	if (ret)
		return ret;
	pnvme_slots_read(drive->claim.bdev, drive->identity.capacity, &slots);
	ret = refuse_labels(drive, &slots, err);
	dirty = req->dirty || pnvme_slot_is_erased(slots.copy[PNVME_ERASED_SLOT]);
	pnvme_slots_free(&slots);
	if (ret)
		return ret;
	memcpy(drive->uuid, req->uuid, sizeof(drive->uuid));
	return draft_first_label(drive, req, dirty, err);
}

static int refuse_label(struct pnvme_drive *drive, int ret, const char *why,
			struct pnvme_error *err)
{
	switch (ret) {
	case PNVME_LABEL_NONE:
		return pnvme_refuse(err, ret,
				    "%s carries no pnvme label; pnvme drive adopt makes one",
				    drive->lower_name);
	case PNVME_LABEL_CORRUPT:
		return pnvme_refuse(err, ret,
				    "every label copy on %s is damaged (%s); look with pnvme drive examine",
				    drive->lower_name, why);
	case PNVME_LABEL_UNKNOWN:
		return pnvme_refuse(err, ret,
				    "the label on %s is of a newer kind (%s); use a newer pnvme",
				    drive->lower_name, why);
	default:
		return pnvme_refuse(err, ret,
				    "the label on %s is invalid (%s); look with pnvme drive examine",
				    drive->lower_name, why);
	}
}

/* Takes the copy to use from the slots into drive->label. */
static int read_label(struct pnvme_drive *drive, struct pnvme_error *err)
{
	const struct pnvme_label *copies[PNVME_LABEL_SLOTS];
	struct pnvme_slots slots;
	const char *why = "";
	int i, ret;

	ret = pnvme_slots_alloc(&slots);
	if (ret)
		return ret;
	pnvme_slots_read(drive->claim.bdev, drive->identity.capacity, &slots);
	for (i = 0; i < PNVME_LABEL_SLOTS; i++)
		copies[i] = slots.error[i] ? NULL : slots.copy[i];
	ret = pnvme_label_pick(copies, &drive->repaired, &why);
	drive->good = 0;
	drive->unread = memchr_inv(slots.error, 0, sizeof(slots.error));
	for (i = 0; ret >= 0 && i < PNVME_LABEL_SLOTS; i++)
		if (copies[i] && !memcmp(copies[i], copies[ret], PNVME_LABEL_BYTES))
			drive->good |= 1 << i;
	if (ret >= 0) {
		swap(drive->label, slots.copy[ret]);
		memcpy(drive->uuid, drive->label->drive_uuid, sizeof(drive->uuid));
		ret = 0;
	} else {
		ret = refuse_label(drive, ret, why, err);
	}
	pnvme_slots_free(&slots);
	return ret;
}

static int check_owner(struct pnvme_drive *drive, const struct pnvme_attach *req,
		       struct pnvme_error *err)
{
	const u8 *owner = drive->label->owner;

	if (req->from) {
		if (memcmp(owner, req->from, 16))
			return pnvme_blame(err, PNVME_BLAME_OWNER,
					   pnvme_refuse(err, -EXDEV,
							"%s belongs to host %pU, not %pU; nothing was imported",
							drive->lower_name, owner, req->from));
		return 0;
	}
	if (memcmp(owner, req->host, 16) && memchr_inv(owner, 0, 16))
		return pnvme_refuse(err, -EXDEV,
				    "%s belongs to host %pU; if that host has given it up: pnvme drive import /dev/%s --from %pU",
				    drive->lower_name, owner, drive->lower_name, owner);
	return 0;
}

static int refuse_attached(struct pnvme_drive *drive, struct pnvme_error *err)
{
	struct pnvme_drive *other = pnvme_drive_get(drive->uuid);

	if (!other)
		return 0;
	pnvme_refuse(err, -EEXIST,
		     "drive %pU is already attached as %s from %s (serial %s); %s is a copy of it, or its return: detach that one first if it is gone",
		     drive->uuid, dev_name(&other->dev), other->lower_name,
		     other->identity.serial, drive->lower_name);
	pnvme_drive_put(other);
	return -EEXIST;
}

static int check_attach(struct pnvme_drive *drive, const struct pnvme_attach *req,
			struct pnvme_error *err)
{
	const struct pnvme_identity *id = &drive->identity;
	const char *why = "";
	int ret;

	ret = req->label ? pnvme_restore_take_label(drive, req, err) : read_label(drive, err);
	if (ret)
		return ret;
	if (req->uuid && memcmp(req->uuid, drive->uuid, 16))
		return pnvme_blame(err, PNVME_BLAME_UUID,
				   pnvme_refuse(err, -ESTALE,
						"%s carries the label of drive %pU, not %pU",
						drive->lower_name, drive->uuid, req->uuid));
	/* not written, it would name the other hardware when the drive comes back from a hold */
	if (req->identity && drive->read_only)
		return pnvme_refuse(err, -EROFS,
				    "%s is read-only; its new identity cannot be written to it",
				    drive->lower_name);
	ret = refuse_attached(drive, err);
	if (ret)
		return ret;
	if (pnvme_label_fits(drive->label, id->capacity, id->lba_size, &why))
		return pnvme_refuse(err, -EUCLEAN, "the label on %s is not of this drive: %s",
				    drive->lower_name, why);
	why = pnvme_identity_differs(id, drive->label);
	if (why && !req->identity)
		return pnvme_refuse(err, -ENOTUNIQ,
				    "the label on %s names other hardware (%s differs): it is a copy; attach the original, or erase this one",
				    drive->lower_name, why);
	if (drive->label->pi_type != id->pi_type ||
	    le16_to_cpu(drive->label->metadata_bytes) != id->metadata_bytes)
		return pnvme_refuse(err, -EUCLEAN,
				    "%s was formatted with other metadata or protection information since it was adopted",
				    drive->lower_name);
	ret = check_owner(drive, req, err);
	if (ret || !(req->label || req->stale || why))
		return ret;
	/* before namespaces are made of it; what may not be changed stays as it is */
	if (drive->read_only)
		drive->distrusted = true;
	else
		pnvme_label_distrust(drive->label);
	return 0;
}

static void draft_epoch(struct pnvme_drive *drive, const struct pnvme_attach *req)
{
	struct pnvme_label *l = pnvme_drive_draft(drive);

	le64_add_cpu(&l->epoch, 1);
	l->nonce = cpu_to_le64(get_random_u64());
	if (req->identity)
		pnvme_identity_draft(l, &drive->identity);
	if (!memcmp(l->owner, req->host, sizeof(l->owner)))
		return;
	/* the old owner's drives are none of ours */
	memcpy(l->owner, req->host, sizeof(l->owner));
	pnvme_roster_clear(l);
}

static int write_label(struct pnvme_drive *drive, const struct pnvme_attach *req,
		       struct pnvme_error *err)
{
	int ret;

	if (drive->read_only)
		return 0;
	if (!req->adopt)
		draft_epoch(drive, req);
	ret = pnvme_drive_first_write(drive, err);
	if (ret && req->adopt &&
	    pnvme_slots_zero(drive->claim.bdev, drive->identity.capacity,
			     pnvme_table_touched(drive->next)))
		pnvme_refuse(err, ret,
			     "the first label of %s cannot be written (error %d), and parts of it may be left; look with pnvme drive examine",
			     drive->lower_name, -ret);
	return ret;
}

static int add_namespaces(struct pnvme_drive *drive, struct pnvme_error *err)
{
	struct pnvme_ns *ns;
	int i, ret;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (!pnvme_table_used(&drive->label->ns[i]))
			continue;
		ns = pnvme_ns_new(drive, &drive->label->ns[i]);
		if (!ns)
			return -ENOMEM;
		ret = pnvme_ns_list(ns, err);
		if (ret) {
			pnvme_ns_put(ns);
			return ret;
		}
	}
	return 0;
}

/*
 * One that cannot be exposed does not take the others down: they may be in use
 * as soon as they are there. What the label says of it stays.
 */
static void expose_namespaces(struct pnvme_drive *drive)
{
	struct pnvme_ns *ns;
	int ret;

	list_for_each_entry(ns, &drive->namespaces, node) {
		ret = pnvme_ns_expose(ns);
		if (!ret)
			continue;
		down_write(&pnvme_view);
		ns->state = PNVME_NS_STATE_FAILED;
		snprintf(ns->reason, sizeof(ns->reason),
			 "its block device could not be made (error %d)", -ret);
		pnvme_changed();
		up_write(&pnvme_view);
		pnvme_event_ns(PNVME_EVENT_TYPE_NS_FAIL, ns,
			       "its block device could not be made (error %d); detach and attach the drive",
			       -ret);
	}
}

/* None is exposed yet. */
static void remove_namespaces(struct pnvme_drive *drive)
{
	struct pnvme_ns *ns, *tmp;

	list_for_each_entry_safe(ns, tmp, &drive->namespaces, node)
		pnvme_ns_remove(ns);
}

static int attach_listed(struct pnvme_drive *drive, const struct pnvme_attach *req,
			 struct pnvme_error *err)
{
	int ret;

	/* an identity that is taken is found before the label is touched */
	if (!req->adopt) {
		ret = add_namespaces(drive, err);
		if (ret)
			goto remove;
	}
	ret = dev_set_name(&drive->dev, "pnvme%d", drive->instance);
	if (!ret)
		ret = device_add(&drive->dev);
	if (ret)
		goto remove;
	/* last of what can fail on adopt, so that a failure leaves no label */
	ret = write_label(drive, req, err);
	if (ret)
		goto del_device;
	pnvme_drive_use_settings(drive);
	/* who hears of a disk may ask for it at once; changes wait for @lock */
	pnvme_drive_expose(drive);
	expose_namespaces(drive);
	return 0;

del_device:
	device_del(&drive->dev);
remove:
	remove_namespaces(drive);
	return ret;
}

static void announce(struct pnvme_drive *drive, const struct pnvme_attach *req)
{
	u64 epoch;

	down_read(&pnvme_view);
	epoch = le64_to_cpu(drive->label->epoch);
	up_read(&pnvme_view);
	if (drive->repaired && !drive->label_lost)
		pnvme_event_drive(PNVME_EVENT_TYPE_LABEL_REPAIR, drive,
				  "label copies were missing, damaged or old, and were rewritten");
	pnvme_event_drive(PNVME_EVENT_TYPE_DRIVE_ATTACH, drive, "%s, epoch %llu%s",
			  req->adopt ? "adopted" : req->from ? "imported" :
			  req->label ? "label restored" : "attached",
			  epoch, drive->read_only ? ", read-only" : "");
}

static int attach_claimed(struct pnvme_drive *drive, const struct pnvme_attach *req,
			  struct pnvme_error *err)
{
	int ret;

	/* what was written through the raw node's page cache is what the label I/O must see */
	sync_blockdev(drive->claim.bdev);
	invalidate_bdev(drive->claim.bdev);
	drive->read_only = !req->adopt &&
			   (req->read_only || compat_claim_read_only(&drive->claim));
	if (drive->read_only && req->from)
		return pnvme_refuse(err, -EROFS,
				    "%s is read-only; a new owner cannot be written to it",
				    drive->lower_name);
	ret = req->adopt ? check_adopt(drive, req, err) : check_attach(drive, req, err);
	if (ret || req->check)
		return ret;
	ret = pnvme_drive_list(drive, req->adopt ? 0 : le32_to_cpu(drive->label->instance), err);
	if (ret)
		return ret;
	if (req->adopt)
		drive->next->instance = cpu_to_le32(drive->instance);
	if (drive->read_only)
		drive->repaired = false;	/* found, but nothing was rewritten */
	pnvme_drive_lock(drive);
	ret = attach_listed(drive, req, err);
	if (ret)
		pnvme_drive_unlist(drive);
	pnvme_drive_unlock(drive);
	return ret;
}

/*
 * That drive is attached. If it was lost and this is its return, it goes on; if it is
 * not, the refusal stands. What was made for the attach is given back either way.
 */
static int attach_returned(struct pnvme_drive *drive, const struct pnvme_attach *req,
			   struct pnvme_drive **result, struct pnvme_error *err)
{
	struct pnvme_drive *other = pnvme_drive_get(drive->uuid);
	int ret = -EEXIST;

	pnvme_drive_release_lower(drive);
	pnvme_drive_put(drive);	/* the list's */
	pnvme_drive_put(drive);
	if (!other)
		return ret;
	ret = pnvme_resume_by_hand(other, &req->lower, req->check, err);
	if (!ret && !req->check)
		*result = other;
	else
		pnvme_drive_put(other);
	return ret;
}

/* A drive that failed and still has its device. */
static struct pnvme_drive *find_failed(dev_t dev)
{
	struct pnvme_drive *drive = NULL;

	down_read(&pnvme_view);
	while ((drive = pnvme_drive_next(drive))) {
		if (drive->exposed && drive->state == PNVME_DRIVE_STATE_FAILED &&
		    drive->claim.bdev && drive->lower_dev == dev) {
			get_device(&drive->dev);
			break;
		}
	}
	up_read(&pnvme_view);
	return drive;
}

/* Whatever it failed for is over, if it can still prove to be the same. */
static int attach_failed(struct pnvme_drive *drive, const struct pnvme_attach *req,
			 struct pnvme_drive **result, struct pnvme_error *err)
{
	int ret;

	if (req->uuid && memcmp(req->uuid, drive->uuid, 16))
		ret = pnvme_blame(err, PNVME_BLAME_UUID,
				  pnvme_refuse(err, -ESTALE, "%s is drive %pU, not %pU",
					       drive->lower_name, drive->uuid, req->uuid));
	else
		ret = pnvme_resume_by_hand(drive, &req->lower, req->check, err);
	if (ret == -EEXIST)
		ret = pnvme_refuse(err, -EBUSY, "%s is attached", drive->lower_name);
	if (!ret && !req->check)
		*result = drive;
	else
		pnvme_drive_put(drive);
	return ret;
}

/**
 * pnvme_drive_attach - adopt, attach or import a drive
 * @req: which, and how
 * @result: the drive, to be given back; NULL where @req->check is set
 * @err: the sentence, on failure
 *
 * Return: 0, or a negative errno: then nothing was changed, but for the epoch in
 * the label if it failed late.
 */
int pnvme_drive_attach(const struct pnvme_attach *req, struct pnvme_drive **result,
		       struct pnvme_error *err)
{
	struct pnvme_drive *drive;
	int ret;

	*result = NULL;
	drive = req->adopt || req->from || req->label ? NULL : find_failed(req->lower.dev);
	if (drive)
		return attach_failed(drive, req, result, err);
	drive = pnvme_drive_new();
	if (!drive)
		return -ENOMEM;
	ret = pnvme_drive_claim(drive, &req->lower, err);
	if (ret)
		goto put;
	get_device(&drive->dev);	/* the list's, once it is in it */
	ret = attach_claimed(drive, req, err);
	if (ret == -EEXIST && !req->adopt && !req->from && !req->label)
		return attach_returned(drive, req, result, err);
	if (ret || req->check)
		goto release;
	announce(drive, req);
	pnvme_drive_scan_partitions(drive);
	*result = drive;
	return 0;

release:
	pnvme_drive_release_lower(drive);
	pnvme_drive_put(drive);
put:
	pnvme_drive_put(drive);
	return ret;
}

/* The same hardware by another path may be attached: a copy of it may go. */
static int refuse_erase_attached(const struct pnvme_identity *id, const u8 *uuid,
				 struct pnvme_error *err)
{
	struct pnvme_drive *drive = pnvme_drive_get(uuid);
	int ret = 0;

	if (!drive)
		return 0;
	if (drive->identity.hwid_type == id->hwid_type &&
	    !memcmp(drive->identity.hwid, id->hwid, sizeof(id->hwid)) &&
	    !strcmp(drive->identity.serial, id->serial) &&
	    !strcmp(drive->identity.model, id->model) && id->nvme)
		ret = pnvme_refuse(err, -EBUSY,
				   "drive %pU is attached as %s, by another path to the same hardware; detach it first",
				   uuid, dev_name(&drive->dev));
	pnvme_drive_put(drive);
	return ret;
}

/**
 * struct erasure - what is found on a drive that is to be erased
 * @found: a slot has our magic, whole or not
 * @named: such a slot names the right drive
 * @wrong: a whole one names another
 * @other: which
 * @mark: namespaces may have left data: a copy says so, or cannot be asked
 */
struct erasure {
	bool	found;
	bool	named;
	bool	wrong;
	bool	mark;
	u8	other[16];
};

/* A damaged copy may name any drive; a whole one must name the right one. */
static int check_erase_copy(struct block_device *bdev, const struct pnvme_label *l, int check,
			    const u8 *uuid, const u8 *host, struct erasure *e,
			    struct pnvme_error *err)
{
	e->found = true;
	if (!memcmp(l->drive_uuid, uuid, 16)) {
		e->named = true;
	} else if (!e->wrong) {
		e->wrong = check != PNVME_LABEL_CORRUPT;
		memcpy(e->other, l->drive_uuid, 16);
	}
	if (check || pnvme_table_touched(l))
		e->mark = true;
	/* of a version that is unknown, the owner may be anywhere */
	if (check == PNVME_LABEL_CORRUPT || check == PNVME_LABEL_INVALID ||
	    le32_to_cpu(l->version) != PNVME_LABEL_VERSION)
		return 0;
	if (memchr_inv(l->owner, 0, 16) && memcmp(l->owner, host, 16))
		return pnvme_refuse(err, -EXDEV, "%pg belongs to host %pU; import it first",
				    bdev, l->owner);
	return 0;
}

static int check_erase(struct block_device *bdev, u64 capacity, const u8 *uuid, const u8 *host,
		       struct erasure *e, struct pnvme_error *err)
{
	struct pnvme_slots slots;
	const char *why;
	int i, check, ret;

	ret = pnvme_slots_alloc(&slots);
	if (ret)
		return ret;
	pnvme_slots_read(bdev, capacity, &slots);
	for (i = 0; i < PNVME_LABEL_SLOTS && !ret; i++) {
		if (slots.error[i])
			e->mark = true;
		check = slots.error[i] ? PNVME_LABEL_NONE : pnvme_label_check(slots.copy[i], &why);
		if (check == PNVME_LABEL_NONE)
			continue;
		ret = check_erase_copy(bdev, slots.copy[i], check, uuid, host, e, err);
	}
	pnvme_slots_free(&slots);
	if (ret)
		return ret;
	if (!e->found)
		return pnvme_refuse(err, -ENODATA, "%pg carries no pnvme label; nothing to erase",
				    bdev);
	if (e->named && !e->wrong)
		return 0;
	pnvme_refuse(err, -ESTALE,
		     "%pg carries the label of drive %pU, not %pU; nothing was erased",
		     bdev, e->other, uuid);
	return pnvme_blame(err, PNVME_BLAME_UUID, -ESTALE);
}

static int erase_claimed(struct compat_claim *claim, const u8 *uuid, const u8 *host, bool check,
			 struct pnvme_error *err)
{
	struct block_device *bdev = claim->bdev;
	struct pnvme_identity id;
	struct erasure e = { };
	int ret;

	sync_blockdev(bdev);
	invalidate_bdev(bdev);
	if (compat_claim_read_only(claim))
		return pnvme_refuse(err, -EROFS, "%pg is read-only", bdev);
	ret = pnvme_identity_read(bdev, &id, err);
	if (!ret)
		ret = check_erase(bdev, id.capacity, uuid, host, &e, err);
	if (!ret)
		ret = refuse_erase_attached(&id, uuid, err);
	if (ret || check)
		return ret;
	ret = pnvme_slots_zero(bdev, id.capacity, e.mark);
	invalidate_bdev(bdev);
	if (ret)
		return pnvme_refuse(err, ret,
				    "the label of %pg cannot be erased (error %d); repeat, or look with pnvme drive examine",
				    bdev, -ret);
	pr_info("%pg: label of drive %pU erased\n", bdev, uuid);
	return 0;
}

/**
 * pnvme_drive_erase - zero all label slots of a drive that is not attached
 * @lower: which device
 * @uuid: of its label, as proof that the right one is meant
 * @host: this host's ID; a drive of another host is refused
 * @check: change nothing
 * @err: the sentence, on failure
 *
 * Return: 0 or a negative errno.
 */
int pnvme_drive_erase(const struct pnvme_lower_id *lower, const u8 *uuid, const u8 *host,
		      bool check, struct pnvme_error *err)
{
	struct compat_claim claim = { };
	int ret;

	ret = pnvme_lower_claim(lower, &claim, NULL, &claim, err);
	if (ret)
		return ret;
	ret = erase_claimed(&claim, uuid, host, check, err);
	compat_claim_release(&claim);
	return ret;
}
