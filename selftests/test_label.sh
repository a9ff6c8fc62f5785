#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The label on drives: four copies, repair, what is refused, and that a refusal
# does not write one byte.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$pnvme_dir/nl_lib.sh"

# After each change there are four equal copies, of the next sequence.
step()
{
	granted "$@"
	nl_abi equal "$lower"
	steps=$((steps + 1))
}

copies_of()
{
	spare "$1"
	lower=$dev steps=0
	uuid=$(new_uuid)
	step drive-adopt dev="$lower" uuid="$uuid" host="$host"
	step ns-create drive="$uuid" name=one size=4M
	step ns-resize name=one size=8M
	step ns-resize name=one size=4M force
	step ns-rename name=one new-name=uno
	step ns-set name=uno read-only=1 policy=admin
	step drive-set uuid="$uuid" latency=9
	step ns-delete name=uno
	step drive-detach uuid="$uuid" release
	step drive-attach dev="$lower" host="$host2"
	has epoch 2
	has sequence "$steps"
	detach "$uuid"
	label "$lower" equal	# and what another implementation says
}

test_copies()
{
	: "four equal copies after each change, in their places"
	begin
	copies_of pnvme-a
	copies_of pnvme-4k
	copies_of pnvme-pi
}

# SLOTS...: attaches with these destroyed
attach_repairs()
{
	attach "$dev"
	has repaired 1
	nl_abi equal "$dev"
	nl ns-get name=keep || fail "the namespace is lost with $*"
	detach "$uuid"
}

test_repair()
{
	: "any two copies may be destroyed"
	local lost
	begin
	spare pnvme-a
	adopt "$dev"
	granted ns-create drive="$uuid" name=keep size=1M
	detach "$uuid"
	attach "$dev"
	has repaired 0
	detach "$uuid"
	watch_events
	for lost in "0 1" "0 2" "0 3" "1 2" "1 3" "2 3" "0 1 3"; do
		# shellcheck disable=SC2086	# two words or three
		if [ "${lost% *}" = 1 ]; then label "$dev" flip $lost; else label "$dev" zero $lost; fi
		attach_repairs "$lost"
	done
	event_came type=drive-detach
	[ "$(grep -c type=label-repair "$events")" = 7 ] || fail "not one event for each repair"
	label "$dev" flip 0 1 2 3
	untouched "$dev" refused EBADMSG "every label copy on" drive-attach dev="$dev" host="$host"
	untouched "$dev" refused EEXIST "a damaged pnvme label" drive-adopt dev="$dev" uuid="$uuid" host="$host"
}

# OLD SLOTS: these have what was before
attach_newest()
{
	label "$dev" restore "$PNVME_WORK/old" "$@"
	attach "$dev"
	has repaired 1
	nl ns-get name=new || fail "the old content won, from copies $*"
	nl_abi equal "$dev"
	detach "$uuid"
}

test_newest()
{
	: "the newest content wins"
	begin
	spare pnvme-a
	adopt "$dev"
	granted ns-create drive="$uuid" name=old size=1M
	detach "$uuid"
	label "$dev" save "$PNVME_WORK/old"
	attach "$dev"
	granted ns-rename name=old new-name=new
	detach "$uuid"
	attach_newest 0 2
	attach_newest 1 3
	attach_newest 0 1 2
	label "$dev" set 1,3 nonce=+1
	untouched "$dev" refused EUCLEAN "same sequence differ" drive-attach dev="$dev" host="$host"
	label "$dev" set all sequence=18446744073709551615
	untouched "$dev" refused EOVERFLOW "end of its sequence" drive-attach dev="$dev" host="$host"
}

test_features()
{
	: "unknown features and versions"
	begin
	spare pnvme-a
	adopt "$dev"
	granted ns-create drive="$uuid" name=one size=1M
	detach "$uuid"
	label "$dev" save "$PNVME_WORK/sound"
	label "$dev" set 3 feature_incompat=0x100
	untouched "$dev" refused EPROTONOSUPPORT "newer kind" drive-attach dev="$dev" host="$host"
	label "$dev" restore "$PNVME_WORK/sound"
	label "$dev" set 1 version=2
	untouched "$dev" refused EPROTONOSUPPORT "newer kind" drive-attach dev="$dev" host="$host"
	untouched "$dev" refused EEXIST "a pnvme label" drive-adopt dev="$dev" uuid="$uuid" host="$host"
	label "$dev" restore "$PNVME_WORK/sound"

	# a compatible feature put something into reserved fields: it is kept
	label "$dev" set all feature_compat=0x8000000000000001 @300=1234 @12500=5678
	attach "$dev"
	granted ns-create drive="$uuid" name=two size=1M
	detach "$uuid"
	label "$dev" show 2 > "$PNVME_WORK/show"
	grep -q feature_compat=9223372036854775809 "$PNVME_WORK/show"
	test "$(dd if="$dev" bs=1 skip=$((65536 + 300)) count=2 status=none | od -An -tx1)" = " 12 34"
	test "$(dd if="$dev" bs=1 skip=$((65536 + 12500)) count=2 status=none | od -An -tx1)" = " 56 78"
}

test_hostile()
{
	: "hostile labels are refused, nothing is written"
	begin
	spare pnvme-a
	adopt "$dev"
	granted ns-create drive="$uuid" name=ns0 size=4M
	granted ns-create drive="$uuid" name=ns1 size=4M
	detach "$uuid"
	label "$dev" hostile "$NL_ABI" "do" drive-attach dev="$dev" host="$host" > "$PNVME_WORK/hostile" ||
		fail "hostile labels"
	sed 's/^/# /' "$PNVME_WORK/hostile"
	attach "$dev"
	has namespaces 2
}

# FROM TO: both ends, as a copy of a drive has them
clone()
{
	local mib=$(($(blockdev --getsize64 "$1") >> 20))
	dd if="$1" of="$2" bs=1M count=1 iflag=direct oflag=direct conv=notrunc status=none
	dd if="$1" of="$2" bs=1M skip=$((mib - 1)) seek=$((mib - 1)) iflag=direct oflag=direct conv=notrunc status=none
	blockdev --flushbufs "$2"
}

test_clone()
{
	: "clones, namespaces that are there twice"
	local original copy id
	begin
	spare pnvme-a
	original=$dev
	spare pnvme-b
	copy=$dev
	adopt "$original"
	granted ns-create drive="$uuid" name=one size=1M
	id=$(field uuid)
	clone "$original" "$copy"
	untouched "$copy" refused EEXIST "already attached as pnvme" drive-attach dev="$copy" host="$host"
	[[ $(field message) == *"${original#/dev/}"* ]] || fail "the attached drive is not named"
	detach "$uuid"
	untouched "$copy" refused ENOTUNIQ "other hardware" drive-attach dev="$copy" host="$host"
	untouched "$copy" refused ENOTUNIQ "other hardware" drive-import dev="$copy" host="$host2" owner="$host"

	# another drive that has a namespace of the same UUID
	blank "$copy"
	attach "$original"
	adopt "$copy"
	granted ns-create drive="$uuid" name=two size=1M
	detach "$uuid"
	label "$copy" set all ns0.uuid="$id"
	untouched "$copy" refused EEXIST "already attached, from" drive-attach dev="$copy" host="$host"
}

test_owner()
{
	: "owners, release, import, erase"
	begin
	spare pnvme-a
	adopt "$dev"
	detach "$uuid"
	untouched "$dev" refused EXDEV "belongs to host $host" drive-attach dev="$dev" host="$host2"
	untouched "$dev" refused EXDEV "nothing was imported" drive-import dev="$dev" host="$host2" owner="$host2"
	untouched "$dev" refused EXDEV "import it first" drive-erase dev="$dev" host="$host2" uuid="$uuid"
	granted drive-import dev="$dev" host="$host2" owner="$host"
	has owner "$host2"
	detach "$uuid" release
	[ "$(label_field "$dev" owner)" = 00000000-0000-0000-0000-000000000000 ] || fail "the owner is not cleared"
	attach "$dev"
	has owner "$host"
	detach "$uuid"
	untouched "$dev" refused ESTALE "nothing was erased" drive-erase dev="$dev" host="$host" uuid="$(new_uuid)"
	granted drive-erase dev="$dev" host="$host" uuid="$uuid"
	[[ $(cksum < <(for slot in $(slots_of "$dev"); do dd if="$dev" bs=4096 skip=$((slot / 4096)) count=8 iflag=direct status=none; done)) == \
		$(head -c 131072 /dev/zero | cksum) ]] || fail "the slots are not zero"
	untouched "$dev" refused ENODATA "no pnvme label" drive-attach dev="$dev" host="$host"
	adopt "$dev"
}

test_instance()
{
	: "the instance is kept if it is free"
	begin
	spare pnvme-a
	adopt "$dev"
	detach "$uuid"
	label "$dev" set all instance=77
	attach "$dev"
	has instance 77
	test -e /sys/class/pnvme/pnvme77/uuid
	spare pnvme-b
	adopt "$dev"
	detach "$uuid"
	label "$dev" set all instance=77
	attach "$dev"
	has instance 0
}

attach_read_only()
{
	local name
	attach "$dev" "$@"
	has read-only 1
	has repaired 0
	nl ns-get name=one || fail "no namespace"
	has read-only 1
	name=$(field device)
	[ "$(blockdev --getro "/dev/$name")" = 1 ] || fail "/dev/$name can be written"
	dd if="/dev/$name" of=/dev/null bs=1M count=1 iflag=direct status=none || fail "/dev/$name cannot be read"
	must_fail dd if=/dev/zero of="/dev/$name" bs=4k count=1 oflag=direct status=none
	refused EROFS "read-only" ns-create drive="$uuid" name=x size=1M
	refused EROFS "read-only" drive-set uuid="$uuid" latency=2
	refused EROFS "read-only" drive-detach uuid="$uuid" release
	refused EROFS "read-only" ns-delete name=one
	detach "$uuid"
}

test_read_only()
{
	: "read-only drives"
	begin
	spare pnvme-a
	adopt "$dev"
	granted ns-create drive="$uuid" name=one size=1M
	detach "$uuid"
	label "$dev" zero 1
	blockdev --flushbufs "$dev"
	untouched "$dev" attach_read_only read-only=1
	blockdev --setro "$dev"
	untouched "$dev" attach_read_only
	untouched "$dev" refused EROFS "read-only" drive-import dev="$dev" host="$host2" owner="$host"
	untouched "$dev" refused EROFS "read-only" drive-erase dev="$dev" host="$host" uuid="$uuid"
	untouched "$dev" refused EROFS "read-only" drive-adopt dev="$dev" host="$host" uuid="$uuid"
	blockdev --setrw "$dev"
	attach "$dev"
	has repaired 1
}

# Somebody writes a sound, newer label to the raw node of an attached drive.
test_behind_our_back()
{
	: "a label that somebody else writes"
	local name
	begin
	spare pnvme-a
	adopt "$dev"
	granted ns-create drive="$uuid" name=one size=1M
	name=$(field device)
	watch_events
	label "$dev" set all sequence=+10
	untouched "$dev" refused ESTALE "changed by somebody else" ns-rename name=one new-name=two
	event_came type=drive-fail
	granted drive-get uuid="$uuid"
	has state failed
	[ -n "$(field reason)" ] || fail "no reason"
	must_fail dd if="/dev/$name" of=/dev/null bs=4k count=1 iflag=direct status=none
	refused ENODEV "not live" ns-create drive="$uuid" name=two size=1M
	detach "$uuid"
	attach "$dev"
	has state live

	# two copies are enough to know it; damaged ones are no news
	label "$dev" zero 0 2
	granted ns-rename name=one new-name=two
	nl_abi equal "$dev"
	label "$dev" set 1 epoch=+1
	refused ESTALE "changed by somebody else" ns-rename name=two new-name=three
}

test_lower()
{
	: "devices that cannot be adopted"
	local name part loop
	begin
	dev=$(drive_by_serial pnvme-zoned)
	untouched "$dev" refused EOPNOTSUPP "zoned" drive-adopt dev="$dev" uuid="$(new_uuid)" host="$host"
	spare pnvme-a
	adopt "$dev"
	granted ns-create drive="$uuid" name=one size=64M
	name=/dev/$(field device)
	refused EINVAL "do not nest" drive-adopt dev="$name" uuid="$(new_uuid)" host="$host" any
	refused EINVAL "do not nest" drive-attach dev="$name" host="$host"
	spare pnvme-b
	echo 'start=2048, size=200000' | sfdisk -q "$dev" || fail sfdisk
	part=${dev}p1
	wait_for test -b "$part"
	refused EINVAL "is a partition" drive-adopt dev="$part" uuid="$(new_uuid)" host="$host"
	mkfs.ext4 -q "$part"
	mkdir -p "$PNVME_WORK/m"
	# ext4 would write to it by itself, some time
	mount -o ro "$part" "$PNVME_WORK/m"
	untouched "$dev" refused EBUSY "in use" drive-adopt dev="$dev" uuid="$(new_uuid)" host="$host"
	umount "$PNVME_WORK/m"
	blank "$dev"
	blockdev --rereadpt "$dev"
	modprobe -q loop || true
	truncate -s 8M "$PNVME_WORK/small"
	loop=$(losetup -f --show "$PNVME_WORK/small")
	refused ENOSPC "too small" drive-adopt dev="$loop" uuid="$(new_uuid)" host="$host" any
	losetup -d "$loop"
	truncate -s 64M "$PNVME_WORK/other"
	loop=$(losetup -f --show "$PNVME_WORK/other")
	refused EOPNOTSUPP "not an NVMe drive" drive-adopt dev="$loop" uuid="$(new_uuid)" host="$host"
	cmp -n 67108864 "$PNVME_WORK/other" /dev/zero || fail "it was written"
	adopt "$loop" any
	has proof weak
	detach "$uuid"
	losetup -d "$loop"
	loop=$(losetup -r -f --show "$PNVME_WORK/other")
	attach "$loop"
	has read-only 1
	detach "$uuid"
	losetup -d "$loop"
}

# A label in any one slot, in whatever state, is in the way of adopting.
test_adopt_over()
{
	: "adopting over a label"
	local slot
	begin
	spare pnvme-a
	adopt "$dev"
	detach "$uuid"
	label "$dev" save "$PNVME_WORK/label"
	for slot in 0 1 2 3; do
		blank "$dev"
		label "$dev" restore "$PNVME_WORK/label" "$slot"
		untouched "$dev" refused EEXIST "a pnvme label (slot $slot)" drive-adopt dev="$dev" uuid="$uuid" host="$host" dirty any
		label "$dev" flip "$slot"
		untouched "$dev" refused EEXIST "a damaged pnvme label (slot $slot)" drive-adopt dev="$dev" uuid="$uuid" host="$host"
	done
	label "$dev" restore "$PNVME_WORK/label"
	label "$dev" set 2 version=7
	label "$dev" zero 0 1 3
	untouched "$dev" refused EEXIST "unknown version (slot 2)" drive-adopt dev="$dev" uuid="$uuid" host="$host"
}

# Drives with an NGUID of our choice.
test_strong_identity()
{
	: "strong identity"
	local target=$pnvme_dir/nvmet_target nguid=00112233-4455-6677-8899-aabbccddee0 first second disk
	begin
	"$target" begin || skip "no NVMe target here, neither loop nor tcp"
	null_disk target2 32
	second=$dev
	null_disk target1 32
	disk=$dev
	defer "$target" clear
	defer "$NL_ABI" detach-all
	first=$("$target" add pnvme-t1 "$disk" "${nguid}1")
	second=$("$target" add pnvme-t2 "$second" "${nguid}2")
	adopt "$first"
	has proof strong
	has hwid-type 2
	has hwid "${nguid}1"
	has serial pnvme-t1
	granted ns-create drive="$uuid" name=one size=1M
	clone "$first" "$second"
	untouched "$second" refused EEXIST "already attached as pnvme" drive-attach dev="$second" host="$host"
	detach "$uuid"
	clone "$first" "$second"
	untouched "$second" refused ENOTUNIQ "hardware ID differs" drive-attach dev="$second" host="$host"
	# the drive in another controller: the hardware ID is what counts
	"$target" remove pnvme-t1
	first=$("$target" add pnvme-t3 "$disk" "${nguid}1")
	attach "$first"
	has serial pnvme-t3
	granted ns-get name=one
}

# SLOT: an update cannot write it, half way; the old or the new content is found later, whole
update_fails_at()
{
	local slots first bad=/sys/kernel/config/nullb/labeltest/badblocks
	read -ra slots <<< "$(slots_of "$dev")"
	first=$((slots[$1] / 512))
	watch_events
	echo "+$first-$((first + 63))" > "$bad"
	refused EIO "cannot be written" ns-rename name=old new-name=new
	event_came type=label-lost
	refused EIO "detach and attach" ns-rename name=old new-name=new
	nl ns-get name=old || fail "it is called new, although that failed"
	detach "$uuid"
	echo "-$first-$((first + 63))" > "$bad"
	attach "$dev"
	# the very first write failed: nothing was there to repair
	has repaired $(($1 != 0))
	nl_abi equal "$dev"
	if nl ns-get name=new; then
		granted ns-rename name=new new-name=old
	else
		granted ns-get name=old
	fi
}

test_write_errors()
{
	: "label updates that fail"
	local slot
	begin
	null_disk labeltest 64 || skip "no null_blk with memory here"
	adopt "$dev" any
	granted ns-create drive="$uuid" name=old size=1M
	for slot in 0 1 2 3; do
		update_fails_at "$slot"
	done
	detach "$uuid"
}

pnvme_main "$@"
