#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# NVMe commands to a namespace: by io_uring and ioctl, of fio and nvme-cli, refused ones, and what
# becomes of them when the drive goes. The namespace has neighbours on both sides, of which nothing
# may change.
#
# shellcheck disable=SC2119	# load_module may take parameters of the module

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$pnvme_dir/nl_lib.sh"

PASSTHRU=$PNVME_TOP/build/selftests/passthru
[ -x "$PASSTHRU" ] || PASSTHRU=$pnvme_dir/passthru/passthru
# Eight bytes of which the neighbours are full, as text and as a number
WORD=NEIGHBOR
WORD_IS=0x524f42484749454e

passthru() { run "$PASSTHRU" "$@"; }

# A device of a namespace or of a drive, and its character device
generic_of()
{
	case $1 in
	/dev/pnvme*)	echo "/dev/png${1#/dev/pnvme}" ;;
	*)		echo "/dev/ng${1#/dev/nvme}" ;;
	esac
}

full_of_words()
{
	quiet_dd if=<(yes "$WORD" | tr -d '\n' || true) of="$node" bs=1M count="$1" oflag=direct iflag=fullblock conv=notrunc
}

# SERIAL: the namespace "middle", 8M between two of 4M: $node, $generic, $start, $first (LBA), $lbas
three()
{
	local block middle
	begin
	spare "$1"
	adopt "$dev"
	create left 4M
	full_of_words 4
	create middle 8M
	middle="$node $start"
	create right 4M
	full_of_words 4
	read -r node start <<< "$middle"
	[ "$start" = $((5 << 20)) ] || fail "middle begins at $start"
	generic=$(generic_of "$node")
	[ -c "$generic" ] || fail "there is no $generic"
	read -r block < "/sys/block/${node#/dev/}/queue/logical_block_size"
	first=$((start / block)) lbas=$(((8 << 20) / block))
	around=$(neighbours)
}

# What is left and right of the namespace
neighbours()
{
	part_sum "$dev" 1 4
	part_sum "$dev" 13 4
}

neighbours_are_as_before()
{
	[ "$(neighbours)" = "$around" ] || fail "something beside the namespace was written"
}

# Those of a newer Debian, from here on in place of this machine's, by their own loader. A test machine
# has them.
newer_tools()
{
	local tools=${PNVME_TOOLS:-}
	if [ -z "$tools" ] && [ -z "${PNVME_VM:-}" ]; then skip "PNVME_TOOLS does not say where scripts/kernels tools has put them"; fi
	[ -x "$tools/bin/fio" ] || fail "no nvme-cli and fio in '$tools': run scripts/kernels tools"
	newer=("$tools/lib/ld-linux-x86-64.so.2" --library-path "$tools/lib")
	newer_bin=$tools/bin
	nvme() { "${newer[@]}" "$newer_bin/nvme" "$@"; }
	fio() { "${newer[@]}" "$newer_bin/fio" "$@"; }
}

polling()
{
	local queues
	queues=$(cat /sys/module/nvme/parameters/poll_queues 2> /dev/null) && [ "$queues" -gt 0 ]
}

test_passthru_io()
{
	: "data by all kinds of rings and ioctls is where the block device and the drive have it"
	local ways=plain,vec,async,async-vec,file,defer,sqpoll,io,io64,io64-vec,submit fixed=fixed
	three pnvme-a
	if polling; then
		ways+=,polled,polled-vec,polled-async
		fixed+=,polled-fixed,polled-sqpoll
	else
		echo "nvme.poll_queues is 0: polling is not tested here" >&2
	fi
	passthru io "$generic" ways="$ways" start=100 size=$((512 << 10)) block="$node" lower="$dev" at="$start"
	# 6.1 takes whole pages only, of registered buffers that are small, on native nodes too
	passthru io "$generic" ways="$fixed" unit=4096 start=100 size=$((64 << 10)) block="$node" lower="$dev" at="$start"
	# the first LBAs, and the last
	passthru io "$generic" ways=plain,io64 size=4096 block="$node" lower="$dev" at="$start"
	passthru io "$generic" ways=plain,io64,submit start=$((lbas - 8)) size=4096 block="$node" lower="$dev" at="$start"
	neighbours_are_as_before
	detach "$uuid"
	three pnvme-4k
	passthru io "$generic" ways=plain,async,io64 start=$((lbas - 64)) size=$((64 * 4096)) block="$node" lower="$dev" at="$start"
	neighbours_are_as_before
}

# Workers of io_uring that are started at a bad moment take addresses of the caller for those of a
# program of 32 bits, on native nodes too: EFAULT, another program may have better luck.
unless_unlucky()
{
	local try
	for try in {1..6}; do
		! passthru "$@" 2> "$PNVME_WORK/stderr" || return 0
		show_text "$PNVME_WORK/stderr" >&2
		a_line_matches 'EFAULT$' "$PNVME_WORK/stderr" || fail "wrong in try $try"
	done
	fail "never well"
}

# What waits for a request is tried again, from a copy, when its slot in the ring has been used again.
test_passthru_again()
{
	: "commands that find no free request are sent later as they were"
	local requests args
	three pnvme-a
	requests=/sys/block/${dev#/dev/}/queue/nr_requests
	defer bash -c "echo $(< "$requests") > $requests"
	echo 4 > "$requests"
	args=(depth=64 max=8192 size=$((1 << 20)) block="$node" lower="$dev" at="$start")
	passthru io "$generic" ways=fixed,fixed,fixed unit=4096 "${args[@]}" depth=8 max=4096 size=$((64 << 10))
	unless_unlucky io "$generic" ways=plain "${args[@]}"
	unless_unlucky io "$generic" ways=vec,sqpoll "${args[@]}"
	neighbours_are_as_before
}

test_passthru_metadata()
{
	: "metadata goes with its data; protection that has the drive's LBAs in it is left to the drive"
	three pnvme-pi3
	passthru io "$generic" ways=plain,fixed,async unit=4096 meta=8 start=16 size=$((64 << 10))
	passthru cmd "$generic" opcode=1 slba=500 nlb=8 meta=64 data=0x37 -- \
		dev="$(generic_of "$dev")" opcode=2 slba=$((first + 500)) nlb=8 meta=64 is=0:3737
	# inserted and taken out by the drive
	passthru io "$generic" ways=plain,io64 cdw12=$((1 << 29)) start=16 size=$((64 << 10)) lower="$dev" at="$start"
	neighbours_are_as_before
	detach "$uuid"
	three pnvme-pi
	passthru cmd "$generic" opcode=1 slba=0 nlb=8 meta=64 expect=EOPNOTSUPP -- \
		opcode=2 slba=0 nlb=8 meta=64 expect=EOPNOTSUPP
	# with the guard and the reference tag checked, which counts from the namespace's own LBA
	passthru io "$generic" ways=plain,io64 cdw12=$((1 << 29)) size=512 lower="$dev" at="$start"
	passthru cmd "$generic" opcode=1 slba=64 nlb=8 cdw12=$((15 << 26)) cdw14=64 data=0x41 -- \
		opcode=2 slba=64 nlb=8 cdw12=$((15 << 26)) cdw14=64 is=0:4141 -- \
		opcode=2 slba=64 nlb=8 cdw12=$((15 << 26)) cdw14=$((first + 64)) expect='0x181|0x284'
	neighbours_are_as_before
}

# Jobs one after the other, in one process, as the program takes long to start
fio_jobs()
{
	local cmd dev_io
	three pnvme-a
	fio --enghelp 2>&1 | awk '$1 == "io_uring_cmd" { found = 1 } END { exit !found }' || skip "this fio has no io_uring_cmd"
	cmd=(--stonewall --ioengine=io_uring_cmd --cmd_type=nvme --direct=0 --filename="$generic")
	dev_io=(--stonewall --ioengine=libaio --direct=1 --filename="$node")
	run fio --output="$PNVME_WORK/fio" --iodepth=8 --bs=4k --size=1M --verify=crc32c --verify_fatal=1 --randrepeat=1 \
		--name=a "${cmd[@]}" --rw=randwrite --do_verify=0 --name=b "${dev_io[@]}" --rw=read \
		--name=c "${dev_io[@]}" --rw=randwrite --do_verify=0 --offset=4M --name=d "${cmd[@]}" --rw=read --offset=4M \
		--name=e "${cmd[@]}" --rw=randrw --bsrange=4k-64k --offset=6M --fixedbufs=1 --registerfiles=1 \
		--name=f "${cmd[@]}" --rw=randwrite --offset=2M --sqthread_poll=1 \
		--name=g "${cmd[@]}" --rw=randwrite --offset=3M --nonvectored=1 ||
		{ cat "$PNVME_WORK/fio" >&2; fail "fio"; }
}

test_passthru_fio()
{
	: "fio writes by commands and reads by the block device, the other way round, and mixed"
	fio --version >&2
	fio_jobs
	must_fail is_zero "$node" 2 1
	neighbours_are_as_before
}

test_passthru_fio_newer()
{
	: "so does a newer one, which trims as well, many ranges at once, writes zeroes, and compares to verify"
	local cmd verify=(--bs=4k --size=1M --verify=crc32c --verify_fatal=1 --randrepeat=1)
	newer_tools
	fio --version >&2
	fio_trims || fail "that is no newer one"
	fio_jobs
	must_fail is_zero "$node" 4 1
	must_fail is_zero "$node" 3 1
	must_fail is_zero "$node" 6 1
	cmd=(--stonewall --ioengine=io_uring_cmd --cmd_type=nvme --filename="$generic")
	# Each block is trimmed and written, one after the other. (At an offset it would leave off after the first.)
	run fio --output="$PNVME_WORK/fio" --name=t "${cmd[@]}" --rw=trim --bs=64k --size=1M --offset=4M \
		--name=r "${cmd[@]}" --rw=randtrim --bs=4k --num_range=8 --iodepth=4 --size=1M --offset=6M \
		--name=z "${cmd[@]}" --rw=write --write_mode=zeroes --bs=64k --size=1M --offset=3M \
		--name=w "${cmd[@]}" "${verify[@]}" --rw=randtrimwrite \
		--name=b --stonewall --ioengine=libaio --direct=1 --filename="$node" "${verify[@]}" --rw=read \
		--name=c "${cmd[@]}" --rw=write --bs=4k --size=1M --offset=7M --verify=pattern --verify_pattern=0x5aa5c3 \
			--verify_fatal=1 --verify_mode=compare ||
		{ cat "$PNVME_WORK/fio" >&2; fail "fio"; }
	a_line_matches 'total=256,256,256,' "$PNVME_WORK/fio" || { cat "$PNVME_WORK/fio" >&2; fail "it did not trim and write each"; }
	is_zero "$node" 4 1
	is_zero "$node" 6 1
	is_zero "$node" 3 1
	must_fail is_zero "$node" 2 1
	neighbours_are_as_before
}

# 3.36 and later
fio_trims()
{
	local version
	version=$(fio --version)
	[[ $version =~ ^fio-([0-9]+)\.([0-9]+) ]] && [ $((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2])) -ge 3036 ]
}

cli()
{
	local said native node_or nguid id uuid_is text=$PNVME_WORK/text
	three pnvme-a
	read -r nguid < "/sys/block/${node#/dev/}/nguid"
	read -r uuid_is < "/sys/block/${node#/dev/}/uuid"
	read -r id < "/sys/block/${node#/dev/}/nsid"
	native=$(nvme id-ctrl "$(generic_of "$dev")" -o json | json .sn .mn .fr .mdts)
	for node_or in "$generic" "$node"; do
		said=$(nvme id-ns "$node_or" -o json | json .nsze .ncap .nuse .nguid)
		[ "${said//$'\n'/ }" = "$lbas $lbas $lbas ${nguid//-/}" ] || fail "id-ns of $node_or: $said"
		said=$(nvme id-ctrl "$node_or" -o json | json .sn .mn .fr .mdts)
		[ "$said" = "$native" ] || fail "id-ctrl of $node_or: $said instead of $native"
		# no namespace but its own, whose number is the highest there can be
		[ "$(nvme id-ctrl "$node_or" -o json | json .nn)" = "$id" ]
	done
	said=$(nvme get-ns-id "$generic")
	[ "${said##*:}" = "$id" ]
	said=$(nvme list-ns "$generic")
	# one, below a headline or not
	[[ $said == *"[   0]:0x$id" && $said != *"[   1]"* ]] || fail "list-ns: $said"
	said=$(nvme ns-descs "$generic")
	[[ $said == *"$uuid_is"* ]] || fail "ns-descs: $said"
	said=$(nvme smart-log "$generic" -o json | json .temperature .critical_warning)
	[ "$said" = "$(nvme smart-log "$(generic_of "$dev")" -o json | json .temperature .critical_warning)" ]
	said=$(nvme error-log "$generic" -e 2 -o json)
	[[ $said == *'"error_count"'* ]] && [ "$said" = "$(nvme error-log "$(generic_of "$dev")" -e 2 -o json)" ]

	# data, there and back
	quiet_dd if="$pnvme_text" of="$text" bs=4096 count=2
	run nvme write "$generic" -s 16 -c 15 -z 8192 -d "$text"
	quiet_dd if="$node" bs=8192 skip=1 count=1 iflag=direct | cmp - "$text"
	run nvme read "$node" -s 16 -c 15 -z 8192 -d "$text.back" > /dev/null
	cmp "$text" "$text.back"
	run nvme compare "$generic" -s 16 -c 15 -z 8192 -d "$text"
	must_fail nvme compare "$generic" -s 17 -c 15 -z 8192 -d "$text"
	run nvme flush "$generic" -n "$id"
	quiet_dd if="$text" of="$node" bs=4096 count=1 seek=128 oflag=direct conv=notrunc
	run nvme dsm "$generic" -n "$id" -d -s 1024,16 -b 8,8
	quiet_dd if="$node" bs=4096 skip=128 count=1 iflag=direct | cmp -n 4096 - /dev/zero
	quiet_dd if="$node" bs=4096 skip=2 count=1 iflag=direct | cmp -n 4096 - /dev/zero
	quiet_dd if="$node" bs=4096 skip=3 count=1 iflag=direct | cmp -n 4096 - <(tail -c 4096 "$text")
	run nvme write-zeroes "$generic" -s 0 -c 7
	must_fail nvme read "$generic" -s "$lbas" -c 0 -z 512 -d "$text.back"
	must_fail nvme write "$generic" -s $((lbas - 15)) -c 15 -z 8192 -d "$text"
	must_fail nvme format "$generic" -f
	neighbours_are_as_before
}

test_passthru_cli()
{
	: "nvme-cli: what it is told of the namespace, of the drive, and what it does to them"
	nvme version >&2
	cli
}

test_passthru_cli_newer()
{
	: "the same of a newer one"
	newer_tools
	nvme version >&2
	cli
}

test_passthru_copy()
{
	: "Copy and Dataset Management act where they are told, in the namespace"
	three pnvme-pi3
	passthru cmd "$generic" opcode=1 slba=64 nlb=8 meta=64 data=0x43 -- opcode=1 slba=200 nlb=8 meta=64 data=0x44
	# QEMU's plain drives take none
	"$PASSTHRU" cmd "$(generic_of "$dev")" way=io64 opcode=0x19 copy=0 ranges=$((first + 64))+8 slba=$((first + 512)) >&2 ||
		skip "this drive has no Copy"
	# from two places to one, by ring and by ioctl
	passthru cmd "$generic" opcode=0x19 copy=0 slba=1000 ranges=64+8,200+8 -- \
		opcode=2 slba=1000 nlb=8 meta=64 is=0:434343 -- opcode=2 slba=1008 nlb=8 meta=64 is=0:444444 -- \
		way=io64 opcode=0x19 copy=0 slba=2000 ranges=200+8,64+8 -- \
		opcode=2 slba=2000 nlb=8 meta=64 is=0:444444 -- opcode=2 slba=2008 nlb=8 meta=64 is=0:434343
	# what the block device wrote it reads elsewhere, as its guards go with it
	quiet_dd if="$pnvme_text" of="$node" bs=4096 seek=50 count=1 oflag=direct conv=notrunc
	run nvme copy "$generic" -d 3000 -s 400 -b 7
	quiet_dd if="$node" bs=4096 skip=375 count=1 iflag=direct | cmp -n 4096 - "$pnvme_text"
	passthru cmd "$generic" opcode=9 cdw11=4 ranges=64+8,200+4 -- way=async opcode=9 cdw11=4 ranges=1000+8 -- \
		way=io64 opcode=9 cdw11=4 ranges=1008+8
	newer_tools
	run nvme copy "$generic" -d 3200 -s 3000,404 -b 3,3
	quiet_dd if="$node" bs=4096 skip=400 count=1 iflag=direct | cmp -n 4096 - "$pnvme_text"
	neighbours_are_as_before
}

# An NVMe target's drives are multipath devices: two hosts of it are two paths.
test_passthru_multipath()
{
	: "on a multipath device commands of our own go by any path that takes them"
	local target=$pnvme_dir/nvmet_target status=0 disk state id ways=io,io64,io64-vec,submit,plain,async
	begin
	"$target" begin || status=$?
	[ "$status" != 4 ] || skip "this kernel has no NVMe target"
	defer "$target" clear
	spare pnvme-a
	disk=$dev
	dev=$("$target" add paths "$disk" 6d1c2a34-0000-4000-8000-0000000000d3) || fail "no target"
	[ -z "$(compgen -G "/sys/class/nvme/nvme*/${dev#/dev/}")" ] || skip "this kernel has no native multipath"
	"$target" join paths >&2 || status=$?
	[ "$status" != 4 ] || echo "without a loop target there is one path" >&2
	adopt "$dev" any
	create left 4M
	create middle 8M
	generic=$(generic_of "$node")
	read -r id < "/sys/block/${node#/dev/}/nsid"
	for state in none /sys/kernel/config/nvmet/ports/{1,2}/ana_groups/1/ana_state; do
		# a path that refuses all; the driver knows of it, or finds out
		[ "$state" = none ] || [ "$status" != 4 ] || break
		[ "$state" = none ] || echo inaccessible > "$state"
		passthru io "$generic" ways="$ways" start=64 size=32768 block="$node" lower="$dev" at="$start"
		run nvme dsm "$generic" -n "$id" -d -s 64 -b 64
		quiet_dd if="$node" bs=32768 skip=1 count=1 iflag=direct | cmp -n 32768 - /dev/zero
		[ "$state" = none ] || echo optimized > "$state"
	done
}

test_passthru_refusals()
{
	: "what must be refused is, each with its error, and nothing of it reaches the drive"
	local before
	three pnvme-a
	# as many as there are on a native node
	passthru refusals "$(generic_of "$dev")"
	before=$(part_sum "$node" 0 8)
	passthru refusals "$generic" drive="${dev#/dev/}" foreign="$(nl ns-get name=left; field nsid)"
	[ "$(part_sum "$node" 0 8)" = "$before" ] || fail "what was refused has been done"
	neighbours_are_as_before
}

test_passthru_policy()
{
	: "the policy of a namespace says what is allowed"
	local reads=(opcode=2 slba=0 nlb=8) writes=(opcode=1 slba=0 nlb=8) log=(way=admin opcode=2 len=512)
	three pnvme-a
	# the log of errors; features, of the drive as a whole
	passthru cmd "$generic" "${reads[@]}" -- "${writes[@]}" -- "${log[@]}" cdw10=$((127 << 16 | 2)) -- \
		way=admin opcode=0xa cdw10=6 expect=EACCES
	granted ns-set name=middle policy=read
	passthru cmd "$generic" "${reads[@]}" -- "${writes[@]}" expect=EACCES -- way=io64 "${writes[@]}" expect=EACCES -- \
		opcode=8 slba=0 nlb=8 len=0 expect=EACCES -- opcode=9 cdw11=4 ranges=0+8 expect=EACCES -- opcode=0 -- \
		opcode=5 slba=0 nlb=8 data=0xee expect='ok|0x285' -- "${log[@]}" cdw10=$((127 << 16 | 2))
	# the block device has its own
	quiet_dd if="$pnvme_text" of="$node" bs=4k count=1 oflag=direct conv=notrunc
	granted ns-set name=middle policy=admin
	passthru cmd "$generic" "${writes[@]}" -- way=admin opcode=0xa cdw10=6 -- way=admin opcode=0x80 expect=EOPNOTSUPP
	detach "$uuid"
	attach "$dev"
	passthru cmd "$generic" way=admin opcode=0xa cdw10=6
	granted ns-set name=middle policy=data
	passthru cmd "$generic" "${writes[@]}" -- way=admin opcode=0xa cdw10=6 expect=EACCES
	neighbours_are_as_before
}

test_passthru_readonly()
{
	: "nothing writes to a read-only namespace, nor a descriptor that is not for it"
	local sum write=(opcode=1 slba=0 nlb=8 data=0x55 expect=EACCES)
	three pnvme-a
	full_of_words 1
	sum=$(part_sum "$node" 0 8)
	passthru cmd "$generic" ro opcode=2 slba=0 nlb=8 is=0:4e45494748424f52 -- ro "${write[@]}" -- ro way=async "${write[@]}" -- \
		ro opcode=8 slba=0 nlb=8 len=0 expect=EACCES -- ro opcode=9 cdw11=4 ranges=0+8 expect=EACCES
	granted ns-set name=middle read-only=1
	passthru cmd "$generic" opcode=2 slba=0 nlb=8 is=0:4e45494748424f52 -- "${write[@]}" -- way=io64 "${write[@]}" -- \
		way=submit "${write[@]}" -- opcode=9 cdw11=4 ranges=0+8 expect=EACCES -- \
		way=io64 opcode=0x19 copy=0 ranges=0+8 slba=64 expect=EACCES -- dev="$node" ro way=io64 "${write[@]}"
	[ "$(part_sum "$node" 0 8)" = "$sum" ] || fail "it was written"
	granted ns-set name=middle read-only=0
	passthru cmd "$generic" opcode=1 slba=0 nlb=8 data=0x55
	neighbours_are_as_before
}

# NATIVE OURS...: outcomes as the program prints them, line by line: nothing is done that the native
# node refuses, and by rings all that it does
no_more_than_native()
{
	local native=$1 ours=$2 a b
	while read -r a <&3 && read -r b <&4; do
		echo "native $a   ours $b" >&2
		[[ $a == *": ok"* || $b != *": ok"* ]] || fail "a native node refuses that"
		[[ $a != *"plain"*": ok"* || $b == *": ok"* ]] || fail "a native node allows that"
	done 3< "$native" 4< "$ours"
	[ "$(wc -l < "$native")" = "$(wc -l < "$ours")" ] && [ -s "$ours" ]
}

# DEVICE BLOCK: a long list of commands by somebody who has been given the device
unprivileged()
{
	local any=expect='ok|EACCES|EPERM|EINVAL|EOPNOTSUPP|0x80|0x285|0x1|0x2'
	"$PASSTHRU" cmd "$1" "$any" uid=65534 opcode=2 slba=0 nlb=8 -- "$any" opcode=1 slba=0 nlb=8 -- "$any" ro opcode=2 slba=0 nlb=8 -- \
		"$any" ro opcode=1 slba=0 nlb=8 -- "$any" opcode=8 slba=0 nlb=8 len=0 -- "$any" opcode=0 -- \
		"$any" opcode=2 slba=0 nlb=8 way=async -- "$any" ro opcode=1 slba=0 nlb=8 way=async -- \
		"$any" way=io64 opcode=9 cdw11=4 ranges=0+8 -- "$any" ro way=io64 opcode=9 cdw11=4 ranges=0+8 -- \
		"$any" way=io64 opcode=2 slba=0 nlb=8 -- "$any" ro way=io64 opcode=1 slba=0 nlb=8 -- "$any" ro way=submit opcode=1 slba=0 nlb=8 -- \
		"$any" way=admin opcode=6 cdw10=0 len=4096 -- "$any" way=admin64 opcode=6 cdw10=1 len=4096 -- \
		"$any" way=admin opcode=6 cdw10=2 nsid=0 len=4096 -- "$any" way=admin opcode=6 cdw10=3 len=4096 -- \
		"$any" way=admin opcode=2 cdw10=$((127 << 16 | 2)) len=512 -- "$any" way=admin opcode=2 cdw10=$((15 << 16 | 1)) len=64 -- \
		"$any" way=admin opcode=0xa cdw10=6 -- "$any" way=admin opcode=9 cdw10=6 -- "$any" way=admin opcode=0x80 -- \
		"$any" way=io64 opcode=0x80 -- "$any" opcode=0x80 > "$2"
}

test_passthru_unprivileged()
{
	: "who has no privileges, but the device, can do no more than with a native one"
	local native
	three pnvme-a
	spare pnvme-b
	native=$(generic_of "$dev")
	spare pnvme-a
	chown 65534 "$native" "$generic"
	defer chown 0 "$native"
	unprivileged "$native" "$PNVME_WORK/native"
	unprivileged "$generic" "$PNVME_WORK/ours"
	no_more_than_native "$PNVME_WORK/native" "$PNVME_WORK/ours"
	# what is not his own he cannot even open
	chown 0 "$generic"
	must_fail "$PASSTHRU" cmd "$generic" uid=65534 opcode=2 slba=0 nlb=8
	neighbours_are_as_before
}

test_passthru_files()
{
	: "files closed with commands in flight, passed on and inherited, as with a native node"
	local native
	three pnvme-a
	spare pnvme-b
	native=$(generic_of "$dev")
	spare pnvme-a
	passthru life "$native" > "$PNVME_WORK/native"
	passthru life "$generic" > "$PNVME_WORK/ours"
	no_more_than_native "$PNVME_WORK/native" "$PNVME_WORK/ours"
	neighbours_are_as_before
}

test_passthru_open()
{
	: "a namespace whose node is open is not deleted, shrunk or detached, and the module stays"
	three pnvme-a
	exec 9< "$generic"
	refused EBUSY "is open" ns-delete name=middle
	[[ $out == *"1 opener"* ]] || fail "it does not say who: $out"
	refused EBUSY "is open" ns-resize name=middle size=4M force
	refused EBUSY "namespace middle" drive-detach uuid="$uuid"
	must_fail rmmod pnvme
	granted ns-resize name=left size=2M force
	passthru cmd "$generic" opcode=2 slba=$((lbas - 8)) nlb=8
	exec 9<&-
	granted ns-resize name=middle size=4M force
	passthru cmd "$generic" opcode=2 slba=$((lbas / 2 - 8)) nlb=8 -- opcode=2 slba=$((lbas / 2 - 4)) nlb=8 expect=0x80
	granted ns-resize name=middle size=6M
	await_live middle
	passthru cmd "$generic" opcode=2 slba=$((lbas * 3 / 4 - 8)) nlb=8 -- opcode=2 slba=$((lbas * 3 / 4)) nlb=8 expect=0x80
	granted ns-delete name=middle
	[ ! -e "$generic" ] || fail "$generic is still there"
}

test_passthru_seal()
{
	: "a command that writes breaks a seal, durably; one that reads or is refused does not"
	three pnvme-a
	fill "$node" 0 1
	passthru cmd "$generic" opcode=2 slba=0 nlb=8
	run pnvme ns seal middle
	passthru cmd "$generic" opcode=2 slba=0 nlb=8 -- opcode=1 slba="$lbas" nlb=8 expect=0x80 -- opcode=0 -- \
		ro opcode=1 slba=0 nlb=8 expect=EACCES
	nl ns-get name=middle
	has seal sealed
	passthru cmd "$generic" opcode=1 slba=0 nlb=8 data=0x33
	nl ns-get name=middle
	has seal broken
	# of what is on the drive
	detach "$uuid"
	attach "$dev"
	nl ns-get name=middle
	has seal broken
	fails 3 "broken" pnvme ns verify middle
	run pnvme ns seal middle
	passthru cmd "$generic" way=io64 opcode=9 cdw11=4 ranges=64+8
	nl ns-get name=middle
	has seal broken
	neighbours_are_as_before
}

# TIMEOUT [SETTING...]: three(), on a drive that can be pulled
hold_begin()
{
	[ -n "${PNVME_VM:-}" ] || skip "only in a test machine"
	three pnvme-c
	defer "$NL_ABI" "do" drive-fail uuid="$uuid"
	granted drive-set uuid="$uuid" hold-timeout="$1" "${@:2}"
	pci=$(pci_of pnvme-c)
	# shellcheck disable=SC2016	# for the shell that it is for
	defer bash -c 'echo 1 > /sys/bus/pci/rescan
		for i in {1..600}; do ! compgen -G "/sys/class/nvme/$(grep -lx "pnvme-c *" /sys/class/nvme/nvme*/serial |
			cut -d/ -f5)/nvme*n1" > /dev/null || exit 0; sleep 0.1; done'
}

# HOW: the drive goes
goes()
{
	"$1" "$(pci_of pnvme-c)"
	wait_for drive_is held
}

comes_back()
{
	back_on_the_bus
	wait_for 30 drive_is live
	nl drive-get uuid="$uuid"
	dev=/dev/$(field device)
}

# NAME WAY [ITEM...]: a command in the background, which has begun: its process in $waits
in_background()
{
	rm -f "$PNVME_WORK/ready-$1"
	"$PASSTHRU" cmd "$generic" way="$2" ready="$PNVME_WORK/ready-$1" "${@:3}" > "$PNVME_WORK/$1" 2>&1 &
	waits=$!
	wait_for test -e "$PNVME_WORK/ready-$1"
}

# PROCESS...: they wait
still_wait()
{
	local pid
	sleep 0.5
	for pid; do
		kill -0 "$pid" || fail "a command did not wait: $(show_text "$PNVME_WORK"/{write,read,ioctl,killed}* 2> /dev/null)"
	done
}

test_passthru_hold()
{
	: "commands wait for a drive that is gone, go on when it is back, can be killed, and fail when it is given up"
	local write ioctl read killed
	hold_begin 600 on-resume=trust
	passthru cmd "$generic" opcode=1 slba=0 nlb=8 data=0x31
	goes surprise_remove
	in_background write plain opcode=1 slba=64 nlb=8 data=0x32
	write=$waits
	in_background ioctl io64 opcode=2 slba=0 nlb=8 is=0:313131
	ioctl=$waits
	in_background killed plain opcode=2 slba=0 nlb=8
	killed=$waits
	in_background killed-ioctl io64 opcode=2 slba=0 nlb=8
	still_wait "$write" "$ioctl" "$killed" "$waits"
	kill -9 "$killed" "$waits"
	must_fail wait "$killed"
	must_fail wait "$waits"
	comes_back
	wait "$write" || fail "the write failed: $(< "$PNVME_WORK/write")"
	wait "$ioctl" || fail "the read failed: $(< "$PNVME_WORK/ioctl")"
	passthru cmd "$generic" opcode=2 slba=64 nlb=8 is=0:323232
	neighbours_are_as_before
	goes orderly_remove
	in_background write plain opcode=1 slba=64 nlb=8 expect='0x370'
	write=$waits
	in_background read io64 opcode=2 slba=0 nlb=8 expect='0x370'
	read=$waits
	still_wait "$write" "$read"
	granted drive-fail uuid="$uuid"
	wait "$write" || fail "how the write failed: $(< "$PNVME_WORK/write")"
	wait "$read" || fail "how the read failed: $(< "$PNVME_WORK/read")"
	passthru cmd "$generic" opcode=2 slba=0 nlb=8 expect=0x370 -- way=io64 opcode=2 slba=0 nlb=8 expect=0x370
}

test_passthru_fence()
{
	: "after a loss with commands that wrote in doubt, Flush fails like fsync, until unfence or the last close"
	local fua=(opcode=1 slba=0 nlb=8 cdw12=$((1 << 30)))
	hold_begin 600 on-resume=fence
	exec 9<> "$generic"
	passthru cmd "$generic" opcode=1 slba=0 nlb=8 data=0x31
	goes orderly_remove
	comes_back
	nl ns-get name=middle
	has fence flush
	passthru cmd "$generic" opcode=0 expect=EIO -- way=io64 opcode=0 expect=EIO -- "${fua[@]}" expect=EIO -- \
		opcode=0 expect=EIO -- opcode=1 slba=0 nlb=8 -- opcode=2 slba=0 nlb=8
	must_fail quiet_dd if="$pnvme_text" of="$node" bs=4k count=1 oflag=direct conv=notrunc,fsync
	nl ns-get name=left
	has fence none
	granted ns-unfence name=middle
	passthru cmd "$generic" opcode=0 -- "${fua[@]}" -- way=io64 opcode=0
	exec 9<&-
	# a Flush by command clears no doubt; the last close ends the fence
	exec 9<> "$generic"
	passthru cmd "$generic" opcode=1 slba=0 nlb=8 -- opcode=0
	goes surprise_remove
	comes_back
	passthru cmd "$generic" opcode=0 expect=EIO
	exec 9<&-
	passthru cmd "$generic" opcode=0
	nl ns-get name=middle
	has fence none
	neighbours_are_as_before
}

# SERIAL SECONDS [ITEM...]: what is outside the namespace and within reach of the commands stays as it was,
# behind the last namespace too
race()
{
	local behind
	three "$1"
	behind=$(part_sum "$dev" 17 8)
	untouched "$dev" passthru race "$generic" seconds="$2" word="$WORD_IS" drive="${dev#/dev/}" first="$first" "${@:3}"
	neighbours_are_as_before
	[ "$(part_sum "$dev" 17 8)" = "$behind" ] || fail "something behind the namespaces was written"
	detach "$uuid"
}

test_passthru_race()
{
	: "commands, ranges and descriptors that are rewritten while they are sent never reach a neighbour"
	local seconds=5
	[ -z "${PNVME_LONG:-}" ] || seconds=60
	race pnvme-a "$seconds"
	# which has Copy, and protection made by itself
	race pnvme-pi3 "$((seconds / 2))" cdw12=$((1 << 29))
}

pnvme_main "$@"
