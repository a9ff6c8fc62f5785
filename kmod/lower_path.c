// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that we send ourselves. A multipath head has no queue that takes them: they go by one of
 * its paths, hidden disks with names of their own: nvme0c3n1 is nvme0n1 by controller nvme3.
 */
#include <linux/blkdev.h>
#include <linux/blk-mq.h>
#include <linux/kernel.h>
#include <linux/nvme.h>

#include "lower_node.h"

struct attempt {
	const struct pnvme_lower_node	*node;
	struct nvme_command		*cmd;
	void				*buf;
	unsigned int			len;
	bool				frozen;	/* it is the turn of paths that are */
	int				ret;
};

static bool is_path(struct device *dev, const struct pnvme_lower_node *node)
{
	unsigned int subsys, controller, head;
	struct gendisk *disk;
	char rest;

	if (sscanf(dev_name(dev), "nvme%uc%un%u%c", &subsys, &controller, &head, &rest) != 3 ||
	    subsys != node->subsys || head != node->head)
		return false;
	disk = dev_to_disk(dev);
	/* one that the driver has given up, as it leads elsewhere now, has no capacity */
	return disk->flags & GENHD_FL_HIDDEN && queue_is_mq(disk->queue) && get_capacity(disk);
}

static bool may_be_done_twice(const struct nvme_command *cmd)
{
	switch (cmd->common.opcode) {
	case nvme_cmd_read:
	case nvme_cmd_compare:
	case nvme_cmd_verify:
		return true;
	}
	return false;
}

/*
 * By a path in the wrong state no controller does a command. Other errors of a path (type 3h;
 * 4000h says "do not retry") do not tell whether it was done.
 */
static bool other_path_may(const struct nvme_command *cmd, int ret)
{
	if (ret <= 0 || (ret & 0x700) != 0x300 || ret & 0x4000)
		return false;
	switch (ret & 0x7ff) {
	case NVME_SC_ANA_PERSISTENT_LOSS:
	case NVME_SC_ANA_INACCESSIBLE:
	case NVME_SC_ANA_TRANSITION:
		return true;
	}
	return may_be_done_twice(cmd);
}

/* Returns whether that was the one. */
static int try_path(struct device *dev, void *data)
{
	struct attempt *a = data;
	struct request_queue *q;

	if (!is_path(dev, a->node))
		return 0;
	q = dev_to_disk(dev)->queue;
	if (!!READ_ONCE(q->mq_freeze_depth) != a->frozen || !blk_get_queue(q))
		return 0;
	a->ret = nvme_submit_sync_cmd(q, a->cmd, a->buf, a->len);
	blk_put_queue(q);
	return !other_path_may(a->cmd, a->ret);
}

/* In no particular order: the drive says if a path is not the right one. */
static int send_by_paths(struct attempt *a)
{
	/* one that is being reset may take minutes */
	if (!class_for_each_device(a->node->disks, NULL, a, try_path)) {
		a->frozen = true;
		class_for_each_device(a->node->disks, NULL, a, try_path);
	}
	return a->ret;
}

/**
 * pnvme_lower_node_send - send a command of ours, and wait for its end
 * @node: by which drive; its reference is held
 * @cmd: without data pointers
 * @buf: its data, of the kernel, or NULL; by the opcode's lowest bit it goes to the drive
 * @len: bytes of it
 *
 * Return: 0, an NVMe status, or a negative errno.
 */
int pnvme_lower_node_send(const struct pnvme_lower_node *node, struct nvme_command *cmd,
			  void *buf, unsigned int len)
{
	struct attempt a = {
		.node = node, .cmd = cmd, .buf = buf, .len = len, .ret = NVME_SC_HOST_PATH_ERROR,
	};

	return queue_is_mq(node->queue) ? nvme_submit_sync_cmd(node->queue, cmd, buf, len) :
					  send_by_paths(&a);
}
