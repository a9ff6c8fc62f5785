#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Persistent reservations of a block device, by the ioctls of <linux/pr.h>.

  reserve.py DEV register OLD NEW | reserve KEY TYPE | release KEY TYPE
                 | preempt OLD NEW TYPE | clear KEY | keys | holder

Prints what the kernel answered: 0 and what it read, the name of an errno, or "status N" for what
the drive said.
"""

import array
import errno
import fcntl
import os
import struct
import sys

WRITE, READ = 1, 2


def code(direction, number, size):
    """_IOC('p', ...)"""
    return direction << 30 | size << 16 | ord("p") << 8 | number


def call(file, direction, number, data):
    """One ioctl; what it answered and what it left in the structure."""
    buffer = bytearray(data)
    try:
        status = fcntl.ioctl(file, code(direction, number, len(buffer)), buffer, True)
    except OSError as error:
        # two names of one number, of which Python prefers the one that the kernel does not use
        return "EOPNOTSUPP" if error.errno == errno.EOPNOTSUPP else errno.errorcode[error.errno], buffer
    return f"status {status}" if status else "0", buffer


def keys(file):
    """The keys of all that are registered."""
    room = array.array("Q", [0] * 16)
    answer, buffer = call(file, READ | WRITE, 206, struct.pack("=IIQ", 0, len(room), room.buffer_info()[0]))
    count = struct.unpack("=IIQ", buffer)[1]
    return " ".join([answer] + [str(key) for key in sorted(room[:count])] if answer == "0" else [answer])


def holder(file):
    """Who holds it: key and type."""
    answer, buffer = call(file, READ, 207, bytes(16))
    key, _generation, kind = struct.unpack("=QII", buffer)
    return f"0 {key} {kind}" if answer == "0" else answer


def main():
    """Entry point."""
    file = os.open(sys.argv[1], os.O_RDWR)
    what, args = sys.argv[2], [int(a) for a in sys.argv[3:]]
    if what == "keys":
        print(keys(file))
    elif what == "holder":
        print(holder(file))
    else:
        number, form = {"register": (200, "=QQII"), "reserve": (201, "=QII"), "release": (202, "=QII"),
                        "preempt": (203, "=QQII"), "clear": (205, "=QII")}[what]
        args += [0] * (len(form) - 1 - len(args))
        print(call(file, WRITE, number, struct.pack(form, *args))[0])


main()
