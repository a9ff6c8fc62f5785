/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_COMPAT_LINUX_PR_H
#define PNVME_COMPAT_LINUX_PR_H

#include_next <linux/pr.h>
#include <linux/errno.h>
#include <linux/version.h>

struct block_device;

/* 6.4: "block: Add PR callouts for read keys and reservation" */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
struct pr_keys;
struct pr_held_reservation;

#define COMPAT_PR_READ_OPS(...)

static inline int compat_pr_read_keys(const struct pr_ops *ops, struct block_device *bdev,
				      struct pr_keys *keys)
{
	return -EOPNOTSUPP;
}

static inline int compat_pr_read_reservation(const struct pr_ops *ops, struct block_device *bdev,
					     struct pr_held_reservation *held)
{
	return -EOPNOTSUPP;
}
#else
#define COMPAT_PR_READ_OPS(keys_fn, reservation_fn)	\
	.pr_read_keys		= keys_fn,		\
	.pr_read_reservation	= reservation_fn,

static inline int compat_pr_read_keys(const struct pr_ops *ops, struct block_device *bdev,
				      struct pr_keys *keys)
{
	return ops->pr_read_keys ? ops->pr_read_keys(bdev, keys) : -EOPNOTSUPP;
}

static inline int compat_pr_read_reservation(const struct pr_ops *ops, struct block_device *bdev,
					     struct pr_held_reservation *held)
{
	return ops->pr_read_reservation ? ops->pr_read_reservation(bdev, held) : -EOPNOTSUPP;
}
#endif

#endif
