// SPDX-License-Identifier: GPL-2.0
/*
 * A lost drive is let go, found again, proven to be the same one, and put under its
 * namespaces. The kernel does it by itself: with memory pinned under a hold, udev, a
 * shell or the record's filesystem may be what waits.
 *
 * Proof is the label that we wrote last, to the bit, on hardware that says it is the same.
 * A clone, an older copy, an erased or a blank drive has not got both.
 */
#include <linux/blkdev.h>
#include <linux/device.h>
#include <linux/notifier.h>
#include <linux/sched/mm.h>
#include <linux/string.h>
#include <linux/suspend.h>

#include "drive.h"
#include "event.h"
#include "hold.h"
#include "label_io.h"
#include "namespace.h"

/*
 * Nothing of ours is on its way to the lower device any more. The gate is closed, so no
 * I/O starts; what ended is read before what is parked, so the difference is never less
 * than what is left.
 */
static bool drained(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;
	u64 in_flight = 0, parked;
	struct pnvme_ns *ns;

	list_for_each_entry(ns, &drive->namespaces, node) {
		if (pnvme_zero_busy(ns))
			return false;
		if (ns->disk)
			in_flight += pnvme_stats_in_flight(&ns->stats);
	}
	spin_lock_irq(&h->lock);
	parked = h->parked;
	spin_unlock_irq(&h->lock);
	return in_flight == parked;
}

/*
 * What was lost when somebody looked may have been taken up again since. One that is held
 * is let go even if its device seems to be back: it has to prove itself anew.
 */
static bool may_let_go(struct pnvme_drive *drive)
{
	if (READ_ONCE(drive->gate) == PNVME_GATE_OPEN)
		return false;
	switch (READ_ONCE(drive->state)) {
	case PNVME_DRIVE_STATE_LIVE:
		return false;
	case PNVME_DRIVE_STATE_HELD:
		return true;
	default:
		return pnvme_hold_lower_lost(drive);
	}
}

/**
 * pnvme_resume_let_go - release a lower device that is gone
 * @drive: held or failed; no lock is held
 *
 * Until then its name and number cannot be given to it when it comes back.
 *
 * Return: false: not yet, something still uses it; true: done, or not to be done.
 */
bool pnvme_resume_let_go(struct pnvme_drive *drive)
{
	struct compat_claim claim;
	struct pnvme_ns *ns;
	bool done;

	if (!pnvme_drive_trylock(drive))
		return false;
	done = !drive->claim.bdev || !may_let_go(drive);
	if (!done) {
		/* nobody is on the way through the gate any more */
		synchronize_rcu();
		done = drained(drive);
		if (!done)
			goto unlock;
		drive->hold.was_cached = drive->hold.cached;
		list_for_each_entry(ns, &drive->namespaces, node)
			pnvme_ns_unlink_lower(ns);
		down_write(&pnvme_view);
		claim = drive->claim;
		drive->claim = (struct compat_claim) { };
		pnvme_lower_node_drop(drive);
		up_write(&pnvme_view);
		compat_claim_release(&claim);
	}
unlock:
	pnvme_drive_unlock(drive);
	return done;
}

/* What the slots may hold: the label, or where its update was cut short, that. */
static bool is_ours(const struct pnvme_drive *drive, const struct pnvme_label *copy)
{
	if (!memcmp(copy, drive->label, PNVME_LABEL_BYTES))
		return true;
	return drive->hold.torn && (!memcmp(copy, drive->hold.unsure, PNVME_LABEL_BYTES) ||
				    !memcmp(copy, drive->hold.undone, PNVME_LABEL_BYTES));
}

/* Each copy that can be read and is whole must be one that we wrote last. */
static int prove_label(struct pnvme_drive *drive, struct block_device *bdev,
		       struct pnvme_error *err)
{
	struct pnvme_label *copy = drive->hold.scratch;
	const char *why;
	int i, check, ours = 0;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		if (pnvme_slot_read(bdev, drive->identity.capacity, i, copy))
			continue;
		if (is_ours(drive, copy)) {
			ours++;
			continue;
		}
		check = pnvme_label_check(copy, &why);
		if (check != PNVME_LABEL_NONE && check != PNVME_LABEL_CORRUPT)
			return pnvme_refuse(err, -ESTALE,
					    "%pg carries a label of drive %pU that is not the one we wrote last (copy %d): it is older, or was written elsewhere",
					    bdev, copy->drive_uuid, i);
	}
	return ours ? 0 : pnvme_refuse(err, -ENODATA,
				       "%pg does not carry the label of drive %pU any more",
				       bdev, drive->uuid);
}

static int prove_hardware(struct pnvme_drive *drive, struct block_device *bdev,
			  const struct pnvme_identity *id, struct pnvme_error *err)
{
	const char *differs = pnvme_identity_differs(id, drive->label);

	if (differs)
		return pnvme_refuse(err, -ENOTUNIQ,
				    "%pg carries the label of drive %pU, but its %s differs: it is a copy",
				    bdev, drive->uuid, differs);
	if (id->capacity != drive->identity.capacity || id->lba_size != drive->identity.lba_size ||
	    id->pi_type != drive->identity.pi_type ||
	    id->metadata_bytes != drive->identity.metadata_bytes)
		return pnvme_refuse(err, -EUCLEAN,
				    "%pg has another capacity or format than when drive %pU was lost",
				    bdev, drive->uuid);
	if (bdev_read_only(bdev) && !drive->read_only)
		return pnvme_refuse(err, -EROFS, "%pg has become read-only", bdev);
	return 0;
}

static int prove(struct pnvme_drive *drive, struct block_device *bdev, struct pnvme_identity *id,
		 struct pnvme_error *err)
{
	int ret;

	/* what was written through the raw node's page cache is what label I/O must see */
	sync_blockdev(bdev);
	invalidate_bdev(bdev);
	ret = pnvme_identity_read(bdev, id, err);
	if (!ret)
		ret = prove_hardware(drive, bdev, id, err);
	return ret ? ret : prove_label(drive, bdev, err);
}

/* The drive stands on this device from now on. */
static void take(struct pnvme_drive *drive, const struct compat_claim *claim,
		 const struct pnvme_identity *id)
{
	struct gendisk *disk = claim->bdev->bd_disk;

	down_write(&pnvme_view);
	drive->claim = *claim;
	drive->identity = *id;
	strscpy(drive->lower_name, disk->disk_name, sizeof(drive->lower_name));
	drive->lower_dev = disk_devt(disk);
	drive->diskseq = disk->diskseq;
	WRITE_ONCE(drive->hold.cached, bdev_write_cache(claim->bdev));
	pnvme_changed();
	up_write(&pnvme_view);
}

/* A controller may come back with other queues and other limits. */
static void follow(struct pnvme_drive *drive)
{
	struct pnvme_map *map = pnvme_map_read(drive->claim.bdev);
	struct pnvme_ns *ns;

	if (IS_ERR(map))
		return;	/* the watch will */
	list_for_each_entry(ns, &drive->namespaces, node)
		if (ns->disk)
			pnvme_stats_follow(&ns->stats, map);
	pnvme_map_free(map);
}

static void restack(struct pnvme_drive *drive)
{
	struct pnvme_ns *ns;

	list_for_each_entry(ns, &drive->namespaces, node)
		if (ns->disk)
			compat_restack(ns->disk, drive->claim.bdev, (u64)ns->first << SECTOR_SHIFT);
}

static bool set_live(struct pnvme_drive *drive, enum pnvme_drive_state from)
{
	bool live;

	down_write(&pnvme_view);
	live = drive->state == from;
	if (live) {
		WRITE_ONCE(drive->state, PNVME_DRIVE_STATE_LIVE);
		drive->reason[0] = '\0';
		drive->hold.deadline = 0;
		pnvme_changed();
	}
	up_write(&pnvme_view);
	return live;
}

static int given_up(const struct pnvme_drive *drive, struct pnvme_error *err)
{
	return pnvme_refuse(err, -ENODEV,
			    "drive %s was given up while it came back; attach it again",
			    dev_name(&drive->dev));
}

/*
 * I/O goes on: first what was under way, which is no more than the drive has room for, as its
 * contexts may be what others wait for while limits change; then the gate opens. The rest is
 * done without the lock: what waits there is sent, and links are made last, which need memory.
 */
static int go_on(struct pnvme_drive *drive, enum pnvme_drive_state from, struct pnvme_error *err)
{
	enum pnvme_gate gate = from == PNVME_DRIVE_STATE_HELD ? PNVME_GATE_HELD : PNVME_GATE_SHUT;

	/* no fence, that will be told, for one that stays failed */
	if (READ_ONCE(drive->state) != from)
		return given_up(drive, err);
	follow(drive);
	pnvme_fence_on_resume(drive);
	pnvme_seal_resumed(drive);
	pnvme_hold_send_parked(drive);
	restack(drive);
	if (!set_live(drive, from) || !pnvme_hold_open(drive, gate))
		return given_up(drive, err);
	pnvme_hold_over(drive);
	queue_delayed_work(pnvme_wq, &drive->watch, HZ);
	pnvme_drive_settle(drive);
	WRITE_ONCE(drive->hold.unlinked, true);
	pnvme_event_drive(PNVME_EVENT_TYPE_DRIVE_RESUME, drive,
			  "it is back and proven to be the same; I/O goes on");
	return 0;
}

/* drive->lock is held. It may have been lost again, or be detached by now. */
static void link_namespaces(struct pnvme_drive *drive)
{
	struct pnvme_ns *ns;

	if (!drive->hold.unlinked || !drive->exposed || !drive->claim.bdev ||
	    READ_ONCE(drive->state) != PNVME_DRIVE_STATE_LIVE)
		return;
	/* without them it works all the same: who fails is not tried again */
	WRITE_ONCE(drive->hold.unlinked, false);
	list_for_each_entry(ns, &drive->namespaces, node)
		if (ns->disk && !ns->linked)
			pnvme_ns_link_lower(ns);
}

/**
 * pnvme_resume_link - make the holder links, if a resume has left that to do
 * @drive: nothing waits for it any more; no lock is held
 *
 * Return: false if somebody is changing the drive: try again.
 */
bool pnvme_resume_link(struct pnvme_drive *drive)
{
	if (!READ_ONCE(drive->hold.unlinked))
		return true;
	if (!pnvme_drive_trylock(drive))
		return false;
	link_namespaces(drive);
	pnvme_drive_unlock(drive);
	return true;
}

/* Claims a device that may be the drive, and lets it go if it is not. */
static int resume_from(struct pnvme_drive *drive, const struct pnvme_lower_id *lower, bool check,
		       enum pnvme_drive_state from, struct pnvme_error *err)
{
	struct compat_claim claim = { };
	struct pnvme_identity id;
	int ret;

	WRITE_ONCE(drive->hold.lost, false);
	ret = pnvme_lower_claim(lower, drive, &pnvme_drive_holder_ops, &claim, err);
	if (ret)
		return ret;
	ret = prove(drive, claim.bdev, &id, err);
	if (ret || check) {
		compat_claim_release(&claim);
		return ret;
	}
	take(drive, &claim, &id);
	return go_on(drive, from, err);
}

/* A look that disturbs nobody: does one of its copies name the drive? */
static bool carries(struct pnvme_drive *drive, dev_t dev)
{
	struct pnvme_label *copy = drive->hold.scratch;
	struct compat_claim claim = { };
	bool found = false;
	int i;

	if (compat_claim_open(&claim, dev, BLK_OPEN_READ, NULL, NULL))
		return false;
	for (i = 0; i < PNVME_LABEL_SLOTS && !found; i++)
		found = !pnvme_slot_read(claim.bdev, drive->identity.capacity, i, copy) &&
			!memcmp(copy->magic, PNVME_LABEL_MAGIC, sizeof(copy->magic)) &&
			!memcmp(copy->drive_uuid, drive->uuid, sizeof(copy->drive_uuid));
	compat_claim_release(&claim);
	return found;
}

/* Once for each device that carries its label and is not it. */
static void tell_impostor(struct pnvme_drive *drive, const struct pnvme_lower_id *lower,
			  const struct pnvme_error *err)
{
	struct pnvme_hold *h = &drive->hold;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(h->refused); i++)
		if (h->refused[i] == lower->diskseq)
			return;
	h->refused[h->refusals++ % ARRAY_SIZE(h->refused)] = lower->diskseq;
	pnvme_event_drive(PNVME_EVENT_TYPE_DRIVE_IMPOSTOR, drive,
			  "%s; nothing was written to it, and I/O goes on waiting", err->text);
}

/* Another drive's, which may not answer for minutes. */
static bool is_taken(const struct gendisk *disk)
{
	struct pnvme_drive *other = NULL;
	bool taken = false;

	down_read(&pnvme_view);
	while (!taken && (other = pnvme_drive_next(other)))
		taken = other->claim.bdev && other->claim.bdev->bd_disk == disk;
	up_read(&pnvme_view);
	return taken;
}

/*
 * Nothing that may itself stand on the drive: reading it would wait for the drive. Nor what
 * cannot be opened yet, or ever: that would start modprobe, which may stand on it too.
 */
static bool candidate(const struct pnvme_drive *drive, struct gendisk *disk)
{
	if (drive->identity.nvme && strncmp(disk->disk_name, "nvme", 4))
		return false;
	return (u64)get_capacity(disk) << SECTOR_SHIFT == drive->identity.capacity &&
	       disk_live(disk) && !pnvme_is_namespace(disk) && !is_taken(disk);
}

/* Returns true if that was it. */
static bool try_disk(struct pnvme_drive *drive, struct gendisk *disk)
{
	struct pnvme_lower_id lower = { .dev = disk_devt(disk), .diskseq = disk->diskseq };
	struct pnvme_error err = { };
	int ret;

	if (!candidate(drive, disk) || !carries(drive, lower.dev))
		return false;
	ret = resume_from(drive, &lower, false, PNVME_DRIVE_STATE_HELD, &err);
	switch (ret) {
	case 0:
		return true;
	case -ENOTUNIQ:
	case -ESTALE:
	case -EUCLEAN:
	case -EROFS:
		tell_impostor(drive, &lower, &err);
		return false;
	default:
		return false;	/* busy, or not quite there yet */
	}
}

/**
 * pnvme_resume_look - is a held drive among the block devices that are here?
 * @drive: held, its lower device let go; no lock is held
 *
 * Return: true if it is live again, or not held any more. What waits is then to be sent.
 */
bool pnvme_resume_look(struct pnvme_drive *drive)
{
	struct class_dev_iter iter;
	struct device *dev;
	bool done = false;

	if (!pnvme_drive_trylock(drive))
		return false;
	if (READ_ONCE(drive->state) != PNVME_DRIVE_STATE_HELD || !drive->exposed)
		done = true;
	class_dev_iter_init(&iter, pnvme_lower_class(), NULL, pnvme_lower_type());
	while (!done && !drive->claim.bdev && (dev = class_dev_iter_next(&iter)))
		/* it may have been given up meanwhile: looking takes its time */
		done = READ_ONCE(drive->state) != PNVME_DRIVE_STATE_HELD ||
		       try_disk(drive, dev_to_disk(dev));
	class_dev_iter_exit(&iter);
	pnvme_drive_unlock(drive);
	return done;
}

static int by_hand_locked(struct pnvme_drive *drive, const struct pnvme_lower_id *lower, bool check,
			  struct pnvme_error *err)
{
	enum pnvme_drive_state from = READ_ONCE(drive->state);
	struct pnvme_identity id;
	int ret;

	if (!drive->exposed || from == PNVME_DRIVE_STATE_LIVE)
		return -EEXIST;
	if (!drive->claim.bdev)
		return resume_from(drive, lower, check, from, err);
	if (drive->lower_dev != lower->dev || pnvme_hold_lower_lost(drive)) {
		/* where nobody has told us that it is gone (6.1), this does */
		mod_delayed_work(drive->hold.wq, &drive->hold.work, 0);
		return pnvme_refuse(err, -EBUSY,
				    "drive %s has not let go of %s yet; repeat in a moment",
				    dev_name(&drive->dev), drive->lower_name);
	}
	ret = prove(drive, drive->claim.bdev, &id, err);
	if (ret || check)
		return ret;
	drive->hold.was_cached = drive->hold.cached;
	return go_on(drive, from, err);
}

/* As the work does it for what it finds itself. */
static void finish_by_hand(struct pnvme_drive *drive)
{
	unsigned int noio = memalloc_noio_save();

	pnvme_hold_send_waiting(drive);
	memalloc_noio_restore(noio);
	pnvme_drive_lock(drive);
	link_namespaces(drive);
	pnvme_drive_unlock(drive);
}

/**
 * pnvme_resume_by_hand - attach, of a drive that is attached and was lost
 * @drive: held or failed
 * @lower: the device that carries its label
 * @check: change nothing
 * @err: the sentence, on failure
 *
 * Return: 0; -EEXIST with @err untouched if the drive is live; or another negative errno.
 */
int pnvme_resume_by_hand(struct pnvme_drive *drive, const struct pnvme_lower_id *lower,
			 bool check, struct pnvme_error *err)
{
	int ret;

	pnvme_drive_lock(drive);
	ret = by_hand_locked(drive, lower, check, err);
	pnvme_drive_unlock(drive);
	if (!ret && !check)
		finish_by_hand(drive);
	return ret;
}

static int block_device_added(struct device *dev)
{
	if (dev->type == pnvme_lower_type())
		pnvme_hold_arrival();
	return 0;
}

COMPAT_CLASS_ADD_DEV(block_device_added)

static struct class_interface arrivals = {
	.add_dev = compat_block_device_added,
};

/* One that is held; to be given back. */
static struct pnvme_drive *get_held(void)
{
	struct pnvme_drive *drive = NULL;

	down_read(&pnvme_view);
	while ((drive = pnvme_drive_next(drive))) {
		if (drive->exposed && drive->state == PNVME_DRIVE_STATE_HELD) {
			get_device(&drive->dev);
			break;
		}
	}
	up_read(&pnvme_view);
	return drive;
}

/* Tasks that wait for a held drive cannot be frozen, so the machine could not sleep. */
static int before_sleep(struct notifier_block *nb, unsigned long action, void *unused)
{
	struct pnvme_drive *drive;

	if (action != PM_SUSPEND_PREPARE && action != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	while ((drive = get_held())) {
		pnvme_drive_fail_held(drive, "the machine goes to sleep, and cannot with a hold");
		pnvme_drive_put(drive);
	}
	return NOTIFY_DONE;
}

static struct notifier_block sleep_notifier = {
	.notifier_call = before_sleep,
};

int pnvme_resume_init(void)
{
	int ret = register_pm_notifier(&sleep_notifier);

	if (ret)
		return ret;
	arrivals.class = pnvme_lower_class();
	ret = class_interface_register(&arrivals);
	if (ret)
		unregister_pm_notifier(&sleep_notifier);
	return ret;
}

void pnvme_resume_exit(void)
{
	class_interface_unregister(&arrivals);
	unregister_pm_notifier(&sleep_notifier);
}
