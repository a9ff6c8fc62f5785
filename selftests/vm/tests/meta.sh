#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The harness is tested too: what it must not take for a success.

set -u

vm=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
number=0
failed=0
kernel=${PNVME_KERNEL:-6.12}

# is NAME CMD...: one point
is()
{
	local name=$1
	shift
	number=$((number + 1))
	if "$@" > "$work/log" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$work/log"
		failed=1
	fi
}

# ends STATUS ARG...: a machine ends with this status
ends()
{
	local expected=$1 status
	shift
	"$vm/run" --kernel "$kernel" --no-drives "$@"
	status=$?
	echo "exit status $status, expected $expected"
	[ "$status" = "$expected" ]
}

# In bad.sh every test's name says what must come of it.
bad_is_judged()
{
	local state name status wrong=0 points
	[ -s "$work/r/ktap/bad.sh" ] || { echo "no KTAP"; return 1; }
	read -r status _ < "$work/r/ktap/bad.sh.status"
	points=$("$vm/meta/judge" "$work/r/ktap/bad.sh" "$status") || return 1
	echo "$points"
	while read -r state name; do
		case $name in
		test_ok*) [ "$state" = ok ] ;;
		test_fail*) [ "$state" = fail ] ;;
		test_skip*) [ "$state" = skip ] ;;
		module*) [ "$state" = ok ] ;;
		*) false ;;
		esac || { echo "wrong: $state $name"; wrong=1; }
	done <<< "$points"
	[ "$(wc -l <<< "$points")" = "$(($(grep -c '^test_' "$vm/meta/bad.sh") + 1))" ] || { echo "points are missing"; wrong=1; }
	[ "$status" = 1 ] && [ "$wrong" = 0 ]
}

# SCRIPT: at least one point of it counts as failed, none as passed but PASSED
has_failed()
{
	local status points
	read -r status _ < "$work/r/ktap/$1.status"
	points=$("$vm/meta/judge" "$work/r/ktap/$1" "$status") || return 1
	echo "$points"
	grep -q '^fail' <<< "$points"
}

# What a test printed about why it failed reaches whoever reads the result.
says()
{
	grep -A 30 "^not ok.*$1" "$work/r/ktap/bad.sh" | grep -E -- "$2"
}

# shellcheck disable=SC2016	# for the machine's shell
guest='cd selftests/vm/meta; mkdir $PNVME_RESULTS/ktap
for s in bad condition dies; do
	bash ./$s.sh > $PNVME_RESULTS/ktap/$s.sh 2>&1
	echo $? 0 > $PNVME_RESULTS/ktap/$s.sh.status
done'

echo "TAP version 13"
echo "1..13"
is "KTAP is judged" "$vm/meta/judge"
is "a command's status comes back" ends 7 --cmd 'exit 7'
is "a kernel that does not boot is a failure" ends 125 --append rdinit=/nowhere --cmd true
is "a kernel that panics is a failure" ends 125 --cmd 'echo c > /proc/sysrq-trigger; sleep 60'
is "a machine that powers off early is a failure" ends 125 --cmd 'busybox poweroff -f; sleep 60'
is "a command that hangs is stopped" ends 124 --timeout 20 --cmd 'sleep 1000'
is "an unknown kernel is a failure" ends 2 --kernel 0.1 --cmd true
is "a machine runs the bad tests" "$vm/run" --kernel "$kernel" --results "$work/r" --timeout 600 --cmd "$guest"
is "bad tests are told from good ones" bad_is_judged
is "errexit that does not work is found" has_failed condition.sh
is "a script that ends early has failed" has_failed dies.sh
is "the failing command is named" says test_fail_middle 'line [0-9]+: false'
is "the kernel's complaint is shown" says test_fail_warning 'fake\.c:1'
exit $failed
