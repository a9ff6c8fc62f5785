#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The machine is killed in the middle of creating and deleting namespaces. What
# it wrote until then is on the drive, nothing after it: the next boot must find
# a whole label that says what was true before or after the change under way.

set -u
# shellcheck source=selftests/vm/boots.sh
. "$(dirname "$0")/../boots.sh"

# Start the loop of that boot, let it go on for a while, pull the plug.
# shellcheck disable=SC2317	# called by is()
killed()
{
	local name=$1 runner qemu i
	boots_run "$name" "selftests/vm/jobs/killed $name" --quiet 2> "$BOOTS/$name.log" &
	runner=$!
	for ((i = 0; i < 1200; i++)); do
		[ -e "$BOOTS/$name/progress" ] && [ "$(grep -c "^done" "$BOOTS/$name/progress")" -ge 12 ] && break
		kill -0 "$runner" 2> /dev/null || break
		sleep 0.1
	done
	sleep "0.$((RANDOM % 900 + 100))"
	qemu=$(qemu_below "$runner")
	if [ -z "$qemu" ]; then
		echo "# the machine ended by itself"
		show_boot "$name"
		wait "$runner"
		return 1
	fi
	kill -KILL "$qemu"
	wait "$runner"
	[ $? = 125 ]
}

# The one process below $1 that is QEMU, at whatever depth
# shellcheck disable=SC2317	# called by killed()
qemu_below()
{
	local child
	for child in $(pgrep -P "$1"); do
		if [ "$(cat "/proc/$child/comm" 2> /dev/null)" = qemu-system-x86 ]; then
			echo "$child"
		else
			qemu_below "$child"
		fi
	done
}

# shellcheck disable=SC2317	# called by is()
found()
{
	boots_run "$1" "selftests/vm/jobs/killed $1" --quiet && return
	show_boot "$1"
	return 1
}

boots_begin
plan 3
boots_option --drive loop.img:size=256M,serial=LOOP
is "killed while namespaces come and go" killed first || finish
# what it had begun and done, for the next one to compare
cp "$BOOTS/first/progress" "$BOOTS/state/lib/progress"
is "whole label, old or new content" found second
is "kernel log" boots_log_clean "$BOOTS/second/dmesg"
finish
