/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_NAMESPACE_H
#define PNVME_NAMESPACE_H

#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <pnvme/label.h>
#include <uapi/linux/pnvme.h>

#include "error.h"
#include "stats.h"

struct pnvme_drive;
struct pnvme_generic;

/* Bits of pnvme_ns.stops */
#define PNVME_STOP_FENCE	0	/* @fence is not none; changes with it, under open_lock */
#define PNVME_STOP_SEAL		1	/* it is sealed, or somebody samples it; sealer.lock */

/**
 * struct pnvme_ns - a namespace
 * @ref: one for the drive's list, one for the disk, one for each lookup
 * @drive: holds a reference; constant
 * @node: in the drive's @namespaces
 * @disk: NULL until exposed and after it was hidden; drive->lock and pnvme_view
 * @first: first sector on the lower device; constant
 * @generic: its character device, NULL if it has none; drive->lock and pnvme_view
 * @uuid: constant
 * @nguid: constant
 * @nsid: constant
 * @bytes: size; drive->lock and pnvme_view
 * @name: drive->lock and pnvme_view
 * @state: drive->lock and pnvme_view
 * @reason: why @state is failed; drive->lock and pnvme_view
 * @policy: drive->lock and pnvme_view
 * @read_only: modifications are refused; written while closed, under drive->lock
 *	and pnvme_view, read by the I/O path without a lock
 * @linked: the holder links exist; drive->lock
 * @stops: PNVME_STOP_*: why some I/O may be stopped; atomic bits, read by the I/O path
 *	with preemption disabled until the I/O is counted as started
 * @sealed: modifications wait until the label says that the seal is broken; sealer.lock
 * @sealing: token of who samples it, 0 since it may have changed; sealer.lock
 * @break_waiters: how many wait in pnvme_seal_wait_broken(); sealer.lock
 * @break_failed: how often its seal could not be broken; sealer.lock
 * @break_let_go: how often they were sent to the gate; sealer.lock
 * @break_asked: something was to be written to it while sealed; sealer.lock
 * @waiting: modifications that wait until its seal is broken; sealer.lock
 * @breaking: its seal is being broken; drive->lock
 * @broke: the label had a seal that this breaks, undefined unless @breaking; drive->lock
 * @doubt: a modification was acknowledged that no completed flush covers; written by the
 *	I/O path, see note_written()
 * @unseen: open files, and ioctls under way, that may have modifications acknowledged of
 *	which nobody tells us; see in_doubt()
 * @held: I/Os that wait for the drive
 * @held_total: how many ever did
 * @open_lock: guards the next eight
 * @fence: enum pnvme_fence, read by the I/O path without the lock; see pnvme_ns_set_fence()
 * @fences: how often it was fenced
 * @fenced_at: when it was last, CLOCK_REALTIME, ns
 * @openers: opens of disk and partitions that were not released
 * @closed: no more opens, the disk is about to go or to change
 * @opener: who opened it last, "comm[pid]"
 * @scanner: the task that looks for partitions now; its opens do not count
 * @needs_scan: partitions are to be looked for
 * @pending: resize: the size to come, 0 if none; drive->lock and pnvme_view
 * @pending_from: end of the namespace before; drive->lock
 * @zero_work: zeroes what is to be exposed; see zero.c
 * @zero_total: bytes to zero; drive->lock and pnvme_view
 * @zeroed: bytes zeroed so far; written by @zero_work alone, read without a lock
 * @zero_cancel: tells @zero_work to give up
 * @stats: what was counted; there while @disk is
 */
struct pnvme_ns {
	struct kref		ref;
	struct pnvme_drive	*drive;
	struct list_head	node;
	struct gendisk		*disk;
	struct pnvme_generic	*generic;
	sector_t		first;
	u8			uuid[16];
	u8			nguid[16];
	u32			nsid;
	u64			bytes;
	char			name[PNVME_NAME_BYTES];
	enum pnvme_ns_state	state;
	char			reason[128];
	u8			policy;
	bool			read_only;
	bool			linked;

	unsigned long		stops;
	bool			sealed;
	unsigned int		break_waiters;
	unsigned int		break_failed;
	unsigned int		break_let_go;
	bool			break_asked;
	bool			breaking;
	bool			broke;
	u64			sealing;
	int			doubt;
	atomic_t		unseen;
	atomic_t		held;
	atomic64_t		held_total;
	struct bio_list		waiting;

	spinlock_t		open_lock;	/* the next eight */
	u8			fence;
	u32			fences;
	u64			fenced_at;
	unsigned int		openers;
	bool			closed;
	char			opener[32];
	struct task_struct	*scanner;
	bool			needs_scan;

	u64			pending;
	u64			pending_from;
	struct work_struct	zero_work;
	u64			zero_total;
	u64			zeroed;
	bool			zero_cancel;

	struct pnvme_stats	stats;
};

void pnvme_namespaces_exit(void);

bool pnvme_is_namespace(struct gendisk *disk);

/* Lookups take a reference. */
struct pnvme_ns *pnvme_ns_get(const u8 *uuid, const char *name);
void pnvme_ns_put(struct pnvme_ns *ns);

/* Life; drive->lock is held. */
struct pnvme_ns *pnvme_ns_new(struct pnvme_drive *drive, const struct pnvme_label_ns *entry);
int pnvme_ns_list(struct pnvme_ns *ns, struct pnvme_error *err);
int pnvme_ns_check_list(const struct pnvme_ns *ns, struct pnvme_error *err);
int pnvme_ns_expose(struct pnvme_ns *ns);
void pnvme_ns_remove(struct pnvme_ns *ns);
int pnvme_ns_close(struct pnvme_ns *ns, const char *what, bool check, struct pnvme_error *err);
void pnvme_ns_reopen(struct pnvme_ns *ns);
int pnvme_ns_opened(struct pnvme_ns *ns);
void pnvme_ns_released(struct pnvme_ns *ns);
bool pnvme_name_taken(const char *name, const struct pnvme_ns *except);

bool pnvme_ns_is_sole(const struct pnvme_ns *ns);
bool pnvme_ns_scanning(struct pnvme_ns *ns);
void pnvme_ns_needs_scan(struct pnvme_ns *ns);

/* drive->lock is held. */
void pnvme_ns_link_lower(struct pnvme_ns *ns);
void pnvme_ns_unlink_lower(struct pnvme_ns *ns);

/* Does its fence stop a bio with these flags? */
static inline bool pnvme_fence_stops(const struct pnvme_ns *ns, blk_opf_t opf)
{
	u8 fence = READ_ONCE(ns->fence);

	return fence == PNVME_FENCE_ALL || (fence == PNVME_FENCE_FLUSH && op_is_flush(opf));
}

/* open_lock is held. */
static inline void pnvme_ns_set_fence(struct pnvme_ns *ns, u8 fence)
{
	WRITE_ONCE(ns->fence, fence);
	if (fence == PNVME_FENCE_NONE)
		clear_bit(PNVME_STOP_FENCE, &ns->stops);
	else
		set_bit(PNVME_STOP_FENCE, &ns->stops);
}

/* No lock is held. */
void pnvme_drive_scan_init(struct pnvme_drive *drive);
void pnvme_drive_scan_start(struct pnvme_drive *drive);
void pnvme_drive_scan_partitions(struct pnvme_drive *drive);

/* zero.c; drive->lock is held. */
void pnvme_zero_init(struct pnvme_ns *ns);
u64 pnvme_zero_needed(struct pnvme_drive *drive, u64 start, u64 bytes);
void pnvme_zero_start(struct pnvme_ns *ns, u64 total);
void pnvme_zero_cancel(struct pnvme_ns *ns);
bool pnvme_zero_busy(const struct pnvme_ns *ns);

/* reserve.c */
extern const struct pr_ops pnvme_reserve_ops;

/* ns_ops.c */
/**
 * struct pnvme_ns_request - what to do with a namespace
 * @name: create: its name; rename: the new one
 * @bytes: create, resize: the size
 * @largest: create: take the largest gap
 * @keep_data: do not zero
 * @force: resize: may shrink
 * @check: change nothing
 * @has_read_only: set: @read_only is given
 * @read_only: set
 * @has_policy: set: @policy is given
 * @policy: set, undelete
 * @uuid: undelete: of the namespace that was deleted; else NULL
 * @nguid: undelete
 * @start: undelete: first byte on the drive
 * @nsid: undelete: wanted
 */
struct pnvme_ns_request {
	const char	*name;
	u64		bytes;
	bool		largest;
	bool		keep_data;
	bool		force;
	bool		check;
	bool		has_read_only;
	bool		read_only;
	bool		has_policy;
	u8		policy;
	const u8	*uuid;
	const u8	*nguid;
	u64		start;
	u32		nsid;
};

int pnvme_ns_create(struct pnvme_drive *drive, const struct pnvme_ns_request *req,
		    struct pnvme_ns **result, struct pnvme_error *err);
int pnvme_ns_delete(struct pnvme_ns *ns, bool check, struct pnvme_error *err);
int pnvme_ns_set_size(struct pnvme_ns *ns, const struct pnvme_ns_request *req,
		      struct pnvme_error *err);
int pnvme_ns_set_name(struct pnvme_ns *ns, const struct pnvme_ns_request *req,
		      struct pnvme_error *err);
int pnvme_ns_set(struct pnvme_ns *ns, const struct pnvme_ns_request *req,
		 struct pnvme_error *err);
int pnvme_ns_lock_ready(struct pnvme_ns *ns, struct pnvme_error *err);
int pnvme_ns_commit_created(struct pnvme_ns *ns, struct pnvme_error *err);
int pnvme_ns_commit_grown(struct pnvme_ns *ns, struct pnvme_error *err);

#endif
