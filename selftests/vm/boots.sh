# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For tests that boot more than once, and for scripts/demo: sourced on the host.
# A machine is described by its drives (files that stay between boots), its
# state (record and host ID, likewise) and the kernel, PNVME_KERNEL.
#
#   boots_begin                     a fresh directory, removed at the end: $BOOTS
#   boots_option --drive F:serial=S ...    what each boot from now on gets
#   boots_run NAME COMMAND          boot, run, return the command's status;
#                                   $BOOTS/NAME/output has what it printed
#   plan N; is DESCRIPTION CMD...; finish      KTAP

vm_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
boots_options=()

boots_begin()
{
	BOOTS=$(mktemp -d "${TMPDIR:-/tmp}/pnvme-boots.XXXXXX") || exit 1
	trap 'rm -rf "$BOOTS"' EXIT
	trap 'exit 130' INT TERM HUP
}

boots_option()
{
	boots_options+=("$@")
}

boots_forget_options()
{
	boots_options=()
}

# NAME COMMAND [more options for selftests/vm/run]
boots_run()
{
	local name=$1 command=$2 status
	shift 2
	"$vm_dir/run" --kernel "${PNVME_KERNEL:-6.12}" --disks "$BOOTS/disks" --state "$BOOTS/state" \
		--results "$BOOTS/$name" --timeout "${PNVME_BOOT_TIMEOUT:-240}" \
		"${boots_options[@]}" "$@" --cmd "$command"
	status=$?
	return "$status"
}

# Did the kernel complain? Judged as after every other test. A machine that was
# killed has left no log, and must not be asked for.
boots_log_clean()
{
	[ -s "$1" ] || { echo "# there is no kernel log $1"; return 1; }
	(
		# shellcheck source=selftests/lib.sh
		. "$vm_dir/../lib.sh"
		! log_problems < "$1" | sed 's/^/# kernel: /' | grep .
	)
}

# Bytes of a drive's file that are not zero make this fail.
boots_is_zero()
{
	[ -s "$1" ] && cmp -n "$(stat -c %s "$1")" "$1" /dev/zero > /dev/null
}

boots_sum()
{
	sha256sum < "$1"
}

tests_planned=0 tests_run=0 tests_failed=0

plan()
{
	tests_planned=$1
	echo "TAP version 13"
	echo "1..$1"
}

# is DESCRIPTION COMMAND...: one result, that of the command
is()
{
	local what=$1 ok="ok"
	shift
	tests_run=$((tests_run + 1))
	# what it prints belongs to it, so it comes after its point
	if ! "$@" > "$BOOTS/point"; then
		ok="not ok"
		tests_failed=$((tests_failed + 1))
	fi
	echo "$ok $tests_run $what"
	cat "$BOOTS/point"
	[ "$ok" = ok ]
}

# What a boot printed, as comments.
show_boot()
{
	sed 's/^/# /' "$BOOTS/$1/output"
}

finish()
{
	echo "# Totals: pass:$((tests_run - tests_failed)) fail:$tests_failed xfail:0 xpass:0 skip:0 error:0"
	[ "$tests_run" = "$tests_planned" ] || echo "# planned $tests_planned tests, ran $tests_run"
	[ "$tests_failed" = 0 ] && [ "$tests_run" = "$tests_planned" ]
	exit $?
}

# The drives of the main job, in the order of the bus. $1: files, for example "two three one"
main_job_drives()
{
	local file
	boots_forget_options
	for file in $1; do
		boots_option --drive "$file.img:size=640M,serial=DRIVE-${file^^}"
	done
}
