// SPDX-License-Identifier: GPL-2.0
/* pnvme scan */
#include <stdio.h>

#include "app.h"

/* Only what is on the bus; what the record misses is status's business. */
static bool is_here(const struct pnvme_drive *d)
{
	return d->name[0] != '\0';
}

static void show_evidence(const struct pnvme_inventory *inv)
{
	size_t i;

	putchar('\n');
	for (i = 0; i < inv->n_drives; i++) {
		const struct pnvme_drive *d = inv->drives[i];

		if (is_here(d) && d->evidence[0])
			printf("%s: %s: %s\n", d->name, pnvme_verdict_name(d->verdict),
			       d->evidence);
	}
}

int cmd_scan(struct app *app)
{
	struct pnvme_inventory *inv;
	int ret = pnvme_inventory_get(app->h, PNVME_LOOK_ALL, &inv);
	size_t i;

	if (ret)
		return report(app, ret);
	remarks(app);
	for (i = 0; i < inv->n_drives; i++)
		if (is_here(inv->drives[i]))
			out_drive(app, inv->drives[i]);
	for (i = 0; i < inv->n_namespaces; i++)
		if (inv->namespaces[i]->state != PNVME_NS_STATUS_MISSING)
			out_namespace(app, inv->namespaces[i]);
	if (!app->json) {
		show_drives(app, inv, is_here, "There are no NVMe drives, nor others with a label.");
		show_evidence(inv);
	}
	ret = EXIT_DONE;
	if (inv->partial)
		ret = report_text(app, EXIT_PERMISSION, "EACCES", NULL, "run it as root",
				  "not all drives could be read");
	pnvme_inventory_free(inv);
	return ret;
}
