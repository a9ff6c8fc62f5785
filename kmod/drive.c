// SPDX-License-Identifier: GPL-2.0
/* Attached drives as objects: their life, the list of them, their state, detach. */
#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/device.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "drive.h"
#include "event.h"
#include "io.h"
#include "label_io.h"
#include "namespace.h"

DECLARE_RWSEM(pnvme_view);
unsigned int pnvme_generation = 1;	/* 0 would mean "no generation" in a dump */
struct workqueue_struct *pnvme_wq;

static LIST_HEAD(drives);	/* pnvme_view */
static struct class *drive_class;

/* Objects that module unload must see gone: sysfs may hold the last reference. */
static atomic_t live = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(all_gone);

static struct pnvme_drive *to_drive(struct device *dev)
{
	return container_of(dev, struct pnvme_drive, dev);
}

static ssize_t uuid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%pU\n", to_drive(dev)->uuid);
}
static DEVICE_ATTR_RO(uuid);

static ssize_t serial_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_drive(dev)->identity.serial);
}
static DEVICE_ATTR_RO(serial);

static ssize_t model_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_drive(dev)->identity.model);
}
static DEVICE_ATTR_RO(model);

static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	static const char * const names[] = {
		[PNVME_DRIVE_STATE_LIVE]	= "live",
		[PNVME_DRIVE_STATE_HELD]	= "held",
		[PNVME_DRIVE_STATE_FAILED]	= "failed",
	};

	return sysfs_emit(buf, "%s\n", names[READ_ONCE(to_drive(dev)->state)]);
}
static DEVICE_ATTR_RO(state);

static struct attribute *drive_attrs[] = {
	&dev_attr_uuid.attr,
	&dev_attr_serial.attr,
	&dev_attr_model.attr,
	&dev_attr_state.attr,
	NULL
};

ATTRIBUTE_GROUPS(drive);

/* The last reference is gone: neither listed, nor claimed, nor with I/O in flight. */
static void drive_release(struct device *dev)
{
	struct pnvme_drive *drive = to_drive(dev);

	pnvme_seal_exit(drive);
	pnvme_hold_exit(drive);
	pnvme_io_pool_exit(&drive->io_pool);
	pnvme_label_free(drive->label);
	pnvme_label_free(drive->next);
	pnvme_label_free(drive->check);
	kfree(drive);
	rcu_read_lock();	/* keeps this text until we have left it */
	if (atomic_dec_and_test(&live))
		wake_up(&all_gone);
	rcu_read_unlock();
}

/**
 * pnvme_drive_look - what a look at the lower device finds wrong
 * @drive: claimed
 *
 * Return: half a sentence, or NULL.
 */
const char *pnvme_drive_look(const struct pnvme_drive *drive)
{
	struct block_device *bdev = drive->claim.bdev;

	if (compat_bdev_dead(bdev))
		return "the drive is gone";
	if (bdev_nr_bytes(bdev) != drive->identity.capacity)
		return "its capacity has changed";
	if (bdev_logical_block_size(bdev) != drive->identity.lba_size)
		return "its LBA size has changed";
	if (bdev_read_only(bdev) && !drive->read_only)
		return "it has become read-only";
	return NULL;
}

/**
 * pnvme_drive_lock - be the one that changes a drive
 * @drive: pnvme_view is not held
 *
 * What must be written to free memory may wait for this very drive, held, until somebody
 * with this lock lets it go on: so who has it allocates without I/O.
 */
void pnvme_drive_lock(struct pnvme_drive *drive)
{
	mutex_lock(&drive->lock);
	drive->noio = memalloc_noio_save();
}

bool pnvme_drive_trylock(struct pnvme_drive *drive)
{
	if (!mutex_trylock(&drive->lock))
		return false;
	drive->noio = memalloc_noio_save();
	return true;
}

void pnvme_drive_unlock(struct pnvme_drive *drive)
{
	memalloc_noio_restore(drive->noio);
	mutex_unlock(&drive->lock);
}

/*
 * A controller may come out of a reset with other queues. Following takes a moment
 * in which nothing may come or go, but whoever has the lock may wait for the watch
 * to end, or for a drive that does not answer: then it is for the next look.
 */
static void follow_queues(struct pnvme_drive *drive)
{
	struct pnvme_map *map;
	struct pnvme_ns *ns;

	if (!pnvme_drive_trylock(drive))
		return;
	map = drive->claim.bdev ? pnvme_map_read(drive->claim.bdev) : ERR_PTR(-ENODEV);
	if (!IS_ERR(map)) {
		list_for_each_entry(ns, &drive->namespaces, node)
			if (ns->disk)
				pnvme_stats_follow(&ns->stats, map);
		pnvme_map_free(map);
	}
	pnvme_drive_unlock(drive);
}

/*
 * Holders are told of removal (not on 6.1) but never of a changed format: so look. What
 * is gone may come back; what has changed under us is failed.
 */
static void watch(struct work_struct *work)
{
	struct pnvme_drive *drive = container_of(to_delayed_work(work), struct pnvme_drive, watch);
	const char *wrong = NULL;
	bool on;

	down_read(&pnvme_view);
	on = drive->exposed && drive->state == PNVME_DRIVE_STATE_LIVE;
	if (on) {
		wrong = pnvme_drive_look(drive);
		WRITE_ONCE(drive->hold.cached, bdev_write_cache(drive->claim.bdev));
	}
	up_read(&pnvme_view);
	if (!on)
		return;	/* a hold ends with a watch of its own */
	if (wrong && pnvme_hold_lower_lost(drive))
		mod_delayed_work(drive->hold.wq, &drive->hold.work, 0);
	else if (wrong)
		pnvme_drive_fail(drive, wrong);
	else
		follow_queues(drive);
	queue_delayed_work(pnvme_wq, &drive->watch, HZ);
}

/* Before it is seen in the device itself, if the removal is an orderly one. */
static void mark_dead(struct block_device *bdev, bool surprise)
{
	struct pnvme_drive *drive = bdev->bd_holder;

	WRITE_ONCE(drive->hold.lost, true);
	mod_delayed_work(drive->hold.wq, &drive->hold.work, 0);
	compat_holder_unlock(bdev);
}

const struct blk_holder_ops pnvme_drive_holder_ops = {
	.mark_dead = mark_dead,
};

static int drive_alloc_parts(struct pnvme_drive *drive)
{
	drive->label = pnvme_label_alloc();
	drive->next = pnvme_label_alloc();
	drive->check = pnvme_label_alloc();
	if (!drive->label || !drive->next || !drive->check)
		return -ENOMEM;
	return pnvme_io_pool_init(&drive->io_pool);
}

/**
 * pnvme_drive_new - make a drive object, neither listed nor claimed
 *
 * Return: the drive with one reference, or NULL without memory.
 */
struct pnvme_drive *pnvme_drive_new(void)
{
	struct pnvme_drive *drive = kzalloc(sizeof(*drive), GFP_KERNEL);
	int ret;

	if (!drive)
		return NULL;
	atomic_inc(&live);
	mutex_init(&drive->lock);
	INIT_LIST_HEAD(&drive->node);
	INIT_LIST_HEAD(&drive->namespaces);
	pnvme_lower_node_init(drive);
	INIT_DELAYED_WORK(&drive->watch, watch);
	pnvme_drive_scan_init(drive);
	/* first, as its exit wants its works initialised; the other one's copes without */
	ret = pnvme_hold_init(drive);
	if (!ret)
		ret = pnvme_seal_init(drive);
	device_initialize(&drive->dev);
	drive->dev.class = drive_class;
	drive->dev.release = drive_release;
	drive->dev.groups = drive_groups;
	if (ret || drive_alloc_parts(drive)) {
		put_device(&drive->dev);
		return NULL;
	}
	return drive;
}

void pnvme_drive_put(struct pnvme_drive *drive)
{
	put_device(&drive->dev);
}

/**
 * pnvme_drive_claim - take the lower device for a drive
 * @drive: without one
 * @lower: which
 * @err: the sentence, on failure
 *
 * Return: 0 or a negative errno.
 */
int pnvme_drive_claim(struct pnvme_drive *drive, const struct pnvme_lower_id *lower,
		      struct pnvme_error *err)
{
	struct gendisk *disk;
	int ret = pnvme_lower_claim(lower, drive, &pnvme_drive_holder_ops, &drive->claim, err);

	if (ret) {
		/* the claim may have lasted long enough for mark_dead() */
		cancel_delayed_work_sync(&drive->hold.work);
		return ret;
	}
	disk = drive->claim.bdev->bd_disk;
	strscpy(drive->lower_name, disk->disk_name, sizeof(drive->lower_name));
	drive->lower_dev = disk_devt(disk);
	drive->diskseq = disk->diskseq;
	drive->hold.cached = bdev_write_cache(drive->claim.bdev);
	ret = pnvme_identity_read(drive->claim.bdev, &drive->identity, err);
	if (ret)
		pnvme_drive_release_lower(drive);
	return ret;
}

/**
 * pnvme_drive_release_lower - give the lower device back
 * @drive: not exposed, no I/O in flight
 */
void pnvme_drive_release_lower(struct pnvme_drive *drive)
{
	struct compat_claim claim;

	down_write(&pnvme_view);
	claim = drive->claim;
	drive->claim = (struct compat_claim) { };
	pnvme_lower_node_drop(drive);
	up_write(&pnvme_view);
	if (claim.bdev)
		compat_claim_release(&claim);
	/* mark_dead() may have queued it until the claim was gone; it does nothing now */
	cancel_delayed_work_sync(&drive->hold.work);
}

struct pnvme_drive *pnvme_drive_next(struct pnvme_drive *drive)
{
	lockdep_assert_held(&pnvme_view);
	if (!drive)
		return list_first_entry_or_null(&drives, struct pnvme_drive, node);
	return list_is_last(&drive->node, &drives) ? NULL : list_next_entry(drive, node);
}

/**
 * pnvme_drive_get - find an attached drive
 * @uuid: its UUID
 *
 * Return: the drive, to be given back with pnvme_drive_put(), or NULL.
 */
struct pnvme_drive *pnvme_drive_get(const u8 *uuid)
{
	struct pnvme_drive *drive = NULL;

	down_read(&pnvme_view);
	while ((drive = pnvme_drive_next(drive))) {
		if (drive->exposed && !memcmp(drive->uuid, uuid, sizeof(drive->uuid))) {
			get_device(&drive->dev);
			break;
		}
	}
	up_read(&pnvme_view);
	return drive;
}

static bool instance_taken(int instance)
{
	struct pnvme_drive *drive;

	list_for_each_entry(drive, &drives, node)
		if (drive->instance == instance)
			return true;
	return false;
}

static int pick_instance(u32 wanted)
{
	int instance = 0;

	if (wanted <= PNVME_INSTANCE_MAX && !instance_taken(wanted))
		return wanted;
	while (instance_taken(instance))
		instance++;
	return instance;
}

/**
 * pnvme_drive_list - enter a drive into the list, not yet exposed
 * @drive: with @uuid and @lower_name
 * @instance: to take if it is free
 * @err: the sentence, on failure
 *
 * Return: 0, or -EEXIST if that UUID is attached.
 */
int pnvme_drive_list(struct pnvme_drive *drive, u32 instance, struct pnvme_error *err)
{
	struct pnvme_drive *other;
	int ret = 0;

	down_write(&pnvme_view);
	list_for_each_entry(other, &drives, node) {
		if (memcmp(other->uuid, drive->uuid, sizeof(drive->uuid)))
			continue;
		ret = pnvme_refuse(err, -EEXIST,
				   "drive %pU is already attached as pnvme%d from %s (%s); %s is a copy of it or its return: detach that one first if it is gone",
				   drive->uuid, other->instance, other->lower_name,
				   other->identity.serial, drive->lower_name);
		goto unlock;
	}
	drive->instance = pick_instance(instance);
	list_add_tail(&drive->node, &drives);
unlock:
	up_write(&pnvme_view);
	return ret;
}

void pnvme_drive_unlist(struct pnvme_drive *drive)
{
	down_write(&pnvme_view);
	list_del_init(&drive->node);
	pnvme_changed();
	up_write(&pnvme_view);
}

/* From one of the states given, as bits, to failed; true for the one caller that did it. */
static bool set_failed(struct pnvme_drive *drive, unsigned int from, const char *reason)
{
	bool first;

	down_write(&pnvme_view);
	first = drive->exposed && (from & BIT(drive->state));
	if (first) {
		WRITE_ONCE(drive->state, PNVME_DRIVE_STATE_FAILED);
		strscpy(drive->reason, reason, sizeof(drive->reason));
		drive->hold.deadline = 0;
		pnvme_hold_shut(drive);
		pnvme_changed();
	}
	up_write(&pnvme_view);
	return first;
}

static void fail_from(struct pnvme_drive *drive, unsigned int from, const char *reason)
{
	if (!set_failed(drive, from, reason))
		return;
	pnvme_hold_end(drive);
	pnvme_event_drive(PNVME_EVENT_TYPE_DRIVE_FAIL, drive,
			  "failed: %s; I/O ends with errors until it is back and attached again; or close what uses it, then pnvme drive detach pnvme%d",
			  reason, drive->instance);
}

/**
 * pnvme_drive_fail - end all I/O of a drive with errors from now on, also what waits
 * @drive: may have failed already; pnvme_view is not held
 * @reason: half a sentence, "its capacity has changed"
 */
void pnvme_drive_fail(struct pnvme_drive *drive, const char *reason)
{
	fail_from(drive, BIT(PNVME_DRIVE_STATE_LIVE) | BIT(PNVME_DRIVE_STATE_HELD), reason);
}

/* Likewise, unless it is not held any more. */
void pnvme_drive_fail_held(struct pnvme_drive *drive, const char *reason)
{
	fail_from(drive, BIT(PNVME_DRIVE_STATE_HELD), reason);
}

/**
 * pnvme_drive_fail_by_hand - pnvme drive fail: give a drive up, for now
 * @drive: attached; needs no lock that may be held while something waits for the drive
 * @check: change nothing
 * @err: the sentence, on failure
 *
 * Return: 0, also if it had failed already; -ENOENT if it was just detached.
 */
int pnvme_drive_fail_by_hand(struct pnvme_drive *drive, bool check, struct pnvme_error *err)
{
	if (!READ_ONCE(drive->exposed))
		return pnvme_refuse(err, -ENOENT, "drive %pU was just detached", drive->uuid);
	if (!check)
		pnvme_drive_fail(drive, "given up by pnvme drive fail");
	return 0;
}

void pnvme_drive_expose(struct pnvme_drive *drive)
{
	down_write(&pnvme_view);
	drive->exposed = true;
	pnvme_changed();
	up_write(&pnvme_view);
	queue_delayed_work(pnvme_wq, &drive->watch, HZ);
}

/**
 * pnvme_drive_hide - take a drive and its namespaces off this host
 * @drive: listed, its device added; @lock is held; namespaces are closed
 *
 * Waits for I/O in flight; with every namespace closed there is hardly any.
 */
void pnvme_drive_hide(struct pnvme_drive *drive)
{
	struct pnvme_ns *ns, *tmp;

	lockdep_assert_held(&drive->lock);
	down_write(&pnvme_view);
	drive->exposed = false;
	pnvme_changed();
	up_write(&pnvme_view);
	cancel_delayed_work_sync(&drive->watch);
	pnvme_hold_stop(drive);
	pnvme_seal_stop(drive);
	list_for_each_entry_safe(ns, tmp, &drive->namespaces, node)
		pnvme_ns_remove(ns);
	/* nobody has anything open, and each namespace has waited for its I/O */
	down_write(&pnvme_view);
	WRITE_ONCE(drive->state, PNVME_DRIVE_STATE_FAILED);
	strscpy(drive->reason, "detached", sizeof(drive->reason));
	up_write(&pnvme_view);
	device_del(&drive->dev);
	pnvme_drive_release_lower(drive);
	pnvme_drive_unlist(drive);
}

static void reopen_all(struct pnvme_drive *drive)
{
	struct pnvme_ns *ns;

	list_for_each_entry(ns, &drive->namespaces, node)
		pnvme_ns_reopen(ns);
}

static int check_closable(struct pnvme_drive *drive, struct pnvme_error *err)
{
	struct pnvme_ns *ns;
	int ret = 0;

	list_for_each_entry(ns, &drive->namespaces, node) {
		if (pnvme_zero_busy(ns))
			ret = pnvme_refuse(err, -EBUSY,
					   "namespace %s is being zeroed; wait for that, or delete it to cancel",
					   ns->name);
		else
			ret = pnvme_ns_close(ns, "detached", true, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int close_all(struct pnvme_drive *drive, struct pnvme_error *err)
{
	struct pnvme_ns *ns;
	int ret = 0;

	list_for_each_entry(ns, &drive->namespaces, node) {
		ret = pnvme_ns_close(ns, "detached", false, err);
		if (ret)
			break;
	}
	if (ret)
		reopen_all(drive);
	return ret;
}

static int clear_owner(struct pnvme_drive *drive, struct pnvme_error *err)
{
	struct pnvme_label *l = pnvme_drive_draft(drive);

	memset(l->owner, 0, sizeof(l->owner));
	pnvme_roster_clear(l);
	return pnvme_drive_update(drive, err);
}

static int detach_locked(struct pnvme_drive *drive, bool release, bool check,
			 struct pnvme_error *err)
{
	int ret;

	if (!drive->exposed)
		return pnvme_refuse(err, -ENOENT, "drive %pU was just detached", drive->uuid);
	/* a refusal and a dry run must not keep others from opening meanwhile */
	ret = check_closable(drive, err);
	if (!ret && release)
		ret = pnvme_drive_writable(drive, err);
	if (ret || check)
		return ret;
	ret = close_all(drive, err);
	if (ret)
		return ret;
	if (release)
		ret = clear_owner(drive, err);
	if (ret) {
		reopen_all(drive);
		return ret;
	}
	pnvme_event_drive(PNVME_EVENT_TYPE_DRIVE_DETACH, drive, release ? "detached and released"
									: "detached");
	pnvme_drive_hide(drive);
	return 0;
}

/**
 * pnvme_drive_detach - stop exposing a drive
 * @drive: attached, whatever its state
 * @release: clear the owner in its label, so that any host may attach it
 * @check: change nothing
 * @err: the sentence, on failure
 *
 * Return: 0; -EBUSY while a namespace is open; or another negative errno.
 */
int pnvme_drive_detach(struct pnvme_drive *drive, bool release, bool check,
		       struct pnvme_error *err)
{
	int ret;

	pnvme_drive_lock(drive);
	ret = detach_locked(drive, release, check, err);
	pnvme_drive_unlock(drive);
	if (!ret && !check)
		pnvme_drive_put(drive);	/* the list's */
	return ret;
}

static void apply_settings(struct pnvme_label *l, const struct pnvme_settings *s)
{
	if (s->has_hold_timeout)
		l->hold_timeout = cpu_to_le32(s->hold_timeout);
	if (s->has_on_resume)
		l->on_resume = s->on_resume;
	if (s->has_hold_proof)
		l->hold_proof = s->hold_proof;
	if (s->has_latency)
		l->latency = cpu_to_le32(s->latency);
}

/**
 * pnvme_drive_use_settings - let the I/O path see the settings in the label
 * @drive: its @lock is held
 */
void pnvme_drive_use_settings(struct pnvme_drive *drive)
{
	lockdep_assert_held(&drive->lock);
	WRITE_ONCE(drive->latency, le32_to_cpu(drive->label->latency));
	pnvme_hold_use_settings(drive);
}

/**
 * pnvme_drive_set - change settings of a drive, kept in its label
 * @drive: attached
 * @settings: those given change
 * @check: change nothing
 * @err: the sentence, on failure
 *
 * Return: 0 or a negative errno.
 */
int pnvme_drive_set(struct pnvme_drive *drive, const struct pnvme_settings *settings,
		    bool check, struct pnvme_error *err)
{
	int ret = 0;

	if (settings->has_hold_timeout && settings->hold_timeout > PNVME_HOLD_MAX &&
	    settings->hold_timeout != PNVME_HOLD_FOREVER)
		return pnvme_blame(err, PNVME_BLAME_HOLD_TIMEOUT,
				   pnvme_refuse(err, -ERANGE,
						"hold-timeout is at most %u seconds, or forever",
						PNVME_HOLD_MAX));
	if (settings->has_latency && settings->latency > PNVME_LATENCY_MAX)
		return pnvme_blame(err, PNVME_BLAME_LATENCY,
				   pnvme_refuse(err, -ERANGE,
						"latency times at least one I/O in %u",
						PNVME_LATENCY_MAX));
	pnvme_drive_lock(drive);
	if (!drive->exposed)
		ret = pnvme_refuse(err, -ENOENT, "drive %pU was just detached", drive->uuid);
	if (!ret)
		ret = pnvme_drive_writable(drive, err);
	if (!ret && !check) {
		apply_settings(pnvme_drive_draft(drive), settings);
		ret = pnvme_drive_update(drive, err);
		pnvme_drive_use_settings(drive);
	}
	pnvme_drive_unlock(drive);
	if (!ret && !check)
		pnvme_event_drive(PNVME_EVENT_TYPE_DRIVE_SET, drive, "settings changed");
	return ret;
}

int pnvme_drives_init(void)
{
	int ret;

	pnvme_wq = alloc_workqueue("pnvme", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!pnvme_wq)
		return -ENOMEM;
	ret = pnvme_hold_load();
	if (ret)
		goto destroy;
	drive_class = class_create("pnvme");
	if (IS_ERR(drive_class)) {
		ret = PTR_ERR(drive_class);
		goto unload;
	}
	ret = pnvme_lower_init();
	if (!ret)
		ret = pnvme_resume_init();
	if (!ret)
		return 0;
	class_destroy(drive_class);
unload:
	pnvme_hold_unload();
destroy:
	destroy_workqueue(pnvme_wq);
	return ret;
}

/*
 * Module unload: nothing is open, or we would not be here, and no request comes
 * any more.
 */
void pnvme_drives_exit(void)
{
	struct pnvme_drive *drive, *tmp;

	pnvme_resume_exit();
	list_for_each_entry_safe(drive, tmp, &drives, node) {
		pnvme_drive_lock(drive);
		pnvme_drive_hide(drive);
		pnvme_drive_unlock(drive);
		pnvme_drive_put(drive);
	}
	pnvme_namespaces_exit();
	wait_event(all_gone, !atomic_read(&live));
	/* more than a grace period: lower nodes that were let go are closed from a callback */
	rcu_barrier();
	pnvme_hold_unload();
	destroy_workqueue(pnvme_wq);
	class_destroy(drive_class);
}
