// SPDX-License-Identifier: GPL-2.0
/*
 * What is different when a drive is attached with a label that was kept elsewhere, as it has
 * lost all its own; or whose hardware says something else of itself than its label does.
 */
#include <linux/minmax.h>
#include <linux/string.h>

#include "drive.h"
#include "label_io.h"

/**
 * struct damage - what the damaged copies on a drive say
 * @ours: one names the drive of the label that is brought
 * @other: one names another drive
 * @sequence: the highest of those that are ours
 */
struct damage {
	bool	ours;
	bool	other;
	u64	sequence;
};

/*
 * A damaged copy is what this is for. One that is whole, or of another kind, says that the
 * drive has a label; and where a slot cannot be read nobody knows.
 */
static int look_at_slots(struct pnvme_drive *drive, const struct pnvme_slots *slots,
			 struct damage *damage, struct pnvme_error *err)
{
	const struct pnvme_label *copy;
	const char *why;
	int i, ret;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		copy = slots->copy[i];
		if (slots->error[i])
			return pnvme_refuse(err, slots->error[i],
					    "%s cannot be read where its label would be (error %d)",
					    drive->lower_name, -slots->error[i]);
		ret = pnvme_label_check(copy, &why);
		if (ret == PNVME_LABEL_NONE)
			continue;
		if (ret != PNVME_LABEL_CORRUPT)
			return pnvme_refuse(err, -EEXIST,
					    "%s carries %s (slot %d): attach or import it, or erase it first; only a drive that has lost all copies is restored",
					    drive->lower_name, pnvme_slot_kind(ret), i);
		if (!memcmp(copy->drive_uuid, drive->label->drive_uuid, 16)) {
			damage->ours = true;
			damage->sequence = max(damage->sequence, le64_to_cpu(copy->sequence));
		} else if (memchr_inv(copy->drive_uuid, 0, 16)) {
			damage->other = true;
		}
	}
	return 0;
}

/* Half a proof, but it may be all there is: a disk without a serial looks like any other. */
static int refuse_damage(struct pnvme_drive *drive, const struct damage *damage,
			 struct pnvme_error *err)
{
	const struct pnvme_label *l = drive->label;

	if (damage->other && !damage->ours)
		return pnvme_refuse(err, -ESTALE,
				    "the damaged label on %s is of another drive than %pU; if it is of no use: erase it first",
				    drive->lower_name, l->drive_uuid);
	if (damage->sequence > le64_to_cpu(l->sequence))
		return pnvme_refuse(err, -ESTALE,
				    "a damaged copy on %s has sequence %llu, the label to restore is older (%llu)",
				    drive->lower_name, damage->sequence, le64_to_cpu(l->sequence));
	if (!damage->ours && drive->identity.hwid_type == PNVME_HWID_NONE &&
	    !drive->identity.serial[0])
		return pnvme_refuse(err, -ENOTUNIQ,
				    "%s has neither a hardware ID nor a serial number, and no copy on it names drive %pU: nothing tells that it is that one",
				    drive->lower_name, l->drive_uuid);
	return 0;
}

/**
 * pnvme_restore_take_label - the label that the request brings, if the drive has none
 * @drive: claimed; @label and @uuid are set
 * @req: its @label
 * @err: the sentence, on failure
 *
 * Whether it is of this drive and this host is for the caller to find out, as with one that
 * was read.
 *
 * Return: 0 or a negative errno.
 */
int pnvme_restore_take_label(struct pnvme_drive *drive, const struct pnvme_attach *req,
			     struct pnvme_error *err)
{
	struct damage damage = { };
	struct pnvme_slots slots;
	const char *why = "";
	int ret;

	/* what a request holds is not aligned */
	memcpy(drive->label, req->label, PNVME_LABEL_BYTES);
	if (pnvme_label_check(drive->label, &why))
		return pnvme_refuse(err, -EINVAL,
				    "the label to restore is not a whole one: %s", why);
	if (drive->read_only)
		return pnvme_refuse(err, -EROFS, "%s is read-only; no label can be written to it",
				    drive->lower_name);
	ret = pnvme_slots_alloc(&slots);
	if (ret)
		return ret;
	pnvme_slots_read(drive->claim.bdev, drive->identity.capacity, &slots);
	ret = look_at_slots(drive, &slots, &damage, err);
	pnvme_slots_free(&slots);
	if (!ret)
		ret = refuse_damage(drive, &damage, err);
	if (ret)
		return ret;
	memcpy(drive->uuid, drive->label->drive_uuid, sizeof(drive->uuid));
	drive->repaired = true;
	drive->good = 0;
	return 0;
}

/**
 * pnvme_label_distrust - drop from a label what nobody can vouch for
 * @l: of a drive that is being attached: kept elsewhere, older than what the drive had
 *	already, or of other hardware. Nothing is exposed of it yet, and it is written next
 *
 * Others may have written where no namespace is: that is dirty, and no proof of anything. Nor
 * is a seal: that it was broken may be what the label that is lost said.
 */
void pnvme_label_distrust(struct pnvme_label *l)
{
	unsigned int i;

	for (i = 0; i < PNVME_NS_MAX; i++)
		memset(&l->ns[i].seal, 0, sizeof(l->ns[i].seal));
	memset(l->grave, 0, sizeof(l->grave));
	pnvme_dirty_add(l, 0, U64_MAX);
}

static void set_text(char *field, size_t bytes, const char *text)
{
	memset(field, 0, bytes);
	strscpy(field, text, bytes);
}

/**
 * pnvme_identity_draft - the hardware that a label names is what the drive says now
 * @l: draft
 * @id: of the drive
 */
void pnvme_identity_draft(struct pnvme_label *l, const struct pnvme_identity *id)
{
	memcpy(l->hwid, id->hwid, sizeof(l->hwid));
	l->hwid_type = id->hwid_type;
	set_text(l->serial, sizeof(l->serial), id->serial);
	set_text(l->model, sizeof(l->model), id->model);
}
