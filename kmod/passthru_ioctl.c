// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of NVMe nodes, on both devices of a namespace. They are not the fast path: I/O
 * commands are sent by us (passthru_own.c).
 *
 * The admin queue cannot be reached from outside the driver. So admin commands are checked in
 * our copy, and then the caller's own structure is handed on, which another of its threads may
 * change in between. What it can gain by that is what the drive's own node would give it, if it may
 * open that; whoever may not gets there without any privilege, with which the driver takes
 * nothing but Identify.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/nvme_ioctl.h>
#include <linux/ptrace.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "drive.h"
#include "lower_node.h"
#include "namespace.h"
#include "passthru.h"

#define IDENTIFY_BYTES 4096

/* NVME_IOCTL_SUBMIT_IO where 64-bit fields are aligned to 4 bytes: without padding at its end. */
#define SUBMIT_IO32 _IOC(_IOC_WRITE, 'N', 0x42, sizeof(struct nvme_user_io) - 4)

/* The structures of both ioctls, and that of io_uring, are the same up to the timeout. */
#define COMMON offsetofend(struct nvme_uring_cmd, timeout_ms)
static_assert(offsetofend(struct nvme_passthru_cmd, timeout_ms) == COMMON);
static_assert(offsetofend(struct nvme_passthru_cmd64, timeout_ms) == COMMON);
static_assert(offsetof(struct nvme_passthru_cmd, cdw10) == offsetof(struct nvme_uring_cmd, cdw10));

/* Without what is behind the timeout: that is the result. */
static int get_command(struct nvme_uring_cmd *cmd, const void __user *arg)
{
	memset(cmd, 0, sizeof(*cmd));
	return copy_from_user(cmd, arg, COMMON) ? -EFAULT : 0;
}

/* Of the commands that we send only Copy has a result, and none when it is well. */
static int put_result(void __user *arg, bool wide)
{
	struct nvme_passthru_cmd64 __user *u64p = arg;
	struct nvme_passthru_cmd __user *u32p = arg;

	return wide ? put_user((u64)0, &u64p->result) : put_user((u32)0, &u32p->result);
}

/* Nothing was sent: after a signal that is no reason to end it may wait once more. */
static int not_begun(int ret)
{
	return ret == -EINTR ? -ERESTARTSYS : ret;
}

static int run_io(struct pnvme_command *c, const struct nvme_uring_cmd *cmd)
{
	int ret;

	c->own = true;
	/*
	 * nvme-cli opens nodes for reading whatever it does, so NVMe's own let the privileged
	 * write by such a file, and nobody else gets far here. By io_uring nobody needs that.
	 */
	c->writable = c->writable || capable(CAP_SYS_ADMIN);
	do {
		ret = pnvme_command_begin(c, cmd, false);
		if (ret)
			return not_begun(ret);
		ret = pnvme_command_run(c);
		pnvme_command_end(c, ret);
	} while (ret == PNVME_COMMAND_ANEW);
	return ret;
}

static int io_command(struct pnvme_command *c, void __user *arg, bool wide)
{
	struct nvme_uring_cmd cmd;
	int ret = get_command(&cmd, arg);

	if (!ret)
		ret = run_io(c, &cmd);
	if (ret >= 0 && put_result(arg, wide))
		ret = -EFAULT;
	return ret;
}

/* Read, Write, Compare in their old form. Its metadata would have no way. */
static int submit_io(struct pnvme_command *c, void __user *arg)
{
	u32 lba = READ_ONCE(c->opened->ns->drive->identity.lba_size);
	struct nvme_uring_cmd cmd = { };
	struct nvme_user_io io;

	if (copy_from_user(&io, arg, offsetofend(struct nvme_user_io, appmask)))
		return -EFAULT;
	if (io.flags || (io.opcode != 0x01 && io.opcode != 0x02 && io.opcode != 0x05))
		return -EINVAL;
	cmd.opcode = io.opcode;
	cmd.nsid = c->opened->ns->nsid;
	cmd.addr = io.addr;
	cmd.data_len = (io.nblocks + 1) * lba;
	cmd.cdw10 = lower_32_bits(io.slba);
	cmd.cdw11 = upper_32_bits(io.slba);
	cmd.cdw12 = io.nblocks | (u32)io.control << 16;
	cmd.cdw13 = io.dsmgmt;
	cmd.cdw14 = io.reftag;
	cmd.cdw15 = io.apptag | (u32)io.appmask << 16;
	return run_io(c, &cmd);
}

/* Into the caller's structure what differs in ours, as the driver reads that. */
static int put_command(void __user *arg, const struct nvme_uring_cmd *cmd)
{
	struct nvme_passthru_cmd __user *p = arg;

	return put_user(cmd->timeout_ms, &p->timeout_ms) || put_user(cmd->nsid, &p->nsid) ||
	       put_user(cmd->cdw2, &p->cdw2) || put_user(cmd->cdw3, &p->cdw3) ||
	       put_user(cmd->cdw10, &p->cdw10) ||
	       put_user(cmd->cdw11, &p->cdw11) || put_user(cmd->cdw12, &p->cdw12) ||
	       put_user(cmd->cdw13, &p->cdw13) || put_user(cmd->cdw14, &p->cdw14) ||
	       put_user(cmd->cdw15, &p->cdw15) ? -EFAULT : 0;
}

/* What the drive said, or nothing, becomes what the namespace is. */
static int edit(const struct pnvme_command *c, bool said)
{
	void __user *user = pnvme_command_pointer(c);
	void *data = kzalloc(IDENTIFY_BYTES, GFP_KERNEL);
	int ret = 0;

	if (!data)
		return -ENOMEM;
	if (said && copy_from_user(data, user, IDENTIFY_BYTES))
		ret = -EFAULT;
	if (!ret)
		pnvme_policy_edit(&c->ns, &c->sqe.cmd, data);
	if (!ret && copy_to_user(user, data, IDENTIFY_BYTES))
		ret = -EFAULT;
	kfree(data);
	return ret;
}

static int hand_on(struct pnvme_command *c, unsigned int request, void __user *arg)
{
	struct file *lower = c->node->file[c->writable];

	return lower->f_op->unlocked_ioctl(lower, request, (unsigned long)arg);
}

/* With no capability at all, so that whatever it becomes the driver lets only Identify through. */
static int hand_on_unprivileged(struct pnvme_command *c, unsigned int request, void __user *arg)
{
	struct cred *none = prepare_creds();
	const struct cred *was;
	int ret;

	if (!none)
		return -ENOMEM;
	cap_clear(none->cap_effective);
	was = override_creds(none);
	ret = hand_on(c, request, arg);
	revert_creds(was);
	put_cred(none);
	return ret;
}

/* Owner and mode of the node, and the device cgroup. */
static bool may_open_lower(const struct pnvme_command *c)
{
	return !file_permission(c->node->file[1], MAY_READ | MAY_WRITE);
}

static int forward(struct pnvme_command *c, unsigned int request, void __user *arg,
		   const struct nvme_uring_cmd *original)
{
	int ret = put_command(arg, &c->sqe.cmd);

	if (ret)
		return ret;
	if (may_open_lower(c))
		ret = hand_on(c, request, arg);
	else
		ret = hand_on_unprivileged(c, request, arg);
	if (put_command(arg, original))
		ret = -EFAULT;
	return ret;
}

static int admin_command(struct pnvme_command *c, unsigned int request, void __user *arg)
{
	struct nvme_uring_cmd cmd;
	int ret = get_command(&cmd, arg);

	if (ret)
		return ret;
	ret = pnvme_command_begin(c, &cmd, true);
	if (ret)
		return not_begun(ret);
	pnvme_command_waits(c);
	if (c->answer.act != PNVME_POLICY_MAKE)
		ret = forward(c, request, arg, &cmd);
	else if (!capable(CAP_SYS_ADMIN))
		ret = -EACCES;	/* as for these the driver says */
	else
		ret = put_result(arg, request == NVME_IOCTL_ADMIN64_CMD);
	if (!ret && c->answer.act != PNVME_POLICY_FORWARD)
		ret = edit(c, c->answer.act == PNVME_POLICY_EDIT);
	pnvme_command_end(c, ret);
	return ret;
}

/**
 * pnvme_passthru_ioctl - the ioctls of NVMe, on either device of a namespace
 * @opened: the namespace
 * @writable: its file is open for writing
 * @cmd: the ioctl
 * @arg: its argument
 *
 * Return: as NVMe's own nodes do: 0, a negative errno (-ENOTTY for what they do not know
 * either), or an NVMe status.
 */
long pnvme_passthru_ioctl(struct pnvme_opened *opened, bool writable, unsigned int cmd,
			  void __user *arg)
{
	struct pnvme_command c = {
		.opened = opened, .writable = writable, .compat = in_compat_syscall(),
	};

	if (!opened->ns->drive->identity.nvme)
		return -ENOTTY;
	switch (cmd) {
	case NVME_IOCTL_ID:
		force_successful_syscall_return();
		return opened->ns->nsid;
	case NVME_IOCTL_ADMIN_CMD:
	case NVME_IOCTL_ADMIN64_CMD:
		return admin_command(&c, cmd, arg);
	case NVME_IOCTL_IO_CMD:
		return io_command(&c, arg, false);
	case NVME_IOCTL_IO64_CMD_VEC:
		c.vec = true;
		fallthrough;
	case NVME_IOCTL_IO64_CMD:
		return io_command(&c, arg, true);
	case SUBMIT_IO32:
	case NVME_IOCTL_SUBMIT_IO:
		return submit_io(&c, arg);
	default:
		return -ENOTTY;
	}
}

/* file_operations.unlocked_ioctl of a character device. */
long pnvme_passthru_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return pnvme_passthru_ioctl(file->private_data, file->f_mode & FMODE_WRITE, cmd,
				    (void __user *)arg);
}
