#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""swapper.py MIB ROUNDS: use that much memory of our own, every page with content of its own; read
it all and change it all, again and again. Fails if a page comes back as another."""

import mmap
import struct
import sys

PAGE = 4096


def content(page, turn):
    """What a page holds in a round; differs from page to page and from round to round."""
    return struct.pack("<QQ", page * 0x9e3779b97f4a7c15 & (1 << 64) - 1, turn) * (PAGE // 16)


def main():
    """Entry point."""
    mib, rounds = int(sys.argv[1]), int(sys.argv[2])
    memory = mmap.mmap(-1, mib << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for turn in range(rounds + 1):
        for page in range((mib << 20) // PAGE):
            start = page * PAGE
            if turn and memory[start:start + PAGE] != content(page, turn - 1):
                sys.exit(f"page {page} came back wrong in round {turn}")
            memory[start:start + PAGE] = content(page, turn)


main()
