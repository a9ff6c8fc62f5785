#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Many drives attached at once. They answer late, as what is measured is whether one is
# waited for after the other: the processor does the same either way.
# shellcheck disable=SC2119	# load_module may take parameters of the module

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$pnvme_dir/nl_lib.sh"

MANY=24
LATENCY=100	# ms, of each read and write
record=/var/lib/pnvme/record.json

# NAME [ATTRIBUTE=VALUE...]: a disk that answers late
slow_disk() { null_disk "$1" 32 irqmode=2 completion_nsec=$((LATENCY * 1000000)) "${@:2}"; }

# The tools are to take us for the host that nl_abi says it is.
be_host()
{
	load_module
	mkdir -p /etc/pnvme
	echo "$host" > /etc/pnvme/hostid
}

# Slow drives, adopted, detached: $devs
many_drives()
{
	local i pids=() pid
	devs=()
	be_host
	for ((i = 0; i < MANY; i++)); do
		slow_disk "many$i"
		devs+=("$dev")
	done
	defer "$NL_ABI" detach-all
	for dev in "${devs[@]}"; do
		adopt "$dev" any &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	nl_abi detach-all
}

# CMD...: its output in $PNVME_WORK/out, how long it took in $ms
timed()
{
	local start=${EPOCHREALTIME/[^0-9]/}
	run "$@" > "$PNVME_WORK/out"
	ms=$(((${EPOCHREALTIME/[^0-9]/} - start) / 1000))
	echo "took $ms ms" >&2
}

# They are attached, and the record knows each of them as it is.
all_there()
{
	[ "$(json '.drives | length' < "$record")" = "$MANY" ] || fail "not all are in the record"
	if grep '"from_roster": *true' "$record"; then fail "the record knows one by a roster alone"; fi
	run pnvme -j status > "$PNVME_WORK/status"
	[ "$(json '.drives[].verdict' < "$PNVME_WORK/status" | grep -c intact)" = "$MANY" ] || fail "not all are attached"
}

# A gate for each drive, as udev starts them
gates()
{
	local pids=() pid
	for dev in "${devs[@]}"; do
		pnvme drive attach --auto "$dev" 2>> "$PNVME_WORK/gates" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	cat "$PNVME_WORK/gates" >&2
	[ ! -s "$PNVME_WORK/gates" ] || fail "they had something to say"
}

test_parallel()
{
	: "24 drives are attached in a third of the time that one after the other takes; and by 24 gates"
	local one how
	many_drives
	# there is no record: each gate makes one, and calls for the labels to be written
	timed gates
	all_there
	[ "$(pnvme -j drive examine "${devs[0]}" | json '.roster | length')" = "$MANY" ] || fail "a label does not have all drives"
	nl_abi detach-all
	timed pnvme drive attach "${devs[0]}"
	one=$ms
	for how in --all "--auto ${devs[*]}"; do
		nl_abi detach-all
		# shellcheck disable=SC2086	# words
		timed pnvme -j drive attach $how
		[ "$ms" -lt $((MANY * one / 3)) ] || fail "$how: $ms ms, one drive takes $one ms"
		[ "$(json '.errors | length' < "$PNVME_WORK/out")" = 0 ]
	done
	[ "$(json '.drives[].device' < "$PNVME_WORK/out" | xargs)" = "${devs[*]}" ] ||
		fail "they are not told in the order in which they were named"
	all_there
}

# DEVICE: what its only namespace is
state_on()
{
	pnvme -j drive show "$1" | json '.namespaces[0].state'
}

test_claims()
{
	: "of drives that claim the same UUID or name the first of the command has it, however slow"
	local slow copy same
	be_host
	slow_disk claims1
	slow=$dev
	null_disk claims2 32
	copy=$dev
	null_disk claims3 32
	same=$dev
	defer "$NL_ABI" detach-all
	for dev in "$slow" "$same"; do
		adopt "$dev" any
		granted ns-create drive="$uuid" name=data size=1M keep-data
		detach "$uuid"
	done
	dd if="$slow" of="$copy" bs=4M iflag=direct oflag=direct status=none
	fails 7 "is already attached as pnvme0 from ${slow#/dev/} .*; ${copy#/dev/} is a copy" \
		pnvme -j drive attach "$slow" "$copy" "$same"
	[ "$(json '.drives[].device' < "$PNVME_WORK/stdout" | xargs)" = "$slow $same" ]
	[ "$(json '.errors[].object' < "$PNVME_WORK/stdout")" = "$copy" ]
	[ "$(state_on "$slow")" = live ]
	[ "$(state_on "$same")" = name-conflict ]
	nl_abi detach-all
	run pnvme drive attach "$same" "$slow"
	[ "$(state_on "$same")" = live ]
	[ "$(state_on "$slow")" = name-conflict ]
	[ "$(json '.drives | length' < "$record")" = 2 ]
}

pnvme_main "$@"
