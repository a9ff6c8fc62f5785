/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_IDENTITY_H
#define PNVME_IDENTITY_H

#include <linux/blkdev.h>
#include <pnvme/label.h>

#include "error.h"

/**
 * struct pnvme_identity - what a lower device says of itself
 * @nvme: it is a namespace of an NVMe controller or subsystem
 * @hwid_type: enum pnvme_hwid_type
 * @pi_type: protection information type of its LBA format, 0 none
 * @metadata_bytes: metadata per LBA
 * @lba_metadata: metadata per LBA, also what the block layer is not told of (interleaved with
 *	data); -1 if the driver does not say
 * @hwid: NGUID or EUI64, zero-padded
 * @serial: Identify Controller SN, without trailing blanks
 * @model: Identify Controller MN, without trailing blanks
 * @lba_size: bytes
 * @capacity: bytes
 */
struct pnvme_identity {
	bool	nvme;
	u8	hwid_type;
	u8	pi_type;
	u16	metadata_bytes;
	s32	lba_metadata;
	u8	hwid[16];
	char	serial[PNVME_SERIAL_BYTES];
	char	model[PNVME_MODEL_BYTES];
	u32	lba_size;
	u64	capacity;
};

int pnvme_identity_read(struct block_device *bdev, struct pnvme_identity *id,
			struct pnvme_error *err);
const char *pnvme_identity_differs(const struct pnvme_identity *id,
				   const struct pnvme_label *label);

#endif
