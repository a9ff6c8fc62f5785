// SPDX-License-Identifier: GPL-2.0
/* Label copies on a drive, read without the module; examine. */
#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lower.h"

#define ALIGNMENT 4096

/*
 * The module writes labels past the page cache: they have to be read so too. A
 * file on a filesystem without O_DIRECT is no live drive.
 */
static int open_direct(struct pnvme *h, const char *path, int like)
{
	char self[64];
	int fd;

	put_text(self, sizeof(self), "/proc/self/fd/%d", like);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_DIRECT);
	if (fd < 0 && errno == EINVAL)
		fd = open(self, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(h, -errno, path, "%s: %s", path, strerror(errno));
	return fd;
}

static int read_full(int fd, void *buf, size_t n, uint64_t offset)
{
	char *p = buf;
	ssize_t got;

	while (n) {
		got = pread(fd, p, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		p += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

static bool has_magic(const struct pnvme_label *l)
{
	return !memcmp(l->magic, PNVME_LABEL_MAGIC, sizeof(l->magic));
}

static void read_slots(int fd, uint64_t capacity, struct labels *ls)
{
	const struct pnvme_label *copies[PNVME_LABEL_SLOTS] = { NULL };
	unsigned int i;
	int ret;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		ls->offset[i] = pnvme_label_slot(capacity, i);
		ret = read_full(fd, &ls->copy[i], sizeof(ls->copy[i]), ls->offset[i]);
		if (ret) {
			ls->status[i] = ret;
			ls->why[i] = "cannot be read";
			continue;
		}
		copies[i] = &ls->copy[i];
		ls->any_magic |= has_magic(copies[i]);
		ls->status[i] = pnvme_label_check(copies[i], &ls->why[i]);
	}
	ls->newest = pnvme_label_pick(copies, &ls->repair, &ls->newest_why);
}

int labels_read(struct pnvme *h, const char *path, int fd, uint64_t capacity, struct labels *ls)
{
	int direct;
	void *copy;

	memset(ls, 0, sizeof(*ls));
	ls->newest = PNVME_LABEL_NONE;
	ls->newest_why = "too small to hold a label";
	if (capacity < PNVME_MIN_CAPACITY)
		return 0;
	direct = open_direct(h, path, fd);
	if (direct < 0)
		return direct;
	if (posix_memalign(&copy, ALIGNMENT, PNVME_LABEL_SLOTS * sizeof(struct pnvme_label))) {
		close(direct);
		return fail_nomem(h);
	}
	memset(copy, 0, PNVME_LABEL_SLOTS * sizeof(struct pnvme_label));
	ls->copy = copy;
	read_slots(direct, capacity, ls);
	close(direct);
	return 0;
}

void labels_free(struct labels *ls)
{
	free(ls->copy);
	ls->copy = NULL;
}

int labels_read_disk(struct pnvme *h, const struct disk *k, struct labels *ls)
{
	int fd = disk_open(h, k, O_RDONLY), ret;

	if (fd < 0)
		return fd;
	ret = labels_read(h, k->path, fd, k->capacity, ls);
	close(fd);
	return ret;
}

/* Slot after slot: where all copies are equal, as on an attached drive, that is one read. */
int label_read(struct pnvme *h, const struct disk *k, const uint8_t uuid[16], uint64_t sequence,
	       struct pnvme_label **out)
{
	int fd = disk_open(h, k, O_RDONLY), direct, ret = -ESTALE;
	const char *why;
	unsigned int i;
	void *copy;

	if (fd < 0)
		return fd;
	direct = open_direct(h, k->path, fd);
	close(fd);
	if (direct < 0)
		return direct;
	if (posix_memalign(&copy, ALIGNMENT, PNVME_LABEL_BYTES)) {
		close(direct);
		return -ENOMEM;
	}
	*out = copy;
	for (i = 0; ret && i < PNVME_LABEL_SLOTS; i++)
		if (!read_full(direct, copy, PNVME_LABEL_BYTES, pnvme_label_slot(k->capacity, i)) &&
		    !pnvme_label_check(*out, &why) && !memcmp((*out)->drive_uuid, uuid, 16) &&
		    le64toh((*out)->sequence) == sequence)
			ret = 0;
	close(direct);
	if (ret)
		free(copy);
	return ret;
}

void label_to_drive(const struct pnvme_label *l, struct pnvme_drive *d)
{
	struct pnvme_space space;
	unsigned int i;

	d->labelled = true;
	d->state = PNVME_STATUS_DETACHED;
	memcpy(d->uuid, l->drive_uuid, 16);
	memcpy(d->owner, l->owner, 16);
	memcpy(d->hwid, l->hwid, 16);
	d->hwid_type = l->hwid_type;
	d->proof = l->hwid_type == PNVME_HWID_NONE ? PNVME_PROOF_WEAK : PNVME_PROOF_STRONG;
	d->epoch = le64toh(l->epoch);
	d->sequence = le64toh(l->sequence);
	d->has_settings = true;
	d->hold_timeout = le32toh(l->hold_timeout);
	d->latency = le32toh(l->latency);
	d->on_resume = l->on_resume;
	d->hold_proof = l->hold_proof;
	pnvme_space_get(l, &space);
	d->size = space.size;
	d->free = space.free;
	d->largest_free = space.largest;
	for (i = 0; i < PNVME_NS_MAX; i++)
		d->namespaces += pnvme_table_used(&l->ns[i]);
}

static void seal_to_namespace(const struct pnvme_label_seal *seal, struct pnvme_namespace *ns)
{
	ns->seal = seal->state;
	ns->sealed_at = le64toh(seal->sealed_at);
	ns->seal_broken_at = le64toh(seal->broken_at);
	ns->seal_samples = le32toh(seal->samples);
	ns->seal_looked = le64toh(seal->looked);
	memcpy(ns->seal_seed, seal->seed, sizeof(ns->seal_seed));
	memcpy(ns->seal_digest, seal->digest, sizeof(ns->seal_digest));
}

int label_to_namespaces(struct pnvme *h, const struct pnvme_label *l,
			struct pnvme_inventory *inv)
{
	struct pnvme_namespace *ns;
	unsigned int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		const struct pnvme_label_ns *e = &l->ns[i];

		if (!pnvme_table_used(e))
			continue;
		ns = inventory_add_ns(inv);
		if (!ns)
			return fail_nomem(h);
		memcpy(ns->uuid, e->uuid, 16);
		memcpy(ns->nguid, e->nguid, 16);
		memcpy(ns->drive, l->drive_uuid, 16);
		copy_text(ns->name, sizeof(ns->name), e->name);
		ns->nsid = le32toh(e->nsid);
		ns->start = le64toh(e->start);
		ns->size = le64toh(e->bytes);
		ns->policy = e->policy;
		ns->read_only = le32toh(e->flags) & PNVME_NS_READ_ONLY;
		ns->state = PNVME_NS_STATUS_DETACHED;
		seal_to_namespace(&e->seal, ns);
	}
	return 0;
}

/* Examine */

static void describe_slot(const struct labels *ls, unsigned int i, struct pnvme_slot *s)
{
	const struct pnvme_label *l = &ls->copy[i];

	s->offset = ls->offset[i];
	s->status = ls->status[i];
	if (s->status && s->status != PNVME_LABEL_NONE && ls->why[i])
		put_text(s->why, sizeof(s->why), "%s", ls->why[i]);
	if (!has_magic(l))
		return;
	s->version = le32toh(l->version);
	if (s->version != PNVME_LABEL_VERSION)
		return;
	s->sequence = le64toh(l->sequence);
	s->epoch = le64toh(l->epoch);
	memcpy(s->uuid, l->drive_uuid, 16);
	memcpy(s->owner, l->owner, 16);
}

static int describe_roster(struct pnvme *h, const struct pnvme_label *l, struct pnvme_examined *e)
{
	struct roster roster;
	unsigned int i;

	roster_of_label(l, &roster);
	e->roster = calloc(roster.n + 1, sizeof(*e->roster));
	if (!e->roster)
		return fail_nomem(h);
	e->roster_generation = roster.generation;
	for (i = 0; i < roster.n; i++) {
		struct pnvme_peer *p = &e->roster[e->n_roster++];

		memcpy(p->uuid, roster.peers[i].uuid, sizeof(p->uuid));
		memcpy(p->hwid, roster.peers[i].hwid, sizeof(p->hwid));
		p->hwid_type = roster.peers[i].hwid_type;
		copy_text(p->slot, sizeof(p->slot), roster.peers[i].slot);
	}
	return 0;
}

static int describe_content(struct pnvme *h, const struct labels *ls, const struct disk *k,
			    struct pnvme_examined *e)
{
	struct pnvme_drive *d = inventory_add_drive(e->content);

	if (!d)
		return fail_nomem(h);
	if (k)
		disk_to_drive(k, d);
	if (ls->newest < 0)
		return 0;
	label_to_drive(&ls->copy[ls->newest], d);
	copy_text(d->serial, sizeof(d->serial), ls->copy[ls->newest].serial);
	copy_text(d->model, sizeof(d->model), ls->copy[ls->newest].model);
	d->capacity = le64toh(ls->copy[ls->newest].capacity);
	d->lba_size = le32toh(ls->copy[ls->newest].lba_size);
	if (describe_roster(h, &ls->copy[ls->newest], e))
		return -ENOMEM;
	return label_to_namespaces(h, &ls->copy[ls->newest], e->content);
}

static int describe(struct pnvme *h, const char *path, int fd, uint64_t capacity,
		    const struct labels *ls, const struct disk *k, struct pnvme_examined *e)
{
	struct content c = { 0 };
	unsigned int i;

	e->content = inventory_new();
	if (!e->content)
		return fail_nomem(h);
	for (i = 0; i < PNVME_LABEL_SLOTS && ls->copy; i++)
		describe_slot(ls, i, &e->slots[i]);
	e->newest = ls->newest;
	e->repair = ls->repair;
	if (ls->newest < 0 && ls->newest_why)
		put_text(e->why, sizeof(e->why), "%s", ls->newest_why);
	/* a drive that cannot be read all over is what this is for */
	if (probe_content(h, path, fd, capacity, PROBE_CHEAP, &c)) {
		note(h, "%s", h->failed.message);
		forget_error(h);
	}
	e->fence = c.fence;
	return describe_content(h, ls, k, e);
}

/* An image of a drive in a file is as good as the drive. */
static int open_subject(struct pnvme *h, const char *path, struct disk *k, bool *is_disk,
			uint64_t *capacity)
{
	char node[PATH_MAX];
	struct stat st;
	int fd;

	*is_disk = false;
	/* a name alone means a drive before it means a file */
	put_text(node, sizeof(node), "/dev/%s", path);
	if ((strchr(path, '/') || access(node, F_OK)) && !stat(path, &st) && S_ISREG(st.st_mode)) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		*capacity = (uint64_t)st.st_size;
		return fd < 0 ? fail(h, -errno, path, "%s: %s", path, strerror(errno)) : fd;
	}
	fd = disk_named(h, path, k);
	if (fd)
		return fd;
	*is_disk = true;
	*capacity = k->capacity;
	return disk_open(h, k, O_RDONLY);
}

API int pnvme_drive_examine(struct pnvme *h, const char *path, struct pnvme_examined **out)
{
	struct pnvme_examined *e;
	struct labels ls;
	struct disk k;
	uint64_t capacity = 0;
	bool is_disk;
	int fd, ret;

	enter(h);
	fd = open_subject(h, path, &k, &is_disk, &capacity);
	if (fd < 0)
		return leave(h, fd);
	e = calloc(1, sizeof(*e));
	ret = e ? labels_read(h, path, fd, capacity, &ls) : fail_nomem(h);
	if (e && !ret) {
		ret = describe(h, is_disk ? k.path : path, fd, capacity, &ls,
			       is_disk ? &k : NULL, e);
		labels_free(&ls);
	}
	close(fd);
	if (ret)
		pnvme_examined_free(e);
	else
		*out = e;
	return leave(h, ret);
}

API void pnvme_examined_free(struct pnvme_examined *e)
{
	if (!e)
		return;
	pnvme_inventory_free(e->content);
	free(e->roster);
	free(e);
}
