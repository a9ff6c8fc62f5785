// SPDX-License-Identifier: GPL-2.0
/*
 * The lower drive's own character device. Nothing in the kernel opens one by its number, so
 * it is opened by its name, as the host's first process would, and what was opened must
 * have the number that the driver gave it. It appears after the block device, and few need
 * it: it is opened for the first command.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/nvme.h>
#include <linux/nvme_ioctl.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "drive.h"
#include "lower_node.h"

/* How long the node may come after the block device, and how often it is looked for. */
#define APPEARS_MS 2000
#define TRY_MS 10

static void close_work(struct work_struct *work)
{
	struct pnvme_lower_node *node = container_of(work, struct pnvme_lower_node, close);
	int i;

	/* not fput(), which may close it when we are not here any more */
	for (i = 0; i < ARRAY_SIZE(node->file); i++)
		if (node->file[i])
			__fput_sync(node->file[i]);
	if (node->queue)
		blk_put_queue(node->queue);
	percpu_ref_exit(&node->ref);
	kfree_rcu(node, rcu);
}

static void node_released(struct percpu_ref *ref)
{
	struct pnvme_lower_node *node = container_of(ref, struct pnvme_lower_node, ref);

	queue_work(pnvme_wq, &node->close);
}

/**
 * pnvme_lower_node_put - give back what pnvme_lower_node_get() gave
 * @node: it; from any context
 */
void pnvme_lower_node_put(struct pnvme_lower_node *node)
{
	percpu_ref_put(&node->ref);
}

/**
 * pnvme_lower_node_get - the lower node, if it is open
 * @drive: any
 *
 * Return: the node, or NULL. It may be let go at any time, and then its driver refuses what
 * comes: it never stands for another drive.
 */
struct pnvme_lower_node *pnvme_lower_node_get(struct pnvme_drive *drive)
{
	struct pnvme_lower_node *node;

	rcu_read_lock();
	node = rcu_dereference(drive->opener.node);
	if (node && !percpu_ref_tryget_live_rcu(&node->ref))
		node = NULL;
	rcu_read_unlock();
	return node;
}

/* Its name, and its number; "nvme0n1" has "ng0n1", with the same parent. pnvme_view is held. */
static int find(const struct pnvme_drive *drive, struct pnvme_lower_node *node, char *path,
		size_t size, dev_t *devt)
{
	struct gendisk *disk = drive->claim.bdev->bd_disk;
	struct device *dev = NULL;
	char name[DISK_NAME_LEN];

	if (sscanf(disk->disk_name, "nvme%un%u", &node->subsys, &node->head) != 2)
		return -EOPNOTSUPP;
	node->disks = disk_to_dev(disk)->class;
	snprintf(name, sizeof(name), "ng%s", disk->disk_name + 4);
	if (disk_to_dev(disk)->parent)
		dev = device_find_child_by_name(disk_to_dev(disk)->parent, name);
	if (!dev)
		return -ENODEV;
	*devt = dev->devt;
	put_device(dev);
	snprintf(path, size, "/dev/%s", name);
	return 0;
}

static int open_one(struct file **result, const char *path, int flags, dev_t devt)
{
	struct file *file;

	/* whatever it is that has the name, opening it does not hang */
	scoped_with_init_fs()
		file = filp_open(path, flags | O_CLOEXEC | O_NONBLOCK, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	if (!S_ISCHR(file_inode(file)->i_mode) || file_inode(file)->i_rdev != devt ||
	    !file->f_op->uring_cmd || !file->f_op->uring_cmd_iopoll ||
	    !file->f_op->unlocked_ioctl) {
		__fput_sync(file);
		return -ENODEV;
	}
	*result = file;
	return 0;
}

static int open_both(struct pnvme_lower_node *node, const char *path, dev_t devt)
{
	int ret = open_one(&node->file[0], path, O_RDONLY, devt);
	long nsid;

	if (!ret)
		ret = open_one(&node->file[1], path, O_RDWR, devt);
	if (ret)
		return ret;
	nsid = node->file[0]->f_op->unlocked_ioctl(node->file[0], NVME_IOCTL_ID, 0);
	if (nsid <= 0 || nsid > U32_MAX)
		return nsid < 0 ? nsid : -ENODEV;
	node->nsid = nsid;
	return 0;
}

/* One LBA, with room for more. Returns how it ended; @more: the drive sent more than asked for. */
static int read_lba(const struct pnvme_lower_node *node, u8 *data, u32 lba, u32 room, bool *more)
{
	struct nvme_command cmd = {
		.rw.opcode	= nvme_cmd_read,
		.rw.nsid	= cpu_to_le32(node->nsid),
	};
	int ret;

	memset(data, 0x5a, 2 * lba);
	ret = pnvme_lower_node_send(node, &cmd, data, room);
	*more = memchr_inv(data + lba, 0x5a, lba);
	return ret;
}

static bool is_length_error(int status)
{
	status &= 0x7ff;
	return status == NVME_SC_SGL_INVALID_DATA || status == NVME_SC_INVALID_FIELD;
}

/*
 * For drivers that do not say: the first LBA is read into a buffer that is too large, where it
 * is seen if more comes. Those that compare lengths (fabrics, some SGLs) refuse that; they refuse
 * one that is too small as well, so then it is read into one that fits.
 */
static int probe_interleaved(const struct pnvme_lower_node *node, u32 lba)
{
	bool more = false;
	u8 *data;
	int ret;

	data = kmalloc(2 * lba, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	ret = read_lba(node, data, lba, 2 * lba, &more);
	if (!more && is_length_error(ret))
		ret = read_lba(node, data, lba, lba, &more);
	kfree(data);
	if (more)
		return -EOPNOTSUPP;
	/* of the path: another time */
	if (ret > 0)
		return (ret & 0x700) == 0x300 ? -EAGAIN : -EIO;
	return ret;
}

/*
 * Metadata that is not interleaved with data the block layer knows of. Of interleaved metadata
 * only the drive and its driver know: a command would move more than what is checked, and beyond
 * its buffer.
 */
static int refuse_interleaved(const struct pnvme_lower_node *node,
			      const struct pnvme_identity *id)
{
	if (id->lba_metadata >= 0)
		return id->lba_metadata == id->metadata_bytes ? 0 : -EOPNOTSUPP;
	if (id->metadata_bytes)
		return 0;
	/* nor does the block layer know of any that is separate, which would go to bus address 0 */
	if (!IS_ENABLED(CONFIG_BLK_DEV_INTEGRITY))
		return -EOPNOTSUPP;
	return probe_interleaved(node, id->lba_size);
}

/*
 * The drive stands on the same device still, and that is there: so what had its name and its
 * number all the time is its own. Never two: whoever finds one in place lets its own go.
 */
static int publish(struct pnvme_drive *drive, struct pnvme_lower_node *node, u64 diskseq)
{
	int ret = -EAGAIN;

	down_read(&pnvme_view);
	if (drive->claim.bdev && drive->diskseq == diskseq &&
	    !compat_bdev_dead(drive->claim.bdev) && !rcu_access_pointer(drive->opener.node)) {
		rcu_assign_pointer(drive->opener.node, node);
		ret = 0;
	}
	up_read(&pnvme_view);
	return ret;
}

static int open_node(struct pnvme_drive *drive, struct pnvme_lower_node *node)
{
	char path[DISK_NAME_LEN + 8];
	struct pnvme_identity id;
	u64 diskseq = 0;
	int ret = -EAGAIN;
	dev_t devt;

	down_read(&pnvme_view);
	if (drive->claim.bdev) {
		ret = find(drive, node, path, sizeof(path), &devt);
		diskseq = drive->diskseq;
		id = drive->identity;
		if (!ret && blk_get_queue(bdev_get_queue(drive->claim.bdev)))
			node->queue = bdev_get_queue(drive->claim.bdev);
	}
	up_read(&pnvme_view);
	if (!ret)
		ret = node->queue ? open_both(node, path, devt) : -ENODEV;
	if (!ret)
		ret = refuse_interleaved(node, &id);
	return ret ? ret : publish(drive, node, diskseq);
}

static int try_open(struct pnvme_drive *drive)
{
	struct pnvme_lower_node *node = kzalloc(sizeof(*node), GFP_KERNEL);
	int ret;

	if (!node)
		return -ENOMEM;
	INIT_WORK(&node->close, close_work);
	ret = percpu_ref_init(&node->ref, node_released, 0, GFP_KERNEL);
	if (ret) {
		kfree(node);
		return ret;
	}
	ret = open_node(drive, node);
	if (ret)
		close_work(&node->close);
	return ret;
}

static void open_work(struct work_struct *work)
{
	struct pnvme_node_opener *o = container_of(work, struct pnvme_node_opener, work);
	struct pnvme_drive *drive = container_of(o, struct pnvme_drive, opener);
	int ret = 0, tries = 0;

	/* of a drive that is just back it comes some moments after the block device */
	while (!rcu_access_pointer(o->node)) {
		ret = try_open(drive);
		if (ret != -ENODEV && ret != -ENOENT && ret != -ENXIO)
			break;
		if (READ_ONCE(drive->gate) != PNVME_GATE_OPEN || ++tries > APPEARS_MS / TRY_MS)
			break;
		msleep(TRY_MS);
	}
	WRITE_ONCE(o->error, ret);
}

void pnvme_lower_node_init(struct pnvme_drive *drive)
{
	INIT_WORK(&drive->opener.work, open_work);
}

/**
 * pnvme_lower_node_open - open it, if it is not
 * @drive: of a namespace that is open, so it stays
 *
 * Return: 0: look again, at the gate too; -EINTR; or why it cannot be opened.
 */
int pnvme_lower_node_open(struct pnvme_drive *drive)
{
	struct pnvme_node_opener *o = &drive->opener;
	int ret;

	queue_work(pnvme_wq, &o->work);
	flush_work(&o->work);
	ret = READ_ONCE(o->error);
	/* it went while it was opened, or has no path: not for ever, and who waits may be killed */
	if (ret == -EAGAIN ||
	    (ret && (READ_ONCE(drive->gate) != PNVME_GATE_OPEN || pnvme_hold_lower_lost(drive))))
		return msleep_interruptible(TRY_MS) || signal_pending(current) ? -EINTR : 0;
	return ret;
}

/**
 * pnvme_lower_node_drop - let the lower node go, as the lower device goes
 * @drive: pnvme_view is held for writing, and @claim changes with it
 */
void pnvme_lower_node_drop(struct pnvme_drive *drive)
{
	struct pnvme_lower_node *node;

	lockdep_assert_held_write(&pnvme_view);
	node = rcu_dereference_protected(drive->opener.node, 1);
	RCU_INIT_POINTER(drive->opener.node, NULL);
	if (node)
		percpu_ref_kill(&node->ref);
}
