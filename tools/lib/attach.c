// SPDX-License-Identifier: GPL-2.0
/* Attach, the gate, import, erase, forget: what happens to a drive that has a label. */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "lower.h"
#include "policy.h"

/**
 * struct subject - a drive with its label, judged
 * @disk: the device
 * @drive: what label and verdict say of it
 * @host: this host's ID, in the form that the label uses
 * @roster: in its label
 * @strong: the label names a hardware ID
 * @record_lacks: unrecorded, and the record is to blame: it is lost, or older than the label
 * @stale: the drive has had a newer label, also if that was accepted
 */
struct subject {
	struct disk		disk;
	struct pnvme_drive	drive;
	uint8_t			host[16];
	struct roster		roster;
	bool			strong;
	bool			record_lacks;
	bool			stale;
};

/* false: there is none */
static bool entry(const struct record *r, const uint8_t uuid[16], struct pnvme_drive *out)
{
	int i = r ? record_find(r, uuid) : -ENOENT;

	drive_init(out);
	if (i >= 0)
		record_drive(r, (size_t)i, out, NULL);
	return i >= 0;
}

/* What the record says of a drive; false: nothing, or there is no record to be had. */
static bool recorded_drive(struct pnvme *h, const uint8_t uuid[16], struct pnvme_drive *out)
{
	struct record *r;
	int ret = record_load(h, &r);
	bool known;

	if (ret && ret != -ENOENT)
		note(h, "%s", h->failed.message);
	forget_error(h);
	known = entry(r, uuid, out);
	record_free(r);
	return known;
}

/* The same with what a newer roster in the label adds. */
static void judge(struct pnvme *h, struct subject *s, const struct pnvme_label *l)
{
	struct pnvme_drive recorded;
	struct record *r;
	int ret = record_load(h, &r);

	if (ret && ret != -ENOENT)
		note(h, "%s", h->failed.message);
	forget_error(h);
	roster_of_label(l, &s->roster);
	s->strong = l->hwid_type != PNVME_HWID_NONE;
	if (r)
		record_merge(r, &s->roster);
	judge_label(h, &s->disk, l, entry(r, l->drive_uuid, &recorded) ? &recorded : NULL,
		    &s->drive);
	s->record_lacks = s->drive.verdict == PNVME_VERDICT_UNRECORDED &&
			  (s->drive.from_roster || (r && record_is_lost(r)));
	s->stale = s->drive.verdict == PNVME_VERDICT_STALE || (r && record_stale(r, l->drive_uuid));
	record_free(r);
}

static int no_label(struct pnvme *h, const struct disk *k, const struct labels *ls)
{
	if (ls->any_magic) {
		fail(h, -EBADMSG, k->path, "the pnvme label of %s cannot be used: %s", k->path,
		     ls->newest_why ? ls->newest_why : "damaged");
		set_hint(h, "pnvme drive examine %s", k->path);
		return -EBADMSG;
	}
	if (ls->newest != PNVME_LABEL_NONE) {
		fail(h, -EIO, k->path, "%s cannot be read where its label would be: look at its health",
		     k->path);
		return -EIO;
	}
	fail(h, -ENODATA, k->path, "%s carries no pnvme label", k->path);
	set_hint(h, "pnvme drive adopt %s", k->path);
	return -ENODATA;
}

/* Read the label and judge it; -ENODATA: none. */
static int look_at(struct pnvme *h, struct subject *s)
{
	struct labels ls;
	int ret;

	ret = labels_read_disk(h, &s->disk, &ls);
	if (ret)
		return ret;
	drive_init(&s->drive);
	disk_to_drive(&s->disk, &s->drive);
	if (ls.newest < 0) {
		ret = no_label(h, &s->disk, &ls);
	} else {
		const struct pnvme_label *l = &ls.copy[ls.newest];

		label_to_drive(l, &s->drive);
		judge(h, s, l);
	}
	labels_free(&ls);
	return ret;
}

/* The form of our ID that the label has, so that the module sees them equal. */
static int choose_host(struct pnvme *h, struct subject *s)
{
	int ret = host_id(h, s->host);

	if (!ret)
		host_is(h, s->drive.owner, s->host);
	return ret;
}

/* 1: it is attached, *d is filled; 0: it is not. */
static int attached_drive(struct pnvme *h, const struct disk *k, struct pnvme_drive *d)
{
	struct pnvme_inventory *inv = inventory_new();
	size_t i;
	int ret;

	if (!inv)
		return fail_nomem(h);
	ret = kernel_drives(h, inv);
	for (i = 0; !ret && i < inv->n_drives; i++) {
		if (inv->drives[i]->major != k->major || inv->drives[i]->minor != k->minor ||
		    inv->drives[i]->diskseq != k->diskseq)
			continue;
		*d = *inv->drives[i];
		ret = 1;
	}
	pnvme_inventory_free(inv);
	return ret;
}

/* udev's gate, the boot's, and a person may all attach the same drive at once: one does. */
static bool lost_race(struct pnvme *h, const struct disk *k, struct pnvme_drive *d)
{
	struct failure saved = h->failed;
	bool attached = attached_drive(h, k, d) > 0;

	h->failed = saved;
	attached = attached && d->state != PNVME_STATUS_FAILED;
	if (attached)
		forget_error(h);
	return attached;
}

static int attach_subject(struct pnvme *h, struct subject *s, unsigned int flags,
			  struct pnvme_drive **out)
{
	struct pnvme_drive d;
	char owner[37];
	int ret;

	ret = choose_host(h, s);
	if (ret)
		return ret;
	/* what the archive has of later is of a history that this ends */
	if (s->drive.verdict == PNVME_VERDICT_STALE)
		archive_disk(h, &s->disk, flags);
	drive_init(&d);
	ret = lower_attach(h, &s->disk, s->drive.uuid, s->host, s->stale, flags, &d);
	if (ret && lost_race(h, &s->disk, &d))
		return drive_hand_on(h, &d, out);
	if (ret && s->drive.verdict == PNVME_VERDICT_FOREIGN) {
		pnvme_uuid_format(s->drive.owner, owner);
		set_hint(h, "pnvme drive import %s --from %s", s->disk.path, owner);
	}
	if (ret)
		return ret;
	if (!(flags & PNVME_CHECK))
		record_attached(h, s->drive.uuid, is_owned(&s->drive) ? &s->roster : NULL);
	else
		d = s->drive;
	return drive_hand_on(h, &d, out);
}

/* It is attached: see to it that the record knows, which may have been lost since. */
static int attached_already(struct pnvme *h, const struct pnvme_drive *d, unsigned int flags,
			    struct pnvme_drive **out)
{
	struct pnvme_drive recorded;

	if (!(flags & PNVME_CHECK) &&
	    (!recorded_drive(h, d->uuid, &recorded) || recorded.from_roster))
		record_attached(h, d->uuid, NULL);
	return drive_hand_on(h, d, out);
}

int disk_attach(struct pnvme *h, const struct disk *k, unsigned int flags,
		       struct pnvme_drive **out)
{
	struct subject s = { .disk = *k };
	int ret;

	ret = attached_drive(h, k, &s.drive);
	/* one that failed is tried again */
	if (ret < 0 || (ret && s.drive.state != PNVME_STATUS_FAILED))
		return ret < 0 ? ret : attached_already(h, &s.drive, flags, out);
	ret = look_at(h, &s);
	return ret ? ret : attach_subject(h, &s, flags, out);
}

/* A device by path or name; anything else is looked for among all drives. */
int disk_named(struct pnvme *h, const char *drive, struct disk *k)
{
	struct pnvme_inventory *inv;
	struct stat st;
	char path[80];
	int i, ret;

	put_text(path, sizeof(path), "/dev/%.60s", drive);
	if (strchr(drive, '/') || (!stat(path, &st) && !S_ISDIR(st.st_mode)))
		return disk_find(h, drive, k);
	ret = pnvme_inventory_get(h, PNVME_LOOK_MODULE | PNVME_LOOK_BUS | PNVME_LOOK_RECORD |
				  PNVME_LOOK_OPTIONAL, &inv);
	if (ret)
		return ret;
	i = pnvme_find_drive(h, inv, drive);
	if (i < 0)
		ret = i;
	else if (!inv->drives[i]->name[0] || disk_read(inv->drives[i]->name, k))
		ret = fail(h, -ENODEV, drive, "%s is not here: %s", drive,
			   inv->drives[i]->evidence);
	else if (k->major != inv->drives[i]->major || k->minor != inv->drives[i]->minor ||
		 k->diskseq != inv->drives[i]->diskseq)
		ret = fail(h, -ESTALE, drive, "%s has become another device meanwhile; try again",
			   k->path);
	pnvme_inventory_free(inv);
	return ret;
}

API int pnvme_drive_attach(struct pnvme *h, const char *drive, unsigned int flags,
			   struct pnvme_drive **out)
{
	struct disk k;
	int ret;

	enter(h);
	ret = disk_named(h, drive, &k);
	return leave(h, ret ? ret : disk_attach(h, &k, flags & ~PNVME_IDENTITY, out));
}

/* The gate */

/* Of what is this host's alone: the policy cannot let in anything else. */
static bool gate_opens(const struct policy *p, const struct subject *s)
{
	switch (s->drive.verdict) {
	case PNVME_VERDICT_INTACT:
		return p->attach & GATE_INTACT;
	case PNVME_VERDICT_STALE:
		return p->attach & GATE_STALE;
	case PNVME_VERDICT_UNRECORDED:
		return p->attach & GATE_UNRECORDED ||
		       (s->record_lacks && p->attach & GATE_LOST_RECORD);
	default:
		return false;
	}
}

/*
 * What backs a drive that is exported over fabrics carries that drive's label:
 * it is no NVMe drive, and the label names an NVMe hardware ID.
 */
static bool is_backing_store(const struct subject *s)
{
	return s->drive.verdict == PNVME_VERDICT_CLONED && !s->drive.nvme && s->strong;
}

static bool is_nobodys(const struct subject *s)
{
	return s->drive.verdict == PNVME_VERDICT_FOREIGN || all_zero(s->drive.owner, 16) ||
	       is_backing_store(s);
}

/* A bad policy is told of where it keeps something out, and as a remark else. */
static int pass_gate(struct pnvme *h, const struct subject *s)
{
	struct policy p;
	int ret = policy_load(h, &p);

	if (gate_opens(&p, s)) {
		if (ret)
			note(h, "%s", h->failed.message);
		forget_error(h);
		return 0;
	}
	if (ret) {
		char why[300];

		put_text(why, sizeof(why), "%s", h->failed.message);
		fail(h, -EKEYREJECTED, s->disk.path,
		     "%s is not attached by itself: %s: %.200s; the policy cannot be used: %s",
		     s->disk.path, pnvme_verdict_name(s->drive.verdict), s->drive.evidence, why);
		set_hint(h, "correct the policy, then run pnvme drive attach --auto");
		return -EKEYREJECTED;
	}
	fail(h, -EKEYREJECTED, s->disk.path, "%s is not attached by itself: %s: %s", s->disk.path,
	     pnvme_verdict_name(s->drive.verdict), s->drive.evidence);
	set_hint(h, "pnvme drive examine %s", s->disk.path);
	return -EKEYREJECTED;
}

/* What is ours: attach it or refuse it, and tell which. */
static int at_gate(struct pnvme *h, struct subject *s, unsigned int flags,
		   struct pnvme_drive **out)
{
	struct pnvme_drive d;
	int ret = attached_drive(h, &s->disk, &d);

	if (ret)
		return ret < 0 ? ret : attached_already(h, &d, flags, out);
	ret = pass_gate(h, s);
	if (!(flags & PNVME_CHECK))
		verdict_report(h, &s->drive);
	return ret ? ret : attach_subject(h, s, flags, out);
}

API int pnvme_drive_gate(struct pnvme *h, const char *dev, unsigned int flags, bool *attached,
			 struct pnvme_drive **out)
{
	struct subject s = { 0 };
	int ret;

	enter(h);
	*attached = false;
	if (out)
		*out = NULL;
	record_wait(h);
	ret = disk_find(h, dev, &s.disk);
	if (ret || s.disk.own)
		return leave(h, ret);
	ret = look_at(h, &s);
	if (ret == -ENODATA) {
		forget_error(h);
		return leave(h, 0);
	}
	if (ret)
		return leave(h, ret);
	if (is_nobodys(&s))
		return leave(h, 0);
	ret = at_gate(h, &s, flags, out);
	*attached = !ret;
	return leave(h, ret);
}

/* Import and erase */

int lower_refuse_attached(struct pnvme *h, const struct disk *k)
{
	struct pnvme_drive d;
	int ret = attached_drive(h, k, &d);

	if (ret <= 0)
		return ret;
	fail(h, -EBUSY, k->path, "%s is attached, as pnvme%d", k->path, d.instance);
	set_hint(h, "pnvme drive detach pnvme%d", d.instance);
	return -EBUSY;
}

static int subject_of(struct pnvme *h, const char *dev, struct subject *s)
{
	int ret = disk_named(h, dev, &s->disk);

	if (!ret)
		ret = lower_refuse_attached(h, &s->disk);
	if (!ret)
		ret = look_at(h, s);
	if (!ret)
		ret = choose_host(h, s);
	return ret;
}

static int check_owner(struct pnvme *h, const struct subject *s, const uint8_t from[16])
{
	char owner[37];

	if (!memcmp(s->drive.owner, from, 16))
		return 0;
	pnvme_uuid_format(s->drive.owner, owner);
	fail(h, -EINVAL, s->disk.path, "the owner of %s is another one than was given: %s",
	     s->disk.path, all_zero(s->drive.owner, 16) ? "none, it was released" : owner);
	set_hint(h, "pnvme drive examine %s", s->disk.path);
	return -EINVAL;
}

API int pnvme_drive_import(struct pnvme *h, const char *dev, const uint8_t from[16],
			   unsigned int flags, struct pnvme_drive **out)
{
	struct subject s = { 0 };
	struct pnvme_drive d;
	int ret;

	enter(h);
	drive_init(&d);
	ret = subject_of(h, dev, &s);
	if (!ret)
		ret = check_owner(h, &s, from);
	if (!ret)
		ret = host_id(h, s.host);
	if (!ret)
		archive_disk(h, &s.disk, flags);
	if (!ret)
		ret = lower_import(h, &s.disk, s.drive.uuid, s.host, from, flags, &d);
	if (ret)
		return leave(h, ret);
	if (flags & PNVME_CHECK)
		d = s.drive;
	else
		record_attached(h, s.drive.uuid, NULL);
	return leave(h, drive_hand_on(h, &d, out));
}

static int discard_data(struct pnvme *h, const struct disk *k, int fd)
{
	uint64_t range[2] = { PNVME_DATA_START, pnvme_data_end(k->capacity) - PNVME_DATA_START };

	if (ioctl(fd, BLKDISCARD, range))
		return fail(h, -errno, k->path,
			    "label and fence of %s are gone, but its data could not be discarded: %s",
			    k->path, strerror(errno));
	return 0;
}

static int remove_rest(struct pnvme *h, const struct disk *k, unsigned int flags)
{
	struct content c;
	int fd = disk_open(h, k, O_RDWR | O_EXCL), ret;

	if (fd < 0)
		return fd;
	ret = probe_content(h, k->path, fd, k->capacity, PROBE_CHEAP, &c);
	if (!ret && c.fence) {
		ret = fence_remove(h, k->path, fd, k->capacity);
		h->partly = true;
	}
	if (!ret && flags & PNVME_DISCARD)
		ret = discard_data(h, k, fd);
	close(fd);
	return ret;
}

/* An erase that was interrupted has left the fence: 1 if so. */
static int has_fence(struct pnvme *h, const struct disk *k)
{
	struct content c;
	int fd = disk_open(h, k, O_RDONLY), ret;

	if (fd < 0)
		return fd;
	ret = probe_content(h, k->path, fd, k->capacity, PROBE_CHEAP, &c);
	close(fd);
	return ret ? ret : c.fence;
}

/* Does the record mean this very hardware? A clone's label has the original's UUID. */
static bool record_means(struct pnvme *h, const uint8_t uuid[16], const struct disk *k)
{
	struct pnvme_drive d;

	return recorded_drive(h, uuid, &d) && !memcmp(d.hwid, k->hwid, 16) &&
	       !strcmp(d.serial, k->serial) && !strcmp(d.model, k->model);
}

/*
 * Which drive it is: by its label; a damaged one that the module finds to name
 * @uuid will do. *rest: there is no label any more, only what goes with it.
 */
static int erase_subject(struct pnvme *h, const char *dev, const uint8_t uuid[16],
			 struct subject *s, bool *rest)
{
	int ret = subject_of(h, dev, s), fence;
	struct failure why = h->failed;

	*rest = false;
	if (ret != -EBADMSG && ret != -ENODATA)
		return ret;
	if (ret == -EBADMSG) {
		memcpy(s->drive.uuid, uuid, 16);
		if (!record_means(h, uuid, &s->disk))
			s->drive.verdict = PNVME_VERDICT_CLONED;
		return host_id(h, s->host);
	}
	fence = has_fence(h, &s->disk);
	h->failed = why;
	*rest = fence > 0;
	return *rest ? 0 : ret;
}

API int pnvme_drive_erase(struct pnvme *h, const char *dev, const uint8_t uuid[16],
			  unsigned int flags)
{
	struct subject s = { 0 };
	char is[37];
	bool rest;
	int ret;

	enter(h);
	ret = erase_subject(h, dev, uuid, &s, &rest);
	if (ret)
		return leave(h, ret);
	if (rest && flags & PNVME_DISCARD)
		return leave(h, fail(h, -EINVAL, s.disk.path,
				     "%s has a fence and no label, so nothing tells that it is the drive that was given: leave --discard out; blkdiscard discards it afterwards",
				     s.disk.path));
	if (rest)
		return leave(h, flags & PNVME_CHECK ? 0 : remove_rest(h, &s.disk, flags));
	if (memcmp(s.drive.uuid, uuid, 16)) {
		pnvme_uuid_format(s.drive.uuid, is);
		return leave(h, fail(h, -EINVAL, s.disk.path,
				     "the drive %s is %s, another one than was given",
				     s.disk.path, is));
	}
	if (flags & PNVME_DISCARD && !s.disk.discard)
		return leave(h, fail(h, -EOPNOTSUPP, s.disk.path,
				     "%s cannot discard; leave --discard out, its data stays then",
				     s.disk.path));
	/* a copy has a history of its own, with the original's UUID */
	if (s.drive.verdict != PNVME_VERDICT_CLONED)
		archive_disk(h, &s.disk, flags);
	ret = lower_erase(h, &s.disk, uuid, s.host, flags);
	if (!ret && !(flags & PNVME_CHECK)) {
		if (s.drive.verdict != PNVME_VERDICT_CLONED)
			record_drop(h, uuid);	/* the record speaks of the original */
		ret = remove_rest(h, &s.disk, flags);
		h->partly = ret != 0;
	}
	return leave(h, ret);
}

/* Or a roster that is newer than the record: status shows those drives as well. */
static int record_knows(struct pnvme *h, const uint8_t uuid[16])
{
	struct roster newest;
	struct record *r;
	char text[37];
	int ret = record_load(h, &r);

	if (ret && ret != -ENOENT)
		note(h, "%s", h->failed.message);
	forget_error(h);
	if (!r)
		return fail_nomem(h);
	roster_newest(h, &newest);
	ret = record_merge(r, &newest);
	if (!ret && record_find(r, uuid) < 0)
		ret = -ENOENT;
	record_free(r);
	pnvme_uuid_format(uuid, text);
	return ret == -ENOENT ? fail(h, ret, text, "the record knows no drive %s", text) :
	       ret ? fail_nomem(h) : 0;
}

API int pnvme_drive_forget(struct pnvme *h, const uint8_t uuid[16], unsigned int flags)
{
	struct pnvme_drive d;
	char text[37];
	int ret;

	enter(h);
	pnvme_uuid_format(uuid, text);
	ret = record_knows(h, uuid);
	if (ret)
		return leave(h, ret);
	drive_init(&d);
	ret = kernel_drive(h, uuid, &d);
	if (!ret) {
		fail(h, -EBUSY, text, "%s is attached, as pnvme%d", text, d.instance);
		set_hint(h, "pnvme drive detach pnvme%d", d.instance);
		return leave(h, -EBUSY);
	}
	forget_error(h);
	if (ret != -ENOENT && ret != -ENODEV && ret != -PNVME_ENOMODULE)
		return leave(h, ret);
	return leave(h, flags & PNVME_CHECK ? 0 : record_remove(h, uuid));
}
