/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_PASSTHRU_H
#define PNVME_PASSTHRU_H

#include <linux/fs.h>
#include <linux/io_uring/cmd.h>

#include "policy.h"
#include "stats.h"

struct io_comp_batch;
struct pnvme_lower_node;
struct pnvme_ns;

/**
 * struct pnvme_opened - an open file of a character device, or an ioctl of a block device
 * @ns: open by it; constant
 * @flags: PNVME_OPENED_*; atomic bits
 * @node: the lower node by which the first command was sent, holds a reference: so the others
 *	need none of their own, and what is polled, memory of its driver, is there. NULL at
 *	first, then constant
 */
struct pnvme_opened {
	struct pnvme_ns		*ns;
	unsigned long		flags;
	struct pnvme_lower_node	*node;
};

/*
 * The drive went, or was fenced or sealed, while the caller's memory was read: the command begins
 * anew. No driver returns this.
 */
#define PNVME_COMMAND_ANEW (-ERESTART)

/* Bits of pnvme_opened.flags */
#define PNVME_OPENED_WROTE 0	/* it is one of the namespace's @unseen */

/**
 * struct pnvme_command - a command on its way
 * @opened: it came by
 * @sqe: our copy of it; after it was checked, the drive's view of it
 * @answer: of the policy
 * @ns: the namespace as it was when the command came
 * @node: of the drive as it is, holds a reference unless it is that of @opened
 * @writable: it may write, as far as its file is concerned
 * @nonblock: whoever has sent it may not wait
 * @key: what it is counted as, if we wait for its end
 * @timed: that is so
 * @polled: its end is polled for
 * @own: it came by an ioctl, so it is sent by us
 * @compat: the caller has pointers of 32 bits
 * @vec: its buffer is an array of I/O vectors
 */
struct pnvme_command {
	struct pnvme_opened		*opened;
	struct compat_sqe		sqe;
	struct pnvme_policy_answer	answer;
	struct pnvme_policy_ns		ns;
	struct pnvme_lower_node		*node;
	struct pnvme_stat_key		key;
	bool				timed;
	bool				writable;
	bool				nonblock;
	bool				polled;
	bool				own;
	bool				compat;
	bool				vec;
};

/* passthru.c */
int pnvme_command_begin(struct pnvme_command *c, const void *payload, bool admin);
void pnvme_command_waits(struct pnvme_command *c);
int pnvme_command_look_again(struct pnvme_command *c);
void pnvme_command_end(struct pnvme_command *c, int ret);
int pnvme_passthru_uring(struct io_uring_cmd *ioucmd, unsigned int issue_flags);
int pnvme_passthru_iopoll(struct io_uring_cmd *ioucmd, struct io_comp_batch *iob,
			  unsigned int poll_flags);
void pnvme_passthru_over(struct pnvme_opened *opened);

/* passthru_own.c */
int pnvme_command_run(struct pnvme_command *c);
int pnvme_command_check_vec(struct pnvme_command *c);
void __user *pnvme_command_pointer(const struct pnvme_command *c);

/* passthru_ioctl.c */
long pnvme_passthru_ioctl(struct pnvme_opened *opened, bool writable, unsigned int cmd,
			  void __user *arg);
long pnvme_passthru_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif
