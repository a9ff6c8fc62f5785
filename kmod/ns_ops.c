// SPDX-License-Identifier: GPL-2.0
/*
 * Create, delete, resize, rename, set: each drafts the label to come, writes
 * it, and then changes the devices to match. The namespace operations take the
 * drive's mutex themselves.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/string.h>
#include <linux/uuid.h>

#include "drive.h"
#include "event.h"
#include "namespace.h"
#include "seal.h"

static int ns_index(const struct pnvme_label *label, const struct pnvme_ns *ns)
{
	return pnvme_table_by_uuid(label, ns->uuid);
}

/* Detached or deleted while we waited for the mutex? */
static int ns_lock(struct pnvme_ns *ns, struct pnvme_error *err)
{
	pnvme_drive_lock(ns->drive);
	if (!list_empty(&ns->node))
		return 0;
	pnvme_drive_unlock(ns->drive);
	return pnvme_refuse(err, -ENOENT, "namespace %s is gone; see pnvme ns show", ns->name);
}

static void ns_unlock(struct pnvme_ns *ns)
{
	pnvme_drive_unlock(ns->drive);
}

static int refuse_busy_zeroing(const struct pnvme_ns *ns, struct pnvme_error *err)
{
	return pnvme_refuse(err, -EBUSY, "namespace %s is being zeroed; wait for that%s",
			    ns->name, ns->pending ? "" : ", or delete it to cancel");
}

static int refuse_without_disk(const struct pnvme_ns *ns, struct pnvme_error *err)
{
	if (ns->disk)
		return 0;
	if (ns->state == PNVME_NS_STATE_ZEROING)
		return refuse_busy_zeroing(ns, err);
	return pnvme_refuse(err, -ENODEV, "namespace %s has failed: %s", ns->name, ns->reason);
}

static void ns_params(const struct pnvme_ns *ns, struct pnvme_ns_params *p)
{
	*p = (struct pnvme_ns_params) {
		.name	= ns->name,
		.uuid	= ns->uuid,
		.nguid	= ns->nguid,
		.start	= (u64)ns->first << SECTOR_SHIFT,
		.bytes	= ns->bytes,
		.flags	= ns->read_only ? PNVME_NS_READ_ONLY : 0,
		.policy	= ns->policy,
		.nsid	= ns->nsid,
	};
}

/*
 * The label as it will be when all that is being zeroed is done: so that space
 * and nsids under way are not given away twice.
 */
static struct pnvme_label *plan(struct pnvme_drive *drive, const char **why)
{
	struct pnvme_label *l = pnvme_drive_draft(drive);
	struct pnvme_ns_params p;
	struct pnvme_ns *ns;
	int ret;

	list_for_each_entry(ns, &drive->namespaces, node) {
		ret = 0;
		if (ns->pending) {
			ret = pnvme_table_resize(l, ns_index(l, ns), ns->pending, why);
		} else if (!ns->disk && ns_index(l, ns) < 0) {
			ns_params(ns, &p);
			ret = pnvme_table_add(l, &p, why);
		}
		if (ret < 0)
			return ERR_PTR(ret);
	}
	return l;
}

static int check_size(u64 bytes, struct pnvme_error *err)
{
	if (bytes && !(bytes & (PNVME_ALIGN - 1)))
		return 0;
	return pnvme_blame(err, PNVME_BLAME_SIZE,
			   pnvme_refuse(err, -EINVAL,
					"a size of %llu bytes is not a multiple of 1 MiB", bytes));
}

static int plan_size(const struct pnvme_label *l, const struct pnvme_ns_request *req, u64 *bytes,
		     struct pnvme_error *err)
{
	struct pnvme_space space;

	*bytes = req->bytes;
	if (!req->largest)
		return check_size(*bytes, err);
	pnvme_space_get(l, &space);
	*bytes = space.largest;
	if (space.largest)
		return 0;
	pnvme_refuse(err, -ENOSPC, "there is no free space; delete or shrink a namespace first");
	return pnvme_blame(err, PNVME_BLAME_SIZE, -ENOSPC);
}

static int refuse_space(struct pnvme_drive *drive, const struct pnvme_label *l, u64 bytes,
			const char *why, struct pnvme_error *err)
{
	struct pnvme_space space;

	pnvme_space_get(l, &space);
	return pnvme_blame(err, PNVME_BLAME_SIZE,
			   pnvme_refuse(err, -ENOSPC,
					"%s on %s for %llu MiB: %llu MiB are free, the largest gap is %llu MiB",
					why, dev_name(&drive->dev), bytes >> 20, space.free >> 20,
					space.largest >> 20));
}

static int plan_undelete(struct pnvme_drive *drive, struct pnvme_label *l,
			 const struct pnvme_ns_request *req, struct pnvme_error *err)
{
	const char *why = "";
	struct pnvme_ns_params p = {
		.name	= req->name,
		.uuid	= req->uuid,
		.nguid	= req->nguid,
		.start	= req->start,
		.bytes	= req->bytes,
		.nsid	= req->nsid,
		.policy	= req->policy,
		.flags	= req->read_only ? PNVME_NS_READ_ONLY : 0,
	};
	int ret = pnvme_table_undelete(l, &p, &why);

	if (ret >= 0)
		return ret;
	return pnvme_refuse(err, ret, "namespace %s cannot be brought back on %s: %s", req->name,
			    dev_name(&drive->dev), why);
}

/* Where and as what it will be: an entry in the plan. Returns its index. */
static int plan_create(struct pnvme_drive *drive, const struct pnvme_ns_request *req,
		       struct pnvme_label **plan_out, struct pnvme_error *err)
{
	const char *why = "";
	struct pnvme_label *l = plan(drive, &why);
	struct pnvme_ns_params p = { .name = req->name, .policy = PNVME_POLICY_DATA };
	u8 uuid[16], nguid[16];
	int ret;

	if (IS_ERR(l))
		return pnvme_refuse(err, PTR_ERR(l), "the table of %s is inconsistent: %s",
				    dev_name(&drive->dev), why);
	*plan_out = l;
	if (req->uuid)
		return plan_undelete(drive, l, req, err);
	ret = plan_size(l, req, &p.bytes, err);
	if (ret)
		return ret;
	if (pnvme_space_find(l, p.bytes, &p.start, &why))
		return refuse_space(drive, l, p.bytes, why, err);
	generate_random_uuid(uuid);
	generate_random_uuid(nguid);
	p.uuid = uuid;
	p.nguid = nguid;
	ret = pnvme_table_add(l, &p, &why);
	if (ret < 0)
		return pnvme_refuse(err, ret, "namespace %s cannot be created on %s: %s", req->name,
				    dev_name(&drive->dev), why);
	return ret;
}

static int check_name(const char *name, struct pnvme_error *err)
{
	if (pnvme_name_ok(name, PNVME_NAME_BYTES))
		return 0;
	pnvme_refuse(err, -EINVAL,
		     "a name must be 1 to 63 of A-Z a-z 0-9 . _ - and begin with a letter or digit");
	return pnvme_blame(err, PNVME_BLAME_NAME, -EINVAL);
}

static int refuse_taken(const char *name, struct pnvme_error *err)
{
	return pnvme_blame(err, PNVME_BLAME_NAME,
			   pnvme_refuse(err, -EEXIST,
					"there already is a namespace %s on this host; choose another name",
					name));
}

static int writable(struct pnvme_drive *drive, struct pnvme_error *err)
{
	if (!drive->exposed)
		return pnvme_refuse(err, -ENODEV,
				    "drive %s was just detached",
				    dev_name(&drive->dev));
	return pnvme_drive_writable(drive, err);
}

/**
 * pnvme_ns_lock_ready - take the drive's mutex for a change of a namespace
 * @ns: what is to change
 * @err: the sentence, on failure
 *
 * Return: 0, and pnvme_drive_unlock() is due; or a negative errno if it is gone, not
 * exposed or being zeroed, or its label cannot be written.
 */
int pnvme_ns_lock_ready(struct pnvme_ns *ns, struct pnvme_error *err)
{
	int ret = ns_lock(ns, err);

	if (ret)
		return ret;
	ret = writable(ns->drive, err);
	if (!ret && pnvme_zero_busy(ns))
		ret = refuse_busy_zeroing(ns, err);
	if (!ret)
		ret = refuse_without_disk(ns, err);
	if (ret)
		ns_unlock(ns);
	return ret;
}

/*
 * A label that says less than what is exposed must get no more writes that it does not cover. Of
 * a drive that went away in the middle it may be one: pnvme_drive_settle() opens it again.
 */
static void reopen_after(struct pnvme_ns *ns)
{
	if (!ns->drive->label_lost && !ns->drive->hold.torn)
		pnvme_ns_reopen(ns);
}

/**
 * pnvme_ns_commit_created - write a new namespace to the label and expose it
 * @ns: listed, its range zeroed; drive->lock is held
 * @err: the sentence, on failure
 *
 * Return: 0 or a negative errno, then neither label nor device exist.
 */
int pnvme_ns_commit_created(struct pnvme_ns *ns, struct pnvme_error *err)
{
	struct pnvme_drive *drive = ns->drive;
	struct pnvme_label *l = pnvme_drive_draft(drive);
	struct pnvme_error undo = { };
	struct pnvme_ns_params p;
	const char *why = "";
	int ret;

	ns_params(ns, &p);
	ret = pnvme_table_add(l, &p, &why);
	if (ret < 0)
		return pnvme_refuse(err, ret, "%s", why);
	ret = pnvme_drive_update(drive, err);
	if (ret)
		return ret;
	down_write(&pnvme_view);
	ns->state = PNVME_NS_STATE_LIVE;
	ns->zero_total = 0;
	pnvme_changed();
	up_write(&pnvme_view);
	ret = pnvme_ns_expose(ns);
	if (!ret) {
		pnvme_event_ns(PNVME_EVENT_TYPE_NS_CREATE, ns,
			       "created, %llu MiB",
			       ns->bytes >> 20);
		return 0;
	}
	pnvme_refuse(err, ret,
		     "the block device of namespace %s cannot be made (error %d); it was not created",
		     ns->name, -ret);
	l = pnvme_drive_draft(drive);
	if (pnvme_table_del(l, ns_index(l, ns), &why) || pnvme_drive_update(drive, &undo))
		pnvme_refuse(err, ret,
			     "the block device of namespace %s cannot be made (error %d), and it stays in the label: detach and attach the drive",
			     ns->name, -ret);
	return ret;
}

/*
 * Zeroing is not in the label before it is done, but what was deleted there must not come
 * back half zeroed if it is cancelled. This looks at the label, too.
 */
static int before_zeroing(struct pnvme_drive *drive, u64 start, u64 bytes,
			  struct pnvme_error *err)
{
	if (pnvme_grave_clear(pnvme_drive_draft(drive), start, bytes))
		return pnvme_drive_update(drive, err);
	return pnvme_drive_verify(drive, err);
}

static int create_listed(struct pnvme_ns *ns, bool keep_data, struct pnvme_error *err)
{
	u64 zero = keep_data ? 0 : pnvme_zero_needed(ns->drive, (u64)ns->first << SECTOR_SHIFT,
						     ns->bytes);
	int ret;

	if (!zero)
		return pnvme_ns_commit_created(ns, err);
	/* zeroing writes, so it asks first, as a label update does */
	ret = before_zeroing(ns->drive, (u64)ns->first << SECTOR_SHIFT, ns->bytes, err);
	if (!ret)
		pnvme_zero_start(ns, zero);
	return ret;
}

/* Early, for a dry run and a better sentence; pnvme_ns_list() decides. */
static int check_free_name(const char *name, struct pnvme_error *err)
{
	int ret = 0;

	down_read(&pnvme_view);
	if (pnvme_name_taken(name, NULL))
		ret = refuse_taken(name, err);
	up_read(&pnvme_view);
	return ret;
}

static int create_locked(struct pnvme_drive *drive, const struct pnvme_ns_request *req,
			 struct pnvme_ns **result, struct pnvme_error *err)
{
	struct pnvme_label *l;
	struct pnvme_ns *ns;
	int index, ret;

	ret = writable(drive, err);
	if (!ret)
		ret = check_free_name(req->name, err);
	if (ret)
		return ret;
	index = plan_create(drive, req, &l, err);
	if (index < 0)
		return index;
	ns = pnvme_ns_new(drive, &l->ns[index]);
	if (!ns)
		return -ENOMEM;
	/* nothing but the object exists yet, which is what a dry run shows */
	ns->state = PNVME_NS_STATE_ZEROING;
	if (req->check) {
		ret = pnvme_ns_check_list(ns, err);
		if (ret)
			pnvme_ns_put(ns);
		else
			*result = ns;
		return ret;
	}
	ret = pnvme_ns_list(ns, err);
	if (!ret && ns->state == PNVME_NS_STATE_NAME_CONFLICT)
		ret = refuse_taken(ns->name, err);
	else if (!ret)
		ret = create_listed(ns, req->keep_data || req->uuid, err);
	if (ret) {
		if (!list_empty(&ns->node))
			pnvme_ns_remove(ns);
		else
			pnvme_ns_put(ns);
		return ret;
	}
	kref_get(&ns->ref);
	*result = ns;
	return 0;
}

/**
 * pnvme_ns_create - create a namespace, or begin to; or bring back one that was deleted
 * @drive: where
 * @req: @name, @bytes or @largest, @keep_data, @check; or @name, @bytes, @uuid, @nguid,
 *	@start, @nsid, @policy, @read_only, @check
 * @result: the namespace, state zeroing if that is under way; to be given back
 * @err: the sentence, on failure
 *
 * Return: 0 or a negative errno.
 */
int pnvme_ns_create(struct pnvme_drive *drive, const struct pnvme_ns_request *req,
		    struct pnvme_ns **result, struct pnvme_error *err)
{
	int ret = check_name(req->name, err);

	if (ret)
		return ret;
	pnvme_drive_lock(drive);
	ret = create_locked(drive, req, result, err);
	pnvme_drive_unlock(drive);
	if (!ret && !req->check)
		pnvme_drive_scan_partitions(drive);
	return ret;
}

static int delete_from_label(struct pnvme_ns *ns, struct pnvme_error *err)
{
	struct pnvme_label *l = pnvme_drive_draft(ns->drive);
	const char *why = "";
	int index = ns_index(l, ns), ret;

	if (index < 0)
		return 0;	/* its creation never got that far */
	ret = pnvme_table_del(l, index, &why);
	if (ret)
		return pnvme_refuse(err, ret, "namespace %s cannot be deleted: %s", ns->name, why);
	return pnvme_drive_update(ns->drive, err);
}

/*
 * Our own look for partitions is no opener, but what it reads may wait for a drive that goes now,
 * and the disk cannot go before that: nobody could bring the drive back, as we have its mutex.
 * A closed namespace is not looked at anew.
 */
static int wait_for_scan(struct pnvme_ns *ns, struct pnvme_error *err)
{
	while (pnvme_ns_scanning(ns)) {
		if (READ_ONCE(ns->drive->state) != PNVME_DRIVE_STATE_LIVE)
			return pnvme_refuse(err, -ENODEV,
					    "drive %s went away; nothing was changed, repeat when it is back",
					    dev_name(&ns->drive->dev));
		if (fatal_signal_pending(current))
			return -EINTR;
		msleep(20);
	}
	return 0;
}

static int delete_locked(struct pnvme_ns *ns, bool check, struct pnvme_error *err)
{
	int ret;

	/* what is not in the label yet may go whatever became of the drive */
	ret = ns->disk ? writable(ns->drive, err) : 0;
	if (ret)
		return ret;
	if (!ns->disk && ns_index(ns->drive->label, ns) >= 0)
		return pnvme_refuse(err, -ENODEV,
				    "namespace %s is in the label but its block device could not be made; detach and attach the drive first",
				    ns->name);
	ret = pnvme_ns_close(ns, "deleted", check, err);
	if (ret || check)
		return ret;
	pnvme_zero_cancel(ns);
	ret = wait_for_scan(ns, err);
	if (!ret)
		ret = delete_from_label(ns, err);
	if (ret) {
		reopen_after(ns);
		return ret;
	}
	pnvme_ns_remove(ns);
	pnvme_event_ns(PNVME_EVENT_TYPE_NS_DELETE, ns, "deleted");
	return 0;
}

/**
 * pnvme_ns_delete - delete a namespace, or cancel its creation
 * @ns: not open
 * @check: change nothing
 * @err: the sentence, on failure
 *
 * Return: 0 or a negative errno.
 */
int pnvme_ns_delete(struct pnvme_ns *ns, bool check, struct pnvme_error *err)
{
	int ret = ns_lock(ns, err);

	if (ret)
		return ret;
	ret = delete_locked(ns, check, err);
	ns_unlock(ns);
	return ret;
}

static void set_bytes(struct pnvme_ns *ns, u64 bytes)
{
	down_write(&pnvme_view);
	WRITE_ONCE(ns->bytes, bytes);
	ns->pending = 0;
	ns->zero_total = 0;
	ns->reason[0] = '\0';
	pnvme_changed();
	up_write(&pnvme_view);
	set_capacity(ns->disk, bytes >> SECTOR_SHIFT);
	/* partitions that ended behind the new end must go, or be cut */
	pnvme_ns_needs_scan(ns);
}

/* Once it can be opened again: udev opens what it is told of. */
static void tell_resized(struct pnvme_ns *ns)
{
	char resize[] = "RESIZE=1";
	char *env[2] = { resize };

	kobject_uevent_env(&disk_to_dev(ns->disk)->kobj, KOBJ_CHANGE, env);
}

static int resize_in_label(struct pnvme_ns *ns, u64 bytes, struct pnvme_error *err)
{
	struct pnvme_label *l = pnvme_drive_draft(ns->drive);
	const char *why = "";
	int index = ns_index(l, ns), ret;

	pnvme_table_break(l, index, ktime_get_real_ns());
	ret = pnvme_table_resize(l, index, bytes, &why);
	if (ret)
		return pnvme_refuse(err, ret, "namespace %s cannot be resized: %s", ns->name, why);
	ret = pnvme_drive_update(ns->drive, err);
	if (!ret)
		pnvme_seal_broken(ns, "it was resized");
	return ret;
}

/**
 * pnvme_ns_commit_grown - give a namespace the space that was zeroed for it
 * @ns: @pending is set; drive->lock is held
 * @err: the sentence, on failure
 *
 * Return: 0 or a negative errno, then the size is what it was.
 */
int pnvme_ns_commit_grown(struct pnvme_ns *ns, struct pnvme_error *err)
{
	u64 bytes = ns->pending;
	int ret = resize_in_label(ns, bytes, err);

	if (ret)
		return ret;
	set_bytes(ns, bytes);
	tell_resized(ns);
	pnvme_event_ns(PNVME_EVENT_TYPE_NS_RESIZE, ns, "grown to %llu MiB", bytes >> 20);
	return 0;
}

static int ns_shrink(struct pnvme_ns *ns, const struct pnvme_ns_request *req,
		     struct pnvme_error *err)
{
	int ret;

	if (!req->force)
		return pnvme_blame(err, PNVME_BLAME_SIZE,
				   pnvme_refuse(err, -EINVAL,
						"shrinking namespace %s to %llu MiB loses what lies behind; shrink what is in it first, then repeat with --force",
						ns->name, req->bytes >> 20));
	ret = pnvme_ns_close(ns, "shrunk", req->check, err);
	if (ret || req->check)
		return ret;
	ret = resize_in_label(ns, req->bytes, err);
	if (ret) {
		reopen_after(ns);
		return ret;
	}
	set_bytes(ns, req->bytes);
	pnvme_ns_reopen(ns);
	tell_resized(ns);
	pnvme_event_ns(PNVME_EVENT_TYPE_NS_RESIZE, ns, "shrunk to %llu MiB", req->bytes >> 20);
	return 0;
}

static int ns_grow(struct pnvme_ns *ns, const struct pnvme_ns_request *req,
		   struct pnvme_error *err)
{
	struct pnvme_drive *drive = ns->drive;
	const char *why = "";
	struct pnvme_label *l = plan(drive, &why);
	u64 end = ((u64)ns->first << SECTOR_SHIFT) + ns->bytes, zero;
	int ret = PTR_ERR_OR_ZERO(l);

	if (!ret)
		ret = pnvme_table_resize(l, ns_index(l, ns), req->bytes, &why);
	if (ret)
		return pnvme_blame(err, PNVME_BLAME_SIZE,
				   pnvme_refuse(err, ret,
						"namespace %s cannot grow to %llu MiB: %s",
						ns->name,
						req->bytes >> 20, why));
	if (req->check)
		return 0;
	zero = req->keep_data ? 0 : pnvme_zero_needed(drive, end, req->bytes - ns->bytes);
	if (zero) {
		ret = before_zeroing(drive, end, req->bytes - ns->bytes, err);
		if (ret)
			return ret;
	}
	down_write(&pnvme_view);
	ns->pending = req->bytes;
	ns->pending_from = ns->bytes;
	pnvme_changed();
	up_write(&pnvme_view);
	if (zero) {
		pnvme_zero_start(ns, zero);
		return 0;
	}
	ret = pnvme_ns_commit_grown(ns, err);
	if (ret) {
		down_write(&pnvme_view);
		ns->pending = 0;
		pnvme_changed();
		up_write(&pnvme_view);
	}
	return ret;
}

static int resize_locked(struct pnvme_ns *ns, const struct pnvme_ns_request *req,
			 struct pnvme_error *err)
{
	int ret = writable(ns->drive, err);

	if (ret)
		return ret;
	if (pnvme_zero_busy(ns))
		return refuse_busy_zeroing(ns, err);
	ret = refuse_without_disk(ns, err);
	if (ret)
		return ret;
	ret = check_size(req->bytes, err);
	if (ret || req->bytes == ns->bytes)
		return ret;
	return req->bytes < ns->bytes ? ns_shrink(ns, req, err)
				       : ns_grow(ns, req, err);
}

/**
 * pnvme_ns_set_size - resize a namespace, or begin to
 * @ns: may be open if it grows
 * @req: @bytes, @force, @keep_data, @check
 * @err: the sentence, on failure
 *
 * Return: 0 or a negative errno.
 */
int pnvme_ns_set_size(struct pnvme_ns *ns, const struct pnvme_ns_request *req,
		      struct pnvme_error *err)
{
	int ret = ns_lock(ns, err);

	if (ret)
		return ret;
	ret = resize_locked(ns, req, err);
	ns_unlock(ns);
	if (!ret)
		pnvme_drive_scan_partitions(ns->drive);
	return ret;
}

/* A change uevent makes udev look at sysfs again. */
static void tell_udev(struct pnvme_ns *ns)
{
	if (ns->disk)
		kobject_uevent(&disk_to_dev(ns->disk)->kobj, KOBJ_CHANGE);
}

/* Two renames to one name on two drives: the name is taken before the label is written. */
static int reserve_name(struct pnvme_ns *ns, const char *name, bool check,
			struct pnvme_error *err)
{
	int ret = 0;

	down_write(&pnvme_view);
	if (pnvme_name_taken(name, ns)) {
		ret = refuse_taken(name, err);
	} else if (!check) {
		strscpy(ns->name, name, sizeof(ns->name));
		ns->state = PNVME_NS_STATE_LIVE;
		pnvme_changed();
	}
	up_write(&pnvme_view);
	return ret;
}

/* The label still has the old name, which somebody else may have taken since. */
static void restore_name(struct pnvme_ns *ns, const char *old, enum pnvme_ns_state state)
{
	down_write(&pnvme_view);
	strscpy(ns->name, old, sizeof(ns->name));
	ns->state = pnvme_name_taken(old, ns) ? PNVME_NS_STATE_NAME_CONFLICT : state;
	pnvme_changed();
	up_write(&pnvme_view);
	/* who looked meanwhile has seen the new one */
	tell_udev(ns);
}

static int rename_locked(struct pnvme_ns *ns, const struct pnvme_ns_request *req,
			 struct pnvme_error *err)
{
	enum pnvme_ns_state state = ns->state;
	char old[sizeof(ns->name)];
	const char *why = "";
	struct pnvme_label *l;
	int ret;

	ret = writable(ns->drive, err);
	if (ret)
		return ret;
	ret = refuse_without_disk(ns, err);
	if (ret)
		return ret;
	strscpy(old, ns->name, sizeof(old));
	l = pnvme_drive_draft(ns->drive);
	ret = pnvme_table_rename(l, ns_index(l, ns), req->name, &why);
	if (ret)
		return pnvme_refuse(err, ret, "namespace %s cannot be renamed to %s: %s", old,
				    req->name, why);
	ret = reserve_name(ns, req->name, req->check, err);
	if (ret || req->check)
		return ret;
	ret = pnvme_drive_update(ns->drive, err);
	if (ret) {
		restore_name(ns, old, state);
		return ret;
	}
	tell_udev(ns);
	pnvme_event_ns(PNVME_EVENT_TYPE_NS_RENAME, ns, "renamed from %s", old);
	return 0;
}

/**
 * pnvme_ns_set_name - rename a namespace, open or not
 * @ns: may be in state name-conflict
 * @req: @name, @check
 * @err: the sentence, on failure
 *
 * Return: 0 or a negative errno.
 */
int pnvme_ns_set_name(struct pnvme_ns *ns, const struct pnvme_ns_request *req,
		      struct pnvme_error *err)
{
	int ret = check_name(req->name, err);

	if (!ret)
		ret = ns_lock(ns, err);
	if (ret)
		return ret;
	ret = rename_locked(ns, req, err);
	ns_unlock(ns);
	return ret;
}

static int set_in_label(struct pnvme_ns *ns, bool read_only, u8 policy, struct pnvme_error *err)
{
	struct pnvme_label *l = pnvme_drive_draft(ns->drive);
	struct pnvme_label_ns *entry = &l->ns[ns_index(l, ns)];
	u32 flags = le32_to_cpu(entry->flags) & ~PNVME_NS_READ_ONLY;

	if (read_only)
		flags |= PNVME_NS_READ_ONLY;
	entry->flags = cpu_to_le32(flags);
	entry->policy = policy;
	return pnvme_drive_update(ns->drive, err);
}

static int set_locked(struct pnvme_ns *ns, const struct pnvme_ns_request *req,
		      struct pnvme_error *err)
{
	bool read_only = req->has_read_only ? req->read_only : ns->read_only;
	u8 policy = req->has_policy ? req->policy : ns->policy;
	int ret = writable(ns->drive, err);

	if (ret)
		return ret;
	ret = refuse_without_disk(ns, err);
	if (ret)
		return ret;
	/* whoever has it open was promised that it can be written, or not */
	if (read_only != ns->read_only) {
		ret = pnvme_ns_close(ns, read_only ? "made read-only" : "made writable",
				     req->check, err);
		if (ret)
			return ret;
	}
	if (req->check)
		return 0;
	ret = set_in_label(ns, read_only, policy, err);
	if (!ret) {
		down_write(&pnvme_view);
		WRITE_ONCE(ns->policy, policy);
		ns->read_only = read_only;
		pnvme_changed();
		up_write(&pnvme_view);
	}
	pnvme_ns_reopen(ns);
	if (ret)
		return ret;
	set_disk_ro(ns->disk, read_only);	/* sends a uevent, which udev answers by opening */
	pnvme_event_ns(PNVME_EVENT_TYPE_NS_SET, ns, "settings changed");
	return 0;
}

/**
 * pnvme_ns_set - change settings of a namespace
 * @ns: not open if @read_only changes
 * @req: @has_read_only, @read_only, @has_policy, @policy, @check
 * @err: the sentence, on failure
 *
 * Return: 0 or a negative errno.
 */
int pnvme_ns_set(struct pnvme_ns *ns, const struct pnvme_ns_request *req,
		 struct pnvme_error *err)
{
	int ret = ns_lock(ns, err);

	if (ret)
		return ret;
	ret = set_locked(ns, req, err);
	ns_unlock(ns);
	return ret;
}
