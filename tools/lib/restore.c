// SPDX-License-Identifier: GPL-2.0
/* A drive that has lost all copies of its label gets the one that the archive has. */
#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "archive.h"
#include "lower.h"

struct restoration {
	struct disk		disk;
	struct pnvme_label	label;
	uint8_t			host[16];
	uint64_t		newest;		/* the highest sequence that this host knows */
};

/*
 * *known: the record can be read, so that it would tell if there is something newer. An entry
 * that a roster brought back does not; one that is not there was erased or forgotten.
 */
static uint64_t recorded_sequence(struct pnvme *h, const uint8_t uuid[16], bool *known)
{
	struct record *r;
	struct pnvme_drive d;
	int i;

	*known = !record_load(h, &r);
	forget_error(h);
	drive_init(&d);
	i = r ? record_find(r, uuid) : -ENOENT;
	if (i >= 0)
		record_drive(r, (size_t)i, &d, NULL);
	record_free(r);
	*known &= !d.from_roster;
	return d.sequence;
}

static int only_if_asked(struct pnvme *h, const struct restoration *s, const char *text,
			 const char *why)
{
	unsigned long long sequence = le64toh(s->label.sequence);

	fail(h, -ESTALE, text, "%s", why);
	set_hint(h, "to restore it all the same: --sequence=%llu", sequence);
	return -ESTALE;
}

/* Which label: the newest, unless one was asked for. One behind the record only if asked for. */
static int choose(struct pnvme *h, const uint8_t uuid[16], uint64_t sequence,
		  struct restoration *s)
{
	char text[37], dir[PATH_MAX], why[300];
	uint64_t *list, recorded;
	bool known;
	size_t n;
	int ret;

	if (record_away(dir, sizeof(dir)))
		return fail(h, -ENXIO, "archive",
			    "the archive is on %s, which is not mounted: mount it first", dir);
	recorded = recorded_sequence(h, uuid, &known);
	pnvme_uuid_format(uuid, text);
	ret = archive_list(uuid, &list, &n);
	if (!ret && !n)
		ret = -ENOENT;
	if (!ret)
		ret = sequence ? archive_load(uuid, sequence, &s->label) :
				 archive_newest(uuid, &s->label);
	s->newest = n ? list[n - 1] : 0;
	free(list);
	if (ret == -ENOENT)
		return fail(h, ret, text, "the archive in %s has no such label of drive %s",
			    state_dir(), text);
	if (ret)
		return fail(h, ret, text, "the label of drive %s in the archive cannot be used: %s",
			    text, strerror(-ret));
	if (recorded > s->newest)
		s->newest = recorded;
	if (!sequence && !known) {
		put_text(why, sizeof(why),
			 "there is no record to tell whether the newest label in the archive (%llu) is the last one of drive %s",
			 (unsigned long long)le64toh(s->label.sequence), text);
		return only_if_asked(h, s, text, why);
	}
	if (!sequence && le64toh(s->label.sequence) < recorded) {
		put_text(why, sizeof(why),
			 "the newest label in the archive is older (%llu) than what this host last saw on drive %s (%llu), so namespaces may have moved since",
			 (unsigned long long)le64toh(s->label.sequence), text,
			 (unsigned long long)recorded);
		return only_if_asked(h, s, text, why);
	}
	return 0;
}

static int check_hardware(struct pnvme *h, const struct restoration *s)
{
	const struct disk *k = &s->disk;
	const char *differs = disk_differs(k, &s->label), *why = "";
	uint8_t later[16];
	char text[37];

	if (differs)
		return fail(h, -ENOTUNIQ, k->path,
			    "%s is not the drive of that label: the %s differs; pnvme drive replace makes it one, empty",
			    k->path, differs);
	if (pnvme_label_fits(&s->label, k->capacity, k->lba_size, &why))
		return fail(h, -EUCLEAN, k->path, "the label is not of %s as it is now: %s", k->path,
			    why);
	if (!archive_successor(&s->label, later))
		return 0;
	pnvme_uuid_format(later, text);
	return fail(h, -ESTALE, k->path,
		    "%s was adopted again since, as %s, whose namespaces lie where those of the old label were; remove %s/archive/%s if that one held nothing",
		    k->path, text, state_dir(), text);
}

/*
 * A damaged copy that names the drive may have been newer than the label: asked for by its
 * sequence, that is restored all the same, with a sequence as high. And a disk that has
 * nothing to be known by is the one only if such a copy says so.
 */
static int weigh_copies(struct pnvme *h, const struct labels *ls, bool asked,
			struct restoration *s)
{
	uint64_t sequence = 0, given = le64toh(s->label.sequence);
	const struct disk *k = &s->disk;
	bool named = false;
	unsigned int i;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		if (ls->status[i] != PNVME_LABEL_CORRUPT ||
		    memcmp(ls->copy[i].drive_uuid, s->label.drive_uuid, 16))
			continue;
		named = true;
		if (sequence < le64toh(ls->copy[i].sequence))
			sequence = le64toh(ls->copy[i].sequence);
	}
	if (!named && k->hwid_type == PNVME_HWID_NONE && !k->serial[0])
		return fail(h, -ENOTUNIQ, k->path,
			    "%s has neither a hardware ID nor a serial number, and what is left of its label does not name the drive: nothing tells that it is that one",
			    k->path);
	if (sequence > given && !asked) {
		fail(h, -ESTALE, k->path,
		     "a damaged copy on %s is newer (%llu) than the newest label in the archive (%llu), so namespaces may have moved since",
		     k->path, (unsigned long long)sequence, (unsigned long long)given);
		set_hint(h, "to restore it all the same: --sequence=%llu",
			 (unsigned long long)given);
		return -ESTALE;
	}
	if (s->newest < sequence)
		s->newest = sequence;
	return 0;
}

static int check_copies(struct pnvme *h, bool asked, struct restoration *s)
{
	struct labels ls;
	int ret = labels_read_disk(h, &s->disk, &ls);

	if (ret)
		return ret;
	/* one that is whole is refused by the module, with what to do */
	if (ls.copy && ls.newest < 0)
		ret = weigh_copies(h, &ls, asked, s);
	labels_free(&ls);
	return ret;
}

/* Data is what is to be found; a filesystem, or another's partition table, is not. */
static int check_content(struct pnvme *h, const struct restoration *s, const char *overwrite)
{
	const struct disk *k = &s->disk;
	struct content c;
	char what[200];
	int fd = disk_open_alone(h, k, O_RDONLY), ret;

	if (fd < 0)
		return fd;
	ret = probe_content(h, k->path, fd, k->capacity, PROBE_CHEAP, &c);
	close(fd);
	if (ret || !c.n_kinds || !strcmp(c.kinds[0], "data"))
		return ret;
	if (overwrite && !strcmp(overwrite, c.kinds[0]))
		return 0;
	content_text(&c, what, sizeof(what));
	fail(h, -ENOTEMPTY, k->path,
	     "%s holds %s now; what wrote that may have damaged the namespaces, and restoring the label removes it",
	     k->path, what);
	set_hint(h, "look at it; then repeat with --overwrite=%s", c.kinds[0]);
	return -ENOTEMPTY;
}

/* Above all that was ever written to the drive, so that no old copy is ever newer. */
static void lift_sequence(struct restoration *s)
{
	if (le64toh(s->label.sequence) < s->newest)
		s->label.sequence = htole64(s->newest);
	pnvme_label_seal(&s->label);
}

static int prepare(struct pnvme *h, const uint8_t uuid[16], const char *dev, uint64_t sequence,
		   struct restoration *s)
{
	int ret = disk_named(h, dev, &s->disk);

	if (!ret)
		ret = lower_refuse_attached(h, &s->disk);
	if (!ret)
		ret = choose(h, uuid, sequence, s);
	if (!ret)
		ret = check_hardware(h, s);
	if (!ret)
		ret = check_copies(h, sequence, s);
	if (!ret)
		ret = host_id(h, s->host);
	if (!ret)
		host_is(h, s->label.owner, s->host);
	return ret;
}

static int restore(struct pnvme *h, struct restoration *s, const char *overwrite,
		   unsigned int flags, struct pnvme_drive **out)
{
	struct pnvme_drive d;
	int ret;

	drive_init(&d);
	ret = check_content(h, s, overwrite);
	if (ret)
		return ret;
	lift_sequence(s);
	ret = lower_restore(h, &s->disk, &s->label, s->host, flags | PNVME_CHECK, &d);
	if (ret || flags & PNVME_CHECK) {
		if (!ret) {
			disk_to_drive(&s->disk, &d);
			label_to_drive(&s->label, &d);
		}
		return ret ? ret : drive_hand_on(h, &d, out);
	}
	/* a namespace's own data at the ends is none of the fence's business: "data" passes */
	ret = disk_fence(h, &s->disk, overwrite ? overwrite : "data");
	if (!ret)
		ret = lower_restore(h, &s->disk, &s->label, s->host, flags, &d);
	if (ret)
		return ret;
	h->partly = false;
	record_update(h, s->label.drive_uuid);
	return drive_hand_on(h, &d, out);
}

API int pnvme_drive_restore(struct pnvme *h, const uint8_t uuid[16], const char *dev,
			    uint64_t sequence, const char *overwrite, unsigned int flags,
			    struct pnvme_drive **out)
{
	struct restoration *s = calloc(1, sizeof(*s));
	int ret;

	enter(h);
	ret = s ? prepare(h, uuid, dev, sequence, s) : fail_nomem(h);
	if (!ret)
		ret = restore(h, s, overwrite, flags, out);
	free(s);
	return leave(h, ret);
}
