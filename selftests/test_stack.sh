#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What stands on several namespaces: md RAID0, LVM, XFS over three drives that are named
# otherwise each time, pulled, or lost. It is assembled, goes on, or is held back with a sentence.
# md and LVM assemble as the distribution's udev rules do. And boots by systemd, which none of
# that may end in emergency mode.
# shellcheck disable=SC2317,SC2119	# functions are called by their names

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$(dirname "$0")/nl_lib.sh"

TIMEOUT=90
serials=(pnvme-a pnvme-b pnvme-c)
parts=(/dev/pnvme/s0 /dev/pnvme/s1 /dev/pnvme/s2)
md_conf=/etc/mdadm/mdadm.conf.d/pnvme-test.conf
export LVM_SUPPRESS_FD_WARNINGS=1
# As Documentation/admin-guide.rst has it
lvm_config='devices { filter=["a|^/dev/pnvme|","r|.*|"] } backup { backup=0 archive=0 }'
declare -A bus
mnt=
sum=
units=
systemd=
booted=
init=

# Three drives, pnvme0 to pnvme2, with the namespaces s0 to s2: with udev, so with links and the gate
set_up()
{
	local i
	[ -n "${PNVME_VM:-}" ] || skip "only in a test machine: it assembles whatever md and LVM find"
	modprobe -qa raid0 dm-mod xfs || skip "no RAID0, device mapper or XFS here"
	ln -sfn "$PNVME_TOP/build/pnvme" /usr/local/sbin/pnvme
	mnt=$PNVME_WORK/mnt
	mkdir -p "$mnt" /etc/pnvme
	echo 'settle: 0' > /etc/pnvme/policy.yaml
	start_udev > /dev/null
	load_module
	settle
	defer tear_down
	for i in 0 1 2; do
		spare "${serials[i]}"
		run pnvme drive adopt "$dev"
		run pnvme ns create "pnvme$i" "s$i" 128M
		bus[${serials[i]}]=$(bus_of "${serials[i]}")
	done
	settle
}

# However the test ended
tear_down()
{
	local serial
	back_on_the_bus
	for serial in "${serials[@]}"; do
		wait_for 30 drive_by_serial "$serial"
	done
	settle
	! mountpoint -q "$PNVME_WORK/mnt" || umount "$PNVME_WORK/mnt"
	stop_all > /dev/null
	rm -f "$md_conf"
}

stop_all()
{
	local array
	for array in /sys/block/md*; do
		[ ! -e "$array" ] || mdadm --stop "/dev/${array##*/}"
	done
	[ ! -e /dev/stack ] || lv vgchange -an stack
	# what LVM has seen since boot
	rm -rf /run/lvm/pvs_online /run/lvm/vgs_online
}

settle() { udevadm settle --timeout=60; }

lv() { run lvm "$1" --config "$lvm_config" "${@:2}"; }

# SERIAL: the bus behind its port, which can be scanned alone
bus_of()
{
	local pci
	pci=$(pci_of "$1")
	compgen -G "${pci%/*}/pci_bus/*"
}

# Which drives are where
places() { for serial in "${serials[@]}"; do drive_by_serial "$serial"; done; }

# SERIAL: off the bus; it is not in use
leave()
{
	local dev
	dev=$(drive_by_serial "$1")
	orderly_remove "$(pci_of "$1")"
	wait_for test ! -e "$dev"
}

attached()
{
	dev=$(drive_by_serial "$1") && compgen -G "/sys/block/${dev#/dev/}/holders/*"
}

# SERIAL: back, and attached by the gate
come()
{
	echo 1 > "${bus[$1]}/rescan"
	wait_for 30 attached "$1"
	settle
}

# All is stopped, and the drives leave, as if the machine was switched off
all_leave()
{
	local serial
	run stop_all
	run pnvme drive detach --all
	for serial in "${serials[@]}"; do leave "$serial"; done
	settle
}

# State of the one array; nothing if there is none
array_state()
{
	local file=(/sys/block/md*/md/array_state)
	[ ! -e "${file[0]}" ] || cat "${file[@]}"
}

array_runs() { [[ $(array_state) =~ ^(clean|active|active-idle)$ ]]; }

# REGEX: wait says so, of all and of these three by name, and writes to no drive
held_back()
{
	fails_with 3 "$1" pnvme wait --all --timeout 1
	fails_with 3 "$1" pnvme wait s0 s1 s2 --timeout 1
}

usable()
{
	run pnvme wait --all --timeout 60
	run pnvme wait s0 s1 s2 --timeout 1
	settle
}

# DEV: XFS with a file of lines of which no two are equal
make_fs()
{
	run mkfs.xfs -q -f -K "$1"
	sum=$(seq 1000000 1399999 | cksum)
	mount "$1" "$mnt"
	seq 1000000 1399999 > "$mnt/kept"
	umount "$mnt"
}

kept_is_whole() { [ "$(cksum < "$1/kept")" = "$sum" ] || fail "the file is another"; }

# DEV: all of it
fs_is_whole()
{
	mount "$1" "$mnt"
	kept_is_whole "$mnt"
	umount "$mnt"
	run xfs_repair -n "$1" 2> "$PNVME_WORK/repair" || { cat "$PNVME_WORK/repair" >&2; fail "xfs_repair complains"; }
}

make_md()
{
	run mdadm --create /dev/md/stack --run --metadata=1.2 --level=0 --chunk=4 --raid-devices=3 "${parts[@]}"
	settle
	mkdir -p "${md_conf%/*}"
	mdadm --detail --brief /dev/md/stack > "$md_conf"
	array_runs
	make_fs /dev/md/stack
}

make_lvm()
{
	lv vgcreate stack "${parts[@]}"
	lv lvcreate -y -n data -i 3 -I 64k -l 100%FREE stack
	settle
	make_fs /dev/stack/data
}

# Writes to the namespaces since they were attached
ns_writes()
{
	local node
	for node in "$@"; do
		node=$(readlink -f "$node")
		count_of "$node" 5
	done
}

# The drive of s1 loses its label while it is detached; the others are attached again
lose_one()
{
	run stop_all
	run pnvme drive detach --all
	spare pnvme-b
	wipe "$dev"
	run pnvme drive attach --auto
	settle
	held_back "s1 is not usable: missing: its hardware is here \\(${dev#/dev/}\\) without its label"
	run pnvme wait s0 s2 --timeout 1
}

not_written()
{
	[ "$(ns_writes /dev/pnvme/s0 /dev/pnvme/s2)" = $'0\n0' ] || fail "what is left was written to"
}

drive_state() { [ "$(< /sys/class/pnvme/pnvme1/state)" = "$1" ]; }

held_io() { nl ns-get name=s1 && [ "$(field held)" -gt 0 ]; }

# The drive of s1 is torn out and comes back
pull_and_return()
{
	surprise_remove "$(pci_of pnvme-b)"
	wait_for drive_state held
	fails 3 "s1 is not usable: held: the drive is gone" pnvme wait --all --timeout 1
	[ "${1:-}" != busy ] || wait_for held_io
	back_on_the_bus
	wait_for 30 drive_state live
}

# NUMBER: that many more writes to s1 than $written
writes_seen() { [ "$(count_of /dev/pnvme1n1 5)" -gt $((written + $1)) ]; }

# COMMAND...: it fails, if not the first time
is_told()
{
	local i
	for i in {1..30}; do
		"$@" || return 0
	done
	fail "XFS did not notice"
}

append_durably() { quiet_dd if=/dev/zero of="$mnt/more" bs=4k count=1 oflag=append conv=notrunc,fsync; }

# I/O with verification goes on, and all of it is right
goes_on()
{
	local fio written
	run pnvme drive set pnvme1 hold-timeout=600 on-resume=trust
	mount /dev/md/stack "$mnt"
	written=$(count_of /dev/pnvme1n1 5)
	fio --name=busy --directory="$mnt" --rw=randrw --bs=16k --size=8m --direct=1 --ioengine=libaio \
		--iodepth=8 --verify=crc32c --verify_fatal=1 --verify_backlog=32 --randrepeat=1 --time_based \
		--runtime=100000 --output="$PNVME_WORK/fio" > "$PNVME_WORK/fio.err" 2>&1 &
	fio=$!
	wait_for 30 writes_seen 100
	pull_and_return busy
	written=$(count_of /dev/pnvme1n1 5)
	wait_for 30 writes_seen 50
	kill -INT "$fio"
	wait "$fio" || true	# it was interrupted
	grep -q "err= 0" "$PNVME_WORK/fio" || { cat "$PNVME_WORK/fio" "$PNVME_WORK/fio.err" >&2; fail "fio failed"; }
	sync -f "$mnt"
	usable
	umount "$mnt"
	fs_is_whole /dev/md/stack
}

test_md()
{
	: "md RAID0: held back until the last drive is here, whatever its name; goes on after pulls; is not made of two drives"
	local before
	set_up
	make_md
	before=$(places)
	all_leave
	come pnvme-c
	come pnvme-a
	held_back "s1 is not usable: missing: no drive here carries its label"
	[ "$(array_state)" = inactive ] || fail "the array of two drives is '$(array_state)'"
	come pnvme-b
	[ "$(places)" != "$before" ] || fail "the drives have the names that they had"
	usable
	array_runs
	fs_is_whole /dev/md/stack

	goes_on
	run pnvme drive set pnvme1 on-resume=fence
	mount /dev/md/stack "$mnt"
	quiet_dd if=/dev/zero of="$mnt/doubt" bs=64k count=48 oflag=direct
	pull_and_return
	fails 3 "s1 is not usable: live: its flushes fail" pnvme wait s1 --timeout 1
	# md hides all of them; what is to be durable at once, as the log is too, it hands on
	is_told append_durably
	umount "$mnt"
	# the last close ends the fence
	run mdadm --stop /dev/md/stack
	usable
	run mdadm --assemble --scan
	settle
	fs_is_whole /dev/md/stack

	lose_one
	[ "$(array_state)" = inactive ] || fail "the array of two drives is '$(array_state)'"
	stop_all
	fails 1 "assembled from 2 drives - not enough to start the array" mdadm --assemble --scan
	if array_runs; then fail "an array of two drives runs"; fi
	not_written
}

test_lvm()
{
	: "LVM: the same; and after a pull with writes in doubt, who asks is told"
	local before
	set_up
	make_lvm
	before=$(places)
	all_leave
	come pnvme-b
	come pnvme-c
	held_back "s0 is not usable: missing: no drive here carries its label"
	[ ! -e /dev/stack/data ] || fail "LVM activated half a volume"
	come pnvme-a
	[ "$(places)" != "$before" ] || fail "the drives have the names that they had"
	usable
	fs_is_whole /dev/stack/data

	mount /dev/stack/data "$mnt"
	quiet_dd if=/dev/zero of="$mnt/doubt" bs=64k count=48 oflag=direct
	pull_and_return
	fails 3 "s1 is not usable: live: its flushes fail" pnvme wait s1 --timeout 1
	# device mapper hides errors of a flush that comes with data, which is how XFS writes its log,
	# but not of one without, which is what is left when the inode needs no logging any more
	is_told quiet_dd if=/dev/zero of="$mnt/doubt" bs=4k count=1 conv=notrunc,fdatasync
	umount "$mnt"
	# the last close ends the fence
	lv vgchange -an stack
	usable
	lv vgchange -ay stack
	settle
	fs_is_whole /dev/stack/data

	lose_one
	fails 5 "Refusing activation of partial LV stack/data" lv vgchange -ay stack
	[ ! -e /dev/stack/data ] || fail "LVM activated half a volume"
	not_written
}

# --- systemd -------------------------------------------------------------------

# OPTIONS [SECONDS]: in $units what boots a machine: the distribution's units, ours, and a mount
# by /etc/fstab with these options. pnvme-ready.target waits for so long.
write_units()
{
	local from=/usr/lib/systemd name
	[ -d "$from/system" ] || from=/lib/systemd
	[ -x "$from/system-generators/systemd-fstab-generator" ] || skip "no systemd here"
	systemd=$from/systemd
	units=$PNVME_WORK/units
	rm -rf "$units"
	mkdir -p "$units/sysinit.target.wants"
	for name in sysinit basic local-fs local-fs-pre multi-user shutdown umount emergency; do
		cp "$from/system/$name.target" "$units/"
	done
	cp "$PNVME_TOP"/tools/systemd/*.{service,target} "$units/"
	# as systemctl enable does
	ln -s ../pnvme.service "$units/sysinit.target.wants/"
	sed -i "s|^\(ExecStart=.* --timeout\) .*|\1 ${2:-30}\nStandardError=append:$PNVME_WORK/ready|" \
		"$units/pnvme-ready.service"
	# in place of a shell on the console
	printf '%s\n' '[Unit]' DefaultDependencies=no '[Service]' ExecStart=true Type=oneshot RemainAfterExit=yes \
		> "$units/emergency.service"
	echo "/dev/md/stack /run/raid xfs $1 0 0" > "$PNVME_WORK/fstab"
	SYSTEMD_FSTAB=$PNVME_WORK/fstab "$from/system-generators/systemd-fstab-generator" "$units" "$units" "$units"
}

# What systemd-analyze has to say of them
units_judged()
{
	SYSTEMD_UNIT_PATH=$units:${systemd%/*}/system systemd-analyze verify --man=no \
		"$units"/pnvme*.{service,target} "$units/run-raid.mount" "$units/multi-user.target" 2>&1
}

test_units()
{
	: "the units and what fstab makes of a mount that requires them have no ordering cycle"
	local found
	[ -n "${PNVME_VM:-}" ] || skip "only in a test machine"
	ln -sfn "$PNVME_TOP/build/pnvme" /usr/local/sbin/pnvme
	write_units nofail,x-systemd.requires=pnvme-ready.target
	found=$(units_judged) || true	# the distribution's units may have faults of their own
	[[ $found != *cycle* && $found != *pnvme* && $found != *run-raid* ]] || fail "systemd-analyze: $found"
	# the same is told of what has one: a unit after sysinit.target, a mount before local-fs.target
	write_units x-systemd.requires=pnvme-ready.target
	sed -i /DefaultDependencies=no/d "$units/pnvme-ready.service"
	found=$(units_judged) || true
	[[ $found == *"ordering cycle"* ]] || fail "a cycle was not found: $found"
}

# Boots these units with systemd, in namespaces of their own: its first process is $init
boot()
{
	local cgroup=/sys/fs/cgroup/pnvme-boot
	: > "$PNVME_WORK/ready"
	mkdir -p "$cgroup" "$PNVME_WORK/udev"
	# shellcheck disable=SC2016	# for the shell that it is for
	(echo "$BASHPID" > "$cgroup/cgroup.procs"
	 exec unshare --pid --mount --uts --ipc --cgroup --fork --kill-child bash -euc '
		mount -t proc proc /proc
		umount /sys/fs/cgroup
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		mount --bind /run/udev "$1/udev"
		mount -t tmpfs -o mode=755 tmpfs /run
		mkdir /run/lock /run/modprobe.d /run/udev
		mount --move "$1/udev" /run/udev
		# it is loaded, from where modprobe would not find it
		echo "install pnvme true" > /run/modprobe.d/pnvme-test.conf
		exec env -i container=pnvme-test "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin" \
			SYSTEMD_UNIT_PATH="$1/units" "$2" --system --unit=multi-user.target --log-target=kmsg \
			--show-status=no' init "$PNVME_WORK" "$systemd") &
	booted=$!
	defer shut_down "$booted"
	wait_for 30 init_is_up
}

in_boot() { nsenter -t "$init" -m -p "$@"; }

init_is_up()
{
	local state
	# without a newline
	read -r init < "/proc/$booted/task/$booted/children" || [ -n "$init" ] || return
	state=$(in_boot systemctl is-system-running) || true
	# nothing is left to do; in emergency mode it says maintenance
	[[ $state =~ ^(running|degraded|maintenance)$ ]]
}

# PID of unshare
shut_down()
{
	local i
	! kill -KILL "$1" 2> /dev/null || wait "$1" 2> /dev/null || true
	for i in {1..100}; do
		! find /sys/fs/cgroup/pnvme-boot -depth -type d -exec rmdir {} + 2> /dev/null || return 0
		[ -e /sys/fs/cgroup/pnvme-boot ] || return 0
		sleep 0.1
	done
	return 1
}

# STATE...: of these targets, the array's mount, and the service that waits
states_are()
{
	local found
	found=$(in_boot systemctl is-active multi-user.target emergency.target run-raid.mount pnvme-ready.service) || true
	[ "${found//$'\n'/ }" != "$*" ] || return 0
	in_boot systemctl list-units --all --no-legend --plain '*.target' '*.service' '*.mount' >&2
	fail "the states are ${found//$'\n'/ }"
}

# What filesystems, or emergency mode, have to do with these units
local_fs_ties()
{
	in_boot systemctl show -p Id -p Before -p RequiredBy -p OnFailure pnvme.service pnvme-attach@nvme0n1.service \
		pnvme-ready.service pnvme-ready.target pnvme-verdict.service run-raid.mount > "$PNVME_WORK/ties"
	grep -E 'local-fs|emergency' "$PNVME_WORK/ties"
}

test_boot()
{
	: "a boot by systemd without one of the drives ends where it should, and with all of them has the data"
	local ties
	set_up
	make_md
	run stop_all
	run pnvme drive detach --all
	leave pnvme-b
	settle
	# without nofail it is otherwise
	write_units x-systemd.requires=pnvme-ready.target 1
	boot
	states_are inactive active inactive failed
	ties=$(local_fs_ties)
	[[ $ties == *local-fs.target* ]]
	shut_down "$booted"

	run stop_all
	run pnvme drive detach --all
	write_units nofail,x-systemd.requires=pnvme-ready.target 1
	boot
	states_are active inactive inactive failed
	if ties=$(local_fs_ties); then fail "$ties"; fi
	a_line_matches "s1 is not usable: missing: no drive here carries its label" "$PNVME_WORK/ready" ||
		fail "pnvme-ready.service said: $(< "$PNVME_WORK/ready")"
	shut_down "$booted"

	run stop_all
	come pnvme-b
	stop_all
	run pnvme drive detach --all
	settle
	write_units nofail,x-systemd.requires=pnvme-ready.target
	boot
	states_are active inactive active active
	in_boot cat /run/raid/kept > "$PNVME_WORK/kept"
	[ "$(cksum < "$PNVME_WORK/kept")" = "$sum" ] || fail "the file is another"
	shut_down "$booted"
}

pnvme_main "$@"
