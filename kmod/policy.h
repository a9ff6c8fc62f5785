/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which NVMe commands passthrough lets through, and what becomes of their LBAs. Pure: no
 * kernel function is called, so the unit tests compile it in userspace as it is.
 */
#ifndef PNVME_POLICY_H
#define PNVME_POLICY_H

#ifndef __KERNEL__
#include <stdbool.h>
#endif
#include <linux/types.h>
#include <linux/nvme_ioctl.h>

#define PNVME_POLICY_IDENTIFY_BYTES	4096	/* of each answer to Identify */

/**
 * struct pnvme_policy_ns - the namespace, and the open file, that a command is checked against
 * @first: its first LBA on the drive; @first + @lbas is no more than the drive has
 * @lbas: how many it has
 * @nsid: what callers know it by
 * @lower_nsid: what the drive knows its NVMe namespace by
 * @nguid: of the persistent namespace
 * @uuid: likewise
 * @meta_bytes: metadata of each LBA, 0 none; it is transferred separately, never interleaved
 * @lba_shift: log2 of the bytes of an LBA, 9 to 16
 * @pi_type: protection information type, 0 none
 * @level: enum pnvme_policy of the ABI
 * @writable: the file is open for writing, and the namespace is not read-only
 * @sole: the drive has no other namespace
 */
struct pnvme_policy_ns {
	__u64		first;
	__u64		lbas;
	__u32		nsid;
	__u32		lower_nsid;
	__u8		nguid[16];
	__u8		uuid[16];
	__u16		meta_bytes;
	__u8		lba_shift;
	__u8		pi_type;
	__u8		level;
	bool		writable;
	bool		sole;
};

enum pnvme_policy_act {
	PNVME_POLICY_REFUSE,	/* @error, @why */
	PNVME_POLICY_FORWARD,	/* the translated command, with the caller's buffer */
	PNVME_POLICY_COPY,	/* data holds LBAs: copy it, pnvme_policy_data(), send the copy */
	PNVME_POLICY_EDIT,	/* forward it, then pnvme_policy_edit() the answer */
	PNVME_POLICY_MAKE,	/* do not send it: pnvme_policy_edit() makes it out of zeroes */
};

/* What a command is counted as. */
enum pnvme_policy_class {
	PNVME_POLICY_CLASS_READ,	/* data comes from the medium: Read, Compare, Verify */
	PNVME_POLICY_CLASS_WRITE,	/* Write, Write Zeroes, Write Uncorrectable, DSM, Copy */
	PNVME_POLICY_CLASS_OTHER,	/* Flush, reservations, admin commands */
};

/**
 * struct pnvme_policy_answer - what is to be done with a command
 * @act: see there
 * @error: of a refusal: a negative errno, or an NVMe status (greater than 0, with DNR) where
 *	a drive would have answered with that: LBA out of range, invalid namespace
 * @why: of a refusal: a sentence's end, constant text ("is for the whole drive")
 * @data_len: bytes that the command moves to or from the caller's buffer
 * @meta_len: likewise, separate metadata
 * @modifies: what is on the medium may change by it
 * @flushes: it is a Flush, or writes with FUA: what the fence stops (reads with FUA promise
 *	nothing of what was written before)
 * @to_drive: data goes to the drive, if any does
 * @class: see there
 */
struct pnvme_policy_answer {
	enum pnvme_policy_act	act;
	int			error;
	const char		*why;
	__u32			data_len;
	__u32			meta_len;
	bool			modifies;
	bool			flushes;
	bool			to_drive;
	enum pnvme_policy_class	class;
};

/**
 * pnvme_policy_io() - check a command of an I/O queue, and translate it in place
 * @ns: the namespace
 * @cmd: the caller's copy, never memory that anybody else can write
 * @vec: cmd->data_len counts I/O vectors, and is not checked, but for 0: the caller compares
 *	their sum with answer->data_len
 * @answer: what is to be done
 *
 * If it is not refused: it names the drive's NVMe namespace; all LBAs that it names lie in
 * [first, first + lbas), but for those in its data (PNVME_POLICY_COPY); it has a buffer of just
 * the length that a drive moves, or none; dwords that it does not use are 0, and so are bits
 * that are not known in those that it uses. A refused command is left as it came.
 */
void pnvme_policy_io(const struct pnvme_policy_ns *ns, struct nvme_uring_cmd *cmd, bool vec,
		     struct pnvme_policy_answer *answer);

/**
 * pnvme_policy_admin() - likewise a command of the admin queue
 * @ns: the namespace
 * @cmd: the caller's copy
 * @answer: what is to be done
 *
 * What is not refused changes nothing, on the drive or in the controller, clears no event, and
 * answers with exactly answer->data_len bytes.
 */
void pnvme_policy_admin(const struct pnvme_policy_ns *ns, struct nvme_uring_cmd *cmd,
			struct pnvme_policy_answer *answer);

/**
 * pnvme_policy_data() - check and translate data that holds LBAs (PNVME_POLICY_COPY), in place
 * @ns: the namespace
 * @cmd: what pnvme_policy_io() left
 * @data: a copy of answer->data_len bytes: the ranges of Dataset Management, the descriptors of
 *	Copy
 * @answer: of pnvme_policy_io(); on refusal act, error and why say so
 *
 * If it is not refused, command and data together reach no LBA outside [first, first + lbas).
 * Refused data may be translated in part, and is not to be sent.
 */
void pnvme_policy_data(const struct pnvme_policy_ns *ns, const struct nvme_uring_cmd *cmd,
		       void *data, struct pnvme_policy_answer *answer);

/**
 * pnvme_policy_edit() - make what a drive answered to Identify true of the namespace
 * @ns: the namespace
 * @cmd: what pnvme_policy_admin() left
 * @data: PNVME_POLICY_IDENTIFY_BYTES of answer (PNVME_POLICY_EDIT), or of zeroes, which become
 *	one (PNVME_POLICY_MAKE)
 */
void pnvme_policy_edit(const struct pnvme_policy_ns *ns, const struct nvme_uring_cmd *cmd,
		       void *data);

#endif
