/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_HOLD_H
#define PNVME_HOLD_H

#include <linux/bio.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <pnvme/label.h>

#include "error.h"

struct pnvme_drive;
struct pnvme_io;
struct pnvme_lower_id;
struct pnvme_ns;

/* Whether I/O may go down. */
enum pnvme_gate {
	PNVME_GATE_OPEN,
	PNVME_GATE_HELD,	/* it waits */
	PNVME_GATE_SHUT,	/* it ends with an error */
};

/**
 * struct pnvme_parked - contexts of I/O that failed and may be sent again
 * @first: in the order of failing
 * @last: undefined if @first is NULL
 * @count: how many
 */
struct pnvme_parked {
	struct pnvme_io	*first;
	struct pnvme_io	*last;
	unsigned long	count;
};

/**
 * struct pnvme_hold - what waits while a drive is away, and what is needed to end that.
 *	None of it takes the drive's mutex, but for what becomes of the lower device
 * @lock: guards @waiting, the two lists of parked I/O, @parked, @parked_since, @able,
 *	@timeout, and writing the drive's gate; taken from interrupts
 * @waiting: bios that came when the gate was closed
 * @fresh: I/O that failed since the last look at what is parked
 * @stale: I/O that failed before that, a second ago at least
 * @parked: number of both
 * @parked_since: jiffies when it became other than 0
 * @able: I/O may wait at all; set when the drive is exposed and its settings change
 * @timeout: for how long, seconds
 * @gate_moved: wakes who waits in front of the gate without a bio
 * @lost: the block layer said that the lower device goes; written by mark_dead(), cleared
 *	when another is claimed
 * @cached: the lower device has a volatile write cache, as last seen; written by who
 *	claims it and by the watch
 * @was_cached: likewise, of the one that was lost; drive->lock
 * @wq: of @work, so that no drive waits for another one's; outlives it
 * @work: finds out what failed and why, and looks for a lost drive
 * @expire: ends a hold, in a queue of its own
 * @deadline: jiffies when it will, 0 never; pnvme_view
 * @look_until: jiffies until when new block devices are looked at; written by the work
 *	and by pnvme_hold_arrival(), read by the work: too late a value costs a look
 * @refused: diskseq of the last ones that were told to be impostors; drive->lock
 * @refusals: how many were; drive->lock
 * @scratch: for reading label copies; drive->lock
 * @probe: likewise, but for @work alone, which may hang in it
 * @unsure: content of a label update that failed; drive->lock
 * @undone: what was to take it back, and failed too; drive->lock
 * @torn: the slots may hold @unsure or @undone; drive->lock
 * @unlinked: holder links are to be made as soon as nothing waits; written under drive->lock
 * @holds: how often I/O was held; pnvme_view
 * @fences: how often namespaces were fenced; pnvme_view
 */
struct pnvme_hold {
	spinlock_t		lock;	/* see above */
	struct bio_list		waiting;
	struct pnvme_parked	fresh;
	struct pnvme_parked	stale;
	unsigned long		parked;
	unsigned long		parked_since;
	bool			able;
	u32			timeout;
	wait_queue_head_t	gate_moved;
	bool			lost;
	bool			cached;
	bool			was_cached;
	struct workqueue_struct	*wq;
	struct delayed_work	work;
	struct delayed_work	expire;
	unsigned long		deadline;
	unsigned long		look_until;
	u64			refused[8];
	unsigned int		refusals;
	struct pnvme_label	*scratch;
	struct pnvme_label	*probe;
	struct pnvme_label	*unsure;
	struct pnvme_label	*undone;
	bool			torn;
	bool			unlinked;
	u32			holds;
	u32			fences;
};

/* hold.c: the I/O path */
enum pnvme_gate pnvme_hold_bio(struct pnvme_ns *ns, struct bio *bio);
bool pnvme_hold_park(struct pnvme_io *io);
int pnvme_hold_wait(struct pnvme_ns *ns);

/* hold.c: life and state */
int pnvme_hold_load(void);
void pnvme_hold_unload(void);
int pnvme_hold_init(struct pnvme_drive *drive);
void pnvme_hold_exit(struct pnvme_drive *drive);
void pnvme_hold_use_settings(struct pnvme_drive *drive);
void pnvme_hold_stop(struct pnvme_drive *drive);
void pnvme_hold_shut(struct pnvme_drive *drive);
void pnvme_hold_end(struct pnvme_drive *drive);
void pnvme_hold_lost(struct pnvme_drive *drive);
bool pnvme_hold_lower_lost(struct pnvme_drive *drive);
void pnvme_hold_over(struct pnvme_drive *drive);
void pnvme_hold_send_parked(struct pnvme_drive *drive);
void pnvme_hold_send_waiting(struct pnvme_drive *drive);
bool pnvme_hold_open(struct pnvme_drive *drive, enum pnvme_gate from);
void pnvme_hold_arrival(void);

/* resume.c */
bool pnvme_resume_let_go(struct pnvme_drive *drive);
bool pnvme_resume_look(struct pnvme_drive *drive);
bool pnvme_resume_link(struct pnvme_drive *drive);
int pnvme_resume_by_hand(struct pnvme_drive *drive, const struct pnvme_lower_id *lower,
			 bool check, struct pnvme_error *err);
int pnvme_resume_init(void);
void pnvme_resume_exit(void);

/* fence.c */
void pnvme_fence_on_resume(struct pnvme_drive *drive);
void pnvme_ns_unfence(struct pnvme_ns *ns, bool check);

#endif
