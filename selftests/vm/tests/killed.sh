#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The machine is killed in the middle of creating, resizing, renaming and deleting
# namespaces. What it wrote until then is on the drive, nothing after it: the next
# boot must find a whole label that says what was true before or after the change
# under way. Meanwhile another host meets the same drive, and leaves it alone.
#
# PNVME_KILLS=N: how often (default 2, with PNVME_LONG=1 20).

set -u
# shellcheck source=selftests/vm/boots.sh
. "$(dirname "$0")/../boots.sh"

kills=${PNVME_KILLS:-${PNVME_LONG:+20}}
kills=${kills:-2}
other_host=11d4f7a2-5c0e-4b83-9c1d-0f3a6b7e8d92

# BOOT N: it has done so many changes, or has ended
# shellcheck disable=SC2317	# called by is()
has_done()
{
	local i
	for ((i = 0; i < 1800; i++)); do
		[ -e "$BOOTS/$1/progress" ] && [ "$(grep -c "^done" "$BOOTS/$1/progress")" -ge "$2" ] && return
		kill -0 "$runner" 2> /dev/null || return
		sleep 0.1
	done
}

# Start the loop of that boot, let it go on for a while, pull the plug.
# shellcheck disable=SC2317	# called by is()
killed()
{
	local name=$1 runner qemu
	boots_run "$name" "selftests/vm/jobs/killed $2" --quiet 2> "$BOOTS/$name.log" &
	runner=$!
	has_done "$name" $((RANDOM % 6 + 1))
	[ "$2" != first ] || other_host_meets
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
	[ $? = 125 ] || return 1
	# what it had begun and done, for the next one to compare
	cp "$BOOTS/$name/progress" "$BOOTS/state/lib/progress"
	echo "# killed after $(grep -c ^done "$BOOTS/$name/progress") changes: $(tail -n 1 "$BOOTS/$name/progress")"
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

# While the loop goes on: the same image in a second machine. QEMU would keep the two apart.
# shellcheck disable=SC2317	# called by killed()
other_host_meets()
{
	"$vm_dir/run" --kernel "${PNVME_KERNEL:-6.12}" --results "$BOOTS/other" --timeout "${PNVME_BOOT_TIMEOUT:-240}" \
		--uuid "$other_host" --quiet --no-drives \
		--qemu=-drive --qemu="file=$BOOTS/disks/loop.img,if=none,id=shared,format=raw,file.locking=off" \
		--qemu=-device --qemu=nvme,serial=LOOP,drive=shared \
		--cmd "selftests/vm/jobs/killed other" > "$BOOTS/other.log" 2>&1
	echo $? > "$BOOTS/other.status"
}

# shellcheck disable=SC2317	# called by is()
other_was_refused()
{
	[ "$(cat "$BOOTS/other.status")" = 0 ] && return
	cat "$BOOTS/other.log"
	show_boot other
	return 1
}

# shellcheck disable=SC2317	# called by is()
found()
{
	boots_run "$1" "selftests/vm/jobs/killed $1" --quiet && return
	show_boot "$1"
	return 1
}

boots_begin
plan $((kills + 4))
boots_option --drive loop.img:size=256M,serial=LOOP
is "killed while namespaces come and go" killed first first || finish
is "another host, meanwhile, was refused the drive" other_was_refused
is "kernel log of that host" boots_log_clean "$BOOTS/other/dmesg"
for ((n = 2; n <= kills; n++)); do
	is "whole label, old or new content; kill $n" killed "kill$n" next || finish
done
is "whole label, old or new content" found last
is "kernel log" boots_log_clean "$BOOTS/last/dmesg"
finish
