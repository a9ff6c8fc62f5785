# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For the tests in this directory: kselftest conventions, KTAP on stdout.
#
#   . "$(dirname "$0")/lib.sh"
#   test_adopt()
#   {
#       : "a blank drive is adopted"
#       run pnvme drive adopt "$(drive 1)"
#   }
#   pnvme_main "$@"
#
# Every function test_* is a test, in the order of the file; its first line says
# what it shows. It runs in a shell of its own with errexit, nounset and
# pipefail: the first command that fails ends it and fails it. After each test
# what it left behind is removed, and the kernel log is judged. The last point
# of every script is that the module unloads and has leaked nothing. With
# arguments only the named functions run. Exit: 0 passed, 1 failed, 4 skipped.
#
# Destroys all data on the drives that it uses: those of a test machine, else
# those named in PNVME_TEST_DRIVES ("/dev/nvme1n1 /dev/nvme2n1").

# Of the processes that a test takes in an emulated machine, most were once
# started in here: so as few as possible.

pnvme_dir=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
PNVME_TOP=${PNVME_TOP:-${pnvme_dir%/*}}
pnvme_klog=$PNVME_TOP/build/selftests/klog
[ -x "$pnvme_klog" ] || pnvme_klog=$pnvme_dir/klog
pnvme_json=${pnvme_klog%/*}/json
# shellcheck source=selftests/vm/host
. "$pnvme_dir/vm/host"
# The drives that the host of this test machine knows, by serial number.
pnvme_serials=()
[ ! -e /run/vm/serials ] || mapfile -t pnvme_serials < /run/vm/serials

# Some text to write; a minimal system has little of it in /etc.
# shellcheck disable=SC2034	# for the scripts
pnvme_text=$pnvme_dir/lib.sh
KSFT_SKIP=4

# Seconds that a test may take; a script may set it before pnvme_main. The
# debug kernel is given more.
TIMEOUT=${TIMEOUT:-60}

# Lines of the kernel log that fail a test.
pnvme_bad_log='WARNING:|BUG:|kernel BUG|Oops|KASAN|UBSAN|possible (recursive|circular|irq|deadlock|unsafe)'
pnvme_bad_log+='|suspicious RCU|inconsistent lock state|DEBUG_LOCKS_WARN_ON|INFO: task .* blocked|refcount_t'
pnvme_bad_log+='|DEBUG_OBJECTS|ODEBUG|unreferenced object|general protection|soft lockup|sleeping function'
pnvme_bad_log+='|detected stalls|list_(add|del) corruption|unable to handle|Call Trace|kmemleak: [0-9]+ new'

# --- for tests: drives -------------------------------------------------------

# Which spare plain drives there are, one device a line.
drives()
{
	local serial
	if [ -n "${PNVME_TEST_DRIVES:-}" ]; then
		tr ' ' '\n' <<< "$PNVME_TEST_DRIVES" | grep .
	else
		for serial in pnvme-a pnvme-b pnvme-c pnvme-d; do
			drive_by_serial "$serial" || return
		done
	fi
}

# drive N: the device of the Nth spare drive, from 1.
drive()
{
	local devs
	mapfile -t devs < <(drives)
	[ "${#devs[@]}" -ge "$1" ] || skip "needs $1 spare drives"
	echo "${devs[$1 - 1]}"
}

# In the shell alone: processes are what is slow in an emulated machine.
drive_by_serial()
{
	local ctrl serial ns
	for ctrl in /sys/class/nvme/nvme*; do
		serial=
		[ ! -e "$ctrl/serial" ] || read -r serial < "$ctrl/serial"
		[ "$serial" = "$1" ] || continue
		for ns in "$ctrl"/nvme*n*; do
			ns=${ns##*/}
			# With native multipath the controller lists nvme0c0n1, the node is nvme0n1.
			[[ $ns =~ ^(nvme[0-9]+)(c[0-9]+)?(n[0-9]+)$ ]] || continue
			ns=/dev/${BASH_REMATCH[1]}${BASH_REMATCH[3]}
			if [ -b "$ns" ]; then
				echo "$ns"
				return
			fi
		done
	done
	echo "there is no drive with the serial $1" >&2
	return 1
}

# Is it a drive that the host of this test machine knows? Its serial number in $serial
emulated()
{
	serial=
	[ -n "${PNVME_VM:-}" ] && [ -e "/sys/block/${1##*/}/device/serial" ] || return 1
	read -r serial < "/sys/block/${1##*/}/device/serial" && [[ " ${pnvme_serials[*]} " == *" $serial "* ]]
}

# wipe DEV...: nothing but zeros, on all of it.
wipe()
{
	local dev serial zoned format devs=() serials=()
	for dev; do
		read -r zoned < "/sys/block/${dev##*/}/queue/zoned" || return
		format=
		[ ! -e "/sys/block/${dev##*/}/integrity/format" ] || read -r format < "/sys/block/${dev##*/}/integrity/format"
		if [ "$zoned" != none ]; then
			blkzone reset "$dev"
		elif [[ $format == T10* ]]; then
			# below QEMU's back it would go on to believe that what was written has protection
			blkdiscard -f "$dev" && blockdev --flushbufs "$dev"
		elif emulated "$dev"; then
			devs+=("$dev")
			serials+=("$serial")
		elif [ "$(blockdev --getsize64 "$dev")" -gt 0 ]; then
			blkdiscard -z -f "$dev"
			blockdev --flushbufs "$dev"
		fi || return
	done
	[ "${#devs[@]}" != 0 ] || return 0
	blockdev --flushbufs "${devs[@]}" && ask_host wipe "${serials[@]}" && blockdev --flushbufs "${devs[@]}"
}

# checksum DEV...: of all content, a line each. The host of a test machine does
# that at once, as it knows where a sparse file has holes.
checksum()
{
	local dev serial
	for dev; do
		blockdev --flushbufs "$dev" || return
		if emulated "$dev"; then
			ask_host checksum "$serial"
		else
			"$pnvme_dir/checksum" "$dev"
		fi || return
	done
}

# pull DEV, plug SERIAL: take an emulated drive off the bus, in order, and put
# it back.
pull()
{
	local serial
	emulated "$1" || skip "only a drive of a test machine can be pulled"
	ask_host pull "$serial"
}

plug() { ask_host plug "$1"; }

# --- for tests: doing and expecting ------------------------------------------

# run CMD...: show the command in the log of the test.
run()
{
	echo "\$ $*" >&2
	"$@"
}

# A sentence for the log and out; "fail" by itself is not needed after a
# command that fails.
fail()
{
	echo "FAILED: $*" >&2
	exit 1
}

skip()
{
	echo "$*" > "${PNVME_WORK:?only inside a test}/skip"
	# Out of the whole test, also from inside $(...)
	kill -TERM "$PNVME_TEST_PID"
	exit $KSFT_SKIP
}

# fails CODE REGEX CMD...: CMD must exit with CODE, with a line on stderr that
# matches REGEX (extended).
fails()
{
	local code=$1 regex=$2 status=0
	shift 2
	echo "\$ $*    # must exit $code" >&2
	"$@" > "$PNVME_WORK/stdout" 2> "$PNVME_WORK/stderr" || status=$?
	show_text "$PNVME_WORK/stdout" "$PNVME_WORK/stderr" >&2
	[ "$status" = "$code" ] || fail "exit status $status instead of $code: $*"
	a_line_matches "$regex" "$PNVME_WORK/stderr" || fail "stderr does not match '$regex': $*"
}

# Without a process, as these two are needed for every refusal: cat FILE..., grep -E REGEX FILE
show_text()
{
	local file text
	for file; do
		IFS= read -rd '' text < "$file" || true
		printf %s "$text"
	done
}

a_line_matches()
{
	local line
	while IFS= read -r line || [ -n "$line" ]; do
		[[ ! $line =~ $1 ]] || return 0
	done < "$2"
	return 1
}

# fails_with CODE REGEX CMD...: fails, and nothing changed: no write to any
# drive was so much as submitted, no disk of ours came, went or changed.
fails_with()
{
	local before after
	before=$(pnvme_state)
	fails "$@"
	after=$(pnvme_state)
	[ "$before" = "$after" ] ||
		fail "the refused command changed something:"$'\n'"$(diff <(echo "$before") <(echo "$after"))"
}

# Writes, discards and flushes of each drive so far; what our disks look like.
pnvme_state()
{
	local disk f
	for disk in /sys/block/nvme*n* /sys/block/null* /sys/block/loop*; do
		[ -e "$disk/stat" ] || continue
		read -ra f < "$disk/stat"
		echo "${disk##*/} writes ${f[4]} ${f[6]} discards ${f[11]} ${f[13]}"
	done
	for disk in /sys/block/pnvme*; do
		[ ! -e "$disk" ] || grep -H . "$disk"/{size,ro,name,uuid,nguid,nsid} 2> /dev/null
	done
	return 0
}

# json EXPR: the value in the JSON on stdin, an error where there is none. In jq's language; what is
# simple is left to a program of ours, as it starts twenty times as fast, and takes several EXPR.
json()
{
	if [[ $1 =~ ^[].a-z0-9_[-]+( \| length)?$ ]]; then
		"$pnvme_json" "$@"
		return
	fi
	jq -r --arg what "$1" "($1) | if . == null then error(\"there is no \" + \$what) else . end"
}

# wait_for [SECONDS] CMD...: until CMD succeeds; fails after 10 seconds (or
# SECONDS; longer on the debug kernel). CMD must not "fail", which ends the test.
wait_for()
{
	local seconds=10 end
	if [[ $1 =~ ^[0-9]+$ ]]; then seconds=$1; shift; fi
	end=$((SECONDS + seconds * $(pnvme_slow)))
	until "$@" > "$PNVME_WORK/wait" 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			fail "did not come true in $((seconds * $(pnvme_slow))) s: $*"
		fi
		sleep 0.1
	done
	: > "$PNVME_WORK/wait"
}

# defer CMD...: at the end of the test, however it ends, last first.
defer() { printf '%q ' "$@" >> "$PNVME_WORK/defer"; echo >> "$PNVME_WORK/defer"; }

# expect_log REGEX: lines that this test provokes and that must not fail it.
expect_log() { echo "$1" >> "$PNVME_WORK/expected"; }

# --- for tests: module and udev ----------------------------------------------

module_loaded() { [ -d /sys/module/pnvme ]; }

load_module()
{
	local deps
	module_loaded && return
	if [ -n "${PNVME_KO:-}" ]; then
		deps=$(modinfo -F depends "$PNVME_KO") || return
		# shellcheck disable=SC2086	# a list
		[ -z "$deps" ] || modprobe -a ${deps//,/ } || return
		insmod "$PNVME_KO" "$@"
	else
		modprobe pnvme "$@"
	fi
}

unload_module()
{
	module_loaded || return 0
	rmmod pnvme
}

# In a test machine: udevd with the tree's rules; on a host it runs already.
start_udev()
{
	if [ "$(cat /proc/1/comm)" = systemd ] || pgrep -x systemd-udevd > /dev/null; then return; fi
	"$pnvme_dir/vm/udevd"
}

# nobody ARG...: pnvme as somebody without privileges, who may not read the checkout
nobody()
{
	local from
	if [ ! -e "$PNVME_WORK/nobody" ]; then
		from=$(realpath "$(command -v pnvme)")
		mktemp -d > "$PNVME_WORK/nobody"
		defer rm -rf "$(< "$PNVME_WORK/nobody")"
		chmod 755 "$(< "$PNVME_WORK/nobody")"
		cp "$from" "$(< "$PNVME_WORK/nobody")/"
		cp "${from%/*}"/libpnvme.so.? "$(< "$PNVME_WORK/nobody")/" 2> /dev/null || true
	fi
	setpriv --reuid=65534 --regid=65534 --clear-groups "$(< "$PNVME_WORK/nobody")/pnvme" "$@"
}

is_debug_kernel() { [ -e /sys/kernel/debug/kmemleak ]; }

# By how much this machine is slower than patience expects.
pnvme_slow()
{
	if is_debug_kernel; then echo "${PNVME_SLOW:-4}"; else echo "${PNVME_SLOW:-2}"; fi
}

# --- judging the kernel log --------------------------------------------------

# Lines of a log on stdin that are bad; none is success.
log_problems()
{
	local expected=${1:-}
	if [ -n "$expected" ] && [ -s "$expected" ]; then
		grep -E "$pnvme_bad_log" | grep -vE -f "$expected"
	else
		grep -E "$pnvme_bad_log"
	fi
}

# A line in the kernel log, for those who read it.
log_mark()
{
	echo "pnvme-test: $1" > /dev/kmsg
}

# From here on it is judged.
log_begin()
{
	exec {pnvme_kmsg}< /dev/kmsg && "$pnvme_klog" skip <&"$pnvme_kmsg" && log_mark begin
}

# Print what is bad since the last look, with its surroundings.
log_bad()
{
	local log=$PNVME_WORK/dmesg
	if ! "$pnvme_klog" <&"$pnvme_kmsg" > "$log" 2>&1; then
		echo "the kernel log cannot be judged, messages were lost (boot with log_buf_len=16M): $(tail -n 1 "$log")"
	elif log_problems "$PNVME_WORK/expected" < "$log" > /dev/null; then
		echo "the kernel complained:"
		grep -m 1 -B 3 -A 40 -E "$pnvme_bad_log" "$log"
	fi
}

# --- between tests -----------------------------------------------------------

# Run what was deferred, then take down whatever stands on our devices.
pnvme_cleanup()
{
	local lines i source target
	if [ -s "$PNVME_WORK/defer" ]; then
		mapfile -t lines < "$PNVME_WORK/defer"
		(for ((i = ${#lines[@]} - 1; i >= 0; i--)); do eval "${lines[i]}"; done) ||
			{ echo "a deferred command failed:"; cat "$PNVME_WORK/defer"; return 1; }
	fi
	mapfile -t lines < /proc/mounts
	for ((i = ${#lines[@]} - 1; i >= 0; i--)); do
		read -r source target _ <<< "${lines[i]}"
		[[ $source != /dev/pnvme* && $source != /dev/disk/by-id/pnvme* ]] || umount "$target" || return
	done
	if module_loaded && compgen -G '/sys/block/pnvme*' > /dev/null || compgen -G '/sys/class/pnvme/*' > /dev/null; then
		pnvme drive detach --all || return
	fi
	# Records of drives that are no more; never those of a host (see the guard).
	if compgen -G '/var/lib/pnvme/*' > /dev/null || compgen -G '/etc/pnvme/*' > /dev/null; then
		rm -rf /var/lib/pnvme/* /etc/pnvme/*
	fi
	pnvme_wipe_written
}

# Drives that were written to since they were wiped last, told by their counters.
pnvme_wipe_written()
{
	local dev now dirty=()
	while read -r dev; do
		pnvme_written "$dev"
		[ "${pnvme_clean[$dev]:-}" = "$now" ] || dirty+=("$dev")
	done < <(pnvme_all_drives)
	[ "${#dirty[@]}" != 0 ] || return 0
	wipe "${dirty[@]}" || { echo "cannot wipe ${dirty[*]}"; return 1; }
	for dev in "${dirty[@]}"; do
		pnvme_written "$dev"
		pnvme_clean[$dev]=$now
	done
}

# In $now
pnvme_written()
{
	local seq f
	read -r seq < "/sys/block/${1##*/}/diskseq"
	read -ra f < "/sys/block/${1##*/}/stat"
	now="$seq ${f[4]} ${f[6]} ${f[11]} ${f[13]}"
}

pnvme_all_drives()
{
	local serial
	drives
	[ -z "${PNVME_TEST_DRIVES:-}" ] || return 0
	for serial in pnvme-4k pnvme-zoned pnvme-pi pnvme-pi3; do
		drive_by_serial "$serial" 2> /dev/null
	done
	return 0
}

# --- leaks -------------------------------------------------------------------

# Leaks of ours in what the last scan found: those that name us, and, as the module is
# gone and its symbols with it, those with an address in what was its memory. In the file
# named: the start and size of that for each time that a module was unloaded.
pnvme_found_leaks()
{
	local start size ranges=
	while read -r start size; do
		ranges+="${start#0x} $(printf '%x' $((start + size))) "
	done < "$1"
	# addresses as text: of one length, so in order
	awk -v ranges="$ranges" '
		function print_ours() { if (ours) printf "leak: %s", block; block = ""; ours = 0 }
		function in_ours(address,   i) {
			for (i = 1; i < n; i += 2)
				if (length(address) == length(range[i]) && address >= range[i] && address < range[i + 1]) return 1
			return 0
		}
		BEGIN { n = split(ranges, range, " ") }
		/^unreferenced object/ { print_ours() }
		{
			block = block $0 "\n"
			if (/pnvme/) ours = 1
			for (rest = $0; match(rest, /0xffff[0-9a-f]+/); rest = substr(rest, RSTART + RLENGTH))
				if (in_ours(substr(rest, RSTART + 2, RLENGTH - 2))) ours = 1
		}
		END { print_ours() }' /sys/kernel/debug/kmemleak
}

# Scanning takes long: a second scan confirms what the first one found, if anything.
pnvme_leaks()
{
	local leaks
	sleep 6		# younger objects are not reported
	echo scan > /sys/kernel/debug/kmemleak || return 1
	leaks=$(pnvme_found_leaks "$1") || return 1
	[ -n "$leaks" ] || return 0
	echo scan > /sys/kernel/debug/kmemleak
	pnvme_found_leaks "$1"
}

# The last point of a script. Of several in one machine only the last one scans, for all of
# them: the others run with PNVME_LEAKS=later, see vm/suite.
pnvme_unload_point()
{
	local leaks ranges=/run/pnvme-test.ranges
	module_loaded || [ -e "$ranges" ] || return 0
	if module_loaded; then
		! is_debug_kernel || awk '$1 == "pnvme" { print $6, $2 }' /proc/modules >> "$ranges"
		unload_module || { echo "the module does not unload"; return 1; }
	fi
	is_debug_kernel && [ "${PNVME_LEAKS:-}" != later ] || return 0
	leaks=$(pnvme_leaks "$ranges") || { echo "kmemleak does not work"; return 1; }
	rm -f "$ranges"
	[ -z "$leaks" ] || { echo "$leaks"; return 1; }
}

# --- running -----------------------------------------------------------------

# In the shell of one test, called by pnvme_main.
pnvme_one()
{
	# Whoever calls pnvme_main inside a condition switches errexit off for all
	# that is below: find out, rather than pass everything.
	set +e
	(set -e; false; exit 77)
	[ $? != 77 ] || { echo "errexit does not work here: call pnvme_main as a statement of its own" >&2; exit 1; }
	export PNVME_TEST_PID=$$
	trap 'echo "FAILED: ${BASH_SOURCE[0]##*/}: line $LINENO: $BASH_COMMAND (status $?)" >&2' ERR
	trap 'exit 1' TERM
	set -eEuo pipefail
	shopt -s inherit_errexit
	"$1"
	echo passed > "$PNVME_WORK/passed"
	exit 0
}

pnvme_tests()
{
	shopt -s extdebug
	declare -F | awk '$3 ~ /^test_/ { print $3 }' | while read -r name; do
		declare -F "$name"
	done | sort -k2,2n | awk '{ print $1 }'
	shopt -u extdebug
}

# What the first line of the function says.
pnvme_describe()
{
	declare -f "$1" | sed -nE '3s/^ *: "(.*)";?$/\1/p'
}

pnvme_number=0
pnvme_failed=0
pnvme_skipped=0
declare -A pnvme_clean

# point ok|not|skip NAME [REASON]
pnvme_point()
{
	pnvme_number=$((pnvme_number + 1))
	case $1 in
	ok)	echo "ok $pnvme_number - $2" ;;
	skip)	echo "ok $pnvme_number - $2 # SKIP $3"
		pnvme_skipped=$((pnvme_skipped + 1)) ;;
	*)	echo "not ok $pnvme_number - $2"
		pnvme_failed=$((pnvme_failed + 1)) ;;
	esac
}

# For a test that has failed: what cannot be interrupted just now, and where in the kernel.
pnvme_what_hangs()
{
	local process state
	for process in /proc/[0-9]*; do
		state=$({ sed -n 's/^State:\t\(.\).*/\1/p' "$process/status"; } 2> /dev/null)
		[ "$state" = D ] || continue
		echo "waits in the kernel: $(< "$process/comm")"
		cat "$process/stack"
	done 2> /dev/null
	return 0
}

# The verdict on a test that has run, from what it left and the kernel's log.
pnvme_run_test()
{
	local name=$1 title=$2 seconds=$(($3 * $(pnvme_slow))) status=0 log=$PNVME_WORK/log bad
	local start=$SECONDS
	rm -f "$PNVME_WORK"/{passed,skip,defer,expected,nobody,wait}
	timeout -k 5 "$seconds" bash "$pnvme_script" --one "$name" > "$log" 2>&1 < /dev/null {pnvme_kmsg}<&- || status=$?
	[ "$status" = 0 ] || rm -f "$PNVME_WORK/passed"
	if [ "$status" = 124 ] || [ "$status" = 137 ]; then
		echo "FAILED: timed out after $seconds s" >> "$log"
		rm -f "$PNVME_WORK/skip"
	fi
	if [ ! -e "$PNVME_WORK/passed" ] && [ -s "$PNVME_WORK/wait" ]; then
		{ echo "what it waited for said:"; cat "$PNVME_WORK/wait"; } >> "$log"
	fi
	[ -e "$PNVME_WORK/passed" ] || [ -e "$PNVME_WORK/skip" ] || pnvme_what_hangs >> "$log"
	if ! pnvme_cleanup > "$PNVME_WORK/cleanup" 2>&1; then
		{ echo "FAILED: cleaning up after the test:"; cat "$PNVME_WORK/cleanup"; } >> "$log"
		rm -f "$PNVME_WORK/passed" "$PNVME_WORK/skip"
	fi
	bad=$(log_bad)
	log_mark "$name"
	if [ -n "$bad" ]; then
		echo "FAILED: $bad" >> "$log"
		rm -f "$PNVME_WORK/passed" "$PNVME_WORK/skip"
	elif [ ! -e "$PNVME_WORK/passed" ] && [ ! -e "$PNVME_WORK/skip" ]; then
		{ echo "the kernel said:"; tail -n 30 "$PNVME_WORK/dmesg"; } >> "$log"
	fi
	if [ -e "$PNVME_WORK/skip" ]; then
		pnvme_point skip "$title" "$(cat "$PNVME_WORK/skip")"
	elif [ -e "$PNVME_WORK/passed" ]; then
		pnvme_point ok "$title"
	else
		pnvme_point not "$title"
		tail -n 150 "$log" | sed 's/^/# /'
	fi
	echo "# $((SECONDS - start)) s"
	[ -z "${PNVME_VERBOSE:-}" ] || sed 's/^/# /' "$log"
}

# Not on a machine where somebody's data could be hit.
pnvme_guard()
{
	local why='' dev
	if [ "$(id -u)" != 0 ]; then
		why="needs root"
	elif [ -z "${PNVME_VM:-}" ]; then
		if [ -z "${PNVME_TEST_DRIVES:-}" ]; then
			why="PNVME_TEST_DRIVES names no spare drives; make check runs this in a virtual machine"
		elif compgen -G '/sys/class/pnvme/*' > /dev/null || compgen -G '/sys/block/pnvme*' > /dev/null; then
			why="this host has pnvme drives attached; detach them first"
		elif compgen -G '/var/lib/pnvme/*' > /dev/null || compgen -G '/etc/pnvme/*' > /dev/null; then
			why="this host has records of its own in /var/lib/pnvme or /etc/pnvme, which the tests would remove"
		fi
	fi
	for dev in ${PNVME_TEST_DRIVES:-}; do
		[ -b "$dev" ] || why="$dev of PNVME_TEST_DRIVES is no block device"
		grep -qE "^$dev(p?[0-9]+)? " /proc/mounts && why="$dev of PNVME_TEST_DRIVES is mounted"
	done
	[ -n "$why" ] || return 0
	echo "TAP version 13"
	echo "1..0 # SKIP $why"
	exit $KSFT_SKIP
}

pnvme_main()
{
	local tests name title bad
	pnvme_script=$0
	[[ $pnvme_script == /* ]] || pnvme_script=$PWD/$0
	if [ "${1:-}" = --one ]; then pnvme_one "$2"; fi
	pnvme_guard
	mapfile -t tests < <(pnvme_tests)
	[ $# = 0 ] || tests=("$@")
	PNVME_WORK=$(mktemp -d)
	export PNVME_WORK PNVME_TOP
	trap 'rm -rf "$PNVME_WORK"' EXIT
	for name in "${tests[@]}"; do
		if [ "$(type -t "$name")" != function ] || [ -z "$(pnvme_describe "$name")" ]; then
			echo "Bail out! $name is no function that begins with : \"what it shows\""
			exit 1
		fi
	done
	echo "TAP version 13"
	echo "1..$((${#tests[@]} + 1))"
	log_begin || { echo "Bail out! the kernel log cannot be read"; exit 1; }
	! is_debug_kernel || echo clear > /sys/kernel/debug/kmemleak
	if ! pnvme_wipe_written > "$PNVME_WORK/log" 2>&1; then
		echo "Bail out! $(tail -n 1 "$PNVME_WORK/log")"
		exit 1
	fi
	for name in "${tests[@]}"; do
		title=$(pnvme_describe "$name")
		pnvme_run_test "$name" "$name: $title" "$TIMEOUT"
	done
	title="module unloads, nothing leaked, kernel log"
	if pnvme_unload_point > "$PNVME_WORK/log" 2>&1 && bad=$(log_bad) && [ -z "$bad" ]; then
		pnvme_point ok "$title"
	else
		pnvme_point not "$title"
		{ cat "$PNVME_WORK/log"; echo "${bad:-}"; } | sed 's/^/# /'
	fi
	echo "# Totals: pass:$((pnvme_number - pnvme_failed - pnvme_skipped)) fail:$pnvme_failed skip:$pnvme_skipped"
	[ "$pnvme_failed" = 0 ] || exit 1
	[ "$pnvme_skipped" -lt "${#tests[@]}" ] || exit $KSFT_SKIP
	exit 0
}
