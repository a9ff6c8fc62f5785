# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For tests that drive the module with nl_abi alone, so that they depend on no
# tool of ours. Sourced after lib.sh, which runs each test with errexit.
#
#   begin                            first in a test: loads the module, detaches all at the end
#   nl OP ITEM...                    one operation; its answer is in $out, field NAME reads it
#   granted OP ITEM...               it must be
#   refused ERROR PHRASE OP ITEM...  with that errno name and a sentence that contains PHRASE
#   has NAME VALUE                   what the last answer must say
#   spare SERIAL                     a blank drive of the test machine: $dev
#   untouched DEV COMMAND...         the command must not change one byte of the drive
#   create NAME SIZE                 a namespace on the drive adopted last: $node, $start
#   pci_of SERIAL, orderly_remove, surprise_remove, back_on_the_bus: a drive that goes and comes
#   fill, part_sum, is_zero, count_of, grows, verify_with_fio: see there

# shellcheck disable=SC2034	# for the tests
host=6d1c2a34-0000-4000-8000-000000000001
# shellcheck disable=SC2034
host2=6d1c2a34-0000-4000-8000-000000000002
NL_ABI=${NL_ABI:-$PNVME_TOP/build/selftests/nl_abi}
# shellcheck disable=SC2154	# lib.sh sets it
[ -x "$NL_ABI" ] || NL_ABI=$pnvme_dir/nl_abi
out=
dev=
uuid=

nl_abi()
{
	"$NL_ABI" "$@"
}

begin()
{
	load_module
	defer "$NL_ABI" detach-all
}

nl()
{
	out=$(nl_abi "do" "$@")
}

field()
{
	local line
	while read -r line; do
		if [[ $line == "$1="* ]]; then echo "${line#*=}"; fi
	done <<< "$out"
}

granted()
{
	echo "\$ $*" >&2
	nl "$@" || fail "refused: $*: $(field message)"
}

refused()
{
	local error=$1 phrase=$2
	shift 2
	if nl "$@"; then
		fail "was granted: $*"
	elif [[ $out != "error=$error"$'\n'message=*"$phrase"* ]]; then
		fail "$*: got $(field error) '$(field message)', expected $error '$phrase'"
	fi
}

must_fail()
{
	echo "\$ $*    # must fail" >&2
	if "$@" 2> /dev/null; then fail "succeeded: $*"; fi
}

has()
{
	[[ $'\n'$out$'\n' == *$'\n'"$1=$2"$'\n'* ]] || fail "$1 is '$(field "$1")', expected '$2'"
}

spare()
{
	# its own line: what wait_for runs may fail, but must not exit
	dev=$(drive_by_serial "$1")
}

drive_is()
{
	nl drive-get uuid="$uuid"
	[ "$(field state)" = "$1" ]
}

# What could hold a label or a partition table becomes zeros.
blank()
{
	local mib=$(($(blockdev --getsize64 "$1") >> 20))
	dd if=/dev/zero of="$1" bs=1M count=1 oflag=direct status=none
	dd if=/dev/zero of="$1" bs=1M count=2 seek=$((mib > 2 ? mib - 2 : 0)) oflag=direct conv=notrunc status=none 2> /dev/null
	blockdev --flushbufs "$1"
}

# DEV COMMAND...: not one byte of the drive may change
untouched()
{
	local dev=$1 before
	shift
	before=$(nl_abi ends "$dev")
	echo "\$ $*    # must not write to $dev" >&2
	"$@"
	[ "$before" = "$(nl_abi ends "$dev")" ] ||
		fail "wrote to $dev: $*"
}

# Where the four copies are, from the format's description.
slots_of()
{
	local end=$(($(blockdev --getsize64 "$1") / 4096 * 4096))
	echo 65536 524288 $((end - 983040)) $((end - 524288))
}

label()
{
	python3 -S -E "$pnvme_dir/label_edit.py" "$@"
}

# DEV FIELD
label_field()
{
	label "$1" show | sed -n "s/^$2=//p"
}

new_uuid()
{
	echo "$(< /proc/sys/kernel/random/uuid)"
}

# DEV [ITEM...]: adopts it, UUID in $uuid
adopt()
{
	read -r uuid < /proc/sys/kernel/random/uuid
	granted drive-adopt dev="$1" uuid="$uuid" host="$host" "${@:2}"
}

attach()
{
	granted drive-attach dev="$1" host="$host" "${@:2}"
}

# UUID [ITEM...], with the patience that openers in passing (udev) need
detach()
{
	local tries
	for tries in {1..50}; do
		nl drive-detach uuid="$1" "${@:2}" && return
		[ "$(field error)" = EBUSY ] || break
		sleep 0.1
	done
	fail "cannot detach after $tries tries: $(field message)"
}

# NAME [ITEM...]: waits until a namespace is there
await_live()
{
	local tries
	for tries in {1..300}; do
		nl ns-get name="$1" || return
		[[ $(field state) != zeroing && -z $(field pending-size) ]] && return
		sleep 0.1
	done
	fail "namespace $1 stays in state $(field state) after $tries looks"
	return 1
}

# Events go to a file, from now on until the test ends.
watch_events()
{
	events=$PNVME_WORK/events
	: > "$events"
	nl_abi events > "$events" &
	defer kill $!
	wait_for grep -q ready "$events"
}

# PATTERN: such an event was sent, or is soon
event_came()
{
	wait_for grep -q -- "$1" "$events"
}

# NAME MIB [ATTRIBUTE=VALUE...]: a disk in memory: $dev
null_disk()
{
	local dir=/sys/kernel/config/nullb/$1 attr
	[ -d /sys/kernel/config/nullb ] || modprobe null_blk nr_devices=0 || skip "no null_blk here"
	mkdir "$dir"
	defer rmdir "$dir"
	echo "$2" > "$dir/size"
	for attr in blocksize=512 memory_backed=1 "${@:3}"; do
		echo "${attr#*=}" > "$dir/${attr%%=*}"
	done
	echo 1 > "$dir/power"
	dev=/dev/$1
	[ -b "$dev" ] || dev=/dev/nullb$(cat "$dir/index")
}

# --- losing a drive ------------------------------------------------------------

# SERIAL: where it is in sysfs
pci_of()
{
	local path found
	for path in /sys/class/nvme/nvme*; do
		read -r found < "$path/serial"
		[ "$found" != "$1" ] || readlink -f "$path/device"
	done
}

# FILE OFFSET BYTES, as printf has them: into configuration space
poke()
{
	# shellcheck disable=SC2059	# that is what it is
	printf "$3" | dd of="$1/config" bs=1 seek="$2" conv=notrunc status=none
}

# SYSFS-PATH: as a real loss: nothing answers any more, not even configuration space, and so the driver
# gives up at once. What the bus needs for that: the drive does not master it nor decode
# addresses, is held in reset, and no bus number leads to it.
surprise_remove()
{
	local pci=$1 port buses
	port=$(dirname "$pci")
	buses=$(od -An -v -tx1 -j 25 -N 2 "$port/config")
	poke "$pci" 4 '\0\0'
	poke "$port" 62 '\102\0'
	poke "$port" 25 '\0\0'
	echo 1 > "$pci/remove"
	poke "$port" 25 "${buses// /\\x}"
	poke "$port" 62 '\002\0'
}

orderly_remove()
{
	echo 1 > "$1/remove"
}

back_on_the_bus()
{
	echo 1 > /sys/bus/pci/rescan
}

# --- data ---------------------------------------------------------------------

# NAME SIZE [ITEM...] on the drive $uuid: its node in $node, first byte in $start
create()
{
	granted ns-create drive="$uuid" name="$1" size="$2" "${@:3}"
	await_live "$1"
	node=/dev/$(field device)
	start=$(field start)
}

quiet_dd()
{
	dd status=none "$@"
}

# DEV MIB COUNT: checksum of a part, past the page cache
part_sum()
{
	quiet_dd if="$1" bs=1M skip="$2" count="$3" iflag=direct | cksum
}

# DEV MIB COUNT: fills it with lines of text
fill()
{
	quiet_dd if=<(yes "pattern of $1 $2" || true) of="$1" bs=1M seek="$2" count="$3" oflag=direct iflag=fullblock conv=notrunc
}

# NODE MIB COUNT
is_zero()
{
	quiet_dd if="$1" bs=1M skip="$2" count="$3" iflag=direct | cmp -n $(($3 << 20)) - /dev/zero
}

verify_with_fio()
{
	fio --name=verify --filename="$1" --rw=randwrite --bsrange="$2" --blockalign="$3" --size=8m --io_size=8m \
		--direct=1 --ioengine=libaio --iodepth=16 --verify=crc32c --do_verify=1 --verify_fatal=1 \
		--randrepeat=1 --output="$PNVME_WORK/fio" || { cat "$PNVME_WORK/fio" >&2; fail "fio on $1"; }
}

# Of a disk's stat: 5 writes, 7 sectors written, 12 discards, 14 sectors discarded, 16 flushes
count_of()
{
	awk -v n="$2" '{ print $n }' "/sys/class/block/${1#/dev/}/stat"
}

# FIELD BY COMMAND...: the drive's counter must grow by at least that much
grows()
{
	local field=$1 by=$2 before after
	shift 2
	before=$(count_of "$dev" "$field")
	"$@"
	after=$(count_of "$dev" "$field")
	[ "$((after - before))" -ge "$by" ] || fail "counter $field of $dev grew by $((after - before)), not $by: $*"
}
