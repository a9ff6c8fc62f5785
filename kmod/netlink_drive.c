// SPDX-License-Identifier: GPL-2.0
/* The operations of drives. */
#include <linux/slab.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <net/genetlink.h>

#include "drive.h"
#include "event.h"
#include "namespace.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "netlink_priv.h"

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

int pnvme_nl_drive_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_drive *drive = pnvme_nl_drive_of(info, PNVME_A_DRIVE_UUID, &err);
	int ret;

	if (IS_ERR(drive))
		return pnvme_nl_result(skb, info, PTR_ERR(drive), &err);
	ret = pnvme_nl_reply(info, PNVME_CMD_DRIVE_GET, drive_fill, drive);
	pnvme_drive_put(drive);
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
	if (pnvme_nl_missing(info, PNVME_A_DRIVE_MAJOR, "major", err) ||
	    pnvme_nl_missing(info, PNVME_A_DRIVE_MINOR, "minor", err))
		return -EINVAL;
	if (nla_get_u32(info->attrs[PNVME_A_DRIVE_MAJOR]) >= 1U << (32 - MINORBITS))
		return pnvme_nl_bad(info, PNVME_A_DRIVE_MAJOR,
			   pnvme_refuse(err, -ERANGE, "there is no such major device number"));
	if (nla_get_u32(info->attrs[PNVME_A_DRIVE_MINOR]) > MINORMASK)
		return pnvme_nl_bad(info, PNVME_A_DRIVE_MINOR,
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
	if (pnvme_nl_missing(info, PNVME_A_DRIVE_HOST, "host", err))
		return -EINVAL;
	*host = attr_bytes(info, PNVME_A_DRIVE_HOST);
	if (!memchr_inv(*host, 0, 16))
		return pnvme_nl_bad(info, PNVME_A_DRIVE_HOST,
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
	ret = pnvme_nl_reply_done(info, cmd, drive_fill, drive);
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
		ret = pnvme_nl_missing(info, PNVME_A_DRIVE_UUID, "uuid", err);
	if (ret)
		return ret;
	if (!memchr_inv(req.uuid, 0, 16))
		return pnvme_nl_bad(info, PNVME_A_DRIVE_UUID,
			   pnvme_refuse(err, -EINVAL, "the drive UUID is all zero"));
	req.dirty = info->attrs[PNVME_A_DRIVE_DIRTY];
	req.any = info->attrs[PNVME_A_DRIVE_ANY];
	return attach_reply(info, &req, PNVME_CMD_DRIVE_ADOPT, err);
}

int pnvme_nl_drive_adopt_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };

	return pnvme_nl_result(skb, info, adopt(info, &err), &err);
}

int pnvme_nl_drive_attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_attach req = { };
	int ret = attach_request(info, &req, &err);

	req.identity = info->attrs[PNVME_A_DRIVE_IDENTITY];
	req.stale = info->attrs[PNVME_A_DRIVE_STALE];
	if (info->attrs[PNVME_A_DRIVE_READ_ONLY])
		req.read_only = nla_get_u8(info->attrs[PNVME_A_DRIVE_READ_ONLY]);
	if (!ret)
		ret = attach_reply(info, &req, PNVME_CMD_DRIVE_ATTACH, &err);
	return pnvme_nl_result(skb, info, ret, &err);
}

int pnvme_nl_drive_import_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_attach req = { };
	int ret = attach_request(info, &req, &err);

	if (!ret)
		ret = pnvme_nl_missing(info, PNVME_A_DRIVE_OWNER, "owner", &err);
	req.from = attr_bytes(info, PNVME_A_DRIVE_OWNER);
	if (!ret)
		ret = attach_reply(info, &req, PNVME_CMD_DRIVE_IMPORT, &err);
	return pnvme_nl_result(skb, info, ret, &err);
}

static int label_of(struct genl_info *info, struct pnvme_attach *req, struct pnvme_error *err)
{
	struct nlattr *attr = info->attrs[PNVME_A_DRIVE_LABEL];

	if (nla_len(attr) != PNVME_LABEL_BYTES)
		return pnvme_nl_bad(info, PNVME_A_DRIVE_LABEL,
				    pnvme_refuse(err, -ERANGE, "a label has %u bytes, not %d",
						 PNVME_LABEL_BYTES, nla_len(attr)));
	req->label = nla_data(attr);
	return 0;
}

int pnvme_nl_drive_restore_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_attach req = { };
	int ret = attach_request(info, &req, &err);

	if (!ret)
		ret = pnvme_nl_missing(info, PNVME_A_DRIVE_UUID, "uuid", &err);
	if (!ret)
		ret = pnvme_nl_missing(info, PNVME_A_DRIVE_LABEL, "label", &err);
	if (!ret)
		ret = label_of(info, &req, &err);
	if (!ret)
		ret = attach_reply(info, &req, PNVME_CMD_DRIVE_RESTORE, &err);
	return pnvme_nl_result(skb, info, ret, &err);
}

int pnvme_nl_drive_detach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_drive *drive = pnvme_nl_drive_of(info, PNVME_A_DRIVE_UUID, &err);
	int ret;

	if (IS_ERR(drive))
		return pnvme_nl_result(skb, info, PTR_ERR(drive), &err);
	ret = pnvme_drive_detach(drive, info->attrs[PNVME_A_DRIVE_RELEASE],
				 info->attrs[PNVME_A_DRIVE_CHECK], &err);
	if (!ret)
		ret = pnvme_nl_reply_done(info, PNVME_CMD_DRIVE_DETACH, pnvme_nl_uuid_fill,
					  drive->uuid);
	pnvme_drive_put(drive);
	return pnvme_nl_result(skb, info, ret, &err);
}

static int erase(struct genl_info *info, struct pnvme_error *err)
{
	struct pnvme_attach req = { };
	int ret = attach_request(info, &req, err);

	if (!ret)
		ret = pnvme_nl_missing(info, PNVME_A_DRIVE_UUID, "uuid", err);
	if (!ret)
		ret = pnvme_drive_erase(&req.lower, req.uuid, req.host, req.check, err);
	if (!ret)
		ret = pnvme_nl_reply_done(info, PNVME_CMD_DRIVE_ERASE, pnvme_nl_uuid_fill,
					  (void *)req.uuid);
	return ret;
}

int pnvme_nl_drive_erase_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };

	return pnvme_nl_result(skb, info, erase(info, &err), &err);
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
	struct pnvme_drive *drive = pnvme_nl_drive_of(info, PNVME_A_DRIVE_UUID, &err);
	int ret;

	if (IS_ERR(drive))
		return pnvme_nl_result(skb, info, PTR_ERR(drive), &err);
	settings_of(info, &settings);
	ret = pnvme_drive_set(drive, &settings, info->attrs[PNVME_A_DRIVE_CHECK], &err);
	if (!ret)
		ret = pnvme_nl_reply_done(info, PNVME_CMD_DRIVE_SET, drive_fill, drive);
	pnvme_drive_put(drive);
	return pnvme_nl_result(skb, info, ret, &err);
}

int pnvme_nl_drive_fail_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_drive *drive = pnvme_nl_drive_of(info, PNVME_A_DRIVE_UUID, &err);
	int ret;

	if (IS_ERR(drive))
		return pnvme_nl_result(skb, info, PTR_ERR(drive), &err);
	ret = pnvme_drive_fail_by_hand(drive, info->attrs[PNVME_A_DRIVE_CHECK], &err);
	if (!ret)
		ret = pnvme_nl_reply_done(info, PNVME_CMD_DRIVE_FAIL, drive_fill, drive);
	pnvme_drive_put(drive);
	return pnvme_nl_result(skb, info, ret, &err);
}

/* The policy has seen to lengths and to the NUL at the end of what is text. */
static int peer_of(struct genl_info *info, const struct nlattr *attr,
		   struct pnvme_label_peer *peer, struct pnvme_error *err)
{
	struct nlattr *tb[PNVME_A_PEER_MAX + 1];
	int ret = nla_parse_nested(tb, PNVME_A_PEER_MAX, attr, pnvme_peer_nl_policy, info->extack);

	if (ret)
		return ret;
	if (!tb[PNVME_A_PEER_UUID])
		return pnvme_refuse(err, -EINVAL, "a drive of the roster lacks the attribute uuid");
	memcpy(peer->uuid, nla_data(tb[PNVME_A_PEER_UUID]), sizeof(peer->uuid));
	if (tb[PNVME_A_PEER_HWID])
		memcpy(peer->hwid, nla_data(tb[PNVME_A_PEER_HWID]), sizeof(peer->hwid));
	if (tb[PNVME_A_PEER_HWID_TYPE])
		peer->hwid_type = nla_get_u32(tb[PNVME_A_PEER_HWID_TYPE]);
	if (tb[PNVME_A_PEER_SLOT])
		nla_strscpy(peer->slot, tb[PNVME_A_PEER_SLOT], sizeof(peer->slot));
	return 0;
}

static int peers_of(struct genl_info *info, struct pnvme_label_peer *peers, unsigned int *n,
		    struct pnvme_error *err)
{
	const struct nlattr *attr;
	int rem, ret;

	nla_for_each_attr(attr, genlmsg_data(info->genlhdr), genlmsg_len(info->genlhdr), rem) {
		if (nla_type(attr) != PNVME_A_DRIVE_PEER)
			continue;
		if (*n == PNVME_ROSTER_MAX)
			return pnvme_refuse(err, -E2BIG,
					    "a roster has room for %u drives; nothing was changed",
					    PNVME_ROSTER_MAX);
		ret = peer_of(info, attr, &peers[*n], err);
		if (ret)
			return ret;
		(*n)++;
	}
	return 0;
}

static int store_roster(struct genl_info *info, struct pnvme_drive *drive, struct pnvme_error *err)
{
	const struct nlattr *generation = info->attrs[PNVME_A_DRIVE_ROSTER_GENERATION];
	struct pnvme_label_peer *peers;
	unsigned int n = 0;
	int ret;

	if (pnvme_nl_missing(info, PNVME_A_DRIVE_ROSTER_GENERATION, "roster-generation", err))
		return -EINVAL;
	peers = kcalloc(PNVME_ROSTER_MAX, sizeof(*peers), GFP_KERNEL);
	if (!peers)
		return -ENOMEM;
	ret = peers_of(info, peers, &n, err);
	if (!ret)
		ret = pnvme_drive_set_roster(drive, peers, n, nla_get_u64(generation),
					     info->attrs[PNVME_A_DRIVE_CHECK], err);
	kfree(peers);
	return ret;
}

int pnvme_nl_drive_roster_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };
	struct pnvme_drive *drive = pnvme_nl_drive_of(info, PNVME_A_DRIVE_UUID, &err);
	int ret;

	if (IS_ERR(drive))
		return pnvme_nl_result(skb, info, PTR_ERR(drive), &err);
	ret = store_roster(info, drive, &err);
	if (!ret)
		ret = pnvme_nl_reply_done(info, PNVME_CMD_DRIVE_ROSTER, drive_fill, drive);
	pnvme_drive_put(drive);
	return pnvme_nl_result(skb, info, ret, &err);
}

/* It goes to the log: nothing that moves a cursor or begins a line. */
static bool clean_text(const char *s)
{
	for (; *s; s++) {
		if (*s < ' ' || *s > '~')
			return false;
	}
	return true;
}

static int tell_verdict(struct genl_info *info, struct pnvme_error *err)
{
	static const struct {
		int attr;
		const char *name;
	} needed[] = {
		{ PNVME_A_DRIVE_UUID, "uuid" }, { PNVME_A_DRIVE_VERDICT, "verdict" },
		{ PNVME_A_DRIVE_EVIDENCE, "evidence" },
	};
	static const int texts[] = {
		PNVME_A_DRIVE_DEVICE, PNVME_A_DRIVE_VERDICT, PNVME_A_DRIVE_EVIDENCE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(needed); i++)
		if (pnvme_nl_missing(info, needed[i].attr, needed[i].name, err))
			return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (info->attrs[texts[i]] && !clean_text(attr_string(info, texts[i])))
			return pnvme_nl_bad(info, texts[i],
				   pnvme_refuse(err, -EINVAL,
						"a verdict is told in printable ASCII"));
	pnvme_event_verdict(attr_bytes(info, PNVME_A_DRIVE_UUID),
			    attr_string(info, PNVME_A_DRIVE_DEVICE) ?: "",
			    attr_string(info, PNVME_A_DRIVE_VERDICT),
			    attr_string(info, PNVME_A_DRIVE_EVIDENCE));
	return 0;
}

int pnvme_nl_drive_verdict_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pnvme_error err = { };

	return pnvme_nl_result(skb, info, tell_verdict(info, &err), &err);
}
