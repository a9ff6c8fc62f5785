// SPDX-License-Identifier: GPL-2.0
/* pnvme wait */
#include <stdio.h>
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

/* Where one name is there twice, the one that has it. */
static const struct pnvme_namespace *named(struct app *app, const struct pnvme_inventory *inv,
					   const char *name)
{
	int i = pnvme_find_ns(app->h, inv, name);

	return i < 0 ? NULL : inv->namespaces[i];
}

/* How many are waited for. */
static size_t wanted(const struct app *app, const struct pnvme_inventory *inv)
{
	return option(app, "all") ? inv->n_namespaces : (size_t)app->argc;
}

static const struct pnvme_namespace *nth(struct app *app, const struct pnvme_inventory *inv,
					 size_t i)
{
	return option(app, "all") ? inv->namespaces[i] : named(app, inv, app->argv[i]);
}

static bool all_usable(struct app *app, const struct pnvme_inventory *inv)
{
	const struct pnvme_namespace *ns;
	size_t i;

	/* a recorded drive may be lost with namespaces that nobody remembers */
	if (option(app, "all") && inv->trouble)
		return false;
	for (i = 0; i < wanted(app, inv); i++) {
		ns = nth(app, inv, i);
		if (!ns || !usable(ns))
			return false;
	}
	return true;
}

static const struct pnvme_drive *drive_of(const struct pnvme_inventory *inv,
					  const struct pnvme_namespace *ns)
{
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		if (!memcmp(inv->drives[i]->uuid, ns->drive, 16))
			return inv->drives[i];
	return NULL;
}

static void tell_one(struct app *app, const struct pnvme_inventory *inv,
		     const struct pnvme_namespace *ns)
{
	const struct pnvme_drive *d = drive_of(inv, ns);
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

/* In time it did not come true: what is missing, one sentence each. */
static void tell(struct app *app, const struct pnvme_inventory *inv)
{
	const struct pnvme_namespace *ns;
	size_t i;

	for (i = 0; i < wanted(app, inv); i++) {
		ns = nth(app, inv, i);
		if (ns && !usable(ns))
			tell_one(app, inv, ns);
		else if (!ns)
			report_text(app, EXIT_OPERATOR, "ENOENT", app->argv[i], "pnvme ns show",
				    "there is no namespace %s, here or in the record",
				    app->argv[i]);
	}
	for (i = 0; option(app, "all") && i < inv->n_drives; i++)
		if (inv->drives[i]->recorded && inv->drives[i]->verdict != PNVME_VERDICT_INTACT)
			report_text(app, EXIT_OPERATOR, "EVERDICT", inv->drives[i]->serial,
				    inv->drives[i]->next, "drive %s: %s: %s",
				    inv->drives[i]->serial,
				    pnvme_verdict_name(inv->drives[i]->verdict),
				    inv->drives[i]->evidence);
}

static int finish(struct app *app, const struct pnvme_inventory *inv, bool ready)
{
	const struct pnvme_namespace *ns;
	size_t i;

	for (i = 0; i < wanted(app, inv); i++) {
		ns = nth(app, inv, i);
		if (ns && usable(ns))
			settle(app, ns);
		if (ns)
			out_namespace(app, ns);
	}
	if (ready)
		say(app, "ready: %zu namespace%s", wanted(app, inv),
		    wanted(app, inv) == 1 ? "" : "s");
	else
		tell(app, inv);
	return ready ? EXIT_DONE : EXIT_OPERATOR;
}

static int wait_until(struct app *app, uint64_t end)
{
	const struct timespec pause = { 0, PAUSE_MS * 1000000L };
	struct pnvme_inventory *inv;
	bool ready;
	int ret;

	for (;;) {
		ret = pnvme_inventory_get(app->h, PNVME_LOOK_MODULE | PNVME_LOOK_BUS |
					  PNVME_LOOK_RECORD | PNVME_LOOK_OPTIONAL, &inv);
		if (ret)
			return report(app, ret);
		ready = all_usable(app, inv);
		if (ready || now_ms() >= end)
			break;
		pnvme_inventory_free(inv);
		nanosleep(&pause, NULL);
	}
	ret = finish(app, inv, ready);
	pnvme_inventory_free(inv);
	return ret;
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
