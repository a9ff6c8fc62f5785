#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What needs fault injection, so the debug kernel, on which the rest of the label and I/O
# tests takes too long: requests of a label update that fail one by one; and each error that
# a drive may tell, how it is told on, and whether it waits for the drive to be known there.
# shellcheck disable=SC2119	# load_module may take parameters of the module

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$pnvme_dir/nl_lib.sh"

# The kernel fails a request when its count is a multiple of the interval, and does not
# forget the count: so the Nth from now on is the interval that is the count then.
fail_counted=0

fail_nth()
{
	local dir=/sys/kernel/debug/fail_make_request
	echo 100 > "$dir/probability"
	echo $((fail_counted + $1)) > "$dir/interval"
	echo 0 > "$dir/space"
	echo 0 > "$dir/verbose"
	echo 1 > "$dir/times"
}

fail_no_more()
{
	local dir=/sys/kernel/debug/fail_make_request interval
	read -r interval < "$dir/interval"
	[ "$(cat "$dir/times")" = 0 ] || fail "no request was failed"
	# an interval of 1 is not counted
	[ "$interval" = 1 ] || fail_counted=$interval
	echo 0 > /sys/kernel/debug/fail_make_request/times
	echo 0 > /sys/kernel/debug/fail_make_request/probability
}

# Each request of an update fails in turn, and the one after it is fine again: all or nothing.
test_each_step_fails()
{
	: "label updates that fail at each step"
	local n name=old other=new denied=0
	begin
	[ -d /sys/kernel/debug/fail_make_request ] || skip "no fail_make_request in this kernel"
	spare pnvme-a
	adopt "$dev"
	granted ns-create drive="$uuid" name=old size=1M
	echo 1 > "/sys/block/${dev#/dev/}/make-it-fail"
	for n in {1..13}; do
		fail_nth "$n"
		if nl ns-rename name="$name" new-name="$other"; then
			read -r name other <<< "$other $name"
		else
			denied=$((denied + 1))
			[[ $(field message) == *"nothing was changed"* ]] || fail "step $n: $(field message)"
		fi
		fail_no_more
		nl ns-get name="$name" || fail "step $n: it is not called $name"
		[ "$n" -le 4 ] || nl_abi equal "$dev"
		detach "$uuid"
		attach "$dev"
		nl ns-get name="$name" || fail "step $n: it was not called $name on the drive"
	done
	echo 0 > "/sys/block/${dev#/dev/}/make-it-fail"
	[ "$denied" -ge 4 ] || fail "only $denied steps failed the update"
}

# An update that fails half way and cannot be taken back, of settings of all things: these decide
# whether I/O waits for the drive, and what its label may be is known, so that it can be proven.
test_lost_label_holds()
{
	: "a label is lost while settings change: the drive is held all the same, and its label mended when it is back"
	local dir=/sys/kernel/debug/fail_make_request
	begin
	[ -d "$dir" ] || skip "no fail_make_request in this kernel"
	[ -n "${PNVME_VM:-}" ] || skip "only in a test machine"
	spare pnvme-c
	adopt "$dev"
	defer "$NL_ABI" "do" drive-fail uuid="$uuid"
	granted drive-set uuid="$uuid" hold-timeout=600 on-resume=trust
	echo 1 > "/sys/block/${dev#/dev/}/make-it-fail"
	fail_nth 3
	# every third, from now on
	echo 3 > "$dir/interval"
	echo -1 > "$dir/times"
	refused EIO "nor restored" drive-set uuid="$uuid" hold-timeout=700
	echo 0 > "$dir/probability"
	refused EIO "not all copies" drive-set uuid="$uuid" hold-timeout=700
	surprise_remove "$(pci_of pnvme-c)"
	wait_for drive_is held
	back_on_the_bus
	wait_for 30 drive_is live
	granted drive-set uuid="$uuid" hold-timeout=700
	nl_abi equal "/dev/$(nl drive-get uuid="$uuid"; field device)"
}

# STATUS TIMES [EVERY]: how so many of the next commands end, or so many of every so manieth.
nvme_ends()
{
	local dir=/sys/kernel/debug/${dev#/dev/}/fault_inject
	echo "$1" > "$dir/status"
	echo 0 > "$dir/verbose"
	echo "${3:-1}" > "$dir/interval"
	echo "$2" > "$dir/times"
	echo 100 > "$dir/probability"
}

# Drive with hold-timeout=$1, namespace "errors": $node
errors_begin()
{
	begin
	spare pnvme-c
	[ -d "/sys/kernel/debug/${dev#/dev/}/fault_inject" ] || skip "this kernel injects no errors of NVMe drives"
	defer bash -c "echo 0 > /sys/kernel/debug/${dev#/dev/}/fault_inject/probability"
	expect_log "I/O (error|Error)"
	adopt "$dev"
	granted drive-set uuid="$uuid" hold-timeout="$1"
	create errors 2M
	held=0
}

# PHRASE WAITED COMMAND...: fails, with that; has it waited until the drive was known to be there?
ends_with()
{
	local phrase=$1 waited=$2
	shift 2
	if "$@" 2> "$PNVME_WORK/error"; then fail "succeeded: $*"; fi
	a_line_matches "$phrase" "$PNVME_WORK/error" || fail "not '$phrase': $(< "$PNVME_WORK/error")"
	held=$((held + waited))
	nl ns-get name=errors
	has held-total "$held"
	has held 0
}

read_block()
{
	dd if="$node" of="$PNVME_WORK/block" bs=4k count=1 iflag=direct status=none
}

write_text()
{
	dd if="$pnvme_text" of="$node" bs=4k count=1 oflag=direct conv=notrunc status=none
}

test_errors_at_once()
{
	: "errors that are the I/O's own go up at once, each as what it is"
	local status phrase counts
	errors_begin 60
	while read -r status phrase; do
		nvme_ends "$status" 1
		ends_with "$phrase" 0 write_text
	done <<- 'END'
		0x281 No data available
		0x280 No data available
		0x282 multibyte
		0x001 not supported
		0x00b not supported
		0x080 Remote I/O error
		0x081 No space left
		0x083 Invalid exchange
	END
	nvme_ends 0x281 1
	ends_with "No data available" 0 read_block
	read_block
	counts=$(pnvme -j stat errors | jq -c '.stats[] | select(.op == "write").errors' | sort -u)
	[ "$counts" = '{"medium":2,"protection":1,"space":1,"unsupported":2,"target":1,"reservation":1}' ] ||
		fail "counted: $counts"
}

test_errors_that_wait()
{
	: "what a lost drive may be behind waits until it is known to be there; then it goes up, or is tried again"
	local counts
	errors_begin 60
	write_text
	# the driver's word for whatever it does not know, and what it says of commands that it takes back
	nvme_ends 0x006 1
	ends_with "Input/output error" 1 read_block
	nvme_ends 0x371 1
	ends_with "Input/output error" 1 write_text
	# the way to the drive: the next try goes through
	nvme_ends 0x370 1
	read_block
	cmp -n 4096 "$PNVME_WORK/block" "$pnvme_text"
	nvme_ends 0x370 1
	write_text
	held=$((held + 2))
	nl ns-get name=errors
	has held-total "$held"
	# only so often: of the drive each second command is the look whether it is there
	nvme_ends 0x370 20 2
	read_block > /dev/null 2>&1 || true
	nl ns-get name=errors
	held=$(field held-total)
	if [ "$held" = 4 ]; then
		# it was the other's turn
		ends_with "Link has been severed" 6 read_block
	else
		[ "$held" = 10 ] || fail "waited $held times"
	fi
	nvme_ends 0x006 0
	counts=$(pnvme -j stat errors | jq -c '.stats[] | select(.op == "read").errors' | sort -u)
	[ "$counts" = '{"io":1,"transport":1}' ] || fail "counted: $counts"
}

test_errors_without_hold()
{
	: "without a hold nothing waits"
	errors_begin 0
	nvme_ends 0x006 1
	ends_with "Input/output error" 0 read_block
	nvme_ends 0x370 1
	ends_with "Link has been severed" 0 read_block
}

pnvme_main "$@"
