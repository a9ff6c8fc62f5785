#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Read and forge pnvme labels, from Documentation/format.rst alone.

    label_edit.py DEV show [SLOT]            fields of a copy, NAME=VALUE a line (default: the newest)
    label_edit.py DEV equal                  status 0 if all four copies are whole and equal
    label_edit.py DEV zero SLOT...           copies become zeros
    label_edit.py DEV flip SLOT...           one bit in each copy is flipped
    label_edit.py DEV save FILE              all four copies to a file, with what lies around them
    label_edit.py DEV restore FILE [SLOT...] and back
    label_edit.py DEV set SLOTS NAME=VALUE...   SLOTS: "all" or such as 0,2: the newest copy, changed
                                             and sealed again, goes there
    label_edit.py DEV hostile COMMAND...     one by one writes labels that lie, runs the command
                                             (an attach) and expects a refusal that says why, and
                                             no write to the drive; says what went wrong

NAME is a field, ns3.start, dirty0.bytes, roster1.uuid, or @OFFSET with bytes in hex; VALUE a
number, +N or -N to add, a UUID, or text.
"""

# few modules, and late: this runs often, on slow emulated machines
import os
import struct
import sys

SIZE = 32768
SLOTS = 4
MIB = 1 << 20

# name: (offset, kind); kinds: 1 2 4 8 integers, u UUID, N text of N bytes as "sN"
FIELDS = {
    "magic": (0, "s8"), "version": (8, 4), "size": (12, 4), "crc": (16, 4), "reserved0": (20, 4),
    "sequence": (24, 8), "feature_compat": (32, 8), "feature_incompat": (40, 8),
    "drive_uuid": (48, "u"), "epoch": (64, 8), "nonce": (72, 8), "owner": (80, "u"),
    "hwid": (96, "u"), "hwid_type": (112, 1), "pi_type": (113, 1), "metadata_bytes": (114, 2),
    "serial": (120, "s32"), "model": (152, "s64"), "instance": (216, 4), "lba_size": (220, 4),
    "capacity": (224, 8), "data_start": (232, 8), "data_end": (240, 8), "hold_timeout": (248, 4),
    "latency": (252, 4), "on_resume": (256, 1), "hold_proof": (257, 1),
}
# table: (offset, entries, bytes of one, fields)
TABLES = {
    "dirty": (2048, 128, 16, {"start": (0, 8), "bytes": (8, 8)}),
    "grave": (28672, 64, 32, {"uuid": (0, "u"), "start": (16, 8), "bytes": (24, 8)}),
    "roster": (4096, 64, 128, {"uuid": (0, "u"), "hwid": (16, "u"), "hwid_type": (32, 1), "slot": (40, "s32")}),
    "ns": (12288, 64, 256, {"uuid": (0, "u"), "nguid": (16, "u"), "start": (32, 8), "bytes": (40, 8),
                            "nsid": (48, 4), "flags": (52, 4), "policy": (56, 1), "name": (64, "s64")}),
}


def crc_table():
    """Of CRC-32C, reflected."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC = crc_table()
BLOCK = 128


def zeros_table():
    """What BLOCK zero bytes make of a checksum, by its bytes: they are most of a label, and a byte at
    a time costs more than all else here."""
    bits = []
    for bit in range(32):
        crc = 1 << bit
        for _ in range(BLOCK):
            crc = crc >> 8 ^ CRC[crc & 0xFF]
        bits.append(crc)
    table = []
    for first in range(0, 32, 8):
        row = [0] * 256
        for value in range(1, 256):
            low = value & -value
            row[value] = row[value ^ low] ^ bits[first + low.bit_length() - 1]
        table.append(row)
    return table


ZEROS = zeros_table()


def crc32c(data):
    """Castagnoli, as in iSCSI."""
    crc = 0xFFFFFFFF
    zeros = bytes(BLOCK)
    for at in range(0, len(data), BLOCK):
        block = data[at:at + BLOCK]
        if block == zeros:
            crc = ZEROS[0][crc & 0xFF] ^ ZEROS[1][crc >> 8 & 0xFF] ^ ZEROS[2][crc >> 16 & 0xFF] ^ ZEROS[3][crc >> 24]
            continue
        for byte in block:
            crc = crc >> 8 ^ CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def seal(label):
    """Write the checksum."""
    label[16:20] = bytes(4)
    label[16:20] = struct.pack("<I", crc32c(label))


def whole(label):
    """Is it a label with a right checksum?"""
    copy = bytearray(label)
    copy[16:20] = bytes(4)
    return label[:8] == b"pNVMElbl" and crc32c(copy) == struct.unpack_from("<I", label, 16)[0]


def locate(name):
    """Offset and kind of a field by its name."""
    if name.startswith("@"):
        return int(name[1:], 0), "raw"
    if "." not in name:
        return FIELDS[name]
    entry, field = name.split(".")
    table = entry.rstrip("0123456789")
    number = int(entry[len(table):])
    base, entries, size, fields = TABLES[table]
    assert number < entries
    offset, kind = fields[field]
    return base + number * size + offset, kind


def uuid_text(data):
    """8-4-4-4-12."""
    text = bytes(data).hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def uuid_of(number):
    """A UUID from a small number."""
    return uuid_text(number.to_bytes(16, "big"))


def get(label, name):
    """Value of a field."""
    offset, kind = locate(name)
    if kind == "u":
        return uuid_text(label[offset:offset + 16])
    if isinstance(kind, str):
        return bytes(label[offset:offset + int(kind[1:])]).split(b"\0")[0].decode("latin-1")
    return int.from_bytes(label[offset:offset + kind], "little")


def put(label, name, value):
    """Change a field."""
    offset, kind = locate(name)
    if kind == "raw":
        data = bytes.fromhex(value)
    elif kind == "u":
        data = bytes.fromhex(value.replace("-", ""))
    elif isinstance(kind, str):
        data = value.encode("latin-1").ljust(int(kind[1:]), b"\0")
    else:
        number = int(value, 0)
        if value[0] in "+-":
            number += get(label, name)
        data = (number % (1 << 8 * kind)).to_bytes(kind, "little")
    label[offset:offset + len(data)] = data


class Drive:
    """A device with label slots."""

    def __init__(self, path, write=False):
        self.path = path
        self.file = os.open(path, os.O_RDWR if write else os.O_RDONLY)
        self.capacity = os.lseek(self.file, 0, os.SEEK_END)
        end = self.capacity & ~4095
        self.slots = [64 << 10, 512 << 10, end - (960 << 10), end - (512 << 10)]

    def fresh(self):
        """What others wrote past our page cache must be seen."""
        os.posix_fadvise(self.file, 0, 0, os.POSIX_FADV_DONTNEED)

    def read(self, slot):
        """One copy."""
        return bytearray(os.pread(self.file, SIZE, self.slots[slot]))

    def copies(self):
        """All."""
        self.fresh()
        return [self.read(slot) for slot in range(SLOTS)]

    def newest(self):
        """The copy that counts."""
        found = [copy for copy in self.copies() if whole(copy)]
        if not found:
            sys.exit(f"{self.path} has no whole label")
        return max(found, key=lambda copy: get(copy, "sequence"))

    def write(self, slots, label):
        """Put a copy into slots, down to the drive."""
        for slot in slots:
            os.pwrite(self.file, label, self.slots[slot])
        os.fsync(self.file)

    def ends(self):
        """Both ends with all that can hold labels and a GPT."""
        self.fresh()
        return os.pread(self.file, MIB, 0) + os.pread(self.file, MIB, (self.capacity & ~4095) - MIB)

    def written(self):
        """Counters of the device that grow with whatever is not a read."""
        with open(f"/sys/class/block/{os.path.basename(self.path)}/stat", encoding="ascii") as file:
            numbers = file.read().split()
        return numbers[4:7] + numbers[11:14]


def show(label):
    """All fields and used entries."""
    for name in FIELDS:
        print(f"{name}={get(label, name)}")
    for table, (base, entries, size, fields) in TABLES.items():
        for i in range(entries):
            if any(label[base + i * size:base + (i + 1) * size]):
                for field in fields:
                    print(f"{table}{i}.{field}={get(label, f'{table}{i}.{field}')}")


def equal(drive):
    """Complain if the copies are not four equal whole ones."""
    copies = drive.copies()
    bad = [str(slot) for slot in range(SLOTS) if not whole(copies[slot])]
    if bad:
        sys.exit(f"copies {' '.join(bad)} are not whole")
    if any(copy != copies[0] for copy in copies):
        sys.exit(f"the copies differ: sequences {[get(copy, 'sequence') for copy in copies]}")


def u64(value):
    """Text of a number modulo 2^64."""
    return str(value % (1 << 64))


# What is wrong with it: edits of a sound label that has two namespaces, ns0 and ns1.
HOSTILE = [
    ("newer kind", {"feature_incompat": "1"}),
    ("newer kind", {"feature_incompat": str(1 << 63)}),
    ("newer kind", {"version": "2"}),
    ("newer kind", {"version": "0"}),
    ("damaged", {"size": "32767"}),
    ("damaged", {"size": "65536"}),
    ("damaged", {"size": "4294967295"}),
    ("damaged", {"crc": "+1"}),
    ("no pnvme label", {"magic": "pNVMElbL"}),
    ("sequence is zero", {"sequence": "0"}),
    ("epoch is zero", {"epoch": "0"}),
    ("drive UUID is zero", {"drive_uuid": uuid_of(0)}),
    ("hardware ID without a type", {"hwid": uuid_of(5)}),
    ("hardware ID is zero", {"hwid_type": "2", "hwid": uuid_of(0)}),
    ("hardware ID is not padded", {"hwid_type": "1", "hwid": "11111111-1111-1111-1111-111111111111"}),
    ("hardware ID type is not known", {"hwid_type": "3"}),
    ("kind of hardware ID differs", {"hwid_type": "2", "hwid": "11111111-1111-1111-1111-111111111111"}),
    ("serial number is not clean", {"serial": "x" * 32}),
    ("serial number is not clean", {"@120": "41004200"}),
    ("serial number is not clean", {"serial": "a\x1b[2Jb"}),
    ("model is not clean", {"model": "trailing "}),
    ("instance is out of range", {"instance": "1048576"}),
    ("LBA size is not", {"lba_size": "0"}),
    ("LBA size is not", {"lba_size": "8192"}),
    ("LBA size is not", {"lba_size": "513"}),
    ("LBA size", {"lba_size": "4096"}),
    ("capacity is below", {"capacity": "0"}),
    ("capacity is out of range", {"capacity": u64(1 << 63)}),
    ("capacity is out of range", {"capacity": u64(-512)}),
    ("capacity is not a multiple", {"capacity": "+1"}),
    ("data start is wrong", {"data_start": "0"}),
    ("data end is wrong", {"data_end": u64(-MIB)}),
    ("data end is wrong", {"data_end": f"+{MIB}"}),
    ("not of this drive", {"capacity": f"+{MIB}", "data_end": f"+{MIB}"}),
    ("not of this drive", {"capacity": f"-{MIB}", "data_end": f"-{MIB}"}),
    ("protection information type", {"pi_type": "4"}),
    ("metadata is too small", {"pi_type": "1", "metadata_bytes": "7"}),
    ("metadata or protection", {"metadata_bytes": "64"}),
    ("hold timeout", {"hold_timeout": "604801"}),
    ("latency setting", {"latency": "65537"}),
    ("on-resume setting", {"on_resume": "3"}),
    ("hold-proof setting", {"hold_proof": "2"}),
    ("reserved bytes", {"@20": "01"}),
    ("reserved bytes", {"@116": "01"}),
    ("reserved bytes", {"@258": "01"}),
    ("reserved bytes", {"@2047": "01"}),
    ("unused grave", {"@28672": "01"}),
    ("unused grave", {"@30719": "80"}),
    ("reserved bytes", {"@30720": "01"}),
    ("reserved bytes", {"@32767": "80"}),
    ("reserved bytes of a namespace", {"@12345": "01"}),
    ("unused seal", {"@12543": "01"}),
    ("seal state is not known", {"@12416": "03"}),
    ("number of samples of a seal", {"@12416": "01"}),
    ("reserved bytes of a seal", {"@12416": "0200000001000000" "0100000000000000", "@12543": "01"}),
    ("overlap", {"ns1.start": "1048576"}),
    ("overlap", {"ns0.bytes": f"+{MIB}"}),
    ("outside the data range", {"ns1.start": u64(-MIB)}),
    ("outside the data range", {"ns1.start": u64(-MIB), "ns1.bytes": str(2 * MIB)}),
    ("outside the data range", {"ns1.bytes": u64(-MIB)}),
    ("outside the data range", {"ns1.bytes": u64(1 << 63)}),
    ("outside the data range", {"ns0.start": "0"}),
    ("not a multiple of 1 MiB", {"ns0.start": "1048577"}),
    ("not a multiple of 1 MiB", {"ns1.bytes": "+512"}),
    ("range is empty", {"ns1.bytes": "0"}),
    ("namespace name is taken", {"ns1.name": "ns0"}),
    ("namespace UUID is taken", {"ns1.uuid": "COPY ns0.uuid"}),
    ("NGUID is taken", {"ns1.nguid": "COPY ns0.nguid"}),
    ("NGUID is zero", {"ns1.nguid": uuid_of(0)}),
    ("namespace ID is taken", {"ns1.nsid": "1"}),
    ("namespace ID is out of range", {"ns1.nsid": "0"}),
    ("namespace ID is out of range", {"ns1.nsid": "65"}),
    ("namespace ID is out of range", {"ns1.nsid": "4294967295"}),
    ("namespace flags", {"ns1.flags": "2"}),
    ("namespace policy", {"ns1.policy": "3"}),
    ("namespace name is not valid", {"ns1.name": "../../etc"}),
    ("namespace name is not valid", {"ns1.name": ""}),
    ("namespace name is not valid", {"ns1.name": "n" * 64}),
    ("namespace name is not valid", {"@12612": "41"}),
    ("unused namespace entry", {"ns5.start": "1048576"}),
    ("unused namespace entry", {"ns63.name": "hidden"}),
    ("dirty range", {"dirty0.start": "1048577", "dirty0.bytes": str(MIB)}),
    ("dirty range", {"dirty0.start": u64(-MIB), "dirty0.bytes": str(2 * MIB)}),
    ("dirty range", {"dirty0.start": "1048576", "dirty0.bytes": str(MIB)}),
    ("dirty range", {"dirty5.start": "1048576", "dirty5.bytes": str(MIB)}),
    ("roster", {"roster0.slot": "x", "roster1.uuid": "11111111-1111-1111-1111-111111111111"}),
    ("hardware ID type is not known", {"roster0.uuid": "11111111-1111-1111-1111-111111111111",
                                       "roster0.hwid_type": "9"}),
    ("twice", {"roster0.uuid": "11111111-1111-1111-1111-111111111111",
               "roster1.uuid": "11111111-1111-1111-1111-111111111111"}),
]


def forge(label, edits):
    """A sealed copy of a label with edits."""
    copy = bytearray(label)
    for name, value in edits.items():
        if value.startswith("COPY "):
            value = get(label, value[5:])
        put(copy, name, value)
    seal(copy)
    if "crc" in edits:
        put(copy, "crc", edits["crc"])
    return copy


def hostile(drive, command):
    """Every lie must be refused for what it is, and nothing written."""
    import subprocess  # pylint: disable=import-outside-toplevel
    sound = drive.newest()
    failures = 0
    for phrase, edits in HOSTILE:
        drive.write(range(SLOTS), forge(sound, edits))
        before = (drive.ends(), drive.written())
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        problems = []
        if done.returncode == 0:
            problems.append("was accepted")
        elif phrase not in done.stdout:
            problems.append(f"was refused with: {done.stdout.strip()}")
        if (drive.ends(), drive.written()) != before:
            problems.append("led to a write to the drive")
        for problem in problems:
            print(f"label with {edits} (expected: {phrase}) {problem}")
        failures += bool(problems)
    drive.write(range(SLOTS), sound)
    print(f"{len(HOSTILE)} hostile labels, {failures} not refused as expected")
    return failures != 0


def edit(drive, where, changes):
    """Change the newest copy and write it to slots."""
    label = forge(drive.newest(), dict(change.split("=", 1) for change in changes))
    drive.write(range(SLOTS) if where == "all" else map(int, where.split(",")), label)


def save(drive, path):
    """All copies, one after the other."""
    with open(path, "wb") as file:
        file.write(b"".join(drive.copies()))


def restore(drive, path, slots):
    """Some copies, or all."""
    with open(path, "rb") as file:
        data = file.read()
    for slot in slots or range(SLOTS):
        drive.write([slot], data[slot * SIZE:(slot + 1) * SIZE])


def flip(drive, slots):
    """One bit in the middle of each."""
    for slot in slots:
        copy = drive.read(slot)
        copy[SIZE // 2] ^= 0x10
        drive.write([slot], copy)


def main():
    """Entry point."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    path, command, args = sys.argv[1], sys.argv[2], sys.argv[3:]
    drive = Drive(path, command not in ("show", "equal", "save"))
    status = 0
    if command == "show":
        show(drive.read(int(args[0])) if args else drive.newest())
    elif command == "equal":
        equal(drive)
    elif command == "zero":
        drive.write(map(int, args), bytes(SIZE))
    elif command == "flip":
        flip(drive, map(int, args))
    elif command == "save":
        save(drive, args[0])
    elif command == "restore":
        restore(drive, args[0], [int(slot) for slot in args[1:]])
    elif command == "set":
        edit(drive, args[0], args[1:])
    elif command == "hostile":
        status = hostile(drive, args)
    else:
        sys.exit(__doc__)
    sys.exit(status)


if __name__ == "__main__":
    main()
