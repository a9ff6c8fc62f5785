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

static unsigned int good_of(const u8 *pair, unsigned int good)
{
	return hweight8(good & (1 << pair[0] | 1 << pair[1]));
}

/**
 * pnvme_label_repair - write a sealed label over copies of which some are bad
 * @bdev: lower device, claimed for writing
 * @capacity: of it when it was claimed
 * @label: what to write
 * @check: scratch of the same size, for reading back
 * @good: bit i tells that slot i holds the newest content
 * @partly: result: only one pair could be written
 *
 * The pair with fewer good copies goes first, and good ones are not touched
 * before it is whole. One pair that can be written is enough.
 *
 * Return: 0, or the error if neither pair could be written.
 */
int pnvme_label_repair(struct block_device *bdev, u64 capacity, const struct pnvme_label *label,
		       struct pnvme_label *check, unsigned int good, bool *partly)
{
	unsigned int first = good_of(pairs[1], good) < good_of(pairs[0], good);
	int ret = pair_write(bdev, capacity, pairs[first], label, check);
	int ret2 = pair_write(bdev, capacity, pairs[!first], label, check);

	*partly = !ret != !ret2;
	return ret && ret2 ? ret : 0;
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
	struct pnvme_label *zero = pnvme_label_alloc();
	struct pnvme_label *check = pnvme_label_alloc();
	int ret = -ENOMEM;

	if (!zero || !check)
		goto free;
	/* the mark first: without it, half an erase would look like none ever was */
	if (mark) {
		memcpy(zero->magic, PNVME_ERASED_MAGIC, sizeof(zero->magic));
		ret = slot_io(bdev, capacity, PNVME_ERASED_SLOT, REQ_OP_WRITE | REQ_FUA, zero);
		if (!ret)
			ret = blkdev_issue_flush(bdev);
		if (!ret)
			ret = slot_verify(bdev, capacity, PNVME_ERASED_SLOT, zero, check);
		memset(zero->magic, 0, sizeof(zero->magic));
		if (ret)
			goto free;
	}
	ret = pair_write(bdev, capacity, pairs[0], zero, check);
	if (!ret && !mark)
		ret = pair_write(bdev, capacity, pairs[1], zero, check);
	else if (!ret)
		ret = slot_io(bdev, capacity, 3, REQ_OP_WRITE | REQ_FUA, zero);
	if (!ret && mark)
		ret = blkdev_issue_flush(bdev);
free:
	pnvme_label_free(zero);
	pnvme_label_free(check);
	return ret;
}
