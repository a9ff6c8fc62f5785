// SPDX-License-Identifier: GPL-2.0
/*
 * Handing the roster to the labels of all attached drives, after the record was written.
 * The module leaves a label alone that has it already, so that in the long run nothing
 * is written. A drive that is away or detached is given it when it is attached. What
 * fails is a remark: the record has the same.
 */
#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "looks.h"

#define TRIES 4		/* somebody else changes the record meanwhile */

static void put_peer(struct nl_request *r, const struct pnvme_label_peer *peer)
{
	struct nlattr *nest = nl_nest(r, PNVME_A_DRIVE_PEER);

	nl_bytes(r, PNVME_A_PEER_UUID, peer->uuid, 16);
	if (peer->hwid_type != PNVME_HWID_NONE) {
		nl_bytes(r, PNVME_A_PEER_HWID, peer->hwid, 16);
		nl_u32(r, PNVME_A_PEER_HWID_TYPE, peer->hwid_type);
	}
	nl_string(r, PNVME_A_PEER_SLOT, peer->slot);
	nl_nest_end(r, nest);
}

/* 1: its label was written */
static int push_to(struct pnvme *h, const struct pnvme_drive *d, const struct roster *roster)
{
	struct pnvme_drive now = *d;
	struct nl_request r;
	unsigned int i;
	int ret;

	ret = nl_begin(h, &r, PNVME_CMD_DRIVE_ROSTER, false);
	if (ret)
		return ret;
	nl_bytes(&r, PNVME_A_DRIVE_UUID, d->uuid, 16);
	nl_u64(&r, PNVME_A_DRIVE_ROSTER_GENERATION, roster->generation);
	for (i = 0; i < roster->n; i++)
		put_peer(&r, &roster->peers[i]);
	ret = kernel_ask_drive(h, &r, d->name, &now);
	return ret ? ret : now.sequence != d->sequence;
}

/**
 * struct push - a drive that is offered the roster
 * @h: a handle of its own
 * @drive: which
 * @roster: what is offered
 * @ret: 1: its label was written
 */
struct push {
	struct pnvme			*h;
	const struct pnvme_drive	*drive;
	const struct roster		*roster;
	int				ret;
};

static void push_one(void *item)
{
	struct push *p = item;

	p->ret = push_to(p->h, p->drive, p->roster);
	/*
	 * One that is gone by now is no news; nor is one with a newer list, of a record that is
	 * lost: the module keeps it, and it comes into the record with its next attach.
	 */
	if (p->ret < 0 && p->ret != -ENOENT && p->ret != -EALREADY)
		note(p->h, "the list of drives could not be stored on %s: %s", p->drive->name,
		     p->h->failed.message);
}

/* Those that may be written; how many. */
static size_t list_pushes(struct pnvme *h, const struct roster *roster,
			  const struct pnvme_inventory *inv, struct push *list)
{
	size_t i, n = 0;

	for (i = 0; i < inv->n_drives; i++) {
		const struct pnvme_drive *d = inv->drives[i];

		if (d->state != PNVME_STATUS_LIVE || d->read_only)
			continue;
		list[n].h = handle_like(h);
		if (!list[n].h)
			break;
		list[n].drive = d;
		list[n++].roster = roster;
	}
	return n;
}

/* All at once: where it is new each label is written, and that may take its time. */
static void push_to_all(struct pnvme *h, const struct roster *roster,
			const struct pnvme_inventory *inv)
{
	struct push *list = calloc(inv->n_drives + 1, sizeof(*list));
	const uint8_t **written = calloc(inv->n_drives + 1, sizeof(*written));
	size_t i, n = 0, n_written = 0;

	if (list && written)
		n = list_pushes(h, roster, inv, list);
	parallel(push_one, list, sizeof(*list), n);
	for (i = 0; i < n; i++) {
		if (list[i].ret == 1)
			written[n_written++] = list[i].drive->uuid;
		handle_merge(h, list[i].h);
	}
	/* the record knows the generations of these labels */
	if (n_written)
		record_refresh(h, written, n_written);
	free(list);
	free(written);
}

static int push_once(struct pnvme *h, const struct roster *roster)
{
	struct pnvme_inventory *inv = inventory_new();
	int ret;

	if (!inv)
		return -ENOMEM;
	ret = kernel_drives(h, inv);
	if (!ret)
		push_to_all(h, roster, inv);
	pnvme_inventory_free(inv);
	return ret;
}

/* Ours is a label that names this host and this hardware. */
static bool ours(struct pnvme *h, const struct disk *k, const struct pnvme_label *l)
{
	uint8_t form[16];

	return !disk_differs(k, l) && host_is(h, l->owner, form);
}

static bool any(const struct disk *k, const void *arg)
{
	(void)k;
	(void)arg;
	return true;
}

static int keep_newer(struct pnvme *h, struct look *look)
{
	struct roster *out = look->arg;
	const struct pnvme_label *l;

	if (look->unopened || look->ret || look->labels.newest < 0)
		return 0;
	l = &look->labels.copy[look->labels.newest];
	if (le64toh(l->roster_generation) > out->generation && ours(h, &look->disk, l))
		roster_of_label(l, out);
	return 0;
}

void roster_newest(struct pnvme *h, struct roster *out)
{
	memset(out, 0, sizeof(*out));
	looks(h, any, keep_newer, out);
	forget_error(h);
}

static bool load_roster(struct pnvme *h, struct roster *roster)
{
	struct record *r;
	int ret = record_load(h, &r);

	forget_error(h);
	if (!ret)
		roster_of_record(r, roster);
	record_free(r);
	return !ret;
}

/* Again if somebody has changed it meanwhile */
static void push_newest(struct pnvme *h)
{
	struct roster roster, again;
	int i;

	if (!load_roster(h, &roster))
		return;
	for (i = 0; i < TRIES; i++) {
		if (push_once(h, &roster) || !load_roster(h, &again) ||
		    again.generation == roster.generation)
			break;
		roster = again;
	}
}

/* Each byte in there is a call for a push. Where it cannot be written, nobody waits for another. */
static int call_for_push(void)
{
	char path[PATH_MAX];
	int fd;

	put_text(path, sizeof(path), "%s/roster.lock", state_dir());
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && write_full(fd, "\n", 1)) {
		close(fd);
		return -1;
	}
	return fd;
}

static off_t calls(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_size;
}

/*
 * One at a time. Who comes while another pushes has called before, and leaves it to that one,
 * which looks for calls when it has let go: at boot each of many gates has stored a record,
 * and the labels are written for the last of them, not for each.
 */
void roster_push(struct pnvme *h)
{
	int fd = call_for_push();
	off_t seen = -1;

	if (fd < 0)
		push_newest(h);
	while (fd >= 0 && seen != calls(fd) && !flock(fd, LOCK_EX | LOCK_NB)) {
		seen = calls(fd);
		push_newest(h);
		flock(fd, LOCK_UN);
	}
	if (fd >= 0)
		close(fd);
	forget_error(h);
}
