// SPDX-License-Identifier: GPL-2.0
/* pnvme wait */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app.h"

/* Between two looks; a look reads labels of drives that are not attached. */
#define PAUSE_MS 250

static bool usable(const struct pnvme_namespace *ns)
{
	return ns->state == PNVME_NS_STATUS_LIVE && ns->fence == PNVME_FENCE_NONE;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/**
 * struct wanted - what is waited for, in one look
 * @inv: all that was seen; other hosts' drives too, which are none of this one's business
 * @own: of its namespaces those of this host; drives are not in it
 * @list: the namespaces; with names one for each, NULL: there is none, or several
 * @n: how many
 * @all: every one of this host
 */
struct wanted {
	struct pnvme_inventory		*inv;
	struct pnvme_inventory		own;
	struct pnvme_namespace		**list;
	size_t				n;
	bool				all;
};

/* One that is known to be lost is waited for by its name only. */
static bool is_known(const struct pnvme_drive *d)
{
	return d->acked_at && !d->attached;
}

static bool of_this_host(const struct wanted *w, const struct pnvme_namespace *ns,
			 const uint8_t host[16])
{
	const struct pnvme_drive *d = drive_by_uuid(w->inv, ns->drive);

	if (!d || (w->all && is_known(d)))
		return false;
	return d->attached || d->recorded || is_own(d, host);
}

static struct pnvme_namespace *named(struct app *app, const struct wanted *w, const char *name)
{
	int found = pnvme_find_ns(app->h, &w->own, name);

	if (found >= 0)
		return w->own.namespaces[found];
	/* so that it can be told whose it is */
	found = found == -ENOENT ? pnvme_find_ns(app->h, w->inv, name) : found;
	return found < 0 ? NULL : w->inv->namespaces[found];
}

static int choose(struct app *app, struct wanted *w)
{
	size_t room = w->inv->n_namespaces + (size_t)app->argc + 1, i;
	uint8_t host[16] = { 0 };

	/* one without an ID knows its drives by the record */
	pnvme_host_id(app->h, host);
	memset(&w->own, 0, sizeof(w->own));
	w->own.namespaces = calloc(room, sizeof(*w->own.namespaces));
	w->list = calloc(room, sizeof(*w->list));
	if (!w->own.namespaces || !w->list)
		return -ENOMEM;
	for (i = 0; i < w->inv->n_namespaces; i++)
		if (of_this_host(w, w->inv->namespaces[i], host))
			w->own.namespaces[w->own.n_namespaces++] = w->inv->namespaces[i];
	w->n = w->all ? w->own.n_namespaces : (size_t)app->argc;
	for (i = 0; i < w->n; i++)
		w->list[i] = w->all ? w->own.namespaces[i] : named(app, w, app->argv[i]);
	return 0;
}

static void forget(struct wanted *w)
{
	free(w->own.namespaces);
	free(w->list);
	pnvme_inventory_free(w->inv);
}

static bool all_usable(const struct wanted *w)
{
	size_t i;

	/* a drive that the record knows may be lost, with namespaces that nobody remembers */
	if (w->all && (w->inv->trouble || w->inv->record_unknown))
		return false;
	for (i = 0; i < w->n; i++)
		if (!w->list[i] || !usable(w->list[i]))
			return false;
	return true;
}

static void tell_one(struct app *app, const struct pnvme_inventory *inv,
		     const struct pnvme_namespace *ns)
{
	const struct pnvme_drive *d = drive_by_uuid(inv, ns->drive);
	const char *why = ns->reason, *next = "pnvme status";

	if (d && (ns->state == PNVME_NS_STATUS_HELD || ns->state == PNVME_NS_STATUS_DOWN))
		why = d->reason;
	else if (d && !why[0])
		why = d->evidence;
	if (ns->fence != PNVME_FENCE_NONE)
		why = "its flushes fail since its drive was away with writes in doubt";
	if (d && d->next[0])
		next = d->next;
	report_text(app, EXIT_OPERATOR, "ENOTREADY", ns->name, next, "%s is not usable: %s%s%s",
		    ns->name, pnvme_ns_status_name(ns->state), why[0] ? ": " : "", why);
}

static void tell_no_one(struct app *app, const struct wanted *w, const char *name)
{
	if (pnvme_find_ns(app->h, &w->own, name) == -ENOTUNIQ)
		report_text(app, EXIT_OPERATOR, "ENOTUNIQ", name, pnvme_hint(app->h), "%s",
			    pnvme_error(app->h));
	else
		report_text(app, EXIT_OPERATOR, "ENOENT", name, "pnvme ns show",
			    "there is no namespace %s%s", name, w->inv->record_unknown ?
			    " here, and the record cannot be read now" :
			    ", here or in the record");
}

static void tell_drives(struct app *app, const struct pnvme_inventory *inv)
{
	size_t i;

	for (i = 0; i < inv->n_drives; i++) {
		const struct pnvme_drive *d = inv->drives[i];

		if (d->recorded && d->verdict != PNVME_VERDICT_INTACT && !is_known(d))
			report_text(app, EXIT_OPERATOR, "EVERDICT", d->serial, d->next,
				    "drive %s: %s: %s", d->serial,
				    pnvme_verdict_name(d->verdict), d->evidence);
	}
	if (inv->record_unknown)
		report_text(app, EXIT_OPERATOR, "ENORECORD", NULL, "pnvme status",
			    "which namespaces this host has is not known: its record cannot be read now");
	else if (!app->failures)
		report_text(app, EXIT_OPERATOR, "ENOTREADY", NULL, "pnvme status",
			    "not all drives of this host are as they should be");
}

/* In time it did not come true: what is missing, one sentence each. */
static void tell(struct app *app, const struct wanted *w)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (!w->list[i])
			tell_no_one(app, w, app->argv[i]);
		else if (!usable(w->list[i]))
			tell_one(app, w->inv, w->list[i]);
	}
	if (w->all)
		tell_drives(app, w->inv);
}

static int finish(struct app *app, const struct wanted *w, bool ready)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (w->list[i] && usable(w->list[i]))
			settle(app, w->list[i]);
		if (w->list[i])
			out_namespace(app, w->list[i]);
	}
	if (ready)
		say(app, "ready: %zu namespace%s", w->n, w->n == 1 ? "" : "s");
	else
		tell(app, w);
	return ready ? EXIT_DONE : EXIT_OPERATOR;
}

/* One look. Returns an exit code, or -1 to look again. */
static int look(struct app *app, uint64_t end)
{
	struct wanted w = { .all = option(app, "all") };
	int ret = pnvme_inventory_get(app->h, PNVME_LOOK_MODULE | PNVME_LOOK_BUS |
				      PNVME_LOOK_RECORD | PNVME_LOOK_OPTIONAL, &w.inv);
	bool over = now_ms() >= end, ready;

	if (ret)
		return report(app, ret);
	if (over)
		remarks(app);
	if (choose(app, &w)) {
		ret = report_text(app, EXIT_FAILED, "ENOMEM", NULL, NULL, "out of memory");
	} else {
		ready = all_usable(&w);
		ret = ready || over ? finish(app, &w, ready) : -1;
	}
	forget(&w);
	return ret;
}

static int wait_until(struct app *app, uint64_t end)
{
	const struct timespec pause = { 0, PAUSE_MS * 1000000L };
	int ret;

	for (;;) {
		ret = look(app, end);
		if (ret >= 0)
			return ret;
		nanosleep(&pause, NULL);
	}
}

int cmd_wait(struct app *app)
{
	uint64_t seconds;
	int ret;

	if ((bool)option(app, "all") == (app->argc > 0))
		return usage_error(app, "which namespaces? pnvme wait %s", app->command->args);
	ret = number_option(app, "timeout", 1000000, &seconds);
	if (ret)
		return ret;
	return wait_until(app, seconds ? now_ms() + seconds * 1000 : UINT64_MAX);
}
