#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""I/O with protection information of our own making, through io_uring (Linux 6.13).

  integrity_io.py DEV write|damage|read BLOCK COUNT [no-tag]

Blocks are of 512 bytes, protection of 8: guard, application tag 5aa5, reference tag: the number of
the block on DEV; with no-tag nobody is to look at that. damage writes wrong guards. Prints "ok", the
name of an errno, or what was wrong with what was read. Exit status 4 if the kernel cannot.
"""

import ctypes
import errno
import mmap
import os
import struct
import sys

BLOCK, TUPLE = 512, 8
RW_ATTR = 1 << 16		# IORING_FEAT_RW_ATTR
READ, WRITE = 22, 23		# IORING_OP_*
GUARD, TAG = 1, 2		# IO_INTEGRITY_CHK_*
APP_TAG = 0x5aa5
LIBC = ctypes.CDLL(None, use_errno=True)


def crc_table():
    """Of the CRC-16 of T10 DIF."""
    table = []
    for value in range(256):
        value <<= 8
        for _ in range(8):
            value = (value << 1 ^ (0x8bb7 if value & 0x8000 else 0)) & 0xffff
        table.append(value)
    return table


CRC = crc_table()


def crc(data):
    """Of some bytes."""
    value = 0
    for byte in data:
        value = value << 8 & 0xffff ^ CRC[value >> 8 ^ byte]
    return value


def syscall(number, *args):
    """Its result, or OSError."""
    result = LIBC.syscall(number, *args)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def address(buffer):
    """Of a mapping."""
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def once(sqe):
    """One submission and its result, on a ring of its own."""
    params = ctypes.create_string_buffer(120)
    ring = syscall(425, 1, params)
    if not struct.unpack_from("=I", params, 20)[0] & RW_ATTR:
        sys.exit(4)
    sq_tail, array = struct.unpack_from("=I", params, 44)[0], struct.unpack_from("=I", params, 64)[0]
    cqes = struct.unpack_from("=I", params, 100)[0]
    rings = mmap.mmap(ring, 4096)
    sqes = mmap.mmap(ring, 4096, offset=0x10000000)
    sqes[:64] = sqe
    struct.pack_into("=I", rings, array, 0)
    struct.pack_into("=I", rings, sq_tail, 1)
    syscall(426, ring, 1, 1, 1, None, 0)
    return struct.unpack_from("=i", rings, cqes + 8)[0]


def content(block):
    """What a block holds."""
    return struct.pack("=QQ", block, 0x706e766d65) * (BLOCK // 16)


def transfer(file, opcode, block, data, protection, flags):
    """Bytes done, or a negative errno."""
    attr = mmap.mmap(-1, 4096)
    struct.pack_into("=HHIQQQ", attr, 0, flags, APP_TAG, len(protection), address(protection), block, 0)
    sqe = struct.pack("=BBHiQQIIQHHIQQ", opcode, 0, 0, file, block * BLOCK, address(data), len(data), 0, 0, 0, 0, 0,
                      address(attr), 1)
    return once(sqe)


def wrong(block, data, protection):
    """What is wrong with a block that was read; None if nothing is."""
    guard, app, tag = struct.unpack(">HHI", protection)
    if data != content(block):
        return f"block {block} has other content"
    if guard != crc(data) or app != APP_TAG or (tag != block and TAGS):
        return f"block {block} has guard {guard:x}, application tag {app:x}, reference tag {tag}"
    return None


def main():
    """Entry point."""
    name, what, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    file = os.open(name, os.O_RDWR | os.O_DIRECT)
    data, protection = mmap.mmap(-1, count * BLOCK), mmap.mmap(-1, count * TUPLE)
    for i in range(count if what != "read" else 0):
        data[i * BLOCK:(i + 1) * BLOCK] = content(first + i)
        guard = crc(content(first + i)) ^ (what == "damage")
        protection[i * TUPLE:(i + 1) * TUPLE] = struct.pack(">HHI", guard, APP_TAG, first + i)
    result = transfer(file, READ if what == "read" else WRITE, first, data, protection, GUARD | (TAG if TAGS else 0))
    if result < 0:
        print(errno.errorcode[-result])
    elif result != len(data):
        print(f"{result} bytes of {len(data)}")
    else:
        found = [wrong(first + i, data[i * BLOCK:(i + 1) * BLOCK], protection[i * TUPLE:(i + 1) * TUPLE])
                 for i in range(count)] if what == "read" else []
        print(next(filter(None, found), "ok"))


TAGS = "no-tag" not in sys.argv
main()
