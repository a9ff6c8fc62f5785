// SPDX-License-Identifier: GPL-2.0
/* pnvme drive replace */
#include <stdio.h>
#include <stdlib.h>

#include "app.h"

static void tell(struct app *app, const char *uuid, const struct pnvme_inventory *made, bool whole)
{
	const struct pnvme_drive *d;
	size_t i;

	if (!made || !made->n_drives)
		return;
	d = made->drives[0];
	out_drive(app, d);
	for (i = 0; i < made->n_namespaces; i++)
		out_namespace(app, made->namespaces[i]);
	if (app->dry_run)
		remark(app, "/dev/%s would take the place of %s: its namespaces anew and empty, their data is lost",
		       d->name, uuid);
	else if (whole)
		say(app, "/dev/%s is now pnvme%d in place of %s: %zu namespace%s, new and empty; the data of the old drive is lost",
		    d->name, d->instance, uuid, made->n_namespaces,
		    made->n_namespaces == 1 ? "" : "s");
}

static int replace(struct app *app, const uint8_t uuid[16], const char *dev)
{
	struct pnvme_inventory *made = NULL;
	int exit_code = EXIT_DONE;
	char text[37];
	size_t i;
	int ret;

	pnvme_uuid_format(uuid, text);
	ret = pnvme_drive_replace(app->h, uuid, dev, option(app, "overwrite"), check_flag(app), &made);
	if (ret)
		exit_code = report(app, ret);
	else
		remarks(app);
	tell(app, text, made, !ret);
	for (i = 0; !ret && !app->dry_run && i < made->n_namespaces; i++)
		settle(app, made->namespaces[i]);
	pnvme_inventory_free(made);
	return exit_code;
}

static int no_pair(struct app *app, const uint8_t uuid[16])
{
	char text[37];

	pnvme_uuid_format(uuid, text);
	return report_text(app, EXIT_FAILED, "ENOSPC", text, "pnvme scan",
			   "there is no blank drive in the slot of %s, nor one of its model that is as large",
			   text);
}

static int restorable(struct app *app, const uint8_t uuid[16], const char *dev)
{
	char text[37], hint[160];

	pnvme_uuid_format(uuid, text);
	snprintf(hint, sizeof(hint), "pnvme drive restore %s %s", text, dev);
	return report_text(app, EXIT_FAILED, "EEXIST", text, hint,
			   "%s is left out: %s is this drive, and its label is in the archive", text,
			   dev);
}

static int replace_all(struct app *app)
{
	struct pnvme_pair *pairs;
	unsigned int done = 0;
	char dev[80];
	size_t i, n;
	int ret;

	ret = pnvme_replace_pairs(app->h, &pairs, &n);
	if (ret)
		return report(app, ret);
	remarks(app);
	for (i = 0; i < n; i++) {
		snprintf(dev, sizeof(dev), "/dev/%.64s", pairs[i].device);
		if (!pairs[i].device[0])
			no_pair(app, pairs[i].uuid);
		else if (pairs[i].restorable)
			restorable(app, pairs[i].uuid, dev);
		else if (!replace(app, pairs[i].uuid, dev))
			done++;
	}
	/* also in a dry run: there was nothing to check */
	if (!n && !app->json)
		puts("no drive of this host is lost");
	free(pairs);
	return summed_up(app, done);
}

int cmd_drive_replace(struct app *app)
{
	uint8_t uuid[16];

	if (option(app, "all-blank")) {
		if (app->argc || option(app, "overwrite"))
			return usage_error(app, "--all-blank takes nothing else");
		return replace_all(app);
	}
	if (app->argc != 2)
		return usage_error(app, "which drive by which? pnvme drive replace %s",
				   app->command->args);
	if (pnvme_uuid_parse(app->argv[0], uuid))
		return usage_error(app, "\"%.60s\" is no UUID; pnvme status shows those of lost drives",
				   app->argv[0]);
	return replace(app, uuid, app->argv[1]);
}
