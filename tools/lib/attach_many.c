// SPDX-License-Identifier: GPL-2.0
/*
 * Several drives attached at once. What takes time is reading and writing their labels, so
 * each drive has a thread and a handle of its own; the module keeps them apart. What comes of
 * it does not depend on which is the fastest: of two labels that claim the same, the first in
 * the caller's order has it, as if they came one after the other. The record is written
 * once, when all are done.
 */
#include <stdlib.h>

#include "attach.h"

/* When a drive is attached */
enum turn {
	AT_ONCE,
	SECOND,		/* its number is taken by then, and it gets another: with all like it */
	ALONE,		/* one after the other, as what is attached then may refuse it */
};

/**
 * struct job - one drive
 * @of: the caller's
 * @flags: the caller's
 * @gate: through the gate
 * @subject: the drive
 * @label: as it was before
 * @ready: it is to be attached
 * @turn: when
 */
struct job {
	struct pnvme_attempt	*of;
	unsigned int		flags;
	bool			gate;
	struct subject		subject;
	struct pnvme_label	*label;
	bool			ready;
	enum turn		turn;
};

/* Each of these alone, in any thread */

static void prepare(void *item)
{
	struct job *j = item;
	struct pnvme *h = j->of->h;
	int ret = j->of->ret;

	if (ret)
		return;
	ret = j->gate ? gate_prepare(h, &j->subject, &j->label) :
			subject_prepare(h, &j->subject, j->flags, &j->label);
	j->ready = ret > 0;
	j->of->ret = ret < 0 ? ret : 0;
}

static void attach(struct job *j)
{
	if (!j->ready)
		return;
	j->of->ret = j->gate ? gate_attach(j->of->h, &j->subject, j->flags) :
			       subject_attach(j->of->h, &j->subject, j->flags);
}

static void attach_at_once(void *item)
{
	struct job *j = item;

	if (j->turn == AT_ONCE)
		attach(j);
}

static void attach_second(void *item)
{
	struct job *j = item;

	if (j->turn == SECOND)
		attach(j);
}

/* What was found of it is older than what the drives before it are by now. */
static void attach_alone(struct job *j)
{
	struct subject before = j->subject;

	free(j->label);
	j->label = NULL;
	memset(&j->subject, 0, sizeof(j->subject));
	j->subject.disk = before.disk;
	prepare(j);
	memcpy(j->subject.twin, before.twin, sizeof(before.twin));
	attach(j);
}

/* Which come after others */

static bool same_namespace(const struct pnvme_label_ns *a, const struct pnvme_label_ns *b)
{
	return pnvme_table_used(b) &&
	       (!strncmp(a->name, b->name, sizeof(a->name)) ||
		!memcmp(a->uuid, b->uuid, sizeof(a->uuid)) ||
		!memcmp(a->nguid, b->nguid, sizeof(a->nguid)));
}

/* Something that only one drive of a host can have */
static bool claim_same(const struct pnvme_label *a, const struct pnvme_label *b)
{
	unsigned int i, j;

	if (!memcmp(a->drive_uuid, b->drive_uuid, sizeof(a->drive_uuid)))
		return true;
	for (i = 0; i < PNVME_NS_MAX; i++)
		for (j = 0; pnvme_table_used(&a->ns[i]) && j < PNVME_NS_MAX; j++)
			if (same_namespace(&a->ns[i], &b->ns[j]))
				return true;
	return false;
}

static enum turn turn_after(const struct job *before, const struct job *j)
{
	if (!before->ready)
		return AT_ONCE;
	if (claim_same(before->label, j->label))
		return ALONE;
	return before->label->instance == j->label->instance ? SECOND : AT_ONCE;
}

static void put_in_order(struct job *jobs, size_t n)
{
	size_t i, before;

	for (i = 0; i < n; i++) {
		for (before = 0; jobs[i].ready && before < i; before++) {
			enum turn t = turn_after(&jobs[before], &jobs[i]);

			if (t > jobs[i].turn)
				jobs[i].turn = t;
		}
	}
}

/* All of them */

static void record(struct pnvme *h, const struct job *jobs, size_t n)
{
	struct attached *list = calloc(n + 1, sizeof(*list));
	size_t i, count = 0;

	for (i = 0; list && i < n; i++)
		if (!jobs[i].of->ret && jobs[i].subject.served && jobs[i].subject.unrecorded)
			subject_attached(&jobs[i].subject, &list[count++]);
	if (!list)
		note(h, "the record was not written: out of memory");
	else if (count)
		record_attached(h, list, count);
	free(list);
}

/* By hand the first of the command has it; the gate leaves both alone. */
static void look_for_twins(struct pnvme *h, struct job *jobs, size_t n)
{
	struct subject **list = calloc(n + 1, sizeof(*list));
	size_t i, count = 0;

	for (i = 0; list && i < n; i++)
		if (jobs[i].gate && jobs[i].label)
			list[count++] = &jobs[i].subject;
	if (count)
		twins_find(h, list, count);
	free(list);
}

static bool any_second(const struct job *jobs, size_t n)
{
	while (n)
		if (jobs[--n].turn == SECOND)
			return true;
	return false;
}

static void run(struct pnvme *h, struct job *jobs, size_t n)
{
	size_t i;

	parallel(prepare, jobs, sizeof(*jobs), n);
	look_for_twins(h, jobs, n);
	put_in_order(jobs, n);
	parallel(attach_at_once, jobs, sizeof(*jobs), n);
	if (any_second(jobs, n))
		parallel(attach_second, jobs, sizeof(*jobs), n);
	for (i = 0; i < n; i++)
		if (jobs[i].turn == ALONE)
			attach_alone(&jobs[i]);
	record(h, jobs, n);
	for (i = 0; i < n; i++) {
		struct pnvme_attempt *a = jobs[i].of;

		if (!a->ret && jobs[i].subject.served)
			a->ret = drive_hand_on(a->h, &jobs[i].subject.now, &a->out);
		free(jobs[i].label);
	}
}

/* Names mean what they mean before the first is attached. */
static int begin(struct pnvme *h, struct pnvme_attempt *list, size_t n, unsigned int flags,
		 bool gate, struct job *jobs)
{
	uint8_t host[16];
	size_t i;

	/* so that not each of them asks; why there is none they say themselves */
	host_id(h, host);
	forget_error(h);
	for (i = 0; i < n; i++) {
		struct pnvme_attempt *a = &list[i];

		a->h = handle_like(h);
		if (!a->h)
			return -ENOMEM;
		jobs[i].of = a;
		jobs[i].flags = flags;
		jobs[i].gate = gate;
		a->ret = gate ? disk_find(a->h, a->drive, &jobs[i].subject.disk) :
				disk_named(a->h, a->drive, &jobs[i].subject.disk);
	}
	return 0;
}

static int attach_many(struct pnvme *h, struct pnvme_attempt *list, size_t n, unsigned int flags,
		       bool gate)
{
	struct job *jobs = calloc(n + 1, sizeof(*jobs));
	size_t i;
	int ret;

	for (i = 0; i < n; i++) {
		list[i].h = NULL;
		list[i].out = NULL;
		list[i].ret = 0;
	}
	ret = jobs ? begin(h, list, n, flags, gate, jobs) : fail_nomem(h);
	if (!ret)
		run(h, jobs, n);
	else
		pnvme_attempts_free(list, n);
	free(jobs);
	return ret;
}

API int pnvme_drives_attach(struct pnvme *h, struct pnvme_attempt *list, size_t n,
			    unsigned int flags)
{
	enter(h);
	return leave(h, attach_many(h, list, n, flags & ~PNVME_IDENTITY, false));
}

API int pnvme_drives_gate(struct pnvme *h, struct pnvme_attempt *list, size_t n,
			  unsigned int flags)
{
	enter(h);
	/* also for none: who comes after it may ask the record what is still to come */
	record_wait(h);
	return leave(h, attach_many(h, list, n, flags, true));
}

API void pnvme_attempts_free(struct pnvme_attempt *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		pnvme_free(list[i].h);
		pnvme_drive_free(list[i].out);
		list[i].h = NULL;
		list[i].out = NULL;
	}
}
