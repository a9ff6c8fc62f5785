// SPDX-License-Identifier: GPL-2.0
/* Import, erase, forget: a drive that has a label gets another owner, or none. */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "archive.h"
#include "attach.h"

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
		ret = subject_look(h, s, NULL);
	if (!ret)
		ret = subject_host(h, s);
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

/* Who is the owner already attaches it, and then it is seen if the label is an old one. */
static int refuse_own(struct pnvme *h, const struct subject *s, const uint8_t from[16])
{
	uint8_t form[16];

	if (!host_is(h, from, form)) {
		forget_error(h);
		return 0;
	}
	fail(h, -EINVAL, s->disk.path, "%s is this host's already, there is nothing to import: attach it",
	     s->disk.path);
	set_hint(h, "pnvme drive attach %s", s->disk.path);
	return -EINVAL;
}

/* An image that was put back. Import cannot tell the module not to trust all of such a label. */
static int refuse_older(struct pnvme *h, const struct subject *s)
{
	const struct pnvme_drive *d = &s->drive;
	struct pnvme_drive known;
	char uuid[37];

	if (!recorded_drive(h, d->uuid, &known) || !label_is_older(d, &known))
		return 0;
	pnvme_uuid_format(d->uuid, uuid);
	fail(h, -ESTALE, s->disk.path,
	     "the label of %s is older (generation %llu of attach %llu) than this host last saw it (%llu of %llu): an image was put back, and seals and deleted namespaces in it cannot be trusted",
	     s->disk.path, (unsigned long long)d->sequence, (unsigned long long)d->epoch,
	     (unsigned long long)known.sequence, (unsigned long long)known.epoch);
	set_hint(h, "to trust them all the same: pnvme drive forget %s, then import it", uuid);
	return -ESTALE;
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
		ret = refuse_own(h, &s, from);
	if (!ret)
		ret = refuse_older(h, &s);
	/* the drive of this UUID may be another, that is in use: what is refused leaves its archive */
	if (!ret)
		ret = lower_import(h, &s.disk, s.drive.uuid, s.host, from, flags | PNVME_CHECK, &d);
	if (!ret && !(flags & PNVME_CHECK)) {
		archive_disk(h, &s.disk, flags);
		ret = lower_import(h, &s.disk, s.drive.uuid, s.host, from, flags, &d);
	}
	if (ret)
		return leave(h, ret);
	if (flags & PNVME_CHECK)
		d = s.drive;
	else
		record_attached(h, &(struct attached){ .uuid = s.drive.uuid }, 1);
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
	ret = lower_erase(h, &s.disk, uuid, s.host, flags | PNVME_CHECK);
	if (ret || flags & PNVME_CHECK)
		return leave(h, ret);
	/* a copy has a history of its own, with the original's UUID */
	if (s.drive.verdict != PNVME_VERDICT_CLONED)
		archive_disk(h, &s.disk, flags);
	ret = lower_erase(h, &s.disk, uuid, s.host, flags);
	if (!ret) {
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
