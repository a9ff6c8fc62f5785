// SPDX-License-Identifier: GPL-2.0
/*
 * The filesystem with the record. It may be mounted late, and it may itself live on a
 * namespace that waits for the gate. So:
 *
 * - It is away if /etc/fstab lists a mount point at or above the directory of the record
 *   (other than /), and nothing is mounted there. Then there is no record: what lies in the
 *   directory below the mount point is not read, and nothing is written there.
 * - The gate waits for it, until the settle time is over, unless fstab says noauto, or names
 *   as its source a link or device of ours: only the gate can bring that one.
 * - Where the source is a UUID or a label, nobody can tell what it lives on before it is
 *   there. Then the wait ends when the settle time is over.
 * - Without the record a label that names this host and this hardware is let in, as if the
 *   record were lost, and the record follows when it can be written.
 */
#include <limits.h>
#include <mntent.h>
#include <stdlib.h>
#include <time.h>

#include "policy.h"

#define PAUSE_MS 100
#define LINE_BYTES (2 * PATH_MAX)	/* of fstab or mounts */

/**
 * struct record_fs - the filesystem of the record, as /etc/fstab has it
 * @dir: mount point; empty: it is none that is listed
 * @source: what is mounted there
 * @automatic: it is mounted at boot
 */
struct record_fs {
	char	dir[PATH_MAX];
	char	source[PATH_MAX];
	bool	automatic;
};

static bool lies_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	return n > 1 && !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

/* The innermost one counts. */
static void find_record_fs(struct record_fs *fs)
{
	FILE *f = setmntent("/etc/fstab", "re");
	char line[LINE_BYTES];
	struct mntent m;

	memset(fs, 0, sizeof(*fs));
	/* getmntent() has one buffer for all threads */
	while (f && getmntent_r(f, &m, line, sizeof(line))) {
		if (!lies_below(state_dir(), m.mnt_dir) ||
		    strlen(m.mnt_dir) < strlen(fs->dir))
			continue;
		put_text(fs->dir, sizeof(fs->dir), "%s", m.mnt_dir);
		put_text(fs->source, sizeof(fs->source), "%s", m.mnt_fsname);
		fs->automatic = !hasmntopt(&m, "noauto");
	}
	if (f)
		endmntent(f);
}

/* @dir has no / at its end, or is one that a person wrote so. */
static bool same_dir(const char *a, const char *b)
{
	return lies_below(a, b) && lies_below(b, a);
}

static bool is_mounted(const char *dir)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	bool found = !f;	/* who cannot ask takes it as it is */
	char line[LINE_BYTES];
	struct mntent m;

	while (f && !found && getmntent_r(f, &m, line, sizeof(line)))
		found = same_dir(m.mnt_dir, dir);
	if (f)
		endmntent(f);
	return found;
}

static bool find_away(struct record_fs *fs)
{
	find_record_fs(fs);
	return fs->dir[0] && !is_mounted(fs->dir);
}

bool record_away(char *dir, size_t n)
{
	struct record_fs fs;
	bool away = find_away(&fs);

	put_text(dir, n, "%s", away ? fs.dir : "");
	return away;
}

/* A link or device that is there only when its drive is attached */
static bool on_namespace(const char *source)
{
	return !strncmp(source, "/dev/pnvme", 10) ||
	       !strncmp(source, "/dev/disk/by-id/pnvme-", 22);
}

void record_wait(struct pnvme *h)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	struct record_fs fs;
	struct policy p;

	if (!find_away(&fs) || !fs.automatic || on_namespace(fs.source))
		return;
	if (policy_load(h, &p))
		forget_error(h);	/* told where it matters */
	while (policy_settle_left(&p) && !is_mounted(fs.dir))
		nanosleep(&pause, NULL);
}
