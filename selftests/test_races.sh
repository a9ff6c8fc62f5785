#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Many at once, and things that go while they are used.
#
# shellcheck disable=SC2119	# load_module may take parameters of the module

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$pnvme_dir/nl_lib.sh"

NL_STORM=${NL_ABI%nl_abi}nl_storm
BENCH_LOAD=${NL_ABI%nl_abi}bench_load

# NAME SIZE [ITEM...] on the drive $uuid: its node in $node
create()
{
	granted ns-create drive="$uuid" name="$1" size="$2" "${@:3}"
	await_live "$1"
	node=/dev/$(field device)
}

# N: on the debug kernel, which is several times slower, a quarter unless PNVME_LONG says otherwise
rounds() { if is_debug_kernel && [ -z "${PNVME_LONG:-}" ]; then echo $((($1 + 3) / 4)); else echo "$1"; fi; }

test_storm()
{
	: "create, delete, rename, resize, dump, open, detach by six processes on two drives"
	local first first_uuid
	begin
	spare pnvme-a
	first=$dev
	adopt "$dev"
	first_uuid=$uuid
	spare pnvme-b
	adopt "$dev"
	"$NL_STORM" "$(rounds 10)" "$host" "$first" "$first_uuid" "$dev" "$uuid" >&2
	nl_abi detach-all
	nl_abi equal "$first"
	nl_abi equal "$dev"
	attach "$first"
	attach "$dev"
}

# Exactly one of two that run at the same time may be granted
one_wins()
{
	local pids=() wins=0 pid
	nl_abi "$@" > "$PNVME_WORK/race" &
	pids+=($!)
	nl_abi "${other[@]}" > "$PNVME_WORK/race2" &
	pids+=($!)
	for pid in "${pids[@]}"; do
		! wait "$pid" || wins=$((wins + 1))
	done
	[ "$wins" = 1 ] || { cat "$PNVME_WORK"/race*; fail "$wins of two were granted: $*"; }
	grep -qh '^error=\(EEXIST\|EBUSY\|ENOENT\)$' "$PNVME_WORK"/race*
}

test_clone_race()
{
	: "a drive and its clone are attached at once: one wins"
	local first round major minor
	begin
	null_disk race1 32
	first=$dev
	null_disk race2 32
	defer "$NL_ABI" detach-all
	adopt "$first" any
	create one 1M
	detach "$uuid"
	dd if="$first" of="$dev" bs=1M iflag=direct oflag=direct status=none
	IFS=: read -r major minor < "/sys/block/${dev#/dev/}/dev"
	other=("do" drive-attach major="$major" minor="$minor" host="$host")
	for ((round = 1; round <= $(rounds 12); round++)); do
		echo "round $round" >&2
		one_wins "do" drive-attach dev="$first" host="$host"
		detach "$uuid"
		cmp <(dd if="$first" bs=64k skip=1 count=1 status=none iflag=direct) \
			<(dd if="$dev" bs=64k skip=1 count=1 status=none iflag=direct) > /dev/null ||
			dd if="$first" of="$dev" bs=1M iflag=direct oflag=direct status=none
	done
}

test_name_race()
{
	: "two namespaces of one name are created at once on two drives: one wins"
	local first_uuid round
	begin
	spare pnvme-a
	adopt "$dev"
	first_uuid=$uuid
	spare pnvme-b
	adopt "$dev"
	for ((round = 1; round <= $(rounds 10); round++)); do
		other=("do" ns-create drive="$first_uuid" name="n$round" size=1M)
		one_wins "do" ns-create drive="$uuid" name="n$round" size=1M
		other=("do" ns-delete name="n$round")
		one_wins "do" ns-delete name="n$round"
	done
}

# A disk on which zeroing takes its time
slow_zeroing()
{
	null_disk slow 96 mbps=16
	defer "$NL_ABI" detach-all
	adopt "$dev" any
	create old 64M
	granted ns-delete name=old
	granted ns-create drive="$uuid" name=new size=64M
	has state zeroing
}

test_cancel_zeroing()
{
	: "zeroing can be watched and cancelled; a drive that zeroes is not detached"
	local free
	begin
	slow_zeroing
	refused EBUSY "being zeroed" drive-detach uuid="$uuid"
	refused EBUSY "being zeroed" ns-resize name=new size=80M
	refused EEXIST "already is a namespace new" ns-create drive="$uuid" name=new size=1M
	granted drive-get uuid="$uuid"
	free=$(field free)
	echo "while zeroing $free bytes are free" >&2
	granted ns-delete name=new
	refused ENOENT "no namespace new" ns-get name=new
	label "$dev" show | tee "$PNVME_WORK/label" | grep ^dirty >&2
	grep -qx dirty0.bytes=67108864 "$PNVME_WORK/label"
	detach "$uuid"
}

test_unload()
{
	: "the module unloads with drives attached and while it zeroes, but not with a namespace open"
	begin
	slow_zeroing
	unload_module
	load_module
	attach "$dev"
	has namespaces 0
	detach "$uuid"
	spare pnvme-a
	adopt "$dev"
	create one 8M
	exec 9< "$node"
	must_fail rmmod pnvme
	[ "$(dd bs=4k count=1 status=none <&9 | wc -c)" = 4096 ]
	exec 9<&-
	unload_module
	[ ! -e "$node" ]
	python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_EXCL)' "$dev"
	load_module
	attach "$dev"
	[ -b "$node" ]
}

lose_drive()
{
	local pci pids pid
	begin
	spare pnvme-c
	adopt "$dev"
	# what is held instead is in test_hold.sh
	granted drive-set uuid="$uuid" hold-timeout=0
	create kept 8M
	dd if="$pnvme_text" of="$node" bs=4k oflag=direct conv=notrunc,sync status=none
	create busy 64M
	watch_events
	pci=$(pci_of pnvme-c)
	"$BENCH_LOAD" "$node" read 4096 8 1000 forever >&2 &
	pids=($!)
	"$BENCH_LOAD" "$node" write 4096 8 1000 forever >&2 &
	pids+=($!)
	wait_for pnvme_io_seen
	"$1" "$pci"
	for pid in "${pids[@]}"; do
		if wait "$pid"; then fail "I/O went on without the drive"; fi
	done
	wait_for drive_is failed
	[ "$(field reason)" = "the drive is gone" ]
	event_came type=drive-fail
	[ "$(cat "/sys/class/pnvme/pnvme$(field instance)/state")" = failed ]
	must_fail dd if="$node" of=/dev/null bs=4k count=1 iflag=direct status=none
	refused ENODEV "not live" ns-create drive="$uuid" name=x size=1M
	back_on_the_bus
	wait_for 30 spare pnvme-c
	# it is the same one, and goes on
	wait_for nl drive-attach dev="$dev" host="$host"
	drive_is live
	has namespaces 2
	detach "$uuid"
	attach "$dev"
	has namespaces 2
	nl ns-get name=kept
	cmp -n "$(stat -c %s "$pnvme_text")" "$pnvme_text" "/dev/$(field device)"
}

pnvme_io_seen()
{
	local f
	read -ra f < "/sys/block/${node#/dev/}/stat"
	[ "${f[0]}" -gt 50 ] && [ "${f[4]}" -gt 50 ]
}

test_orderly_removal()
{
	: "a drive is removed under I/O in an orderly way"
	[ -n "${PNVME_VM:-}" ] || skip "only in a test machine"
	lose_drive orderly_remove
}

test_surprise_removal()
{
	: "a drive is torn out under I/O"
	[ -n "${PNVME_VM:-}" ] || skip "only in a test machine"
	lose_drive surprise_remove
}

# Memory that is not there: each allocation of an operation fails in turn.

faults_begin()
{
	local knob
	if [ ! -e /proc/self/fail-nth ] || [ ! -d /sys/kernel/debug/failslab ]; then
		skip "no fault injection in this kernel"
	fi
	# fail-nth counts through all kinds; none is to dump its stack
	for knob in /sys/kernel/debug/fail*/verbose; do
		echo 0 > "$knob"
	done
	# the page allocator reports what it could not give, with its stack; whatever
	# is wrong with us comes with a BUG, WARNING or sanitizer line as well
	expect_log 'Call Trace:'
	for knob in failslab fail_page_alloc; do
		echo N > "/sys/kernel/debug/$knob/ignore-gfp-wait"
	done
}

test_no_memory_create()
{
	: "no memory while a namespace is created, resized, renamed"
	begin
	faults_begin
	spare pnvme-a
	adopt "$dev"
	nl_abi fault 4 ns-create drive="$uuid" name=one size=1M keep-data -- ns-delete name=one >&2
	granted ns-create drive="$uuid" name=one size=1M keep-data
	nl_abi fault 1 ns-rename name=one new-name=two -- ns-rename name=two new-name=one >&2
	nl_abi fault 1 ns-resize name=one size=2M keep-data -- ns-resize name=one size=1M force >&2
	detach "$uuid"
	nl_abi equal "$dev"
}

test_no_memory_attach()
{
	: "no memory while a drive is adopted, attached, detached"
	begin
	faults_begin
	spare pnvme-a
	uuid=$(new_uuid)
	nl_abi fault 4 drive-adopt dev="$dev" uuid="$uuid" host="$host" -- drive-detach uuid="$uuid" \
		-- drive-erase dev="$dev" uuid="$uuid" host="$host" >&2
	granted drive-adopt dev="$dev" uuid="$uuid" host="$host"
	granted ns-create drive="$uuid" name=one size=1M
	detach "$uuid"
	nl_abi fault 4 drive-attach dev="$dev" host="$host" -- drive-detach uuid="$uuid" >&2
	nl_abi equal "$dev"
	attach "$dev"
	has namespaces 1
}

pnvme_main "$@"
