/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_DRIVE_H
#define PNVME_DRIVE_H

#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/device.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <pnvme/label.h>
#include <uapi/linux/pnvme.h>

#include "error.h"
#include "hold.h"
#include "identity.h"
#include "io.h"
#include "lower_node.h"
#include "seal.h"

/*
 * pnvme_view guards what readers see: the list of drives, the lists of
 * namespaces, each drive's @label pointer, states, reasons and names. It is
 * held for writing only to change these, never while anything sleeps on I/O,
 * adds or removes a device, or sends an event. A drive's own mutex is taken
 * before it, never under it.
 */
extern struct rw_semaphore pnvme_view;

/**
 * struct pnvme_drive - an attached drive
 * @dev: the parent of its namespaces' disks (/sys/class/pnvme/pnvmeN); also the
 *	reference count of this structure
 * @lock: serialises everything that changes the drive; held over label I/O, so that
 *	neither holds nor their end may need it. See pnvme_drive_lock()
 * @noio: what pnvme_drive_unlock() restores; @lock
 * @node: in pnvme_drives; pnvme_view
 * @namespaces: struct pnvme_ns.node; written under @lock and pnvme_view, read
 *	under either
 * @claim: the lower device, opened exclusively, @claim.bdev NULL while the drive is away;
 *	constant while I/O is in flight; changes under @lock and pnvme_view
 * @opener: of the lower device's own character device
 * @lower_name: name of the lower disk when it was claimed last; @lock and pnvme_view
 * @lower_dev: its device number; likewise
 * @diskseq: its disk sequence number; likewise
 * @uuid: from the label; constant
 * @identity: what it said of itself when it was claimed last; @lock and pnvme_view
 * @label: what all slots hold, sequence 0 where that is nothing yet; the pointer is
 *	written under @lock and pnvme_view, read under either; what it points at
 *	never changes while it does
 * @next: draft of the label to come, see pnvme_drive_draft(); @lock
 * @check: scratch for reading labels back; @lock
 * @gate: enum pnvme_gate, whether I/O may go down; written under @hold.lock, read by the
 *	I/O path with preemption disabled until the I/O is counted as started. So after
 *	it closed and synchronize_rcu() none starts any more, and
 *	pnvme_stats_in_flight() of the namespaces says what is left
 * @io_pool: contexts of I/O in flight; its own, so that one drive that does not
 *	answer starves no other
 * @latency: the setting: 0 no I/O is timed, 1 all are, N one in N; written under @lock,
 *	read by the I/O path without
 * @hold: what waits while the drive is away
 * @sealer: what waits for seals to be broken
 * @scan: looks for partitions; holds a reference to the drive while it is queued
 * @scans: how often it is queued or at work
 * @scanned: wakes who waits for that to become 0
 * @watch: looks once a second whether the lower device is still what it was
 * @instance: N of pnvmeN; constant once listed
 * @state: pnvme_view
 * @reason: why @state is not live; pnvme_view
 * @exposed: complete and visible to readers; pnvme_view
 * @read_only: attached without writing its label; constant once listed
 * @distrusted: attached read-only with a label that is not its newest, or of other hardware: seals
 *	that it tells of are not believed; constant once exposed
 * @unread: a slot could not be read when it was attached, and may hold a newer label; @lock
 * @good: bit i tells that slot i held the newest content when it was attached; @lock
 * @repaired: the attach rewrote damaged label copies; constant once exposed
 * @label_lost: not all slots could be written, nothing may be changed; @lock
 */
struct pnvme_drive {
	struct device		dev;
	struct mutex		lock;	/* changes, label I/O */
	unsigned int		noio;
	struct list_head	node;
	struct list_head	namespaces;
	struct compat_claim	claim;
	struct pnvme_node_opener	opener;
	char			lower_name[DISK_NAME_LEN];
	dev_t			lower_dev;
	u64			diskseq;
	u8			uuid[16];
	struct pnvme_identity	identity;
	struct pnvme_label	*label;
	struct pnvme_label	*next;
	struct pnvme_label	*check;
	enum pnvme_gate		gate;
	struct pnvme_io_pool	io_pool;
	u32			latency;
	struct pnvme_hold	hold;
	struct pnvme_sealer	sealer;
	struct work_struct	scan;
	atomic_t		scans;
	wait_queue_head_t	scanned;
	struct delayed_work	watch;
	int			instance;
	enum pnvme_drive_state	state;
	char			reason[128];
	bool			exposed;
	bool			read_only;
	bool			repaired;
	bool			label_lost;
	bool			distrusted;
	bool			unread;
	u8			good;
};

/**
 * struct pnvme_lower_id - which lower device a request means
 * @dev: device number
 * @diskseq: 0, or the disk sequence number it must still have
 */
struct pnvme_lower_id {
	dev_t	dev;
	u64	diskseq;
};

/**
 * struct pnvme_attach - a request to adopt, attach or import
 * @lower: which device
 * @uuid: drive UUID; NULL where the label's is taken as it is
 * @host: this host's ID, not zero
 * @from: owner to take the drive from (import), or NULL
 * @adopt: write a first label
 * @dirty: adopt: the drive held data
 * @any: adopt: it need not be NVMe
 * @read_only: attach without writing the label
 * @check: stop before anything is changed
 * @label: restore: a copy of the label that the drive has lost, PNVME_LABEL_BYTES; or NULL
 * @identity: attach: what differs in the hardware's identity goes into the label
 * @stale: attach: the drive has had a newer label than the one that is found
 */
struct pnvme_attach {
	struct pnvme_lower_id	lower;
	const u8		*uuid;
	const u8		*host;
	const u8		*from;
	bool			adopt;
	bool			dirty;
	bool			any;
	bool			read_only;
	bool			check;
	const void		*label;
	bool			identity;
	bool			stale;
};

/**
 * struct pnvme_settings - settings to change; bit i of @given tells field i
 */
struct pnvme_settings {
	bool	has_hold_timeout, has_on_resume, has_hold_proof, has_latency;
	u32	hold_timeout;
	u32	latency;
	u8	on_resume;
	u8	hold_proof;
};

/* For work that may do I/O: zeroing, watching. */
extern struct workqueue_struct *pnvme_wq;

extern const struct blk_holder_ops pnvme_drive_holder_ops;

void pnvme_drive_lock(struct pnvme_drive *drive);
bool pnvme_drive_trylock(struct pnvme_drive *drive);
void pnvme_drive_unlock(struct pnvme_drive *drive);

int pnvme_drives_init(void);
void pnvme_drives_exit(void);

struct pnvme_drive *pnvme_drive_get(const u8 *uuid);
void pnvme_drive_put(struct pnvme_drive *drive);
/* All drives, NULL first; pnvme_view is held. Skip those not @exposed. */
struct pnvme_drive *pnvme_drive_next(struct pnvme_drive *drive);

int pnvme_drive_attach(const struct pnvme_attach *req, struct pnvme_drive **result,
		       struct pnvme_error *err);
int pnvme_drive_detach(struct pnvme_drive *drive, bool release, bool check,
		       struct pnvme_error *err);
int pnvme_drive_erase(const struct pnvme_lower_id *lower, const u8 *uuid, const u8 *host,
		      bool check, struct pnvme_error *err);
int pnvme_drive_set(struct pnvme_drive *drive, const struct pnvme_settings *settings,
		    bool check, struct pnvme_error *err);
void pnvme_drive_use_settings(struct pnvme_drive *drive);
const char *pnvme_drive_look(const struct pnvme_drive *drive);
void pnvme_drive_fail(struct pnvme_drive *drive, const char *reason);
void pnvme_drive_fail_held(struct pnvme_drive *drive, const char *reason);
int pnvme_drive_fail_by_hand(struct pnvme_drive *drive, bool check, struct pnvme_error *err);

/* attach.c */
int pnvme_drive_list(struct pnvme_drive *drive, u32 instance, struct pnvme_error *err);
void pnvme_drive_unlist(struct pnvme_drive *drive);
struct pnvme_drive *pnvme_drive_new(void);
int pnvme_drive_claim(struct pnvme_drive *drive, const struct pnvme_lower_id *lower,
		      struct pnvme_error *err);
void pnvme_drive_release_lower(struct pnvme_drive *drive);
void pnvme_drive_hide(struct pnvme_drive *drive);
void pnvme_drive_expose(struct pnvme_drive *drive);
const char *pnvme_slot_kind(int check);

/* restore.c */
int pnvme_restore_take_label(struct pnvme_drive *drive, const struct pnvme_attach *req,
			     struct pnvme_error *err);
void pnvme_label_distrust(struct pnvme_label *l);
void pnvme_identity_draft(struct pnvme_label *l, const struct pnvme_identity *id);

/* lower.c */
int pnvme_lower_init(void);
struct class *pnvme_lower_class(void);
const struct device_type *pnvme_lower_type(void);
bool pnvme_lower_exists(dev_t dev);
int pnvme_lower_claim(const struct pnvme_lower_id *id, void *holder,
		      const struct blk_holder_ops *hops, struct compat_claim *claim,
		      struct pnvme_error *err);

/* drive_label.c */
struct pnvme_label *pnvme_drive_draft(struct pnvme_drive *drive);
int pnvme_drive_writable(struct pnvme_drive *drive, struct pnvme_error *err);
int pnvme_drive_verify(struct pnvme_drive *drive, struct pnvme_error *err);
int pnvme_drive_update(struct pnvme_drive *drive, struct pnvme_error *err);
int pnvme_drive_set_roster(struct pnvme_drive *drive, const struct pnvme_label_peer *peers,
			   unsigned int n, u64 generation, bool check, struct pnvme_error *err);
void pnvme_drive_settle(struct pnvme_drive *drive);
int pnvme_drive_first_write(struct pnvme_drive *drive, struct pnvme_error *err);

extern unsigned int pnvme_generation;	/* pnvme_view; grows with each change that readers see */

static inline void pnvme_changed(void)
{
	lockdep_assert_held_write(&pnvme_view);
	if (!++pnvme_generation)
		pnvme_generation = 1;
}

#endif
