// SPDX-License-Identifier: GPL-2.0
/* pnvme ns resize */
#include <string.h>

#include "app.h"

#define MIB (1ULL << 20)

/* Up to the next namespace, or to the end of the drive. */
static uint64_t room(const struct pnvme_inventory *inv, const struct pnvme_namespace *ns,
		     const struct pnvme_drive *d)
{
	uint64_t end = MIB + d->size;
	size_t i;

	for (i = 0; i < inv->n_namespaces; i++) {
		const struct pnvme_namespace *o = inv->namespaces[i];

		if (!memcmp(o->drive, ns->drive, 16) && o->start > ns->start && o->start < end)
			end = o->start;
	}
	return end - ns->start;
}

/* The size it is to have: 0, or an exit code. */
static int new_size(struct app *app, const struct pnvme_inventory *inv,
		    const struct pnvme_namespace *ns, uint64_t *bytes)
{
	const struct pnvme_drive *d = drive_by_uuid(inv, ns->drive);
	const char *s = app->argv[1];
	char sign = *s == '+' || *s == '-' ? *s : 0;
	unsigned int percent;
	int ret = size_argument(app, s + !!sign, bytes, &percent);

	if (ret)
		return ret;
	if (percent && (sign || !d))
		return usage_error(app, "a percentage takes no sign");
	if (percent)
		*bytes = percent == 100 ? room(inv, ns, d) : d->size / MIB * percent / 100 * MIB;
	if (percent && !*bytes)
		return usage_error(app, "%s of this drive is less than 1 MiB", s);
	if (sign == '+' && __builtin_add_overflow(ns->size, *bytes, bytes))
		return usage_error(app, "the size %s is too large", s);
	if (sign == '-' && *bytes >= ns->size)
		return usage_error(app, "%s leaves nothing of %s; delete it instead", s, ns->name);
	if (sign == '-')
		*bytes = ns->size - *bytes;
	return EXIT_DONE;
}

static int resize(struct app *app, const struct pnvme_namespace *ns, uint64_t bytes)
{
	unsigned int flags = check_flag(app);
	struct pnvme_namespace *after;
	char size[SIZE_TEXT];
	int ret;

	if (option(app, "force"))
		flags |= PNVME_FORCE;
	if (option(app, "keep-data"))
		flags |= PNVME_KEEP_DATA;
	ret = pnvme_namespace_resize(app->h, ns->uuid, bytes, flags, &after);
	if (ret)
		return report(app, ret);
	remarks(app);
	ret = app->dry_run ? EXIT_DONE : wait_zeroed(app, &after, false);
	if (!ret) {
		out_namespace(app, after);
		say(app, "%s has %s now", ns->name,
		    size_text(app, app->dry_run ? bytes : after->size, size));
	}
	pnvme_namespace_free(after);
	return ret;
}

int cmd_ns_resize(struct app *app)
{
	struct pnvme_inventory *inv;
	struct pnvme_namespace *ns;
	uint64_t bytes;
	int ret;

	ret = served(app, &inv);
	if (ret)
		return ret;
	ns = ns_argument(app, inv, app->argv[0], &ret);
	if (ns)
		ret = new_size(app, inv, ns, &bytes);
	if (ns && !ret)
		ret = resize(app, ns, bytes);
	pnvme_inventory_free(inv);
	return ret;
}
