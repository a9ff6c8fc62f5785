// SPDX-License-Identifier: GPL-2.0
/* Drives and namespaces that arguments mean. */
#include <ctype.h>
#include <string.h>

#include "app.h"

int served(struct app *app, struct pnvme_inventory **inv)
{
	int ret = pnvme_inventory_get(app->h, PNVME_LOOK_MODULE | PNVME_LOOK_RECORD, inv);

	return ret ? report(app, ret) : EXIT_DONE;
}

struct pnvme_drive *drive_argument(struct app *app, const struct pnvme_inventory *inv,
				   const char *s, int *exit_code)
{
	int i = pnvme_find_drive(app->h, inv, s);

	if (i >= 0)
		return inv->drives[i];
	*exit_code = report(app, i);
	return NULL;
}

struct pnvme_namespace *ns_argument(struct app *app, const struct pnvme_inventory *inv,
				    const char *s, int *exit_code)
{
	int i = pnvme_find_ns(app->h, inv, s);

	if (i >= 0)
		return inv->namespaces[i];
	*exit_code = report(app, i);
	return NULL;
}

/* As the link of a partition of another one is called */
static bool like_partition(const char *name)
{
	size_t n = strlen(name), digits = 0;

	while (digits < n && isdigit((unsigned char)name[n - 1 - digits]))
		digits++;
	return digits && n - digits > 5 && !strncmp(name + n - digits - 5, "-part", 5);
}

int new_name(struct app *app, const char *name)
{
	if (!pnvme_name_valid(name))
		return usage_error(app, "\"%.80s\" is no name for a namespace: 1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit",
				   name);
	if (like_partition(name))
		return usage_error(app, "\"%.80s\" is no name for a namespace: /dev/pnvme has links to partitions that are called so; take another ending",
				   name);
	return EXIT_DONE;
}

bool is_own(const struct pnvme_drive *d, const uint8_t host[16])
{
	return !pnvme_uuid_is_null(d->owner) &&
	       (d->recorded || !memcmp(d->owner, host, 16) ||
		d->verdict == PNVME_VERDICT_UNRECORDED);
}

struct pnvme_drive *drive_by_uuid(const struct pnvme_inventory *inv, const uint8_t uuid[16])
{
	struct pnvme_drive *found = NULL;
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		if (!memcmp(inv->drives[i]->uuid, uuid, 16) &&
		    (!found || found->verdict == PNVME_VERDICT_CLONED))
			found = inv->drives[i];
	return found;
}
