// SPDX-License-Identifier: GPL-2.0
/*
 * Seals. A sealed namespace is one whose label has a digest of samples of its data. The
 * first modification after that waits until the label says that the seal is broken, so
 * whoever reads the samples again later knows: what differs was lost, not written.
 *
 * Unsealed namespaces pay nothing for it: the bit that stops modifications is one of
 * @stops, which the I/O path reads anyway.
 *
 * What waits may be what frees memory, so nothing here allocates any but for events.
 */
#include <linux/blkdev.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/string.h>

#include "drive.h"
#include "event.h"
#include "io.h"
#include "namespace.h"
#include "seal.h"

/* How long a sealing waits for I/O in flight to end. */
#define QUIET_MS 2000
/*
 * Errors come before it is known that the device is gone: on 6.1, whose holders are not
 * told, the watch finds out once a second.
 */
#define AWAY_MS 2000

/**
 * pnvme_seal_bio - a modification that found a seal, or somebody sampling
 * @ns: it is for
 * @bio: it
 *
 * Return: enum pnvme_seal_wait. The samples that somebody takes are in vain by this.
 */
enum pnvme_seal_wait pnvme_seal_bio(struct pnvme_ns *ns, struct bio *bio)
{
	struct pnvme_drive *drive = ns->drive;
	struct pnvme_sealer *s = &drive->sealer;
	enum pnvme_seal_wait wait = PNVME_SEAL_OPEN;

	spin_lock(&s->lock);
	ns->sealing = 0;
	if (!ns->sealed) {
		clear_bit(PNVME_STOP_SEAL, &ns->stops);
	} else if (bio->bi_opf & REQ_NOWAIT) {
		wait = PNVME_SEAL_AGAIN;
	} else {
		/* what waits is submitted anew, by somebody else than who polls for it */
		bio->bi_opf &= ~REQ_POLLED;
		bio_list_add(&ns->waiting, bio);
		wait = PNVME_SEAL_WAITS;
	}
	if (ns->sealed) {
		ns->break_asked = true;
		queue_delayed_work(s->wq, &s->work, 0);
	}
	spin_unlock(&s->lock);
	return wait;
}

/* Returns whether there is nothing to wait for; else the counters as they are now. */
static bool ask_to_break(struct pnvme_ns *ns, unsigned int *failed, unsigned int *let_go)
{
	struct pnvme_sealer *s = &ns->drive->sealer;
	bool open;

	spin_lock(&s->lock);
	ns->sealing = 0;
	open = !ns->sealed;
	if (open) {
		clear_bit(PNVME_STOP_SEAL, &ns->stops);
	} else {
		*failed = ns->break_failed;
		*let_go = ns->break_let_go;
		ns->break_waiters++;
		ns->break_asked = true;
		queue_delayed_work(s->wq, &s->work, 0);
	}
	spin_unlock(&s->lock);
	return open;
}

/**
 * pnvme_seal_wait_broken - a modification without a bio waits until the seal is broken
 * @ns: it is for, marked by it as unseen, so that no new seal is made before it is over
 *
 * Return: 0; -EAGAIN: the drive went away, look at the gate; -EINTR; -EIO: it cannot be broken.
 */
int pnvme_seal_wait_broken(struct pnvme_ns *ns)
{
	struct pnvme_drive *drive = ns->drive;
	struct pnvme_sealer *s = &drive->sealer;
	unsigned int failed = 0, let_go = 0;
	int ret;

	if (ask_to_break(ns, &failed, &let_go))
		return 0;
	ret = wait_event_interruptible(s->moved, !READ_ONCE(ns->sealed) ||
				       READ_ONCE(ns->break_failed) != failed ||
				       READ_ONCE(ns->break_let_go) != let_go);
	spin_lock(&s->lock);
	ns->break_waiters--;
	if (!ns->sealed)
		ret = 0;
	else if (ns->break_failed != failed)
		ret = -EIO;
	else
		ret = ret ? -EINTR : -EAGAIN;
	spin_unlock(&s->lock);
	return ret;
}

static void submit_all(struct bio_list *bios)
{
	struct blk_plug plug;
	struct bio *bio;

	blk_start_plug(&plug);
	while ((bio = bio_list_pop(bios))) {
		submit_bio_noacct(bio);
		cond_resched();
	}
	blk_finish_plug(&plug);
}

/* The sealer's lock is held. */
static void take_waiting(struct pnvme_ns *ns, struct bio_list *to)
{
	bio_list_merge(to, &ns->waiting);
	bio_list_init(&ns->waiting);
}

/**
 * pnvme_seal_let_go - what waits for a seal goes to the gate, which is closed
 * @drive: held, failed or about to go; no lock is held that I/O could wait for, and not
 *	pnvme_view
 *
 * There it waits on, or fails.
 */
void pnvme_seal_let_go(struct pnvme_drive *drive)
{
	struct pnvme_sealer *s = &drive->sealer;
	struct bio_list all = BIO_EMPTY_LIST;
	struct pnvme_ns *ns;

	down_read(&pnvme_view);
	spin_lock(&s->lock);
	list_for_each_entry(ns, &drive->namespaces, node) {
		take_waiting(ns, &all);
		/* who comes back asks anew; who fails has written nothing, so breaks no seal */
		ns->break_asked = false;
		WRITE_ONCE(ns->break_let_go, ns->break_let_go + 1);
	}
	spin_unlock(&s->lock);
	up_read(&pnvme_view);
	wake_up_all(&s->moved);
	submit_all(&all);
}

/* drive->lock and the sealer's lock are held. */
static void unseal(struct pnvme_ns *ns)
{
	WRITE_ONCE(ns->sealed, false);
	if (!ns->sealing)
		clear_bit(PNVME_STOP_SEAL, &ns->stops);
	wake_up_all(&ns->drive->sealer.moved);
}

/* Which seals are to be broken now, if any: those are @breaking until the next time. */
static bool take_asked(struct pnvme_drive *drive)
{
	struct pnvme_ns *ns;
	bool any = false;

	spin_lock(&drive->sealer.lock);
	list_for_each_entry(ns, &drive->namespaces, node) {
		ns->breaking = ns->break_asked;
		ns->break_asked = false;
		any |= ns->breaking;
	}
	spin_unlock(&drive->sealer.lock);
	return any;
}

/* They say so durably when this returns 0; on failure they are what they were. */
static int break_in_label(struct pnvme_drive *drive, struct pnvme_error *err)
{
	struct pnvme_label *l = pnvme_drive_draft(drive);
	u64 now = ktime_get_real_ns();
	struct pnvme_ns *ns;
	bool changed = false;
	int index;

	list_for_each_entry(ns, &drive->namespaces, node) {
		index = ns->breaking ? pnvme_table_by_uuid(l, ns->uuid) : -ENOENT;
		ns->broke = index >= 0 && pnvme_table_break(l, index, now);
		changed |= ns->broke;
	}
	/* some may hold a seal whose making was cut short; that is settled when it is back */
	if (!changed && drive->hold.torn && !drive->label_lost)
		return pnvme_refuse(err, -ENODEV, "%s went away while its label was written",
				    drive->lower_name);
	/* what the slots say is not known then, and may be that it is whole */
	if (!changed && drive->label_lost)
		return pnvme_drive_writable(drive, err);
	return changed ? pnvme_drive_update(drive, err) : 0;
}

/* It may be that only the drive went away, and that is not known yet, or about to be. */
static bool drive_is_away(struct pnvme_drive *drive)
{
	return READ_ONCE(drive->gate) != PNVME_GATE_OPEN ||
	       READ_ONCE(drive->state) != PNVME_DRIVE_STATE_LIVE || pnvme_hold_lower_lost(drive);
}

/*
 * Is it too early to tell? What the drive has failed before, as @known says, needs no time;
 * that it was @known after a failure of ours may be by that failure.
 */
static bool too_early(struct pnvme_sealer *s, bool known)
{
	if (!s->failed_since) {
		if (known)
			return false;
		s->failed_since = jiffies ?: 1;
	}
	return time_before(jiffies, s->failed_since + msecs_to_jiffies(AWAY_MS));
}

/*
 * The drive comes back or is given up: then it is tried again, or fails at the gate. Only
 * for those that still wait: the gate may have got them all by now.
 */
static void ask_again(struct pnvme_drive *drive)
{
	struct pnvme_ns *ns;

	spin_lock(&drive->sealer.lock);
	list_for_each_entry(ns, &drive->namespaces, node)
		ns->break_asked |= !bio_list_empty(&ns->waiting) || ns->break_waiters;
	spin_unlock(&drive->sealer.lock);
}

/*
 * What needs not wait any more: into @failed if its seal could not be broken, else into @free, as
 * is what waits for a seal that somebody else has ended. Returns whether more is to do.
 */
static bool settle(struct pnvme_drive *drive, bool broken, struct bio_list *free,
		   struct bio_list *failed)
{
	struct pnvme_ns *ns;
	bool more = false;

	spin_lock(&drive->sealer.lock);
	list_for_each_entry(ns, &drive->namespaces, node) {
		if (broken && ns->breaking) {
			unseal(ns);
			/* who asked meanwhile has what it asked for */
			ns->break_asked = false;
		} else if (ns->breaking) {
			WRITE_ONCE(ns->break_failed, ns->break_failed + 1);
			wake_up_all(&drive->sealer.moved);
		}
		more |= ns->break_asked;
		if (!ns->sealed)
			take_waiting(ns, free);
		else if (ns->breaking)
			take_waiting(ns, failed);
	}
	spin_unlock(&drive->sealer.lock);
	return more;
}

static void tell_broken(struct pnvme_drive *drive)
{
	struct pnvme_ns *ns;

	list_for_each_entry(ns, &drive->namespaces, node)
		/* not of one that was broken before, or whose sealing was taken back */
		if (ns->breaking && ns->broke)
			pnvme_event_ns(PNVME_EVENT_TYPE_NS_SEAL_BROKEN, ns,
				       "its seal is broken: it was written to");
}

static void fail_all(struct bio_list *bios)
{
	struct bio *bio;

	while ((bio = bio_list_pop(bios))) {
		pnvme_io_refuse(bio, BLK_STS_IOERR);
		cond_resched();
	}
}

/* Returns when to come again, jiffies, or -1. */
static long step(struct pnvme_drive *drive)
{
	struct bio_list free = BIO_EMPTY_LIST, failed = BIO_EMPTY_LIST;
	struct pnvme_sealer *s = &drive->sealer;
	struct pnvme_error err = { };
	bool more, known;
	int ret;

	if (READ_ONCE(drive->gate) != PNVME_GATE_OPEN) {
		s->failed_since = 0;
		pnvme_seal_let_go(drive);
		return -1;
	}
	if (!pnvme_drive_trylock(drive))
		return msecs_to_jiffies(10);
	known = drive->label_lost;
	ret = take_asked(drive) ? break_in_label(drive, &err) : 0;
	if (ret && (drive_is_away(drive) || too_early(s, known))) {
		ask_again(drive);
		pnvme_drive_unlock(drive);
		return HZ / 10;
	}
	s->failed_since = 0;
	more = settle(drive, !ret, &free, &failed);
	if (!ret)
		tell_broken(drive);
	pnvme_drive_unlock(drive);
	submit_all(&free);
	if (ret)
		pr_warn_ratelimited("%s: writes to a sealed namespace fail, as its seal cannot be broken: %s\n",
				    dev_name(&drive->dev), err.text);
	fail_all(&failed);
	return more ? 0 : -1;
}

static void seal_work(struct work_struct *work)
{
	struct pnvme_sealer *s = container_of(to_delayed_work(work), struct pnvme_sealer, work);
	struct pnvme_drive *drive = container_of(s, struct pnvme_drive, sealer);
	unsigned int noio = memalloc_noio_save();
	long delay = step(drive);

	memalloc_noio_restore(noio);
	if (delay >= 0)
		queue_delayed_work(s->wq, &s->work, delay);
}

int pnvme_seal_init(struct pnvme_drive *drive)
{
	struct pnvme_sealer *s = &drive->sealer;

	spin_lock_init(&s->lock);
	init_waitqueue_head(&s->moved);
	INIT_DELAYED_WORK(&s->work, seal_work);
	s->wq = alloc_workqueue("pnvme-seal", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return s->wq ? 0 : -ENOMEM;
}

void pnvme_seal_exit(struct pnvme_drive *drive)
{
	if (drive->sealer.wq)
		destroy_workqueue(drive->sealer.wq);
}

/**
 * pnvme_seal_attached - a namespace is sealed if its label says so
 * @ns: new, nobody knows it yet
 * @entry: of the label
 */
void pnvme_seal_attached(struct pnvme_ns *ns, const struct pnvme_label_ns *entry)
{
	ns->sealed = entry->seal.state == PNVME_LABEL_SEAL_WHOLE;
	if (ns->sealed)
		set_bit(PNVME_STOP_SEAL, &ns->stops);
}

/**
 * pnvme_seal_stop - let nothing wait for a seal any more, and end the work
 * @drive: its gate is shut; its @lock is held, namespaces are closed
 */
void pnvme_seal_stop(struct pnvme_drive *drive)
{
	cancel_delayed_work_sync(&drive->sealer.work);
	pnvme_seal_let_go(drive);
}

/**
 * pnvme_seal_broken - the label says that a seal is broken, by more than a write
 * @ns: drive->lock is held
 * @how: the end of a sentence
 *
 * Nothing is done, or told, of one that was not sealed.
 */
void pnvme_seal_broken(struct pnvme_ns *ns, const char *how)
{
	struct pnvme_drive *drive = ns->drive;
	bool sealed;

	lockdep_assert_held(&drive->lock);
	spin_lock(&drive->sealer.lock);
	sealed = ns->sealed;
	/* what somebody samples now is not what it is any more */
	ns->sealing = 0;
	unseal(ns);
	spin_unlock(&drive->sealer.lock);
	if (!sealed)
		return;
	pnvme_event_ns(PNVME_EVENT_TYPE_NS_SEAL_BROKEN, ns, "its seal is broken: %s", how);
	/* some may wait for that already */
	mod_delayed_work(drive->sealer.wq, &drive->sealer.work, 0);
}

/**
 * pnvme_seal_resumed - samples that are being taken are in vain
 * @drive: back after a loss, by which its cache may have lost what was sampled; its @lock
 *	is held
 */
void pnvme_seal_resumed(struct pnvme_drive *drive)
{
	struct pnvme_ns *ns;

	lockdep_assert_held(&drive->lock);
	spin_lock(&drive->sealer.lock);
	list_for_each_entry(ns, &drive->namespaces, node) {
		ns->sealing = 0;
		if (!ns->sealed)
			clear_bit(PNVME_STOP_SEAL, &ns->stops);
	}
	spin_unlock(&drive->sealer.lock);
}

/* Of what came before its modifications were stopped, nothing is left. */
static int wait_quiet(struct pnvme_ns *ns)
{
	unsigned long until = jiffies + msecs_to_jiffies(QUIET_MS);
	u64 in_flight;

	for (;;) {
		down_read(&pnvme_view);
		in_flight = ns->disk ? pnvme_stats_in_flight(&ns->stats) : 0;
		/* commands of which we are not told whether they are done */
		in_flight += atomic_read(&ns->unseen);
		up_read(&pnvme_view);
		if (!in_flight)
			return 0;
		if (time_after(jiffies, until))
			return -EBUSY;
		schedule_timeout_uninterruptible(msecs_to_jiffies(5));
	}
}

static u64 begin(struct pnvme_ns *ns)
{
	struct pnvme_sealer *s = &ns->drive->sealer;
	u64 token;

	spin_lock(&s->lock);
	token = ++s->tokens;
	ns->sealing = token;
	set_bit(PNVME_STOP_SEAL, &ns->stops);
	spin_unlock(&s->lock);
	return token;
}

static void give_up(struct pnvme_ns *ns, u64 token)
{
	struct pnvme_sealer *s = &ns->drive->sealer;

	spin_lock(&s->lock);
	if (ns->sealing == token) {
		ns->sealing = 0;
		if (!ns->sealed)
			clear_bit(PNVME_STOP_SEAL, &ns->stops);
	}
	spin_unlock(&s->lock);
}

/* What was written is on the medium before it is sampled: it must be there if the seal is. */
static int flush(struct pnvme_ns *ns, struct pnvme_error *err)
{
	int ret = pnvme_ns_lock_ready(ns, err);

	if (ret)
		return ret;
	ret = blkdev_issue_flush(ns->drive->claim.bdev);
	if (ret)
		ret = pnvme_refuse(err, ret,
				   "the cache of %s cannot be flushed (error %d), so namespace %s cannot be sealed; look at the drive's health",
				   ns->drive->lower_name, -ret, ns->name);
	pnvme_drive_unlock(ns->drive);
	return ret;
}

/**
 * pnvme_ns_seal_begin - somebody is about to sample a namespace
 * @ns: a namespace, open or not
 * @check: change nothing
 * @token: result, for pnvme_ns_seal(); void as soon as something is written, the
 *	namespace is resized, or its drive went away and is back
 * @err: the sentence, on failure
 *
 * All that was written before is done and durable when this returns. What comes after is
 * not stopped, unless the namespace is sealed already, and then its old seal is broken as
 * by any write.
 *
 * Return: 0 or a negative errno.
 */
int pnvme_ns_seal_begin(struct pnvme_ns *ns, bool check, u64 *token, struct pnvme_error *err)
{
	int ret = pnvme_ns_lock_ready(ns, err);

	if (ret)
		return ret;
	*token = check ? 0 : begin(ns);
	pnvme_drive_unlock(ns->drive);
	if (check)
		return 0;
	/* who did not see itself stopped is counted as in flight by now */
	synchronize_rcu();
	ret = wait_quiet(ns);
	if (ret)
		pnvme_refuse(err, ret,
			     "there is no moment without I/O to namespace %s; stop what uses it, then repeat",
			     ns->name);
	else
		ret = flush(ns, err);
	if (ret)
		give_up(ns, *token);
	return ret;
}

static int seal_in_label(struct pnvme_ns *ns, struct pnvme_label_seal *seal, bool check,
			 struct pnvme_error *err)
{
	struct pnvme_label *l = pnvme_drive_draft(ns->drive);
	const char *why = "";
	int ret;

	seal->state = PNVME_LABEL_SEAL_WHOLE;
	seal->sealed_at = cpu_to_le64(ktime_get_real_ns());
	ret = pnvme_table_seal(l, pnvme_table_by_uuid(l, ns->uuid), seal, &why);
	if (ret)
		return pnvme_refuse(err, ret, "namespace %s cannot be sealed: %s", ns->name, why);
	return check ? 0 : pnvme_drive_update(ns->drive, err);
}

/*
 * From here on modifications wait, also for the label that is about to be written. Whoever
 * only asks may have no token, as asking to begin gives none.
 */
static bool close_seal(struct pnvme_ns *ns, u64 token, bool check, bool *was)
{
	struct pnvme_sealer *s = &ns->drive->sealer;
	bool valid;

	spin_lock(&s->lock);
	*was = ns->sealed;
	valid = check ? !token || ns->sealing == token : token && ns->sealing == token;
	if (valid && !check) {
		ns->sealing = 0;
		ns->sealed = true;
	}
	spin_unlock(&s->lock);
	return valid;
}

/* The label was not written. Where it may have been nevertheless, it is broken before use. */
static void undo_seal(struct pnvme_ns *ns, bool was)
{
	struct pnvme_drive *drive = ns->drive;

	if (was || drive->label_lost || drive->hold.torn)
		return;
	spin_lock(&drive->sealer.lock);
	unseal(ns);
	spin_unlock(&drive->sealer.lock);
	mod_delayed_work(drive->sealer.wq, &drive->sealer.work, 0);
}

static int seal_locked(struct pnvme_ns *ns, u64 token, struct pnvme_label_seal *seal, bool check,
		       struct pnvme_error *err)
{
	bool was;
	int ret;

	if (!close_seal(ns, token, check, &was))
		return pnvme_refuse(err, -ESTALE,
				    "namespace %s was written to while it was sampled, or resized, or its drive went away; repeat when nothing changes it",
				    ns->name);
	ret = seal_in_label(ns, seal, check, err);
	if (check)
		return ret;
	if (ret) {
		undo_seal(ns, was);
		return ret;
	}
	pnvme_event_ns(PNVME_EVENT_TYPE_NS_SEAL, ns, "sealed, %u samples",
		       le32_to_cpu(seal->samples));
	return 0;
}

/**
 * pnvme_ns_seal - seal a namespace with the digest of what was sampled
 * @ns: a namespace
 * @token: of the beginning
 * @seal: @samples, @looked, @seed, @digest, all else zero
 * @check: change nothing
 * @err: the sentence, on failure
 *
 * Return: 0, or a negative errno: then it is sealed, or not, as it was.
 */
int pnvme_ns_seal(struct pnvme_ns *ns, u64 token, struct pnvme_label_seal *seal, bool check,
		  struct pnvme_error *err)
{
	int ret = pnvme_ns_lock_ready(ns, err);

	if (ret)
		return ret;
	ret = seal_locked(ns, token, seal, check, err);
	pnvme_drive_unlock(ns->drive);
	return ret;
}
