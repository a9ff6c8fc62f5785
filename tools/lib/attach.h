/* SPDX-License-Identifier: GPL-2.0 */
/* A drive that has a label, on its way to being attached: what the files about that share. */
#ifndef PNVME_ATTACH_H
#define PNVME_ATTACH_H

#include "lower.h"

/**
 * struct subject - a drive with its label, judged
 * @disk: the device; the only thing that the caller fills in
 * @drive: what label and verdict say of it
 * @host: this host's ID, in the form that the label uses
 * @roster: in its label
 * @strong: the label names a hardware ID
 * @record_lacks: unrecorded, and the record is to blame: it is lost, or older than the label
 * @stale: the drive has had a newer label, also if that was accepted
 * @elsewhere: what differs from the hardware that the record has, or NULL
 * @twin: another disk that carries the label as rightly, or "": see twins.c
 * @served: it is attached, or, where nothing is changed, would be
 * @now: then: what is told of it
 * @unrecorded: then: the record is to be told
 * @offers: then: of its @roster too
 */
struct subject {
	struct disk		disk;
	struct pnvme_drive	drive;
	uint8_t			host[16];
	struct roster		roster;
	bool			strong;
	bool			record_lacks;
	bool			stale;
	const char		*elsewhere;
	char			twin[64];
	bool			served;
	struct pnvme_drive	now;
	bool			unrecorded;
	bool			offers;
};

/* Read the label and judge it; -ENODATA: none. *label, if @label is no NULL: a copy, to be freed. */
int subject_look(struct pnvme *h, struct subject *s, struct pnvme_label **label);
/* The form of our ID that the label has, so that the module sees them equal. */
int subject_host(struct pnvme *h, struct subject *s);

/*
 * Attaching, in steps, so that several drives can take each step together. Prepare returns
 * 1: it is to be attached; 0: there is nothing to do any more. The gate's leave a drive
 * alone that is not this host's. In the end the record is told, see subject_attached().
 */
int subject_prepare(struct pnvme *h, struct subject *s, unsigned int flags,
		    struct pnvme_label **label);
int subject_attach(struct pnvme *h, struct subject *s, unsigned int flags);
int gate_prepare(struct pnvme *h, struct subject *s, struct pnvme_label **label);
int gate_attach(struct pnvme *h, struct subject *s, unsigned int flags);
/* What the record is told; good as long as @s is. */
void subject_attached(const struct subject *s, struct attached *a);

/* What the record says of a drive; false: nothing, or there is no record to be had. */
bool recorded_drive(struct pnvme *h, const uint8_t uuid[16], struct pnvme_drive *out);
/* 1: it is attached, *d is filled; 0: it is not. */
int attached_drive(struct pnvme *h, const struct disk *k, struct pnvme_drive *d);

/* twins.c: fill in @twin of those that were prepared for the gate */
void twins_find(struct pnvme *h, struct subject *const *list, size_t n);

#endif
