/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_COMPAT_LINUX_CRC32C_H
#define PNVME_COMPAT_LINUX_CRC32C_H

#include <linux/version.h>

/*
 * 6.14: "lib/crc32: make crc32c() go directly to lib". Before, crc32c() went
 * through the crypto API and a module of its own, which an initramfs may lack;
 * the same polynomial is in the kernel proper.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#include <linux/crc32.h>

static inline u32 crc32c(u32 crc, const void *p, unsigned int length)
{
	return __crc32c_le(crc, p, length);
}
#else
#include_next <linux/crc32c.h>
#endif

#endif
