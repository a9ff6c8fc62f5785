// SPDX-License-Identifier: GPL-2.0
/* The operations of namespaces. */
#include <linux/skbuff.h>
#include <linux/string.h>
#include <net/genetlink.h>

#include "drive.h"
#include "namespace.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "netlink_priv.h"
#include "seal.h"

static int put_progress(struct sk_buff *skb, const struct pnvme_ns *ns)
{
	if (ns->pending && put_u64(skb, PNVME_A_NAMESPACE_PENDING_SIZE, ns->pending))
		return -EMSGSIZE;
	if (!ns->zero_total)
		return 0;
	return put_u64(skb, PNVME_A_NAMESPACE_ZEROED, READ_ONCE(ns->zeroed)) ||
	       put_u64(skb, PNVME_A_NAMESPACE_ZERO_TOTAL, ns->zero_total);
}

static int put_openers(struct sk_buff *skb, struct pnvme_ns *ns)
{
	char opener[sizeof(ns->opener)];
	unsigned int openers;

	spin_lock(&ns->open_lock);
	openers = ns->openers;
	strscpy(opener, ns->opener, sizeof(opener));
	spin_unlock(&ns->open_lock);
	return nla_put_u32(skb, PNVME_A_NAMESPACE_OPEN, openers) ||
	       (openers && nla_put_string(skb, PNVME_A_NAMESPACE_OPENER, opener));
}

static int put_held(struct sk_buff *skb, struct pnvme_ns *ns)
{
	u64 fenced_at;
	u32 fences;
	u8 fence;

	spin_lock(&ns->open_lock);
	fence = ns->fence;
	fences = ns->fences;
	fenced_at = ns->fenced_at;
	spin_unlock(&ns->open_lock);
	return nla_put_u32(skb, PNVME_A_NAMESPACE_HELD, atomic_read(&ns->held)) ||
	       put_u64(skb, PNVME_A_NAMESPACE_HELD_TOTAL, atomic64_read(&ns->held_total)) ||
	       nla_put_u32(skb, PNVME_A_NAMESPACE_FENCE, fence) ||
	       nla_put_u32(skb, PNVME_A_NAMESPACE_FENCES, fences) ||
	       (fences && put_u64(skb, PNVME_A_NAMESPACE_FENCED_AT, fenced_at));
}

/* What its label says; pnvme_view keeps that from changing. */
static int put_seal(struct sk_buff *skb, const struct pnvme_ns *ns)
{
	const struct pnvme_label *l = ns->drive->label;
	int index = pnvme_table_by_uuid(l, ns->uuid);
	const struct pnvme_label_seal *seal;

	if (index < 0 || ns->drive->distrusted || l->ns[index].seal.state == PNVME_LABEL_SEAL_NONE)
		return nla_put_u32(skb, PNVME_A_NAMESPACE_SEAL, PNVME_SEAL_STATE_NONE);
	seal = &l->ns[index].seal;
	return nla_put_u32(skb, PNVME_A_NAMESPACE_SEAL, seal->state) ||
	       put_u64(skb, PNVME_A_NAMESPACE_SEALED_AT, le64_to_cpu(seal->sealed_at)) ||
	       (seal->state == PNVME_LABEL_SEAL_BROKEN &&
		put_u64(skb, PNVME_A_NAMESPACE_SEAL_BROKEN_AT, le64_to_cpu(seal->broken_at))) ||
	       nla_put_u32(skb, PNVME_A_NAMESPACE_SEAL_SAMPLES, le32_to_cpu(seal->samples)) ||
	       put_u64(skb, PNVME_A_NAMESPACE_SEAL_LOOKED, le64_to_cpu(seal->looked)) ||
	       nla_put(skb, PNVME_A_NAMESPACE_SEAL_SEED, sizeof(seal->seed), seal->seed) ||
	       nla_put(skb, PNVME_A_NAMESPACE_SEAL_DIGEST, sizeof(seal->digest), seal->digest);
}

/*
 * Who finds a namespace live may open its device, and who got a uevent may ask
 * what it is: it is live from the moment on when the device can be opened, which
 * is before the uevent.
 */
static int put_ns_state(struct sk_buff *skb, const struct pnvme_ns *ns)
{
	bool there = ns->disk && disk_live(ns->disk);
	u32 state = ns->state;

	if (!there && (state == PNVME_NS_STATE_LIVE || state == PNVME_NS_STATE_NAME_CONFLICT))
		state = PNVME_NS_STATE_ZEROING;
	if (nla_put_u32(skb, PNVME_A_NAMESPACE_STATE, state))
		return -EMSGSIZE;
	if (!there)
		return 0;
	return nla_put_string(skb, PNVME_A_NAMESPACE_DEVICE, ns->disk->disk_name) ||
	       nla_put_u32(skb, PNVME_A_NAMESPACE_MAJOR, MAJOR(disk_devt(ns->disk))) ||
	       nla_put_u32(skb, PNVME_A_NAMESPACE_MINOR, MINOR(disk_devt(ns->disk)));
}

/* It is there for as long as the device that it is named after, or shorter. */
static int put_generic(struct sk_buff *skb, const struct pnvme_ns *ns)
{
	char name[DISK_NAME_LEN];

	if (!ns->generic)
		return 0;
	snprintf(name, sizeof(name), "png%dn%u", ns->drive->instance, ns->nsid);
	return nla_put_string(skb, PNVME_A_NAMESPACE_GENERIC, name);
}

/* pnvme_view is held. */
static int ns_put_all(struct sk_buff *skb, struct pnvme_ns *ns)
{
	if (nla_put(skb, PNVME_A_NAMESPACE_UUID, sizeof(ns->uuid), ns->uuid) ||
	    nla_put(skb, PNVME_A_NAMESPACE_NGUID, sizeof(ns->nguid), ns->nguid) ||
	    nla_put_string(skb, PNVME_A_NAMESPACE_NAME, ns->name) ||
	    nla_put_u32(skb, PNVME_A_NAMESPACE_NSID, ns->nsid) ||
	    nla_put(skb, PNVME_A_NAMESPACE_DRIVE, 16, ns->drive->uuid) ||
	    put_u64(skb, PNVME_A_NAMESPACE_START, (u64)ns->first << SECTOR_SHIFT) ||
	    put_u64(skb, PNVME_A_NAMESPACE_SIZE, ns->bytes) ||
	    put_ns_state(skb, ns) ||
	    (ns->reason[0] && nla_put_string(skb, PNVME_A_NAMESPACE_REASON, ns->reason)) ||
	    nla_put_u32(skb, PNVME_A_NAMESPACE_POLICY, ns->policy) ||
	    nla_put_u8(skb, PNVME_A_NAMESPACE_READ_ONLY, ns->read_only) ||
	    put_openers(skb, ns) || put_progress(skb, ns) || put_held(skb, ns) ||
	    put_seal(skb, ns) || put_generic(skb, ns))
		return -EMSGSIZE;
	return 0;
}

static int ns_fill(struct sk_buff *skb, void *object)
{
	int ret;

	down_read(&pnvme_view);
	ret = ns_put_all(skb, object);
	up_read(&pnvme_view);
	return ret;
}

/* ... unless it went between being found and this. */
static int ns_fill_listed(struct sk_buff *skb, void *object)
{
	struct pnvme_ns *ns = object;
	int ret = -ENOENT;

	down_read(&pnvme_view);
	if (!list_empty(&ns->node))
		ret = ns_put_all(skb, ns);
	up_read(&pnvme_view);
	return ret;
}

static int no_such_ns(struct genl_info *info, struct pnvme_error *err)
{
	const u8 *uuid = attr_bytes(info, PNVME_A_NAMESPACE_UUID);
	const char *name = attr_string(info, PNVME_A_NAMESPACE_NAME);

	if (name)
		pnvme_refuse(err, -ENOENT,
			     "there is no namespace %s here; see pnvme ns show",
			     name);
	else
		pnvme_refuse(err, -ENOENT,
			     "there is no namespace %pU here; see pnvme ns show",
			     uuid);
	return pnvme_nl_bad(info, name ? PNVME_A_NAMESPACE_NAME : PNVME_A_NAMESPACE_UUID, -ENOENT);
}

static struct pnvme_ns *ns_of(struct genl_info *info, struct pnvme_error *err)
{
	const u8 *uuid = attr_bytes(info, PNVME_A_NAMESPACE_UUID);
	const char *name = attr_string(info, PNVME_A_NAMESPACE_NAME);
	struct pnvme_ns *ns;

	if (!uuid && !name) {
		pnvme_nl_missing(info, PNVME_A_NAMESPACE_UUID, "uuid or name", err);
		return ERR_PTR(-EINVAL);
	}
	ns = pnvme_ns_get(uuid, name);
	return ns ? ns : ERR_PTR(no_such_ns(info, err));
}

int pnvme_nl_ns_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_ns *ns = ns_of(info, &err);
	int ret;

	if (IS_ERR(ns))
		return pnvme_nl_result(skb, info, PTR_ERR(ns), &err);
	ret = pnvme_nl_reply(info, PNVME_CMD_NS_GET, ns_fill_listed, ns);
	if (ret == -ENOENT)
		no_such_ns(info, &err);
	pnvme_ns_put(ns);
	return pnvme_nl_result(skb, info, ret, &err);
}

static bool ns_wanted(struct nlattr **attrs, const struct pnvme_ns *ns)
{
	if (attrs[PNVME_A_NAMESPACE_DRIVE] &&
	    memcmp(nla_data(attrs[PNVME_A_NAMESPACE_DRIVE]), ns->drive->uuid, 16))
		return false;
	if (attrs[PNVME_A_NAMESPACE_UUID] &&
	    memcmp(nla_data(attrs[PNVME_A_NAMESPACE_UUID]), ns->uuid, 16))
		return false;
	return !attrs[PNVME_A_NAMESPACE_NAME] ||
	       !strcmp(nla_data(attrs[PNVME_A_NAMESPACE_NAME]), ns->name);
}

static int ns_dump_one(struct sk_buff *skb, struct netlink_callback *cb, struct pnvme_ns *ns)
{
	void *hdr = pnvme_nl_dump_begin(skb, cb, PNVME_CMD_NS_GET);

	return hdr ? pnvme_nl_dump_end(skb, hdr, ns_put_all(skb, ns)) : -EMSGSIZE;
}

static int ns_dump_drive(struct sk_buff *skb, struct netlink_callback *cb,
			 struct pnvme_drive *drive, unsigned long *seen)
{
	struct dump_cursor *cursor = dump_cursor(cb);
	struct nlattr **attrs = compat_dump_attrs(cb);
	struct pnvme_ns *ns;
	int ret;

	list_for_each_entry(ns, &drive->namespaces, node) {
		if (!ns_wanted(attrs, ns) || (*seen)++ < cursor->index)
			continue;
		ret = ns_dump_one(skb, cb, ns);
		if (ret)
			return ret;
		cursor->index++;
	}
	return 0;
}

int pnvme_nl_ns_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct pnvme_drive *drive = NULL;
	unsigned long seen = 0;
	int ret = 0;

	down_read(&pnvme_view);
	cb->seq = pnvme_generation;
	while (!ret && (drive = pnvme_drive_next(drive)))
		if (drive->exposed)
			ret = ns_dump_drive(skb, cb, drive, &seen);
	up_read(&pnvme_view);
	return skb->len ? skb->len : ret;
}

static int create(struct genl_info *info, struct pnvme_drive *drive, struct pnvme_error *err)
{
	struct pnvme_ns_request req = {
		.name		= attr_string(info, PNVME_A_NAMESPACE_NAME),
		.largest	= info->attrs[PNVME_A_NAMESPACE_LARGEST],
		.keep_data	= info->attrs[PNVME_A_NAMESPACE_KEEP_DATA],
		.check		= info->attrs[PNVME_A_NAMESPACE_CHECK],
	};
	struct pnvme_ns *ns;
	int ret;

	if (pnvme_nl_missing(info, PNVME_A_NAMESPACE_NAME, "name", err) ||
	    (!req.largest && pnvme_nl_missing(info, PNVME_A_NAMESPACE_SIZE, "size", err)))
		return -EINVAL;
	if (info->attrs[PNVME_A_NAMESPACE_SIZE])
		req.bytes = nla_get_u64(info->attrs[PNVME_A_NAMESPACE_SIZE]);
	ret = pnvme_ns_create(drive, &req, &ns, err);
	if (ret)
		return ret;
	ret = pnvme_nl_reply_done(info, PNVME_CMD_NS_CREATE, ns_fill, ns);
	pnvme_ns_put(ns);
	return ret;
}

static int undelete(struct genl_info *info, struct pnvme_drive *drive, struct pnvme_error *err)
{
	struct nlattr **attrs = info->attrs;
	struct pnvme_ns_request req = {
		.name	= attr_string(info, PNVME_A_NAMESPACE_NAME),
		.uuid	= attr_bytes(info, PNVME_A_NAMESPACE_UUID),
		.nguid	= attr_bytes(info, PNVME_A_NAMESPACE_NGUID),
		.policy	= PNVME_POLICY_DATA,
		.check	= attrs[PNVME_A_NAMESPACE_CHECK],
	};
	struct pnvme_ns *ns;
	int ret;

	if (pnvme_nl_missing(info, PNVME_A_NAMESPACE_UUID, "uuid", err) ||
	    pnvme_nl_missing(info, PNVME_A_NAMESPACE_NGUID, "nguid", err) ||
	    pnvme_nl_missing(info, PNVME_A_NAMESPACE_NAME, "name", err) ||
	    pnvme_nl_missing(info, PNVME_A_NAMESPACE_START, "start", err) ||
	    pnvme_nl_missing(info, PNVME_A_NAMESPACE_SIZE, "size", err))
		return -EINVAL;
	req.start = nla_get_u64(attrs[PNVME_A_NAMESPACE_START]);
	req.bytes = nla_get_u64(attrs[PNVME_A_NAMESPACE_SIZE]);
	if (attrs[PNVME_A_NAMESPACE_NSID])
		req.nsid = nla_get_u32(attrs[PNVME_A_NAMESPACE_NSID]);
	if (attrs[PNVME_A_NAMESPACE_POLICY])
		req.policy = nla_get_u32(attrs[PNVME_A_NAMESPACE_POLICY]);
	if (attrs[PNVME_A_NAMESPACE_READ_ONLY])
		req.read_only = nla_get_u8(attrs[PNVME_A_NAMESPACE_READ_ONLY]);
	ret = pnvme_ns_create(drive, &req, &ns, err);
	if (ret)
		return ret;
	ret = pnvme_nl_reply_done(info, PNVME_CMD_NS_UNDELETE, ns_fill, ns);
	pnvme_ns_put(ns);
	return ret;
}

/* Both make a namespace on a drive. */
static int on_drive(struct sk_buff *skb, struct genl_info *info,
		    int (*fn)(struct genl_info *, struct pnvme_drive *, struct pnvme_error *))
{
	struct pnvme_error err = { };
	struct pnvme_drive *drive = pnvme_nl_drive_of(info, PNVME_A_NAMESPACE_DRIVE, &err);
	int ret;

	if (IS_ERR(drive))
		return pnvme_nl_result(skb, info, PTR_ERR(drive), &err);
	ret = fn(info, drive, &err);
	pnvme_drive_put(drive);
	return pnvme_nl_result(skb, info, ret, &err);
}

int pnvme_nl_ns_create_doit(struct sk_buff *skb, struct genl_info *info)
{
	return on_drive(skb, info, create);
}

int pnvme_nl_ns_undelete_doit(struct sk_buff *skb, struct genl_info *info)
{
	return on_drive(skb, info, undelete);
}

int pnvme_nl_ns_delete_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_ns *ns = ns_of(info, &err);
	int ret;

	if (IS_ERR(ns))
		return pnvme_nl_result(skb, info, PTR_ERR(ns), &err);
	ret = pnvme_ns_delete(ns, info->attrs[PNVME_A_NAMESPACE_CHECK], &err);
	if (!ret)
		ret = pnvme_nl_reply_done(info, PNVME_CMD_NS_DELETE, pnvme_nl_uuid_fill, ns->uuid);
	pnvme_ns_put(ns);
	return pnvme_nl_result(skb, info, ret, &err);
}

typedef int (*ns_change_fn)(struct pnvme_ns *ns, const struct pnvme_ns_request *req,
			    struct pnvme_error *err);

/* Resize, rename and set: find the namespace, change it, show it. */
static int change(struct sk_buff *skb, struct genl_info *info, u8 cmd, ns_change_fn fn,
		  const struct pnvme_ns_request *req, struct pnvme_error *err)
{
	struct pnvme_ns *ns = ns_of(info, err);
	int ret;

	if (IS_ERR(ns))
		return pnvme_nl_result(skb, info, PTR_ERR(ns), err);
	ret = fn(ns, req, err);
	if (!ret)
		ret = pnvme_nl_reply_done(info, cmd, ns_fill, ns);
	pnvme_ns_put(ns);
	return pnvme_nl_result(skb, info, ret, err);
}

int pnvme_nl_ns_resize_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_ns_request req = {
		.force		= info->attrs[PNVME_A_NAMESPACE_FORCE],
		.keep_data	= info->attrs[PNVME_A_NAMESPACE_KEEP_DATA],
		.check		= info->attrs[PNVME_A_NAMESPACE_CHECK],
	};

	if (pnvme_nl_missing(info, PNVME_A_NAMESPACE_SIZE, "size", &err))
		return pnvme_nl_result(skb, info, -EINVAL, &err);
	req.bytes = nla_get_u64(info->attrs[PNVME_A_NAMESPACE_SIZE]);
	return change(skb, info, PNVME_CMD_NS_RESIZE, pnvme_ns_set_size, &req, &err);
}

int pnvme_nl_ns_rename_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_ns_request req = {
		.name	= attr_string(info, PNVME_A_NAMESPACE_NEW_NAME),
		.check	= info->attrs[PNVME_A_NAMESPACE_CHECK],
	};

	if (pnvme_nl_missing(info, PNVME_A_NAMESPACE_NEW_NAME, "new-name", &err))
		return pnvme_nl_result(skb, info, -EINVAL, &err);
	return change(skb, info, PNVME_CMD_NS_RENAME, pnvme_ns_set_name, &req, &err);
}

int pnvme_nl_ns_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct nlattr **attrs = info->attrs;
	struct pnvme_ns_request req = {
		.has_read_only	= attrs[PNVME_A_NAMESPACE_READ_ONLY],
		.has_policy	= attrs[PNVME_A_NAMESPACE_POLICY],
		.check		= attrs[PNVME_A_NAMESPACE_CHECK],
	};

	if (req.has_read_only)
		req.read_only = nla_get_u8(attrs[PNVME_A_NAMESPACE_READ_ONLY]);
	if (req.has_policy)
		req.policy = nla_get_u32(attrs[PNVME_A_NAMESPACE_POLICY]);
	return change(skb, info, PNVME_CMD_NS_SET, pnvme_ns_set, &req, &err);
}

int pnvme_nl_ns_unfence_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_ns *ns = ns_of(info, &err);
	int ret;

	if (IS_ERR(ns))
		return pnvme_nl_result(skb, info, PTR_ERR(ns), &err);
	pnvme_ns_unfence(ns, info->attrs[PNVME_A_NAMESPACE_CHECK]);
	ret = pnvme_nl_reply_done(info, PNVME_CMD_NS_UNFENCE, ns_fill, ns);
	pnvme_ns_put(ns);
	return pnvme_nl_result(skb, info, ret, &err);
}

struct begun {
	struct pnvme_ns	*ns;
	u64		token;
};

static int begun_fill(struct sk_buff *skb, void *object)
{
	const struct begun *begun = object;

	return nla_put(skb, PNVME_A_NAMESPACE_UUID, sizeof(begun->ns->uuid), begun->ns->uuid) ||
	       put_u64(skb, PNVME_A_NAMESPACE_SEAL_TOKEN, begun->token) ? -EMSGSIZE : 0;
}

int pnvme_nl_ns_seal_begin_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct begun begun = { .ns = ns_of(info, &err) };
	int ret;

	if (IS_ERR(begun.ns))
		return pnvme_nl_result(skb, info, PTR_ERR(begun.ns), &err);
	ret = pnvme_ns_seal_begin(begun.ns, info->attrs[PNVME_A_NAMESPACE_CHECK], &begun.token,
				  &err);
	if (!ret)
		ret = pnvme_nl_reply_done(info, PNVME_CMD_NS_SEAL_BEGIN, begun_fill, &begun);
	pnvme_ns_put(begun.ns);
	return pnvme_nl_result(skb, info, ret, &err);
}

static int seal_from(struct genl_info *info, struct pnvme_label_seal *seal, struct pnvme_error *err)
{
	struct nlattr **attrs = info->attrs;

	if (pnvme_nl_missing(info, PNVME_A_NAMESPACE_SEAL_TOKEN, "seal-token", err) ||
	    pnvme_nl_missing(info, PNVME_A_NAMESPACE_SEAL_SAMPLES, "seal-samples", err) ||
	    pnvme_nl_missing(info, PNVME_A_NAMESPACE_SEAL_LOOKED, "seal-looked", err) ||
	    pnvme_nl_missing(info, PNVME_A_NAMESPACE_SEAL_SEED, "seal-seed", err) ||
	    pnvme_nl_missing(info, PNVME_A_NAMESPACE_SEAL_DIGEST, "seal-digest", err))
		return -EINVAL;
	seal->samples = cpu_to_le32(nla_get_u32(attrs[PNVME_A_NAMESPACE_SEAL_SAMPLES]));
	seal->looked = cpu_to_le64(nla_get_u64(attrs[PNVME_A_NAMESPACE_SEAL_LOOKED]));
	memcpy(seal->seed, nla_data(attrs[PNVME_A_NAMESPACE_SEAL_SEED]), sizeof(seal->seed));
	memcpy(seal->digest, nla_data(attrs[PNVME_A_NAMESPACE_SEAL_DIGEST]),
	       sizeof(seal->digest));
	return 0;
}

int pnvme_nl_ns_seal_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_label_seal seal = { };
	struct pnvme_error err = { };
	struct pnvme_ns *ns;
	int ret;

	if (seal_from(info, &seal, &err))
		return pnvme_nl_result(skb, info, -EINVAL, &err);
	ns = ns_of(info, &err);
	if (IS_ERR(ns))
		return pnvme_nl_result(skb, info, PTR_ERR(ns), &err);
	ret = pnvme_ns_seal(ns, nla_get_u64(info->attrs[PNVME_A_NAMESPACE_SEAL_TOKEN]), &seal,
			    info->attrs[PNVME_A_NAMESPACE_CHECK], &err);
	if (!ret)
		ret = pnvme_nl_reply_done(info, PNVME_CMD_NS_SEAL, ns_fill, ns);
	pnvme_ns_put(ns);
	return pnvme_nl_result(skb, info, ret, &err);
}
