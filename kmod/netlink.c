// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family, and what its operations have in common: attributes to
 * requests, results to attributes. Documentation/netlink/specs/pnvme.yaml is the contract.
 */
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <net/genetlink.h>
#include <pnvme/version.h>

#include "drive.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "netlink_priv.h"

/*
 * The sentence must live until the acknowledgment is built, after the operation
 * has returned, and the kernel's own buffer for that holds 80 bytes (none on
 * 6.1). So it goes on a page that belongs to the request and is freed with it.
 * Messages in one request are acknowledged one by one: they share the page.
 *
 * Not where the request is so large that its head is vmalloc'ed: netlink frees
 * such a head by itself, and what hangs on it would be leaked. There the sentence
 * goes over the attributes of the message, if they are as long: the operation is over,
 * and an attribute to blame is told by its offset. Who has the request echoed sees it.
 */
static char *sentence_place(struct sk_buff *skb, struct genl_info *info, size_t bytes)
{
	struct page *page;

	if (is_vmalloc_addr(skb->head))
		return genlmsg_len(info->genlhdr) >= bytes ? genlmsg_data(info->genlhdr) : NULL;
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

/**
 * pnvme_nl_result - give the sentence of a refusal to who asked; the last that an operation does
 * @skb: the request
 * @info: the request
 * @ret: how the operation ended
 * @err: what it said
 *
 * Return: @ret.
 */
int pnvme_nl_result(struct sk_buff *skb, struct genl_info *info, int ret,
		    const struct pnvme_error *err)
{
	size_t bytes = strlen(err->text) + 1;
	char *text;

	if (ret == -ENOMEM && !err->text[0])
		NL_SET_ERR_MSG(info->extack, "out of memory; nothing was changed");
	if (!ret || !err->text[0] || !info->extack)
		return ret;
	if (blamed(info, err->blame))
		NL_SET_BAD_ATTR(info->extack, blamed(info, err->blame));
	text = sentence_place(skb, info, bytes);
	if (text) {
		memcpy(text, err->text, bytes);
		info->extack->_msg = text;
	} else {
		NL_SET_ERR_MSG(info->extack,
			       "refused; there is no memory to say why, send one small request at a time");
	}
	return ret;
}

/**
 * pnvme_nl_missing - refuse a request without an attribute that it needs
 * @info: the request
 * @attr: number of the attribute
 * @name: what the sentence calls it
 * @err: the sentence, unless it is there
 *
 * Return: 0 if it is there, else -EINVAL.
 */
int pnvme_nl_missing(struct genl_info *info, int attr, const char *name, struct pnvme_error *err)
{
	if (!GENL_REQ_ATTR_CHECK(info, attr))
		return 0;
	return pnvme_refuse(err, -EINVAL, "the request lacks the attribute %s", name);
}

/**
 * pnvme_nl_bad - tell which attribute a refusal is about
 * @info: the request
 * @attr: number of the attribute
 * @ret: how the operation ended
 *
 * Return: @ret.
 */
int pnvme_nl_bad(struct genl_info *info, int attr, int ret)
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

/**
 * pnvme_nl_reply - answer with one message
 * @info: the request
 * @cmd: of the answer
 * @fill: puts the attributes of @object
 * @object: what is told of
 *
 * Return: 0, or a negative errno: what @fill returned, or that of sending.
 */
int pnvme_nl_reply(struct genl_info *info, u8 cmd, pnvme_nl_fill_fn fill, void *object)
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

/**
 * pnvme_nl_reply_done - answer after a change was made
 * @info: the request
 * @cmd: of the answer
 * @fill: puts the attributes of @object
 * @object: what was changed
 *
 * Return: 0: it stays made if there is no memory to describe it, and the caller has
 * the acknowledgment.
 */
int pnvme_nl_reply_done(struct genl_info *info, u8 cmd, pnvme_nl_fill_fn fill, void *object)
{
	pnvme_nl_reply(info, cmd, fill, object);
	return 0;
}

/**
 * pnvme_nl_uuid_fill - tell of what is gone by its UUID alone
 * @skb: the answer
 * @uuid: 16 bytes
 *
 * Return: 0 or -EMSGSIZE.
 */
int pnvme_nl_uuid_fill(struct sk_buff *skb, void *uuid)
{
	/* the same number in both attribute sets */
	BUILD_BUG_ON((int)PNVME_A_DRIVE_UUID != (int)PNVME_A_NAMESPACE_UUID);
	return nla_put(skb, PNVME_A_DRIVE_UUID, 16, uuid);
}

/**
 * pnvme_nl_drive_of - find the drive that a request names
 * @info: the request
 * @attr: number of the attribute with its UUID, in the set of the operation
 * @err: the sentence, if there is none
 *
 * Return: it with a reference, or an ERR_PTR().
 */
struct pnvme_drive *pnvme_nl_drive_of(struct genl_info *info, int attr, struct pnvme_error *err)
{
	struct pnvme_drive *drive;
	const u8 *uuid = attr_bytes(info, attr);

	if (!uuid) {
		pnvme_nl_missing(info, attr, "that names the drive", err);
		return ERR_PTR(-EINVAL);
	}
	drive = pnvme_drive_get(uuid);
	if (drive)
		return drive;
	pnvme_refuse(err, -ENOENT, "no drive %pU is attached; pnvme scan shows what is here", uuid);
	return ERR_PTR(pnvme_nl_bad(info, attr, -ENOENT));
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
	return pnvme_nl_reply(info, PNVME_CMD_INFO_GET, info_fill, NULL);
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
