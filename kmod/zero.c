// SPDX-License-Identifier: GPL-2.0
/*
 * Zeroing what a namespace is about to show and another one held before. It
 * runs in the background: a terabyte may take minutes, and neither a netlink
 * request nor the drive's mutex may last that long. Nothing is in the label
 * before it is done, so a crash leaves the drive as it was.
 */
#include <linux/blkdev.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "drive.h"
#include "event.h"
#include "namespace.h"

/* How much is zeroed between two looks at zero_cancel, bytes. */
#define CHUNK (64ULL << 20)

/* The range to zero: all of a new namespace, or what a growing one grows into. */
static void zero_range(const struct pnvme_ns *ns, u64 *start, u64 *end)
{
	u64 first = (u64)ns->first << SECTOR_SHIFT;

	if (ns->pending) {
		*start = first + ns->pending_from;
		*end = first + ns->pending;
	} else {
		*start = first;
		*end = first + ns->bytes;
	}
}

static bool next_dirty(struct pnvme_drive *drive, u64 pos, u64 end, u64 *start, u64 *bytes)
{
	bool found;

	down_read(&pnvme_view);
	found = pos < end && pnvme_dirty_next(drive->label, pos, end - pos, start, bytes);
	up_read(&pnvme_view);
	return found;
}

static int zero_dirty(struct pnvme_ns *ns)
{
	struct block_device *bdev = ns->drive->claim.bdev;
	u64 pos, end, start, bytes;
	int ret;

	zero_range(ns, &pos, &end);
	while (next_dirty(ns->drive, pos, end, &start, &bytes)) {
		if (READ_ONCE(ns->zero_cancel))
			return -ECANCELED;
		/* failed: it may be somebody else's now */
		if (READ_ONCE(ns->drive->state) != PNVME_DRIVE_STATE_LIVE)
			return -ENODEV;
		bytes = min(bytes, CHUNK);
		ret = blkdev_issue_zeroout(bdev, start >> SECTOR_SHIFT, bytes >> SECTOR_SHIFT,
					   GFP_NOIO, 0);
		if (ret)
			return ret;
		WRITE_ONCE(ns->zeroed, ns->zeroed + bytes);
		pos = start + bytes;
	}
	/* before the label says that it is clean */
	return blkdev_issue_flush(bdev);
}

static void zero_failed(struct pnvme_ns *ns, const char *text)
{
	bool growing = ns->pending;

	down_write(&pnvme_view);
	strscpy(ns->reason, text, sizeof(ns->reason));
	if (growing)
		ns->pending = 0;
	else
		ns->state = PNVME_NS_STATE_FAILED;
	ns->zero_total = 0;
	pnvme_changed();
	up_write(&pnvme_view);
	pnvme_event_ns(PNVME_EVENT_TYPE_NS_FAIL, ns, "%s failed: %s",
		       growing ? "growing" : "creation", text);
}

static void zero_finish(struct pnvme_ns *ns, int ret)
{
	struct pnvme_error err = { };

	if (!ret)
		ret = pnvme_drive_writable(ns->drive, &err);
	if (ret && err.text[0])
		;	/* said already */
	else if (ret)
		pnvme_refuse(&err, ret,
			     "old data could not be zeroed (error %d); look at the drive's health",
			     -ret);
	else if (ns->pending)
		ret = pnvme_ns_commit_grown(ns, &err);
	else
		ret = pnvme_ns_commit_created(ns, &err);
	if (ret)
		zero_failed(ns, err.text[0] ? err.text : "out of memory");
}

/*
 * Whoever cancels waits for this work with the drive's mutex held, so it must
 * not wait for that mutex.
 */
static bool lock_unless_cancelled(struct pnvme_ns *ns)
{
	while (!pnvme_drive_trylock(ns->drive)) {
		if (READ_ONCE(ns->zero_cancel))
			return false;
		schedule_timeout_uninterruptible(msecs_to_jiffies(10));
	}
	return true;
}

static void zero_work(struct work_struct *work)
{
	struct pnvme_ns *ns = container_of(work, struct pnvme_ns, zero_work);
	struct pnvme_drive *drive = ns->drive;
	int ret = zero_dirty(ns);

	if (ret == -ECANCELED || !lock_unless_cancelled(ns))
		return;
	if (!READ_ONCE(ns->zero_cancel))
		zero_finish(ns, ret);
	pnvme_drive_unlock(drive);
	pnvme_drive_scan_start(drive);
}

void pnvme_zero_init(struct pnvme_ns *ns)
{
	INIT_WORK(&ns->zero_work, zero_work);
}

/**
 * pnvme_zero_needed - how much of a range held another namespace
 * @drive: its @lock is held
 * @start: first byte on the drive
 * @bytes: of the range
 *
 * Return: bytes to zero.
 */
u64 pnvme_zero_needed(struct pnvme_drive *drive, u64 start, u64 bytes)
{
	u64 pos = start, end = start + bytes, dstart, dbytes, sum = 0;

	lockdep_assert_held(&drive->lock);
	while (next_dirty(drive, pos, end, &dstart, &dbytes)) {
		sum += dbytes;
		pos = dstart + dbytes;
	}
	return sum;
}

/**
 * pnvme_zero_start - begin to zero in the background
 * @ns: listed; its @bytes or @pending tell the range; drive->lock is held
 * @total: as pnvme_zero_needed() said
 */
void pnvme_zero_start(struct pnvme_ns *ns, u64 total)
{
	lockdep_assert_held(&ns->drive->lock);
	down_write(&pnvme_view);
	ns->zero_total = total;
	ns->zeroed = 0;
	ns->reason[0] = '\0';
	pnvme_changed();
	up_write(&pnvme_view);
	queue_work(pnvme_wq, &ns->zero_work);
}

/**
 * pnvme_zero_cancel - stop zeroing, if it goes on, and forget what it was for
 * @ns: drive->lock is held
 */
void pnvme_zero_cancel(struct pnvme_ns *ns)
{
	lockdep_assert_held(&ns->drive->lock);
	WRITE_ONCE(ns->zero_cancel, true);
	cancel_work_sync(&ns->zero_work);
	WRITE_ONCE(ns->zero_cancel, false);
	down_write(&pnvme_view);
	ns->pending = 0;
	ns->zero_total = 0;
	pnvme_changed();
	up_write(&pnvme_view);
}

bool pnvme_zero_busy(const struct pnvme_ns *ns)
{
	return ns->state == PNVME_NS_STATE_ZEROING || ns->pending;
}
