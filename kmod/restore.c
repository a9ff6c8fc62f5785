// SPDX-License-Identifier: GPL-2.0
/*
 * What is different when a drive is attached with a label that was kept elsewhere, as it has
 * lost all its own; or whose hardware says something else of itself than its label does.
 */
#include <linux/string.h>

#include "drive.h"
#include "label_io.h"

/*
 * A damaged copy is what this is for. One that is whole, or of another kind, says that the
 * drive has a label; and where a slot cannot be read nobody knows.
 */
static int refuse_slots(struct pnvme_drive *drive, const struct pnvme_slots *slots,
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
		if (ret != PNVME_LABEL_NONE && ret != PNVME_LABEL_CORRUPT)
			return pnvme_refuse(err, -EEXIST,
					    "%s carries a pnvme label (slot %d): attach or import it; only a drive that has lost all copies is restored",
					    drive->lower_name, i);
	}
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
	ret = refuse_slots(drive, &slots, err);
	pnvme_slots_free(&slots);
	if (ret)
		return ret;
	memcpy(drive->uuid, drive->label->drive_uuid, sizeof(drive->uuid));
	drive->repaired = true;
	drive->good = 0;
	return 0;
}

/**
 * pnvme_restore_draft - what nobody can vouch for in a label that was kept elsewhere
 * @l: draft of it
 *
 * Others may have written where no namespace is: that is dirty, and no proof of anything. Nor
 * is a seal: that it was broken may be what the label that is lost said.
 */
void pnvme_restore_draft(struct pnvme_label *l)
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
