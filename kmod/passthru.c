// SPDX-License-Identifier: GPL-2.0
/*
 * NVMe commands of users. What comes by io_uring is handed to the lower drive's own driver with
 * the caller's buffers, and nothing is copied but the command: that is what is checked and
 * translated, and all that the driver sees of it, so nobody can change it in between. The
 * driver tells the caller when it is done; we are not told.
 *
 * What carries LBAs in its data is copied, and sent as a command of our own: passthru_own.c.
 */
#include <linux/blkdev.h>
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/log2.h>
#include <linux/nvme.h>

#include "drive.h"
#include "hold.h"
#include "lower_node.h"
#include "namespace.h"
#include "passthru.h"
#include "seal.h"
#include "stats.h"

/* Shorter timeouts than this, the driver's default for admin commands, are not for users to set. */
#define TIMEOUT_MS 60000

/* Reservations, NVM command set: whether there are other namespaces matters to them alone. */
static bool is_reservation(u8 opcode)
{
	return opcode == 0x0d || opcode == 0x0e || opcode == 0x11 || opcode == 0x15;
}

/*
 * Of a drive that is there: what it is does not change while it is away. If somebody has just
 * given it another format, it is about to be failed: all that is known of it is wrong.
 */
static __always_inline int describe(struct pnvme_command *c, bool sole)
{
	const struct pnvme_ns *ns = c->opened->ns;
	const struct pnvme_identity *id = &ns->drive->identity;

	if (unlikely(queue_logical_block_size(c->node->queue) != READ_ONCE(id->lba_size))) {
		c->answer.class = PNVME_POLICY_CLASS_OTHER;
		c->answer.data_len = 0;
		return -EIO;
	}
	c->ns.lba_shift = ilog2(READ_ONCE(id->lba_size));
	c->ns.first = ns->first >> (c->ns.lba_shift - SECTOR_SHIFT);
	c->ns.lbas = READ_ONCE(ns->bytes) >> c->ns.lba_shift;
	c->ns.nsid = ns->nsid;
	c->ns.lower_nsid = c->node->nsid;
	c->ns.meta_bytes = READ_ONCE(id->metadata_bytes);
	c->ns.pi_type = READ_ONCE(id->pi_type);
	c->ns.level = READ_ONCE(ns->policy);
	c->ns.writable = c->writable && !ns->read_only;
	c->ns.sole = sole;
	return 0;
}

/* It is kept for those that come after, if it is the first one. */
static void keep_node(struct pnvme_opened *opened, struct pnvme_lower_node *node)
{
	if (READ_ONCE(opened->node))
		return;
	percpu_ref_get(&node->ref);
	if (cmpxchg(&opened->node, NULL, node))
		pnvme_lower_node_put(node);
}

static bool find_node(struct pnvme_command *c, struct pnvme_drive *drive)
{
	c->node = READ_ONCE(c->opened->node);
	if (likely(c->node && c->node == rcu_access_pointer(drive->opener.node)))
		return true;
	c->node = pnvme_lower_node_get(drive);
	if (!c->node)
		return false;
	keep_node(c->opened, c->node);
	/* by then it may be the one that is kept, which is told by that */
	if (c->node == READ_ONCE(c->opened->node))
		pnvme_lower_node_put(c->node);
	return true;
}

/* Returns 0 when the gate is open and @node is there, or how the command ends. */
static int get_node(struct pnvme_command *c)
{
	struct pnvme_drive *drive = c->opened->ns->drive;
	int ret = 0;

	while (!ret) {
		/* fences that were set before it opened are seen */
		switch (smp_load_acquire(&drive->gate)) {
		case PNVME_GATE_OPEN:
			if (likely(find_node(c, drive)))
				return 0;
			ret = c->nonblock ? -EAGAIN : pnvme_lower_node_open(drive);
			break;
		case PNVME_GATE_HELD:
			ret = c->nonblock ? -EAGAIN : pnvme_hold_wait(c->opened->ns);
			break;
		default:
			/* what drivers say that have no path */
			ret = NVME_SC_HOST_PATH_ERROR;
		}
	}
	return ret;
}

/* What the policy says of it becomes how it ends; 0: it may go on. */
static int refused(const struct pnvme_command *c)
{
	if (likely(c->answer.act != PNVME_POLICY_REFUSE))
		return 0;
	pr_debug_ratelimited("pnvme%dn%u: %s[%d]: command %#x %s\n",
			     c->opened->ns->drive->instance, c->opened->ns->nsid, current->comm,
			     task_tgid_nr(current), c->sqe.cmd.opcode, c->answer.why);
	return c->answer.error;
}

/*
 * Also whether its sender may have us send it: what the driver would let an unprivileged caller do
 * depends on a log of the drive that it does not show. And vectors are read again by the driver,
 * which takes their lengths as they are then: that is for those who could do worse.
 */
static int check_io(struct pnvme_command *c)
{
	int ret = describe(c, is_reservation(c->sqe.cmd.opcode) && pnvme_ns_is_sole(c->opened->ns));

	if (ret)
		return ret;
	pnvme_policy_io(&c->ns, &c->sqe.cmd, c->vec, &c->answer);
	ret = refused(c);
	if (likely(c->answer.act == PNVME_POLICY_FORWARD && !c->own && !c->vec))
		return ret;
	return ret ?: capable(CAP_SYS_ADMIN) ? 0 : -EACCES;
}

static int check_admin(struct pnvme_command *c)
{
	const struct pnvme_ns *ns = c->opened->ns;
	int ret = describe(c, pnvme_ns_is_sole(ns));

	if (ret)
		return ret;
	memcpy(c->ns.nguid, ns->nguid, sizeof(c->ns.nguid));
	memcpy(c->ns.uuid, ns->uuid, sizeof(c->ns.uuid));
	pnvme_policy_admin(&c->ns, &c->sqe.cmd, &c->answer);
	return refused(c);
}

/*
 * From now on it counts as one that may have written, until pnvme_passthru_over(). What
 * follows, such as a look at @stops, is seen after it: pnvme_ns_seal_begin() looks the other
 * way round.
 */
static void note_writer(struct pnvme_opened *opened)
{
	if (likely(test_bit(PNVME_OPENED_WROTE, &opened->flags))) {
		/* @stops is looked at after the bit */
		smp_rmb();
		return;
	}
	/* counted before the bit is there, by which others think it is */
	atomic_inc(&opened->ns->unseen);
	if (test_and_set_bit(PNVME_OPENED_WROTE, &opened->flags))
		atomic_dec(&opened->ns->unseen);
}

/*
 * What else is in the way of a command that is checked. A command that modifies leaves its mark
 * first: the loss of the drive finds the namespace in doubt, and no seal is made while it may be
 * on its way. A seal that is there is broken first, durably. -EAGAIN: it would have to wait,
 * or the gate has moved.
 */
static int stops(struct pnvme_command *c)
{
	struct pnvme_ns *ns = c->opened->ns;

	if (c->answer.modifies)
		note_writer(c->opened);
	if (likely(!READ_ONCE(ns->stops)))
		return 0;
	if (pnvme_fence_stops(ns, c->answer.flushes ? REQ_PREFLUSH : 0))
		return -EIO;
	if (!c->answer.modifies || !test_bit(PNVME_STOP_SEAL, &ns->stops))
		return 0;
	/* while it waited, policy, fence and drive may have become others: begin again */
	return (c->nonblock ? 0 : pnvme_seal_wait_broken(ns)) ?: -EAGAIN;
}

/* Each word once, and without a call: this is the fast path. */
static inline void copy_command(struct nvme_uring_cmd *to, const void *payload)
{
	const u64 *from = payload;
	u64 *word = (u64 *)to;
	int i;

	BUILD_BUG_ON(sizeof(*to) % sizeof(u64));
#pragma GCC unroll 16
	for (i = 0; i < sizeof(*to) / sizeof(u64); i++)
		word[i] = READ_ONCE(from[i]);
}

/**
 * pnvme_command_begin - check a command, and wait until nothing is in its way
 * @c: @opened, @writable, @nonblock and @vec are given
 * @payload: the command as it came, in memory that anybody may write: what is checked, and
 *	sent, is our copy
 * @admin: it is for the admin queue
 *
 * Return: 0: @sqe is what to send, @answer how, @node by what, and pnvme_command_end() is due.
 * Or, with nothing to undo, how it has ended: an NVMe status, or a negative errno. -EAGAIN is
 * for those alone that may not wait.
 */
int pnvme_command_begin(struct pnvme_command *c, const void *payload, bool admin)
{
	int ret;

	c->timed = false;
	do {
		ret = get_node(c);
		if (ret) {
			/* it was not looked at: nobody knows of which class it is */
			pnvme_stats_passthru(&c->opened->ns->stats, PNVME_ROW_PASSTHRU_OTHER,
					     c->polled, 0, ret);
			return ret;
		}
		copy_command(&c->sqe.cmd, payload);
		/* a command that takes too long has the controller reset, under all its users */
		if (c->sqe.cmd.timeout_ms < TIMEOUT_MS)
			c->sqe.cmd.timeout_ms = 0;
		ret = admin ? check_admin(c) : check_io(c);
		if (!ret)
			ret = stops(c);
		if (!ret)
			return 0;
		pnvme_command_end(c, ret);
	} while (ret == -EAGAIN && !c->nonblock);
	return ret;
}

/* Both are in the same order. */
static enum pnvme_row row(const struct pnvme_policy_answer *answer)
{
	static_assert(PNVME_ROW_PASSTHRU_WRITE - PNVME_ROW_PASSTHRU_READ ==
		      PNVME_POLICY_CLASS_WRITE - PNVME_POLICY_CLASS_READ);
	static_assert(PNVME_ROW_PASSTHRU_OTHER - PNVME_ROW_PASSTHRU_READ ==
		      PNVME_POLICY_CLASS_OTHER - PNVME_POLICY_CLASS_READ);
	return PNVME_ROW_PASSTHRU_READ + answer->class;
}

/**
 * pnvme_command_look_again - is a command that was begun still as it was then?
 * @c: begun; the caller's memory was read since, which takes as long as the caller likes
 *
 * Return: 0, or how it ends; PNVME_COMMAND_ANEW: begin again.
 */
int pnvme_command_look_again(struct pnvme_command *c)
{
	struct pnvme_ns *ns = c->opened->ns;
	int ret;

	/* as get_node() does */
	if (smp_load_acquire(&ns->drive->gate) != PNVME_GATE_OPEN ||
	    rcu_access_pointer(ns->drive->opener.node) != c->node ||
	    READ_ONCE(ns->policy) != c->ns.level)
		return PNVME_COMMAND_ANEW;
	ret = stops(c);
	return ret == -EAGAIN ? PNVME_COMMAND_ANEW : ret;
}

/**
 * pnvme_command_waits - we send a command, and wait for its end: that takes some time
 * @c: begun
 */
void pnvme_command_waits(struct pnvme_command *c)
{
	const struct pnvme_ns *ns = c->opened->ns;

	c->timed = true;
	pnvme_stats_passthru_begin(&c->opened->ns->stats, &c->key, row(&c->answer),
				   READ_ONCE(ns->drive->latency));
}

/**
 * pnvme_command_end - count a command, and let go of the drive
 * @c: begun
 * @ret: how it ended, 0: well, or it is on its way
 */
void pnvme_command_end(struct pnvme_command *c, int ret)
{
	struct pnvme_stats *stats = &c->opened->ns->stats;

	if (unlikely(c->node != READ_ONCE(c->opened->node)))
		pnvme_lower_node_put(c->node);
	if (ret == PNVME_COMMAND_ANEW)
		return;
	if (c->timed)
		pnvme_stats_passthru_end(stats, &c->key, c->answer.data_len, ret);
	else
		pnvme_stats_passthru(stats, row(&c->answer), c->polled, c->answer.data_len, ret);
}

/**
 * pnvme_passthru_over - a file is closed, or an ioctl done: nothing of it is under way any more
 * @opened: it
 *
 * What it wrote may be in the drive's cache.
 */
void pnvme_passthru_over(struct pnvme_opened *opened)
{
	struct pnvme_ns *ns = opened->ns;

	if (opened->node)
		pnvme_lower_node_put(opened->node);
	if (!test_bit(PNVME_OPENED_WROTE, &opened->flags))
		return;
	WRITE_ONCE(ns->doubt, 1);
	/* pairs with in_doubt(), which must find one of the two */
	smp_mb__before_atomic();
	atomic_dec(&ns->unseen);
}

static int forward(struct pnvme_command *c, struct io_uring_cmd *ioucmd, unsigned int issue_flags)
{
	int ret = c->vec ? pnvme_command_check_vec(c) : 0;

	if (ret)
		return ret;
	/*
	 * What polls looks into memory of the driver that has the command, which is there as long
	 * as the node is kept. What is sent by another one is not polled for.
	 */
	if (unlikely(c->polled &&
		     (!COMPAT_URING_POLLS || c->node != READ_ONCE(c->opened->node))))
		issue_flags &= ~IO_URING_F_IOPOLL;
	return compat_uring_forward(ioucmd, issue_flags, c->node->file[c->writable], &c->sqe);
}

/**
 * pnvme_passthru_uring - file_operations.uring_cmd of a character device
 * @ioucmd: the command
 * @issue_flags: of io_uring
 *
 * Return: as io_uring wants it.
 */
int pnvme_passthru_uring(struct io_uring_cmd *ioucmd, unsigned int issue_flags)
{
	const unsigned int big = IO_URING_F_SQE128 | IO_URING_F_CQE32;
	/* zeroing it first, as hardened kernels do, would be a tenth of all that this takes */
	struct pnvme_command c compat_uninitialized;
	int ret;

	if ((issue_flags & big) != big)
		return -EOPNOTSUPP;
	if (ioucmd->cmd_op != NVME_URING_CMD_IO && ioucmd->cmd_op != NVME_URING_CMD_IO_VEC)
		return -ENOTTY;
	c.opened = ioucmd->file->private_data;
	c.writable = ioucmd->file->f_mode & FMODE_WRITE;
	c.nonblock = issue_flags & IO_URING_F_NONBLOCK;
	c.polled = issue_flags & IO_URING_F_IOPOLL;
	c.vec = ioucmd->cmd_op == NVME_URING_CMD_IO_VEC;
	c.own = false;
	c.compat = compat_uring_is_compat(issue_flags);
	/* the driver may read them in another layout than we do */
	if (c.vec && (c.compat || (!(issue_flags & IO_URING_F_UNLOCKED) && in_compat_syscall())))
		return -EOPNOTSUPP;
	do {
		ret = pnvme_command_begin(&c, compat_uring_payload(ioucmd), false);
		if (ret)
			break;
		if (likely(c.answer.act == PNVME_POLICY_FORWARD))
			ret = forward(&c, ioucmd, issue_flags);
		else
			ret = c.nonblock ? -EAGAIN : pnvme_command_run(&c);
		pnvme_command_end(&c, ret == -EIOCBQUEUED ? 0 : ret);
	} while (unlikely(ret == PNVME_COMMAND_ANEW));
	if (ret == -EAGAIN)
		compat_uring_again(ioucmd);
	if (ret < 0)
		return ret;
	/* a plain return would be taken for one more completion on a polled ring of 6.1 */
	compat_uring_done(ioucmd, ret, 0, issue_flags);
	return -EIOCBQUEUED;
}

/**
 * pnvme_passthru_iopoll - file_operations.uring_cmd_iopoll of a character device
 * @ioucmd: a command that the lower driver has
 * @iob: of io_uring
 * @poll_flags: likewise
 *
 * Return: how many were found done. What was on its way to a drive that went is ended by its
 * driver, and needs no polling.
 */
int pnvme_passthru_iopoll(struct io_uring_cmd *ioucmd, struct io_comp_batch *iob,
			  unsigned int poll_flags)
{
	struct pnvme_opened *opened = ioucmd->file->private_data;
	struct pnvme_lower_node *node = READ_ONCE(opened->node);

	if (!COMPAT_URING_POLLS || !node ||
	    rcu_access_pointer(opened->ns->drive->opener.node) != node)
		return 0;
	return node->file[0]->f_op->uring_cmd_iopoll(ioucmd, iob, poll_flags);
}
