#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A writer with fsync after each record, as a database's log is.

  fsync_writer.py write FILE DONE   append records until something fails; DONE gets the number of
                                    each one whose fsync said that it is durable. Exit 0 if fsync
                                    or write failed at last, with the error in DONE
  fsync_writer.py check FILE DONE   each record that was called durable must be there
"""

import errno
import os
import struct
import sys
import zlib

SIZE = 4096


def record(number):
    """Its content: number, checksum, and a body that no other has."""
    body = struct.pack("<Q", number) * (SIZE // 8 - 1)
    return struct.pack("<II", number, zlib.crc32(body)) + body


def write(path, done):
    """Until the first error."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with open(done, "w", encoding="ascii", buffering=1) as log:
        for number in range(1, 1 << 30):
            try:
                os.write(file, record(number))
                os.fsync(file)
            except OSError as error:
                log.write(errno.errorcode[error.errno] + "\n")
                return
            log.write(f"{number}\n")


def check(path, done):
    """What was promised is there."""
    with open(done, encoding="ascii") as log:
        numbers = [int(line) for line in log if line.strip().isdigit()]
    if not numbers:
        sys.exit("no record was ever durable")
    with open(path, "rb") as file:
        for number in numbers:
            if file.read(SIZE) != record(number):
                sys.exit(f"record {number} of {len(numbers)} durable ones is lost")
    print(len(numbers))


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](*sys.argv[2:])
