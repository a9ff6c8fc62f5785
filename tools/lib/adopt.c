// SPDX-License-Identifier: GPL-2.0
/* Adopt: everything that makes a drive unfit, in the order from cheap to thorough. */
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <uuid/uuid.h>

#include "lower.h"

static int refuse_unfit(struct pnvme *h, const struct disk *k, unsigned int flags)
{
	if (k->own)
		return fail(h, -EINVAL, k->path,
			    "%s is a namespace of pnvme itself; it cannot be adopted", k->path);
	if (!k->nvme && !(flags & PNVME_ANY)) {
		fail(h, -EINVAL, k->path, "%s is not an NVMe drive", k->path);
		set_hint(h, "pnvme drive adopt %s --any", k->path);
		return -EINVAL;
	}
	if (k->read_only)
		return fail(h, -EROFS, k->path, "%s is read-only", k->path);
	if (k->zoned)
		return fail(h, -EOPNOTSUPP, k->path,
			    "%s is zoned; labels are rewritten in place, which zones do not allow",
			    k->path);
	if (k->lba_size < 512 || k->lba_size > 4096)
		return fail(h, -EOPNOTSUPP, k->path, "%s has blocks of %u bytes; 512 to 4096 work",
			    k->path, k->lba_size);
	if (k->capacity < PNVME_MIN_CAPACITY)
		return fail(h, -ENOSPC, k->path,
			    "%s is too small: %llu bytes, at least %llu are needed", k->path,
			    (unsigned long long)k->capacity,
			    (unsigned long long)PNVME_MIN_CAPACITY);
	return 0;
}

/* Labels are never overwritten, whatever state they are in. */
static int refuse_label(struct pnvme *h, const struct disk *k, const struct labels *ls)
{
	char uuid[37], owner[37];
	const struct pnvme_label *l;
	const char *differs;
	uint8_t form[16];

	if (!ls->any_magic)
		return 0;
	if (ls->newest < 0) {
		fail(h, -EEXIST, k->path,
		     "%s carries a pnvme label that cannot be used (%s); adopt never overwrites one",
		     k->path, ls->newest_why ? ls->newest_why : "damaged");
		set_hint(h, "pnvme drive examine %s", k->path);
		return -EEXIST;
	}
	l = &ls->copy[ls->newest];
	pnvme_uuid_format(l->drive_uuid, uuid);
	pnvme_uuid_format(l->owner, owner);
	differs = disk_differs(k, l);
	if (differs) {
		fail(h, -EEXIST, k->path,
		     "%s carries a copy of the label of another drive, %s (the %s differs); adopt never overwrites a label",
		     k->path, uuid, differs);
		set_hint(h, "pnvme drive erase %s --yes=%s", k->path, uuid);
	} else if (all_zero(l->owner, 16) || host_is(h, l->owner, form)) {
		fail(h, -EEXIST, k->path,
		     "%s is adopted already, as %s: attach it, or erase it first", k->path, uuid);
		set_hint(h, "pnvme drive attach %s", k->path);
	} else {
		fail(h, -EEXIST, k->path,
		     "%s is adopted by another host (%s), as %s: import it, or erase it first",
		     k->path, owner, uuid);
		set_hint(h, "pnvme drive import %s --from %s", k->path, owner);
	}
	return -EEXIST;
}

static int refuse_content(struct pnvme *h, const struct disk *k, const struct content *c,
			  const char *overwrite)
{
	char what[200];

	if (!c->n_kinds) {
		if (!overwrite)
			return 0;
		return fail(h, -EINVAL, k->path,
			    "%s holds nothing, so no %s either: leave --overwrite out", k->path,
			    overwrite);
	}
	content_text(c, what, sizeof(what));
	if (!overwrite) {
		fail(h, -ENOTEMPTY, k->path, "%s holds %s; adopting it would destroy that", k->path,
		     what);
		set_hint(h, "pnvme drive adopt %s --overwrite=%s", k->path, c->kinds[0]);
		return -ENOTEMPTY;
	}
	if (strcmp(overwrite, c->kinds[0])) {
		fail(h, -ENOTEMPTY, k->path, "%s holds %s, not %s", k->path, what, overwrite);
		set_hint(h, "look again; --overwrite=%s is what would destroy it", c->kinds[0]);
		return -ENOTEMPTY;
	}
	return 0;
}

static const struct pnvme_drive *wiped_on(const struct pnvme_inventory *inv, const struct disk *k)
{
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		if (inv->drives[i]->verdict == PNVME_VERDICT_WIPED &&
		    inv->drives[i]->diskseq == k->diskseq &&
		    !strcmp(inv->drives[i]->name, k->name))
			return inv->drives[i];
	return NULL;
}

/*
 * What is on a drive of this host that has lost its label may be its namespaces: that is for
 * who knows them to decide, and no word for --overwrite says it. @replaces: that was decided.
 */
static int refuse_wiped(struct pnvme *h, const struct disk *k, const uint8_t *replaces)
{
	const struct pnvme_drive *d;
	struct pnvme_inventory *inv;
	char uuid[37];
	int ret = pnvme_inventory_get(h, PNVME_LOOK_BUS | PNVME_LOOK_MODULE | PNVME_LOOK_RECORD |
				      PNVME_LOOK_OPTIONAL, &inv);

	if (ret)
		return ret;
	d = wiped_on(inv, k);
	if (d && !(replaces && !memcmp(replaces, d->uuid, 16))) {
		pnvme_uuid_format(d->uuid, uuid);
		ret = fail(h, -EEXIST, k->path,
			   "%s is drive %s of this host, without its label, and holds something; adopting it would destroy its namespaces",
			   k->path, uuid);
		if (!strncmp(d->next, "pnvme drive restore ", 20))
			set_hint(h, "%s; or pnvme drive replace %s %s, or pnvme drive forget %s",
				 d->next, uuid, k->path, uuid);
		else
			set_hint(h, "%s; or pnvme drive forget %s", d->next, uuid);
	}
	pnvme_inventory_free(inv);
	return ret;
}

static int busy(struct pnvme *h, const struct disk *k)
{
	struct holders found;

	holders_find(k->name, &found);
	if (found.n)
		return fail(h, -EBUSY, k->path, "%s is in use: %s", k->path, found.text);
	return fail(h, -EBUSY, k->path, "%s is in use", k->path);
}

/* Alone with the drive, if only until it is closed. */
int disk_open_alone(struct pnvme *h, const struct disk *k, int mode)
{
	struct patience p = { 0 };
	const char *names[] = { k->name };
	int fd;

	do {
		fd = disk_open(h, k, mode | O_EXCL);
	} while (fd == -EBUSY && busy_wait(&p, names, 1));
	return fd == -EBUSY ? busy(h, k) : fd;
}

static int refuse_attached(struct pnvme *h, const struct disk *k)
{
	struct pnvme_inventory *inv = inventory_new();
	char uuid[37];
	size_t i;
	int ret;

	if (!inv)
		return fail_nomem(h);
	ret = kernel_drives(h, inv);
	for (i = 0; !ret && i < inv->n_drives; i++) {
		const struct pnvme_drive *d = inv->drives[i];

		if (d->major != k->major || d->minor != k->minor)
			continue;
		pnvme_uuid_format(d->uuid, uuid);
		ret = fail(h, -EBUSY, k->path, "%s is adopted and attached already, as pnvme%d (%s)",
			   k->path, d->instance, uuid);
	}
	pnvme_inventory_free(inv);
	return ret;
}

static int look_inside(struct pnvme *h, const struct disk *k, const char *overwrite,
		       const uint8_t *replaces, bool *dirty)
{
	struct content c;
	struct labels ls;
	int fd, ret;

	fd = disk_open_alone(h, k, O_RDONLY);
	if (fd < 0)
		return fd;
	ret = labels_read(h, k->path, fd, k->capacity, &ls);
	if (!ret) {
		ret = refuse_label(h, k, &ls);
		labels_free(&ls);
	}
	if (!ret)
		ret = probe_content(h, k->path, fd, k->capacity, PROBE_FULL, &c);
	if (!ret && c.n_kinds)
		ret = refuse_wiped(h, k, replaces);
	if (!ret)
		ret = refuse_content(h, k, &c, overwrite);
	/* behind a fence that is there already may lie what an earlier try was to overwrite */
	if (!ret)
		*dirty = c.n_kinds > 0 || c.fence;
	close(fd);
	return ret;
}

/* Is it still what was looked at? Signatures, and the ends of the drive. */
static int look_again(struct pnvme *h, const struct disk *k, int fd, const char *overwrite)
{
	struct content c;
	int ret = probe_content(h, k->path, fd, k->capacity, PROBE_CHEAP, &c);

	if (ret)
		return ret;
	if (!c.n_kinds || (overwrite && !strcmp(c.kinds[0], overwrite)))
		return 0;
	return refuse_content(h, k, &c, overwrite);
}

/* The fence must still be there when the drive is given to the module. */
static int check_fence(struct pnvme *h, const struct disk *k, int fd)
{
	struct content c;
	int ret = probe_content(h, k->path, fd, k->capacity, PROBE_CHEAP, &c);

	/* data that was to be overwritten is still there; a signature is new */
	if (ret || (c.fence && (!c.n_kinds || !strcmp(c.kinds[0], "data"))))
		return ret;
	return fail(h, -ESTALE, k->path, "somebody else writes %s while it is adopted; look at it again",
		    k->path);
}

/*
 * The partition of a new fence makes udev start its gate. The gate must look
 * before there is a label: afterwards it might attach what a person has just
 * detached. Bounded: a queue that is stuck is not ours to wait for.
 */
static void let_udev_look(void)
{
	const struct timespec step = { .tv_nsec = 50 * 1000 * 1000 };
	unsigned int i;

	if (access("/run/udev/control", F_OK))
		return;
	for (i = 0; i < 600; i++) {
		nanosleep(&step, NULL);
		if (access("/run/udev/queue", F_OK))
			return;
	}
}

/* Signatures go, the fence comes. */
static int wipe_and_fence(struct pnvme *h, const struct disk *k, const char *overwrite)
{
	int fd = disk_open(h, k, O_RDWR), ret = 0;

	if (fd < 0)
		return fd;
	h->partly = true;
	if (overwrite)
		ret = probe_wipe(h, k->path, fd);
	if (!ret)
		ret = fence_write(h, k->path, fd);
	close(fd);
	return ret;
}

/*
 * Alone with the drive from the last look until the fence is seen to stand, by a
 * descriptor that cannot write: udev looks anew at what was closed after writing,
 * which must be over before there is a label, and it makes the partition come anew
 * where nobody is alone with the drive.
 */
int disk_fence(struct pnvme *h, const struct disk *k, const char *overwrite)
{
	int guard = disk_open_alone(h, k, O_RDONLY), ret;

	if (guard < 0)
		return guard;
	ret = look_again(h, k, guard, overwrite);
	if (!ret)
		ret = wipe_and_fence(h, k, overwrite);
	if (!ret) {
		fence_show(guard);
		let_udev_look();
		ret = check_fence(h, k, guard);
	}
	close(guard);
	return ret;
}

struct adoption {
	struct disk	disk;
	uint8_t		uuid[16];
	uint8_t		host[16];
	bool		dirty;
};

static int prepare(struct pnvme *h, const char *dev, const char *overwrite,
		   const uint8_t *replaces, unsigned int flags, struct adoption *a)
{
	int ret;

	ret = disk_named(h, dev, &a->disk);
	if (!ret)
		ret = refuse_unfit(h, &a->disk, flags);
	if (!ret)
		ret = refuse_attached(h, &a->disk);
	if (!ret)
		ret = host_id(h, a->host);
	if (!ret)
		ret = look_inside(h, &a->disk, overwrite, replaces, &a->dirty);
	uuid_generate_random(a->uuid);
	return ret;
}

int disk_adopt(struct pnvme *h, const char *dev, const char *overwrite, const uint8_t *replaces,
	       unsigned int flags, struct pnvme_drive **out)
{
	struct adoption a = { 0 };
	struct pnvme_drive d;
	int ret;

	drive_init(&d);
	ret = prepare(h, dev, overwrite, replaces, flags, &a);
	if (!ret)
		ret = lower_adopt(h, &a.disk, a.uuid, a.host, a.dirty, flags | PNVME_CHECK, &d);
	if (ret || flags & PNVME_CHECK) {
		if (!ret)
			disk_to_drive(&a.disk, &d);
		return ret ? ret : drive_hand_on(h, &d, out);
	}
	ret = disk_fence(h, &a.disk, overwrite);
	if (!ret)
		ret = lower_adopt(h, &a.disk, a.uuid, a.host, a.dirty, flags, &d);
	if (ret)
		return ret;
	h->partly = false;
	record_update(h, a.uuid);
	return drive_hand_on(h, &d, out);
}

API int pnvme_drive_adopt(struct pnvme *h, const char *dev, const char *overwrite,
			  unsigned int flags, struct pnvme_drive **out)
{
	enter(h);
	return leave(h, disk_adopt(h, dev, overwrite, NULL, flags, out));
}
