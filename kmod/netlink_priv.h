/* SPDX-License-Identifier: GPL-2.0 */
/* What the files with the operations share; see netlink.c. */
#ifndef PNVME_NETLINK_PRIV_H
#define PNVME_NETLINK_PRIV_H

#include <net/genetlink.h>

struct pnvme_drive;
struct pnvme_error;

/* Puts the attributes of an object; 0 or a negative errno. */
typedef int (*pnvme_nl_fill_fn)(struct sk_buff *skb, void *object);

int pnvme_nl_result(struct sk_buff *skb, struct genl_info *info, int ret,
		    const struct pnvme_error *err);
int pnvme_nl_missing(struct genl_info *info, int attr, const char *name, struct pnvme_error *err);
int pnvme_nl_bad(struct genl_info *info, int attr, int ret);
int pnvme_nl_reply(struct genl_info *info, u8 cmd, pnvme_nl_fill_fn fill, void *object);
int pnvme_nl_reply_done(struct genl_info *info, u8 cmd, pnvme_nl_fill_fn fill, void *object);
int pnvme_nl_uuid_fill(struct sk_buff *skb, void *uuid);
struct pnvme_drive *pnvme_nl_drive_of(struct genl_info *info, int attr, struct pnvme_error *err);

static inline int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, 0);
}

static inline const u8 *attr_bytes(struct genl_info *info, int attr)
{
	return info->attrs[attr] ? nla_data(info->attrs[attr]) : NULL;
}

static inline const char *attr_string(struct genl_info *info, int attr)
{
	return info->attrs[attr] ? nla_data(info->attrs[attr]) : NULL;
}

/**
 * struct dump_cursor - where a dump goes on
 * @index: objects that were sent
 */
struct dump_cursor {
	unsigned long index;
};

static inline struct dump_cursor *dump_cursor(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct dump_cursor) > sizeof(cb->ctx));
	return (struct dump_cursor *)cb->ctx;
}

#endif
