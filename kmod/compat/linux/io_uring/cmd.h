/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Commands of io_uring, and how one is handed to another file's driver. What drivers read
 * of a command, they read before uring_cmd() returns; on the way back it is the caller's.
 */
#ifndef PNVME_COMPAT_LINUX_IO_URING_CMD_H
#define PNVME_COMPAT_LINUX_IO_URING_CMD_H

#include <linux/version.h>

/* 6.8: "io_uring/cmd: move io_uring_cmd helpers to separate header" */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#include <linux/io_uring.h>
#include <linux/io_uring_types.h>
#else
#include_next <linux/io_uring/cmd.h>
#endif
#include <linux/fs.h>
#include <linux/nvme_ioctl.h>
#include <linux/string.h>

/* For what is on the stack and written before it is read; gcc knows how to say so since 12. */
#if __has_attribute(__uninitialized__)
#define compat_uninitialized __attribute__((__uninitialized__))
#else
#define compat_uninitialized
#endif

/* The command in a big SQE. In memory that its owner can write at any time. */
static inline const void *compat_uring_payload(const struct io_uring_cmd *ioucmd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	/* 6.5: "io_uring: Pass whole sqe to commands" */
	return ioucmd->cmd;
#else
	return ioucmd->sqe->cmd;
#endif
}

static inline void compat_uring_done(struct io_uring_cmd *ioucmd, int ret, u64 result,
				     unsigned int issue_flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
	io_uring_cmd_done(ioucmd, ret, result, issue_flags);
#else
	/* 6.18: "io_uring/uring_cmd: add support for IORING_SETUP_CQE_MIXED" */
	io_uring_cmd_done32(ioucmd, ret, result, issue_flags);
#endif
}

/**
 * struct compat_sqe - a command, with what stands before it in a big SQE: nothing of that is
 *	read by drivers, and nothing is there
 */
struct compat_sqe {
	u8			head[offsetof(struct io_uring_sqe, cmd)];
	struct nvme_uring_cmd	cmd;
} __aligned(8);

/**
 * compat_uring_forward - hand a command to the driver of another file
 * @ioucmd: as it came
 * @issue_flags: likewise
 * @lower: of that driver
 * @sqe: what it is to see in place of the caller's
 *
 * Return: what the driver returned. It has not got @lower, nor @sqe, any more.
 */
static inline int compat_uring_forward(struct io_uring_cmd *ioucmd, unsigned int issue_flags,
				       struct file *lower, const struct compat_sqe *sqe)
{
	struct file *file = ioucmd->file;
	int ret;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	const void *was = ioucmd->cmd;

	ioucmd->cmd = &sqe->cmd;
#else
	const struct io_uring_sqe *was = ioucmd->sqe;

	ioucmd->sqe = (const struct io_uring_sqe *)sqe;
#endif
	ioucmd->file = lower;
	ret = lower->f_op->uring_cmd(ioucmd, issue_flags);
	ioucmd->file = file;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	ioucmd->cmd = was;
#else
	/* one that a worker has handed over may be done by now, and its SQE be reused */
	if (ret != -EIOCBQUEUED || !(issue_flags & IO_URING_F_UNLOCKED))
		ioucmd->sqe = was;
#endif
	return ret;
}

/* Has the ring's owner pointers of 32 bits? Before 6.7 nobody tells. */
static inline bool compat_uring_is_compat(unsigned int issue_flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	return false;
#else
	return issue_flags & IO_URING_F_COMPAT;
#endif
}

/*
 * Can commands be polled for? On 6.1 the bio to poll for and the function that ends a command
 * are in the same place, and the driver takes the one for the other if somebody polls for a
 * command that has ended.
 */
#define COMPAT_URING_POLLS (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0))

/*
 * Before -EAGAIN is returned. From 6.9 to 6.14 ("io_uring/uring_cmd: switch sqe to async_data on
 * EAGAIN") the command is copied for the next time, which then looks at the ring all the same,
 * where another one may be by then.
 */
static inline void compat_uring_again(struct io_uring_cmd *ioucmd)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	struct io_kiocb *req = cmd_to_io_kiocb(ioucmd);

	if (!req->async_data || (void *)ioucmd->sqe == req->async_data)
		return;
	memcpy(req->async_data, ioucmd->sqe, 2 * sizeof(*ioucmd->sqe));
	ioucmd->sqe = req->async_data;
#endif
}

#endif
