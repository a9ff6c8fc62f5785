// SPDX-License-Identifier: GPL-2.0
/* pnvme drive attach */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

static unsigned int flags_of(const struct app *app)
{
	return check_flag(app) | (option(app, "read-only") ? PNVME_READ_ONLY : 0);
}

static void out_namespaces_of(struct app *app, const struct pnvme_inventory *served,
			      const uint8_t uuid[16])
{
	size_t i;

	for (i = 0; served && i < served->n_namespaces; i++)
		if (!memcmp(served->namespaces[i]->drive, uuid, 16))
			out_namespace(app, served->namespaces[i]);
}

static void tell(struct app *app, const struct pnvme_drive *d,
		 const struct pnvme_inventory *served)
{
	remarks(app);
	out_drive(app, d);
	out_namespaces_of(app, served, d->uuid);
	if (option(app, "auto"))
		;	/* quiet */
	else
		say(app, "/dev/%s is attached as pnvme%d, %u namespace%s", d->name, d->instance,
		    d->namespaces, d->namespaces == 1 ? "" : "s");
}

/* Does @run for all of @list; 0, or an exit code. */
static int at_once(struct app *app, struct pnvme_attempt *list, size_t n,
		   int (*run)(struct pnvme *h, struct pnvme_attempt *list, size_t n,
			      unsigned int flags))
{
	int ret = run(app->h, list, n, flags_of(app));

	if (ret)
		return report(app, ret);
	/* of the record */
	remarks(app);
	return 0;
}

/* What came of one of them; true: it went well. */
static bool outcome(struct app *app, const struct pnvme_attempt *a,
		    const struct pnvme_inventory *served)
{
	struct pnvme *all = app->h;

	app->h = a->h;
	if (a->ret)
		report(app, a->ret);
	else if (a->out)
		tell(app, a->out, served);
	app->h = all;
	return !a->ret;
}

/* Their namespaces, for those who read JSON; or NULL */
static struct pnvme_inventory *look_at_served(struct app *app)
{
	struct pnvme_inventory *inv;

	return app->json && !pnvme_inventory_get(app->h, PNVME_LOOK_MODULE, &inv) ? inv : NULL;
}

static int outcomes(struct app *app, struct pnvme_attempt *list, size_t n)
{
	struct pnvme_inventory *served = look_at_served(app);
	unsigned int done = 0;
	size_t i;

	for (i = 0; i < n; i++)
		done += outcome(app, &list[i], served);
	pnvme_inventory_free(served);
	pnvme_attempts_free(list, n);
	return summed_up(app, done);
}

static int no_memory(struct app *app)
{
	return report_text(app, EXIT_FAILED, "ENOMEM", NULL, NULL, "out of memory");
}

/* Those that are named */
static int attach_named(struct app *app)
{
	struct pnvme_attempt *list = calloc((size_t)app->argc + 1, sizeof(*list));
	size_t i, n = (size_t)app->argc;
	int ret;

	if (!list)
		return no_memory(app);
	for (i = 0; i < n; i++)
		list[i].drive = app->argv[i];
	ret = at_once(app, list, n, option(app, "auto") ? pnvme_drives_gate : pnvme_drives_attach);
	if (!ret)
		ret = outcomes(app, list, n);
	free(list);
	return ret;
}

/**
 * struct batch - drives of an inventory that are attached at once
 * @list: the drives
 * @paths: of each
 * @n: how many
 */
struct batch {
	struct pnvme_attempt	*list;
	char			(*paths)[80];
	size_t			n;
};

static bool batch_begin(struct batch *b, size_t max)
{
	b->n = 0;
	b->list = calloc(max + 1, sizeof(*b->list));
	b->paths = calloc(max + 1, sizeof(*b->paths));
	return b->list && b->paths;
}

static void batch_add(struct batch *b, const struct pnvme_drive *d)
{
	snprintf(b->paths[b->n], sizeof(b->paths[b->n]), "/dev/%.60s", d->name);
	b->list[b->n].drive = b->paths[b->n];
	b->n++;
}

static void batch_end(struct batch *b)
{
	free(b->list);
	free(b->paths);
}

/* --all: what is this host's and here gets attached, what is not needs a person. */

static bool attachable(const struct pnvme_drive *d, const uint8_t host[16])
{
	return d->labelled && is_own(d, host) && d->verdict != PNVME_VERDICT_FOREIGN &&
	       d->verdict != PNVME_VERDICT_CLONED;
}

static bool needs_operator(const struct pnvme_drive *d)
{
	return (d->recorded && d->verdict != PNVME_VERDICT_INTACT) ||
	       (d->verdict == PNVME_VERDICT_CLONED && d->nvme) || d->state == PNVME_STATUS_FAILED;
}

static void report_trouble(struct app *app, const struct pnvme_drive *d)
{
	char name[64];

	if (d->name[0])
		snprintf(name, sizeof(name), "%.60s", d->name);
	else
		pnvme_uuid_format(d->uuid, name);
	if (d->state == PNVME_STATUS_FAILED)
		report_text(app, EXIT_OPERATOR, "EFAILED", name, d->next, "%s: failed: %s", name,
			    d->reason);
	else
		report_text(app, EXIT_OPERATOR, "EVERDICT", name, d->next, "%s: %s: %s", name,
			    pnvme_verdict_name(d->verdict), d->evidence);
}

static bool wanted(const struct pnvme_drive *d, const uint8_t host[16])
{
	return !needs_operator(d) && (d->attached || attachable(d, host));
}

/* In the order of the inventory: what is attached, and what needs a person */
static int sum_up_all(struct app *app, const struct pnvme_inventory *inv, const uint8_t host[16],
		      struct pnvme_attempt *next)
{
	struct pnvme_inventory *served = look_at_served(app);
	unsigned int done = 0, failed = 0, trouble = 0;
	size_t i;

	for (i = 0; i < inv->n_drives; i++) {
		const struct pnvme_drive *d = inv->drives[i];

		if (wanted(d, host)) {
			if (outcome(app, next++, served))
				done++;
			else
				failed++;
		} else if (needs_operator(d) && !d->acked_at) {
			/* what is known stays as it is, and is not told each time */
			report_trouble(app, d);
			trouble++;
		}
	}
	pnvme_inventory_free(served);
	if (failed)
		return done ? EXIT_PARTLY : app->worst;
	return trouble ? EXIT_OPERATOR : EXIT_DONE;
}

static int attach_wanted(struct app *app, const struct pnvme_inventory *inv,
			 const uint8_t host[16])
{
	struct batch b;
	size_t i;
	int ret = 0;

	if (!batch_begin(&b, inv->n_drives))
		ret = no_memory(app);
	for (i = 0; !ret && i < inv->n_drives; i++)
		if (wanted(inv->drives[i], host))
			batch_add(&b, inv->drives[i]);
	if (!ret)
		ret = at_once(app, b.list, b.n, pnvme_drives_attach);
	if (!ret) {
		ret = sum_up_all(app, inv, host, b.list);
		pnvme_attempts_free(b.list, b.n);
	}
	batch_end(&b);
	return ret;
}

static int attach_all(struct app *app)
{
	struct pnvme_inventory *inv;
	uint8_t host[16];
	int ret;

	if (app->argc)
		return usage_error(app, "--all takes no drive beside it");
	ret = pnvme_host_id(app->h, host);
	if (!ret)
		ret = pnvme_inventory_get(app->h, PNVME_LOOK_MODULE | PNVME_LOOK_BUS |
					  PNVME_LOOK_RECORD, &inv);
	if (ret)
		return report(app, ret);
	remarks(app);
	ret = attach_wanted(app, inv, host);
	pnvme_inventory_free(inv);
	return ret;
}

/* --auto without a drive: all that have a label and are not attached */
static int gate_all(struct app *app)
{
	struct pnvme_inventory *inv;
	struct batch b;
	size_t i;
	int ret = pnvme_inventory_get(app->h, PNVME_LOOK_MODULE | PNVME_LOOK_BUS |
				      PNVME_LOOK_OPTIONAL, &inv);

	if (ret)
		return report(app, ret);
	if (!batch_begin(&b, inv->n_drives))
		ret = no_memory(app);
	for (i = 0; !ret && i < inv->n_drives; i++)
		if (inv->drives[i]->labelled && !inv->drives[i]->attached)
			batch_add(&b, inv->drives[i]);
	pnvme_inventory_free(inv);
	if (!ret)
		ret = at_once(app, b.list, b.n, pnvme_drives_gate);
	if (!ret)
		ret = outcomes(app, b.list, b.n);
	batch_end(&b);
	return ret;
}

int cmd_drive_attach(struct app *app)
{
	if (option(app, "all") && option(app, "auto"))
		return usage_error(app, "--all and --auto exclude one another");
	if (option(app, "all"))
		return attach_all(app);
	if (app->argc)
		return attach_named(app);
	if (option(app, "auto"))
		return gate_all(app);
	return usage_error(app, "which drive? pnvme drive attach %s", app->command->args);
}
