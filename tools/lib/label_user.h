/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What kmod/label.c takes from the kernel, for building it in userspace.
 */
#ifndef PNVME_LABEL_USER_H
#define PNVME_LABEL_USER_H

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/types.h>

#ifndef __force
#ifdef __CHECKER__
#define __force __attribute__((force))
#else
#define __force
#endif
#endif

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#ifndef U64_MAX
#define U64_MAX ((u64)~0ULL)
#endif

static inline u16 le16_to_cpu(__le16 v)
{
	return le16toh((__force u16)v);
}

static inline u32 le32_to_cpu(__le32 v)
{
	return le32toh((__force u32)v);
}

static inline u64 le64_to_cpu(__le64 v)
{
	return le64toh((__force u64)v);
}

static inline __le16 cpu_to_le16(u16 v)
{
	return (__force __le16)htole16(v);
}

static inline __le32 cpu_to_le32(u32 v)
{
	return (__force __le32)htole32(v);
}

static inline __le64 cpu_to_le64(u64 v)
{
	return (__force __le64)htole64(v);
}

/* As the kernel's: @crc goes in and comes out without any inversion. */
__u32 crc32c(__u32 crc, const void *p, unsigned int len);

#endif /* PNVME_LABEL_USER_H */
