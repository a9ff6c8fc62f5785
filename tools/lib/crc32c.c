// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * CRC32C (Castagnoli) by nibbles: small, constant and fast enough for the
 * 32 KiB of a label.
 */
#include "label_user.h"

/* Entry i is the CRC of the nibble i with the reflected polynomial 0x82f63b78. */
static const u32 table[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
	0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

__u32 crc32c(__u32 crc, const void *p, unsigned int len)
{
	const u8 *b = p;

	while (len--) {
		crc ^= *b++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return crc;
}
