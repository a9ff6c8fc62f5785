// SPDX-License-Identifier: GPL-2.0
/* Drives, as the module serves them. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "archive.h"
#include "lower.h"

static enum pnvme_status status_of(uint32_t v)
{
	switch (v) {
	case PNVME_DRIVE_STATE_LIVE:
		return PNVME_STATUS_LIVE;
	case PNVME_DRIVE_STATE_HELD:
		return PNVME_STATUS_HELD;
	default:
		return PNVME_STATUS_FAILED;
	}
}

static void parse_identity(const struct nlattr **tb, struct pnvme_drive *d)
{
	attr_bytes(tb[PNVME_A_DRIVE_UUID], d->uuid, 16);
	attr_bytes(tb[PNVME_A_DRIVE_OWNER], d->owner, 16);
	attr_bytes(tb[PNVME_A_DRIVE_HWID], d->hwid, 16);
	d->hwid_type = (uint8_t)attr_u32(tb[PNVME_A_DRIVE_HWID_TYPE], 0);
	d->instance = (int)attr_u32(tb[PNVME_A_DRIVE_INSTANCE], (uint32_t)-1);
	d->major = attr_u32(tb[PNVME_A_DRIVE_MAJOR], 0);
	d->minor = attr_u32(tb[PNVME_A_DRIVE_MINOR], 0);
	d->diskseq = attr_u64(tb[PNVME_A_DRIVE_DISKSEQ], 0);
	d->proof = attr_u32(tb[PNVME_A_DRIVE_PROOF], PNVME_PROOF_WEAK);
	d->epoch = attr_u64(tb[PNVME_A_DRIVE_EPOCH], 0);
	d->sequence = attr_u64(tb[PNVME_A_DRIVE_SEQUENCE], 0);
	attr_text(tb[PNVME_A_DRIVE_DEVICE], d->name, sizeof(d->name));
	attr_text(tb[PNVME_A_DRIVE_SERIAL], d->serial, sizeof(d->serial));
	attr_text(tb[PNVME_A_DRIVE_MODEL], d->model, sizeof(d->model));
}

static void parse_condition(const struct nlattr **tb, struct pnvme_drive *d)
{
	d->state = status_of(attr_u32(tb[PNVME_A_DRIVE_STATE], PNVME_DRIVE_STATE_FAILED));
	attr_text(tb[PNVME_A_DRIVE_REASON], d->reason, sizeof(d->reason));
	d->lba_size = attr_u32(tb[PNVME_A_DRIVE_LBA_SIZE], 0);
	d->capacity = attr_u64(tb[PNVME_A_DRIVE_CAPACITY], 0);
	d->size = attr_u64(tb[PNVME_A_DRIVE_SIZE], 0);
	d->free = attr_u64(tb[PNVME_A_DRIVE_FREE], 0);
	d->largest_free = attr_u64(tb[PNVME_A_DRIVE_LARGEST_FREE], 0);
	d->namespaces = attr_u32(tb[PNVME_A_DRIVE_NAMESPACES], 0);
	d->read_only = attr_u32(tb[PNVME_A_DRIVE_READ_ONLY], 0);
	d->repaired = attr_u32(tb[PNVME_A_DRIVE_REPAIRED], 0);
	d->has_settings = tb[PNVME_A_DRIVE_HOLD_TIMEOUT];
	d->hold_timeout = attr_u32(tb[PNVME_A_DRIVE_HOLD_TIMEOUT], 0);
	d->on_resume = attr_u32(tb[PNVME_A_DRIVE_ON_RESUME], 0);
	d->hold_proof = attr_u32(tb[PNVME_A_DRIVE_HOLD_PROOF], 0);
	d->latency = attr_u32(tb[PNVME_A_DRIVE_LATENCY], 0);
	d->holds = attr_u32(tb[PNVME_A_DRIVE_HOLDS], 0);
	d->fences = attr_u32(tb[PNVME_A_DRIVE_FENCES], 0);
	d->hold_left = attr_u32(tb[PNVME_A_DRIVE_HOLD_LEFT], UINT32_MAX);
}

static int parse_drive(struct pnvme *h, const struct nlattr **tb, void *arg)
{
	struct pnvme_drive *d = arg;

	(void)h;
	drive_init(d);
	parse_identity(tb, d);
	parse_condition(tb, d);
	d->attached = true;
	d->labelled = true;
	return 0;
}

static int append_drive(struct pnvme *h, const struct nlattr **tb, void *arg)
{
	struct pnvme_drive *d = inventory_add_drive(arg);

	return d ? parse_drive(h, tb, d) : fail_nomem(h);
}

static void drop_drives(void *arg)
{
	struct pnvme_inventory *inv = arg;

	while (inv->n_drives)
		pnvme_drive_free(inv->drives[--inv->n_drives]);
	free(inv->drives);
	inv->drives = NULL;
}

int kernel_drives(struct pnvme *h, struct pnvme_inventory *inv)
{
	struct nl_reply reply = {
		.parse = append_drive, .restart = drop_drives, .arg = inv,
		.max = PNVME_A_DRIVE_MAX,
	};
	struct nl_request r;
	int ret;

	ret = nl_begin(h, &r, PNVME_CMD_DRIVE_GET, true);
	return ret ? ret : nl_run(h, &r, "drives", &reply);
}

static void uuid_object(const uint8_t uuid[16], char out[37])
{
	pnvme_uuid_format(uuid, out);
}

int kernel_ask_drive(struct pnvme *h, struct nl_request *r, const char *object,
		     struct pnvme_drive *d)
{
	struct nl_reply reply = { .parse = parse_drive, .arg = d, .max = PNVME_A_DRIVE_MAX };

	return nl_run(h, r, object, d ? &reply : NULL);
}

int kernel_drive(struct pnvme *h, const uint8_t uuid[16], struct pnvme_drive *d)
{
	struct nl_request r;
	char object[37];
	int ret;

	uuid_object(uuid, object);
	ret = nl_begin(h, &r, PNVME_CMD_DRIVE_GET, false);
	if (ret)
		return ret;
	nl_bytes(&r, PNVME_A_DRIVE_UUID, uuid, 16);
	return kernel_ask_drive(h, &r, object, d);
}

static int parse_info(struct pnvme *h, const struct nlattr **tb, void *arg)
{
	struct pnvme_info *info = arg;

	(void)h;
	attr_text(tb[PNVME_A_INFO_VERSION], info->version, sizeof(info->version));
	info->label_version = attr_u32(tb[PNVME_A_INFO_LABEL_VERSION], 0);
	info->generation = attr_u32(tb[PNVME_A_INFO_GENERATION], 0);
	return 0;
}

API int pnvme_module_info(struct pnvme *h, struct pnvme_info *info)
{
	struct nl_reply reply = { .parse = parse_info, .arg = info, .max = PNVME_A_INFO_MAX };
	struct nl_request r;
	int ret;

	enter(h);
	memset(info, 0, sizeof(*info));
	ret = nl_begin(h, &r, PNVME_CMD_INFO_GET, false);
	if (!ret)
		ret = nl_run(h, &r, "pnvme", &reply);
	return leave(h, ret);
}

/* Requests about a lower device that is not attached */

struct lower_request {
	const struct disk	*disk;
	const uint8_t		*uuid;
	const uint8_t		*host;
	const uint8_t		*from;		/* import */
	unsigned int		flags;
	bool			dirty;		/* adopt */
	bool			stale;		/* attach */
	const struct pnvme_label *label;	/* restore */
};

/* udev and blkid look into a fresh device for a moment: a short EBUSY is no answer. */
static int run_patiently(struct pnvme *h, struct nl_request *r, const struct disk *k,
			 struct pnvme_drive *d)
{
	struct patience p = { 0 };
	const char *names[] = { k->name };
	int ret;

	do {
		ret = kernel_ask_drive(h, r, k->path, d);
	} while (ret == -EBUSY && busy_wait(&p, names, 1));
	return ret;
}

static void add_holders(struct pnvme *h, const char *name)
{
	struct holders found;
	size_t used = strlen(h->failed.message);

	holders_find(name, &found);
	if (found.n)
		put_text(h->failed.message + used, sizeof(h->failed.message) - used, " (%s)",
			 found.text);
}

static int lower_run(struct pnvme *h, uint8_t cmd, const struct lower_request *q,
		     struct pnvme_drive *d)
{
	struct nl_request r;
	int ret;

	ret = nl_begin(h, &r, cmd, false);
	if (ret)
		return ret;
	nl_bytes(&r, PNVME_A_DRIVE_UUID, q->uuid, 16);
	nl_u32(&r, PNVME_A_DRIVE_MAJOR, q->disk->major);
	nl_u32(&r, PNVME_A_DRIVE_MINOR, q->disk->minor);
	nl_u64(&r, PNVME_A_DRIVE_DISKSEQ, q->disk->diskseq);
	nl_bytes(&r, PNVME_A_DRIVE_HOST, q->host, 16);
	if (q->from)
		nl_bytes(&r, PNVME_A_DRIVE_OWNER, q->from, 16);
	if (q->flags & PNVME_READ_ONLY)
		nl_u8(&r, PNVME_A_DRIVE_READ_ONLY, 1);
	nl_flag(&r, PNVME_A_DRIVE_DIRTY, q->dirty);
	nl_flag(&r, PNVME_A_DRIVE_ANY, q->flags & PNVME_ANY);
	nl_flag(&r, PNVME_A_DRIVE_IDENTITY, q->flags & PNVME_IDENTITY);
	nl_flag(&r, PNVME_A_DRIVE_STALE, q->stale);
	if (q->label)
		nl_bytes(&r, PNVME_A_DRIVE_LABEL, q->label, sizeof(*q->label));
	nl_flag(&r, PNVME_A_DRIVE_CHECK, q->flags & PNVME_CHECK);
	ret = run_patiently(h, &r, q->disk, d);
	if (ret == -EBUSY)
		add_holders(h, q->disk->name);
	return ret;
}

int lower_adopt(struct pnvme *h, const struct disk *k, const uint8_t uuid[16],
		const uint8_t host[16], bool dirty, unsigned int flags, struct pnvme_drive *d)
{
	struct lower_request q = {
		.disk = k, .uuid = uuid, .host = host, .dirty = dirty,
		.flags = flags & (PNVME_CHECK | PNVME_ANY),
	};

	return lower_run(h, PNVME_CMD_DRIVE_ADOPT, &q, d);
}

int lower_attach(struct pnvme *h, const struct disk *k, const uint8_t uuid[16],
		 const uint8_t host[16], bool stale, unsigned int flags, struct pnvme_drive *d)
{
	struct lower_request q = {
		.disk = k, .uuid = uuid, .host = host, .stale = stale,
		.flags = flags & (PNVME_CHECK | PNVME_READ_ONLY | PNVME_IDENTITY),
	};

	return lower_run(h, PNVME_CMD_DRIVE_ATTACH, &q, d);
}

int lower_import(struct pnvme *h, const struct disk *k, const uint8_t uuid[16],
		 const uint8_t host[16], const uint8_t from[16], unsigned int flags,
		 struct pnvme_drive *d)
{
	struct lower_request q = {
		.disk = k, .uuid = uuid, .host = host, .from = from,
		.flags = flags & PNVME_CHECK,
	};

	return lower_run(h, PNVME_CMD_DRIVE_IMPORT, &q, d);
}

int lower_restore(struct pnvme *h, const struct disk *k, const struct pnvme_label *l,
		  const uint8_t host[16], unsigned int flags, struct pnvme_drive *d)
{
	struct lower_request q = {
		.disk = k, .uuid = l->drive_uuid, .host = host, .label = l,
		.flags = flags & PNVME_CHECK,
	};

	return lower_run(h, PNVME_CMD_DRIVE_RESTORE, &q, d);
}

int lower_erase(struct pnvme *h, const struct disk *k, const uint8_t uuid[16],
		const uint8_t host[16], unsigned int flags)
{
	struct lower_request q = {
		.disk = k, .uuid = uuid, .host = host, .flags = flags & PNVME_CHECK,
	};

	return lower_run(h, PNVME_CMD_DRIVE_ERASE, &q, NULL);
}

/* Detach */

/* Names of the block devices of a drive, for finding who holds them. */
static size_t open_devices(const struct pnvme_inventory *inv, const char *names[PNVME_NS_MAX])
{
	size_t i, n = 0;

	for (i = 0; i < inv->n_namespaces && n < PNVME_NS_MAX; i++)
		if (inv->namespaces[i]->open && inv->namespaces[i]->device[0])
			names[n++] = inv->namespaces[i]->device;
	return n;
}

static void name_openers(struct pnvme *h, const struct pnvme_inventory *inv)
{
	const char *names[PNVME_NS_MAX];
	size_t i, n = open_devices(inv, names);

	for (i = 0; i < n; i++)
		add_holders(h, names[i]);
}

static int detach_once(struct pnvme *h, struct nl_request *r, const uint8_t uuid[16],
		       const char *object, struct patience *p, bool *again)
{
	struct pnvme_inventory *inv;
	const char *names[PNVME_NS_MAX];
	char message[sizeof(h->failed.message)];
	int ret;

	*again = false;
	ret = nl_run(h, r, object, NULL);
	if (ret != -EBUSY)
		return ret;
	inv = inventory_new();
	if (!inv)
		return fail_nomem(h);
	/* the refusal stands, whatever this finds: keep its message */
	memcpy(message, h->failed.message, sizeof(message));
	if (!kernel_namespaces(h, uuid, inv))
		*again = busy_wait(p, names, open_devices(inv, names));
	fail(h, -EBUSY, object, "%s", message);
	if (!*again)
		name_openers(h, inv);
	pnvme_inventory_free(inv);
	return -EBUSY;
}

API int pnvme_drive_detach(struct pnvme *h, const uint8_t uuid[16], unsigned int flags)
{
	struct patience p = { 0 };
	struct nl_request r;
	char object[37];
	bool again;
	int ret;

	enter(h);
	uuid_object(uuid, object);
	if (flags & PNVME_RELEASE)
		archive_before(h, uuid, flags);
	ret = nl_begin(h, &r, PNVME_CMD_DRIVE_DETACH, false);
	if (ret)
		return leave(h, ret);
	nl_bytes(&r, PNVME_A_DRIVE_UUID, uuid, 16);
	nl_flag(&r, PNVME_A_DRIVE_RELEASE, flags & PNVME_RELEASE);
	nl_flag(&r, PNVME_A_DRIVE_CHECK, flags & PNVME_CHECK);
	do {
		ret = detach_once(h, &r, uuid, object, &p, &again);
	} while (again);
	if (!ret && flags & PNVME_RELEASE && !(flags & PNVME_CHECK))
		record_drop(h, uuid);
	return leave(h, ret);
}

/*
 * Most tasks that wait for a held drive cannot be interrupted, and the kernel counts such
 * (kernel/hung_task.c): it logs them, or, if it was told to, panics.
 */
static void warn_of_hung_tasks(struct pnvme *h, uint32_t timeout)
{
	unsigned long limit, panics;
	char text[32], hold[32];

	limit = sysfs_text(text, sizeof(text), "/proc/sys/kernel/hung_task_timeout_secs") ?
		strtoul(text, NULL, 10) : 0;
	if (!limit || timeout <= limit)
		return;
	panics = sysfs_text(text, sizeof(text), "/proc/sys/kernel/hung_task_panic") ?
		 strtoul(text, NULL, 10) : 0;
	if (timeout == PNVME_HOLD_FOREVER)
		put_text(hold, sizeof(hold), "forever");
	else
		put_text(hold, sizeof(hold), "%u s", timeout);
	note(h, "a hold may last %s, but after %lu s (kernel.hung_task_timeout_secs) the kernel %s tasks that wait for it: raise that limit as well, or choose a shorter hold-timeout",
	     hold, limit, panics ? "panics (kernel.hung_task_panic) because of" : "logs as hung the");
}

API int pnvme_drive_set(struct pnvme *h, const uint8_t uuid[16], const struct pnvme_settings *s,
			unsigned int flags, struct pnvme_drive **out)
{
	struct nl_request r;
	struct pnvme_drive d;
	char object[37];
	int ret;

	enter(h);
	uuid_object(uuid, object);
	archive_before(h, uuid, flags);
	ret = nl_begin(h, &r, PNVME_CMD_DRIVE_SET, false);
	if (ret)
		return leave(h, ret);
	nl_bytes(&r, PNVME_A_DRIVE_UUID, uuid, 16);
	if (s->have_hold_timeout)
		nl_u32(&r, PNVME_A_DRIVE_HOLD_TIMEOUT, s->hold_timeout);
	if (s->have_on_resume)
		nl_u32(&r, PNVME_A_DRIVE_ON_RESUME, s->on_resume);
	if (s->have_hold_proof)
		nl_u32(&r, PNVME_A_DRIVE_HOLD_PROOF, s->hold_proof);
	if (s->have_latency)
		nl_u32(&r, PNVME_A_DRIVE_LATENCY, s->latency);
	nl_flag(&r, PNVME_A_DRIVE_CHECK, flags & PNVME_CHECK);
	drive_init(&d);
	ret = kernel_ask_drive(h, &r, object, &d);
	if (!ret && s->have_hold_timeout)
		warn_of_hung_tasks(h, s->hold_timeout);
	if (!ret && !(flags & PNVME_CHECK))
		record_update(h, uuid);
	return leave(h, ret ? ret : drive_hand_on(h, &d, out));
}

API int pnvme_drive_fail(struct pnvme *h, const uint8_t uuid[16], unsigned int flags,
			 struct pnvme_drive **out)
{
	struct nl_request r;
	struct pnvme_drive d;
	char object[37];
	int ret;

	enter(h);
	uuid_object(uuid, object);
	ret = nl_begin(h, &r, PNVME_CMD_DRIVE_FAIL, false);
	if (ret)
		return leave(h, ret);
	nl_bytes(&r, PNVME_A_DRIVE_UUID, uuid, 16);
	nl_flag(&r, PNVME_A_DRIVE_CHECK, flags & PNVME_CHECK);
	drive_init(&d);
	ret = kernel_ask_drive(h, &r, object, &d);
	return leave(h, ret ? ret : drive_hand_on(h, &d, out));
}

/* What the module answered, completed from sysfs, to the caller. */
int drive_hand_on(struct pnvme *h, const struct pnvme_drive *d, struct pnvme_drive **out)
{
	struct pnvme_drive *copy;
	struct disk k;

	if (!out)
		return 0;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return fail_nomem(h);
	*copy = *d;
	if (!disk_read(d->name, &k) && k.diskseq == d->diskseq) {
		copy->nvme = k.nvme;
		memcpy(copy->nguid, k.nguid, sizeof(copy->nguid));
		memcpy(copy->eui, k.eui, sizeof(copy->eui));
		copy_text(copy->slot, sizeof(copy->slot), k.slot);
		copy_text(copy->firmware, sizeof(copy->firmware), k.firmware);
	}
	if (copy->attached) {
		copy->verdict = PNVME_VERDICT_INTACT;
		copy->recorded = true;
	}
	*out = copy;
	return 0;
}
