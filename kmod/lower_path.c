// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that we send ourselves. A multipath head has no queue that takes them: they go by one of
 * its paths, hidden disks with names of their own: nvme0c3n1 is nvme0n1 by controller nvme3.
 */
#include <linux/blkdev.h>
#include <linux/kernel.h>
#include <linux/nvme.h>

#include "lower_node.h"

static int is_path(struct device *dev, const void *data)
{
	const struct pnvme_lower_node *node = data;
	unsigned int subsys, controller, head;
	char rest;

	return sscanf(dev_name(dev), "nvme%uc%un%u%c", &subsys, &controller, &head, &rest) == 3 &&
	       subsys == node->subsys && head == node->head;
}

/* It was not sent to the drive, or a path that is not for it has refused it. */
static bool other_path_may(int ret)
{
	/* type 3h; one that was aborted may have been done */
	return ret == -ENODEV ||
	       (ret > 0 && (ret & 0x700) == 0x300 && (ret & 0x7ff) != NVME_SC_HOST_ABORTED_CMD);
}

static int send_by(struct request_queue *q, struct nvme_command *cmd, void *buf, unsigned int len)
{
	int ret;

	if (!blk_get_queue(q))
		return -ENODEV;
	ret = nvme_submit_sync_cmd(q, cmd, buf, len);
	blk_put_queue(q);
	return ret;
}

/* In no particular order: the drive says if a path is not the right one. */
static int send_by_paths(const struct pnvme_lower_node *node, struct nvme_command *cmd, void *buf,
			 unsigned int len)
{
	struct device *path = NULL, *last;
	int ret = NVME_SC_HOST_PATH_ERROR;

	do {
		last = path;
		path = class_find_device(node->disks, last, node, is_path);
		put_device(last);
		if (!path)
			return ret == -ENODEV ? NVME_SC_HOST_PATH_ERROR : ret;
		ret = send_by(dev_to_disk(path)->queue, cmd, buf, len);
	} while (other_path_may(ret));
	put_device(path);
	return ret;
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
	if (queue_is_mq(node->queue))
		return nvme_submit_sync_cmd(node->queue, cmd, buf, len);
	return send_by_paths(node, cmd, buf, len);
}
