/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/pnvme.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_PNVME_GEN_H
#define _LINUX_PNVME_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/pnvme.h>

/* Common nested types */
extern const struct nla_policy pnvme_peer_nl_policy[PNVME_A_PEER_SLOT + 1];

int pnvme_nl_pre_admin(const struct genl_split_ops *ops, struct sk_buff *skb,
		       struct genl_info *info);

int pnvme_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_drive_get_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_drive_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int pnvme_nl_drive_adopt_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_drive_attach_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_drive_import_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_drive_detach_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_drive_erase_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_drive_set_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_ns_get_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_ns_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int pnvme_nl_ns_create_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_ns_delete_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_ns_resize_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_ns_rename_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_ns_set_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_stat_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int pnvme_nl_drive_fail_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_ns_unfence_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_ns_seal_begin_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_ns_seal_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_drive_roster_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_drive_verdict_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_drive_restore_doit(struct sk_buff *skb, struct genl_info *info);
int pnvme_nl_ns_undelete_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	PNVME_NLGRP_EVENTS,
};

extern struct genl_family pnvme_nl_family;

#endif /* _LINUX_PNVME_GEN_H */
