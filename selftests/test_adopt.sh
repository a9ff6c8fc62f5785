#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What "pnvme drive adopt" refuses, naming what it found and changing no byte;
# what it does then; and erase, which undoes it.
# shellcheck disable=SC2317,SC2119	# functions are called by their names

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

TYPE_GUID=$(sed -nE 's/^#define[[:space:]]+PNVME_GPT_TYPE[[:space:]]+"(.*)".*/\1/p' "$PNVME_TOP/include/pnvme/label.h" 2> /dev/null || true)

# shellcheck disable=SC2154	# lib.sh sets it
label() { "$pnvme_dir/label_edit.py" "$@"; }

bytes_of() { blockdev --getsize64 "$1"; }

# freeze DEV, then frozen: not one byte of the drive is another one by then. What
# is between them is checked for writes by itself, too: see fails_with.
freeze()
{
	frozen_dev=$1
	frozen_sum=$(checksum "$1")
}

frozen() { [ "$frozen_sum" = "$(checksum "$frozen_dev")" ] || fail "a refusal or a dry run changed $frozen_dev"; }

# DEV KIND: refused under this name, also with another one to overwrite
holds()
{
	local dev=$1 kind=$2
	freeze "$dev"
	fails_with 1 "holds .*$kind.*--overwrite=$kind" pnvme drive adopt "$dev"
	fails_with 1 "holds .*$kind.*, not " pnvme drive adopt "$dev" --overwrite=minix
	run pnvme -n drive adopt "$dev" --overwrite="$kind"
	frozen
}

adopt() { run pnvme drive adopt "$@"; }

uuid_of() { label "$1" show | sed -n 's/^drive_uuid=//p'; }

# DEV: adopted and detached; $uuid
adopted()
{
	load_module
	adopt "$1"
	run pnvme drive detach "$1"
	uuid=$(uuid_of "$1")
}

# DEV FROM BYTES, DEV FROM BYTES of something that is not zero
zero() { dd if=/dev/zero of="$1" bs=4096 seek=$(($2 / 4096)) count=$(($3 / 4096)) oflag=direct status=none; }
junk() { head -c "$3" /dev/zero | tr '\0' x | dd of="$1" bs=4096 iflag=fullblock seek=$(($2 / 4096)) oflag=direct status=none; }

# What lies before the first and behind the last copy of the label: the GPT
drop_gpt()
{
	local tail=$((491520))
	zero "$1" 0 65536
	zero "$1" $(($(bytes_of "$1") - tail)) "$tail"
	blockdev --flushbufs "$1"
}

test_filesystems()
{
	: "ext4, xfs, swap"
	local dev
	load_module
	dev=$(drive 1)
	mkfs.ext4 -q -F "$dev"
	holds "$dev" ext4
	freeze "$dev"
	fails_with 1 "ext4, not xfs" pnvme drive adopt "$dev" --overwrite=xfs
	fails_with 1 "ext4, not ext" pnvme drive adopt "$dev" --overwrite=ext
	fails_with 1 "ext4, not " pnvme drive adopt "$dev" --overwrite=
	frozen
	wipe "$dev"
	mkfs.xfs -q -f -K "$dev"
	holds "$dev" xfs
	wipe "$dev"
	mkswap -q "$dev" > /dev/null
	holds "$dev" swap
}

test_tables()
{
	: "GPT, DOS partition table, a partition"
	local dev
	load_module
	dev=$(drive 1)
	printf 'label: dos\nstart=2048, size=20480\n' | sfdisk -q --no-reread "$dev"
	holds "$dev" dos
	blockdev --rereadpt "$dev"
	wait_for test -b "${dev}p1"
	freeze "$dev"
	fails_with 1 "${dev}p1 is a partition" pnvme drive adopt "${dev}p1"
	fails_with 1 "${dev}p1 is a partition" pnvme drive adopt "${dev}p1" --any
	frozen
	wipe "$dev"
	printf 'label: gpt\nstart=2048, size=20480\n' | sfdisk -q --no-reread "$dev"
	holds "$dev" gpt
	# the first copy is gone: the one at the end counts as well
	zero "$dev" 0 65536
	blockdev --flushbufs "$dev"
	freeze "$dev"
	fails_with 1 "holds " pnvme drive adopt "$dev"
	frozen
	blockdev --rereadpt "$dev"
}

# A superblock of mdadm's format 1.2, of an array of one
raid_member()
{
	python3 - "$1" <<-'PY'
		import os, struct, sys
		sb = bytearray(4096)
		struct.pack_into("<II", sb, 0, 0xA92B4EFC, 1)
		sb[16:32] = os.urandom(16)
		sb[32:36] = b"test"
		struct.pack_into("<IIQII", sb, 72, 1, 0, 1 << 20, 0, 1)
		struct.pack_into("<QQQ", sb, 128, 2048, 1 << 20, 8)
		struct.pack_into("<I", sb, 220, 1)
		total = sum(struct.unpack("<65I", sb[:260][:256] + sb[256:260]))
		struct.pack_into("<I", sb, 216, ((total & 0xFFFFFFFF) + (total >> 32)) & 0xFFFFFFFF)
		with open(sys.argv[1], "r+b") as dev:
		    dev.seek(4096)
		    dev.write(sb)
	PY
	blockdev --flushbufs "$1"
}

test_members()
{
	: "members of RAID and LVM"
	local dev
	load_module
	dev=$(drive 1)
	raid_member "$dev"
	holds "$dev" linux_raid_member
	wipe "$dev"
	lvm pvcreate -qq -y --config 'devices { use_devicesfile=0 obtain_device_list_from_udev=0 external_device_info_source="none" }
		global { locking_type=0 }' --nolocking "$dev" 2> /dev/null ||
		skip "pvcreate does not work here"
	holds "$dev" LVM2_member
}

test_data()
{
	: "data that is not zero: both ends and the middle"
	local dev end
	load_module
	dev=$(drive 1)
	end=$(bytes_of "$dev")
	junk "$dev" $(((16 << 20) - 4096)) 4096
	freeze "$dev"
	fails_with 1 "holds data that is not zero .at byte 1[56][0-9]{6}.*--overwrite=data" pnvme drive adopt "$dev"
	frozen
	zero "$dev" $(((16 << 20) - 4096)) 4096
	junk "$dev" $((end - (16 << 20))) 4096
	freeze "$dev"
	fails_with 1 "holds data .*--overwrite=data" pnvme drive adopt "$dev"
	frozen
	zero "$dev" $((end - (16 << 20))) 4096
	# one in 32 blocks: 4096 samples that all miss it happen once in e^130 runs
	junk "$dev" $((end / 2)) $((32 << 20))
	holds "$dev" data
	adopt "$dev" --overwrite=data
}

test_overwrite()
{
	: "--overwrite: a blank drive holds nothing; the old filesystem is gone, a namespace reads zeros"
	local dev ns
	load_module
	dev=$(drive 1)
	freeze "$dev"
	fails_with 1 "holds nothing, so no ext4 either" pnvme drive adopt "$dev" --overwrite=ext4
	fails_with 1 "holds nothing" pnvme drive adopt "$dev" --overwrite=data
	run pnvme -n drive adopt "$dev"
	frozen
	mkfs.ext4 -q -F "$dev"
	junk "$dev" $((40 << 20)) $((1 << 20))
	adopt "$dev" --overwrite=ext4
	run pnvme ns create "$dev" new 64M
	ns=$(pnvme -j ns show new | json '.namespaces[0].device')
	cmp -n $((64 << 20)) "$ns" /dev/zero || fail "a new namespace shows what was on the drive"
	[ -z "$(blkid -p -o value -s TYPE "$dev")" ] || fail "blkid still finds the filesystem"
}

test_label()
{
	: "a pnvme label, with any --overwrite; without its GPT"
	local dev kind
	dev=$(drive 1)
	adopted "$dev"
	freeze "$dev"
	fails_with 1 "adopted already, as $uuid" pnvme drive adopt "$dev"
	for kind in pnvme data gpt PMBR label; do
		fails_with 1 "adopted already" pnvme drive adopt "$dev" --overwrite="$kind" --any
	done
	frozen
	drop_gpt "$dev"
	[ -z "$(blkid -p "$dev")" ] || fail "the GPT is still there: $(blkid -p "$dev")"
	freeze "$dev"
	fails_with 1 "adopted already, as $uuid" pnvme drive adopt "$dev"
	fails_with 1 "adopted already" pnvme drive adopt "$dev" --overwrite=data
	fails_with 1 "adopted already" pnvme drive adopt "$dev" --overwrite=pnvme
	frozen
}

test_bad_label()
{
	: "a label that is damaged, of an unknown version, of another host, or of another drive"
	local dev copy
	dev=$(drive 1)
	adopted "$dev"
	label "$dev" save "$PNVME_WORK/label"
	label "$dev" flip 0 1 2 3
	freeze "$dev"
	fails_with 1 "label that cannot be used" pnvme drive adopt "$dev"
	fails_with 1 "label that cannot be used" pnvme drive adopt "$dev" --overwrite=data
	frozen
	drop_gpt "$dev"
	freeze "$dev"
	fails_with 1 "label that cannot be used" pnvme drive adopt "$dev" --overwrite=pnvme
	frozen
	label "$dev" restore "$PNVME_WORK/label"
	label "$dev" set all version=9
	freeze "$dev"
	fails_with 1 "label that cannot be used.*version" pnvme drive adopt "$dev"
	fails_with 1 "label that cannot be used.*version" pnvme drive adopt "$dev" --overwrite=gpt
	frozen
	label "$dev" restore "$PNVME_WORK/label"
	label "$dev" zero 0 1 2
	freeze "$dev"
	fails_with 1 "adopted already" pnvme drive adopt "$dev" --overwrite=data
	frozen
	label "$dev" set all owner=6d1c2a34-0000-4000-8000-00000000abcd
	freeze "$dev"
	fails_with 1 "another host .6d1c2a34-0000-4000-8000-00000000abcd" pnvme drive adopt "$dev"
	frozen
	copy=$(drive 2)
	label "$copy" restore "$PNVME_WORK/label"
	freeze "$copy"
	fails_with 1 "copy of the label of another drive, $uuid" pnvme drive adopt "$copy"
	fails_with 1 "copy of the label" pnvme drive adopt "$copy" --overwrite=data
	frozen
}

test_in_use()
{
	: "mounted, held by device-mapper, attached: busy"
	local dev
	load_module
	dev=$(drive 1)
	mkfs.ext4 -q -F "$dev"
	mkdir "$PNVME_WORK/mnt"
	mount "$dev" "$PNVME_WORK/mnt"
	# shellcheck disable=SC2016	# for the inner shell
	defer bash -c '! mountpoint -q "$0" || umount "$0"' "$PNVME_WORK/mnt"
	fails 6 "$dev is in use.*$PNVME_WORK/mnt" pnvme drive adopt "$dev"
	fails 6 "$dev is in use" pnvme drive adopt "$dev" --overwrite=ext4
	umount "$PNVME_WORK/mnt"
	wipe "$dev"
	modprobe dm-mod 2> /dev/null || true
	dmsetup --noudevsync create adopttest --table "0 2048 linear $dev 0"
	freeze "$dev"
	fails_with 6 "$dev is in use.*(adopttest|dm-)" pnvme drive adopt "$dev"
	frozen
	dmsetup --noudevsync remove adopttest
	adopt "$dev"
	freeze "$dev"
	fails_with 6 "attached already, as pnvme" pnvme drive adopt "$dev"
	fails_with 6 "attached already, as pnvme" pnvme drive adopt "$dev" --overwrite=gpt
	frozen
	run pnvme ns create "$dev" inner 64M
	freeze "$dev"
	fails_with 1 "namespace of pnvme itself" pnvme drive adopt /dev/pnvme0n1
	fails_with 1 "namespace of pnvme itself" pnvme drive adopt /dev/pnvme0n1 --any
	frozen
}

test_zoned()
{
	: "a zoned drive, a read-only drive"
	local dev
	load_module
	dev=$(drive 1)
	blockdev --setro "$dev"
	defer blockdev --setrw "$dev"
	freeze "$dev"
	fails_with 1 "read-only" pnvme drive adopt "$dev"
	frozen
	blockdev --setrw "$dev"
	dev=$(drive_by_serial pnvme-zoned) || skip "no zoned drive"
	freeze "$dev"
	fails_with 1 "zoned" pnvme drive adopt "$dev"
	fails_with 1 "zoned" pnvme drive adopt "$dev" --overwrite=data --any
	frozen
}

test_no_drive()
{
	: "a file, a directory, a character device, nothing"
	load_module
	truncate -s 64M "$PNVME_WORK/file"
	fails_with 1 "is not a block device" pnvme drive adopt "$PNVME_WORK/file"
	fails_with 1 "is not a block device" pnvme drive adopt "$PNVME_WORK/file" --any
	fails_with 1 "is not a block device" pnvme drive adopt "$PNVME_WORK"
	fails_with 1 "is not a block device" pnvme drive adopt /dev/null
	fails_with 1 "No such file" pnvme drive adopt /dev/nvme99n9
	fails_with 1 "there is no drive nvme99n9" pnvme drive adopt nvme99n9
	fails_with 2 "something is missing" pnvme drive adopt
	cmp -n 67108864 "$PNVME_WORK/file" /dev/zero
}

# FILE SIZE: $loop
loop_on()
{
	truncate -s "$2" "$1"
	loop=$(losetup -f --show "$1")
	defer losetup -d "$loop"
}

test_any()
{
	: "--any: what is not NVMe; too small"
	local loop
	load_module
	modprobe loop 2> /dev/null || true
	loop_on "$PNVME_WORK/small" 8M
	fails_with 1 "too small" pnvme drive adopt "$loop" --any
	loop_on "$PNVME_WORK/large" 64M
	fails_with 1 "is not an NVMe drive.*--any" pnvme drive adopt "$loop"
	run pnvme -n drive adopt "$loop" --any
	cmp -n 67108864 "$PNVME_WORK/large" /dev/zero || fail "a refusal or a dry run wrote"
	defer pnvme drive detach --all
	adopt "$loop" --any
	run pnvme ns create "$loop" any 100%
	echo hello | dd of=/dev/pnvme0n1 bs=512 conv=sync oflag=direct status=none
	[ "$(pnvme -j drive show "$loop" | json '.drives[0].proof')" = weak ]
	run pnvme drive detach "$loop"
	run pnvme drive attach "$loop"
	[ "$(head -c 5 /dev/pnvme0n1)" = hello ]
}

test_fence()
{
	: "the fence: one partition of our type, and resumable alone"
	local dev n
	dev=$(drive 1)
	adopted "$dev"
	[ -n "$TYPE_GUID" ] || skip "no include/pnvme/label.h here"
	sfdisk -J "$dev" > "$PNVME_WORK/table"
	[ "$(json '.partitiontable.label' < "$PNVME_WORK/table")" = gpt ]
	[ "$(json '.partitiontable.partitions | length' < "$PNVME_WORK/table")" = 1 ]
	[ "$(json '.partitiontable.partitions[0].type | ascii_downcase' < "$PNVME_WORK/table")" = "${TYPE_GUID,,}" ]
	sgdisk -v "$dev" > "$PNVME_WORK/sgdisk"
	grep -q "No problems found" "$PNVME_WORK/sgdisk" || fail "sgdisk: $(cat "$PNVME_WORK/sgdisk")"
	[ "$(sgdisk -p "$dev" | grep -cE '^ +[0-9]+ ')" = 1 ]
	[ "$(blkid -p -o value -s PTTYPE "$dev")" = gpt ]
	# the power went before the label was written
	label "$dev" zero 0 1 2 3
	n=$(pnvme -j scan | json "[.drives[] | select(.device == \"$dev\" and .evidence != null)] | length")
	[ "$n" -ge 1 ] || fail "scan does not show it"
	freeze "$dev"
	fails_with 1 "holds nothing" pnvme drive adopt "$dev" --overwrite=gpt
	frozen
	adopt "$dev"
	run pnvme ns create "$dev" again 100%
	[ "$(sgdisk -p "$dev" | grep -cE '^ +[0-9]+ ')" = 1 ]
}

test_erase()
{
	: "erase: the right UUID, nothing left; dry run; --discard"
	local dev other=11111111-2222-4333-8444-555555555555
	dev=$(drive 1)
	load_module
	adopt "$dev"
	uuid=$(uuid_of "$dev")
	run pnvme ns create "$dev" full 32M
	head -c 16M /dev/zero | tr '\0' x | dd of=/dev/pnvme0n1 bs=1M iflag=fullblock oflag=direct status=none
	freeze "$dev"
	fails_with 6 "attached, as pnvme0" pnvme drive erase "$dev" --yes="$uuid"
	frozen
	run pnvme drive detach "$dev"
	freeze "$dev"
	fails_with 2 "say which drive" pnvme drive erase "$dev"
	fails_with 2 "is no UUID" pnvme drive erase "$dev" --yes=yes
	fails_with 1 "is $uuid, another one" pnvme drive erase "$dev" --yes="$other"
	run pnvme -n drive erase "$dev" --yes="$uuid"
	run pnvme -n drive erase "$dev" --yes="$uuid" --discard
	frozen
	run pnvme drive erase "$dev" --yes="$uuid"
	[ -z "$(wipefs "$dev")" ] || fail "wipefs finds: $(wipefs "$dev")"
	[ -z "$(blkid -p "$dev")" ] || fail "blkid finds: $(blkid -p "$dev")"
	[ "$(dd if="$dev" bs=1M skip=2 count=1 iflag=direct status=none | tr -d x | wc -c)" = 0 ] ||
		fail "erase without --discard touched the data"
	freeze "$dev"
	fails_with 1 "holds data" pnvme drive adopt "$dev"
	fails_with 1 "no pnvme label" pnvme drive erase "$dev" --yes="$uuid"
	frozen
	adopt "$dev" --overwrite=data
	run pnvme drive detach "$dev"
	run pnvme drive erase "$dev" --yes="$(uuid_of "$dev")" --discard
	# the mark of an erased label may stay: a discard need not make zeros of it
	! emulated "$dev" || cmp -n 134217728 <(tail -c +1048577 "$dev") /dev/zero || fail "--discard left data"
	freeze "$dev"
	run pnvme -n drive adopt "$dev"
	frozen
}

pnvme_main "$@"
