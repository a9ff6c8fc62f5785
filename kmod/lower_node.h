/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_LOWER_NODE_H
#define PNVME_LOWER_NODE_H

#include <linux/blkdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/percpu-refcount.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

struct nvme_command;
struct pnvme_drive;

/**
 * struct pnvme_lower_node - the lower drive's own character device, /dev/ngXnY, opened
 * @ref: one for the drive, one for each open file that used it first, one for each command on its
 *	way to the driver that came by another file
 * @file: opened for reading, and for both: the driver of later kernels judges what an
 *	unprivileged caller may by how its file was opened. Constant
 * @queue: of the lower block device, holds a reference; constant
 * @nsid: of the NVMe namespace; constant
 * @disks: the class that disks are in; constant
 * @subsys, @head: of a multipath head, "nvme<subsys>n<head>": what its paths are found by. An open
 *	@file keeps the numbers from being given to another one. Constant
 * @close: closes the files, in a context where that is done at once
 * @rcu: it is looked up under RCU
 */
struct pnvme_lower_node {
	struct percpu_ref	ref;
	struct file		*file[2];
	struct request_queue	*queue;
	u32			nsid;
	const struct class	*disks;
	unsigned int		subsys;
	unsigned int		head;
	struct work_struct	close;
	struct rcu_head		rcu;
};

/**
 * struct pnvme_node_opener - opens the lower node when somebody wants it
 * @work: does it; not in the caller's context, whose root directory may be any
 * @node: what it has opened, NULL if nothing, or the drive has let it go; RCU. Written
 *	with pnvme_view held for reading by @work, for writing by pnvme_lower_node_drop(),
 *	and only together with a @claim of the drive
 * @error: why it could not; written by @work, read after waiting for it, of several who wait any
 *	gets the last
 */
struct pnvme_node_opener {
	struct work_struct			work;
	struct pnvme_lower_node __rcu		*node;
	int					error;
};

void pnvme_lower_node_init(struct pnvme_drive *drive);
struct pnvme_lower_node *pnvme_lower_node_get(struct pnvme_drive *drive);
void pnvme_lower_node_put(struct pnvme_lower_node *node);
int pnvme_lower_node_open(struct pnvme_drive *drive);
void pnvme_lower_node_drop(struct pnvme_drive *drive);
int pnvme_lower_node_send(const struct pnvme_lower_node *node, struct nvme_command *cmd,
			  void *buf, unsigned int len);

#endif
