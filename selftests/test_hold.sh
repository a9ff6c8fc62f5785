#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A drive goes away and comes back: what waits, what goes on, what fails, and which drive
# never gets a held write.
#
# shellcheck disable=SC2119	# load_module may take parameters of the module

# 50 pulls take 40 s of a processor, which may be a quarter of one
TIMEOUT=${TIMEOUT:-150}

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$(dirname "$0")/nl_lib.sh"

VM_HOST=$pnvme_dir/vm/host
HOLD_MODEL=$PNVME_TOP/build/selftests/hold_model
[ -x "$HOLD_MODEL" ] || HOLD_MODEL=$pnvme_dir/hold_model
serial=pnvme-c
io_timeout=/sys/module/nvme_core/parameters/io_timeout

# Losing a drive: more ways than nl_lib.sh has.

# As a drive that hangs, and is torn out while the driver waits for it.
hung_remove()
{
	local pci=$1 port
	# what the driver sends to it to say goodbye is not answered
	[ ! -w "$io_timeout" ] || echo 1 > "$io_timeout"
	port=$(dirname "$pci")
	poke "$pci" 4 '\0\0'
	poke "$port" 62 '\102\0'
	echo 1 > "$pci/remove"
	poke "$port" 62 '\002\0'
	[ ! -w "$io_timeout" ] || echo 30 > "$io_timeout"
}

# A reset of the controller that does not succeed: its registers are nowhere. The drive is off
# the bus only after that has been noticed.
failed_reset()
{
	poke "$1" 16 '\0\0\0\0'
	# the one who asks is told how it went
	echo 1 2> /dev/null > "$(echo "$1"/nvme/nvme*)/reset_controller" || true
	wait_for 120 drive_is held
	[ ! -e "$1" ] || echo 1 > "$1/remove"
}

# The link to the drive goes down, and nobody says so: what is under way is not answered, and its
# time is over after io_timeout.
link_loss()
{
	local pci=$1 port buses
	port=$(dirname "$pci")
	buses=$(od -An -v -tx1 -j 25 -N 2 "$port/config")
	poke "$pci" 4 '\0\0'
	poke "$port" 25 '\0\0'
	wait_for 120 drive_is held
	[ ! -e "$pci" ] || echo 1 > "$pci/remove"
	poke "$port" 25 "${buses// /\\x}"
}

# NAME FIELD COMPARISON NUMBER
ns_has()
{
	nl ns-get name="$1"
	test "$(field "$2")" "$3" "$4"
}

# The debug kernel takes minutes for one of these.
not_on_debug()
{
	if is_debug_kernel && [ -z "${PNVME_LONG:-}" ]; then skip "takes long on this kernel; make check-long has it"; fi
}

# TIMEOUT [SETTING...]: a drive with two namespaces, "kept" with a text, and "busy": $node
hold_begin()
{
	[ -n "${PNVME_VM:-}" ] || skip "only in a test machine"
	begin
	spare "$serial"
	adopt "$dev"
	# whatever still waits when a test ends early would keep the drive from being detached
	defer "$NL_ABI" "do" drive-fail uuid="$uuid"
	granted drive-set uuid="$uuid" hold-timeout="$1" "${@:2}"
	create kept 8M
	dd if="$pnvme_text" of="$node" bs=4k oflag=direct conv=notrunc,sync status=none
	create busy 64M
	watch_events
	pci=$(pci_of "$serial")
	# shellcheck disable=SC2016	# for the shell that it is for
	defer bash -c 'echo 1 > /sys/bus/pci/rescan
		for i in {1..600}; do ! compgen -G "/sys/class/nvme/$(grep -lx "'"$serial"' *" /sys/class/nvme/nvme*/serial |
			cut -d/ -f5)/nvme*n1" > /dev/null || exit 0; sleep 0.1; done'
}

kept_is_kept()
{
	nl ns-get name=kept
	cmp -n "$(stat -c %s "$pnvme_text")" "$pnvme_text" "/dev/$(field device)"
}

pnvme_io_seen()
{
	[ "$(awk '{ print $5 }' "/sys/block/${node#/dev/}/stat")" -gt 50 ]
}

# Writes and reads back for some rounds, with verification: $fio
fio_starts()
{
	fio --name=busy --filename="$node" --rw=randrw --bs=4k --size=8m --io_size=24m --direct=1 --ioengine=libaio \
		--iodepth=16 --verify=crc32c --verify_fatal=1 --verify_backlog=64 --randrepeat=1 \
		--output="$PNVME_WORK/fio" > "$PNVME_WORK/fio.err" 2>&1 &
	fio=$!
	wait_for 30 pnvme_io_seen
}

fio_ends_well()
{
	wait "$fio" || { cat "$PNVME_WORK/fio" "$PNVME_WORK/fio.err" >&2; fail "fio failed"; }
}

# HOW: all I/O of a drive that goes and comes back is done, and done right
hold_and_resume()
{
	local sequence
	hold_begin 600 on-resume=trust
	nl drive-get uuid="$uuid"
	sequence=$(field sequence)
	fio_starts
	"$1" "$pci"
	wait_for drive_is held
	[[ $(field reason) == "the drive is gone; I/O waits for it for 600 seconds" ]]
	[ "$(field hold-left)" -gt 60 ]
	event_came type=drive-hold
	wait_for ns_has busy held -gt 0
	[ "$(< "/sys/class/pnvme/pnvme$(nl drive-get uuid="$uuid"; field instance)/state")" = held ]
	# nothing of it is left below, so that its name is free
	wait_for 10 no_lower
	refused ENODEV "is held and cannot be changed" ns-create drive="$uuid" name=x size=1M
	kill -0 "$fio"
	back_on_the_bus
	wait_for 30 drive_is live
	has holds 1
	has fences 0
	[ -z "$(field reason)" ]
	event_came type=drive-resume
	fio_ends_well
	ns_has busy held -eq 0
	[ "$(field held-total)" -gt 0 ]
	nl drive-get uuid="$uuid"
	has sequence "$sequence"
	[ -e "/sys/block/${node#/dev/}/slaves/$(field device)" ]
	kept_is_kept
	dev=/dev/$(field device)
	granted ns-create drive="$uuid" name=after size=1M
}

no_lower()
{
	[ -z "$(ls "/sys/block/${node#/dev/}/slaves")" ]
}

test_orderly_hold()
{
	: "a drive is removed under I/O in an orderly way, and comes back: all I/O is done"
	not_on_debug
	hold_and_resume orderly_remove
}

test_surprise_hold()
{
	: "a drive is torn out under I/O, and comes back: all I/O is done"
	hold_and_resume surprise_remove
}

test_hung_hold()
{
	: "a drive hangs under I/O, is torn out, and comes back: all I/O is done"
	not_on_debug
	hold_and_resume hung_remove
}

test_reset_hold()
{
	: "a reset of the controller fails under I/O; when the drive is back all I/O is done"
	not_on_debug
	hold_and_resume failed_reset
}

# SECONDS: that long the driver waits for an answer; it decides when it finds a drive
patience()
{
	echo "$1" > "$io_timeout"
	orderly_remove "$(pci_of "$serial")"
	back_on_the_bus
	wait_for 30 spare "$serial"
}

test_link_hold()
{
	: "the link to the drive is lost under I/O, which its driver learns by a timeout; when it is back all I/O is done"
	not_on_debug
	[ -n "${PNVME_VM:-}" ] || skip "only in a test machine"
	patience 3
	defer patience 30
	hold_and_resume link_loss
}

# Does a process wait for I/O, so that it cannot even be killed?
is_stuck()
{
	local stat
	read -r stat < "/proc/$1/stat"
	[[ ${stat##*)} == " D "* ]]
}

# The programs that this test goes on with are in memory, and libraries lie elsewhere; the
# kernel has none to start.
test_root_drive()
{
	: "the drive that carries /usr/bin and the record goes, and comes back with no program but those in memory"
	local mnt=$PNVME_WORK/mnt how name stuck
	not_on_debug
	hold_begin 600 on-resume=trust
	mkfs.ext4 -q -E nodiscard,lazy_itable_init=0 "$node"
	mkdir "$mnt"
	mount -o noatime "$node" "$mnt"
	defer umount "$mnt"
	mkdir "$mnt/bin" "$mnt/record"
	for name in bash cat cmp dd dirname od readlink rm sleep stat sync umount; do cp "$(command -v "$name")" "$mnt/bin/"; done
	cp "$mnt/bin/cat" "$mnt/bin/cold"
	cp "$pnvme_text" "$mnt/record/text"
	mount --bind "$mnt/record" /var/lib/pnvme
	defer umount /var/lib/pnvme
	mount --bind "$mnt/bin" /usr/bin
	# umount itself lies there
	defer umount -l /usr/bin
	for how in orderly_remove surprise_remove; do
		sync -f "$mnt"
		echo 3 > /proc/sys/vm/drop_caches
		# into memory
		{ sleep 0; dirname /; od -An -N 1 "$pci/config"; dd if=/dev/null status=none; } > /dev/null
		"$how" "$pci"
		wait_for drive_is held
		/usr/bin/cold "$mnt/record/text" > "$PNVME_WORK/cold" &
		stuck=$!
		wait_for is_stuck "$stuck"
		back_on_the_bus
		wait_for 30 drive_is live
		wait "$stuck"
		cmp "$PNVME_WORK/cold" "$pnvme_text"
	done
	has holds 2
}

# A program that the kernel is told to start instead of modprobe, which notes for what
note_modprobe()
{
	local real
	read -r real < /proc/sys/kernel/modprobe
	printf '#!/bin/sh\necho "$*" >> %s\nexec %s "$@"\n' "$PNVME_WORK/asked" "$real" > "$PNVME_WORK/modprobe"
	chmod +x "$PNVME_WORK/modprobe"
	: > "$PNVME_WORK/asked"
	defer bash -c "echo $real > /proc/sys/kernel/modprobe"
	echo "$PNVME_WORK/modprobe" > /proc/sys/kernel/modprobe
	# it does note: nothing has this major number
	mknod "$PNVME_WORK/nothing" b 60 0
	! : < "$PNVME_WORK/nothing" || fail "there is a device 60:0"
	grep block-major-60 "$PNVME_WORK/asked"
	: > "$PNVME_WORK/asked"
}

# With on-resume=trust: no error and no mismatch, and the counters add up.
test_pulls()
{
	: "a drive goes and comes back many times under I/O with verification"
	local round rounds=${PNVME_PULLS:-50} how waited=0 peak total line
	not_on_debug
	hold_begin 600 on-resume=trust
	fio --name=busy --filename="$node" --rw=randrw --bs=4k --size=8m --direct=1 --ioengine=libaio --iodepth=16 \
		--verify=crc32c --verify_fatal=1 --verify_backlog=64 --randrepeat=1 --time_based --runtime=100000 \
		--output="$PNVME_WORK/fio" > "$PNVME_WORK/fio.err" 2>&1 &
	fio=$!
	wait_for 30 pnvme_io_seen
	note_modprobe
	for ((round = 1; round <= rounds; round++)); do
		how=orderly_remove
		((round % 2)) || how=surprise_remove
		"$how" "$pci"
		wait_for drive_is held
		wait_for ns_has busy held -gt 0
		peak=$(field held)
		total=$(field held-total)
		waited=$((waited + peak))
		[ "$total" -ge "$waited" ] || fail "$how $round: $total were held in all, but $waited waited"
		back_on_the_bus
		wait_for 30 drive_is live
		has holds "$round"
		kill -0 "$fio" || { cat "$PNVME_WORK/fio" "$PNVME_WORK/fio.err" >&2; fail "$how $round: fio ended"; }
	done
	kill -INT "$fio"
	wait "$fio" || true	# it was interrupted
	grep -q "err= 0" "$PNVME_WORK/fio" || { cat "$PNVME_WORK/fio" "$PNVME_WORK/fio.err" >&2; fail "fio failed"; }
	ns_has busy held -eq 0
	total=$(field held-total)
	# what was issued is done, and well
	nl_abi dump stat-get > "$PNVME_WORK/stat"
	[ -s "$PNVME_WORK/stat" ]
	while read -r line; do
		[[ " $line " == *" in-flight=0 "* && ! $line =~ errors=[0,]*[1-9] ]] || fail "after all: $line"
	done < "$PNVME_WORK/stat"
	kept_is_kept
	# looking for the drive must not need a program, which may stand on it
	! grep block-major "$PNVME_WORK/asked" || fail "modprobe was started for a device that could not be opened yet"
	echo "$rounds pulls, half of them surprise: $total I/Os held, $waited seen waiting, in $SECONDS s" >&2
	grep -E "^ +(read|write): " "$PNVME_WORK/fio" >&2
}

test_timeout()
{
	: "a drive that does not come back in time fails; when it is back, attach makes it live again"
	local writer
	not_on_debug
	# long enough to be seen on a slow machine
	hold_begin $((3 * $(pnvme_slow)))
	orderly_remove "$pci"
	wait_for drive_is held
	dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct status=none 2> "$PNVME_WORK/dd" &
	writer=$!
	wait_for ns_has busy held -eq 1
	! wait "$writer" || fail "the write did not fail"
	wait_for drive_is failed
	has reason "the drive is gone and did not come back in time"
	event_came type=drive-fail
	ns_has busy held -eq 0
	must_fail dd if="$node" of=/dev/null bs=4k count=1 iflag=direct status=none
	back_on_the_bus
	wait_for 30 spare "$serial"
	# what waits has ended, so nothing is re-attached by itself
	sleep 1
	drive_is failed
	wait_for 10 nl drive-attach dev="$dev" host="$host"
	drive_is live
	has epoch 1
	kept_is_kept
	dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct conv=notrunc status=none
	refused EBUSY "in use" drive-attach dev="$dev" host="$host"
}

test_fail_by_hand()
{
	: "pnvme drive fail ends a hold at once, and detach does, of a drive that is closed"
	local writer
	hold_begin 600
	orderly_remove "$pci"
	wait_for drive_is held
	dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct status=none 2> "$PNVME_WORK/dd" &
	writer=$!
	wait_for ns_has busy held -eq 1
	refused EBUSY "is open and cannot be detached" drive-detach uuid="$uuid"
	granted drive-fail uuid="$uuid" check
	drive_is held
	granted drive-fail uuid="$uuid"
	has state failed
	! wait "$writer" || fail "the write did not fail"
	granted drive-fail uuid="$uuid"
	has state failed
	detach "$uuid"
	back_on_the_bus
	wait_for 30 spare "$serial"
	attach "$dev"
	pci=$(pci_of "$serial")
	granted drive-set uuid="$uuid" hold-timeout=600
	# one that is there can be given up too, and taken back
	granted drive-fail uuid="$uuid"
	has state failed
	must_fail dd if="$node" of=/dev/null bs=4k count=1 iflag=direct status=none
	refused ESTALE "not" drive-attach dev="$dev" host="$host" uuid="$(new_uuid)"
	granted drive-attach dev="$dev" host="$host"
	has state live
	dd if="$node" of=/dev/null bs=4k count=1 iflag=direct status=none
	# also if it goes and comes back after that, which nobody tells us on 6.1
	granted drive-fail uuid="$uuid"
	orderly_remove "$pci"
	back_on_the_bus
	wait_for 30 spare "$serial"
	wait_for nl drive-attach dev="$dev" host="$host"
	has state live
	pci=$(pci_of "$serial")
	orderly_remove "$pci"
	wait_for drive_is held
	detach "$uuid"
}

test_never()
{
	: "with hold-timeout=0 nothing waits"
	not_on_debug
	hold_begin 0
	fio_starts
	orderly_remove "$pci"
	! wait "$fio" || fail "fio did not notice"
	wait_for drive_is failed
	has reason "the drive is gone"
	has holds 0
}

test_hammered()
{
	: "a drive that failed is let go, and taken back, while I/O to it fails all the time"
	not_on_debug
	hold_begin 0
	fio --name=busy --filename="$node" --rw=randwrite --bs=4k --size=8m --direct=1 --ioengine=libaio --iodepth=4 \
		--numjobs=2 --continue_on_error=all --time_based --runtime=100000 --output="$PNVME_WORK/fio" \
		> "$PNVME_WORK/fio.err" 2>&1 &
	fio=$!
	defer bash -c "! kill $fio 2> /dev/null || while kill -0 $fio 2> /dev/null; do sleep 0.1; done"
	wait_for 30 pnvme_io_seen
	orderly_remove "$pci"
	wait_for drive_is failed
	wait_for no_lower
	back_on_the_bus
	wait_for 30 spare "$serial"
	wait_for nl drive-attach dev="$dev" host="$host"
	drive_is live
	kill -0 "$fio"
	kept_is_kept
}

test_nowait()
{
	: "I/O that may not wait is told so while a drive is held"
	not_on_debug
	hold_begin 600
	orderly_remove "$pci"
	wait_for drive_is held
	python3 - "$node" <<- 'END'
		import errno, mmap, os, sys
		fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
		buffer = mmap.mmap(-1, 4096)
		for call in (os.preadv, os.pwritev):
		    try:
		        call(fd, [buffer], 0, os.RWF_NOWAIT)
		    except OSError as error:
		        assert error.errno == errno.EAGAIN, error
		    else:
		        sys.exit("it was done")
	END
	ns_has busy held -eq 0
	granted drive-fail uuid="$uuid"
}

test_sleep()
{
	: "a machine that goes to sleep ends holds, whose tasks could not be frozen"
	local writer
	not_on_debug
	hold_begin 600
	[ -w /sys/power/pm_test ] || skip "this kernel cannot try to sleep"
	orderly_remove "$pci"
	wait_for drive_is held
	dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct status=none 2> "$PNVME_WORK/dd" &
	writer=$!
	wait_for ns_has busy held -eq 1
	echo freezer > /sys/power/pm_test
	defer bash -c 'echo none > /sys/power/pm_test'
	echo freeze > /sys/power/state
	! wait "$writer" || fail "the write did not fail"
	drive_is failed
}

test_model()
{
	: "random events: the module does what a small model of hold and resume says"
	local steps=300 seed=${PNVME_SEED:-1} disk
	# the same each time in a check, so that it is about the change that is checked
	if [ -n "${PNVME_LONG:-}" ]; then steps=10000; seed=${PNVME_SEED:-$((RANDOM * 32768 + RANDOM))}; fi
	not_on_debug
	begin
	"$pnvme_dir/nvmet_target" begin || skip "no NVMe target here"
	null_disk model 16 cache_size=4
	disk=$dev
	defer "$pnvme_dir/nvmet_target" clear
	"$pnvme_dir/nvmet_target" add model "$disk" 6d1c2a34-0000-4000-8000-0000000000d1
	"$HOLD_MODEL" "${PNVME_STEPS:-$steps}" "$seed" "$disk" "$host" \
		/sys/kernel/config/nvmet/subsystems/model/namespaces/1 /sys/kernel/config/nullb/model >&2
}

# What must not be taken for the drive.

# A write waits: $writer
write_waits()
{
	dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct conv=notrunc status=none 2> "$PNVME_WORK/dd" &
	writer=$!
	wait_for ns_has busy held -eq 1
}

# It is there, and stays as it is; the write goes on waiting
refused_as_impostor()
{
	local before
	before=$("$VM_HOST" checksum "$serial")
	wait_for 30 spare "$1"
	[ -z "${2:-}" ] || event_came "type=drive-impostor message=.*$2"
	sleep 2
	drive_is held
	kill -0 "$writer"
	[ "$before" = "$("$VM_HOST" checksum "$serial")" ] || fail "$1 was written"
}

# ... until the right one is back
original_returns()
{
	"$VM_HOST" pull "$serial"
	"$VM_HOST" restore "$serial"
	"$VM_HOST" plug "$serial"
	wait_for 30 drive_is live
	wait "$writer"
	kept_is_kept
}

impostor_begin()
{
	hold_begin 600 on-resume=trust
	sync
	"$VM_HOST" save "$serial"
	"$VM_HOST" pull "$serial"
	wait_for drive_is held
	write_waits
}

test_blank_impostor()
{
	: "a blank drive, or the same one erased, never gets a held write"
	not_on_debug
	impostor_begin
	"$VM_HOST" wipe "$serial"
	"$VM_HOST" plug "$serial"
	refused_as_impostor "$serial"
	original_returns
}

test_clone_impostor()
{
	: "a copy on other hardware never gets a held write"
	not_on_debug
	impostor_begin
	"$VM_HOST" plug "$serial" pnvme-copy
	refused_as_impostor pnvme-copy "serial number differs: it is a copy"
	original_returns
}

test_old_impostor()
{
	: "an older copy of the drive never gets a held write"
	not_on_debug
	hold_begin 600 on-resume=trust
	sync
	"$VM_HOST" save "$serial"
	granted ns-rename name=kept new-name=kept2
	granted ns-rename name=kept2 new-name=kept
	sync
	"$VM_HOST" pull "$serial"
	wait_for drive_is held
	write_waits
	"$VM_HOST" restore "$serial"
	"$VM_HOST" plug "$serial"
	refused_as_impostor "$serial" "not the one we wrote last"
	granted drive-fail uuid="$uuid"
	! wait "$writer" || fail "the write did not fail"
	refused ESTALE "not the one we wrote last" drive-attach dev="$dev" host="$host"
}

# The fence.

# POLICY: a write is acknowledged and not flushed, the drive goes and comes back; $node stays open as fd 9
doubt()
{
	hold_begin 600 on-resume="$1"
	exec 9<> "$node"
	dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct conv=notrunc status=none
	orderly_remove "$pci"
	wait_for drive_is held
	back_on_the_bus
	wait_for 30 drive_is live
}

flushes()
{
	dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct conv=notrunc,fsync status=none
}

test_fence()
{
	: "after a loss with writes in doubt every flush fails, until the last close or unfence"
	doubt fence
	has fences 1
	event_came type=ns-fence
	ns_has busy fence = flush
	has fences 1
	[ -n "$(field fenced-at)" ]
	must_fail flushes
	must_fail flushes
	dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct conv=notrunc status=none
	dd if="$node" of=/dev/null bs=4k count=1 iflag=direct status=none
	# a write that is to be durable at once is one of them
	must_fail dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct,dsync conv=notrunc status=none
	nl ns-get name=kept
	has fence none
	granted ns-unfence name=busy check
	must_fail flushes
	granted ns-unfence name=busy
	has fence none
	event_came type=ns-unfence
	flushes
	granted ns-unfence name=busy
	exec 9<&-
}

test_fence_closed()
{
	: "the last close ends a fence; a flush before the loss leaves nothing to fence"
	not_on_debug
	doubt fence
	must_fail flushes
	exec 9<&-
	flushes
	ns_has busy fence = none
	exec 9<> "$node"
	flushes
	orderly_remove "$(pci_of "$serial")"
	wait_for drive_is held
	back_on_the_bus
	wait_for 30 drive_is live
	has holds 2
	has fences 1
	flushes
	exec 9<&-
}

test_trust()
{
	: "with on-resume=trust nothing is fenced, with fail all I/O is"
	not_on_debug
	doubt trust
	has fences 0
	flushes
	granted drive-set uuid="$uuid" on-resume=fail
	dd if=/dev/zero of="$node" bs=4k count=1 oflag=direct conv=notrunc status=none
	orderly_remove "$(pci_of "$serial")"
	wait_for drive_is held
	back_on_the_bus
	wait_for 30 drive_is live
	ns_has busy fence = all
	must_fail dd if="$node" of=/dev/null bs=4k count=1 iflag=direct status=none
	exec 9<&-
	dd if="$node" of=/dev/null bs=4k count=1 iflag=direct status=none
}

pnvme_main "$@"
