// SPDX-License-Identifier: GPL-2.0
/*
 * The operations of the generic netlink family: attributes to requests, results
 * to attributes. Documentation/netlink/specs/pnvme.yaml is the contract.
 */
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <net/genetlink.h>
#include <pnvme/version.h>

#include "drive.h"
#include "namespace.h"
#include "netlink.h"
#include "netlink_gen.h"

/*
 * The sentence must live until the acknowledgment is built, after the operation
 * has returned, and the kernel's own buffer for that holds 80 bytes (none on
 * 6.1). So it goes on a page that belongs to the request and is freed with it.
 * Messages in one request are acknowledged one by one: they share the page.
 *
 * Not where the request is so large that its head is vmalloc'ed: netlink frees
 * such a head by itself, and what hangs on it would be leaked.
 */
static char *request_page(struct sk_buff *skb)
{
	struct page *page;

	if (is_vmalloc_addr(skb->head))
		return NULL;
	if (skb_shinfo(skb)->nr_frags)
		return page_address(skb_frag_page(&skb_shinfo(skb)->frags[0]));
	page = alloc_page(GFP_KERNEL);
	if (!page)
		return NULL;
	skb_fill_page_desc(skb, 0, page, 0, 0);
	return page_address(page);
}

/* The attribute that a refusal is about, in the set of the operation. */
static const struct nlattr *blamed(const struct genl_info *info, enum pnvme_blame blame)
{
	static const u8 drive_attrs[] = {
		[PNVME_BLAME_UUID]		= PNVME_A_DRIVE_UUID,
		[PNVME_BLAME_OWNER]		= PNVME_A_DRIVE_OWNER,
		[PNVME_BLAME_DISKSEQ]		= PNVME_A_DRIVE_DISKSEQ,
		[PNVME_BLAME_HOLD_TIMEOUT]	= PNVME_A_DRIVE_HOLD_TIMEOUT,
		[PNVME_BLAME_LATENCY]		= PNVME_A_DRIVE_LATENCY,
	};
	struct nlattr **attrs = info->attrs;

	switch (blame) {
	case PNVME_BLAME_NONE:
		return NULL;
	case PNVME_BLAME_NAME:
		return info->genlhdr->cmd == PNVME_CMD_NS_RENAME ? attrs[PNVME_A_NAMESPACE_NEW_NAME]
								 : attrs[PNVME_A_NAMESPACE_NAME];
	case PNVME_BLAME_SIZE:
		return attrs[PNVME_A_NAMESPACE_SIZE] ?: attrs[PNVME_A_NAMESPACE_LARGEST];
	default:
		return attrs[drive_attrs[blame]];
	}
}

static int nl_result(struct sk_buff *skb, struct genl_info *info, int ret,
		     const struct pnvme_error *err)
{
	char *text;

	if (ret == -ENOMEM && !err->text[0])
		NL_SET_ERR_MSG(info->extack, "out of memory; nothing was changed");
	if (!ret || !err->text[0] || !info->extack)
		return ret;
	if (blamed(info, err->blame))
		NL_SET_BAD_ATTR(info->extack, blamed(info, err->blame));
	text = request_page(skb);
	if (text) {
		strscpy(text, err->text, PAGE_SIZE);
		info->extack->_msg = text;
	} else {
		NL_SET_ERR_MSG(info->extack,
			       "refused; there is no memory to say why, send one small request at a time");
	}
	return ret;
}

static int missing(struct genl_info *info, int attr, const char *name, struct pnvme_error *err)
{
	if (!GENL_REQ_ATTR_CHECK(info, attr))
		return 0;
	return pnvme_refuse(err, -EINVAL, "the request lacks the attribute %s", name);
}

static int bad(struct genl_info *info, int attr, int ret)
{
	if (info->attrs[attr])
		NL_SET_BAD_ATTR(info->extack, info->attrs[attr]);
	return ret;
}

/* Everything that changes something: root of the machine, not of a container. */
int pnvme_nl_pre_admin(const struct genl_split_ops *ops, struct sk_buff *skb,
		       struct genl_info *info)
{
	if (netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	NL_SET_ERR_MSG(info->extack,
		       "changing pnvme needs CAP_SYS_ADMIN in the initial user namespace; run as root");
	return -EPERM;
}

/* A reply of one message. */

typedef int (*fill_fn)(struct sk_buff *skb, void *object);

static int reply_with(struct genl_info *info, u8 cmd, fill_fn fill, void *object)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *hdr;
	int ret = -EMSGSIZE;

	if (!skb)
		return -ENOMEM;
	hdr = genlmsg_put_reply(skb, info, &pnvme_nl_family, 0, cmd);
	if (hdr)
		ret = fill(skb, object);
	if (ret) {
		nlmsg_free(skb);
		return ret;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/*
 * After a change was made: it stays made if there is no memory to describe it,
 * and the caller has the acknowledgment.
 */
static int reply_done(struct genl_info *info, u8 cmd, fill_fn fill, void *object)
{
	reply_with(info, cmd, fill, object);
	return 0;
}

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, 0);
}

static int info_fill(struct sk_buff *skb, void *unused)
{
	int ret;

	down_read(&pnvme_view);
	ret = nla_put_string(skb, PNVME_A_INFO_VERSION, PNVME_VERSION) ||
	      nla_put_u32(skb, PNVME_A_INFO_LABEL_VERSION, PNVME_LABEL_VERSION) ||
	      nla_put_u32(skb, PNVME_A_INFO_GENERATION, pnvme_generation);
	up_read(&pnvme_view);
	return ret ? -EMSGSIZE : 0;
}

int pnvme_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return reply_with(info, PNVME_CMD_INFO_GET, info_fill, NULL);
}

/* Drives. */

/* While the drive is away its device's name and number may be another one's. */
static int put_lower_device(struct sk_buff *skb, const struct pnvme_drive *drive)
{
	if (!drive->claim.bdev)
		return 0;
	return nla_put_u32(skb, PNVME_A_DRIVE_MAJOR, MAJOR(drive->lower_dev)) ||
	       nla_put_u32(skb, PNVME_A_DRIVE_MINOR, MINOR(drive->lower_dev)) ||
	       put_u64(skb, PNVME_A_DRIVE_DISKSEQ, drive->diskseq) ||
	       nla_put_string(skb, PNVME_A_DRIVE_DEVICE, drive->lower_name);
}

static int put_lower(struct sk_buff *skb, const struct pnvme_drive *drive)
{
	const struct pnvme_identity *id = &drive->identity;

	return put_lower_device(skb, drive) ||
	       nla_put(skb, PNVME_A_DRIVE_HWID, sizeof(id->hwid), id->hwid) ||
	       nla_put_u32(skb, PNVME_A_DRIVE_HWID_TYPE, id->hwid_type) ||
	       nla_put_u32(skb, PNVME_A_DRIVE_PROOF,
			   id->hwid_type == PNVME_HWID_NONE ? PNVME_PROOF_WEAK
							    : PNVME_PROOF_STRONG) ||
	       nla_put_string(skb, PNVME_A_DRIVE_SERIAL, id->serial) ||
	       nla_put_string(skb, PNVME_A_DRIVE_MODEL, id->model) ||
	       nla_put_u32(skb, PNVME_A_DRIVE_LBA_SIZE, id->lba_size) ||
	       put_u64(skb, PNVME_A_DRIVE_CAPACITY, id->capacity);
}

static int put_label(struct sk_buff *skb, const struct pnvme_label *l)
{
	return nla_put(skb, PNVME_A_DRIVE_OWNER, sizeof(l->owner), l->owner) ||
	       put_u64(skb, PNVME_A_DRIVE_EPOCH, le64_to_cpu(l->epoch)) ||
	       put_u64(skb, PNVME_A_DRIVE_SEQUENCE, le64_to_cpu(l->sequence)) ||
	       nla_put_u32(skb, PNVME_A_DRIVE_HOLD_TIMEOUT, le32_to_cpu(l->hold_timeout)) ||
	       nla_put_u32(skb, PNVME_A_DRIVE_ON_RESUME, l->on_resume) ||
	       nla_put_u32(skb, PNVME_A_DRIVE_HOLD_PROOF, l->hold_proof) ||
	       nla_put_u32(skb, PNVME_A_DRIVE_LATENCY, le32_to_cpu(l->latency));
}

static int put_space(struct sk_buff *skb, const struct pnvme_drive *drive)
{
	struct pnvme_space space;
	struct pnvme_ns *ns;
	u32 count = 0;

	pnvme_space_get(drive->label, &space);
	list_for_each_entry(ns, &drive->namespaces, node)
		count++;
	return put_u64(skb, PNVME_A_DRIVE_SIZE, space.size) ||
	       put_u64(skb, PNVME_A_DRIVE_FREE, space.free) ||
	       put_u64(skb, PNVME_A_DRIVE_LARGEST_FREE, space.largest) ||
	       nla_put_u32(skb, PNVME_A_DRIVE_NAMESPACES, count);
}

static int put_state(struct sk_buff *skb, const struct pnvme_drive *drive)
{
	return nla_put_u32(skb, PNVME_A_DRIVE_STATE, drive->state) ||
	       (drive->reason[0] &&
		nla_put_string(skb, PNVME_A_DRIVE_REASON, drive->reason)) ||
	       nla_put_u8(skb, PNVME_A_DRIVE_READ_ONLY, drive->read_only) ||
	       nla_put_u8(skb, PNVME_A_DRIVE_REPAIRED, drive->repaired);
}

static int put_hold(struct sk_buff *skb, const struct pnvme_drive *drive)
{
	unsigned long deadline = drive->hold.deadline;
	long left = deadline - jiffies;

	return nla_put_u32(skb, PNVME_A_DRIVE_HOLDS, drive->hold.holds) ||
	       nla_put_u32(skb, PNVME_A_DRIVE_FENCES, drive->hold.fences) ||
	       (deadline && nla_put_u32(skb, PNVME_A_DRIVE_HOLD_LEFT,
					left > 0 ? DIV_ROUND_UP(left, HZ) : 0));
}

/* pnvme_view is held. */
static int drive_put_all(struct sk_buff *skb, const struct pnvme_drive *drive)
{
	if (nla_put(skb, PNVME_A_DRIVE_UUID, sizeof(drive->uuid), drive->uuid) ||
	    nla_put_u32(skb, PNVME_A_DRIVE_INSTANCE, drive->instance) ||
	    put_lower(skb, drive) || put_label(skb, drive->label) ||
	    put_space(skb, drive) || put_state(skb, drive) || put_hold(skb, drive))
		return -EMSGSIZE;
	return 0;
}

static int drive_fill(struct sk_buff *skb, void *object)
{
	int ret;

	down_read(&pnvme_view);
	ret = drive_put_all(skb, object);
	up_read(&pnvme_view);
	return ret;
}

static int uuid_fill(struct sk_buff *skb, void *uuid)
{
	/* the same number in both attribute sets */
	BUILD_BUG_ON((int)PNVME_A_DRIVE_UUID != (int)PNVME_A_NAMESPACE_UUID);
	return nla_put(skb, PNVME_A_DRIVE_UUID, 16, uuid);
}

static const u8 *attr_bytes(struct genl_info *info, int attr)
{
	return info->attrs[attr] ? nla_data(info->attrs[attr]) : NULL;
}

static struct pnvme_drive *drive_of(struct genl_info *info, int attr, struct pnvme_error *err)
{
	struct pnvme_drive *drive;
	const u8 *uuid = attr_bytes(info, attr);

	if (!uuid) {
		missing(info, attr, "that names the drive", err);
		return ERR_PTR(-EINVAL);
	}
	drive = pnvme_drive_get(uuid);
	if (drive)
		return drive;
	pnvme_refuse(err, -ENOENT, "no drive %pU is attached; pnvme scan shows what is here", uuid);
	return ERR_PTR(bad(info, attr, -ENOENT));
}

int pnvme_nl_drive_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_drive *drive = drive_of(info, PNVME_A_DRIVE_UUID, &err);
	int ret;

	if (IS_ERR(drive))
		return nl_result(skb, info, PTR_ERR(drive), &err);
	ret = reply_with(info, PNVME_CMD_DRIVE_GET, drive_fill, drive);
	pnvme_drive_put(drive);
	return ret;
}

/**
 * struct dump_cursor - where a dump goes on
 * @index: objects that were sent
 */
struct dump_cursor {
	unsigned long index;
};

static struct dump_cursor *dump_cursor(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct dump_cursor) > sizeof(cb->ctx));
	return (struct dump_cursor *)cb->ctx;
}

/**
 * pnvme_nl_dump_begin - begin one message of a dump
 * @skb: the part that it goes to
 * @cb: of the dump; its @seq is the generation of what is dumped
 * @cmd: of the message
 *
 * Return: its header, or NULL if the part is full.
 */
void *pnvme_nl_dump_begin(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				&pnvme_nl_family, NLM_F_MULTI, cmd);

	/* a change between two parts of a dump is told by NLM_F_DUMP_INTR */
	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}

/**
 * pnvme_nl_dump_end - end one message of a dump
 * @skb: the part that it goes to
 * @hdr: from pnvme_nl_dump_begin()
 * @ret: other than 0: it did not fit and is taken back
 *
 * Return: @ret.
 */
int pnvme_nl_dump_end(struct sk_buff *skb, void *hdr, int ret)
{
	if (ret)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	return ret;
}

static int drive_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
			  struct pnvme_drive *drive)
{
	void *hdr = pnvme_nl_dump_begin(skb, cb, PNVME_CMD_DRIVE_GET);

	return hdr ? pnvme_nl_dump_end(skb, hdr, drive_put_all(skb, drive)) : -EMSGSIZE;
}

int pnvme_nl_drive_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *uuid = compat_dump_attrs(cb)[PNVME_A_DRIVE_UUID];
	struct dump_cursor *cursor = dump_cursor(cb);
	struct pnvme_drive *drive = NULL;
	unsigned long i = 0;
	int ret = 0;

	down_read(&pnvme_view);
	cb->seq = pnvme_generation;
	while (!ret && (drive = pnvme_drive_next(drive))) {
		if (!drive->exposed || (uuid && memcmp(nla_data(uuid), drive->uuid, 16)))
			continue;
		if (i++ < cursor->index)
			continue;
		ret = drive_dump_one(skb, cb, drive);
		if (!ret)
			cursor->index++;
	}
	up_read(&pnvme_view);
	return skb->len ? skb->len : ret;
}

static int lower_of(struct genl_info *info, struct pnvme_lower_id *id, struct pnvme_error *err)
{
	if (missing(info, PNVME_A_DRIVE_MAJOR, "major", err) ||
	    missing(info, PNVME_A_DRIVE_MINOR, "minor", err))
		return -EINVAL;
	if (nla_get_u32(info->attrs[PNVME_A_DRIVE_MAJOR]) >= 1U << (32 - MINORBITS))
		return bad(info, PNVME_A_DRIVE_MAJOR,
			   pnvme_refuse(err, -ERANGE, "there is no such major device number"));
	if (nla_get_u32(info->attrs[PNVME_A_DRIVE_MINOR]) > MINORMASK)
		return bad(info, PNVME_A_DRIVE_MINOR,
			   pnvme_refuse(err, -ERANGE, "there is no such minor device number"));
	id->dev = MKDEV(nla_get_u32(info->attrs[PNVME_A_DRIVE_MAJOR]),
			nla_get_u32(info->attrs[PNVME_A_DRIVE_MINOR]));
	id->diskseq = 0;
	if (info->attrs[PNVME_A_DRIVE_DISKSEQ])
		id->diskseq = nla_get_u64(info->attrs[PNVME_A_DRIVE_DISKSEQ]);
	return 0;
}

static int host_of(struct genl_info *info, const u8 **host, struct pnvme_error *err)
{
	if (missing(info, PNVME_A_DRIVE_HOST, "host", err))
		return -EINVAL;
	*host = attr_bytes(info, PNVME_A_DRIVE_HOST);
	if (!memchr_inv(*host, 0, 16))
		return bad(info, PNVME_A_DRIVE_HOST,
			   pnvme_refuse(err, -EINVAL,
					"the host ID is all zero; write one to /etc/pnvme/hostid"));
	return 0;
}

static int attach_reply(struct genl_info *info, const struct pnvme_attach *req, u8 cmd,
			struct pnvme_error *err)
{
	struct pnvme_drive *drive;
	int ret = pnvme_drive_attach(req, &drive, err);

	if (ret || !drive)
		return ret;
	ret = reply_done(info, cmd, drive_fill, drive);
	pnvme_drive_put(drive);
	return ret;
}

static int attach_request(struct genl_info *info, struct pnvme_attach *req,
			  struct pnvme_error *err)
{
	int ret = lower_of(info, &req->lower, err);

	if (ret)
		return ret;
	req->uuid = attr_bytes(info, PNVME_A_DRIVE_UUID);
	req->check = info->attrs[PNVME_A_DRIVE_CHECK];
	return host_of(info, &req->host, err);
}

static int adopt(struct genl_info *info, struct pnvme_error *err)
{
	struct pnvme_attach req = { .adopt = true };
	int ret = attach_request(info, &req, err);

	if (!ret)
		ret = missing(info, PNVME_A_DRIVE_UUID, "uuid", err);
	if (ret)
		return ret;
	if (!memchr_inv(req.uuid, 0, 16))
		return bad(info, PNVME_A_DRIVE_UUID,
			   pnvme_refuse(err, -EINVAL, "the drive UUID is all zero"));
	req.dirty = info->attrs[PNVME_A_DRIVE_DIRTY];
	req.any = info->attrs[PNVME_A_DRIVE_ANY];
	return attach_reply(info, &req, PNVME_CMD_DRIVE_ADOPT, err);
}

int pnvme_nl_drive_adopt_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };

	return nl_result(skb, info, adopt(info, &err), &err);
}

int pnvme_nl_drive_attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_attach req = { };
	int ret = attach_request(info, &req, &err);

	if (info->attrs[PNVME_A_DRIVE_READ_ONLY])
		req.read_only = nla_get_u8(info->attrs[PNVME_A_DRIVE_READ_ONLY]);
	if (!ret)
		ret = attach_reply(info, &req, PNVME_CMD_DRIVE_ATTACH, &err);
	return nl_result(skb, info, ret, &err);
}

int pnvme_nl_drive_import_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_attach req = { };
	int ret = attach_request(info, &req, &err);

	if (!ret)
		ret = missing(info, PNVME_A_DRIVE_OWNER, "owner", &err);
	req.from = attr_bytes(info, PNVME_A_DRIVE_OWNER);
	if (!ret)
		ret = attach_reply(info, &req, PNVME_CMD_DRIVE_IMPORT, &err);
	return nl_result(skb, info, ret, &err);
}

int pnvme_nl_drive_detach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_drive *drive = drive_of(info, PNVME_A_DRIVE_UUID, &err);
	int ret;

	if (IS_ERR(drive))
		return nl_result(skb, info, PTR_ERR(drive), &err);
	ret = pnvme_drive_detach(drive, info->attrs[PNVME_A_DRIVE_RELEASE],
				 info->attrs[PNVME_A_DRIVE_CHECK], &err);
	if (!ret)
		ret = reply_done(info, PNVME_CMD_DRIVE_DETACH, uuid_fill, drive->uuid);
	pnvme_drive_put(drive);
	return nl_result(skb, info, ret, &err);
}

static int erase(struct genl_info *info, struct pnvme_error *err)
{
	struct pnvme_attach req = { };
	int ret = attach_request(info, &req, err);

	if (!ret)
		ret = missing(info, PNVME_A_DRIVE_UUID, "uuid", err);
	if (!ret)
		ret = pnvme_drive_erase(&req.lower, req.uuid, req.host, req.check, err);
	if (!ret)
		ret = reply_done(info, PNVME_CMD_DRIVE_ERASE, uuid_fill, (void *)req.uuid);
	return ret;
}

int pnvme_nl_drive_erase_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };

	return nl_result(skb, info, erase(info, &err), &err);
}

static void settings_of(struct genl_info *info, struct pnvme_settings *s)
{
	struct nlattr **attrs = info->attrs;

	*s = (struct pnvme_settings) {
		.has_hold_timeout	= attrs[PNVME_A_DRIVE_HOLD_TIMEOUT],
		.has_on_resume		= attrs[PNVME_A_DRIVE_ON_RESUME],
		.has_hold_proof		= attrs[PNVME_A_DRIVE_HOLD_PROOF],
		.has_latency		= attrs[PNVME_A_DRIVE_LATENCY],
	};
	if (s->has_hold_timeout)
		s->hold_timeout = nla_get_u32(attrs[PNVME_A_DRIVE_HOLD_TIMEOUT]);
	if (s->has_on_resume)
		s->on_resume = nla_get_u32(attrs[PNVME_A_DRIVE_ON_RESUME]);
	if (s->has_hold_proof)
		s->hold_proof = nla_get_u32(attrs[PNVME_A_DRIVE_HOLD_PROOF]);
	if (s->has_latency)
		s->latency = nla_get_u32(attrs[PNVME_A_DRIVE_LATENCY]);
}

int pnvme_nl_drive_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_settings settings;
	struct pnvme_drive *drive = drive_of(info, PNVME_A_DRIVE_UUID, &err);
	int ret;

	if (IS_ERR(drive))
		return nl_result(skb, info, PTR_ERR(drive), &err);
	settings_of(info, &settings);
	ret = pnvme_drive_set(drive, &settings, info->attrs[PNVME_A_DRIVE_CHECK], &err);
	if (!ret)
		ret = reply_done(info, PNVME_CMD_DRIVE_SET, drive_fill, drive);
	pnvme_drive_put(drive);
	return nl_result(skb, info, ret, &err);
}

int pnvme_nl_drive_fail_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_drive *drive = drive_of(info, PNVME_A_DRIVE_UUID, &err);
	int ret;

	if (IS_ERR(drive))
		return nl_result(skb, info, PTR_ERR(drive), &err);
	ret = pnvme_drive_fail_by_hand(drive, info->attrs[PNVME_A_DRIVE_CHECK], &err);
	if (!ret)
		ret = reply_done(info, PNVME_CMD_DRIVE_FAIL, drive_fill, drive);
	pnvme_drive_put(drive);
	return nl_result(skb, info, ret, &err);
}

/* Namespaces. */

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
	    put_openers(skb, ns) || put_progress(skb, ns) || put_held(skb, ns))
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

static const char *attr_string(struct genl_info *info, int attr)
{
	return info->attrs[attr] ? nla_data(info->attrs[attr]) : NULL;
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
	return bad(info, name ? PNVME_A_NAMESPACE_NAME : PNVME_A_NAMESPACE_UUID, -ENOENT);
}

static struct pnvme_ns *ns_of(struct genl_info *info, struct pnvme_error *err)
{
	const u8 *uuid = attr_bytes(info, PNVME_A_NAMESPACE_UUID);
	const char *name = attr_string(info, PNVME_A_NAMESPACE_NAME);
	struct pnvme_ns *ns;

	if (!uuid && !name) {
		missing(info, PNVME_A_NAMESPACE_UUID, "uuid or name", err);
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
		return nl_result(skb, info, PTR_ERR(ns), &err);
	ret = reply_with(info, PNVME_CMD_NS_GET, ns_fill_listed, ns);
	if (ret == -ENOENT)
		no_such_ns(info, &err);
	pnvme_ns_put(ns);
	return nl_result(skb, info, ret, &err);
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

	if (missing(info, PNVME_A_NAMESPACE_NAME, "name", err) ||
	    (!req.largest && missing(info, PNVME_A_NAMESPACE_SIZE, "size", err)))
		return -EINVAL;
	if (info->attrs[PNVME_A_NAMESPACE_SIZE])
		req.bytes = nla_get_u64(info->attrs[PNVME_A_NAMESPACE_SIZE]);
	ret = pnvme_ns_create(drive, &req, &ns, err);
	if (ret)
		return ret;
	ret = reply_done(info, PNVME_CMD_NS_CREATE, ns_fill, ns);
	pnvme_ns_put(ns);
	return ret;
}

int pnvme_nl_ns_create_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_drive *drive = drive_of(info, PNVME_A_NAMESPACE_DRIVE, &err);
	int ret;

	if (IS_ERR(drive))
		return nl_result(skb, info, PTR_ERR(drive), &err);
	ret = create(info, drive, &err);
	pnvme_drive_put(drive);
	return nl_result(skb, info, ret, &err);
}

int pnvme_nl_ns_delete_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_ns *ns = ns_of(info, &err);
	int ret;

	if (IS_ERR(ns))
		return nl_result(skb, info, PTR_ERR(ns), &err);
	ret = pnvme_ns_delete(ns, info->attrs[PNVME_A_NAMESPACE_CHECK], &err);
	if (!ret)
		ret = reply_done(info, PNVME_CMD_NS_DELETE, uuid_fill, ns->uuid);
	pnvme_ns_put(ns);
	return nl_result(skb, info, ret, &err);
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
		return nl_result(skb, info, PTR_ERR(ns), err);
	ret = fn(ns, req, err);
	if (!ret)
		ret = reply_done(info, cmd, ns_fill, ns);
	pnvme_ns_put(ns);
	return nl_result(skb, info, ret, err);
}

int pnvme_nl_ns_resize_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_ns_request req = {
		.force		= info->attrs[PNVME_A_NAMESPACE_FORCE],
		.keep_data	= info->attrs[PNVME_A_NAMESPACE_KEEP_DATA],
		.check		= info->attrs[PNVME_A_NAMESPACE_CHECK],
	};

	if (missing(info, PNVME_A_NAMESPACE_SIZE, "size", &err))
		return nl_result(skb, info, -EINVAL, &err);
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

	if (missing(info, PNVME_A_NAMESPACE_NEW_NAME, "new-name", &err))
		return nl_result(skb, info, -EINVAL, &err);
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
		return nl_result(skb, info, PTR_ERR(ns), &err);
	pnvme_ns_unfence(ns, info->attrs[PNVME_A_NAMESPACE_CHECK]);
	ret = reply_done(info, PNVME_CMD_NS_UNFENCE, ns_fill, ns);
	pnvme_ns_put(ns);
	return nl_result(skb, info, ret, &err);
}

int pnvme_netlink_init(void)
{
	/* block devices belong to the machine, not to a network namespace */
	pnvme_nl_family.netnsok = false;
	return genl_register_family(&pnvme_nl_family);
}

void pnvme_netlink_exit(void)
{
	genl_unregister_family(&pnvme_nl_family);
}
