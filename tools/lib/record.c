// SPDX-License-Identifier: GPL-2.0
/*
 * The record: what this host knows of its drives, in record.json, replaced
 * atomically after each change of a label. It may be absent or on a read-only
 * filesystem: the drives do not depend on it, only the verdicts do.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "record_priv.h"

#define RECORD_VERSION	1
#define RECORD_MAX	(16 << 20)	/* bytes; anything larger is not ours */
#define LOCK_WAIT_MS	5000
#define LOCK_PAUSE_MS	20

static const char *dir_from(const char *variable, const char *otherwise)
{
	const char *v = secure_getenv(variable);

	return v && v[0] ? v : otherwise;
}

const char *state_dir(void)
{
	return dir_from("PNVME_STATE_DIR", "/var/lib/pnvme");
}

const char *config_dir(void)
{
	return dir_from("PNVME_CONFIG_DIR", "/etc/pnvme");
}

static void state_path(char out[PATH_MAX], const char *file)
{
	put_text(out, PATH_MAX, "%s/%s", state_dir(), file);
}

/* Reading */

static struct record *record_new(void)
{
	struct record *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->root = json_object_new_object();
	r->drives = json_object_new_array();
	if (r->root && r->drives && !add_number(r->root, "version", RECORD_VERSION) &&
	    !add(r->root, "drives", json_object_get(r->drives))) {
		json_object_put(r->drives);	/* root keeps it */
		return r;
	}
	json_object_put(r->drives);
	json_object_put(r->root);
	free(r);
	return NULL;
}

void record_free(struct record *r)
{
	if (!r)
		return;
	json_object_put(r->root);
	free(r);
}

static int read_file(const char *path, char **out, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	struct stat st;
	ssize_t got = 0;
	char *buf;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_size > RECORD_MAX) {
		close(fd);
		return -EFBIG;
	}
	buf = malloc((size_t)st.st_size + 1);
	*n = 0;
	while (buf && *n < (size_t)st.st_size) {
		got = read(fd, buf + *n, (size_t)st.st_size - *n);
		if (got <= 0)
			break;
		*n += (size_t)got;
	}
	if (!buf)
		ret = -ENOMEM;
	else if (got < 0)
		ret = -errno;
	close(fd);
	if (ret)
		free(buf);
	else
		*out = buf;
	return ret;
}

static struct json_object *parse_text(const char *text, size_t n)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *root;

	if (!tok)
		return NULL;
	root = json_tokener_parse_ex(tok, text, (int)n);
	if (json_tokener_get_error(tok) != json_tokener_success) {
		json_object_put(root);
		root = NULL;
	}
	json_tokener_free(tok);
	return root;
}

/* @r is empty; takes what the text says. */
static int adopt_text(struct record *r, const char *text, size_t n)
{
	struct json_object *root = parse_text(text, n), *drives;

	if (!root)
		return -EBADMSG;
	drives = json_object_is_type(root, json_type_object) ? get_array(root, "drives") : NULL;
	if (!drives || get_number(root, "version") != RECORD_VERSION) {
		json_object_put(root);
		return -EBADMSG;
	}
	json_object_put(r->root);
	r->root = root;
	r->drives = drives;
	return 0;
}

int record_load(struct pnvme *h, struct record **out)
{
	struct record *r = record_new();
	char path[PATH_MAX], *text = NULL;
	size_t n = 0;
	int ret;

	*out = r;
	if (!r)
		return fail_nomem(h);
	if (record_away(path, sizeof(path))) {
		note(h, "the record is on %s, which is not mounted: this goes without it", path);
		r->lost = true;
		return -ENOENT;
	}
	state_path(path, "record.json");
	ret = read_file(path, &text, &n);
	if (!ret) {
		ret = adopt_text(r, text, n);
		free(text);
	}
	r->lost = ret == -EBADMSG || ret == -ENOENT;
	if (ret == -EBADMSG)
		return fail(h, ret, path, "the record %s is damaged; it is treated as empty", path);
	if (ret && ret != -ENOENT)
		return fail(h, ret, path, "the record %s cannot be read: %s", path,
			    strerror(-ret));
	return ret;
}

size_t record_count(const struct record *r)
{
	return r ? json_object_array_length(r->drives) : 0;
}

/* Writing */

void record_progress(void)
{
	char path[PATH_MAX];

	state_path(path, "record.lock");
	utimensat(AT_FDCWD, path, NULL, 0);
}

/* When whoever has the lock last said that it gets on. */
static void last_progress(int fd, struct timespec *when)
{
	struct stat st;

	memset(when, 0, sizeof(*when));
	if (!fstat(fd, &st))
		*when = st.st_mtim;
}

/*
 * Not for ever: whoever has the lock may hang on a filesystem that is held. But as long as
 * others get on our turn comes: at boot there is a gate for each drive.
 */
static int wait_for_lock(int fd)
{
	struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000L * 1000 }, before, now;
	uint64_t until = now_ms() + LOCK_WAIT_MS;

	last_progress(fd, &before);
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		last_progress(fd, &now);
		if (memcmp(&now, &before, sizeof(now)))
			until = now_ms() + LOCK_WAIT_MS;
		before = now;
		if (now_ms() >= until)
			return -EWOULDBLOCK;
		nanosleep(&pause, NULL);
	}
	record_progress();
	return 0;
}

int record_lock(void)
{
	char path[PATH_MAX];
	int fd, ret;

	/* what is written below a mount point is lost when that is mounted */
	if (record_away(path, sizeof(path)))
		return -ENXIO;
	if (mkdir(state_dir(), 0755) && errno != EEXIST)
		return -errno;
	state_path(path, "record.lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = wait_for_lock(fd);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int write_full(int fd, const char *p, size_t n)
{
	ssize_t put;

	while (n) {
		put = write(fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

int sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd))
		ret = -errno;
	close(fd);
	return ret;
}

static int write_new(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), ret;

	if (fd < 0)
		return -errno;
	ret = write_full(fd, text, strlen(text));
	if (!ret)
		ret = write_full(fd, "\n", 1);
	if (!ret && fsync(fd))
		ret = -errno;
	close(fd);
	return ret;
}

static int store(const struct record *r)
{
	const char *text = json_object_to_json_string_ext(r->root, JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_NOSLASHESCAPE);
	char path[PATH_MAX], tmp[PATH_MAX];
	int ret;

	if (!text)
		return -ENOMEM;
	state_path(path, "record.json");
	state_path(tmp, "record.json.tmp");
	ret = write_new(tmp, text);
	if (!ret && rename(tmp, path))
		ret = -errno;
	if (ret) {
		unlink(tmp);
		return ret;
	}
	return sync_dir(state_dir());
}

/* A damaged record is put aside, not overwritten. */
static int load_for_change(struct pnvme *h, struct record **r)
{
	char path[PATH_MAX], aside[PATH_MAX];
	int ret = record_load(h, r);

	forget_error(h);
	if (ret == -EBADMSG) {
		state_path(path, "record.json");
		state_path(aside, "record.json.damaged");
		if (rename(path, aside))
			return -errno;
		note(h, "the record was damaged; it is now %s", aside);
		return 0;
	}
	return ret == -ENOENT ? 0 : ret;
}

/**
 * struct change - what is to be done to the record
 * @uuids: to these entries
 * @n: how many; one, unless they are brought up to date
 * @remove: it goes; else it is brought up to date, unless
 * @ack: it is acknowledged that its verdict is *@ack, or
 * @drive: it becomes this, with the namespaces in @of
 * @stale: and the drive has had a newer label
 * @attached: the same @n as drives that were attached, or NULL
 * @search: a label may have a newer roster than the record, also if that is not lost
 * @renumbered: set if the list of drives has changed
 */
struct change {
	const uint8_t *const	*uuids;
	size_t			n;
	bool			remove;
	const enum pnvme_verdict *ack;
	const struct pnvme_drive *drive;
	const struct pnvme_inventory *of;
	bool			stale;
	const struct attached	*attached;
	bool			search;
	bool			renumbered;
};

/* The list before: what the record had, or what a newer roster says. */
static int merge_newer(struct record *r, const struct roster *roster, struct roster *before)
{
	if (roster->generation <= before->generation)
		return 0;
	*before = *roster;
	return record_merge(r, roster);
}

static int change_entry(struct pnvme *h, struct record *r, const struct change *c)
{
	if (c->remove)
		return record_remove_entry(r, c->uuids[0]);
	if (c->drive)
		return record_set_entry(r, c->drive, c->of, c->stale);
	if (c->ack)
		return record_ack_entry(r, c->uuids[0], *c->ack);
	/* one that was lost has all that is attached by now */
	return record_is_lost(r) ? 0 : record_refresh_all(h, r, c->uuids, c->n, c->stale);
}

static int apply(struct pnvme *h, struct record *r, struct change *c)
{
	struct roster before, after;
	size_t i;
	int ret = 0;

	roster_of_record(r, &before);
	for (i = 0; c->attached && !ret && i < c->n; i++)
		if (c->attached[i].roster)
			ret = merge_newer(r, c->attached[i].roster, &before);
	if (!ret && (record_is_lost(r) || c->search)) {
		roster_newest(h, &after);
		ret = merge_newer(r, &after, &before);
	}
	if (!ret && record_is_lost(r))
		ret = record_refresh_attached(h, r);
	if (!ret)
		ret = change_entry(h, r, c);
	if (!ret)
		ret = record_number_roster(r, &before);
	roster_of_record(r, &after);
	c->renumbered = after.generation != before.generation;
	return ret;
}

/*
 * Change entries of drives, or remove one. The module is asked under the lock: of
 * two who do this the later one then stores the newer state.
 */
static int change(struct pnvme *h, struct change *c)
{
	struct record *r = NULL;
	int lock, ret;

	lock = record_lock();
	if (lock < 0)
		return lock;
	ret = load_for_change(h, &r);
	if (!ret)
		ret = apply(h, r, c);
	if (!ret)
		ret = store(r);
	record_free(r);
	close(lock);
	return ret;
}

static void not_up_to_date(struct pnvme *h, int ret)
{
	char dir[PATH_MAX];

	if (ret == -ENXIO && record_away(dir, sizeof(dir))) {
		note(h, "the record was not written: %s is not mounted", dir);
		forget_error(h);
		return;
	}
	note(h, "the record in %s could not be brought up to date: %s", state_dir(),
	     strerror(-ret));
	forget_error(h);
}

void record_update(struct pnvme *h, const uint8_t uuid[16])
{
	struct change c = { .uuids = &uuid, .n = 1 };
	int ret = change(h, &c);

	if (ret)
		not_up_to_date(h, ret);
	else if (c.renumbered)
		roster_push(h);
	forget_error(h);
}

void record_attached(struct pnvme *h, const struct attached *list, size_t n)
{
	const uint8_t **uuids = calloc(n + 1, sizeof(*uuids));
	struct change c = { .uuids = uuids, .n = n, .attached = list };
	size_t i;
	int ret;

	for (i = 0; uuids && i < n; i++)
		uuids[i] = list[i].uuid;
	ret = uuids ? change(h, &c) : -ENOMEM;
	free(uuids);
	if (ret)
		not_up_to_date(h, ret);
	else	/* the drives may have been away while others changed */
		roster_push(h);
	forget_error(h);
}

void record_refresh(struct pnvme *h, const uint8_t *const *uuids, size_t n)
{
	struct change c = { .uuids = uuids, .n = n };
	int ret = change(h, &c);

	if (ret && ret != -ENOENT)
		not_up_to_date(h, ret);
	forget_error(h);
}

void record_drop(struct pnvme *h, const uint8_t uuid[16])
{
	struct change c = { .uuids = &uuid, .n = 1, .remove = true };
	int ret = change(h, &c);

	if (ret && ret != -ENOENT)
		note(h, "the drive could not be removed from the record in %s: %s", state_dir(),
		     strerror(-ret));
	else if (!ret)
		roster_push(h);
	forget_error(h);
}

/* For those who were asked to change the record, and for nothing else. */
static int not_changed(struct pnvme *h, const uint8_t uuid[16], int ret)
{
	char dir[PATH_MAX], text[37];

	pnvme_uuid_format(uuid, text);
	if (ret == -ENOENT)
		return fail(h, ret, text, "the record knows no drive %s", text);
	if (ret == -ENXIO && record_away(dir, sizeof(dir)))
		return fail(h, ret, "record", "the record was not written: %s is not mounted", dir);
	return fail(h, ret, "record", "the record in %s could not be changed: %s", state_dir(),
		    strerror(-ret));
}

/* What is attached is asked of the module; else the entry is as the caller has it. */
int record_put(struct pnvme *h, const struct pnvme_drive *d, const struct pnvme_inventory *inv,
	       bool stale)
{
	const uint8_t *uuid = d->uuid;
	struct change c = { .uuids = &uuid, .n = 1, .drive = d->attached ? NULL : d, .of = inv,
			    .stale = stale, .search = true };
	int ret = change(h, &c);

	if (ret)
		return not_changed(h, d->uuid, ret);
	roster_push(h);
	forget_error(h);
	return 0;
}

int record_remove(struct pnvme *h, const uint8_t uuid[16])
{
	struct change c = { .uuids = &uuid, .n = 1, .remove = true, .search = true };
	int ret = change(h, &c);

	if (ret)
		return not_changed(h, uuid, ret);
	roster_push(h);
	forget_error(h);
	return 0;
}

int record_ack(struct pnvme *h, const uint8_t uuid[16], enum pnvme_verdict v)
{
	struct change c = { .uuids = &uuid, .n = 1, .ack = &v };
	int ret = change(h, &c);

	return ret ? not_changed(h, uuid, ret) : 0;
}
