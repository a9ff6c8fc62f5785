#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Namespaces as block devices: the data, the neighbours' data, what passes down
# and what sysfs shows.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$pnvme_dir/nl_lib.sh"

# SERIAL SMALLEST-BLOCK: three namespaces; I/O in the middle one stays there
integrity()
{
	local before first middle_start
	spare "$1"
	adopt "$dev"
	create left 4M
	fill "$node" 0 4
	create middle 8M
	first=$node middle_start=$start
	create right 4M
	fill "$node" 0 4
	before="$(part_sum "$dev" 1 4) $(part_sum "$dev" 13 4)"
	verify_with_fio "$first" "$2-256k" "$2"
	# the first and the last sector
	quiet_dd if="$pnvme_text" of="$first" bs="$2" count=1 oflag=direct
	quiet_dd if="$pnvme_text" of="$first" bs="$2" count=1 seek=$(((8 << 20) / $2 - 1)) oflag=direct
	[ "$before" = "$(part_sum "$dev" 1 4) $(part_sum "$dev" 13 4)" ] || fail "a neighbour was written"
	# it lies where netlink says
	[ "$(part_sum "$first" 0 8)" = "$(part_sum "$dev" $((middle_start >> 20)) 8)" ] ||
		fail "$first is not what lies at $middle_start on $dev"
	detach "$uuid"
}

test_integrity()
{
	: "data comes back, neighbours stay as they are, on 512-byte LBAs"
	begin
	integrity pnvme-a 512
}

test_integrity_4k()
{
	: "the same on 4096-byte LBAs"
	begin
	integrity pnvme-4k 4096
}

test_integrity_pi()
{
	: "the same with protection information"
	begin
	integrity pnvme-pi 4096
}

test_ends()
{
	: "nothing is read or written past the end"
	local sum
	begin
	spare pnvme-a
	adopt "$dev"
	create one 1M
	[ "$(blockdev --getsize64 "$node")" = 1048576 ]
	fill "$dev" 2 1
	sum=$(part_sum "$dev" 2 1)
	[ "$(quiet_dd if="$node" bs=512 skip=2048 count=8 iflag=direct | wc -c)" = 0 ]
	[ "$(quiet_dd if="$node" bs=64k skip=15 count=4 iflag=direct | wc -c)" = 65536 ]
	must_fail quiet_dd if=/dev/zero of="$node" bs=512 seek=2048 count=1 oflag=direct
	must_fail quiet_dd if=/dev/zero of="$node" bs=1M count=2 oflag=direct
	[ "$(part_sum "$dev" 2 1)" = "$sum" ] || fail "what lies behind was written"
}

test_partitions()
{
	: "a namespace can be partitioned; partitions come back with it"
	local mnt=$PNVME_WORK/mnt
	begin
	spare pnvme-a
	adopt "$dev"
	create one 64M
	printf 'label: gpt\nsize=16M\nsize=32M\n' | sfdisk -q "$node"
	wait_for test -b "${node}p2"
	mkfs.ext4 -q "${node}p1"
	mkdir -p "$mnt"
	mount "${node}p1" "$mnt"
	cp "$pnvme_text" "$mnt/text"
	nl ns-get name=one
	[ "$(field open)" -ge 1 ] || fail "a mounted partition does not count as open"
	refused EBUSY "namespace one" drive-detach uuid="$uuid"
	refused EBUSY "namespace one" ns-delete name=one
	umount "$mnt"
	e2fsck -fn "${node}p1" >&2
	detach "$uuid"
	[ ! -e "${node}p1" ]
	attach "$dev"
	wait_for test -b "${node}p2"
	mount -r "${node}p1" "$mnt"
	cmp "$pnvme_text" "$mnt/text"
	umount "$mnt"
	[ "$(cat "/sys/class/block/${node#/dev/}p1/partition")" = 1 ]
}

# Those that say what I/O the drive takes must be the drive's own.
limits="logical_block_size physical_block_size hw_sector_size minimum_io_size optimal_io_size max_segments
max_segment_size max_sectors_kb max_hw_sectors_kb max_discard_segments discard_granularity discard_max_bytes
discard_max_hw_bytes write_zeroes_max_bytes dma_alignment virt_boundary_mask chunk_sectors write_cache fua
rotational stable_writes zoned iostats io_poll add_random dax"

compare_limits()
{
	local limit lower=/sys/block/${dev#/dev/} upper=/sys/block/${node#/dev/} differ=
	for limit in $limits; do
		[ -e "$lower/queue/$limit" ] || continue
		[ "$(cat "$lower/queue/$limit")" = "$(cat "$upper/queue/$limit")" ] ||
			differ+=" $limit:$(cat "$lower/queue/$limit")->$(cat "$upper/queue/$limit")"
	done
	for limit in format tag_size protection_interval_bytes; do
		[ -e "$lower/integrity/$limit" ] || continue
		[ "$(cat "$lower/integrity/$limit")" = "$(cat "$upper/integrity/$limit")" ] || differ+=" integrity/$limit"
	done
	[ "$(cat "$lower/alignment_offset")" = "$(cat "$upper/alignment_offset")" ] || differ+=" alignment_offset"
	[ -z "$differ" ] || fail "limits of $dev and $node differ:$differ"
}

test_partition_of_shrunk()
{
	: "a partition does not outlive a shrink into the next namespace"
	local sum first
	begin
	spare pnvme-a
	adopt "$dev"
	create one 8M
	first=$node
	printf 'label: dos\nstart=2048\n' | sfdisk -q "$first"
	wait_for test -b "${first}p1"
	granted ns-resize name=one size=2M force
	create two 6M keep-data
	[ "$start" = $((3 << 20)) ]
	fill "$node" 0 6
	sum=$(part_sum "$node" 0 6)
	if [ -b "${first}p1" ]; then
		[ "$(blockdev --getsize64 "${first}p1")" -le $((1 << 20)) ] || fail "the partition reaches beyond the namespace"
		must_fail quiet_dd if=/dev/zero of="${first}p1" bs=1M seek=1 count=1 oflag=direct conv=notrunc
	fi
	[ "$(part_sum "$node" 0 6)" = "$sum" ] || fail "the next namespace was written"
}

test_limits()
{
	: "limits are those of the drive"
	local serial
	begin
	for serial in pnvme-a pnvme-4k pnvme-pi; do
		spare "$serial"
		adopt "$dev"
		create "one-$serial" 1M
		compare_limits
		detach "$uuid"
	done
}

# OFFSET LENGTH: one atomic write to $node
write_atomic()
{
	python3 - "$node" "$1" "$2" <<-'PYTHON'
		import mmap, os, sys
		RWF_ATOMIC = 0x40
		buf = mmap.mmap(-1, int(sys.argv[3]))
		buf.write(b"a" * len(buf))
		fd = os.open(sys.argv[1], os.O_WRONLY | os.O_DIRECT)
		assert os.pwritev(fd, [buf], int(sys.argv[2]), RWF_ATOMIC) == len(buf)
	PYTHON
}

test_atomic()
{
	: "atomic writes, as large as on the drive"
	local unit file
	begin
	{ modprobe -q sd_mod && modprobe -q scsi_debug atomic_wr=1 atomic_wr_max_length=64 dev_size_mb=64; } || skip "no scsi_debug here"
	# in use while the drive is attached
	defer bash -c "pnvme drive detach --all; rmmod scsi_debug"
	wait_for 20 scsi_disk || fail "scsi_debug made no disk"
	[ -e "/sys/block/${dev#/dev/}/queue/atomic_write_unit_max_bytes" ] || skip "no atomic writes in this kernel"
	unit=$(cat "/sys/block/${dev#/dev/}/queue/atomic_write_unit_max_bytes")
	[ "$unit" = 32768 ] || fail "scsi_debug writes $unit bytes atomically"
	adopt "$dev" any
	create first 1M
	create one 4M
	for file in "/sys/block/${dev#/dev/}"/queue/atomic_write_*; do
		[ "$(cat "$file")" = "$(cat "/sys/block/${node#/dev/}/queue/${file##*/}")" ] ||
			fail "${file##*/} is $(cat "/sys/block/${node#/dev/}/queue/${file##*/}"), the drive's $(cat "$file")"
	done
	fill "$node" 0 4
	write_atomic 65536 "$unit"
	quiet_dd if="$node" bs=32k skip=2 count=1 iflag=direct | cmp - <(yes a | tr -d '\n' | head -c "$unit")
	fails 1 'Invalid argument' write_atomic 4096 "$unit"		# not at a multiple of its size
	fails 1 'Invalid argument' write_atomic 65536 $((2 * unit))	# more than the drive can
}

# The disk of scsi_debug: $dev
scsi_disk()
{
	local block
	for block in /sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*/block/*; do
		dev=/dev/${block##*/}
	done
	[ -b "$dev" ]
}

test_nowait()
{
	: "NOWAIT and polled I/O go down as they are"
	local hipri=
	begin
	spare pnvme-a
	adopt "$dev"
	create one 8M
	fill "$node" 0 8
	python3 - "$node" <<-'PY'
		import mmap, os, sys
		file = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
		page, done = mmap.mmap(-1, 4096), 0
		for i in range(64):
		    try:
		        done += os.preadv(file, [page], i * 4096, os.RWF_NOWAIT) == 4096
		    except BlockingIOError:
		        pass
		print(done, "of 64 reads did not wait", file=sys.stderr)
		sys.exit(done < 32)
	PY
	if [ "$(cat /sys/module/nvme/parameters/poll_queues 2> /dev/null || echo 0)" -gt 0 ]; then
		[ "$(cat "/sys/block/${node#/dev/}/queue/io_poll")" = 1 ]
		hipri=--hipri=1
	else
		echo "nvme.poll_queues is 0: polling is not tested here" >&2
	fi
	# shellcheck disable=SC2086
	fio --name=poll --filename="$node" --rw=randrw --bs=4k --size=4m --direct=1 --ioengine=io_uring $hipri \
		--iodepth=8 --verify=crc32c --verify_fatal=1 --output="$PNVME_WORK/fio" || { cat "$PNVME_WORK/fio" >&2; fail fio; }
}

# What the drive gets for a command, in the tracer's letters
traced()
{
	local tracing=/sys/kernel/tracing event
	event=$tracing/events/block/block_rq_issue
	echo > "$tracing/trace"
	echo "dev == $(($(stat -c '(0x%t << 20) | 0x%T' "$dev")))" > "$event/filter"
	echo 1 > "$event/enable"
	"$@"
	echo 0 > "$event/enable"
	echo 0 > "$event/filter"
	sed -nE 's/.*block_rq_issue: [0-9]+,[0-9]+ ([A-Z]+) .*/\1/p' "$tracing/trace" | sort -u | tr '\n' ' '
}

test_operations()
{
	: "discard, write zeroes, flush and FUA reach the drive"
	local got
	begin
	spare pnvme-a
	adopt "$dev"
	create one 8M
	fill "$node" 0 8
	grows 14 8192 blkdiscard -o 1M -l 4M "$node"
	fill "$node" 0 8
	blkdiscard -z -o 2M -l 4M "$node"
	is_zero "$node" 2 4
	must_fail is_zero "$node" 1 1
	must_fail is_zero "$node" 6 1
	[ "$(count_of "$node" 14)" -ge 8192 ] || fail "the namespace does not count its discards"
	grows 16 1 quiet_dd if="$pnvme_text" of="$node" bs=4k count=1 conv=fsync,notrunc
	got=$(traced quiet_dd if="$pnvme_text" of="$node" bs=4k count=1 oflag=direct,dsync conv=notrunc)
	echo "for a synchronous write the drive gets $got" >&2
	if [ "$(cat "/sys/block/${dev#/dev/}/queue/fua")" = 1 ]; then
		[[ " $got" == *" WF"* ]] || fail "no FUA: $got"
	else
		[[ " $got" == *" F"* ]] || fail "no flush: $got"
	fi
}

test_read_only()
{
	: "a read-only namespace takes no write, discard or zeroing"
	local sum
	begin
	spare pnvme-a
	adopt "$dev"
	create one 4M
	fill "$node" 0 4
	granted ns-set name=one read-only=1
	[ "$(blockdev --getro "$node")" = 1 ]
	sum=$(part_sum "$node" 0 4)
	must_fail quiet_dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct conv=notrunc
	must_fail blkdiscard -f "$node"
	must_fail blkdiscard -f -z "$node"
	# the block layer's own flag is not what protects it
	blockdev --setrw "$node"
	must_fail quiet_dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct conv=notrunc
	must_fail blkdiscard -f "$node"
	[ "$(part_sum "$node" 0 4)" = "$sum" ] || fail "it was written"
	detach "$uuid"
	attach "$dev"
	must_fail quiet_dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct conv=notrunc
	granted ns-set name=one read-only=0
	quiet_dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct conv=notrunc
}

test_iostat()
{
	: "I/O is counted, on the namespace and on the drive"
	local before after
	begin
	spare pnvme-a
	adopt "$dev"
	create one 4M
	read -ra before < "/sys/block/${node#/dev/}/stat"
	quiet_dd if="$node" of=/dev/null bs=8k count=16 iflag=direct
	quiet_dd if=/dev/zero of="$node" bs=4k count=10 oflag=direct conv=notrunc
	read -ra after < "/sys/block/${node#/dev/}/stat"
	echo "before: ${before[*]}; after: ${after[*]}" >&2
	[ $((after[0] - before[0])) = 16 ]
	[ $((after[2] - before[2])) = 256 ]
	[ $((after[4] - before[4])) = 10 ]
	[ $((after[6] - before[6])) = 80 ]
	[ "${after[8]}" = 0 ] || fail "${after[8]} in flight"
	grows 1 4 quiet_dd if="$node" of=/dev/null bs=8k count=4 iflag=direct
}

test_sysfs()
{
	: "lsblk shows the stack; identity in sysfs"
	local name lower id
	begin
	spare pnvme-a
	adopt "$dev"
	create one 4M
	name=${node#/dev/} lower=${dev#/dev/} id=$(field uuid)
	[ -e "/sys/block/$lower/holders/$name" ]
	[ -e "/sys/block/$name/slaves/$lower" ]
	lsblk -nlo NAME "$dev" | grep -x "$name"
	[ "$(cat "/sys/block/$name/uuid")" = "$id" ]
	[ "$(cat "/sys/block/$name/wwid")" = "uuid.$id" ]
	[ "$(cat "/sys/block/$name/nguid")" = "$(field nguid)" ]
	[ "$(cat "/sys/block/$name/nsid")" = 1 ]
	[ "$(cat "/sys/block/$name/name")" = one ]
	[ "$(cat "/sys/block/$name/device/uuid")" = "$uuid" ]
	[ "$(cat "/sys/class/pnvme/${name%n*}/state")" = live ]
	[ "$(cat "/sys/class/pnvme/${name%n*}/serial")" = pnvme-a ]
	granted ns-rename name=one new-name=two
	[ "$(cat "/sys/block/$name/name")" = two ]
	detach "$uuid"
	[ ! -e "/sys/block/$lower/holders/$name" ]
	[ ! -e "/sys/block/$name" ]
	[ ! -e "/sys/class/pnvme/${name%n*}" ]
}

all_removed()
{
	cat "$PNVME_WORK/uevents"
	[ "$(grep -c ^remove "$PNVME_WORK/uevents")" = 8 ]
}

test_uevents()
{
	: "the identity is in sysfs before the uevent"
	local events=$PNVME_WORK/uevents round
	begin
	spare pnvme-a
	adopt "$dev"
	create one 4M
	create two 4M
	detach "$uuid"
	python3 "$pnvme_dir/uevents.py" pnvme uuid nguid wwid nsid name size > "$events" &
	defer kill $!
	wait_for grep -q ready "$events"
	for round in 1 2 3 4; do
		attach "$dev"
		detach "$uuid"
	done
	wait_for all_removed
	[ "$(grep -c '^add pnvme' "$events")" = 8 ] || fail "not one event for each disk in $round rounds"
	if grep ^add "$events" | grep -E 'absent|=( |$)'; then fail "sysfs was late"; fi
	[ "$(grep -cE '^add .* nsid=1 name=one size=8192$' "$events")" = 4 ]
}

test_claim()
{
	: "the drive is claimed while it is attached"
	begin
	spare pnvme-a
	adopt "$dev"
	create one 4M
	must_fail mkfs.ext4 -q -F "$dev"
	must_fail mount "$dev" /mnt
	must_fail python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_EXCL)' "$dev"
	must_fail sfdisk -q "$dev" <<< 'size=1M'
	must_fail dmsetup create pnvme-x --table "0 2048 linear $dev 0"
	quiet_dd if="$dev" of=/dev/null bs=4k count=1 iflag=direct
	detach "$uuid"
	python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_EXCL)' "$dev"
}

test_grow_mounted()
{
	: "a mounted XFS grows"
	local mnt=$PNVME_WORK/mnt before
	begin
	spare pnvme-a
	adopt "$dev"
	create one 304M
	mkfs.xfs -q "$node"
	mkdir -p "$mnt"
	mount "$node" "$mnt"
	defer umount "$mnt"
	cp "$pnvme_text" "$mnt/text"
	before=$(stat -f -c %b "$mnt")
	granted ns-resize name=one size=400M
	[ "$(blockdev --getsize64 "$node")" = $((400 << 20)) ]
	xfs_growfs "$mnt" > /dev/null
	[ "$(stat -f -c %b "$mnt")" -gt $((before + 20000)) ] || fail "the filesystem did not grow"
	cmp "$pnvme_text" "$mnt/text"
	refused EBUSY "is open" ns-resize name=one size=304M force
}

test_zeroing()
{
	: "nobody reads what another namespace left"
	begin
	spare pnvme-a
	adopt "$dev"
	create old 16M
	fill "$node" 0 16
	granted ns-delete name=old
	create new 8M
	is_zero "$node" 0 8
	is_zero "$dev" 1 8
	must_fail is_zero "$dev" 9 1
	# growing over it
	granted ns-resize name=new size=16M
	await_live new
	has size $((16 << 20))
	is_zero "$node" 0 16
	# what is behind the end of a shrunk one is another's, too, and its own no more
	fill "$node" 0 16
	granted ns-resize name=new size=4M force
	granted ns-resize name=new size=12M
	await_live new
	is_zero "$node" 4 8
	must_fail is_zero "$node" 0 4
	# across detach and attach
	fill "$node" 0 12
	granted ns-delete name=new
	detach "$uuid"
	attach "$dev"
	create again 12M
	is_zero "$node" 0 12
}

test_keep_data()
{
	: "keep-data keeps it; space that was never used is not rewritten"
	local sum before
	begin
	spare pnvme-a
	fill "$dev" 40 4
	adopt "$dev"
	create old 8M
	fill "$node" 0 8
	sum=$(part_sum "$node" 0 8)
	granted ns-delete name=old
	create new 8M keep-data
	[ "$(part_sum "$node" 0 8)" = "$sum" ] || fail "the data was not kept"
	# the data is that of a namespace now: no more dirty
	granted ns-resize name=new size=4M force
	granted ns-resize name=new size=8M keep-data
	[ "$(part_sum "$node" 0 8)" = "$sum" ] || fail "the data was not kept on growing"
	before=$(count_of "$dev" 7)
	create fresh 64M
	must_fail is_zero "$node" $(((40 << 20) - start >> 20)) 4
	[ $(($(count_of "$dev" 7) - before)) -lt 1024 ] || fail "unused space was written"
}

test_dirty_adopt()
{
	: "a drive adopted with data on it shows none of it"
	begin
	spare pnvme-a
	fill "$dev" 1 8
	adopt "$dev" dirty
	create one 8M
	is_zero "$node" 0 8
}

test_erased()
{
	: "a drive erased and adopted again shows nothing of before"
	begin
	spare pnvme-a
	adopt "$dev"
	create old 64M
	fill "$node" 40 8
	detach "$uuid"
	granted drive-erase dev="$dev" uuid="$uuid" host="$host"
	adopt "$dev"
	create new 64M
	is_zero "$node" 0 64
	detach "$uuid"
	# one that never had a namespace is as blank as before
	spare pnvme-b
	adopt "$dev"
	detach "$uuid"
	granted drive-erase dev="$dev" uuid="$uuid" host="$host"
	is_zero "$dev" 0 2
}

test_zeroing_stops()
{
	: "zeroing stops when the drive turns out to be another's"
	local zeroed
	begin
	null_disk stops 96 mbps=16
	adopt "$dev" any
	create old 64M
	granted ns-delete name=old
	granted ns-create drive="$uuid" name=new size=64M
	has state zeroing
	# somebody wipes the label: the next change finds out
	blank "$dev"
	refused ESTALE "changed by somebody else" drive-set uuid="$uuid" latency=0
	nl drive-get uuid="$uuid"
	has state failed
	for _ in {1..100}; do
		nl ns-get name=new
		[ "$(field state)" != zeroing ] && break
		sleep 0.1
	done
	has state failed
	zeroed=$(count_of "$dev" 7)
	sleep 1
	[ "$(count_of "$dev" 7)" = "$zeroed" ] || fail "zeroing goes on"
	[ "$zeroed" -lt $((100 << 11)) ] || fail "all was zeroed"
}

test_media_errors()
{
	: "errors of the medium go up, the drive stays live"
	local bad
	begin
	null_disk iotest 64
	bad=/sys/kernel/config/nullb/iotest/badblocks
	adopt "$dev" any
	create one 8M
	fill "$node" 0 8
	echo "+$(((start >> 9) + 4096))-$(((start >> 9) + 4103))" > "$bad"
	must_fail quiet_dd if="$node" of=/dev/null bs=4k skip=512 count=1 iflag=direct
	must_fail quiet_dd if=/dev/zero of="$node" bs=4k seek=512 count=1 oflag=direct conv=notrunc
	quiet_dd if="$node" of=/dev/null bs=4k skip=513 count=1 iflag=direct
	quiet_dd if="$node" of=/dev/null bs=4k skip=511 count=1 iflag=direct
	nl drive-get uuid="$uuid"
	has state live
	detach "$uuid"
}

test_stacked()
{
	: "other drivers stand on a namespace"
	begin
	command -v dmsetup > /dev/null || skip "no dmsetup"
	modprobe -q dm_mod || [ -e /dev/mapper/control ] || skip "no device mapper"
	spare pnvme-a
	adopt "$dev"
	create one 8M
	dmsetup create pnvme-io --table "0 8192 linear $node 8192
8192 8192 linear $node 0"
	defer dmsetup remove --retry pnvme-io
	# the node is udev's to make, where there is one
	dmsetup mknodes pnvme-io
	[ -b /dev/mapper/pnvme-io ]
	verify_with_fio /dev/mapper/pnvme-io 4k-256k 4k
	refused EBUSY "is open" ns-delete name=one
}

pnvme_main "$@"
