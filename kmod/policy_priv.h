/* SPDX-License-Identifier: GPL-2.0 */
/* What policy.c and policy_admin.c share; nobody else needs it. */
#ifndef PNVME_POLICY_PRIV_H
#define PNVME_POLICY_PRIV_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/byteorder.h>
#else
#include "label_user.h"
#ifndef U32_MAX
#define U32_MAX ((u32)~0U)
#endif
#endif
#include <linux/pnvme.h>

#include "policy.h"

/* Status a drive would answer with, Do Not Retry set (Base 4.5, figures 97 and 98). */
#define POLICY_DNR		0x4000
#define POLICY_INVALID_FIELD	(POLICY_DNR | 0x02)
#define POLICY_INVALID_NS	(POLICY_DNR | 0x0b)
#define POLICY_LBA_RANGE	(POLICY_DNR | 0x80)

#define POLICY_NSID_ALL		0xffffffffU

#define POLICY_NEEDS_DATA	"needs the policy \"data\" of the namespace"
#define POLICY_NEEDS_ADMIN	"needs the policy \"admin\" of the namespace"

/* Fields of data structures, which are little-endian and need not be aligned. */
static inline u16 policy_get16(const u8 *p)
{
	__le16 v;

	memcpy(&v, p, sizeof(v));
	return le16_to_cpu(v);
}

static inline u32 policy_get32(const u8 *p)
{
	__le32 v;

	memcpy(&v, p, sizeof(v));
	return le32_to_cpu(v);
}

static inline u64 policy_get64(const u8 *p)
{
	__le64 v;

	memcpy(&v, p, sizeof(v));
	return le64_to_cpu(v);
}

static inline void policy_put16(u8 *p, u16 value)
{
	__le16 v = cpu_to_le16(value);

	memcpy(p, &v, sizeof(v));
}

static inline void policy_put32(u8 *p, u32 value)
{
	__le32 v = cpu_to_le32(value);

	memcpy(p, &v, sizeof(v));
}

static inline void policy_put64(u8 *p, u64 value)
{
	__le64 v = cpu_to_le64(value);

	memcpy(p, &v, sizeof(v));
}

/* Always false, so that a check can end with it. */
static inline bool policy_refuse(struct pnvme_policy_answer *answer, int error, const char *why)
{
	answer->act = PNVME_POLICY_REFUSE;
	answer->error = error;
	answer->why = why;
	return false;
}

/* What holds for every command, whatever it is. */
static inline bool policy_frame_ok(const struct nvme_uring_cmd *cmd,
				   struct pnvme_policy_answer *answer)
{
	/* FUSE and PSDT (Base 3.3.3.1): one half of a pair; how memory is described */
	if (cmd->flags)
		return policy_refuse(answer, -EINVAL,
				     "has flags: it is fused, or describes memory itself");
	if (cmd->rsvd1 || cmd->rsvd2)
		return policy_refuse(answer, -EINVAL, "has reserved fields that are not 0");
	return true;
}

/*
 * The caller's buffers are exactly as long as what the command moves. The driver maps none if
 * address or length is 0, and the drive would then write to bus address 0: so a command that
 * moves data is refused without. With @vec the caller of the policy sees to the sum of lengths.
 */
static inline bool policy_buffers_ok(const struct nvme_uring_cmd *cmd, bool vec, u64 data, u64 meta,
				     struct pnvme_policy_answer *answer)
{
	if (!data) {
		if ((cmd->addr && cmd->data_len) || cmd->metadata_len)
			return policy_refuse(answer, -EINVAL,
					     "moves no data, and a buffer is given");
		return true;
	}
	if (data > U32_MAX || (vec ? !cmd->data_len : cmd->data_len != data))
		return policy_refuse(answer, -EINVAL,
				     "moves another number of bytes than the buffer has");
	if (cmd->metadata_len != meta)
		return policy_refuse(answer, -EINVAL,
				     "moves another number of bytes of metadata than the buffer has");
	if (!cmd->addr || (meta && !cmd->metadata))
		return policy_refuse(answer, -EINVAL, "moves data, and no buffer is given");
	if ((cmd->addr & 3) || (meta && (cmd->metadata & 3)))
		return policy_refuse(answer, -EINVAL,
				     "has a buffer that is not aligned to 4 bytes");
	answer->data_len = data;
	answer->meta_len = meta;
	return true;
}

/* After policy_buffers_ok(): fields that count for nothing say nothing. */
static inline void policy_buffers_clean(struct nvme_uring_cmd *cmd,
					const struct pnvme_policy_answer *answer)
{
	if (!answer->data_len) {
		cmd->addr = 0;
		cmd->data_len = 0;
	}
	if (!answer->meta_len)
		cmd->metadata = 0;
}

#endif
