/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_NETLINK_H
#define PNVME_NETLINK_H

#include <linux/types.h>

struct netlink_callback;
struct sk_buff;

int pnvme_netlink_init(void);
void pnvme_netlink_exit(void);

/* For the files that answer dumps: begin and end one message. */
void *pnvme_nl_dump_begin(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);
int pnvme_nl_dump_end(struct sk_buff *skb, void *hdr, int ret);

#endif
