#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A drive that loses power, and with it what its volatile cache held: a memory disk with a
# write-back cache that is really dropped, behind the kernel's NVMe target. What was called
# durable is there afterwards, and whoever asks whether the rest is gets an error.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$(dirname "$0")/nl_lib.sh"

TIMEOUT=90
target=$pnvme_dir/nvmet_target
disk_dir=/sys/kernel/config/nullb/power
ns_size=400M

# SETTING...: a drive with one namespace, $node
power_begin()
{
	begin
	"$target" begin || skip "no NVMe target here, neither loop nor tcp"
	null_disk power 512 cache_size=256 discard=1
	defer "$target" clear
	dev=$("$target" add pnvme-power "$dev" 00112233-4455-6677-8899-aabbccddeef1)
	defer "$NL_ABI" detach-all
	adopt "$dev"
	defer "$NL_ABI" "do" drive-fail uuid="$uuid"
	has proof strong
	granted drive-set uuid="$uuid" hold-timeout=600 "$@"
	create busy "$ns_size"
	watch_events
}

power_off()
{
	"$target" off pnvme-power
	echo 0 > "$disk_dir/power"
	wait_for drive_is held
}

# Its name may be another one each time.
power_on()
{
	local disk
	echo 1 > "$disk_dir/power"
	disk=/dev/power
	[ -b "$disk" ] || disk=/dev/nullb$(< "$disk_dir/index")
	"$target" on pnvme-power "$disk" > "$PNVME_WORK/node"
	wait_for 30 drive_is live
}

# MIB TEXT [FLAG]: one MiB of a text
put_text()
{
	quiet_dd if=<(yes "$2" || true) of="$node" bs=1M count=1 seek="$1" oflag=direct iflag=fullblock conv=notrunc"${3:+,$3}"
}

# MIB TEXT: is that there?
text_is()
{
	local line
	line=$(quiet_dd if="$node" bs=4k count=1 skip=$(($1 * 256)) iflag=direct | tr -d '\0' | head -n 1)
	[ "$line" = "$2" ] || fail "MiB $1 begins with '$line' instead of '$2'"
}

# Old and new data, some of it flushed; fd 9 keeps the namespace open. What was on the disk
# once is overwritten there past the cache (null_blk's null_insert_page()), so the new is new.
old_and_new()
{
	exec 9<> "$node"
	put_text 1 kept fsync
	put_text 2 new
	text_is 2 new
}

# The test itself: the cache is really lost
new_is_lost()
{
	text_is 1 kept
	text_is 2 ""
}

test_dropped()
{
	: "a cache that is lost: what was flushed is there, the rest is not, and flushes say so"
	power_begin
	old_and_new
	power_off
	power_on
	event_came type=ns-fence
	new_is_lost
	nl ns-get name=busy
	has fence flush
	has fences 1
	must_fail put_text 4 x fsync
	must_fail quiet_dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct,dsync conv=notrunc
	exec 9<&-
	put_text 1 again fsync
}

test_flushed()
{
	: "a cache that held nothing: no fence"
	power_begin
	exec 9<> "$node"
	put_text 1 one
	put_text 2 two fsync
	power_off
	power_on
	nl ns-get name=busy
	has fence none
	text_is 1 one
	text_is 2 two
	put_text 3 three fsync
	exec 9<&-
}

test_trusted()
{
	: "on-resume=trust is believed: the loss is not told, which is what the fence is for"
	power_begin on-resume=trust
	old_and_new
	power_off
	power_on
	new_is_lost
	put_text 4 x fsync
	nl ns-get name=busy
	has fences 0
	exec 9<&-
}

records()
{
	[ "$(wc -l < "$1")" -ge "$2" ]
}

# FSTYPE CHECK...: a database's log on a filesystem
durable_on()
{
	local fstype=$1 mnt=$PNVME_WORK/mnt-$1 writer others=() i
	shift
	[ "$fstype" = ext4 ] || modprobe "$fstype" || skip "no $fstype here"
	power_begin
	"mkfs.$fstype" -q "$node"
	mkdir -p "$mnt"
	rm -f "$PNVME_WORK/done-$fstype"
	mount "$node" "$mnt"
	defer umount -q "$mnt"
	python3 "$pnvme_dir/fsync_writer.py" write "$mnt/log" "$PNVME_WORK/done-$fstype" &
	writer=$!
	# and two that do not ask, so that mostly something is in doubt
	quiet_dd if=/dev/zero of="$mnt/one" bs=64k count=100 oflag=direct
	quiet_dd if=/dev/zero of="$mnt/two" bs=64k count=100 oflag=direct
	for i in one two; do
		# a trap, so that it does not end before its dd does
		(trap 'exit 0' TERM
		 while quiet_dd if=/dev/zero of="$mnt/$i" bs=64k count=100 oflag=direct conv=notrunc; do :; done) 2> /dev/null &
		others+=($!)
	done
	wait_for 30 records "$PNVME_WORK/done-$fstype" 20
	for i in {1..12}; do
		power_off
		power_on
		nl ns-get name=busy
		[ "$(field fences)" = 0 ] || break
		# all was flushed in that moment: then nobody may notice
		kill -0 "$writer"
		records "$PNVME_WORK/done-$fstype" 20
	done
	[ "$(field fences)" = 1 ] || fail "nothing was in doubt in $i power cuts"
	wait "$writer"
	[ "$(tail -n 1 "$PNVME_WORK/done-$fstype")" = EIO ] || fail "the writer was told $(tail -n 1 "$PNVME_WORK/done-$fstype")"
	kill "${others[@]}" 2> /dev/null || true
	wait "${others[@]}" || true	# they were killed, or could not write
	umount "$mnt"
	nl ns-get name=busy
	has fence none
	[ "$(field fences)" -gt 0 ]
	mount "$node" "$mnt"
	python3 "$pnvme_dir/fsync_writer.py" check "$mnt/log" "$PNVME_WORK/done-$fstype"
	umount "$mnt"
	run "$@" "$node"
}

test_ext4()
{
	: "ext4 and a writer with fsync notice, and each durable record is there"
	durable_on ext4 fsck.ext4 -fn
}

test_xfs()
{
	: "XFS and a writer with fsync notice, and each durable record is there"
	durable_on xfs xfs_repair -n
}

pnvme_main "$@"
