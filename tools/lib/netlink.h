/* SPDX-License-Identifier: GPL-2.0 */
/* What netlink.c offers to events.c, beyond internal.h. */
#ifndef PNVME_NETLINK_H
#define PNVME_NETLINK_H

#include "internal.h"

struct mnl_socket;
struct nlattr;
struct nlmsghdr;

int nl_connect(struct pnvme *h);
int socket_open(struct pnvme *h, struct mnl_socket **out);
void attr_table(const struct nlmsghdr *nlh, const struct nlattr **tb, unsigned int max);

#endif
