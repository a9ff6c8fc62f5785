#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the kernel does with a block device besides reading and writing it: swap,
# protection information, limits of a cgroup, reservations.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$pnvme_dir/nl_lib.sh"

# --- cgroups -----------------------------------------------------------------

# CONTROLLER: a cgroup with it, in $group
cgroup()
{
	local root
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$root" ] || skip "no cgroup2 is mounted"
	grep -qw "$1" "$root/cgroup.controllers" || skip "this kernel has no cgroup controller $1"
	echo "+$1" > "$root/cgroup.subtree_control"
	group=$root/pnvme-test
	mkdir "$group"
	defer rmdir "$group"
}

# COMMAND...: in $group
inside()
{
	(echo "$BASHPID" > "$group/cgroup.procs" && exec "$@")
}

# --- swap --------------------------------------------------------------------

# Pages that zswap takes never get to a device.
without_zswap()
{
	local zswap=/sys/module/zswap/parameters/enabled
	[ -e "$zswap" ] && [ "$(cat "$zswap")" = Y ] || return 0
	echo N > "$zswap"
	defer sh -c "echo Y > $zswap"
}

test_swap()
{
	: "memory goes out to a namespace and comes back, with no room but there"
	local limit=24 used=56 pages out in
	begin
	[ -e /proc/swaps ] || skip "this kernel has no swap"
	[ "$(wc -l < /proc/swaps)" = 1 ] || skip "this machine swaps already"
	cgroup memory
	without_zswap
	spare pnvme-a
	adopt "$dev"
	create left 8M
	fill "$node" 0 8
	create swap 128M
	mkswap "$node" > /dev/null
	run swapon "$node"
	defer swapoff "$node"
	refused EBUSY "is open" drive-detach uuid="$uuid"
	echo "${limit}M" > "$group/memory.max"
	pages=$(((used - limit) << 20 >> 12))
	out=$(count_of "$node" 7) in=$(count_of "$node" 3)
	inside python3 -S -E "$pnvme_dir/swapper.py" "$used" 2 || fail "memory was lost"
	# the namespace's own count, in pages
	out=$((($(count_of "$node" 7) - out) / 8)) in=$((($(count_of "$node" 3) - in) / 8))
	echo "$out pages out, $in in" >&2
	[ "$out" -ge $((2 * pages)) ] || fail "only $out pages went out, at least $((2 * pages)) have no room"
	[ "$in" -ge $((2 * pages)) ] || fail "only $in pages came in"
	swapoff "$node"
	detach "$uuid"
}

# --- protection information --------------------------------------------------

# LBA CHECK TAG: read it from the drive, which checks (4 guard, 1 reference tag);
# its 8 bytes of protection are in $tuple then
raw_read()
{
	nvme read "$dev" -s "$1" -c 0 -z 512 -y 8 -d "$PNVME_WORK/data" -M "$PNVME_WORK/tuple" \
		--prinfo="$2" --ref-tag="$3" >&2 || return
	tuple=$(od -An -v -tx1 "$PNVME_WORK/tuple" | tr -d ' \n')
}

# LBA TUPLE: what raw_read() left, with another tuple, and nobody checks
raw_write()
{
	printf '%b' "$(fold -w 2 <<< "$2" | sed 's/^/\\x/' | tr -d '\n')" > "$PNVME_WORK/tuple"
	nvme write "$dev" -s "$1" -c 0 -z 512 -y 8 -d "$PNVME_WORK/data" -M "$PNVME_WORK/tuple" --prinfo=0 >&2
}

# LBA: its reference tag
tag_of() { printf %08x $(($1 & 0xffffffff)); }

same_profile()
{
	local file lower=/sys/block/${dev#/dev/}/integrity upper=/sys/block/${node#/dev/}/integrity
	[[ $(cat "$upper/format") == T10-DIF-TYPE$1-* ]] || fail "its format is $(cat "$upper/format")"
	for file in "$lower"/*; do
		[ "$(cat "$file")" = "$(cat "$upper/${file##*/}")" ] ||
			fail "${file##*/} is $(cat "$file") on the drive, $(cat "$upper/${file##*/}") on the namespace"
	done
	[ "$(cat "$upper/write_generate")" = 1 ]
	[ "$(cat "$upper/read_verify")" = 1 ]
}

# BLOCK of the namespace cannot be read any more, its neighbours can
is_refused()
{
	attach "$dev"
	must_fail quiet_dd if="$node" of=/dev/null bs=512 skip="$1" count=1 iflag=direct
	quiet_dd if="$node" of=/dev/null bs=512 skip=$(($1 + 1)) count=1 iflag=direct
	quiet_dd if="$node" of=/dev/null bs=512 skip=$(($1 - 1)) count=1 iflag=direct
	# a block that is written has protection again
	quiet_dd if="$pnvme_text" of="$node" bs=512 seek="$1" count=1 oflag=direct conv=notrunc
	quiet_dd if="$node" of=/dev/null bs=512 skip="$1" count=1 iflag=direct
	detach "$uuid"
}

# SERIAL: a drive with protection information, adopted
with_integrity()
{
	spare "$1"
	[ -e "/sys/block/${dev#/dev/}/integrity/format" ] || skip "this kernel has no block integrity"
	adopt "$dev"
}

# SERIAL TYPE
protection()
{
	local sum lba tag good
	with_integrity "$1"
	create left 3M
	create middle 8M
	lba=$((start / 512 + 100))
	same_profile "$2"
	verify_with_fio "$node" 512-256k 512
	fill "$node" 0 8
	sum=$(part_sum "$node" 0 8)
	[ "$(quiet_dd if="$node" bs=64k count=128 | cksum)" = "$sum" ] || fail "through the page cache it is something else"
	detach "$uuid"
	# the kernel has the drive check what it reads there: guard, and of type 1 the tag
	[ "$(part_sum "$dev" $((start >> 20)) 8)" = "$sum" ] || fail "the drive holds something else"
	tag=$(tag_of "$lba")
	if [ "$2" = 1 ]; then
		raw_read "$lba" 5 "$lba"
		must_fail raw_read "$lba" 5 $((lba - start / 512))
		must_fail raw_read "$lba" 5 $((lba + 1))
		[ "${tuple:8}" = "$tag" ] || fail "the reference tag of LBA $lba is ${tuple:8}, not $tag"
	else
		raw_read "$lba" 4 0
	fi
	good=$tuple
	echo "LBA $lba has $good" >&2
	# nor does the drive get another one without us
	raw_write "$lba" "$(printf %016x 0)"
	quiet_dd if="$PNVME_WORK/data" of="$dev" bs=512 seek="$lba" oflag=direct conv=notrunc
	raw_read "$lba" 4 0
	[ "$tuple" = "$good" ] || fail "without pnvme LBA $lba has $tuple, with it $good"
	raw_write "$lba" "dead${good:4}"
	is_refused 100
	# the tag that it would have without the namespace's start
	raw_read "$lba" 4 0
	raw_write "$lba" "${tuple:0:8}$(tag_of $((lba - start / 512)))"
	if [ "$2" = 1 ]; then
		is_refused 100
	else
		attach "$dev"
		quiet_dd if="$node" of=/dev/null bs=512 skip=100 count=1 iflag=direct
	fi
}

test_protection_type1()
{
	: "protection information of type 1: reference tags are those of the drive's LBAs"
	begin
	protection pnvme-pi 1
}

test_protection_type3()
{
	: "protection information of type 3"
	begin
	protection pnvme-pi3 3
}

# Namespaces of 16 MiB on the drive $uuid: "across" has LBA 2^32 in its middle, "behind" follows it.
EDGE=$((1 << 32))
far_namespaces()
{
	[ "$(blockdev --getsz "$dev")" -gt $((EDGE + (64 << 11))) ] || fail "$dev is no drive of more than 2^32 LBAs"
	create left $(((2 << 20) - 9))M
	create across 16M
	[ "$start" = $((EDGE * 512 - (8 << 20))) ] || fail "it starts at byte $start, not 8 MiB before LBA 2^32"
}

# Kernel and drive check all of the namespace; then LBA by LBA
far_tags()
{
	local sum lba
	sum=$(part_sum "$node" 0 16)
	[ "$(quiet_dd if="$node" bs=64k count=256 | cksum)" = "$sum" ] || fail "through the page cache it is something else"
	[ "$(part_sum "$dev" $((start >> 20)) 16)" = "$sum" ] || fail "the drive holds something else"
	for lba; do
		raw_read "$lba" 5 $((lba & 0xffffffff))
		echo "LBA $lba has $tuple" >&2
		[ "${tuple:8}" = "$(tag_of "$lba")" ] || fail "the reference tag of LBA $lba is ${tuple:8}"
		must_fail raw_read "$lba" 5 $(((lba + 1) & 0xffffffff))
		must_fail raw_read "$lba" 5 $((lba - start / 512))
	done
}

# LBA: its block cannot be read with the tag that it would have without the namespace's start
far_refused()
{
	detach "$uuid"
	raw_read "$1" 4 0
	raw_write "$1" "${tuple:0:8}$(tag_of $(($1 - start / 512)))"
	is_refused $(($1 - start / 512))
}

# DEV OFFSET FILE: one I/O
write_at() { quiet_dd if="$3" of="$1" bs=64k seek="$2" count=1 oflag=direct,seek_bytes conv=notrunc; }
read_at() { quiet_dd if="$1" bs=64k skip="$2" count=1 iflag=direct,skip_bytes | cmp - "$3"; }

# DEV OFFSET: what becomes of one command
outcome()
{
	if write_at "$1" "$2" "$PNVME_WORK/edge" 2> /dev/null; then echo carried out; else echo refused; fi
}

test_protection_far()
{
	: "protection information of type 1 beyond 2^32 LBAs: reference tags are the low 32 bits"
	local bare limit edge=$(((8 << 20) - 32768))
	begin
	spare pnvme-pi
	head -c 64k /dev/urandom > "$PNVME_WORK/edge"
	# QEMU's drives count on beyond 32 bits within a command, and refuse it
	bare=$(outcome "$dev" $((EDGE * 512 - 32768)))
	with_integrity pnvme-pi
	far_namespaces
	same_profile 1
	[ "$(outcome "$node" "$edge")" = "$bare" ] || fail "a command over the edge is $bare by the bare drive alone"
	fill "$node" 0 16
	# one I/O over the edge, in two commands
	limit=/sys/block/${dev#/dev/}/queue/max_sectors_kb
	defer sh -c "echo $(cat "$limit") > $limit"
	echo 32 > "$limit"
	write_at "$node" "$edge" "$PNVME_WORK/edge"
	read_at "$node" "$edge" "$PNVME_WORK/edge"
	far_tags $((EDGE - 64)) $((EDGE - 1)) "$EDGE" $((EDGE + 1)) $((EDGE + 63)) $((start / 512 + 32767))
	far_refused "$EDGE"
	attach "$dev"
	create behind 16M
	verify_with_fio "$node" 512-256k 512
	fill "$node" 0 16
	far_tags $((start / 512)) $((start / 512 + 100)) $((start / 512 + 32767))
	far_refused $((start / 512 + 100))
}

# EXPECTED WHAT BLOCK COUNT [no-tag] on the namespace, with protection that is made by us
own_protection()
{
	local got
	got=$(python3 -S -E "$pnvme_dir/integrity_io.py" "$node" "${@:2}") ||
		skip "this kernel has no I/O with protection of the user's (6.13 has)"
	echo "${*:2}: $got" >&2
	[ "$got" = "$1" ] || fail "${*:2} gives '$got', not '$1'"
}

# BLOCK [no-tag]: 16 blocks of the namespace from there, and 8 that are damaged behind them
user_blocks()
{
	local i lba=$((start / 512 + $1))
	own_protection ok write "$1" 16 "${@:2}"
	own_protection ok read "$1" 16 "${@:2}"
	own_protection ok read $(($1 + 7)) 1 "${@:2}"
	own_protection EILSEQ damage $(($1 + 100)) 8 "${@:2}"
	quiet_dd if="$node" of=/dev/null bs=512 skip="$1" count=16 iflag=direct
	for i in 0 7 8 15; do
		raw_read $((lba + i)) 4 0
		echo "LBA $((lba + i)) has $tuple" >&2
		[ "${tuple:4:4}" = 5aa5 ] || fail "it is not ours"
		[ $# = 2 ] || [ "${tuple:8}" = "$(tag_of $((lba + i)))" ] || fail "LBA $((lba + i)) has the tag ${tuple:8}"
	done
}

# SERIAL [no-tag]
user_protection()
{
	spare "$1"
	adopt "$dev"
	create left 3M
	create middle 8M
	user_blocks 100 "${@:2}"
}

test_user_protection_type1()
{
	: "protection information of the user, type 1: tags of the namespace become tags of the drive, and back"
	begin
	user_protection pnvme-pi
}

test_user_protection_far()
{
	: "protection information of the user, type 1, beyond 2^32 LBAs"
	begin
	spare pnvme-pi
	adopt "$dev"
	far_namespaces
	user_blocks 16368	# up to the edge; over it, as above, QEMU's drives refuse
	user_blocks 16384
	create behind 16M
	user_blocks 100
}

test_user_protection_type3()
{
	: "protection information of the user, type 3"
	begin
	user_protection pnvme-pi3 no-tag
}

# --- limits of a cgroup ------------------------------------------------------

# NAME: of what the cgroup did to the namespace
io_stat()
{
	awk -v dev="$number" -v name="$1=" '$1 == dev { for (i = 2; i <= NF; i++)
		if (index($i, name) == 1) print substr($i, length(name) + 1) }' "$group/io.stat"
}

# LIMIT COMMAND...: at least 3 s under it (that is without what may go at once)
takes_3_seconds()
{
	local begun end
	echo "$number $1" > "$group/io.max"
	read -r begun _ < /proc/uptime
	inside "${@:2}"
	read -r end _ < /proc/uptime
	echo "$number ${1%%=*}=max" > "$group/io.max"
	echo "under $1 from $begun to $end" >&2
	[ $((${end/./} - ${begun/./})) -ge 300 ] || fail "$1 does not limit: from $begun to $end s"
}

test_io_max()
{
	: "io.max of a cgroup limits a namespace, io.stat counts its bytes"
	local number before
	begin
	cgroup io
	[ -e "$group/io.max" ] || skip "this kernel has no io.max"
	spare pnvme-a
	adopt "$dev"
	create one 8M
	number=$(cat "/sys/block/${node#/dev/}/dev")
	takes_3_seconds wbps=1048576 dd status=none if=/dev/zero of="$node" bs=64k count=64 oflag=direct conv=notrunc
	[ "$(io_stat wbytes)" = $((4 << 20)) ] || fail "io.stat: $(cat "$group/io.stat")"
	takes_3_seconds rbps=2097152 dd status=none if="$node" of=/dev/null bs=64k count=128 iflag=direct
	[ "$(io_stat rbytes)" = $((8 << 20)) ] || fail "io.stat: $(cat "$group/io.stat")"
	takes_3_seconds riops=32 dd status=none if="$node" of=/dev/null bs=4k count=128 iflag=direct
	[ "$(io_stat rios)" = 256 ] || fail "io.stat: $(cat "$group/io.stat")"
	# one on the drive counts for what its namespaces do
	before=$number number=$(cat "/sys/block/${dev#/dev/}/dev")
	takes_3_seconds wbps=1048576 dd status=none if=/dev/zero of="$node" bs=64k count=64 oflag=direct conv=notrunc
	number=$before
	[ "$(io_stat wbytes)" = $((8 << 20)) ] || fail "io.stat: $(cat "$group/io.stat")"
}

# --- reservations ------------------------------------------------------------

# DEV WHAT...: what the kernel answers
pr()
{
	python3 -S -E "$pnvme_dir/reserve.py" "$@"
}

# EXPECTED WHAT... on the namespace
answers()
{
	local got
	got=$(pr "$node" "${@:2}")
	echo "$node: ${*:2}: $got" >&2
	[ "$got" = "$1" ] || fail "${*:2} on $node gives '$got', not '$1'"
}

drive_failed()
{
	nl drive-get uuid="$uuid"
	[ "$(field state)" = failed ]
}

test_reserve_sole()
{
	: "reservations are passed on for a sole namespace alone, with the drive's own answer"
	local what ops="register,0,7 reserve,7,1 release,7,1 preempt,7,8,1 clear,7" one
	begin
	spare pnvme-a
	adopt "$dev"
	create one 4M
	one=$node
	# shellcheck disable=SC2086	# words
	for what in $ops keys holder; do
		answers "$(pr "$dev" ${what//,/ })" ${what//,/ }
	done
	create two 4M
	for node in "$one" "$node"; do
		# shellcheck disable=SC2086
		for what in $ops; do
			[ "$(pr "$dev" ${what//,/ })" != EOPNOTSUPP ] || fail "so does the drive itself: this shows nothing"
			answers EOPNOTSUPP ${what//,/ }
		done
	done
	granted ns-delete name=two
	node=$one
	answers "$(pr "$dev" register 0 7)" register 0 7
}

test_reserve_failed()
{
	: "no reservation reaches a drive that has failed"
	begin
	null_disk reserve 64
	adopt "$dev" any
	create one 4M
	# null_blk has none
	answers EOPNOTSUPP register 0 7
	exec 9< "$node"
	echo 0 > /sys/kernel/config/nullb/reserve/power
	wait_for drive_failed
	answers EIO register 0 7
	exec 9<&-
}

# COMMAND ARGUMENT...: of nvme, as the second host
other()
{
	echo "\$ nvme $1 /dev/$other ${*:2}" >&2
	nvme "$1" "/dev/$other" -n 1 "${@:2}"
}

other_writes()
{
	other io-passthru -o 1 -w -l 4096 --cdw10=$((start / 512)) --cdw12=7 -i "$pnvme_text"
}

# EXPECTED WHAT: only recent kernels have ioctls that read
reads()
{
	[ "$(pr "$node" "$2")" = ENOTTY ] || answers "$1" "$2"
}

test_reserve()
{
	: "reservations on a drive that has them: held, keep others out, are lost and taken back"
	local target=$pnvme_dir/nvmet_target status=0 disk other
	begin
	"$target" begin || skip "no NVMe target here, neither loop nor tcp"
	null_disk reserve 64
	disk=$dev
	defer "$target" clear
	defer "$NL_ABI" detach-all
	dev=$("$target" add pnvme-pr "$disk" 00112233-4455-6677-8899-aabbccddeef1 resv_enable=1) || status=$?
	[ "$status" != 4 ] || skip "this kernel's NVMe target has no reservations (6.13 has)"
	[ "$status" = 0 ]
	adopt "$dev"
	create one 8M
	answers 0 register 0 7
	reads "0 7" keys
	answers 0 reserve 7 1
	reads "0 7 1" holder
	verify_with_fio "$node" 4k-64k 4k
	other=$("$target" join pnvme-pr)
	fails 1 "Reservation Conflict" other_writes
	other resv-register --nrkey=8 --rrega=0
	reads "0 7 8" keys
	fails 1 "Reservation Conflict" other_writes
	quiet_dd if="$pnvme_text" of="$node" bs=4k count=1 oflag=direct conv=notrunc
	# it takes the drive from us
	other resv-acquire --crkey=8 --prkey=7 --racqa=1 --rtype=1
	reads "0 8" keys
	reads "0 8 1" holder
	other_writes
	must_fail quiet_dd if="$pnvme_text" of="$node" bs=4k count=1 oflag=direct conv=notrunc
	answers "status 24" reserve 7 1
	nl drive-get uuid="$uuid"
	has state live
	# and we take it back
	answers 0 register 0 9
	# the kernel's NVMe driver takes the two keys the other way round than <linux/pr.h> has it
	[ "$(pr "$node" preempt 8 9 1)" = 0 ] || answers 0 preempt 9 8 1
	reads "0 9" keys
	fails 1 "Reservation Conflict" other_writes
	quiet_dd if="$pnvme_text" of="$node" bs=4k count=1 oflag=direct conv=notrunc
	answers 0 release 9 1
	reads "0 0 0" holder
	other_writes
	answers 0 clear 9
	reads 0 keys
}

pnvme_main "$@"
