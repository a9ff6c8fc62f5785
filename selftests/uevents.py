#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Listen to the kernel's uevents of block devices and look at sysfs at once.

    uevents.py PREFIX ATTRIBUTE...     prints "ready", then for each event of a device that begins
                                       with PREFIX: ACTION DEVICE ATTRIBUTE=VALUE..., "absent" if
                                       the attribute is not there, until killed
"""

import os
import socket
import sys

KOBJECT_UEVENT = 15


def look(path, name):
    """An attribute as it is now."""
    try:
        with open(f"/sys{path}/{name}", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return "absent"


def main():
    """Entry point."""
    prefix, names = sys.argv[1], sys.argv[2:]
    # first in line for the processor: an attribute that comes later is to be missed
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, KOBJECT_UEVENT)
    sock.bind((0, 1))
    print("ready", flush=True)
    while True:
        header, *environment = sock.recv(16384).split(b"\0")
        action, _, path = header.decode().partition("@")
        device = os.path.basename(path)
        if b"SUBSYSTEM=block" in environment and device.startswith(prefix):
            print(action, device, *(f"{name}={look(path, name)}" for name in names), flush=True)


if __name__ == "__main__":
    main()
