#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The udev rules: links to namespaces, and drives that are attached, or not, as
# they appear. With the real udevd.
# shellcheck disable=SC2317,SC2119	# functions are called by their names

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

TIMEOUT=90

# What udev runs is looked for where "make install" puts it.
set_up()
{
	local rules=(/etc/udev/rules.d/60-pnvme.rules /usr/lib/udev/rules.d/60-pnvme.rules)
	if [ -n "${PNVME_VM:-}" ]; then
		ln -sfn "$PNVME_TOP/build/pnvme" /usr/local/sbin/pnvme
	elif [ ! -e "${rules[0]}" ] && [ ! -e "${rules[1]}" ]; then
		skip "the udev rules are not installed on this host; make install puts them there"
	fi
	start_udev > /dev/null
	load_module
	settle
}

settle() { udevadm settle --timeout=60; }

property() { udevadm info --query=property --property="$2" --value "$1"; }

ns_uuid() { pnvme -j ns show "$1" | json '.namespaces[0].uuid'; }

# leads LINK DEVICE
leads() { [ -L "$1" ] && [ "$(readlink -f "$1")" = "$(readlink -f "$2")" ]; }

gone() { [ ! -e "$1" ] && [ ! -L "$1" ]; }

# Drives leave the bus and return, maybe under other names: print these.
replug()
{
	local dev serial serials=()
	for dev; do
		serials+=("$(tr -d ' ' < "/sys/class/block/${dev#/dev/}/device/serial")")
		echo 1 > "$(readlink -f "/sys/class/block/${dev#/dev/}/device/device")/remove"
		wait_for gone "$dev"
	done
	settle
	echo 1 > /sys/bus/pci/rescan
	for serial in "${serials[@]}"; do
		wait_for 20 drive_by_serial "$serial"
		drive_by_serial "$serial"
	done
	settle
}

# Writes and discards since it appeared
written() { awk '{ print $5 + $12 }' "/sys/class/block/${1#/dev/}/stat"; }

attached() { [ -n "$(ls "/sys/class/block/${1#/dev/}/holders")" ]; }

# The event of the new fence starts the gate, which must have come and gone
# before the test goes on to what it does not expect.
adopt()
{
	run pnvme drive adopt "$1"
	settle
}

test_links()
{
	: "links by name and UUID appear, follow a rename, and go with the namespace"
	local dev uuid
	set_up
	dev=$(drive 1)
	adopt "$dev"
	run pnvme ns create pnvme0 one 16M
	run pnvme ns create pnvme0 two.b-C_3 16M
	# no waiting: the command returns when its link is there
	leads /dev/pnvme/one /dev/pnvme0n1
	leads /dev/pnvme/two.b-C_3 /dev/pnvme0n2
	uuid=$(ns_uuid one)
	settle
	leads "/dev/disk/by-id/pnvme-$uuid" /dev/pnvme0n1
	[ "$(property /dev/pnvme0n1 ID_SERIAL)" = "$uuid" ]
	run pnvme ns rename one uno
	settle
	leads /dev/pnvme/uno /dev/pnvme0n1
	gone /dev/pnvme/one
	leads "/dev/disk/by-id/pnvme-$uuid" /dev/pnvme0n1
	run pnvme ns delete uno
	settle
	gone /dev/pnvme/uno
	gone "/dev/disk/by-id/pnvme-$uuid"
	run pnvme drive detach pnvme0
	settle
	gone /dev/pnvme/two.b-C_3
	run pnvme drive attach "$dev"
	settle
	leads /dev/pnvme/two.b-C_3 /dev/pnvme0n2
}

test_contents()
{
	: "filesystems have links by UUID and label; partitions have all links, which follow a rename"
	local uuid
	set_up
	adopt "$(drive 1)"
	run pnvme ns create pnvme0 data 64M
	run pnvme ns create pnvme0 parts 32M
	run mkfs.ext4 -q -L pnvmetest -U 0f0e0d0c-1111-4222-8333-444455556666 /dev/pnvme/data
	wait_for leads /dev/disk/by-uuid/0f0e0d0c-1111-4222-8333-444455556666 /dev/pnvme0n1
	# each link, and each device, has its own time
	wait_for leads /dev/disk/by-label/pnvmetest /dev/pnvme0n1
	settle
	[ "$(property /dev/pnvme0n1 ID_FS_TYPE)" = ext4 ]
	uuid=$(ns_uuid parts)
	run sgdisk -n 1:0:+8M -c 1:first -n 2:0:0 -c 2:second /dev/pnvme/parts
	wait_for leads /dev/pnvme/parts-part2 /dev/pnvme0n2p2
	wait_for leads /dev/pnvme/parts-part1 /dev/pnvme0n2p1
	wait_for leads "/dev/disk/by-id/pnvme-$uuid-part1" /dev/pnvme0n2p1
	wait_for leads /dev/disk/by-partlabel/first /dev/pnvme0n2p1
	run pnvme ns rename parts renamed
	wait_for leads /dev/pnvme/renamed-part1 /dev/pnvme0n2p1
	wait_for leads /dev/pnvme/renamed-part2 /dev/pnvme0n2p2
	wait_for gone /dev/pnvme/parts-part1
	run pnvme drive detach pnvme0
	settle
	gone /dev/pnvme/renamed-part1
	gone /dev/disk/by-uuid/0f0e0d0c-1111-4222-8333-444455556666
}

test_name_like_partition()
{
	: "a namespace that is called as a partition of another has the link of its name, whoever comes first"
	local dev
	set_up
	dev=$(drive 1)
	adopt "$dev"
	run pnvme ns create pnvme0 data 32M
	run pnvme ns create pnvme0 other 16M
	run sgdisk -n 1:0:0 /dev/pnvme/data
	wait_for leads /dev/pnvme/data-part1 /dev/pnvme0n1p1
	run pnvme drive detach pnvme0
	# shellcheck disable=SC2154	# lib.sh sets it
	"$pnvme_dir/label_edit.py" "$dev" set all ns1.name=data-part1
	settle
	run pnvme drive attach "$dev"
	settle
	[ -e /dev/pnvme0n1p1 ]
	leads /dev/pnvme/data-part1 /dev/pnvme0n2
	udevadm trigger --action=change --settle /dev/pnvme0n1p1
	leads /dev/pnvme/data-part1 /dev/pnvme0n2
}

test_name_conflict()
{
	: "of two namespaces with one name the second gets no link by name until it is renamed"
	local first second uuid
	set_up
	first=$(drive 1)
	second=$(drive 2)
	adopt "$first"
	run pnvme ns create "$first" data 16M
	uuid=$(ns_uuid data)
	run pnvme drive detach "$first"
	adopt "$second"
	run pnvme ns create "$second" data 16M
	run pnvme drive attach "$first"
	settle
	leads /dev/pnvme/data "/dev/$(ls "/sys/class/block/${second#/dev/}/holders")"
	leads "/dev/disk/by-id/pnvme-$uuid" "/dev/$(ls "/sys/class/block/${first#/dev/}/holders")"
	run pnvme ns rename "uuid:$uuid" other
	settle
	leads /dev/pnvme/other "/dev/disk/by-id/pnvme-$uuid"
	leads /dev/pnvme/data "/dev/$(ls "/sys/class/block/${second#/dev/}/holders")"
}

test_appearance()
{
	: "an adopted drive that is plugged in is attached, with its links and data"
	local dev uuid
	set_up
	dev=$(drive 1)
	adopt "$dev"
	run pnvme ns create pnvme0 data 16M
	uuid=$(ns_uuid data)
	echo "it survives" | dd of=/dev/pnvme/data bs=4k conv=sync,fsync status=none
	run pnvme drive detach pnvme0
	dev=$(replug "$dev")
	wait_for attached "$dev"
	settle
	leads /dev/pnvme/data "/dev/disk/by-id/pnvme-$uuid"
	dd if=/dev/pnvme/data bs=4k count=1 status=none | grep -a "it survives"
	# once more what happened already: nothing changes
	run udevadm trigger --action=add --subsystem-match=block
	settle
	attached "$dev"
	run pnvme drive attach --auto "$dev"
	run pnvme drive attach --auto
}

test_detached_stays()
{
	: "a drive that was detached by hand stays so when its events are replayed"
	local dev
	set_up
	dev=$(drive 1)
	adopt "$dev"
	run pnvme ns create pnvme0 data 16M
	run pnvme drive detach pnvme0
	settle
	run udevadm trigger --action=change --subsystem-match=block
	settle
	if attached "$dev"; then fail "it was attached again"; fi
}

test_adopted_detached()
{
	: "a drive that is detached as soon as it was adopted stays so"
	local dev uuid n
	set_up
	dev=$(drive 1)
	for n in 1 2 3; do
		run pnvme drive adopt "$dev"
		uuid=$(pnvme -j drive show pnvme0 | json '.drives[0].uuid')
		run pnvme drive detach pnvme0
		settle
		if attached "$dev"; then fail "round $n: it was attached again"; fi
		run pnvme drive erase "$dev" --yes="$uuid"
		settle
	done
}

test_others()
{
	: "blank, used, released and foreign drives that appear are not touched"
	local blank used foreign released others dev
	set_up
	blank=$(drive 1)
	used=$(drive 2)
	foreign=$(drive 3)
	released=$(drive 4)
	run mkfs.ext4 -q "$used" 64M
	adopt "$released"
	run pnvme drive detach pnvme0 --release
	mkdir -p /etc/pnvme
	cat /proc/sys/kernel/random/uuid > /etc/pnvme/hostid
	adopt "$foreign"
	run pnvme ns create pnvme0 theirs 16M
	run pnvme drive detach pnvme0
	rm /etc/pnvme/hostid
	settle
	mapfile -t others < <(replug "$blank" "$used" "$foreign" "$released")
	[ "${#others[@]}" = 4 ]
	# and when asked to by hand
	run pnvme drive attach --auto "${others[@]}"
	run pnvme drive attach --auto
	settle
	[ -z "$(ls /sys/class/pnvme)" ]
	gone /dev/pnvme/theirs
	for dev in "${others[@]}"; do
		[ "$(written "$dev")" = 0 ] || fail "$dev was written to"
	done
}

test_fence()
{
	: "the fence is told apart by its type, offers no filesystem, and is nobody's business"
	local part
	set_up
	part=$(drive 1)p1
	adopt "${part%p1}"
	settle
	[ "$(property "$part" ID_PART_ENTRY_TYPE)" = e960d2c6-facf-47dc-8528-3b07c9f92c4c ]
	[ "$(property "$part" UDISKS_IGNORE)" = 1 ]
	[ -z "$(property "$part" ID_FS_TYPE)" ]
	[ "$(property "$part" SYSTEMD_WANTS)" = "pnvme-attach@$(basename "${part%p1}").service" ]
}

test_no_admin_commands()
{
	: "no rule sends an admin command to a drive"
	local event=/sys/kernel/tracing/events/nvme/nvme_setup_cmd
	set_up
	[ -d "$event" ] || skip "this kernel cannot trace NVMe commands"
	adopt "$(drive 1)"
	run pnvme ns create pnvme0 data 16M
	settle
	echo 'qid == 0' > "$event/filter"
	defer sh -c "echo 0 > $event/enable; echo 0 > $event/filter; echo > /sys/kernel/tracing/trace"
	echo > /sys/kernel/tracing/trace
	echo 1 > "$event/enable"
	run udevadm trigger --action=change --subsystem-match=block
	run udevadm trigger --action=add --subsystem-match=block
	settle
	if grep -v '^#' /sys/kernel/tracing/trace; then fail "an admin command was sent"; fi
	# the trace does see them
	nvme id-ctrl "$(drive 1)" > /dev/null
	grep -q 'qid=0' /sys/kernel/tracing/trace
}

pnvme_main "$@"
