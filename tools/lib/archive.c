// SPDX-License-Identifier: GPL-2.0
/*
 * The archive: labels as they were, in archive/UUID/SEQUENCE.label below the record. The
 * one in force is kept after each change, and looked for before one: so what a change
 * replaces is there, and so is the newest where a drive loses all its copies. It may be
 * absent or on a read-only filesystem: that is a remark.
 *
 * An image that is put back starts another history with the same numbers. So a label is
 * known by what it holds, not by its number; and what the archive has above the label in
 * force, or of the same number with another content, goes aside, as UUID/SEQUENCE.label.left.
 */
#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"

#define KEEP	64	/* labels of one drive */

static void drive_dir(const uint8_t uuid[16], char out[PATH_MAX])
{
	char text[37];

	pnvme_uuid_format(uuid, text);
	put_text(out, PATH_MAX, "%s/archive/%s", state_dir(), text);
}

static void label_path(const uint8_t uuid[16], uint64_t sequence, char out[PATH_MAX])
{
	char text[37];

	pnvme_uuid_format(uuid, text);
	put_text(out, PATH_MAX, "%s/archive/%s/%020llu.label", state_dir(), text,
		 (unsigned long long)sequence);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_label(const char *name, uint64_t *sequence)
{
	char *end;

	if (strlen(name) != 26 || strspn(name, "0123456789") != 20 || strcmp(name + 20, ".label"))
		return false;
	errno = 0;
	*sequence = strtoull(name, &end, 10);
	return !errno;
}

int archive_list(const uint8_t uuid[16], uint64_t **out, size_t *n)
{
	char path[PATH_MAX];
	uint64_t *list = NULL, *more, sequence;
	struct dirent *e;
	DIR *dir;

	*out = NULL;
	*n = 0;
	/* what lies below the mount point is not the archive */
	if (record_away(path, sizeof(path)))
		return -ENXIO;
	drive_dir(uuid, path);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((e = readdir(dir))) {
		if (!is_label(e->d_name, &sequence))
			continue;
		more = reallocarray(list, *n + 1, sizeof(*list));
		if (!more) {
			free(list);
			closedir(dir);
			return -ENOMEM;
		}
		list = more;
		list[(*n)++] = sequence;
	}
	closedir(dir);
	if (*n)
		qsort(list, *n, sizeof(*list), by_number);
	*out = list;
	return 0;
}

/* A file is worth no more than a drive: what it holds is checked in the same way. */
int archive_load(const uint8_t uuid[16], uint64_t sequence, struct pnvme_label *l)
{
	const char *why;
	char path[PATH_MAX];
	ssize_t got;
	int fd;

	label_path(uuid, sequence, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = pread(fd, l, sizeof(*l), 0);
	close(fd);
	if (got != (ssize_t)sizeof(*l) || pnvme_label_check(l, &why) ||
	    memcmp(l->drive_uuid, uuid, 16) || le64toh(l->sequence) != sequence)
		return -EBADMSG;
	return 0;
}

int archive_newest(const uint8_t uuid[16], struct pnvme_label *l)
{
	uint64_t *list;
	size_t n;
	int ret = archive_list(uuid, &list, &n);

	if (ret)
		return ret;
	ret = -ENOENT;
	while (n && ret)
		ret = archive_load(uuid, list[--n], l);
	free(list);
	return ret;
}

/* Keeping */

static int make_dirs(const uint8_t uuid[16])
{
	char path[PATH_MAX];

	put_text(path, sizeof(path), "%s/archive", state_dir());
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	drive_dir(uuid, path);
	return mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
}

static int write_file(const char *path, const struct pnvme_label *l)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), ret;

	if (fd < 0)
		return -errno;
	ret = write_full(fd, (const char *)l, sizeof(*l));
	if (!ret && fsync(fd))
		ret = -errno;
	close(fd);
	return ret;
}

/* All but what each attach changes, and what another drive's coming and going does. */
static bool same_content(const struct pnvme_label *a, const struct pnvme_label *b)
{
	struct pnvme_label x = *a;

	x.sequence = b->sequence;
	x.epoch = b->epoch;
	x.nonce = b->nonce;
	x.crc = b->crc;
	x.roster_generation = b->roster_generation;
	memcpy(x.roster, b->roster, sizeof(x.roster));
	return !memcmp(&x, b, sizeof(x));
}

static void drop(const uint8_t uuid[16], uint64_t sequence)
{
	char path[PATH_MAX];

	label_path(uuid, sequence, path);
	unlink(path);
}

/* The drive holds an older label now: an image was put back. What came after is not on it. */
static void set_aside(const uint8_t uuid[16], uint64_t sequence)
{
	char path[PATH_MAX], aside[PATH_MAX];

	label_path(uuid, sequence, path);
	put_text(aside, sizeof(aside), "%.4000s.left", path);
	rename(path, aside);
}

/* All above @sequence. The record is locked, and @sequence of after that: none is newer. */
static void set_aside_above(const uint8_t uuid[16], uint64_t sequence)
{
	uint64_t *list;
	size_t n;

	if (archive_list(uuid, &list, &n))
		return;
	while (n && list[n - 1] > sequence)
		set_aside(uuid, list[--n]);
	free(list);
}

/* By content: another history has other labels of the same numbers. */
static bool is_kept(const struct pnvme_label *l)
{
	struct pnvme_label kept;

	return !archive_load(l->drive_uuid, le64toh(l->sequence), &kept) &&
	       kept.nonce == l->nonce && kept.crc == l->crc;
}

/*
 * The oldest go, and one that says the same as the new one: a host that is started each
 * day must not lose what was deleted two months ago.
 */
static void thin_out(const struct pnvme_label *l, const uint64_t *list, size_t n)
{
	struct pnvme_label before;
	size_t i;

	if (n && !archive_load(l->drive_uuid, list[n - 1], &before) && same_content(&before, l))
		drop(l->drive_uuid, list[--n]);
	for (i = 0; n >= KEEP && i <= n - KEEP; i++)
		drop(l->drive_uuid, list[i]);
}

static int store_label(const struct pnvme_label *l)
{
	char path[PATH_MAX], tmp[PATH_MAX], dir[PATH_MAX];
	uint64_t *list;
	size_t n;
	int ret;

	ret = make_dirs(l->drive_uuid);
	if (!ret)
		ret = archive_list(l->drive_uuid, &list, &n);
	if (ret)
		return ret;
	while (n && list[n - 1] >= le64toh(l->sequence))
		set_aside(l->drive_uuid, list[--n]);
	drive_dir(l->drive_uuid, dir);
	put_text(tmp, sizeof(tmp), "%.3000s/new.tmp", dir);
	label_path(l->drive_uuid, le64toh(l->sequence), path);
	ret = write_file(tmp, l);
	if (!ret && rename(tmp, path))
		ret = -errno;
	if (ret)
		unlink(tmp);
	else
		ret = sync_dir(dir);
	if (!ret)
		thin_out(l, list, n);
	free(list);
	return ret;
}

/* The record is locked. */
static int keep_label(const struct pnvme_label *l)
{
	set_aside_above(l->drive_uuid, le64toh(l->sequence));
	return is_kept(l) ? 0 : store_label(l);
}

static void tell(struct pnvme *h, const char *what, int ret)
{
	if (ret)
		note(h, "the label of %s could not be kept in %s/archive: %s", what, state_dir(),
		     strerror(-ret));
	forget_error(h);
}

/* The label of an attached drive, as of the sequence that the module told under the lock. */
static int keep_attached(struct pnvme *h, const struct pnvme_drive *d)
{
	struct pnvme_label *l;
	struct disk k;
	int ret;

	set_aside_above(d->uuid, d->sequence);
	/* one that is away has no label to be read, and one that is held would hang us */
	if (!d->name[0] || d->state == PNVME_STATUS_HELD || disk_read(d->name, &k) ||
	    k.diskseq != d->diskseq)
		return 0;
	ret = label_read(h, &k, d->uuid, d->sequence, &l);
	if (ret)
		return ret == -ESTALE ? 0 : ret;	/* a later change keeps its own */
	ret = keep_label(l);
	free(l);
	return ret;
}

void archive_after(struct pnvme *h, const struct pnvme_drive *d)
{
	struct failure saved = h->failed;

	tell(h, d->name, keep_attached(h, d));
	h->failed = saved;
}

void archive_before(struct pnvme *h, const uint8_t uuid[16], unsigned int flags)
{
	struct pnvme_drive d;
	int lock, ret;

	if (flags & PNVME_CHECK)
		return;
	/* what keeps the record from being written as well, it will say of itself */
	lock = record_lock();
	if (lock < 0)
		return;
	/* asked under the lock, as what somebody stored since would be taken for left behind */
	drive_init(&d);
	ret = kernel_drive(h, uuid, &d);
	forget_error(h);
	ret = ret ? 0 : keep_attached(h, &d);
	tell(h, d.name, ret == -EROFS ? 0 : ret);
	close(lock);
}

void archive_before_ns(struct pnvme *h, const uint8_t uuid[16], unsigned int flags)
{
	struct pnvme_namespace ns = { 0 };
	int ret = flags & PNVME_CHECK ? -EAGAIN : kernel_ns(h, uuid, &ns);

	forget_error(h);
	if (!ret)
		archive_before(h, ns.drive, flags);
}

void archive_disk(struct pnvme *h, const struct disk *k, unsigned int flags)
{
	struct labels ls;
	int ret, lock;

	if (flags & PNVME_CHECK)
		return;
	lock = record_lock();
	if (lock < 0) {
		tell(h, k->path, lock);
		return;
	}
	ret = labels_read_disk(h, k, &ls);
	if (!ret && ls.newest >= 0)
		tell(h, k->path, keep_label(&ls.copy[ls.newest]));
	if (!ret)
		labels_free(&ls);
	close(lock);
	forget_error(h);
}

/* Was this hardware adopted anew since? Then what the label says lies there no more. */
int archive_successor(const struct pnvme_label *l, uint8_t uuid[16])
{
	char path[PATH_MAX], mine[PATH_MAX];
	struct pnvme_label other;
	struct stat since, st;
	struct dirent *e;
	DIR *dir;
	int found = 0;

	label_path(l->drive_uuid, le64toh(l->sequence), mine);
	put_text(path, sizeof(path), "%s/archive", state_dir());
	dir = opendir(path);
	if (!dir || stat(mine, &since)) {
		if (dir)
			closedir(dir);
		return 0;
	}
	while (!found && (e = readdir(dir))) {
		if (pnvme_uuid_parse(e->d_name, uuid) || !memcmp(uuid, l->drive_uuid, 16) ||
		    archive_newest(uuid, &other))
			continue;
		label_path(uuid, le64toh(other.sequence), path);
		found = other.hwid_type == l->hwid_type && !memcmp(other.hwid, l->hwid, 16) &&
			!strcmp(other.serial, l->serial) && !strcmp(other.model, l->model) &&
			!stat(path, &st) && (st.st_mtim.tv_sec > since.st_mtim.tv_sec ||
			(st.st_mtim.tv_sec == since.st_mtim.tv_sec &&
			 st.st_mtim.tv_nsec > since.st_mtim.tv_nsec));
	}
	closedir(dir);
	return found;
}
