#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Requests of a label update that fail one by one: needs fault injection, so the
# debug kernel, on which the rest of the label tests takes too long.
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

pnvme_main "$@"
