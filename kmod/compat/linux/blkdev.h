/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Block layer differences between 6.1 and the kernels since 6.11. What a newer
 * kernel offers keeps its name there; what has no common form is called
 * compat_*. Each gap names the version and the commit subject that made it.
 */
#ifndef PNVME_COMPAT_LINUX_BLKDEV_H
#define PNVME_COMPAT_LINUX_BLKDEV_H

#include_next <linux/blkdev.h>
#include <linux/blk-integrity.h>
#include <linux/file.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/version.h>

#define COMPAT_OLD_BLOCK (LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0))

#if !COMPAT_OLD_BLOCK && LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#error "pnvme builds on Linux 6.1 to 6.4 and on 6.11 or later"
#endif

#if COMPAT_OLD_BLOCK
/* 6.5: "block: replace fmode_t with a block-specific type" */
#define blk_mode_t	fmode_t
#define BLK_OPEN_READ	FMODE_READ
#define BLK_OPEN_WRITE	FMODE_WRITE

/*
 * 6.5: "block: introduce holder ops". Before, nobody tells a holder that its
 * device is gone; the watch in drive.c finds out by itself.
 */
struct blk_holder_ops {
	void (*mark_dead)(struct block_device *bdev, bool surprise);
};
#endif

/**
 * struct compat_claim - an exclusive claim on a block device
 * @bdev: the device
 * @file: since 6.9 ("bdev: open block device as files") the claim is a file
 * @mode: how it was opened
 */
struct compat_claim {
	struct block_device	*bdev;
	struct file		*file;
	blk_mode_t		mode;
};

/* It cannot be written, or its driver did not let us open it for that. */
static inline bool compat_claim_read_only(const struct compat_claim *claim)
{
	return bdev_read_only(claim->bdev) || !(claim->mode & BLK_OPEN_WRITE);
}

#if COMPAT_OLD_BLOCK
static inline int compat_claim_open(struct compat_claim *claim, dev_t dev, blk_mode_t mode,
				    void *holder, const struct blk_holder_ops *hops)
{
	struct block_device *bdev;

	if (holder)
		mode |= FMODE_EXCL;
	bdev = blkdev_get_by_dev(dev, mode, holder);
	if (IS_ERR(bdev))
		return PTR_ERR(bdev);
	claim->bdev = bdev;
	claim->mode = mode;
	return 0;
}

static inline void compat_claim_release(struct compat_claim *claim)
{
	blkdev_put(claim->bdev, claim->mode);
	claim->bdev = NULL;
}

/* The device is about to go, or gone. */
static inline bool compat_bdev_dead(struct block_device *bdev)
{
	return test_bit(GD_DEAD, &bdev->bd_disk->state) || !disk_live(bdev->bd_disk) ||
	       !bdev_nr_sectors(bdev);
}

#define COMPAT_BDEV_OPS(open_fn, release_fn)					\
static int compat_##open_fn(struct block_device *bdev, fmode_t mode)		\
{										\
	return open_fn(bdev->bd_disk, mode);					\
}										\
static void compat_##release_fn(struct gendisk *disk, fmode_t mode)		\
{										\
	release_fn(disk);							\
}

#define COMPAT_BDEV_OP(fn) compat_##fn

static inline void compat_end_io_acct(struct block_device *bdev, enum req_op op,
				      unsigned int sectors, unsigned long start_time)
{
	bdev_end_io_acct(bdev, op, start_time);
}

/* Interval metadata of the lower drive; false: none. */
static inline bool compat_integrity(struct gendisk *disk, u8 *pi_type, u16 *bytes)
{
	struct blk_integrity *bi = blk_get_integrity(disk);

	if (!bi)
		return false;
	*bytes = bi->tuple_size;
	/* "T10-DIF-TYPE1-CRC" and the like; nop for metadata without protection */
	*pi_type = 0;
	if (bi->profile && bi->profile->name) {
		if (strstr(bi->profile->name, "TYPE1"))
			*pi_type = 1;
		else if (strstr(bi->profile->name, "TYPE3"))
			*pi_type = 3;
	}
	return true;
}

/* A bio-based disk that can all that @lower can, @start bytes into it. */
static inline struct gendisk *compat_stacked_disk(struct block_device *lower, u64 start,
						  int node, const char *name)
{
	struct request_queue *lq = bdev_get_queue(lower);
	struct gendisk *disk = blk_alloc_disk(node);
	struct request_queue *q;

	if (!disk)
		return ERR_PTR(-ENOMEM);
	strscpy(disk->disk_name, name, sizeof(disk->disk_name));
	q = disk->queue;
	blk_set_stacking_limits(&q->limits);
	disk_stack_limits(disk, lower, start);
	/* stacking takes the larger one, and starts from 511 */
	blk_queue_dma_alignment(q, bdev_dma_alignment(lower));
	blk_queue_flag_set(QUEUE_FLAG_IO_STAT, q);
	if (bdev_nonrot(lower))
		blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
	if (bdev_nowait(lower))
		blk_queue_flag_set(QUEUE_FLAG_NOWAIT, q);
	if (test_bit(QUEUE_FLAG_POLL, &lq->queue_flags))
		blk_queue_flag_set(QUEUE_FLAG_POLL, q);
	if (bdev_stable_writes(lower))
		blk_queue_flag_set(QUEUE_FLAG_STABLE_WRITES, q);
	blk_queue_write_cache(q, bdev_write_cache(lower), bdev_fua(lower));
	if (blk_get_integrity(lower->bd_disk))
		blk_integrity_register(disk, blk_get_integrity(lower->bd_disk));
	return disk;
}

/* The lower device is another one, though the same drive: what it cannot do, @disk cannot. */
static inline void compat_restack(struct gendisk *disk, struct block_device *lower, u64 start)
{
	disk_stack_limits(disk, lower, start);
	/* without it flushes would be stripped above; not stacked with the rest */
	if (bdev_write_cache(lower))
		blk_queue_write_cache(disk->queue, true, bdev_fua(lower));
}

#else /* 6.11 and later */

static inline int compat_claim_open(struct compat_claim *claim, dev_t dev, blk_mode_t mode,
				    void *holder, const struct blk_holder_ops *hops)
{
	struct file *file = bdev_file_open_by_dev(dev, mode, holder, hops);

	if (IS_ERR(file))
		return PTR_ERR(file);
	claim->file = file;
	claim->bdev = file_bdev(file);
	claim->mode = mode;
	return 0;
}

static inline void compat_claim_release(struct compat_claim *claim)
{
	/* fput() alone would close later, in kernel threads much later */
	__fput_sync(claim->file);
	claim->file = NULL;
	claim->bdev = NULL;
}

static inline bool compat_bdev_dead(struct block_device *bdev)
{
	return test_bit(GD_DEAD, &bdev->bd_disk->state) || !disk_live(bdev->bd_disk) ||
	       !bdev_nr_sectors(bdev);
}

#define COMPAT_BDEV_OPS(...)
#define COMPAT_BDEV_OP(fn) fn

/* 6.4: "block: pass sectors to bdev_end_io_acct" */
static inline void compat_end_io_acct(struct block_device *bdev, enum req_op op,
				      unsigned int sectors, unsigned long start_time)
{
	bdev_end_io_acct(bdev, op, sectors, start_time);
}

static inline bool compat_integrity(struct gendisk *disk, u8 *pi_type, u16 *bytes)
{
	struct blk_integrity *bi = blk_get_integrity(disk);

	if (!bi)
		return false;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	*bytes = bi->metadata_size;	/* 6.17: "block: rename tuple_size field" */
#else
	*bytes = bi->tuple_size;
#endif
	*pi_type = 0;
	if (bi->csum_type != BLK_INTEGRITY_CSUM_NONE)
		*pi_type = bi->flags & BLK_INTEGRITY_REF_TAG ? 1 : 3;
	return true;
}

/* What is not stacked with the rest, for a device @start bytes into its lower one. */
static inline void compat_stack_others(struct queue_limits *lim, struct block_device *lower,
				       u64 start)
{
	const struct queue_limits *from = &bdev_get_queue(lower)->limits;

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	/*
	 * 6.13: "block: Support atomic writes limits for stacked devices". An atomic
	 * write must not cross the drive's boundary: ours are then where its are.
	 */
	if (from->atomic_write_hw_boundary && start % from->atomic_write_hw_boundary)
		return;
	if (from->atomic_write_hw_unit_max && start % from->atomic_write_hw_unit_max)
		return;
	lim->atomic_write_hw_max = from->atomic_write_hw_max;
	lim->atomic_write_hw_boundary = from->atomic_write_hw_boundary;
	lim->atomic_write_hw_unit_min = from->atomic_write_hw_unit_min;
	lim->atomic_write_hw_unit_max = from->atomic_write_hw_unit_max;
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	/* 6.16: "block: introduce max_write_streams queue limit" */
	lim->max_write_streams = from->max_write_streams;
	lim->write_stream_granularity = from->write_stream_granularity;
#endif
}

static inline struct gendisk *compat_stacked_disk(struct block_device *lower, u64 start,
						  int node, const char *name)
{
	struct queue_limits lim;
	struct gendisk *disk;

	blk_set_stacking_limits(&lim);
	/* features that stacking clears where the lower lacks them */
	lim.features |= BLK_FEAT_IO_STAT | BLK_FEAT_NOWAIT | BLK_FEAT_POLL;
#ifdef BLK_FEAT_ATOMIC_WRITES
	lim.features |= BLK_FEAT_ATOMIC_WRITES;
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
	lim.features |= BLK_FEAT_PCI_P2PDMA;
#endif
	/* stacking takes the larger one, and starts from 511 */
	lim.dma_alignment = bdev_dma_alignment(lower);
	queue_limits_stack_bdev(&lim, lower, start >> SECTOR_SHIFT, name);
	queue_limits_stack_integrity_bdev(&lim, lower);
	compat_stack_others(&lim, lower, start);
	disk = blk_alloc_disk(&lim, node);
	if (!IS_ERR(disk))
		strscpy(disk->disk_name, name, sizeof(disk->disk_name));
	return disk;
}

static inline void compat_restack(struct gendisk *disk, struct block_device *lower, u64 start)
{
	struct queue_limits lim = queue_limits_start_update(disk->queue);

	queue_limits_stack_bdev(&lim, lower, start >> SECTOR_SHIFT, disk->disk_name);
	if (!memcmp(&lim, &disk->queue->limits, sizeof(lim)))
		queue_limits_cancel_update(disk->queue);
	else if (queue_limits_commit_update_frozen(disk->queue, &lim))
		pr_warn("%s: its limits are not those of its drive any more\n", disk->disk_name);
}
#endif

/*
 * The time, ns. Since 6.9 ("block: cache current nsec time in struct blk_plug") the
 * block layer reads the clock once for a batch; its time is ours, and ours its.
 */
static inline u64 compat_block_time(void)
{
#if COMPAT_OLD_BLOCK
	return ktime_get_ns();
#else
	struct blk_plug *plug = current->plug;
	u64 now;

	if (!plug || !in_task())
		return ktime_get_ns();
	now = READ_ONCE(plug->cur_ktime);
	if (!now) {
		now = ktime_get_ns();
		WRITE_ONCE(plug->cur_ktime, now);
		/* the flag makes the scheduler forget the time, so not before it is there */
		barrier();
		current->flags |= PF_BLOCK_TS;
	}
	return now;
#endif
}

#if COMPAT_OLD_BLOCK
static inline void compat_holder_unlock(struct block_device *bdev)
{
}
#else
/* mark_dead() is called with the lock held and must drop it */
static inline void compat_holder_unlock(struct block_device *bdev)
{
	mutex_unlock(&bdev->bd_holder_lock);
}
#endif

/*
 * A disk that was never added. Neither the class of block devices nor the type of
 * those that are whole disks is exported: any disk tells both.
 */
#if COMPAT_OLD_BLOCK
static inline struct gendisk *compat_any_disk(void)
{
	return blk_alloc_disk(NUMA_NO_NODE);
}
#else
static inline struct gendisk *compat_any_disk(void)
{
	struct gendisk *disk = blk_alloc_disk(NULL, NUMA_NO_NODE);

	return IS_ERR(disk) ? NULL : disk;
}
#endif

/* A whole disk is scanned for partitions at its next open, not under add_disk(). */
static inline void compat_defer_part_scan(struct gendisk *disk)
{
	set_bit(GD_SUPPRESS_PART_SCAN, &disk->state);
}

static inline void compat_request_part_scan(struct gendisk *disk)
{
	clear_bit(GD_SUPPRESS_PART_SCAN, &disk->state);
	set_bit(GD_NEED_PART_SCAN, &disk->state);
}

#endif
