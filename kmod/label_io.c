// SPDX-License-Identifier: GPL-2.0
/*
 * Reading and writing label copies. Everything here sleeps and does I/O; no
 * lock that an I/O error path or a reader needs may be held by the caller.
 */
#include <linux/bio.h>
#include <linux/bitops.h>
#include <linux/blkdev.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "label_io.h"

/* Written in this order: a torn update leaves one front and one end copy whole. */
static const u8 pairs[2][2] = { { 0, 2 }, { 1, 3 } };

struct pnvme_label *pnvme_label_alloc(void)
{
	return kzalloc(PNVME_LABEL_BYTES, GFP_KERNEL);
}

void pnvme_label_free(struct pnvme_label *label)
{
	kfree(label);
}

/* @label is physically contiguous (pnvme_label_alloc), so one segment holds it. */
static int slot_io(struct block_device *bdev, u64 capacity, unsigned int slot, blk_opf_t opf,
		   struct pnvme_label *label)
{
	struct bio_vec bvec;
	struct bio bio;
	int ret;

	bio_init(&bio, bdev, &bvec, 1, opf | REQ_SYNC | REQ_META);
	bio.bi_iter.bi_sector = pnvme_label_slot(capacity, slot) >> SECTOR_SHIFT;
	__bio_add_page(&bio, virt_to_page(label), PNVME_LABEL_BYTES, offset_in_page(label));
	ret = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return ret;
}

static int slot_verify(struct block_device *bdev, u64 capacity, unsigned int slot,
		       const struct pnvme_label *label, struct pnvme_label *check)
{
	int ret = slot_io(bdev, capacity, slot, REQ_OP_READ, check);

	if (ret)
		return ret;
	return memcmp(check, label, PNVME_LABEL_BYTES) ? -EIO : 0;
}

static int pair_write(struct block_device *bdev, u64 capacity, const u8 *pair,
		      const struct pnvme_label *label, struct pnvme_label *check)
{
	int i, ret;

	for (i = 0; i < 2; i++) {
		ret = slot_io(bdev, capacity, pair[i], REQ_OP_WRITE | REQ_FUA,
			      (struct pnvme_label *)label);
		if (ret)
			return ret;
	}
	ret = blkdev_issue_flush(bdev);
	if (ret)
		return ret;
	for (i = 0; i < 2; i++) {
		ret = slot_verify(bdev, capacity, pair[i], label, check);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * pnvme_label_write - write a sealed label to all slots, pair by pair
 * @bdev: lower device, claimed for writing
 * @capacity: of it when it was claimed
 * @label: what to write
 * @check: scratch of the same size, for reading back
 *
 * Return: 0 or the error of the first step that failed; slots may then hold
 * the old content, the new, or neither, but never is more than one pair touched
 * before the other is whole.
 */
int pnvme_label_write(struct block_device *bdev, u64 capacity, const struct pnvme_label *label,
		      struct pnvme_label *check)
{
	int ret = pair_write(bdev, capacity, pairs[0], label, check);

	return ret ? ret : pair_write(bdev, capacity, pairs[1], label, check);
}

/**
 * pnvme_label_create - write a sealed label to slots that have none
 * @bdev: lower device, claimed for writing
 * @capacity: of it when it was claimed
 * @label: what to write
 * @check: scratch of the same size, for reading back
 *
 * Where no other copy is whole, half a label would be in everybody's way. So the first pair gets
 * all but its first block before: what is torn then is no label, and that block, which a drive
 * writes as one, makes it a whole one.
 *
 * Return: as pnvme_label_write().
 */
int pnvme_label_create(struct block_device *bdev, u64 capacity, const struct pnvme_label *label,
		       struct pnvme_label *check)
{
	int i, ret = 0;

	memcpy(check, label, PNVME_LABEL_BYTES);
	memset(check, 0, PNVME_LBA_MIN);
	for (i = 0; i < 2 && !ret; i++)
		ret = slot_io(bdev, capacity, pairs[0][i], REQ_OP_WRITE | REQ_FUA, check);
	if (!ret)
		ret = blkdev_issue_flush(bdev);
	return ret ? ret : pnvme_label_write(bdev, capacity, label, check);
}

static int slot_write(struct block_device *bdev, u64 capacity, unsigned int slot,
		      const struct pnvme_label *label, struct pnvme_label *check)
{
	int ret = slot_io(bdev, capacity, slot, REQ_OP_WRITE | REQ_FUA,
			  (struct pnvme_label *)label);

	if (!ret)
		ret = blkdev_issue_flush(bdev);
	return ret ? ret : slot_verify(bdev, capacity, slot, label, check);
}

/**
 * pnvme_label_repair - write a sealed label over copies of which some are bad
 * @bdev: lower device, claimed for writing
 * @capacity: of it when it was claimed
 * @label: what to write
 * @check: scratch of the same size, for reading back
 * @good: bit i tells that slot i holds the newest content
 * @partly: result: not all slots could be written
 *
 * One slot after the other, bad ones first, each read back. The last good one is left
 * alone unless another was written.
 *
 * Return: 0, or the last error if no slot could be written.
 */
int pnvme_label_repair(struct block_device *bdev, u64 capacity, const struct pnvme_label *label,
		       struct pnvme_label *check, unsigned int good, bool *partly)
{
	unsigned int pass, slot, left = hweight8(good), written = 0;
	int ret, last = -EIO;

	for (pass = 0; pass < 2; pass++) {
		for (slot = 0; slot < PNVME_LABEL_SLOTS; slot++) {
			if (!!(good & 1 << slot) != pass || (pass && left == 1 && !written))
				continue;
			left -= pass;
			ret = slot_write(bdev, capacity, slot, label, check);
			if (ret)
				last = ret;
			else
				written++;
		}
	}
	*partly = written < PNVME_LABEL_SLOTS;
	return written ? 0 : last;
}

int pnvme_slots_alloc(struct pnvme_slots *slots)
{
	int i;

	memset(slots, 0, sizeof(*slots));
	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		slots->copy[i] = pnvme_label_alloc();
		if (!slots->copy[i]) {
			pnvme_slots_free(slots);
			return -ENOMEM;
		}
	}
	return 0;
}

void pnvme_slots_free(struct pnvme_slots *slots)
{
	int i;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++)
		pnvme_label_free(slots->copy[i]);
}

int pnvme_slot_read(struct block_device *bdev, u64 capacity, unsigned int slot,
		    struct pnvme_label *label)
{
	return slot_io(bdev, capacity, slot, REQ_OP_READ, label);
}

void pnvme_slots_read(struct block_device *bdev, u64 capacity, struct pnvme_slots *slots)
{
	int i;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++)
		slots->error[i] = slot_io(bdev, capacity, i, REQ_OP_READ, slots->copy[i]);
}

/* Is what a slot holds the mark of an erased label? */
bool pnvme_slot_is_erased(const struct pnvme_label *copy)
{
	return !memcmp(copy->magic, PNVME_ERASED_MAGIC, sizeof(copy->magic));
}

/*
 * Another magic in a copy, the rest as it is: one block, so that it is no label at once.
 * Zeros over all of it, torn, may leave a damaged one.
 */
static int slot_disown(struct block_device *bdev, u64 capacity, unsigned int slot,
		       const char *magic, struct pnvme_label *copy)
{
	int ret = slot_io(bdev, capacity, slot, REQ_OP_READ, copy);

	if (ret)
		return 0;	/* what cannot be read is overwritten all the same */
	memcpy(copy->magic, magic, sizeof(copy->magic));
	ret = slot_io(bdev, capacity, slot, REQ_OP_WRITE | REQ_FUA, copy);
	return ret ? ret : blkdev_issue_flush(bdev);
}

/**
 * pnvme_slots_zero - take the label off a drive
 * @bdev: lower device, claimed for writing
 * @capacity: of it when it was claimed
 * @mark: leave the mark of an erased label, for the next adopt to know that
 *	namespaces may have left data
 *
 * Return: 0, or the first error; copies may be left then.
 */
int pnvme_slots_zero(struct block_device *bdev, u64 capacity, bool mark)
{
	static const u8 order[PNVME_LABEL_SLOTS] = { PNVME_ERASED_SLOT, 0, 2, 3 };
	static const char none[8];
	struct pnvme_label *label = pnvme_label_alloc();
	struct pnvme_label *check = pnvme_label_alloc();
	int i, ret = -ENOMEM;

	if (!label || !check)
		goto free;
	/* the mark first: without it, half an erase would look like none ever was */
	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		bool marked = mark && order[i] == PNVME_ERASED_SLOT;

		memcpy(label->magic, marked ? PNVME_ERASED_MAGIC : none, sizeof(label->magic));
		ret = slot_disown(bdev, capacity, order[i], label->magic, check);
		if (!ret)
			ret = slot_write(bdev, capacity, order[i], label, check);
		if (ret)
			break;
	}
free:
	pnvme_label_free(label);
	pnvme_label_free(check);
	return ret;
}
