// SPDX-License-Identifier: GPL-2.0
/* Namespaces, as the module serves them. */
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "seal.h"

#define POLL_MS 100

static enum pnvme_ns_status status_of(uint32_t v)
{
	switch (v) {
	case PNVME_NS_STATE_LIVE:
		return PNVME_NS_STATUS_LIVE;
	case PNVME_NS_STATE_ZEROING:
		return PNVME_NS_STATUS_ZEROING;
	case PNVME_NS_STATE_NAME_CONFLICT:
		return PNVME_NS_STATUS_NAME_CONFLICT;
	default:
		return PNVME_NS_STATUS_FAILED;
	}
}

static int parse_ns(struct pnvme *h, const struct nlattr **tb, void *arg)
{
	struct pnvme_namespace *ns = arg;
	char opener[sizeof(ns->opener)];

	(void)h;
	memset(ns, 0, sizeof(*ns));
	attr_bytes(tb[PNVME_A_NAMESPACE_UUID], ns->uuid, 16);
	attr_bytes(tb[PNVME_A_NAMESPACE_NGUID], ns->nguid, 16);
	attr_bytes(tb[PNVME_A_NAMESPACE_DRIVE], ns->drive, 16);
	attr_text(tb[PNVME_A_NAMESPACE_NAME], ns->name, sizeof(ns->name));
	attr_text(tb[PNVME_A_NAMESPACE_DEVICE], ns->device, sizeof(ns->device));
	attr_text(tb[PNVME_A_NAMESPACE_GENERIC], ns->generic, sizeof(ns->generic));
	attr_text(tb[PNVME_A_NAMESPACE_OPENER], opener, sizeof(opener));
	copy_text(ns->opener, sizeof(ns->opener), opener);
	attr_text(tb[PNVME_A_NAMESPACE_REASON], ns->reason, sizeof(ns->reason));
	ns->nsid = attr_u32(tb[PNVME_A_NAMESPACE_NSID], 0);
	ns->major = attr_u32(tb[PNVME_A_NAMESPACE_MAJOR], 0);
	ns->minor = attr_u32(tb[PNVME_A_NAMESPACE_MINOR], 0);
	ns->start = attr_u64(tb[PNVME_A_NAMESPACE_START], 0);
	ns->size = attr_u64(tb[PNVME_A_NAMESPACE_SIZE], 0);
	ns->state = status_of(attr_u32(tb[PNVME_A_NAMESPACE_STATE], PNVME_NS_STATE_FAILED));
	ns->policy = attr_u32(tb[PNVME_A_NAMESPACE_POLICY], PNVME_POLICY_DATA);
	ns->read_only = attr_u32(tb[PNVME_A_NAMESPACE_READ_ONLY], 0);
	ns->open = attr_u32(tb[PNVME_A_NAMESPACE_OPEN], 0);
	ns->pending_size = attr_u64(tb[PNVME_A_NAMESPACE_PENDING_SIZE], 0);
	ns->zeroed = attr_u64(tb[PNVME_A_NAMESPACE_ZEROED], 0);
	ns->zero_total = attr_u64(tb[PNVME_A_NAMESPACE_ZERO_TOTAL], 0);
	ns->held = attr_u32(tb[PNVME_A_NAMESPACE_HELD], 0);
	ns->held_total = attr_u64(tb[PNVME_A_NAMESPACE_HELD_TOTAL], 0);
	ns->fence = attr_u32(tb[PNVME_A_NAMESPACE_FENCE], PNVME_FENCE_NONE);
	ns->fences = attr_u32(tb[PNVME_A_NAMESPACE_FENCES], 0);
	ns->fenced_at = attr_u64(tb[PNVME_A_NAMESPACE_FENCED_AT], 0);
	ns->seal = attr_u32(tb[PNVME_A_NAMESPACE_SEAL], PNVME_SEAL_STATE_NONE);
	ns->sealed_at = attr_u64(tb[PNVME_A_NAMESPACE_SEALED_AT], 0);
	ns->seal_broken_at = attr_u64(tb[PNVME_A_NAMESPACE_SEAL_BROKEN_AT], 0);
	ns->seal_samples = attr_u32(tb[PNVME_A_NAMESPACE_SEAL_SAMPLES], 0);
	ns->seal_looked = attr_u64(tb[PNVME_A_NAMESPACE_SEAL_LOOKED], 0);
	attr_bytes(tb[PNVME_A_NAMESPACE_SEAL_SEED], ns->seal_seed, sizeof(ns->seal_seed));
	attr_bytes(tb[PNVME_A_NAMESPACE_SEAL_DIGEST], ns->seal_digest, sizeof(ns->seal_digest));
	return 0;
}

static int append_ns(struct pnvme *h, const struct nlattr **tb, void *arg)
{
	struct pnvme_namespace *ns = inventory_add_ns(arg);

	return ns ? parse_ns(h, tb, ns) : fail_nomem(h);
}

static void drop_namespaces(void *arg)
{
	struct pnvme_inventory *inv = arg;

	while (inv->n_namespaces)
		pnvme_namespace_free(inv->namespaces[--inv->n_namespaces]);
	free(inv->namespaces);
	inv->namespaces = NULL;
}

/* @inv holds no namespaces yet: an interrupted dump starts over. */
int kernel_namespaces(struct pnvme *h, const uint8_t *drive, struct pnvme_inventory *inv)
{
	struct nl_reply reply = {
		.parse = append_ns, .restart = drop_namespaces, .arg = inv,
		.max = PNVME_A_NAMESPACE_MAX,
	};
	struct nl_request r;
	int ret;

	ret = nl_begin(h, &r, PNVME_CMD_NS_GET, true);
	if (ret)
		return ret;
	if (drive)
		nl_bytes(&r, PNVME_A_NAMESPACE_DRIVE, drive, 16);
	return nl_run(h, &r, "namespaces", &reply);
}

int kernel_ns_reply(struct pnvme *h, struct nl_request *r, const char *object,
		      struct pnvme_namespace *ns)
{
	struct nl_reply reply = { .parse = parse_ns, .arg = ns, .max = PNVME_A_NAMESPACE_MAX };

	return nl_run(h, r, object, ns ? &reply : NULL);
}

/* Begin a request about the namespace @uuid; its text form is stored in @object. */
static int begin(struct pnvme *h, struct nl_request *r, uint8_t cmd, const uint8_t uuid[16],
		 char object[37])
{
	int ret;

	pnvme_uuid_format(uuid, object);
	ret = nl_begin(h, r, cmd, false);
	if (!ret)
		nl_bytes(r, PNVME_A_NAMESPACE_UUID, uuid, 16);
	return ret;
}

int kernel_ns(struct pnvme *h, const uint8_t uuid[16], struct pnvme_namespace *ns)
{
	struct nl_request r;
	char object[37];
	int ret;

	ret = begin(h, &r, PNVME_CMD_NS_GET, uuid, object);
	return ret ? ret : kernel_ns_reply(h, &r, object, ns);
}

static int hand_on(struct pnvme *h, const struct pnvme_namespace *ns,
		   struct pnvme_namespace **out)
{
	if (!out)
		return 0;
	*out = malloc(sizeof(**out));
	if (!*out)
		return fail_nomem(h);
	**out = *ns;
	return 0;
}

static bool is_busy_zeroing(const struct pnvme_namespace *ns)
{
	return ns->state == PNVME_NS_STATUS_ZEROING || ns->pending_size;
}

static void hint_space(struct pnvme *h)
{
	if (!strcmp(h->failed.code, "ENOSPC"))
		set_hint(h, "pnvme drive show");
}

API int pnvme_namespace_create(struct pnvme *h, const uint8_t drive[16], const char *name, uint64_t bytes,
			unsigned int flags, struct pnvme_namespace **out)
{
	struct pnvme_namespace ns = { 0 };
	struct nl_request r;
	int ret;

	enter(h);
	if (!pnvme_name_valid(name))
		return leave(h, fail(h, -EINVAL, name,
				     "\"%.80s\" is no name for a namespace: 1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit",
				     name));
	archive_before(h, drive, flags);
	ret = nl_begin(h, &r, PNVME_CMD_NS_CREATE, false);
	if (ret)
		return leave(h, ret);
	nl_bytes(&r, PNVME_A_NAMESPACE_DRIVE, drive, 16);
	nl_string(&r, PNVME_A_NAMESPACE_NAME, name);
	if (bytes)
		nl_u64(&r, PNVME_A_NAMESPACE_SIZE, bytes);
	nl_flag(&r, PNVME_A_NAMESPACE_LARGEST, !bytes);
	nl_flag(&r, PNVME_A_NAMESPACE_KEEP_DATA, flags & PNVME_KEEP_DATA);
	nl_flag(&r, PNVME_A_NAMESPACE_CHECK, flags & PNVME_CHECK);
	ret = kernel_ns_reply(h, &r, name, &ns);
	if (ret) {
		hint_space(h);
		return leave(h, ret);
	}
	if (!(flags & PNVME_CHECK) && !is_busy_zeroing(&ns))
		record_update(h, drive);
	return leave(h, hand_on(h, &ns, out));
}

/* Waiting for zeroing */

static void sleep_ms(unsigned int ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000 * 1000,
	};

	nanosleep(&ts, NULL);
}

/* The creation failed: remove what is left of it, tell why. */
static int creation_failed(struct pnvme *h, const struct pnvme_namespace *ns)
{
	char why[sizeof(ns->reason)];

	put_text(why, sizeof(why), "%s", ns->reason[0] ? ns->reason : "no reason was given");
	if (pnvme_namespace_delete(h, ns->uuid, 0))
		note(h, "what is left of %s could not be deleted: %s", ns->name, h->failed.message);
	return fail(h, -EIO, ns->name, "%s could not be created: %s", ns->name, why);
}

static int wait_end(struct pnvme *h, const struct pnvme_namespace *ns, uint64_t wanted,
		    struct pnvme_namespace **out)
{
	if (ns->state == PNVME_NS_STATUS_FAILED)
		return creation_failed(h, ns);
	/* a growth that failed at once was never seen pending, but has left its reason */
	if ((wanted && ns->size != wanted) || ns->reason[0])
		return fail(h, -EIO, ns->name, "%s could not grow: %s", ns->name,
			    ns->reason[0] ? ns->reason : "the new space could not be zeroed");
	record_update(h, ns->drive);
	return hand_on(h, ns, out);
}

API int pnvme_namespace_wait(struct pnvme *h, const uint8_t uuid[16], pnvme_progress_fn progress,
		      void *arg, struct pnvme_namespace **out)
{
	struct pnvme_namespace ns = { 0 };
	uint64_t wanted = 0;
	int ret;

	enter(h);
	for (;;) {
		ret = kernel_ns(h, uuid, &ns);
		if (ret)
			return leave(h, ret);
		if (!is_busy_zeroing(&ns))
			return leave(h, wait_end(h, &ns, wanted, out));
		if (ns.pending_size)
			wanted = ns.pending_size;
		if (progress && progress(arg, ns.zeroed, ns.zero_total))
			return leave(h, fail(h, -EINTR, ns.name, "interrupted while %s is zeroed",
					     ns.name));
		sleep_ms(POLL_MS);
	}
}

/* Links */

static bool udev_makes_links(void)
{
	static const char *const where[] = {
		"/etc/udev/rules.d/*pnvme*.rules", "/run/udev/rules.d/*pnvme*.rules",
		"/usr/local/lib/udev/rules.d/*pnvme*.rules",
		"/usr/lib/udev/rules.d/*pnvme*.rules", "/lib/udev/rules.d/*pnvme*.rules",
	};
	bool found = false;
	size_t i;
	glob_t g;

	if (access("/run/udev/control", F_OK))
		return false;
	for (i = 0; i < ARRAY_SIZE(where) && !found; i++) {
		if (!glob(where[i], GLOB_NOSORT, NULL, &g))
			found = true;
		globfree(&g);
	}
	return found;
}

static bool link_is(const char *path, const struct pnvme_namespace *ns)
{
	struct stat st;

	return !stat(path, &st) && S_ISBLK(st.st_mode) && major(st.st_rdev) == ns->major &&
	       minor(st.st_rdev) == ns->minor;
}

API int pnvme_namespace_settle(struct pnvme *h, const struct pnvme_namespace *ns, unsigned int ms)
{
	uint64_t until = now_ms() + ms;
	char path[96];

	enter(h);
	put_text(path, sizeof(path), "/dev/pnvme/%s", ns->name);
	if (ns->state != PNVME_NS_STATUS_LIVE || !udev_makes_links())
		return leave(h, 0);
	while (!link_is(path, ns)) {
		if (now_ms() >= until)
			return leave(h, fail(h, -ETIMEDOUT, ns->name,
					     "%s did not appear: is udev's queue stuck?", path));
		sleep_ms(20);
	}
	return leave(h, 0);
}

/* Changing */

/* Runs a request that is refused while the namespace is open; waits out udev. */
static int run_unless_open(struct pnvme *h, struct nl_request *r, const char *object,
			   const uint8_t uuid[16], struct pnvme_namespace *result)
{
	struct patience p = { 0 };
	struct pnvme_namespace ns = { 0 };
	char message[sizeof(h->failed.message)];
	const char *names[] = { ns.device };
	struct holders found;
	int ret;

	for (;;) {
		ret = kernel_ns_reply(h, r, object, result);
		if (ret != -EBUSY)
			return ret;
		memcpy(message, h->failed.message, sizeof(message));
		ret = kernel_ns(h, uuid, &ns);
		fail(h, -EBUSY, object, "%s", message);
		if (ret || !ns.device[0])
			return -EBUSY;
		if (!busy_wait(&p, names, 1))
			break;
	}
	holders_find(ns.device, &found);
	if (found.n)
		fail(h, -EBUSY, object, "%s (%s)", message, found.text);
	return -EBUSY;
}

API int pnvme_namespace_delete(struct pnvme *h, const uint8_t uuid[16], unsigned int flags)
{
	struct pnvme_namespace ns = { 0 };
	struct nl_request r;
	char object[37];
	int ret;

	enter(h);
	ret = kernel_ns(h, uuid, &ns);
	if (!ret)
		ret = begin(h, &r, PNVME_CMD_NS_DELETE, uuid, object);
	if (ret)
		return leave(h, ret);
	archive_before(h, ns.drive, flags);
	nl_flag(&r, PNVME_A_NAMESPACE_CHECK, flags & PNVME_CHECK);
	ret = run_unless_open(h, &r, ns.name, uuid, NULL);
	if (!ret && !(flags & PNVME_CHECK)) {
		record_update(h, ns.drive);
		seal_list_drop(uuid);
	}
	return leave(h, ret);
}

/* After a change of a namespace: the record, and the answer. */
static int finish(struct pnvme *h, int ret, unsigned int flags, const struct pnvme_namespace *ns,
		  struct pnvme_namespace **out)
{
	if (ret)
		return leave(h, ret);
	if (!(flags & PNVME_CHECK) && !is_busy_zeroing(ns))
		record_update(h, ns->drive);
	return leave(h, hand_on(h, ns, out));
}

API int pnvme_namespace_resize(struct pnvme *h, const uint8_t uuid[16], uint64_t bytes,
			unsigned int flags, struct pnvme_namespace **out)
{
	struct pnvme_namespace ns = { 0 };
	struct nl_request r;
	char object[37];
	int ret;

	enter(h);
	archive_before_ns(h, uuid, flags);
	ret = begin(h, &r, PNVME_CMD_NS_RESIZE, uuid, object);
	if (ret)
		return leave(h, ret);
	nl_u64(&r, PNVME_A_NAMESPACE_SIZE, bytes);
	nl_flag(&r, PNVME_A_NAMESPACE_FORCE, flags & PNVME_FORCE);
	nl_flag(&r, PNVME_A_NAMESPACE_KEEP_DATA, flags & PNVME_KEEP_DATA);
	nl_flag(&r, PNVME_A_NAMESPACE_CHECK, flags & PNVME_CHECK);
	ret = run_unless_open(h, &r, object, uuid, &ns);
	if (ret)
		hint_space(h);
	return finish(h, ret, flags, &ns, out);
}

API int pnvme_namespace_rename(struct pnvme *h, const uint8_t uuid[16], const char *name,
			unsigned int flags, struct pnvme_namespace **out)
{
	struct pnvme_namespace ns = { 0 };
	struct nl_request r;
	char object[37];
	int ret;

	enter(h);
	if (!pnvme_name_valid(name))
		return leave(h, fail(h, -EINVAL, name, "\"%.80s\" is no name for a namespace",
				     name));
	archive_before_ns(h, uuid, flags);
	ret = begin(h, &r, PNVME_CMD_NS_RENAME, uuid, object);
	if (ret)
		return leave(h, ret);
	nl_string(&r, PNVME_A_NAMESPACE_NEW_NAME, name);
	nl_flag(&r, PNVME_A_NAMESPACE_CHECK, flags & PNVME_CHECK);
	ret = kernel_ns_reply(h, &r, object, &ns);
	return finish(h, ret, flags, &ns, out);
}

API int pnvme_namespace_unfence(struct pnvme *h, const uint8_t uuid[16], unsigned int flags,
				struct pnvme_namespace **out)
{
	struct pnvme_namespace ns = { 0 };
	struct nl_request r;
	char object[37];
	int ret;

	enter(h);
	ret = begin(h, &r, PNVME_CMD_NS_UNFENCE, uuid, object);
	if (ret)
		return leave(h, ret);
	nl_flag(&r, PNVME_A_NAMESPACE_CHECK, flags & PNVME_CHECK);
	ret = kernel_ns_reply(h, &r, object, &ns);
	return leave(h, ret ? ret : hand_on(h, &ns, out));
}

API int pnvme_namespace_set(struct pnvme *h, const uint8_t uuid[16], int read_only, int policy,
		     unsigned int flags, struct pnvme_namespace **out)
{
	struct pnvme_namespace ns = { 0 };
	struct nl_request r;
	char object[37];
	int ret;

	enter(h);
	archive_before_ns(h, uuid, flags);
	ret = begin(h, &r, PNVME_CMD_NS_SET, uuid, object);
	if (ret)
		return leave(h, ret);
	if (read_only >= 0)
		nl_u8(&r, PNVME_A_NAMESPACE_READ_ONLY, read_only ? 1 : 0);
	if (policy >= 0)
		nl_u32(&r, PNVME_A_NAMESPACE_POLICY, (uint32_t)policy);
	nl_flag(&r, PNVME_A_NAMESPACE_CHECK, flags & PNVME_CHECK);
	ret = kernel_ns_reply(h, &r, object, &ns);
	return finish(h, ret, flags, &ns, out);
}
