#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A drive that loses power in the middle of a label update, cut in every place. All writes to a
# drive are logged (dm-log-writes) while everything that changes a label is done; replay_log makes
# of that what the drive would hold, judges it, and has the module attach it.
#
# PNVME_CRASH_CUTS=N: so many cuts at random are attached (default 200). PNVME_LONG=1: many
# more states, also of two writes torn in one cache.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$(dirname "$0")/nl_lib.sh"

if [ -n "${PNVME_LONG:-}" ]; then TIMEOUT=900; fi
MIB=32
cuts=${PNVME_CRASH_CUTS:-${PNVME_LONG:+2000}}
cuts=${cuts:-200}
replay=$PNVME_TOP/build/selftests/replay_log
[ -x "$replay" ] || replay=$pnvme_dir/replay_log

replay()
{
	"$replay" "$PNVME_WORK/writes" $((MIB << 20)) "$@"
}

# NAME COMMAND...: and a mark behind it in the log
marked()
{
	"${@:2}"
	dmsetup message pnvme-log 0 mark "$1"
}

# SLOT...: of the logged drive, by something else than the module
lose()
{
	local slots slot
	read -ra slots <<< "$(slots_of "$logged")"
	for slot; do
		quiet_dd if=/dev/zero of="$logged" bs=32k seek=$((slots[slot] / 32768)) count=1 oflag=direct conv=notrunc,fsync
	done
}

# SLOT: what it holds, to a file and back
slot_file()
{
	local slots
	read -ra slots <<< "$(slots_of "$logged")"
	if [ "$1" = save ]; then
		quiet_dd if="$logged" of="$PNVME_WORK/old" bs=32k skip=$((slots[$2] / 32768)) count=1 iflag=direct
	else
		quiet_dd if="$PNVME_WORK/old" of="$logged" bs=32k seek=$((slots[$2] / 32768)) oflag=direct conv=notrunc,fsync
	fi
}

# All that changes a label, and what the label says then: updates, namespaces.
steps()
{
	marked adopt adopt "$logged" any
	marked create granted ns-create drive="$uuid" name=one size=4M
	marked create-second granted ns-create drive="$uuid" name=two size=2M
	marked grow granted ns-resize name=two size=6M
	marked shrink granted ns-resize name=two size=3M force
	marked rename granted ns-rename name=two new-name=zwei
	marked set-namespace granted ns-set name=one read-only=1 policy=admin
	marked set-drive granted drive-set uuid="$uuid" latency=9 hold-timeout=5
	marked delete granted ns-delete name=one
	marked detach detach "$uuid"
	marked attach attach "$logged"
	marked release detach "$uuid" release
	marked attach-released attach "$logged"
	marked detach detach "$uuid"

	# a repair may be cut as well: of copies that are lost, and of an update that was cut
	lose 0 2
	marked attach-repairs attach "$logged"
	has repaired 1
	slot_file save 0
	marked create-third granted ns-create drive="$uuid" name=three size=1M keep-data
	marked detach detach "$uuid"
	slot_file restore 1
	slot_file restore 3
	marked attach-half-done attach "$logged"
	has repaired 1
	marked detach detach "$uuid"
	marked erase granted drive-erase dev="$logged" host="$host" uuid="$uuid"
	marked adopt-again adopt "$logged" any
	marked detach detach "$uuid"
	lose 1
	marked erase-damaged granted drive-erase dev="$logged" host="$host" uuid="$uuid"
}

expected_steps()
{
	cat <<- END
		adopt: 1
		create: 1 one=4M
		create-second: 1 one=4M two=2M
		grow: 1 one=4M two=6M
		shrink: 1 one=4M two=3M
		rename: 1 one=4M zwei=3M
		set-namespace: 1 one=4M zwei=3M
		set-drive: 1 one=4M zwei=3M
		delete: 1 zwei=3M
		detach: 0 zwei=3M
		attach: 1 zwei=3M
		release: 1 zwei=3M
		attach-released: 1 zwei=3M
		detach: 0 zwei=3M
		attach-repairs: 1 zwei=3M
		create-third: 1 three=1M zwei=3M
		detach: 0 three=1M zwei=3M
		attach-half-done: 1 three=1M zwei=3M
		detach: 0 three=1M zwei=3M
		erase: 1 none
		adopt-again: 1
		detach: 0
		erase-damaged: 1 none
		dm-log-writes-end: 0 none
	END
}

# Once for all tests: the log of all that, in a file
recorded()
{
	local lower log sectors
	command -v dmsetup > /dev/null || skip "no dmsetup here"
	modprobe -q dm-log-writes || skip "no dm-log-writes here"
	[ ! -e "$PNVME_WORK/writes" ] || return 0
	null_disk crash-drive "$MIB"
	lower=$dev
	null_disk crash-log 64
	log=$dev
	dmsetup create pnvme-log --table "0 $((MIB << 11)) log-writes $lower $log"
	defer dmsetup remove --retry pnvme-log
	defer "$NL_ABI" detach-all
	dmsetup mknodes pnvme-log
	logged=$(realpath /dev/mapper/pnvme-log)
	steps
	sectors=$(dmsetup status pnvme-log | awk '{ print $5 }')
	dmsetup remove --retry pnvme-log
	sed -i '/pnvme-log/d' "$PNVME_WORK/defer"
	# the mark at the end comes behind what the status told of
	quiet_dd if="$log" of="$PNVME_WORK/writes" bs=512 count=$((sectors + 8)) iflag=direct
}

test_every_cut()
{
	: "each update cut at each write and torn at each sector: old or new content"
	begin
	recorded
	replay list > "$PNVME_WORK/list"
	diff <(expected_steps) "$PNVME_WORK/list" || fail "not the updates that there should be"
	replay judge cut torn tail lost pairs ${PNVME_LONG:+both}
}

test_attached()
{
	: "attached after each write, and after each sector of one update"
	begin
	recorded
	null_disk crash-target "$MIB"
	replay attach "$dev" "$host" cut
	replay attach "$dev" "$host" -m rename torn
}

test_random_cuts()
{
	: "attached after cuts at random"
	local seed=$RANDOM
	begin
	recorded
	null_disk crash-target "$MIB"
	echo "seed $seed"
	replay attach "$dev" "$host" -n "$cuts" -s "$seed" cut torn tail lost
}

test_two_copies_lost()
{
	: "any two copies destroyed, of each state within an update: the newest is attached"
	begin
	recorded
	null_disk crash-target "$MIB"
	replay attach "$dev" "$host" -m rename pairs
}

# FROM BYTES REPAIRED: zeros there, on a drive with fence and data
zeroed()
{
	quiet_dd if=/dev/zero of="$dev" bs=4k seek=$(($1 / 4096)) count=$(($2 / 4096)) oflag=direct conv=notrunc,fsync
	blockdev --flushbufs "$dev"
	watch_events
	run pnvme drive attach "$dev"
	granted drive-get uuid="$uuid"
	has repaired "$3"
	[ "$3" = 0 ] || event_came type=label-repair
	nl_abi equal "$dev"
	nl ns-get name=keep || fail "the namespace is lost"
	[ "$(part_sum "/dev/$(field device)" 0 2)" = "$sum" ] || fail "its data is not what it was"
	detach "$uuid"
	kill %%
}

# Fence and labels, as the command leaves them
fenced()
{
	spare "$1"
	run pnvme drive adopt "$dev"
	uuid=$(label_field "$dev" drive_uuid)
	create keep 2M
	fill "$node" 0 2
	sum=$(part_sum "$node" 0 2)
	detach "$uuid"
}

test_ends_zeroed()
{
	: "either end of a drive zeroed, or what firmware was seen to zero: attached, repaired, and said"
	local size sum
	begin
	fenced pnvme-a
	size=$(blockdev --getsize64 "$dev")
	zeroed 0 $((1 << 20)) 1
	zeroed $((size - (1 << 20))) $((1 << 20)) 1
	# with these blocks the partition table is all that lies there
	fenced pnvme-4k
	zeroed $((0x1000)) $((0x3000)) 0
	run pnvme drive examine "$dev"
}

pnvme_main "$@"
