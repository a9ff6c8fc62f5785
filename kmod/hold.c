// SPDX-License-Identifier: GPL-2.0
/*
 * What waits while a drive is away. A drive that is lost is held: the gate closes, new
 * I/O waits in front of it, and what was under way and failed is parked. When the
 * proven same drive is back (resume.c) all of it goes on; when the time is over, or
 * somebody ends it, all of it fails.
 *
 * The status of an I/O does not tell a lost drive from a bad block: a surprise removal
 * ends what is in flight with a plain I/O error, before the block layer says that the
 * device is gone. So such I/O is parked until either that is said, or, after a second,
 * the label can be read: then the drive is there and the error is the I/O's own.
 *
 * With memory pinned under a hold nothing here may wait for memory that a held write
 * would free: works run without I/O in allocations, from a queue with a rescuer.
 */
#include <linux/blkdev.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "drive.h"
#include "event.h"
#include "hold.h"
#include "io.h"
#include "label_io.h"
#include "namespace.h"

/* How often an I/O is sent again to a drive that is there and loses its way to it. */
#define TRIES_MAX 5
/* How long new block devices are looked at for a lost drive, seconds. */
#define LOOK_SECONDS 10
/* How often it is looked for after that, seconds. */
#define LOOK_AGAIN 5
#define ALL_SLOTS ((1 << PNVME_LABEL_SLOTS) - 1)

/* Of all drives: what ends a hold must not wait behind what a hold makes wait. */
static struct workqueue_struct *expiry;

static void park(struct pnvme_parked *list, struct pnvme_io *io)
{
	io->next = NULL;
	if (list->first)
		list->last->next = io;
	else
		list->first = io;
	list->last = io;
	list->count++;
}

static struct pnvme_io *parked_pop(struct pnvme_parked *list)
{
	struct pnvme_io *io = list->first;

	if (io) {
		list->first = io->next;
		list->count--;
	}
	return io;
}

static void parked_splice(struct pnvme_parked *to, struct pnvme_parked *from)
{
	if (!from->first)
		return;
	if (to->first)
		to->last->next = from->first;
	else
		to->first = from->first;
	to->last = from->last;
	to->count += from->count;
	*from = (struct pnvme_parked) { };
}

/* Takes all that is parked; it is then the caller's to end or to send again. */
static struct pnvme_parked take_parked(struct pnvme_hold *h)
{
	struct pnvme_parked all = { };

	spin_lock_irq(&h->lock);
	parked_splice(&all, &h->stale);
	parked_splice(&all, &h->fresh);
	h->parked = 0;
	spin_unlock_irq(&h->lock);
	return all;
}

/* @h->lock is held. */
static void expire_in(struct pnvme_hold *h, unsigned long delay)
{
	if (h->timeout != PNVME_HOLD_FOREVER)
		mod_delayed_work(expiry, &h->expire, delay);
}

static void count_held(struct pnvme_ns *ns)
{
	atomic_inc(&ns->held);
	atomic64_inc(&ns->held_total);
}

/**
 * pnvme_hold_bio - what becomes of a bio that found the gate closed
 * @ns: it is for
 * @bio: it
 *
 * Return: PNVME_GATE_HELD: it waits now, unless it may not (REQ_NOWAIT); the others tell
 * the gate, which may have been opened since.
 */
enum pnvme_gate pnvme_hold_bio(struct pnvme_ns *ns, struct bio *bio)
{
	struct pnvme_drive *drive = ns->drive;
	struct pnvme_hold *h = &drive->hold;
	enum pnvme_gate gate;
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	gate = drive->gate;
	if (gate == PNVME_GATE_HELD && !(bio->bi_opf & REQ_NOWAIT)) {
		/* the drive may come back without queues to poll */
		bio->bi_opf &= ~REQ_POLLED;
		bio_list_add(&h->waiting, bio);
		count_held(ns);
	}
	spin_unlock_irqrestore(&h->lock, flags);
	return gate;
}

/**
 * pnvme_hold_wait - wait for a drive that is away, without a bio
 * @ns: what is to be used; it counts as one of its held I/Os until then
 *
 * Return: 0 when the gate has moved, or -EINTR.
 */
int pnvme_hold_wait(struct pnvme_ns *ns)
{
	struct pnvme_drive *drive = ns->drive;
	int ret;

	count_held(ns);
	ret = wait_event_interruptible(drive->hold.gate_moved,
				       READ_ONCE(drive->gate) != PNVME_GATE_HELD);
	atomic_dec(&ns->held);
	return ret ? -EINTR : 0;
}

/* May the loss of the drive, or of the way to it, be behind this? */
static bool suspicious(blk_status_t status)
{
	switch (status) {
	case BLK_STS_IOERR:
	case BLK_STS_TIMEOUT:
	case BLK_STS_TRANSPORT:
	case BLK_STS_OFFLINE:
		return true;
	default:
		return false;
	}
}

/* The drive is there, but this did not get to it or back: worth another try. */
static bool lost_its_way(blk_status_t status)
{
	return status == BLK_STS_TIMEOUT || status == BLK_STS_TRANSPORT;
}

/* There is I/O in flight or parked, so the claim is there. */
static bool lower_dead(const struct pnvme_drive *drive)
{
	return READ_ONCE(drive->hold.lost) || compat_bdev_dead(drive->claim.bdev);
}

/**
 * pnvme_hold_park - keep an I/O that failed, if it may be the drive that is lost
 * @io: with its @bio and @status; from any context
 *
 * Return: false: it is to end with that status.
 */
bool pnvme_hold_park(struct pnvme_io *io)
{
	struct pnvme_drive *drive = io->ns->drive;
	struct pnvme_hold *h = &drive->hold;
	unsigned long flags;
	bool dead, parked;

	if (!suspicious(io->status))
		return false;
	dead = lower_dead(drive);
	spin_lock_irqsave(&h->lock, flags);
	parked = h->able && drive->gate != PNVME_GATE_SHUT;
	if (parked) {
		park(&h->fresh, io);
		/* who is there and does not answer is waited for no longer than who is gone */
		if (!h->parked++) {
			h->parked_since = jiffies;
			/* that of a hold is not put off */
			if (h->timeout != PNVME_HOLD_FOREVER)
				queue_delayed_work(expiry, &h->expire,
						   h->timeout * (unsigned long)HZ);
		}
		count_held(io->ns);
		/* what comes now would only fail like this one */
		if (dead)
			WRITE_ONCE(drive->gate, PNVME_GATE_HELD);
		/* inside, so that nobody ends the works meanwhile */
		if (dead)
			mod_delayed_work(h->wq, &h->work, 0);
		else
			queue_delayed_work(h->wq, &h->work, HZ);
	}
	spin_unlock_irqrestore(&h->lock, flags);
	return parked;
}

/* Sends it again, or ends it: with @status, or with its own if that is 0. */
static void end_parked(struct pnvme_io *io, blk_status_t status)
{
	atomic_dec(&io->ns->held);
	pnvme_io_done(io, io->bio, status ? status : io->status);
}

static void send_parked(struct pnvme_io *io)
{
	if (pnvme_fence_stops(io->ns, io->opf)) {
		end_parked(io, BLK_STS_IOERR);
		return;
	}
	atomic_dec(&io->ns->held);
	pnvme_io_retry(io);
}

/**
 * pnvme_hold_send_parked - what failed when the drive went goes to it again
 * @drive: it is back
 */
void pnvme_hold_send_parked(struct pnvme_drive *drive)
{
	struct pnvme_parked all = take_parked(&drive->hold);
	struct pnvme_io *io;
	struct blk_plug plug;

	blk_start_plug(&plug);
	while ((io = parked_pop(&all))) {
		send_parked(io);
		cond_resched();
	}
	blk_finish_plug(&plug);
}

static void fail_parked(struct pnvme_drive *drive)
{
	struct pnvme_parked all = take_parked(&drive->hold);
	struct pnvme_io *io;

	while ((io = parked_pop(&all))) {
		end_parked(io, 0);
		cond_resched();
	}
}

static void send_unless_held(struct pnvme_drive *drive, struct bio_list *list)
{
	struct blk_plug plug;
	struct pnvme_ns *ns;
	struct bio *bio;

	blk_start_plug(&plug);
	while (READ_ONCE(drive->gate) != PNVME_GATE_HELD && (bio = bio_list_pop(list))) {
		ns = bio->bi_bdev->bd_disk->private_data;
		atomic_dec(&ns->held);
		submit_bio_noacct(bio);
		cond_resched();
	}
	blk_finish_plug(&plug);
}

/**
 * pnvme_hold_send_waiting - through the gate once more, which lets it pass, or tells why not
 * @drive: if it is held again, what waits stays where it is
 *
 * That may be a lot and takes as long as the drive takes for it, so no lock is held by whoever
 * resumes a drive.
 */
void pnvme_hold_send_waiting(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;
	struct bio_list all = BIO_EMPTY_LIST;

	spin_lock_irq(&h->lock);
	/* whoever moves the gate after this look comes here too, and finds what we have put back */
	while (drive->gate != PNVME_GATE_HELD && !bio_list_empty(&h->waiting)) {
		all = h->waiting;
		bio_list_init(&h->waiting);
		spin_unlock_irq(&h->lock);
		send_unless_held(drive, &all);
		spin_lock_irq(&h->lock);
		/* lost again meanwhile: who is left keeps its place */
		bio_list_merge_head(&h->waiting, &all);
		bio_list_init(&all);
	}
	spin_unlock_irq(&h->lock);
}

static bool set_gate(struct pnvme_drive *drive, enum pnvme_gate from, enum pnvme_gate to)
{
	bool changed;

	spin_lock_irq(&drive->hold.lock);
	changed = drive->gate == from;
	if (changed)
		WRITE_ONCE(drive->gate, to);
	spin_unlock_irq(&drive->hold.lock);
	return changed;
}

/**
 * pnvme_hold_open - let I/O through again
 * @drive: claimed, its state says live already
 * @from: what the gate should be now; anything else is left as it is
 *
 * What waits is the caller's to send, when it has no lock any more.
 *
 * Return: false if the drive is not live any more. Who takes it out of that state does so
 * before closing the gate, so it cannot open behind that.
 */
bool pnvme_hold_open(struct pnvme_drive *drive, enum pnvme_gate from)
{
	struct pnvme_hold *h = &drive->hold;
	bool live;

	spin_lock_irq(&h->lock);
	live = READ_ONCE(drive->state) == PNVME_DRIVE_STATE_LIVE;
	if (live && drive->gate == from)
		/* pairs with io_begin() */
		smp_store_release(&drive->gate, PNVME_GATE_OPEN);
	spin_unlock_irq(&h->lock);
	wake_up_all(&h->gate_moved);
	return live;
}

/**
 * pnvme_hold_over - nobody has to end the hold any more
 * @drive: live again
 */
void pnvme_hold_over(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;

	spin_lock_irq(&h->lock);
	/* the next hold may have begun, whose end this is not; what failed again has waited anew */
	if (READ_ONCE(drive->state) == PNVME_DRIVE_STATE_LIVE) {
		if (!h->parked)
			cancel_delayed_work(&h->expire);
		else
			expire_in(h, h->timeout * (unsigned long)HZ);
	}
	spin_unlock_irq(&h->lock);
}

/**
 * pnvme_hold_shut - all I/O that comes fails
 * @drive: its state was just made failed, under pnvme_view, which is still held: whoever
 *	attaches it again opens the gate after this
 */
void pnvme_hold_shut(struct pnvme_drive *drive)
{
	spin_lock_irq(&drive->hold.lock);
	WRITE_ONCE(drive->gate, PNVME_GATE_SHUT);
	spin_unlock_irq(&drive->hold.lock);
}

/**
 * pnvme_hold_end - what waits fails
 * @drive: after pnvme_hold_shut(); pnvme_view is not held
 */
void pnvme_hold_end(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;

	wake_up_all(&h->gate_moved);
	fail_parked(drive);
	pnvme_hold_send_waiting(drive);
	pnvme_seal_let_go(drive);
	/* a lower device that is gone is let go, so that it can come back */
	mod_delayed_work(h->wq, &h->work, 0);
}

/**
 * pnvme_hold_lower_lost - is the lower device gone?
 * @drive: claimed or not
 *
 * Return: true if it was claimed, and is gone; false also for a drive that is detached.
 */
bool pnvme_hold_lower_lost(struct pnvme_drive *drive)
{
	bool lost;

	down_read(&pnvme_view);
	lost = drive->exposed && drive->claim.bdev && lower_dead(drive);
	up_read(&pnvme_view);
	return lost;
}

/* Under pnvme_view. */
static void say_held(struct pnvme_drive *drive, u32 timeout)
{
	if (timeout == PNVME_HOLD_FOREVER)
		strscpy(drive->reason, "the drive is gone; I/O waits until it is back",
			sizeof(drive->reason));
	else
		snprintf(drive->reason, sizeof(drive->reason),
			 "the drive is gone; I/O waits for it for %u seconds", timeout);
}

/* From live to held; the gate is closed first, so that nothing new fails meanwhile. */
static void begin(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;
	u32 timeout;
	bool first;

	set_gate(drive, PNVME_GATE_OPEN, PNVME_GATE_HELD);
	down_write(&pnvme_view);
	first = drive->state == PNVME_DRIVE_STATE_LIVE;
	timeout = le32_to_cpu(drive->label->hold_timeout);
	if (first) {
		WRITE_ONCE(drive->state, PNVME_DRIVE_STATE_HELD);
		h->holds++;
		h->deadline = timeout == PNVME_HOLD_FOREVER ? 0 : (jiffies + timeout * HZ) ?: 1;
		say_held(drive, timeout);
		pnvme_changed();
	}
	up_write(&pnvme_view);
	if (!first)
		return;
	/* whoever was about to open it when we looked first has seen the state by now */
	set_gate(drive, PNVME_GATE_OPEN, PNVME_GATE_HELD);
	/* from now on nobody is on the way through the gate */
	synchronize_rcu();
	/* under the lock, as whoever ends an earlier hold looks at the state there */
	spin_lock_irq(&h->lock);
	if (timeout == PNVME_HOLD_FOREVER)
		cancel_delayed_work(&h->expire);
	else
		mod_delayed_work(expiry, &h->expire, timeout * (unsigned long)HZ);
	spin_unlock_irq(&h->lock);
	pnvme_event_drive(PNVME_EVENT_TYPE_DRIVE_HOLD, drive,
			  "held: %s; bring it back, or give up with pnvme drive fail pnvme%d",
			  drive->reason, drive->instance);
}

/**
 * pnvme_hold_lost - the lower device is gone
 * @drive: claimed; pnvme_view is not held
 */
void pnvme_hold_lost(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;
	bool able;

	spin_lock_irq(&h->lock);
	able = h->able;
	spin_unlock_irq(&h->lock);
	if (able)
		begin(drive);
	else
		pnvme_drive_fail(drive, "the drive is gone");
}

/* Any copy will do: it is the way to the drive that is asked for. */
static bool answers(struct pnvme_drive *drive)
{
	int i;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++)
		if (!pnvme_slot_read(drive->claim.bdev, drive->identity.capacity, i,
				     drive->hold.probe))
			return true;
	return false;
}

/* What failed a second ago or more, of a drive that is there. */
static void judge_stale(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;
	struct pnvme_parked all = { };
	struct pnvme_io *io;

	spin_lock_irq(&h->lock);
	parked_splice(&all, &h->stale);
	h->parked -= all.count;
	spin_unlock_irq(&h->lock);
	while ((io = parked_pop(&all))) {
		if (lost_its_way(io->status) && io->tries < TRIES_MAX)
			send_parked(io);
		else
			end_parked(io, 0);
		cond_resched();
	}
}

/* Returns whether there is more to judge in a second. */
static bool judge(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;
	bool more;

	if (READ_ONCE(h->stale.first) && answers(drive))
		judge_stale(drive);
	spin_lock_irq(&h->lock);
	parked_splice(&h->stale, &h->fresh);
	more = h->parked;
	if (!more && READ_ONCE(drive->state) == PNVME_DRIVE_STATE_LIVE)
		cancel_delayed_work(&h->expire);
	spin_unlock_irq(&h->lock);
	return more;
}

/* What a resume leaves to be done without the drive's mutex. Returns when to come again. */
static long finish(struct pnvme_drive *drive)
{
	pnvme_hold_send_waiting(drive);
	return pnvme_resume_link(drive) ? -1 : msecs_to_jiffies(10);
}

static void look_for(struct pnvme_hold *h, unsigned int seconds)
{
	unsigned long until = jiffies + seconds * HZ;

	if (time_after(until, READ_ONCE(h->look_until)))
		WRITE_ONCE(h->look_until, until);
}

/* Its way through the states, one step; returns when to come again, jiffies, or -1. */
static long step(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;
	bool lost = pnvme_hold_lower_lost(drive);
	long delay;

	switch (READ_ONCE(drive->state)) {
	case PNVME_DRIVE_STATE_LIVE:
		if (lost) {
			pnvme_hold_lost(drive);
			return 0;
		}
		/* its capacity may have been nothing for a moment */
		pnvme_hold_open(drive, PNVME_GATE_HELD);
		delay = finish(drive);
		return judge(drive) ? HZ : delay;
	case PNVME_DRIVE_STATE_HELD:
		if (lost || READ_ONCE(drive->claim.bdev)) {
			if (!pnvme_resume_let_go(drive))
				return msecs_to_jiffies(10);
			/* it may be back already */
			look_for(h, 1);
		}
		if (pnvme_resume_look(drive))
			return finish(drive);
		/* somebody may have kept it from us until now */
		return time_before(jiffies, READ_ONCE(h->look_until)) ? HZ / 10 : LOOK_AGAIN * HZ;
	default:
		return lost && !pnvme_resume_let_go(drive) ? msecs_to_jiffies(10) : -1;
	}
}

static void hold_work(struct work_struct *work)
{
	struct pnvme_hold *h = container_of(to_delayed_work(work), struct pnvme_hold, work);
	struct pnvme_drive *drive = container_of(h, struct pnvme_drive, hold);
	unsigned int noio = memalloc_noio_save();
	long delay = step(drive);

	memalloc_noio_restore(noio);
	/* if it is queued already, that is for news */
	if (delay >= 0)
		queue_delayed_work(h->wq, &h->work, delay);
}

/* What was parked after we were asked to come, by a resume or a try in between, has time left. */
static bool waited_long(struct pnvme_hold *h)
{
	bool long_enough;
	long left;

	spin_lock_irq(&h->lock);
	left = h->parked_since + h->timeout * (unsigned long)HZ - jiffies;
	long_enough = h->parked && left <= 0;
	if (h->parked && !long_enough)
		expire_in(h, left);
	spin_unlock_irq(&h->lock);
	return long_enough;
}

/* Time is over: a held drive fails. One that is there, but does not answer, gives up what waits. */
static void expire(struct work_struct *work)
{
	struct pnvme_hold *h = container_of(to_delayed_work(work), struct pnvme_hold, expire);
	struct pnvme_drive *drive = container_of(h, struct pnvme_drive, hold);
	unsigned int noio = memalloc_noio_save();

	if (READ_ONCE(drive->state) == PNVME_DRIVE_STATE_HELD)
		pnvme_drive_fail_held(drive, "the drive is gone and did not come back in time");
	else if (waited_long(h))
		fail_parked(drive);
	memalloc_noio_restore(noio);
}

/**
 * pnvme_hold_arrival - a block device has appeared
 *
 * It may be a drive that was lost; it is looked at from the drives' own works.
 */
void pnvme_hold_arrival(void)
{
	struct pnvme_drive *drive = NULL;

	down_read(&pnvme_view);
	while ((drive = pnvme_drive_next(drive))) {
		if (!drive->exposed || drive->state == PNVME_DRIVE_STATE_LIVE)
			continue;
		/* one that failed is not looked for, but let go, should it be what came back */
		if (drive->state == PNVME_DRIVE_STATE_HELD)
			look_for(&drive->hold, LOOK_SECONDS);
		mod_delayed_work(drive->hold.wq, &drive->hold.work, 0);
	}
	up_read(&pnvme_view);
}

int pnvme_hold_load(void)
{
	expiry = alloc_workqueue("pnvme-expire", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return expiry ? 0 : -ENOMEM;
}

void pnvme_hold_unload(void)
{
	destroy_workqueue(expiry);
}

int pnvme_hold_init(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;

	spin_lock_init(&h->lock);
	bio_list_init(&h->waiting);
	init_waitqueue_head(&h->gate_moved);
	INIT_DELAYED_WORK(&h->work, hold_work);
	INIT_DELAYED_WORK(&h->expire, expire);
	h->scratch = pnvme_label_alloc();
	h->probe = pnvme_label_alloc();
	h->unsure = pnvme_label_alloc();
	h->undone = pnvme_label_alloc();
	h->look_until = jiffies;
	h->wq = alloc_workqueue("pnvme-hold", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return h->scratch && h->probe && h->unsure && h->undone && h->wq ? 0 : -ENOMEM;
}

void pnvme_hold_exit(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;

	/* who failed it last may have queued one more */
	cancel_delayed_work_sync(&h->work);
	cancel_delayed_work_sync(&h->expire);
	if (h->wq)
		destroy_workqueue(h->wq);
	pnvme_label_free(h->scratch);
	pnvme_label_free(h->probe);
	pnvme_label_free(h->unsure);
	pnvme_label_free(h->undone);
}

/*
 * Not without any identifier, nor with a copy that cannot be brought up to date. After an
 * update that could not be taken back (torn) it is known which two labels it may hold; what the
 * older copies of a read-only drive say is not.
 */
static bool can_be_proven(const struct pnvme_drive *drive)
{
	const struct pnvme_identity *id = &drive->identity;

	if (drive->label_lost && !drive->hold.torn)
		return false;
	if (drive->read_only && drive->good != ALL_SLOTS)
		return false;
	if (id->hwid_type != PNVME_HWID_NONE)
		return true;
	return drive->label->hold_proof == PNVME_HOLD_PROOF_ANY && id->serial[0];
}

/**
 * pnvme_hold_use_settings - let I/O wait, or not, as the label says
 * @drive: exposed or about to be; its @lock is held
 */
void pnvme_hold_use_settings(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;

	lockdep_assert_held(&drive->lock);
	spin_lock_irq(&h->lock);
	h->timeout = le32_to_cpu(drive->label->hold_timeout);
	h->able = h->timeout && can_be_proven(drive);
	spin_unlock_irq(&h->lock);
}

/**
 * pnvme_hold_stop - let nothing wait any more, and end the works
 * @drive: about to go; its @lock is held, namespaces are closed
 */
void pnvme_hold_stop(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;

	spin_lock_irq(&h->lock);
	h->able = false;
	spin_unlock_irq(&h->lock);
	cancel_delayed_work_sync(&h->work);
	cancel_delayed_work_sync(&h->expire);
	/* after the works, which may have closed it for a hold just now */
	spin_lock_irq(&h->lock);
	WRITE_ONCE(drive->gate, PNVME_GATE_SHUT);
	spin_unlock_irq(&h->lock);
	wake_up_all(&h->gate_moved);
	fail_parked(drive);
	pnvme_hold_send_waiting(drive);
}
