/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_COMPAT_LINUX_HEX_H
#define PNVME_COMPAT_LINUX_HEX_H

#include <linux/version.h>

/* 6.4: "kernel.h: Split the hexadecimal related helpers to hex.h" */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#include <linux/kernel.h>
#else
#include_next <linux/hex.h>
#endif

#endif
