/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_COMPAT_LINUX_BLK_TYPES_H
#define PNVME_COMPAT_LINUX_BLK_TYPES_H

#include_next <linux/blk_types.h>

/* 6.4: "block: Rename BLK_STS_NEXUS to BLK_STS_RESV_CONFLICT" */
#ifdef BLK_STS_NEXUS
#define BLK_STS_RESV_CONFLICT BLK_STS_NEXUS
#endif

#endif
