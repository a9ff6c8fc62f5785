#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Seals: what is sampled, what breaks them and when, what verifying says after a loss.
# shellcheck disable=SC2317,SC2119	# functions are called by their names

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$(dirname "$0")/nl_lib.sh"

# SIZE: a namespace "data" on a drive of its own: $dev, $uuid, $node, $start
sealable()
{
	begin
	spare pnvme-a
	run pnvme drive adopt "$dev"
	nl drive-get uuid="$(pnvme -j drive show "$dev" | json '.drives[0].uuid')"
	uuid=$(field uuid)
	create data "$1"
}

again()
{
	run pnvme drive detach pnvme0
	run pnvme drive attach "$dev"
}

seal() { run pnvme ns seal data "$@"; }

# REGEX: verifying says so, and nothing is wrong
matches()
{
	echo "\$ pnvme ns verify data" >&2
	pnvme ns verify data > "$PNVME_WORK/said" || fail "exit status $?: pnvme ns verify data"
	show_text "$PNVME_WORK/said" >&2
	a_line_matches "$1" "$PNVME_WORK/said" || fail "verify does not say '$1'"
}

is_broken() { nl ns-get name=data && [ "$(field seal)" = broken ]; }
is_sealed() { nl ns-get name=data && [ "$(field seal)" = sealed ]; }

# The state of the first namespace's seal in each copy on the drive: none 0, whole 1, broken 2
seal_on_drive()
{
	local at
	for at in $(slots_of "$dev"); do
		dd if="$dev" bs=4096 skip=$((at / 4096 + 3)) count=1 iflag=direct status=none |
			od -An -tu1 -j128 -N1
	done | tr -d ' \n'
}

# BLOCK [COUNT]: through the namespace
write_block()
{
	dd if="$pnvme_text" of="$node" bs=4096 seek="$1" count="${2:-1}" oflag=direct conv=notrunc status=none
}

# BLOCK [SOURCE]: on the drive itself, behind the back of all
harm()
{
	dd if="${2:-/dev/zero}" of="$dev" bs=4096 seek=$((start / 4096 + $1)) count=1 oflag=direct conv=notrunc status=none
}

test_seal_and_verify()
{
	: "sealed, detached and attached, verified: with the list of the host and without"
	sealable 32M
	fails_with 1 "data was never sealed.*pnvme ns seal data" pnvme ns verify data
	fails 1 "nothing but zeros" pnvme ns seal data
	is_broken && fail "it is broken, and never was sealed"
	has seal none
	fill "$node" 3 1
	write_block 8191
	run pnvme -n ns seal data
	has seal none
	[ "$(seal_on_drive)" = 0000 ]
	pnvme ns seal data > "$PNVME_WORK/said"
	a_line_matches "all 257 data blocks of its 8192 were sampled" "$PNVME_WORK/said"
	[ "$(seal_on_drive)" = 1111 ]
	again
	matches "data: all 257 data blocks match"
	[ "$(stat -c %a "/var/lib/pnvme/seals/$(nl ns-get name=data; field uuid).seal")" = 600 ]
	rm -r /var/lib/pnvme/seals
	matches "data: all 257 data blocks match"
	pnvme -j ns verify data > "$PNVME_WORK/said"
	[ "$(json .verified[0].{result,samples,matched,complete} < "$PNVME_WORK/said")" = $'match\n257\n257\ntrue' ]
	[ "$(pnvme -j ns show data | json .namespaces[0].{seal,seal_samples,seal_looked})" = $'sealed\n257\n8192' ]
	pnvme ns show data | grep "257 samples of 8192 blocks"
	# another namespace has no part in it
	granted ns-create drive="$uuid" name=other size=1M
	granted ns-rename name=data new-name=tada
	granted ns-rename name=tada new-name=data
	is_sealed
	granted ns-delete name=data
	[ "$(seal_on_drive)" = 0000 ]
}

test_confidence()
{
	: "4096 of many blocks: what that proves; the samples are the same however they are found"
	sealable 17M
	fill "$node" 0 17
	seal
	matches "data: 4096 of 4096 match: with 99.9 % confidence fewer than 0.17 % of the data blocks changed"
	seal --samples=200
	matches "data: 200 of 200 match: with 99.9 % confidence fewer than 3.4 % of the data blocks changed"
	# 272 blocks are looked at one by one before all is read: one finds them, the other does not
	nl ns-get name=data
	[ "$(field seal-looked)" = 200 ] || fail "it looked at $(field seal-looked) blocks for 200 that are full"
	rm -r /var/lib/pnvme/seals
	matches "200 of 200 match"
	fails 2 "takes a number from 1 to 1048576" pnvme ns seal data --samples=0
}

test_first_write_breaks()
{
	: "the first write breaks the seal, on the drive, before it reaches the data"
	local tracing=/sys/kernel/tracing i sequence
	sealable 32M
	fill "$node" 0 1
	seal
	nl drive-get uuid="$uuid"
	sequence=$(field sequence)
	# what changes nothing breaks nothing
	dd if="$node" of=/dev/null bs=1M count=2 iflag=direct status=none
	blockdev --flushbufs "$node"
	dd if=/dev/null of="$node" conv=notrunc,fsync status=none
	is_sealed
	watch_events
	echo > "$tracing/trace"
	defer sh -c "echo 0 > $tracing/events/block/block_rq_issue/enable; echo 0 > $tracing/events/block/block_rq_complete/enable"
	echo 1 > "$tracing/events/block/block_rq_issue/enable"
	echo 1 > "$tracing/events/block/block_rq_complete/enable"
	for i in {1..8}; do
		write_block $((4096 + i)) &
	done
	for i in {1..8}; do
		wait -n
	done
	echo 0 > "$tracing/events/block/block_rq_issue/enable"
	is_broken
	[ "$(seal_on_drive)" = 2222 ]
	awk -v data=$((start / 512 + 8 * 4097)) -v slots="$(slots_of "$dev")" '
		BEGIN { split(slots, s); for (i in s) label[s[i] / 512] = 1 }
		{ for (i = 1; i < NF && $i != "+"; i++) at = $i }
		/block_rq_complete: .* W/ && at in label { done++ }
		/block_rq_issue: .* W/ && at >= data && at < data + 64 {
			issued++
			if (done != 4) { print "a write went down when " done + 0 " copies said so"; bad = 1 }
		}
		END { if (issued < 1 || bad) exit 1 }' "$tracing/trace" >&2 ||
		fail "the order is wrong:"$'\n'"$(grep -v '^#' "$tracing/trace")"
	# once for all of them
	nl drive-get uuid="$uuid"
	[ "$(field sequence)" = $((sequence + 1)) ] || fail "$(($(field sequence) - sequence)) label updates"
	event_came type=ns-seal-broken
	for i in {1..8}; do
		cmp -n 4096 "$pnvme_text" <(dd if="$node" bs=4096 skip=$((4096 + i)) count=1 iflag=direct status=none)
	done
	fails 3 "the seal of data, of 20.*, was broken by a write.*nothing can be said.*no sign of loss" pnvme ns verify data
	again
	fails 3 "was broken by a write" pnvme ns verify data
	[ "$({ pnvme -j ns verify data || true; } | json '.verified[0].result')" = broken ]
	# it can be sealed anew
	seal
	matches "264 data blocks match"
}

test_what_breaks()
{
	: "discard, write-zeroes, NOWAIT, polled and late writes, resize; read-only keeps it"
	sealable 32M
	fill "$node" 0 1
	seal
	blkdiscard -o 16M -l 1M "$node"
	is_broken
	seal
	blkdiscard -z -o 16M -l 1M "$node"
	is_broken
	seal
	# refused or broken, never waited for; it is asked for by that alone
	python3 -S -E - "$node" <<- 'EOF'
		import mmap, os, sys, time
		fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
		block = mmap.mmap(-1, 4096)
		block[:] = b"x" * 4096
		try:
		    os.pwritev(fd, [block], 20 << 20, os.RWF_NOWAIT)
		    sys.exit("a NOWAIT write passed a seal")
		except BlockingIOError:
		    pass
		for i in range(500):
		    try:
		        sys.exit(os.pwritev(fd, [block], 20 << 20, os.RWF_NOWAIT) != 4096)
		    except BlockingIOError:
		        time.sleep(0.01)
		sys.exit("a NOWAIT write never passed")
	EOF
	is_broken
	seal
	python3 -S -E - "$node" <<- 'EOF'
		import mmap, os, sys
		fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
		block = mmap.mmap(-1, 4096)
		block[:] = b"y" * 4096
		sys.exit(os.pwritev(fd, [block], 21 << 20, os.RWF_HIPRI) != 4096)
	EOF
	is_broken
	seal
	# behind the end of the namespace, or to one that is read-only: refused before
	granted ns-set name=data read-only=1
	must_fail write_block 7
	is_sealed
	granted ns-set name=data read-only=0
	is_sealed
	granted ns-resize name=data size=33M
	is_broken
	seal
	granted ns-resize name=data size=16M force
	is_broken
	[ "$(seal_on_drive)" = 2222 ]
	nl_abi equal "$dev"
}

test_written_while_sampled()
{
	: "a write while it is sampled, or before somebody else's token"
	local first
	sealable 32M
	fill "$node" 0 1
	granted ns-seal-begin name=data
	first=$(field seal-token)
	write_block 9
	refused ESTALE "was written to while it was sampled" ns-seal name=data seal-token="$first" \
		seal-samples=1 seal-looked=1 seal-seed="$host" seal-digest="$(printf '%064d' 1)"
	granted ns-seal-begin name=data
	first=$(field seal-token)
	granted ns-seal-begin name=data
	refused ESTALE "was written to while it was sampled" ns-seal name=data seal-token="$first" \
		seal-samples=1 seal-looked=1 seal-seed="$host" seal-digest="$(printf '%064d' 1)"
	# it is not of that size any more
	granted ns-seal-begin name=data
	first=$(field seal-token)
	granted ns-resize name=data size=31M force
	refused ESTALE "was written to while it was sampled, or resized" ns-seal name=data seal-token="$first" \
		seal-samples=1 seal-looked=1 seal-seed="$host" seal-digest="$(printf '%064d' 1)"
	is_sealed && fail "it is sealed"
	# two at once: the one that is not the last is told
	nl ns-get name=data
	has seal none
	# mounted: its next write would break it
	mkfs.ext4 -q "$node"
	mkdir "$PNVME_WORK/mnt"
	defer umount -q "$PNVME_WORK/mnt"
	mount "$node" "$PNVME_WORK/mnt"
	fails 6 "data .* is mounted or otherwise in use" pnvme ns seal data
	umount "$PNVME_WORK/mnt"
	seal
	mount "$node" "$PNVME_WORK/mnt"
	echo text > "$PNVME_WORK/mnt/file"
	umount "$PNVME_WORK/mnt"
	is_broken
}

test_losses()
{
	: "loss is told from a broken seal: a wiped drive that was 99 % empty, one block of many"
	sealable 32M
	fill "$node" 5 1
	seal
	pnvme drive detach pnvme0
	harm $((5 * 256 + 17)) "$pnvme_text"
	run pnvme drive attach "$dev"
	fails 3 "data has lost data: only 255 of 256 samples match.* 1 differ, the first at byte $((5 * 1048576 + 17 * 4096))" \
		pnvme ns verify data
	[ "$({ pnvme -j ns verify data || true; } | json .verified[0].{result,matched})" = $'differs\n255' ]
	mv /var/lib/pnvme/seals "$PNVME_WORK/"
	fails 3 "of its 256 samples not all match.*, 256 blocks hold data now" pnvme ns verify data
	mv "$PNVME_WORK/seals" /var/lib/pnvme/
	# data where there was none, which no sample tells
	pnvme drive detach pnvme0
	blkdiscard -z -o "$start" -l 32M "$dev"
	run pnvme drive attach "$dev"
	fails 3 "data has lost data: only 0 of 256 samples match" pnvme ns verify data
	rm -r /var/lib/pnvme/seals
	fails 3 "of its 256 samples not all match.*, 0 blocks hold data now" pnvme ns verify data
	# a list of another seal is none
	fill "$node" 5 1
	seal
	sed -i '2s/^[0-9]*/12/' /var/lib/pnvme/seals/*.seal
	fails 0 "is not the one of this seal" pnvme ns verify data
}

# TABLE: the drive below is about to become that
below_will_be()
{
	dmsetup reload pnvme-seal --table "$1"
}

below_changes()
{
	dmsetup suspend --noflush pnvme-seal
	dmsetup resume pnvme-seal
}

below_is()
{
	below_will_be "$1"
	below_changes
}

# A sealed namespace on a drive that can be made to fail: $lower, $sectors, $good
sealed_on_dm()
{
	command -v dmsetup > /dev/null || skip "no dmsetup here"
	begin
	spare pnvme-a
	lower=$dev
	sectors=$(blockdev --getsz "$lower")
	good="0 $sectors linear $lower 0"
	dmsetup create pnvme-seal --table "$good"
	defer dmsetup remove --retry pnvme-seal
	defer "$NL_ABI" detach-all
	dmsetup mknodes pnvme-seal
	dev=$(readlink -f /dev/mapper/pnvme-seal)
	adopt "$dev" any
	create data 8M
	fill "$node" 0 1
	seal
}

test_trouble_passes()
{
	: "errors that may be the beginning of a loss: the write waits, and is done if they pass"
	local lower sectors good writer
	# the module waits for two seconds; a process on that kernel may take as long to start
	if is_debug_kernel; then skip "this kernel is too slow for errors that pass in time"; fi
	sealed_on_dm
	below_is "0 $sectors error"
	below_will_be "$good"
	write_block 1000 &
	writer=$!
	# less than what it takes to know of a loss; while it changes I/O waits
	sleep 0.3
	below_changes
	wait "$writer" || fail "the write failed"
	is_broken
	[ "$(seal_on_drive)" = 2222 ]
	cmp -n 4096 "$pnvme_text" <(dd if="$node" bs=4096 skip=1000 count=1 iflag=direct status=none)
}

test_label_cannot_be_written()
{
	: "a write fails rather than pass a seal that cannot be broken"
	local lower sectors good bad
	modprobe -q dm_flakey || modprobe -q dm-flakey || true
	sealed_on_dm
	# slot 1 and what is around it reads and does not write
	bad="0 1024 linear $lower 0"$'\n'"1024 64 flakey $lower 1024 0 10000 1 error_writes"$'\n'
	bad+="1088 $((sectors - 1088)) linear $lower 1088"
	below_is "$bad"
	must_fail write_block 1000
	is_zero "$node" 3 1
	must_fail write_block 1000
	is_sealed
	matches "all 256 data blocks match"
	below_is "$good"
	detach "$uuid"
	attach "$dev"
	is_sealed
	matches "all 256 data blocks match"
	write_block 1000
	is_broken
	[ "$(seal_on_drive)" = 2222 ]
}

is_attached_again() { pnvme drive attach "$(drive_by_serial pnvme-a)"; }
one_waits() { nl ns-get name=data && [ "$(field held)" = 1 ]; }

# Starts a write that waits for its seal to be broken, and tears the drive out: $writer
torn_out_at_first_write()
{
	local pci
	pci=$(pci_of pnvme-a)
	# from here on it answers nothing, so the write is never ahead of the loss
	poke "$pci" 4 '\0\0'
	write_block "$1" &
	writer=$!
	sleep 0.5
	kill -0 "$writer"
	surprise_remove "$pci"
	wait_for drive_is held
	wait_for one_waits
	is_sealed
}

test_torn_out()
{
	: "torn out while a seal is broken: the write is done after the return; given up, it breaks nothing"
	local writer
	[ -n "${PNVME_VM:-}" ] || skip "only in a test machine"
	sealable 8M
	fill "$node" 0 1
	seal
	defer bash -c 'echo 1 > /sys/bus/pci/rescan; for i in {1..100}; do ! grep -qs "pnvme-a" /sys/class/nvme/nvme*/serial || exit 0; sleep 0.1; done'
	defer "$NL_ABI" "do" drive-fail uuid="$uuid"
	torn_out_at_first_write 1000
	back_on_the_bus
	wait_for 30 drive_is live
	wait "$writer" || fail "the write failed"
	is_broken
	dev=/dev/$(nl drive-get uuid="$uuid"; field device)
	[ "$(seal_on_drive)" = 2222 ]
	seal
	torn_out_at_first_write 1001
	granted drive-fail uuid="$uuid"
	if wait "$writer"; then fail "a write to a drive that was given up succeeded"; fi
	back_on_the_bus
	wait_for 30 is_attached_again
	# nor is its seal broken with the next one that is
	create other 1M
	fill "$node" 0 1
	run pnvme ns seal other
	write_block 3
	nl ns-get name=other
	has seal broken
	matches "all 257 data blocks match"
}

test_held()
{
	: "the drive is away: the write waits for it, then for the seal; given up, it fails"
	local pci writer token
	[ -n "${PNVME_VM:-}" ] || skip "only in a test machine"
	sealable 32M
	fill "$node" 0 1
	seal
	pci=$(readlink -f "/sys/block/${dev#/dev/}/device/device")
	defer bash -c 'echo 1 > /sys/bus/pci/rescan; for i in {1..100}; do ! grep -qs "pnvme-a" /sys/class/nvme/nvme*/serial || exit 0; sleep 0.1; done'
	# whatever still waits when this ends early would keep the drive from being detached
	defer "$NL_ABI" "do" drive-fail uuid="$uuid"
	echo 1 > "$pci/remove"
	wait_for drive_is held
	write_block 4000 &
	writer=$!
	wait_for one_waits
	is_sealed
	echo 1 > /sys/bus/pci/rescan
	wait_for 30 drive_is live
	wait "$writer"
	is_broken
	dev=/dev/$(nl drive-get uuid="$uuid"; field device)
	[ "$(seal_on_drive)" = 2222 ]
	seal
	granted ns-seal-begin name=data
	token=$(field seal-token)
	pci=$(readlink -f "/sys/block/${dev#/dev/}/device/device")
	echo 1 > "$pci/remove"
	wait_for drive_is held
	write_block 4001 &
	writer=$!
	wait_for one_waits
	granted drive-fail uuid="$uuid"
	if wait "$writer"; then fail "a write to a drive that was given up succeeded"; fi
	is_sealed
	echo 1 > /sys/bus/pci/rescan
	wait_for 30 is_attached_again
	# what was sampled before may be gone with the cache
	refused ESTALE "its drive went away" ns-seal name=data seal-token="$token" \
		seal-samples=1 seal-looked=1 seal-seed="$host" seal-digest="$(printf '%064d' 1)"
	matches "all 257 data blocks match"
}

pnvme_main "$@"
