// SPDX-License-Identifier: GPL-2.0
/* Who has a block device, a partition of it, or its character device: from /proc and sysfs. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define NODES_MAX	130	/* a disk and its partitions */
/* Only udev is waited for, and it may be slow while much appears at once. */
#define PATIENCE_MS	20000
#define PAUSE_MS	50
#define NAMED_MAX	4	/* the rest is counted */

struct search {
	dev_t		nodes[NODES_MAX];
	size_t		n;
	dev_t		generic;	/* 0: none */
	struct holders	*found;
};

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void add(struct search *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct search *s, const char *fmt, ...)
{
	struct holders *f = s->found;
	size_t used = strlen(f->text);
	char what[200];
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(what, sizeof(what), fmt, args) < 0)
		what[0] = '\0';
	va_end(args);
	if (strstr(f->text, what))
		return;
	f->n++;
	if (f->n <= NAMED_MAX)
		put_text(f->text + used, sizeof(f->text) - used, "%s%s", used ? ", " : "", what);
	else if (f->n == NAMED_MAX + 1)
		put_text(f->text + used, sizeof(f->text) - used, " and others");
}

static bool is_one(const struct search *s, dev_t node)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->nodes[i] == node)
			return true;
	return false;
}

static void add_node(struct search *s, const char *dir)
{
	unsigned int maj, min;
	char text[32];

	if (s->n < NODES_MAX && sysfs_text(text, sizeof(text), "%s/dev", dir) &&
	    sscanf(text, "%u:%u", &maj, &min) == 2)
		s->nodes[s->n++] = makedev(maj, min);
}

/* "png0n1" beside "pnvme0n1"; who has that open has no block device open. */
static void look_for_generic(struct search *s, const char *name)
{
	char path[80];
	struct stat st;

	if (strncmp(name, "pnvme", 5))
		return;
	put_text(path, sizeof(path), "/dev/png%s", name + 5);
	if (!stat(path, &st) && S_ISCHR(st.st_mode))
		s->generic = st.st_rdev;
}

static void add_stacked(struct search *s, const char *dir)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d;

	put_text(path, sizeof(path), "%s/holders", dir);
	d = opendir(path);
	if (!d)
		return;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			add(s, "held by %s", e->d_name);
	closedir(d);
}

/* The disk and its partitions: their numbers, and what is stacked on them. */
static void look_in_sysfs(struct search *s, const char *name)
{
	char dir[PATH_MAX], part[PATH_MAX + 300];
	struct dirent *e;
	DIR *d;

	put_text(dir, sizeof(dir), "/sys/block/%s", name);
	add_node(s, dir);
	add_stacked(s, dir);
	d = opendir(dir);
	if (!d)
		return;
	while ((e = readdir(d))) {
		if (strncmp(e->d_name, name, strlen(name)))
			continue;
		put_text(part, sizeof(part), "%s/%s", dir, e->d_name);
		add_node(s, part);
		add_stacked(s, part);
	}
	closedir(d);
}

static bool path_is_one(const struct search *s, const char *path)
{
	struct stat st;

	return path[0] == '/' && !stat(path, &st) && S_ISBLK(st.st_mode) && is_one(s, st.st_rdev);
}

/* "36 35 98:0 /root /mnt rw - ext4 /dev/root rw"; the source matters for btrfs and xfs alike. */
static void look_at_mount(struct search *s, char *line)
{
	char root[PATH_MAX], where[PATH_MAX], source[PATH_MAX];
	unsigned int maj, min;
	const char *dash;

	if (sscanf(line, "%*d %*d %u:%u %4095s %4095s", &maj, &min, root, where) != 4)
		return;
	dash = strstr(line, " - ");
	if (!dash || sscanf(dash, " - %*s %4095s", source) != 1)
		source[0] = '\0';
	if (is_one(s, makedev(maj, min)) || path_is_one(s, source))
		add(s, "mounted at %.150s", where);
}

static void look_at_mounts(struct search *s, const char *pid)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *f;

	put_text(path, sizeof(path), "/proc/%s/mountinfo", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (getline(&line, &size, f) > 0)
		look_at_mount(s, line);
	free(line);
	fclose(f);
}

static void look_at_swaps(struct search *s)
{
	char *line = NULL, path[PATH_MAX];
	size_t size = 0;
	FILE *f = fopen("/proc/swaps", "re");

	if (!f)
		return;
	while (getline(&line, &size, f) > 0)
		if (sscanf(line, "%4095s", path) == 1 && path_is_one(s, path))
			add(s, "swap");
	free(line);
	fclose(f);
}

static bool is_udev(const char *comm)
{
	return !strcmp(comm, "(udev-worker)") || !strcmp(comm, "systemd-udevd") ||
	       !strcmp(comm, "udevd");
}

static void add_process(struct search *s, const char *pid)
{
	unsigned int before = s->found->n;
	char comm[64];

	if (!sysfs_text(comm, sizeof(comm), "/proc/%s/comm", pid))
		return;
	add(s, "open in %s[%s]", comm, pid);
	if (is_udev(comm) && s->found->n > before)
		s->found->transient++;
}

static bool file_is_one(const struct search *s, const struct stat *st)
{
	if (S_ISCHR(st->st_mode))
		return s->generic && st->st_rdev == s->generic;
	return S_ISBLK(st->st_mode) && is_one(s, st->st_rdev);
}

static void look_at_files(struct search *s, const char *pid)
{
	char path[NAME_MAX + 64];
	struct dirent *e;
	struct stat st;
	DIR *d;

	put_text(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	if (!d)
		return;
	while ((e = readdir(d))) {
		if (fstatat(dirfd(d), e->d_name, &st, 0) || !file_is_one(s, &st))
			continue;
		add_process(s, pid);
		break;
	}
	closedir(d);
}

/* Mount namespaces: each is looked at once. */
struct seen {
	ino_t	*ids;
	size_t	n;
};

static bool seen_before(struct seen *seen, const char *pid)
{
	char path[64];
	struct stat st;
	ino_t *ids;
	size_t i;

	put_text(path, sizeof(path), "/proc/%s/ns/mnt", pid);
	if (stat(path, &st))
		return true;
	for (i = 0; i < seen->n; i++)
		if (seen->ids[i] == st.st_ino)
			return true;
	ids = reallocarray(seen->ids, seen->n + 1, sizeof(*ids));
	if (!ids)
		return true;
	seen->ids = ids;
	seen->ids[seen->n++] = st.st_ino;
	return false;
}

static void look_at_processes(struct search *s)
{
	struct seen seen = { 0 };
	struct dirent *e;
	char self[32];
	DIR *d = opendir("/proc");

	if (!d)
		return;
	put_text(self, sizeof(self), "%d", (int)getpid());
	while ((e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		if (!seen_before(&seen, e->d_name))
			look_at_mounts(s, e->d_name);
		if (strcmp(e->d_name, self))
			look_at_files(s, e->d_name);
	}
	closedir(d);
	free(seen.ids);
}

void holders_find(const char *name, struct holders *found)
{
	struct search s = { .found = found };

	memset(found, 0, sizeof(*found));
	look_in_sysfs(&s, name);
	if (!s.n)
		return;
	look_for_generic(&s, name);
	look_at_swaps(&s);
	look_at_processes(&s);
}

bool busy_wait(struct patience *p, const char *const *names, size_t n)
{
	struct timespec ts = { .tv_nsec = PAUSE_MS * 1000L * 1000 };
	struct holders found;
	size_t i;

	if (!p->until_ms)
		p->until_ms = now_ms() + PATIENCE_MS;
	if (now_ms() >= p->until_ms)
		return false;
	for (i = 0; i < n; i++) {
		holders_find(names[i], &found);
		if (found.n > found.transient)
			return false;
	}
	nanosleep(&ts, NULL);
	return true;
}

API int pnvme_holders(struct pnvme *h, const char *name, char *out, size_t n)
{
	struct holders found;

	enter(h);
	holders_find(name, &found);
	put_text(out, n, "%s", found.text);
	return leave(h, 0);
}
