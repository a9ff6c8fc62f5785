/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_LABEL_IO_H
#define PNVME_LABEL_IO_H

#include <linux/blkdev.h>
#include <pnvme/label.h>

/**
 * struct pnvme_slots - the copies of a label as read from a drive
 * @copy: buffers of PNVME_LABEL_BYTES
 * @error: 0 or why the copy could not be read
 */
struct pnvme_slots {
	struct pnvme_label	*copy[PNVME_LABEL_SLOTS];
	int			error[PNVME_LABEL_SLOTS];
};

struct pnvme_label *pnvme_label_alloc(void);
void pnvme_label_free(struct pnvme_label *label);

int pnvme_slots_alloc(struct pnvme_slots *slots);
void pnvme_slots_free(struct pnvme_slots *slots);
/*
 * @capacity tells where the slots are: the one that the claim began with, never
 * the one of this moment, which somebody may have changed under us.
 */
void pnvme_slots_read(struct block_device *bdev, u64 capacity, struct pnvme_slots *slots);
int pnvme_slot_read(struct block_device *bdev, u64 capacity, unsigned int slot,
		    struct pnvme_label *label);
int pnvme_slots_zero(struct block_device *bdev, u64 capacity, bool mark);
bool pnvme_slot_is_erased(const struct pnvme_label *copy);
int pnvme_label_write(struct block_device *bdev, u64 capacity, const struct pnvme_label *label,
		      struct pnvme_label *check);
int pnvme_label_create(struct block_device *bdev, u64 capacity, const struct pnvme_label *label,
		       struct pnvme_label *check);
int pnvme_label_repair(struct block_device *bdev, u64 capacity, const struct pnvme_label *label,
		       struct pnvme_label *check, unsigned int good, bool *partly);

#endif
