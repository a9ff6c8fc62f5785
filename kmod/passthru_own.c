// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that we send ourselves, with a copy of their data: those whose data holds LBAs, which
 * nobody may change once it is checked, and those that come by ioctl, as the driver would read
 * the command itself once more. They sleep until the drive has answered.
 */
#include <linux/blkdev.h>
#include <linux/compat.h>
#include <linux/mm.h>
#include <linux/nvme.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "lower_node.h"
#include "passthru.h"

/* Where the caller's data is. As native drivers do it: a caller of 32 bits has no upper half. */
void __user *pnvme_command_pointer(const struct pnvme_command *c)
{
	return c->compat ? compat_ptr((compat_uptr_t)c->sqe.cmd.addr) :
			   u64_to_user_ptr(c->sqe.cmd.addr);
}

/* Vector @i of the caller's. A worker's idea of whether it has 32 bits is none. */
static int get_vector(const struct pnvme_command *c, u32 i, struct iovec *iov)
{
	void __user *vectors = pnvme_command_pointer(c);
	struct compat_iovec narrow;

	if (!c->compat)
		return copy_from_user(iov, (struct iovec __user *)vectors + i, sizeof(*iov)) ?
		       -EFAULT : 0;
	if (copy_from_user(&narrow, (struct compat_iovec __user *)vectors + i, sizeof(narrow)))
		return -EFAULT;
	iov->iov_base = compat_ptr(narrow.iov_base);
	iov->iov_len = narrow.iov_len;
	return 0;
}

/* With each vector, in order: together they make up what the command moves, no more. */
static int each_vector(const struct pnvme_command *c,
		       int (*use)(const struct pnvme_command *c, const struct iovec *iov, u8 *at),
		       u8 *buf)
{
	u32 i, left = c->answer.data_len;
	struct iovec iov;
	int ret;

	if (c->sqe.cmd.data_len > UIO_MAXIOV)
		return -EINVAL;
	for (i = 0; i < c->sqe.cmd.data_len; i++) {
		ret = get_vector(c, i, &iov);
		if (!ret && iov.iov_len > left)
			ret = -EINVAL;
		if (!ret && use)
			ret = use(c, &iov, buf);
		if (ret)
			return ret;
		left -= iov.iov_len;
		if (use)
			buf += iov.iov_len;
	}
	return left ? -EINVAL : 0;
}

/**
 * pnvme_command_check_vec - do I/O vectors make up what a command moves?
 * @c: begun, with @vec
 *
 * The driver reads them again, and believes them: only the privileged get here.
 *
 * Return: 0 or how the command ends.
 */
int pnvme_command_check_vec(struct pnvme_command *c)
{
	int ret = each_vector(c, NULL, NULL);

	return ret ? ret : pnvme_command_look_again(c);
}

static int copy_one(const struct pnvme_command *c, const struct iovec *iov, u8 *at)
{
	if (c->answer.to_drive)
		return copy_from_user(at, iov->iov_base, iov->iov_len) ? -EFAULT : 0;
	return copy_to_user(iov->iov_base, at, iov->iov_len) ? -EFAULT : 0;
}

/* Between the caller's memory and ours, whichever way the command goes. */
static int copy_data(const struct pnvme_command *c, void *buf)
{
	struct iovec all = {
		.iov_base = pnvme_command_pointer(c),
		.iov_len = c->answer.data_len,
	};

	return c->vec ? each_vector(c, copy_one, buf) : copy_one(c, &all, buf);
}

static int submit(const struct pnvme_command *c, void *buf)
{
	const struct nvme_uring_cmd *u = &c->sqe.cmd;
	struct nvme_command cmd = {
		.common.opcode	= u->opcode,
		.common.nsid	= cpu_to_le32(u->nsid),
		.common.cdw2	= { cpu_to_le32(u->cdw2), cpu_to_le32(u->cdw3) },
		.common.cdw10	= cpu_to_le32(u->cdw10),
		.common.cdw11	= cpu_to_le32(u->cdw11),
		.common.cdw12	= cpu_to_le32(u->cdw12),
		.common.cdw13	= cpu_to_le32(u->cdw13),
		.common.cdw14	= cpu_to_le32(u->cdw14),
		.common.cdw15	= cpu_to_le32(u->cdw15),
	};

	return pnvme_lower_node_send(c->node, &cmd, buf, c->answer.data_len);
}

static int run(struct pnvme_command *c, void *buf)
{
	int ret = 0;

	if (buf && c->answer.to_drive)
		ret = copy_data(c, buf);
	else if (c->vec)
		ret = each_vector(c, NULL, NULL);
	if (!ret)
		ret = pnvme_command_look_again(c);
	if (ret)
		return ret;
	pnvme_command_waits(c);
	if (c->answer.act == PNVME_POLICY_COPY) {
		pnvme_policy_data(&c->ns, &c->sqe.cmd, buf, &c->answer);
		if (c->answer.act == PNVME_POLICY_REFUSE)
			return c->answer.error;
	}
	ret = submit(c, buf);
	if (!ret && buf && !c->answer.to_drive)
		ret = copy_data(c, buf);
	return ret;
}

/**
 * pnvme_command_run - send a command with a copy of its data
 * @c: begun; its buffer is the caller's, of this task
 *
 * Separate metadata has no place here.
 *
 * Return: 0, an NVMe status, or a negative errno; PNVME_COMMAND_ANEW: begin again.
 */
int pnvme_command_run(struct pnvme_command *c)
{
	struct request_queue *q = c->node->queue;
	u32 len = c->answer.data_len;
	void *buf = NULL;
	int ret;

	if (c->answer.meta_len)
		return -EOPNOTSUPP;
	if (len > (u64)queue_max_hw_sectors(q) << SECTOR_SHIFT)
		return -EINVAL;
	if (len) {
		buf = kvzalloc(len, GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
	}
	ret = run(c, buf);
	kvfree(buf);
	return ret;
}
