// SPDX-License-Identifier: GPL-2.0
/* Namespaces as devices: their life, who has them open, what sysfs says of them. */
#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "drive.h"
#include "generic.h"
#include "io.h"
#include "label_io.h"
#include "namespace.h"
#include "passthru.h"
#include "seal.h"

/* How long a request waits for partitions to be found. */
#define SCAN_SECONDS 5

/* Objects that module unload must see gone: their last reference may be the block layer's. */
static atomic_t live = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(all_gone);

static void ns_free(struct kref *ref)
{
	struct pnvme_ns *ns = container_of(ref, struct pnvme_ns, ref);

	pnvme_drive_put(ns->drive);
	kfree(ns);
	rcu_read_lock();	/* keeps this text until we have left it */
	if (atomic_dec_and_test(&live))
		wake_up(&all_gone);
	rcu_read_unlock();
}

void pnvme_ns_put(struct pnvme_ns *ns)
{
	kref_put(&ns->ref, ns_free);
}

/**
 * pnvme_ns_close - let nobody open a namespace any more
 * @ns: drive->lock is held
 * @what: the operation it is for, "deleted"
 * @check: only look whether it could be closed
 * @err: the sentence, on failure
 *
 * Return: 0, or -EBUSY if it is open now; pnvme_ns_reopen() takes it back.
 */
int pnvme_ns_close(struct pnvme_ns *ns, const char *what, bool check, struct pnvme_error *err)
{
	unsigned int openers;
	char opener[sizeof(ns->opener)];

	spin_lock(&ns->open_lock);
	openers = ns->openers;
	if (!openers && !check)
		ns->closed = true;
	strscpy(opener, ns->opener, sizeof(opener));
	spin_unlock(&ns->open_lock);
	if (!openers)
		return 0;
	return pnvme_refuse(err, -EBUSY,
			    "namespace %s (%sn%u) is open and cannot be %s: %u opener%s, the last was %s; close or unmount it first",
			    ns->name, dev_name(&ns->drive->dev), ns->nsid, what, openers,
			    openers == 1 ? "" : "s", opener);
}

void pnvme_ns_reopen(struct pnvme_ns *ns)
{
	spin_lock(&ns->open_lock);
	ns->closed = false;
	spin_unlock(&ns->open_lock);
}

/**
 * pnvme_ns_opened - somebody opens a namespace, by either of its devices
 * @ns: there, as the device is
 *
 * Return: 0, or -ENXIO if it is about to go.
 */
int pnvme_ns_opened(struct pnvme_ns *ns)
{
	int ret = 0;

	spin_lock(&ns->open_lock);
	if (ns->closed) {
		ret = -ENXIO;
	} else if (ns->scanner != current) {
		ns->openers++;
		snprintf(ns->opener, sizeof(ns->opener), "%s[%d]", current->comm,
			 task_tgid_nr(current));
	}
	spin_unlock(&ns->open_lock);
	return ret;
}

/**
 * pnvme_ns_released - and has closed it
 * @ns: opened by pnvme_ns_opened()
 */
void pnvme_ns_released(struct pnvme_ns *ns)
{
	spin_lock(&ns->open_lock);
	if (ns->scanner != current && !--ns->openers) {
		ns->opener[0] = '\0';
		/* who was told that flushes fail has given up */
		pnvme_ns_set_fence(ns, PNVME_FENCE_NONE);
	}
	spin_unlock(&ns->open_lock);
}

static int ns_open(struct gendisk *disk, blk_mode_t mode)
{
	return pnvme_ns_opened(disk->private_data);
}

static void ns_release(struct gendisk *disk)
{
	pnvme_ns_released(disk->private_data);
}

static int ns_ioctl(struct block_device *bdev, blk_mode_t mode, unsigned int cmd,
		    unsigned long arg)
{
	struct pnvme_opened opened = { .ns = bdev->bd_disk->private_data };
	long ret;

	ret = pnvme_passthru_ioctl(&opened, mode & BLK_OPEN_WRITE, cmd, (void __user *)arg);
	pnvme_passthru_over(&opened);
	return ret;
}

static void ns_free_disk(struct gendisk *disk)
{
	pnvme_ns_put(disk->private_data);
}

COMPAT_BDEV_OPS(ns_open, ns_release)

static const struct block_device_operations ns_fops = {
	.owner		= THIS_MODULE,
	.submit_bio	= pnvme_submit_bio,
	.open		= COMPAT_BDEV_OP(ns_open),
	.release	= COMPAT_BDEV_OP(ns_release),
	.ioctl		= ns_ioctl,
	.compat_ioctl	= blkdev_compat_ptr_ioctl,
	.free_disk	= ns_free_disk,
	.pr_ops		= &pnvme_reserve_ops,
};

bool pnvme_is_namespace(struct gendisk *disk)
{
	return disk->fops == &ns_fops;
}

static struct pnvme_ns *to_ns(struct device *dev)
{
	return dev_to_disk(dev)->private_data;
}

static ssize_t uuid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%pU\n", to_ns(dev)->uuid);
}
static DEVICE_ATTR_RO(uuid);

static ssize_t nguid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%pU\n", to_ns(dev)->nguid);
}
static DEVICE_ATTR_RO(nguid);

/* As NVMe forms it where there is a UUID. */
static ssize_t wwid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "uuid.%pU\n", to_ns(dev)->uuid);
}
static DEVICE_ATTR_RO(wwid);

static ssize_t nsid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", to_ns(dev)->nsid);
}
static DEVICE_ATTR_RO(nsid);

/* Empty where another namespace has the name: then udev makes no link. */
static ssize_t name_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct pnvme_ns *ns = to_ns(dev);
	ssize_t len;

	down_read(&pnvme_view);
	len = sysfs_emit(buf, "%s\n",
			 ns->state == PNVME_NS_STATE_NAME_CONFLICT ? "" : ns->name);
	up_read(&pnvme_view);
	return len;
}
static DEVICE_ATTR_RO(name);

static struct attribute *ns_attrs[] = {
	&dev_attr_uuid.attr,
	&dev_attr_nguid.attr,
	&dev_attr_wwid.attr,
	&dev_attr_nsid.attr,
	&dev_attr_name.attr,
	NULL
};

ATTRIBUTE_GROUPS(ns);

/**
 * pnvme_name_taken - does a namespace of this host have that name?
 * @name: to look for
 * @except: does not count; may be NULL
 *
 * The caller holds pnvme_view.
 */
bool pnvme_name_taken(const char *name, const struct pnvme_ns *except)
{
	struct pnvme_drive *drive = NULL;
	struct pnvme_ns *ns;

	while ((drive = pnvme_drive_next(drive)))
		list_for_each_entry(ns, &drive->namespaces, node)
			if (ns != except && ns->state != PNVME_NS_STATE_NAME_CONFLICT &&
			    !strcmp(ns->name, name))
				return true;
	return false;
}

static struct pnvme_ns *by_uuid(const u8 *uuid)
{
	struct pnvme_drive *drive = NULL;
	struct pnvme_ns *ns;

	while ((drive = pnvme_drive_next(drive)))
		list_for_each_entry(ns, &drive->namespaces, node)
			if (!memcmp(ns->uuid, uuid, sizeof(ns->uuid)))
				return ns;
	return NULL;
}

static struct pnvme_ns *find(const u8 *uuid, const char *name)
{
	struct pnvme_drive *drive = NULL;
	struct pnvme_ns *ns;

	while ((drive = pnvme_drive_next(drive))) {
		if (!drive->exposed)
			continue;
		list_for_each_entry(ns, &drive->namespaces, node) {
			if (uuid && memcmp(ns->uuid, uuid, sizeof(ns->uuid)))
				continue;
			if (name && (ns->state == PNVME_NS_STATE_NAME_CONFLICT ||
				     strcmp(ns->name, name)))
				continue;
			return ns;
		}
	}
	return NULL;
}

/**
 * pnvme_ns_get - find a namespace
 * @uuid: its UUID, or NULL
 * @name: its name, or NULL; where both are given both must match
 *
 * Return: the namespace, to be given back with pnvme_ns_put(), or NULL.
 */
struct pnvme_ns *pnvme_ns_get(const u8 *uuid, const char *name)
{
	struct pnvme_ns *ns = NULL;

	if (!uuid && !name)
		return NULL;
	down_read(&pnvme_view);
	ns = find(uuid, name);
	if (ns)
		kref_get(&ns->ref);
	up_read(&pnvme_view);
	return ns;
}

/**
 * pnvme_ns_new - make a namespace object; it is neither listed nor exposed
 * @drive: it lies on
 * @entry: what the label says, or will say, of it
 *
 * Return: the object, or NULL without memory.
 */
struct pnvme_ns *pnvme_ns_new(struct pnvme_drive *drive, const struct pnvme_label_ns *entry)
{
	struct pnvme_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL);

	if (!ns)
		return NULL;
	atomic_inc(&live);
	kref_init(&ns->ref);
	spin_lock_init(&ns->open_lock);
	INIT_LIST_HEAD(&ns->node);
	get_device(&drive->dev);
	ns->drive = drive;
	ns->first = le64_to_cpu(entry->start) >> SECTOR_SHIFT;
	ns->bytes = le64_to_cpu(entry->bytes);
	ns->nsid = le32_to_cpu(entry->nsid);
	ns->policy = entry->policy;
	ns->read_only = drive->read_only || (le32_to_cpu(entry->flags) & PNVME_NS_READ_ONLY);
	memcpy(ns->uuid, entry->uuid, sizeof(ns->uuid));
	memcpy(ns->nguid, entry->nguid, sizeof(ns->nguid));
	strscpy(ns->name, entry->name, sizeof(ns->name));
	pnvme_seal_attached(ns, entry);
	pnvme_zero_init(ns);
	return ns;
}

/* pnvme_view is held. */
static int refuse_attached(const struct pnvme_ns *ns, struct pnvme_error *err)
{
	const struct pnvme_ns *other = by_uuid(ns->uuid);

	if (!other)
		return 0;
	return pnvme_refuse(err, -EEXIST,
			    "namespace %s (uuid %pU) is already attached, from %s (drive %pU): %s is a copy; detach that one first, or erase this one",
			    ns->name, ns->uuid, other->drive->lower_name, other->drive->uuid,
			    ns->drive->lower_name);
}

/**
 * pnvme_ns_check_list - could a namespace be listed?
 * @ns: new
 * @err: the sentence, if not
 *
 * Return: 0, or -EEXIST if its UUID is attached already.
 */
int pnvme_ns_check_list(const struct pnvme_ns *ns, struct pnvme_error *err)
{
	int ret;

	down_read(&pnvme_view);
	ret = refuse_attached(ns, err);
	up_read(&pnvme_view);
	return ret;
}

/**
 * pnvme_ns_list - let a namespace be found
 * @ns: new; its state becomes name-conflict if the name is taken
 * @err: the sentence, on failure
 *
 * Return: 0, or -EEXIST if its UUID is attached already.
 */
int pnvme_ns_list(struct pnvme_ns *ns, struct pnvme_error *err)
{
	int ret;

	lockdep_assert_held(&ns->drive->lock);
	down_write(&pnvme_view);
	ret = refuse_attached(ns, err);
	if (!ret) {
		if (pnvme_name_taken(ns->name, ns))
			ns->state = PNVME_NS_STATE_NAME_CONFLICT;
		list_add_tail(&ns->node, &ns->drive->namespaces);
		pnvme_changed();
	}
	up_write(&pnvme_view);
	return ret;
}

/* Who finds a namespace live finds its device, so both go at once. */
static struct gendisk *unlist(struct pnvme_ns *ns)
{
	struct gendisk *disk;

	down_write(&pnvme_view);
	disk = ns->disk;
	ns->disk = NULL;
	list_del_init(&ns->node);
	pnvme_changed();
	up_write(&pnvme_view);
	return disk;
}

/* Also when it has become what it was set to: readers see that it is there now. */
static void set_disk(struct pnvme_ns *ns, struct gendisk *disk)
{
	down_write(&pnvme_view);
	ns->disk = disk;
	pnvme_changed();
	up_write(&pnvme_view);
}

/* lsblk shows the stack by these links; without them it works all the same. */
void pnvme_ns_link_lower(struct pnvme_ns *ns)
{
	int ret = bd_link_disk_holder(ns->drive->claim.bdev, ns->disk);

	ns->linked = !ret;
	if (ret)
		pr_warn("%s: no holder link below %s (error %d)\n", ns->disk->disk_name,
			ns->drive->lower_name, -ret);
}

void pnvme_ns_unlink_lower(struct pnvme_ns *ns)
{
	if (ns->linked)
		bd_unlink_disk_holder(ns->drive->claim.bdev, ns->disk);
	ns->linked = false;
}

/**
 * pnvme_ns_expose - make the block device of a namespace
 * @ns: listed; drive->lock is held
 *
 * The identity in sysfs is there before the uevent. Partitions are looked for
 * later, by pnvme_drive_scan_partitions(), when no lock is held.
 *
 * Return: 0 or a negative errno.
 */
int pnvme_ns_expose(struct pnvme_ns *ns)
{
	struct pnvme_drive *drive = ns->drive;
	struct block_device *lower = drive->claim.bdev;
	struct gendisk *disk;
	char name[DISK_NAME_LEN];
	int ret;

	lockdep_assert_held(&drive->lock);
	snprintf(name, sizeof(name), "%sn%u", dev_name(&drive->dev), ns->nsid);
	ret = pnvme_stats_init(&ns->stats, lower);
	if (ret)
		return ret;
	disk = compat_stacked_disk(lower, (u64)ns->first << SECTOR_SHIFT,
				   lower->bd_disk->node_id, name);
	if (IS_ERR(disk)) {
		pnvme_stats_exit(&ns->stats);
		return PTR_ERR(disk);
	}
	disk->fops = &ns_fops;
	disk->private_data = ns;
	set_capacity(disk, ns->bytes >> SECTOR_SHIFT);
	set_disk_ro(disk, ns->read_only);
	compat_defer_part_scan(disk);
	kref_get(&ns->ref);	/* for ns_free_disk() */
	pnvme_generic_add(ns);
	/* before the uevent: who hears of it may ask what it is */
	set_disk(ns, disk);
	ret = device_add_disk(&drive->dev, disk, ns_groups);
	if (ret) {
		set_disk(ns, NULL);
		pnvme_generic_del(ns);
		put_disk(disk);	/* a disk that was never added is freed without free_disk */
		pnvme_stats_exit(&ns->stats);
		pnvme_ns_put(ns);
		return ret;
	}
	set_disk(ns, disk);
	pnvme_generic_ready(ns);
	pnvme_ns_link_lower(ns);
	pnvme_ns_needs_scan(ns);
	return 0;
}

/*
 * Who submits I/O keeps the device open until it is done, so there should be none
 * left; but what is counted must not go while an I/O will still count.
 */
static void wait_idle(struct pnvme_ns *ns)
{
	while (pnvme_stats_in_flight(&ns->stats))
		schedule_timeout_uninterruptible(msecs_to_jiffies(5));
}

/**
 * pnvme_ns_remove - take a namespace off this host; its data and label stay
 * @ns: closed, or never exposed; drive->lock is held
 *
 * Drops the list's reference.
 */
void pnvme_ns_remove(struct pnvme_ns *ns)
{
	struct gendisk *disk;

	lockdep_assert_held(&ns->drive->lock);
	pnvme_zero_cancel(ns);
	pnvme_ns_unlink_lower(ns);
	disk = unlist(ns);
	pnvme_generic_del(ns);
	if (disk) {
		del_gendisk(disk);
		wait_idle(ns);
		pnvme_stats_exit(&ns->stats);
		put_disk(disk);
	}
	pnvme_ns_put(ns);
}

/*
 * Our own scan counts as no opener: nobody could be told to close it. It opens
 * and releases within this task, and what it reads is waited for like any I/O.
 * One scan at a time: a second would take the first one's place in @scanner.
 */
static bool begin_scan(struct pnvme_ns *ns)
{
	bool begun = false;

	spin_lock(&ns->open_lock);
	if (ns->disk && ns->needs_scan && !ns->scanner) {
		ns->scanner = current;
		ns->needs_scan = false;
		begun = true;
	}
	spin_unlock(&ns->open_lock);
	return begun;
}

static void end_scan(struct pnvme_ns *ns)
{
	spin_lock(&ns->open_lock);
	ns->scanner = NULL;
	spin_unlock(&ns->open_lock);
}

/**
 * pnvme_ns_scanning - are its partitions being looked for?
 * @ns: any
 */
bool pnvme_ns_scanning(struct pnvme_ns *ns)
{
	bool scanning;

	spin_lock(&ns->open_lock);
	scanning = ns->scanner;
	spin_unlock(&ns->open_lock);
	return scanning;
}

/* The disk is held, so that nobody else gets its number before it was opened. */
static struct pnvme_ns *next_to_scan(struct pnvme_drive *drive, struct gendisk **disk)
{
	struct pnvme_ns *ns;

	down_read(&pnvme_view);
	list_for_each_entry(ns, &drive->namespaces, node) {
		if (!begin_scan(ns))
			continue;
		compat_request_part_scan(ns->disk);
		*disk = ns->disk;
		get_device(disk_to_dev(*disk));
		kref_get(&ns->ref);
		up_read(&pnvme_view);
		return ns;
	}
	up_read(&pnvme_view);
	return NULL;
}

/**
 * pnvme_ns_is_sole - has a namespace its drive to itself?
 * @ns: open, or drive->lock is held; takes pnvme_view
 *
 * Neighbours still being zeroed count: they will be there before a reservation ends.
 */
bool pnvme_ns_is_sole(const struct pnvme_ns *ns)
{
	bool sole;

	down_read(&pnvme_view);
	sole = list_is_singular(&ns->drive->namespaces);
	up_read(&pnvme_view);
	return sole;
}

/**
 * pnvme_ns_needs_scan - its partitions are to be looked for (again)
 * @ns: exposed; pnvme_drive_scan_partitions() does it when no lock is held
 */
void pnvme_ns_needs_scan(struct pnvme_ns *ns)
{
	spin_lock(&ns->open_lock);
	ns->needs_scan = true;
	spin_unlock(&ns->open_lock);
}

static void scan_work(struct work_struct *work)
{
	struct pnvme_drive *drive = container_of(work, struct pnvme_drive, scan);
	struct compat_claim claim = { };
	struct gendisk *disk;
	struct pnvme_ns *ns;

	while ((ns = next_to_scan(drive, &disk))) {
		/* the first open scans; if it fails the next one by anybody will */
		if (pnvme_lower_exists(disk_devt(disk)) &&
		    !compat_claim_open(&claim, disk_devt(disk), BLK_OPEN_READ, NULL, NULL))
			compat_claim_release(&claim);
		end_scan(ns);
		put_device(disk_to_dev(disk));
		pnvme_ns_put(ns);
	}
	atomic_dec(&drive->scans);
	wake_up_all(&drive->scanned);
	pnvme_drive_put(drive);
}

void pnvme_drive_scan_init(struct pnvme_drive *drive)
{
	INIT_WORK(&drive->scan, scan_work);
	init_waitqueue_head(&drive->scanned);
}

/**
 * pnvme_drive_scan_start - begin to look for partitions where they may have changed
 * @drive: no lock is held that the scan could wait for
 */
void pnvme_drive_scan_start(struct pnvme_drive *drive)
{
	get_device(&drive->dev);
	atomic_inc(&drive->scans);
	if (!queue_work(pnvme_wq, &drive->scan)) {
		atomic_dec(&drive->scans);
		pnvme_drive_put(drive);
	}
}

/**
 * pnvme_drive_scan_partitions - look for partitions where they may have changed
 * @drive: no lock is held: the scan reads, and reading may wait
 *
 * Waits for it for a while only: who asks may keep all of generic netlink from changing.
 */
void pnvme_drive_scan_partitions(struct pnvme_drive *drive)
{
	pnvme_drive_scan_start(drive);
	wait_event_timeout(drive->scanned, !atomic_read(&drive->scans), SCAN_SECONDS * HZ);
}

/* Module unload: waits until the block layer has let go of the last disk. */
void pnvme_namespaces_exit(void)
{
	wait_event(all_gone, !atomic_read(&live));
	synchronize_rcu();
}
