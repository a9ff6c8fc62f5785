/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_NETLINK_H
#define PNVME_NETLINK_H

int pnvme_netlink_init(void);
void pnvme_netlink_exit(void);

#endif
