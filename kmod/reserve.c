// SPDX-License-Identifier: GPL-2.0
/*
 * Persistent reservations. A drive knows them for all of itself only, so they are
 * offered where one namespace has the drive to itself, and passed on as they are.
 */
#include <linux/blkdev.h>
#include <linux/pr.h>

#include "drive.h"
#include "namespace.h"

/**
 * struct reserve - where an operation goes to
 * @drive: its @lock is held over the operation, which keeps @lower
 * @lower: the lower device
 * @ops: of the lower device
 */
struct reserve {
	struct pnvme_drive	*drive;
	struct block_device	*lower;
	const struct pr_ops	*ops;
};

/* Nothing of a drive that is away is waited for here, nor tried again: -EIO. */
static int begin_read(struct block_device *bdev, struct reserve *r)
{
	struct pnvme_ns *ns = bdev->bd_disk->private_data;
	int ret = 0;

	r->drive = ns->drive;
	pnvme_drive_lock(r->drive);
	r->lower = r->drive->claim.bdev;
	if (!pnvme_ns_is_sole(ns))
		ret = -EOPNOTSUPP;
	else if (READ_ONCE(r->drive->gate) != PNVME_GATE_OPEN)
		ret = -EIO;
	else
		r->ops = r->lower->bd_disk->fops->pr_ops;
	if (!ret && !r->ops)
		ret = -EOPNOTSUPP;
	if (ret)
		pnvme_drive_unlock(r->drive);
	return ret;
}

static int end(struct reserve *r, int ret)
{
	pnvme_drive_unlock(r->drive);
	return ret;
}

/* What others may do with the drive is changed by nobody who may only read. */
static int begin_change(struct block_device *bdev, struct reserve *r)
{
	struct pnvme_ns *ns = bdev->bd_disk->private_data;

	return ns->read_only ? -EROFS : begin_read(bdev, r);
}

static int reserve_register(struct block_device *bdev, u64 old_key, u64 new_key, u32 flags)
{
	struct reserve r;
	int ret = begin_change(bdev, &r);

	if (ret)
		return ret;
	return end(&r, r.ops->pr_register ? r.ops->pr_register(r.lower, old_key, new_key, flags) :
		   -EOPNOTSUPP);
}

static int reserve_reserve(struct block_device *bdev, u64 key, enum pr_type type, u32 flags)
{
	struct reserve r;
	int ret = begin_change(bdev, &r);

	if (ret)
		return ret;
	return end(&r, r.ops->pr_reserve ? r.ops->pr_reserve(r.lower, key, type, flags) :
		   -EOPNOTSUPP);
}

static int reserve_release(struct block_device *bdev, u64 key, enum pr_type type)
{
	struct reserve r;
	int ret = begin_change(bdev, &r);

	if (ret)
		return ret;
	return end(&r, r.ops->pr_release ? r.ops->pr_release(r.lower, key, type) :
		   -EOPNOTSUPP);
}

static int reserve_preempt(struct block_device *bdev, u64 old_key, u64 new_key,
			   enum pr_type type, bool abort)
{
	struct reserve r;
	int ret = begin_change(bdev, &r);

	if (ret)
		return ret;
	return end(&r, r.ops->pr_preempt ?
		   r.ops->pr_preempt(r.lower, old_key, new_key, type, abort) :
		   -EOPNOTSUPP);
}

static int reserve_clear(struct block_device *bdev, u64 key)
{
	struct reserve r;
	int ret = begin_change(bdev, &r);

	if (ret)
		return ret;
	return end(&r, r.ops->pr_clear ? r.ops->pr_clear(r.lower, key) :
		   -EOPNOTSUPP);
}

static int __maybe_unused reserve_read_keys(struct block_device *bdev, struct pr_keys *keys)
{
	struct reserve r;
	int ret = begin_read(bdev, &r);

	if (ret)
		return ret;
	return end(&r, compat_pr_read_keys(r.ops, r.lower, keys));
}

static int __maybe_unused reserve_read_reservation(struct block_device *bdev,
						   struct pr_held_reservation *held)
{
	struct reserve r;
	int ret = begin_read(bdev, &r);

	if (ret)
		return ret;
	return end(&r, compat_pr_read_reservation(r.ops, r.lower, held));
}

const struct pr_ops pnvme_reserve_ops = {
	.pr_register	= reserve_register,
	.pr_reserve	= reserve_reserve,
	.pr_release	= reserve_release,
	.pr_preempt	= reserve_preempt,
	.pr_clear	= reserve_clear,
	COMPAT_PR_READ_OPS(reserve_read_keys, reserve_read_reservation)
};
