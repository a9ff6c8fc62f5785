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
/* What the kernel sent; 0 if it was somebody else. -1 and errno on failure. */
ssize_t kernel_recv(struct mnl_socket *nl, void *buf, size_t n, int flags);
void attr_table(const struct nlmsghdr *nlh, const struct nlattr **tb, unsigned int max);

#endif
