// SPDX-License-Identifier: GPL-2.0
/* What a drive is: label, hardware, owner and record put side by side. */
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "archive.h"
#include "policy.h"

static void verdict(struct pnvme_drive *d, enum pnvme_verdict v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void verdict(struct pnvme_drive *d, enum pnvme_verdict v, const char *fmt, ...)
{
	va_list args;

	d->verdict = v;
	va_start(args, fmt);
	if (vsnprintf(d->evidence, sizeof(d->evidence), fmt, args) < 0)
		d->evidence[0] = '\0';
	va_end(args);
}

bool is_owned(const struct pnvme_drive *d)
{
	return (d->verdict == PNVME_VERDICT_INTACT || d->verdict == PNVME_VERDICT_STALE ||
		d->verdict == PNVME_VERDICT_UNRECORDED) && !all_zero(d->owner, 16);
}

/* The record is lost or behind, and a roster names the drive with this hardware. */
static bool from_roster(const struct pnvme_drive *d, const struct pnvme_drive *recorded)
{
	return recorded && recorded->from_roster && d->hwid_type == recorded->hwid_type &&
	       !memcmp(d->hwid, recorded->hwid, 16);
}

/*
 * Label and hardware agree, but the record has the drive on other hardware: it is the copy,
 * or what was copied, of a drive that was accepted as the same. NULL, or what differs.
 */
const char *recorded_differs(const struct pnvme_drive *d, const struct pnvme_drive *recorded)
{
	if (!recorded || recorded->from_roster)
		return NULL;
	if (d->hwid_type != recorded->hwid_type)
		return "kind of hardware ID";
	if (memcmp(d->hwid, recorded->hwid, 16))
		return "hardware ID";
	if (d->hwid_type != PNVME_HWID_NONE)
		return NULL;
	if (strncmp(d->serial, recorded->serial, PNVME_SERIAL_BYTES - 1))
		return "serial number";
	if (d->nvme && strncmp(d->model, recorded->model, PNVME_MODEL_BYTES - 1))
		return "model";
	return NULL;
}

bool label_is_older(const struct pnvme_drive *d, const struct pnvme_drive *recorded)
{
	return d->sequence < recorded->sequence || d->epoch < recorded->epoch;
}

static void judge_owned(struct pnvme_drive *d, const struct pnvme_drive *recorded)
{
	/* whoever attached it has said which it is, and the record follows */
	const char *differs = d->attached ? NULL : recorded_differs(d, recorded);
	char why[200];

	if (differs) {
		d->recorded = false;
		verdict(d, PNVME_VERDICT_CLONED,
			"this host last saw the drive of its label on other hardware: the %s differs",
			differs);
		return;
	}

	if (from_roster(d, recorded)) {
		d->from_roster = true;
		verdict(d, PNVME_VERDICT_UNRECORDED,
			"its label is whole and names this host; the record is lost or old, and a roster names the drive");
		return;
	}
	if (!recorded || recorded->from_roster) {
		if (all_zero(d->owner, 16))
			verdict(d, PNVME_VERDICT_UNRECORDED,
				"its label is whole and names no owner: any host may attach it");
		else
			verdict(d, PNVME_VERDICT_UNRECORDED,
				"its label is whole and names this host, whose record does not know it");
		return;
	}
	d->recorded = true;
	d->last_seen = recorded->last_seen;
	d->acked_at = recorded->acked_at;
	d->acked_verdict = recorded->acked_verdict;
	if (label_is_older(d, recorded)) {
		put_text(why, sizeof(why), "generation %llu of attach %llu, the record knows %llu of %llu",
			 (unsigned long long)d->sequence, (unsigned long long)d->epoch,
			 (unsigned long long)recorded->sequence,
			 (unsigned long long)recorded->epoch);
		verdict(d, PNVME_VERDICT_STALE, "its label is older than this host last saw it: %s",
			why);
		return;
	}
	verdict(d, PNVME_VERDICT_INTACT, "label, hardware and record agree");
}

void judge_label(struct pnvme *h, const struct disk *k, const struct pnvme_label *l,
		 const struct pnvme_drive *recorded, struct pnvme_drive *d)
{
	const char *differs = disk_differs(k, l), *why = "";
	uint8_t form[16];
	char owner[37];

	if (differs) {
		/* this hardware is what is here, the label speaks of another */
		memcpy(d->hwid, k->hwid, sizeof(d->hwid));
		d->hwid_type = k->hwid_type;
		d->proof = k->hwid_type == PNVME_HWID_NONE ? PNVME_PROOF_WEAK : PNVME_PROOF_STRONG;
		verdict(d, PNVME_VERDICT_CLONED,
			"its label was written on other hardware: the %s differs", differs);
		return;
	}
	d->recorded = recorded && !recorded->from_roster;
	if (pnvme_label_fits(l, k->capacity, k->lba_size, &why)) {
		verdict(d, PNVME_VERDICT_CLONED, "its label does not fit this drive: %s", why);
		return;
	}
	if (!all_zero(l->owner, 16) && !host_is(h, l->owner, form)) {
		bool unknown = h->host_source == HOST_UNKNOWN;

		pnvme_uuid_format(l->owner, owner);
		if (unknown)
			verdict(d, PNVME_VERDICT_UNKNOWN, "owner is %s; %s", owner, h->failed.message);
		else
			verdict(d, PNVME_VERDICT_FOREIGN, "its label names another owner, %s",
				owner);
		forget_error(h);
		return;
	}
	judge_owned(d, recorded);
}

void judge_twin(const char *twin, bool attached, struct pnvme_drive *d)
{
	verdict(d, PNVME_VERDICT_CLONED, "%s carries the same label%s", twin,
		attached ? " and is attached" : "");
}

void judge_unreadable(const char *why, struct pnvme_drive *d)
{
	verdict(d, PNVME_VERDICT_UNKNOWN, "%s", why);
}

void judge_content(const struct disk *k, const struct labels *ls, const struct content *c,
		   struct pnvme_drive *d)
{
	char what[200];

	if (k->capacity < PNVME_MIN_CAPACITY) {
		verdict(d, PNVME_VERDICT_USED, "too small to be adopted");
		return;
	}
	if (ls->any_magic) {
		verdict(d, PNVME_VERDICT_USED, "carries a pnvme label that cannot be used: %s",
			ls->newest_why ? ls->newest_why : "damaged");
		return;
	}
	if (!c)
		return;
	if (c->n_kinds) {
		content_text(c, what, sizeof(what));
		verdict(d, PNVME_VERDICT_USED, "holds %s", what);
		return;
	}
	if (k->zoned || k->read_only) {
		verdict(d, PNVME_VERDICT_BLANK, "%s: it cannot be adopted",
			k->zoned ? "zoned" : "read-only");
		return;
	}
	put_text(d->next, sizeof(d->next), "pnvme drive adopt %s", k->path);
	if (c->fence) {
		verdict(d, PNVME_VERDICT_BLANK,
			"has the GPT of an adopt that was not finished, and no label");
		return;
	}
	verdict(d, PNVME_VERDICT_BLANK,
		"nothing but zeros in the first and last MiB (adopt looks at more)");
}

/* Recorded drives that were not found by their label */

/* But for what changes when it is formatted. */
static bool same_identity(const struct pnvme_drive *a, const struct pnvme_drive *b)
{
	if (a->hwid_type != b->hwid_type)
		return false;
	if (a->hwid_type != PNVME_HWID_NONE)
		return !memcmp(a->hwid, b->hwid, 16);
	return a->serial[0] && !strncmp(a->serial, b->serial, PNVME_SERIAL_BYTES - 1) &&
	       !strncmp(a->model, b->model, PNVME_MODEL_BYTES - 1);
}

static bool same_hardware(const struct pnvme_drive *a, const struct pnvme_drive *b)
{
	return same_identity(a, b) &&
	       (a->hwid_type != PNVME_HWID_NONE || a->capacity == b->capacity);
}

static struct pnvme_drive *by_hardware(const struct pnvme_inventory *inv,
				       const struct pnvme_drive *lost, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (inv->drives[i]->name[0] && same_hardware(inv->drives[i], lost))
			return inv->drives[i];
	return NULL;
}

/* A recorded drive that moved is no replacement. */
static struct pnvme_drive *by_slot(const struct pnvme_inventory *inv,
				   const struct pnvme_drive *lost, size_t n)
{
	size_t i;

	for (i = 0; i < n && lost->slot[0]; i++)
		if (inv->drives[i]->name[0] && !inv->drives[i]->recorded &&
		    !inv->drives[i]->from_roster &&
		    !strcmp(inv->drives[i]->slot, lost->slot))
			return inv->drives[i];
	return NULL;
}

static void last_seen_text(const struct pnvme_drive *d, char *out, size_t n)
{
	time_t t = (time_t)d->last_seen;
	struct tm tm;

	if (!t || !localtime_r(&t, &tm) || !strftime(out, n, "%Y-%m-%d %H:%M", &tm))
		put_text(out, n, "an unknown time");
}

/* The hardware is here under another entry: give the lost drive its place. */
static void merge_wiped(struct pnvme_drive *lost, const struct pnvme_drive *here)
{
	put_text(lost->name, sizeof(lost->name), "%s", here->name);
	lost->major = here->major;
	lost->minor = here->minor;
	lost->diskseq = here->diskseq;
	lost->nvme = here->nvme;
	memcpy(lost->nguid, here->nguid, sizeof(lost->nguid));
	memcpy(lost->eui, here->eui, sizeof(lost->eui));
	put_text(lost->firmware, sizeof(lost->firmware), "%s", here->firmware);
	put_text(lost->slot, sizeof(lost->slot), "%s", here->slot);
}

static void judge_wiped(struct pnvme_drive *lost, const struct pnvme_drive *here)
{
	char uuid[37];

	if (here->verdict == PNVME_VERDICT_UNKNOWN && here->evidence[0]) {
		verdict(lost, PNVME_VERDICT_UNKNOWN, "its hardware is here (%s) and %.200s",
			here->name, here->evidence);
		return;
	}
	if (here->labelled && memcmp(here->uuid, lost->uuid, 16)) {
		pnvme_uuid_format(here->uuid, uuid);
		verdict(lost, PNVME_VERDICT_WIPED,
			"its hardware is here (%s) and carries another label, %s", here->name,
			uuid);
		return;
	}
	verdict(lost, PNVME_VERDICT_WIPED, "its hardware is here (%s) without its label%s%.200s",
		here->name, here->evidence[0] ? ": " : "", here->evidence);
}

/*
 * Returns the entry that says the same of the same device and can go, or NULL. @left: of the
 * settle time, in which a drive that is not here is not called missing.
 */
static struct pnvme_drive *judge_lost(const struct pnvme_inventory *inv,
				      struct pnvme_drive *lost, size_t n, unsigned int left)
{
	struct pnvme_drive *here = by_hardware(inv, lost, n);
	char when[32];

	lost->state = PNVME_STATUS_MISSING;
	/* unknown without evidence: its content was not looked at, and it has no label */
	if (here && here->verdict == PNVME_VERDICT_UNKNOWN && here->evidence[0]) {
		verdict(lost, PNVME_VERDICT_UNKNOWN, "its hardware is here, as %s, but %s", here->name,
			here->evidence);
		return NULL;
	}
	if (here) {
		judge_wiped(lost, here);
		if (here->labelled)
			return NULL;
		merge_wiped(lost, here);
		return here;
	}
	last_seen_text(lost, when, sizeof(when));
	here = by_slot(inv, lost, n);
	if (inv->partial)
		verdict(lost, PNVME_VERDICT_UNKNOWN, "not all drives could be read");
	else if (here && lost->from_roster && lost->hwid_type == PNVME_HWID_NONE)
		verdict(lost, PNVME_VERDICT_REPLACED,
			"its slot %s has %s, serial %s, without its label; a roster names it, so that its own serial is not known",
			lost->slot, here->name, here->serial[0] ? here->serial : "unknown");
	else if (here)
		verdict(lost, PNVME_VERDICT_REPLACED,
			"other hardware is in its slot %s: %s, serial %s (last seen %s)",
			lost->slot, here->name, here->serial[0] ? here->serial : "unknown", when);
	else if (left)
		verdict(lost, PNVME_VERDICT_UNKNOWN,
			"not seen yet, %u s of the settle time are left (last seen %s, slot %s, serial %s)",
			left, when, lost->slot[0] ? lost->slot : "unknown",
			lost->serial[0] ? lost->serial : "unknown");
	else
		verdict(lost, PNVME_VERDICT_MISSING,
			"no drive here carries its label or its hardware ID (last seen %s, slot %s, serial %s)",
			when, lost->slot[0] ? lost->slot : "unknown",
			lost->serial[0] ? lost->serial : "unknown");
	return NULL;
}

static void remove_drive(struct pnvme_inventory *inv, const struct pnvme_drive *d)
{
	size_t i;

	for (i = 0; i < inv->n_drives && inv->drives[i] != d; i++)
		;
	pnvme_drive_free(inv->drives[i]);
	memmove(&inv->drives[i], &inv->drives[i + 1],
		(--inv->n_drives - i) * sizeof(*inv->drives));
}

/*
 * Is the drive of a recorded entry here, with a label that is its own? One that is here
 * twice, or does not fit its label any more, is cloned, and here all the same.
 */
static bool is_here(const struct pnvme_inventory *inv, const struct pnvme_drive *recorded)
{
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		if (!memcmp(inv->drives[i]->uuid, recorded->uuid, 16) &&
		    (inv->drives[i]->verdict != PNVME_VERDICT_CLONED ||
		     same_identity(inv->drives[i], recorded)))
			return true;
	return false;
}

static int add_lost(struct pnvme *h, struct pnvme_inventory *inv, const struct record *r)
{
	size_t i, n = record_count(r), seen = inv->n_drives;
	struct pnvme_drive probe, *d, *same;
	struct policy p;
	unsigned int left;

	if (policy_load(h, &p))
		note(h, "%s", h->failed.message);
	forget_error(h);
	left = policy_settle_left(&p);
	for (i = 0; i < n; i++) {
		drive_init(&probe);
		record_drive(r, i, &probe, NULL);
		if (is_here(inv, &probe))
			continue;
		d = inventory_add_drive(inv);
		if (!d || record_drive(r, i, d, inv))
			return fail_nomem(h);
		same = judge_lost(inv, d, seen, left);
		if (same) {
			remove_drive(inv, same);
			seen--;
		}
	}
	return 0;
}

/* Attached drives: the module has checked label and hardware; the record may know more. */
static void judge_attached(struct pnvme_drive *d, const struct record *r)
{
	struct pnvme_drive recorded;
	int i = record_find(r, d->uuid);

	drive_init(&recorded);
	if (i >= 0)
		record_drive(r, (size_t)i, &recorded, NULL);
	judge_owned(d, i >= 0 ? &recorded : NULL);
	if (d->name[0])
		return;
	copy_text(d->slot, sizeof(d->slot), recorded.slot);
	verdict(d, PNVME_VERDICT_MISSING, "it left while it was in use%s%s",
		recorded.slot[0] ? ", seen last in " : "", recorded.slot);
}

/* Judged before the rosters of all labels were seen: one of them may name it. */
static void judge_unrecorded(struct pnvme_drive *d, const struct record *r)
{
	struct pnvme_drive recorded;
	int i = record_find(r, d->uuid);

	if (i < 0)
		return;
	drive_init(&recorded);
	record_drive(r, (size_t)i, &recorded, NULL);
	judge_owned(d, &recorded);
}

/* What a drive does is what its namespaces are good for. */
static void follow_drive(const struct pnvme_inventory *inv, struct pnvme_namespace *ns)
{
	const struct pnvme_drive *d = inventory_drive(inv, ns->drive);

	if (!d || !d->attached || ns->state != PNVME_NS_STATUS_LIVE)
		return;
	if (d->state == PNVME_STATUS_HELD)
		ns->state = PNVME_NS_STATUS_HELD;
	else if (d->state == PNVME_STATUS_FAILED)
		ns->state = PNVME_NS_STATUS_DOWN;
}

/* One that carries the same label and is not known to be the copy. */
static const struct pnvme_drive *find_twin(const struct pnvme_inventory *inv,
					   const struct pnvme_drive *d, const bool *copies)
{
	size_t i;

	for (i = 0; i < inv->n_drives; i++) {
		const struct pnvme_drive *o = inv->drives[i];

		/* one that left and came back is no copy of itself */
		if (o != d && o->labelled && !copies[i] && !memcmp(d->uuid, o->uuid, 16) &&
		    (!o->attached || o->name[0]))
			return o;
	}
	return NULL;
}

/* Two drives with one label: where hardware does not tell which is the copy, both are. */
static int mark_clones(struct pnvme *h, struct pnvme_inventory *inv)
{
	bool *copies = calloc(inv->n_drives + 1, sizeof(*copies));
	const struct pnvme_drive *twin;
	size_t i;

	if (!copies)
		return fail_nomem(h);
	for (i = 0; i < inv->n_drives; i++)
		copies[i] = inv->drives[i]->verdict == PNVME_VERDICT_CLONED;
	for (i = 0; i < inv->n_drives; i++) {
		struct pnvme_drive *d = inv->drives[i];

		twin = d->labelled && !d->attached ? find_twin(inv, d, copies) : NULL;
		if (twin)
			judge_twin(twin->name, twin->attached, d);
	}
	free(copies);
	return 0;
}

static bool listed_before(const struct pnvme_inventory *inv, size_t n, const uint8_t uuid[16])
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!memcmp(inv->namespaces[i]->uuid, uuid, 16))
			return true;
	return false;
}

/* What the module serves comes first, then what labels say, then the record. */
static void drop_twins(struct pnvme_inventory *inv)
{
	size_t i, n = 0;

	for (i = 0; i < inv->n_namespaces; i++) {
		struct pnvme_namespace *ns = inv->namespaces[i];

		if (listed_before(inv, n, ns->uuid))
			pnvme_namespace_free(ns);
		else
			inv->namespaces[n++] = ns;
	}
	inv->n_namespaces = n;
}

/* Its data may be there: first what can save it, if the archive has its label. */
static void next_wiped(struct pnvme_drive *d, const char *uuid)
{
	struct pnvme_label kept;

	if (!d->name[0] || d->labelled)
		put_text(d->next, sizeof(d->next), "pnvme drive replace %s DEV, or pnvme drive forget %s",
			 uuid, uuid);
	else if (!archive_newest(d->uuid, &kept))
		put_text(d->next, sizeof(d->next), "pnvme drive restore %s /dev/%s", uuid, d->name);
	else
		put_text(d->next, sizeof(d->next), "pnvme drive examine /dev/%s, then pnvme drive replace %s DEV",
			 d->name, uuid);
}

static void next_command(struct pnvme_drive *d)
{
	char uuid[37], owner[37];

	pnvme_uuid_format(d->uuid, uuid);
	pnvme_uuid_format(d->owner, owner);
	if (d->attached && !d->name[0]) {
		put_text(d->next, sizeof(d->next), d->state == PNVME_STATUS_HELD ?
			 "pnvme drive fail pnvme%d" : "pnvme drive detach pnvme%d", d->instance);
		return;
	}
	switch (d->verdict) {
	case PNVME_VERDICT_WIPED:
		next_wiped(d, uuid);
		break;
	case PNVME_VERDICT_REPLACED:
		put_text(d->next, sizeof(d->next), "pnvme drive replace %s DEV, if it is gone for good", uuid);
		break;
	case PNVME_VERDICT_MISSING:
		put_text(d->next, sizeof(d->next), "put it back; or pnvme drive replace %s DEV, or pnvme drive forget %s",
			 uuid, uuid);
		break;
	case PNVME_VERDICT_FOREIGN:
		put_text(d->next, sizeof(d->next), "pnvme drive import /dev/%s --from %s", d->name,
			 owner);
		break;
	case PNVME_VERDICT_CLONED:
		put_text(d->next, sizeof(d->next), "pnvme drive examine /dev/%s", d->name);
		break;
	case PNVME_VERDICT_STALE:
		put_text(d->next, sizeof(d->next), "pnvme drive accept %s --expect stale", uuid);
		break;
	case PNVME_VERDICT_UNRECORDED:
		if (d->attached) {
			put_text(d->next, sizeof(d->next), "pnvme drive accept %s --expect unrecorded", uuid);
			break;
		}
		/* fall through */
	case PNVME_VERDICT_INTACT:
		if (d->state == PNVME_STATUS_DETACHED || d->state == PNVME_STATUS_FAILED)
			put_text(d->next, sizeof(d->next), "pnvme drive attach /dev/%s", d->name);
		break;
	case PNVME_VERDICT_BLANK:	/* set with the verdict */
	case PNVME_VERDICT_USED:
	case PNVME_VERDICT_UNKNOWN:
		break;
	}
}

/* An acknowledged loss is known, and so is that of its namespaces. */
static bool is_known(const struct pnvme_drive *d)
{
	return d->acked_at && !d->attached;
}

static int rank(const struct pnvme_drive *d)
{
	if (d->state == PNVME_STATUS_FAILED)
		return -2;
	if (d->state == PNVME_STATUS_HELD)
		return -1;
	return is_known(d) ? INT_MAX : (int)d->verdict;
}

static int worst_first(const void *a, const void *b)
{
	const struct pnvme_drive *x = *(struct pnvme_drive *const *)a;
	const struct pnvme_drive *y = *(struct pnvme_drive *const *)b;
	int ret = rank(x) - rank(y);

	if (!ret)
		ret = (y->state == PNVME_STATUS_DETACHED) - (x->state == PNVME_STATUS_DETACHED);
	if (!ret && x->instance != y->instance)
		ret = x->instance < y->instance ? -1 : 1;
	return ret ? ret : strverscmp(x->name, y->name);
}

static int by_drive_and_nsid(const void *a, const void *b)
{
	const struct pnvme_namespace *x = *(struct pnvme_namespace *const *)a;
	const struct pnvme_namespace *y = *(struct pnvme_namespace *const *)b;

	if (x->state != y->state)
		return x->state > y->state ? -1 : 1;
	return strverscmp(x->name, y->name);
}

static bool ns_usable(const struct pnvme_namespace *ns)
{
	return ns->state == PNVME_NS_STATUS_LIVE && ns->fence == PNVME_FENCE_NONE;
}

static bool is_ours(struct pnvme *h, const struct pnvme_drive *d)
{
	uint8_t form[16];
	bool ours = d->attached || d->recorded || host_is(h, d->owner, form);

	forget_error(h);
	return ours;
}

static bool has_trouble(struct pnvme *h, const struct pnvme_inventory *inv)
{
	size_t i;

	for (i = 0; i < inv->n_drives; i++) {
		const struct pnvme_drive *d = inv->drives[i];

		if ((d->recorded && d->verdict != PNVME_VERDICT_INTACT && !is_known(d)) ||
		    (d->attached && d->state != PNVME_STATUS_LIVE))
			return true;
	}
	for (i = 0; i < inv->n_namespaces; i++) {
		const struct pnvme_drive *d = inventory_drive(inv, inv->namespaces[i]->drive);

		if (!ns_usable(inv->namespaces[i]) && d && !is_known(d) && is_ours(h, d))
			return true;
	}
	return false;
}

/* @all_seen: all drives on the bus were looked for, so that what is not in @inv is lost. */
int judge_all(struct pnvme *h, struct pnvme_inventory *inv, const struct record *r, bool all_seen)
{
	size_t i;
	int ret;

	for (i = 0; r && i < inv->n_drives; i++) {
		if (inv->drives[i]->attached)
			judge_attached(inv->drives[i], r);
		else if (inv->drives[i]->verdict == PNVME_VERDICT_UNRECORDED)
			judge_unrecorded(inv->drives[i], r);
	}
	ret = mark_clones(h, inv);
	if (!ret && r && all_seen)
		ret = add_lost(h, inv, r);
	if (ret)
		return ret;
	drop_twins(inv);
	for (i = 0; i < inv->n_namespaces; i++)
		follow_drive(inv, inv->namespaces[i]);
	for (i = 0; i < inv->n_drives; i++) {
		/* it has become something else since */
		if (inv->drives[i]->acked_verdict != inv->drives[i]->verdict)
			inv->drives[i]->acked_at = 0;
		next_command(inv->drives[i]);
	}
	if (inv->n_drives)
		qsort(inv->drives, inv->n_drives, sizeof(*inv->drives), worst_first);
	if (inv->n_namespaces)
		qsort(inv->namespaces, inv->n_namespaces, sizeof(*inv->namespaces),
		      by_drive_and_nsid);
	inv->trouble = has_trouble(h, inv);
	return 0;
}
