// SPDX-License-Identifier: GPL-2.0
/*
 * Changing the label of an attached drive: draft, look whether the drive still
 * holds what we know, write pair by pair, and take it back if that fails.
 */
#include <linux/minmax.h>
#include <linux/string.h>

#include "drive.h"
#include "event.h"
#include "label_io.h"
#include "namespace.h"

/*
 * By how much the sequence goes on when a slot could not be read. What it holds may be newer than
 * what was found, by an update or two and what took them back; should it be read later it must
 * neither win nor say something else with the same number.
 */
#define UNREAD_GAP 64

/**
 * pnvme_drive_draft - start a change
 * @drive: its @lock is held
 *
 * Return: a copy of the label to edit and hand to pnvme_drive_update(). There is
 * one per drive: a second call starts anew.
 */
struct pnvme_label *pnvme_drive_draft(struct pnvme_drive *drive)
{
	lockdep_assert_held(&drive->lock);
	memcpy(drive->next, drive->label, PNVME_LABEL_BYTES);
	return drive->next;
}

/* The draft becomes the label that readers see. */
static void publish(struct pnvme_drive *drive)
{
	down_write(&pnvme_view);
	swap(drive->label, drive->next);
	pnvme_changed();
	up_write(&pnvme_view);
	/* whoever reads the raw node through its page cache sees the new label too */
	invalidate_bdev(drive->claim.bdev);
}

/*
 * A copy that cannot be read or is damaged is no news, the update rewrites it.
 * A whole one that is not ours says that somebody else writes this drive, and so
 * does it if all can be read and none is ours. Needs no memory: what waits for the update
 * may be what would free some.
 */
static int still_ours(struct pnvme_drive *drive)
{
	struct pnvme_label *copy = drive->hold.scratch;
	int i, ret, same = 0, read = 0;
	bool foreign = false;
	const char *why;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		if (pnvme_slot_read(drive->claim.bdev, drive->identity.capacity, i, copy))
			continue;
		read++;
		if (!memcmp(copy, drive->label, PNVME_LABEL_BYTES)) {
			same++;
			continue;
		}
		ret = pnvme_label_check(copy, &why);
		if (ret != PNVME_LABEL_NONE && ret != PNVME_LABEL_CORRUPT)
			foreign = true;
	}
	if (foreign || (read == PNVME_LABEL_SLOTS && !same))
		return -ESTALE;
	return same ? 0 : -EIO;
}

static int write_slots(struct pnvme_drive *drive, const struct pnvme_label *label)
{
	return pnvme_label_write(drive->claim.bdev, drive->identity.capacity, label, drive->check);
}

/* @next, a copy of @hold.undone, takes back what @hold.unsure was to change; @whole: it can. */
static void take_back(struct pnvme_drive *drive, bool whole)
{
	drive->hold.torn = !whole || write_slots(drive, drive->next);
	if (!drive->hold.torn) {
		publish(drive);
		return;
	}
	/* what a drive that went away holds now is one of these, and settled when it is back */
	if (pnvme_hold_lower_lost(drive))
		return;
	drive->label_lost = true;
	pnvme_event_drive(PNVME_EVENT_TYPE_LABEL_LOST, drive,
			  "a label update failed half way and could not be taken back; changes are refused until pnvme drive detach and attach repair it");
}

/* Old content, next sequence: whatever the failed write left behind is behind it. */
static void roll_back(struct pnvme_drive *drive, u64 failed_sequence)
{
	struct pnvme_label *old;
	bool whole;

	memcpy(drive->hold.unsure, drive->next, PNVME_LABEL_BYTES);
	old = pnvme_drive_draft(drive);
	old->sequence = cpu_to_le64(failed_sequence);
	whole = !pnvme_label_next(old);
	if (whole)
		pnvme_label_seal(old);
	memcpy(drive->hold.undone, old, PNVME_LABEL_BYTES);
	take_back(drive, whole);
}

/**
 * pnvme_drive_settle - a drive is back whose label was being written when it went
 * @drive: live again; its @lock is held
 *
 * What the update was for did not happen, so it is taken back: by what was to do that when the
 * drive went, to the bit, as nothing else proves it should it go once more.
 */
void pnvme_drive_settle(struct pnvme_drive *drive)
{
	struct pnvme_hold *h = &drive->hold;
	struct pnvme_ns *ns;

	lockdep_assert_held(&drive->lock);
	if (!h->torn)
		return;
	drive->label_lost = false;
	memcpy(drive->next, h->undone, PNVME_LABEL_BYTES);
	take_back(drive, le64_to_cpu(h->undone->sequence) > le64_to_cpu(h->unsure->sequence));
	/* one that was to go, and stays */
	list_for_each_entry(ns, &drive->namespaces, node)
		if (!h->torn)
			pnvme_ns_reopen(ns);
}

/*
 * A drive that is being attached may have slots that cannot be written any more. What
 * can be is enough to serve it; changing it would risk that.
 */
static int repair_slots(struct pnvme_drive *drive, struct pnvme_error *err)
{
	bool partly;
	int ret = pnvme_label_repair(drive->claim.bdev, drive->identity.capacity, drive->next,
				     drive->check, drive->good, &partly);

	if (ret)
		return pnvme_refuse(err, -EIO,
				    "no copy of the label of %s can be written (error %d); look at the drive's health, or attach it with --read-only",
				    drive->lower_name, -ret);
	publish(drive);
	if (!partly)
		return 0;
	drive->label_lost = true;
	pnvme_event_drive(PNVME_EVENT_TYPE_LABEL_LOST, drive,
			  "some copies of its label cannot be written; namespaces are served, changes are refused, and so are writes to sealed ones, whose seal cannot be broken: look at the drive's health and replace it");
	return 0;
}

static int write_draft(struct pnvme_drive *drive, struct pnvme_error *err)
{
	u64 sequence = le64_to_cpu(drive->next->sequence);
	int ret;

	if (drive->label->sequence)
		ret = write_slots(drive, drive->next);
	else
		ret = pnvme_label_create(drive->claim.bdev, drive->identity.capacity, drive->next,
					 drive->check);
	if (!ret) {
		publish(drive);
		return 0;
	}
	if (drive->label->sequence)
		roll_back(drive, sequence);
	if (drive->hold.torn && !drive->label_lost)
		return pnvme_refuse(err, -ENODEV,
				    "%s went away while its label was written; nothing was changed, repeat when it is back",
				    drive->lower_name);
	if (drive->label_lost)
		return pnvme_refuse(err, -EIO,
				    "the label of %s cannot be written (error %d) nor restored; detach the drive, then look with pnvme drive examine",
				    drive->lower_name, -ret);
	return pnvme_refuse(err, -EIO,
			    "the label of %s cannot be written (error %d); nothing was changed, look at the drive's health",
			    drive->lower_name, -ret);
}

static int seal_draft(struct pnvme_drive *drive, struct pnvme_error *err)
{
	const char *why = "";

	if (pnvme_label_next(drive->next))
		return pnvme_refuse(err, -EOVERFLOW,
				    "the label of %s has reached the end of its sequence numbers",
				    drive->lower_name);
	pnvme_label_seal(drive->next);
	/* what we would not read again must not be written */
	if (pnvme_label_check(drive->next, &why))
		return pnvme_refuse(err, -EINVAL,
				    "this change would make an invalid label (%s); nothing was changed",
				    why);
	return 0;
}

/**
 * pnvme_drive_writable - may the label of a drive be changed?
 * @drive: its @lock is held
 * @err: the sentence, if not
 *
 * Return: 0 or a negative errno.
 */
int pnvme_drive_writable(struct pnvme_drive *drive, struct pnvme_error *err)
{
	lockdep_assert_held(&drive->lock);
	if (drive->read_only)
		return pnvme_refuse(err, -EROFS,
				    "drive %s is attached read-only; attach it without --read-only to change it",
				    dev_name(&drive->dev));
	if (READ_ONCE(drive->state) == PNVME_DRIVE_STATE_HELD)
		return pnvme_refuse(err, -ENODEV,
				    "drive %s is held and cannot be changed until it is back",
				    dev_name(&drive->dev));
	if (READ_ONCE(drive->state) != PNVME_DRIVE_STATE_LIVE)
		return pnvme_refuse(err, -ENODEV,
				    "drive %s is not live: %s; bring it back and attach it, or detach it",
				    dev_name(&drive->dev), drive->reason);
	if (drive->label_lost)
		return pnvme_refuse(err, -EIO,
				    "not all copies of the label of %s could be written; detach and attach the drive, or look at its health",
				    drive->lower_name);
	return 0;
}

/**
 * pnvme_drive_verify - does the drive still hold the label that we know?
 * @drive: its @lock is held
 * @err: the sentence, if not
 *
 * What does not is failed: somebody else writes it.
 *
 * Return: 0 or a negative errno.
 */
int pnvme_drive_verify(struct pnvme_drive *drive, struct pnvme_error *err)
{
	const char *wrong;
	int ret = pnvme_drive_writable(drive, err);

	if (ret)
		return ret;
	wrong = pnvme_drive_look(drive);
	/* what is gone may be held; that it is will be found out elsewhere */
	if (wrong && pnvme_hold_lower_lost(drive))
		return pnvme_refuse(err, -ENODEV, "%s is gone; nothing was changed",
				    drive->lower_name);
	if (wrong)
		pnvme_drive_fail(drive, wrong);
	ret = pnvme_drive_writable(drive, err);
	if (ret)
		return ret;
	ret = still_ours(drive);
	if (ret == -ESTALE) {
		pnvme_drive_fail(drive, "its label is no longer the one we wrote");
		return pnvme_refuse(err, ret,
				    "the label of %s was changed by somebody else; I/O is stopped, look with pnvme drive examine",
				    drive->lower_name);
	}
	if (ret == -EIO)
		return pnvme_refuse(err, ret,
				    "no copy of the label of %s can be read; nothing was changed, look at the drive's health",
				    drive->lower_name);
	return ret;
}

/**
 * pnvme_drive_update - make the draft the label of a drive
 * @drive: its @lock is held, pnvme_drive_draft() was edited
 * @err: the sentence, on failure
 *
 * Return: 0, or a negative errno: then the drive holds what it held before,
 * unless @label_lost is set now.
 */
int pnvme_drive_update(struct pnvme_drive *drive, struct pnvme_error *err)
{
	int ret = pnvme_drive_writable(drive, err);

	if (!ret)
		ret = seal_draft(drive, err);
	if (!ret)
		ret = pnvme_drive_verify(drive, err);
	return ret ? ret : write_draft(drive, err);
}

/* @drive->lock is held. */
static int set_roster(struct pnvme_drive *drive, const struct pnvme_label_peer *peers,
		      unsigned int n, u64 generation, bool check, struct pnvme_error *err)
{
	const char *why = "";
	int ret;

	if (!drive->exposed)
		return pnvme_refuse(err, -ENOENT, "drive %pU was just detached", drive->uuid);
	ret = pnvme_drive_writable(drive, err);
	if (ret)
		return ret;
	ret = pnvme_roster_set(pnvme_drive_draft(drive), peers, n, generation, &why);
	if (ret < 0)
		return pnvme_refuse(err, ret,
				    "the roster of %s cannot be stored: %s; nothing was changed",
				    dev_name(&drive->dev), why);
	return ret || check ? 0 : pnvme_drive_update(drive, err);
}

/**
 * pnvme_drive_set_roster - store which drives the owner has
 * @drive: attached
 * @peers: the drives
 * @n: how many
 * @generation: of the roster
 * @check: change nothing
 * @err: the sentence, on failure
 *
 * A label that has this roster already is not written: whoever attaches a drive
 * offers it to all others, and most of the time nothing is new. There is no event,
 * as nothing that serves I/O has changed.
 *
 * Return: 0 or a negative errno.
 */
int pnvme_drive_set_roster(struct pnvme_drive *drive, const struct pnvme_label_peer *peers,
			   unsigned int n, u64 generation, bool check, struct pnvme_error *err)
{
	int ret;

	pnvme_drive_lock(drive);
	ret = set_roster(drive, peers, n, generation, check, err);
	pnvme_drive_unlock(drive);
	return ret;
}

/**
 * pnvme_drive_first_write - write the draft of a drive that is being attached
 * @drive: not yet exposed; @lock is held, @next filled in, @label empty on adopt
 * @err: the sentence, on failure
 *
 * Unlike pnvme_drive_update() this does not ask what the slots hold: the caller
 * has just read them, and repairs them by this.
 *
 * Return: 0 or a negative errno.
 */
int pnvme_drive_first_write(struct pnvme_drive *drive, struct pnvme_error *err)
{
	u64 sequence;
	int ret;

	lockdep_assert_held(&drive->lock);
	if (!drive->label->sequence) {
		pnvme_label_seal(drive->next);
		return write_draft(drive, err);
	}
	sequence = le64_to_cpu(drive->next->sequence);
	if (drive->unread && sequence < U64_MAX - UNREAD_GAP)
		drive->next->sequence = cpu_to_le64(sequence + UNREAD_GAP);
	ret = seal_draft(drive, err);
	return ret ? ret : repair_slots(drive, err);
}
