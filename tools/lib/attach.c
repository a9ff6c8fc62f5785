// SPDX-License-Identifier: GPL-2.0
/* Attach, and the gate. What more there is to do with a drive that has a label: erase.c */
#include <stdlib.h>
#include <sys/stat.h>

#include "archive.h"
#include "attach.h"
#include "policy.h"

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
bool recorded_drive(struct pnvme *h, const uint8_t uuid[16], struct pnvme_drive *out)
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
	bool known;

	if (ret && ret != -ENOENT)
		note(h, "%s", h->failed.message);
	forget_error(h);
	roster_of_label(l, &s->roster);
	s->strong = l->hwid_type != PNVME_HWID_NONE;
	if (r)
		record_merge(r, &s->roster);
	known = entry(r, l->drive_uuid, &recorded);
	judge_label(h, &s->disk, l, known ? &recorded : NULL, &s->drive);
	if (s->drive.verdict == PNVME_VERDICT_CLONED && known && !disk_differs(&s->disk, l))
		s->elsewhere = recorded_differs(&s->drive, &recorded);
	s->record_lacks = s->drive.verdict == PNVME_VERDICT_UNRECORDED &&
			  (s->drive.from_roster || (r && record_is_lost(r)));
	s->stale = s->drive.verdict == PNVME_VERDICT_STALE || s->elsewhere ||
		   (r && record_stale(r, l->drive_uuid));
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

static int copy_label(struct pnvme *h, const struct pnvme_label *l, struct pnvme_label **copy)
{
	*copy = malloc(sizeof(**copy));
	if (!*copy)
		return fail_nomem(h);
	**copy = *l;
	return 0;
}

int subject_look(struct pnvme *h, struct subject *s, struct pnvme_label **label)
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
		ret = label ? copy_label(h, l, label) : 0;
	}
	labels_free(&ls);
	return ret;
}

int subject_host(struct pnvme *h, struct subject *s)
{
	int ret = host_id(h, s->host);

	if (!ret)
		host_is(h, s->drive.owner, s->host);
	return ret;
}

int attached_drive(struct pnvme *h, const struct disk *k, struct pnvme_drive *d)
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

/* The module knows nothing of the record: it would take both the drive and its copy. */
static int refuse_elsewhere(struct pnvme *h, const struct subject *s)
{
	fail(h, -ENOTUNIQ, s->disk.path,
	     "%s is not the drive that this host knows by its label: it was last seen on other hardware (the %s differs); attach that one",
	     s->disk.path, s->elsewhere);
	set_hint(h, "if it is to take that one's place: pnvme drive accept %s --expect cloned --identity",
		 s->disk.path);
	return -ENOTUNIQ;
}

int subject_attach(struct pnvme *h, struct subject *s, unsigned int flags)
{
	bool left = s->drive.verdict == PNVME_VERDICT_STALE && !(flags & PNVME_CHECK);
	char owner[37];
	int ret;

	if (s->elsewhere && !(flags & PNVME_IDENTITY))
		return refuse_elsewhere(h, s);
	ret = subject_host(h, s);
	if (ret)
		return ret;
	drive_init(&s->now);
	if (left)
		ret = lower_attach(h, &s->disk, s->drive.uuid, s->host, s->stale,
				   flags | PNVME_CHECK, &s->now);
	/* what the archive has of later is of a history that this ends, unless it is refused */
	if (left && !ret)
		archive_disk(h, &s->disk, flags);
	if (!ret)
		ret = lower_attach(h, &s->disk, s->drive.uuid, s->host, s->stale, flags, &s->now);
	s->served = !ret || lost_race(h, &s->disk, &s->now);
	if (s->served && ret)
		return 0;
	if (ret && s->drive.verdict == PNVME_VERDICT_FOREIGN) {
		pnvme_uuid_format(s->drive.owner, owner);
		set_hint(h, "pnvme drive import %s --from %s", s->disk.path, owner);
	}
	if (ret)
		return ret;
	s->unrecorded = !(flags & PNVME_CHECK);
	s->offers = is_owned(&s->drive);
	if (flags & PNVME_CHECK)
		s->now = s->drive;
	return 0;
}

/* It is attached: see to it that the record knows, which may have been lost since. */
static int attached_already(struct pnvme *h, struct subject *s, const struct pnvme_drive *d,
			    unsigned int flags)
{
	struct pnvme_drive recorded;

	s->now = *d;
	s->served = true;
	memcpy(s->drive.uuid, d->uuid, sizeof(s->drive.uuid));
	s->unrecorded = !(flags & PNVME_CHECK) &&
			(!recorded_drive(h, d->uuid, &recorded) || recorded.from_roster);
	return 0;
}

int subject_prepare(struct pnvme *h, struct subject *s, unsigned int flags,
		    struct pnvme_label **label)
{
	struct pnvme_drive d;
	int ret = attached_drive(h, &s->disk, &d);

	/* one that failed is tried again */
	if (ret < 0 || (ret && d.state != PNVME_STATUS_FAILED))
		return ret < 0 ? ret : attached_already(h, s, &d, flags);
	ret = subject_look(h, s, label);
	return ret ? ret : 1;
}

void subject_attached(const struct subject *s, struct attached *a)
{
	a->uuid = s->drive.uuid;
	a->roster = s->offers ? &s->roster : NULL;
}

/* What is left to be done when it is attached, or was. */
static int settle(struct pnvme *h, const struct subject *s, struct pnvme_drive **out)
{
	struct attached a;

	subject_attached(s, &a);
	if (s->unrecorded)
		record_attached(h, &a, 1);
	return drive_hand_on(h, &s->now, out);
}

int disk_attach(struct pnvme *h, const struct disk *k, unsigned int flags,
		       struct pnvme_drive **out)
{
	struct subject s = { .disk = *k };
	int ret = subject_prepare(h, &s, flags, NULL);

	if (ret > 0)
		ret = subject_attach(h, &s, flags);
	return ret ? ret : settle(h, &s, out);
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

int gate_prepare(struct pnvme *h, struct subject *s, struct pnvme_label **label)
{
	int ret;

	if (s->disk.own)
		return 0;
	ret = subject_look(h, s, label);
	if (ret == -ENODATA) {
		forget_error(h);
		return 0;
	}
	if (ret)
		return ret;
	return !is_nobodys(s);
}

int gate_attach(struct pnvme *h, struct subject *s, unsigned int flags)
{
	struct pnvme_drive d;
	int ret = attached_drive(h, &s->disk, &d);

	if (ret)
		return ret < 0 ? ret : attached_already(h, s, &d, flags);
	if (s->twin[0])
		judge_twin(s->twin, false, &s->drive);
	ret = pass_gate(h, s);
	if (!(flags & PNVME_CHECK))
		verdict_report(h, &s->drive);
	return ret ? ret : subject_attach(h, s, flags);
}

API int pnvme_drive_gate(struct pnvme *h, const char *dev, unsigned int flags, bool *attached,
			 struct pnvme_drive **out)
{
	struct subject s = { 0 }, *list = &s;
	int ret;

	enter(h);
	*attached = false;
	if (out)
		*out = NULL;
	record_wait(h);
	ret = disk_find(h, dev, &s.disk);
	if (!ret)
		ret = gate_prepare(h, &s, NULL);
	if (ret > 0) {
		twins_find(h, &list, 1);
		ret = gate_attach(h, &s, flags);
	}
	if (!ret && s.served)
		ret = settle(h, &s, out);
	*attached = !ret && s.served;
	return leave(h, ret);
}
