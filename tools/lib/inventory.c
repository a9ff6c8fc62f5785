// SPDX-License-Identifier: GPL-2.0
/* Lists of drives and namespaces: growing, finding, and putting one together. */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "looks.h"

struct pnvme_inventory *inventory_new(void)
{
	return calloc(1, sizeof(struct pnvme_inventory));
}

API void pnvme_drive_free(struct pnvme_drive *drive)
{
	free(drive);
}

API void pnvme_namespace_free(struct pnvme_namespace *ns)
{
	free(ns);
}

API void pnvme_inventory_free(struct pnvme_inventory *inv)
{
	size_t i;

	if (!inv)
		return;
	for (i = 0; i < inv->n_drives; i++)
		pnvme_drive_free(inv->drives[i]);
	for (i = 0; i < inv->n_namespaces; i++)
		pnvme_namespace_free(inv->namespaces[i]);
	free(inv->drives);
	free(inv->namespaces);
	free(inv);
}

void drive_init(struct pnvme_drive *d)
{
	memset(d, 0, sizeof(*d));
	d->instance = -1;
	d->state = PNVME_STATUS_UNADOPTED;
	d->verdict = PNVME_VERDICT_UNKNOWN;
	d->proof = PNVME_PROOF_WEAK;
	d->hold_left = UINT32_MAX;
}

struct pnvme_drive *drive_new(void)
{
	struct pnvme_drive *d = malloc(sizeof(*d));

	if (d)
		drive_init(d);
	return d;
}

/* Room for one more pointer in an array of @n; NULL: no memory, the array is as it was. */
static void *one_more(void *array, size_t n)
{
	if (n & (n - 1))
		return array;	/* grows at 0, 1, 2, 4, 8 ... */
	return reallocarray(array, n ? 2 * n : 1, sizeof(void *));
}

struct pnvme_drive *inventory_add_drive(struct pnvme_inventory *inv)
{
	struct pnvme_drive **array = one_more(inv->drives, inv->n_drives);
	struct pnvme_drive *d;

	if (!array)
		return NULL;
	inv->drives = array;
	d = drive_new();
	if (d)
		inv->drives[inv->n_drives++] = d;
	return d;
}

struct pnvme_namespace *inventory_add_ns(struct pnvme_inventory *inv)
{
	struct pnvme_namespace **array = one_more(inv->namespaces, inv->n_namespaces);
	struct pnvme_namespace *ns;

	if (!array)
		return NULL;
	inv->namespaces = array;
	ns = calloc(1, sizeof(*ns));
	if (ns)
		inv->namespaces[inv->n_namespaces++] = ns;
	return ns;
}

/* The drive itself rather than a copy of it. */
struct pnvme_drive *inventory_drive(const struct pnvme_inventory *inv, const uint8_t uuid[16])
{
	struct pnvme_drive *found = NULL;
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		if (!memcmp(inv->drives[i]->uuid, uuid, 16) &&
		    (!found || found->verdict == PNVME_VERDICT_CLONED))
			found = inv->drives[i];
	return found;
}

/* Putting an inventory together */

static bool is_attached(const struct pnvme_inventory *inv, const struct disk *k)
{
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		if (inv->drives[i]->attached && inv->drives[i]->diskseq == k->diskseq &&
		    inv->drives[i]->major == k->major && inv->drives[i]->minor == k->minor)
			return true;
	return false;
}

/* What sysfs knows and the module does not tell. */
static void complete_attached(struct pnvme_inventory *inv)
{
	struct disk k;
	size_t i;

	for (i = 0; i < inv->n_drives; i++) {
		struct pnvme_drive *d = inv->drives[i];

		if (disk_read(d->name, &k) || k.diskseq != d->diskseq)
			continue;
		memcpy(d->nguid, k.nguid, sizeof(d->nguid));
		memcpy(d->eui, k.eui, sizeof(d->eui));
		copy_text(d->slot, sizeof(d->slot), k.slot);
		copy_text(d->firmware, sizeof(d->firmware), k.firmware);
		d->nvme = k.nvme;
	}
}

static int look_at_module(struct pnvme *h, unsigned int look, struct pnvme_inventory *inv)
{
	int ret = kernel_drives(h, inv);

	if (!ret)
		ret = kernel_namespaces(h, NULL, inv);
	if (ret == -PNVME_ENOMODULE && look & PNVME_LOOK_OPTIONAL) {
		forget_error(h);
		return 0;
	}
	if (ret)
		return ret;
	inv->module = true;
	complete_attached(inv);
	return 0;
}

static int recorded_entry(const struct record *r, const uint8_t uuid[16], struct pnvme_drive *out)
{
	int i = r ? record_find(r, uuid) : -ENOENT;

	if (i < 0)
		return i;
	drive_init(out);
	return record_drive(r, (size_t)i, out, NULL);
}

/* A disk whose label is in force. */
static int add_labelled(struct pnvme *h, const struct disk *k, const struct labels *ls,
			struct record *r, struct pnvme_inventory *inv)
{
	const struct pnvme_label *l = &ls->copy[ls->newest];
	struct pnvme_drive *d = inventory_add_drive(inv);
	struct pnvme_drive recorded;
	bool known;

	if (!d)
		return fail_nomem(h);
	disk_to_drive(k, d);
	label_to_drive(l, d);
	known = r && !recorded_entry(r, l->drive_uuid, &recorded);
	judge_label(h, k, l, known ? &recorded : NULL, d);
	if (r && is_owned(d))
		record_offer(r, l);
	if (d->verdict == PNVME_VERDICT_CLONED)
		return 0;	/* its namespaces are the other drive's */
	return label_to_namespaces(h, l, inv);
}

static int add_unlabelled(struct pnvme *h, const struct disk *k, const struct labels *ls, int fd,
			  unsigned int look, struct pnvme_inventory *inv)
{
	struct content c = { 0 };
	struct pnvme_drive *d;
	char why[256] = "";

	if (!k->nvme && !ls->any_magic)
		return 0;
	if (!ls->any_magic && ls->newest != PNVME_LABEL_NONE)
		put_text(why, sizeof(why), "cannot be read where its label would be");
	else if (look & PNVME_LOOK_CONTENT && !ls->any_magic &&
		 probe_content(h, k->path, fd, k->capacity, PROBE_GLANCE, &c))
		put_text(why, sizeof(why), "%s", h->failed.message);
	forget_error(h);
	d = inventory_add_drive(inv);
	if (!d)
		return fail_nomem(h);
	disk_to_drive(k, d);
	if (why[0])
		judge_unreadable(why, d);
	else
		judge_content(k, ls, look & PNVME_LOOK_CONTENT ? &c : NULL, d);
	return 0;
}

static int add_unreadable(struct pnvme *h, const struct disk *k, struct pnvme_inventory *inv)
{
	struct pnvme_drive *d;

	bool forbidden = !strcmp(h->failed.code, "EACCES") || !strcmp(h->failed.code, "EPERM");

	/* a disk of another kind that does not open, or is just going, says nothing of ours */
	if (!k->nvme && !forbidden) {
		forget_error(h);
		return 0;
	}
	if (!inv->partial)
		note(h, "%s%s", h->failed.message, forbidden ? ": not root, so not all drives are looked at" : "");
	inv->partial = true;
	if (!k->nvme) {
		forget_error(h);
		return 0;
	}
	d = inventory_add_drive(inv);
	if (!d)
		return fail_nomem(h);
	disk_to_drive(k, d);
	put_text(d->evidence, sizeof(d->evidence), "could not be read: %s", h->failed.message);
	forget_error(h);
	return 0;
}

/**
 * struct bus - looking at all disks that are not attached
 * @look: PNVME_LOOK_*
 * @record: or NULL
 * @inv: gets what is found
 */
struct bus {
	unsigned int		look;
	struct record		*record;
	struct pnvme_inventory	*inv;
};

static bool is_free(const struct disk *k, const void *arg)
{
	const struct bus *b = arg;

	return !is_attached(b->inv, k);
}

static int add_disk(struct pnvme *h, struct look *l)
{
	const struct bus *b = l->arg;

	if (l->ret == -ENOMEM)
		return l->ret;
	if (l->unopened || l->ret)
		return add_unreadable(h, &l->disk, b->inv);
	if (l->labels.newest >= 0)
		return add_labelled(h, &l->disk, &l->labels, b->record, b->inv);
	return add_unlabelled(h, &l->disk, &l->labels, l->fd, b->look, b->inv);
}

static int look_at_bus(struct pnvme *h, unsigned int look, struct record *r,
		       struct pnvme_inventory *inv)
{
	struct bus b = { .look = look, .record = r, .inv = inv };

	return looks(h, is_free, add_disk, &b);
}

/*
 * What labels know and the record does not, in memory: attaching writes it. The labels of
 * attached drives are looked at only where there is no record: else it has what they have.
 */
static int complete_record(struct pnvme *h, struct record *r, const struct pnvme_inventory *inv)
{
	struct roster served;
	bool attached = false;
	size_t i;
	int ret = 0;

	for (i = 0; i < inv->n_drives; i++)
		attached |= inv->drives[i]->attached;
	if (attached && record_is_lost(r)) {
		roster_newest(h, &served);
		ret = record_merge(r, &served);
	}
	if (!ret)
		ret = record_merge_newest(r);
	return ret ? fail_nomem(h) : 0;
}

/* None is no failure; but what it would tell is not known then, unless there never was one. */
static int load_record(struct pnvme *h, struct pnvme_inventory *inv, struct record **r)
{
	int ret = record_load(h, r);
	char dir[PATH_MAX];

	if (ret == -ENOMEM)
		return ret;
	if (ret && ret != -ENOENT)
		note(h, "%s", h->failed.message);
	inv->record_unknown = ret && (ret != -ENOENT || record_away(dir, sizeof(dir)));
	forget_error(h);
	return 0;
}

static int gather(struct pnvme *h, unsigned int look, struct pnvme_inventory *inv)
{
	struct record *r = NULL;
	int ret = 0;

	if (look & PNVME_LOOK_RECORD) {
		ret = load_record(h, inv, &r);
		if (ret)
			return ret;
	}
	if (look & PNVME_LOOK_MODULE)
		ret = look_at_module(h, look, inv);
	if (!ret && look & PNVME_LOOK_BUS)
		ret = look_at_bus(h, look, r, inv);
	if (!ret && r && look & PNVME_LOOK_BUS)
		ret = complete_record(h, r, inv);
	if (!ret)
		ret = judge_all(h, inv, r, look & PNVME_LOOK_BUS);
	record_free(r);
	return ret;
}

API int pnvme_inventory_get(struct pnvme *h, unsigned int look, struct pnvme_inventory **out)
{
	struct pnvme_inventory *inv;
	int ret;

	enter(h);
	inv = inventory_new();
	if (!inv)
		return leave(h, fail_nomem(h));
	ret = gather(h, look, inv);
	if (ret) {
		pnvme_inventory_free(inv);
		return leave(h, ret);
	}
	*out = inv;
	return leave(h, 0);
}

/* Finding one by what a person calls it */

#define PREFIX_MIN 4

/* Hex digits of @s, dashes skipped; -1 if there is anything else. */
static int hex_digits(const char *s, char out[33])
{
	int n = 0;

	for (; *s; s++) {
		if (*s == '-')
			continue;
		if (!isxdigit((unsigned char)*s) || n == 32)
			return -1;
		out[n++] = (char)tolower((unsigned char)*s);
	}
	out[n] = '\0';
	return n;
}

static void bytes_to_hex(const uint8_t *b, size_t n, char *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", b[i]);
}

static bool matches_bytes(const uint8_t *b, size_t n, const char *s, int min)
{
	char hex[33], want[33];
	int len = hex_digits(s, want);

	if (len < min || (size_t)len > 2 * n || all_zero(b, n))
		return false;
	bytes_to_hex(b, n, hex);
	return !strncmp(hex, want, (size_t)len);
}

static const char *after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncasecmp(s, prefix, n) ? NULL : s + n;
}

/* A hot-plug slot has a name of its own; its "address" lacks the function. */
static bool slot_named(const char *slot, const char *name)
{
	char address[64];

	if (!slot[0] || strchr(name, '/'))
		return false;
	if (!strcmp(slot, name))
		return true;
	return sysfs_text(address, sizeof(address), "/sys/bus/pci/slots/%s/address", name) &&
	       address[0] && !strncmp(slot, address, strlen(address));
}

static bool same_node(const char *path, uint32_t maj, uint32_t min)
{
	struct stat st;

	return !stat(path, &st) && S_ISBLK(st.st_mode) && major(st.st_rdev) == maj &&
	       minor(st.st_rdev) == min;
}

static bool serial_matches(const struct pnvme_drive *d, const char *v)
{
	return d->serial[0] && !strcmp(d->serial, v);
}

/* The label's word counts only where there is no device to ask: a copy names the original. */
static bool nguid_matches(const struct pnvme_drive *d, const char *v)
{
	return matches_bytes(d->nguid, 16, v, 32) ||
	       (!d->name[0] && d->hwid_type == PNVME_HWID_NGUID &&
		matches_bytes(d->hwid, 16, v, 32));
}

static bool pci_matches(const struct pnvme_drive *d, const char *v)
{
	return d->slot[0] && !strcasecmp(d->slot, v);
}

static bool slot_matches(const struct pnvme_drive *d, const char *v)
{
	return slot_named(d->slot, v);
}

static bool uuid_matches(const struct pnvme_drive *d, const char *v)
{
	return matches_bytes(d->uuid, 16, v, PREFIX_MIN);
}

static const struct {
	const char *prefix;
	bool (*matches)(const struct pnvme_drive *d, const char *v);
} drive_keys[] = {
	{ "serial:", serial_matches },
	{ "nguid:", nguid_matches },
	{ "pci:", pci_matches },
	{ "slot:", slot_matches },
	{ "uuid:", uuid_matches },
};

static bool drive_matches(const struct pnvme_drive *d, const char *s)
{
	char instance[24];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(drive_keys); i++)
		if (after(s, drive_keys[i].prefix))
			return drive_keys[i].matches(d, after(s, drive_keys[i].prefix));
	if (strchr(s, '/'))
		return d->name[0] && same_node(s, d->major, d->minor);
	put_text(instance, sizeof(instance), "pnvme%d", d->instance);
	return (d->instance >= 0 && !strcmp(s, instance)) ||
	       (d->name[0] && !strcmp(s, d->name)) || uuid_matches(d, s);
}

static bool ns_matches(const struct pnvme_namespace *ns, const char *s)
{
	const char *uuid = after(s, "uuid:");

	if (uuid)
		return matches_bytes(ns->uuid, 16, uuid, PREFIX_MIN);
	if (strchr(s, '/'))
		return ns->device[0] && same_node(s, ns->major, ns->minor);
	if (!strcmp(ns->name, s) && ns->state != PNVME_NS_STATUS_NAME_CONFLICT)
		return true;
	return (ns->device[0] && !strcmp(ns->device, s)) || matches_bytes(ns->uuid, 16, s, 32);
}

/* A name means what is served under it, whatever a drive that is not attached has. */
static bool has_name(const struct pnvme_namespace *ns, const char *s)
{
	return ns->device[0] && ns->state != PNVME_NS_STATUS_NAME_CONFLICT && !strcmp(ns->name, s);
}

/* Three names for a sentence. */
struct candidates {
	char	text[200];
	size_t	used;
	int	n;
};

static void candidate(struct candidates *c, const char *what)
{
	int n;

	if (++c->n > 3 || c->used >= sizeof(c->text))
		return;
	n = snprintf(c->text + c->used, sizeof(c->text) - c->used, "%s%s", c->used ? ", " : "",
		     what);
	if (n > 0)
		c->used += (size_t)n;
}

static void drive_candidate(struct candidates *c, const struct pnvme_drive *d)
{
	char uuid[37];

	pnvme_uuid_format(d->uuid, uuid);
	candidate(c, d->name[0] ? d->name : uuid);
}

API int pnvme_find_drive(struct pnvme *h, const struct pnvme_inventory *inv, const char *s)
{
	struct candidates c = { 0 };
	int found = -1;
	size_t i;

	enter(h);
	for (i = 0; i < inv->n_drives; i++) {
		if (!drive_matches(inv->drives[i], s))
			continue;
		drive_candidate(&c, inv->drives[i]);
		found = (int)i;
	}
	if (c.n == 1)
		return leave(h, found);
	if (c.n > 1)
		return leave(h, fail(h, -ENOTUNIQ, s, "%s could be any of %d drives: %s", s, c.n,
				     c.text));
	fail(h, -ENOENT, s, "there is no drive %s", s);
	set_hint(h, "pnvme scan");
	return leave(h, -ENOENT);
}

API int pnvme_find_ns(struct pnvme *h, const struct pnvme_inventory *inv, const char *s)
{
	struct candidates c = { 0 };
	int found = -1;
	char uuid[37];
	size_t i;

	enter(h);
	for (i = 0; i < inv->n_namespaces; i++) {
		if (!ns_matches(inv->namespaces[i], s))
			continue;
		if (has_name(inv->namespaces[i], s))
			return leave(h, (int)i);
		pnvme_uuid_format(inv->namespaces[i]->uuid, uuid);
		candidate(&c, uuid);
		found = (int)i;
	}
	if (c.n == 1)
		return leave(h, found);
	if (c.n > 1)
		return leave(h, fail(h, -ENOTUNIQ, s, "%s could be any of %d namespaces: %s", s,
				     c.n, c.text));
	fail(h, -ENOENT, s, "there is no namespace %s", s);
	set_hint(h, "pnvme ns show");
	return leave(h, -ENOENT);
}
