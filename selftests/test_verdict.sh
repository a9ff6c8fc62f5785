#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Verdicts, each of them produced for real, and what the gate makes of them: drives
# that are pulled, wiped, copied and replaced, records that are lost, old or of another
# host, and a crash between label and record. Documentation/verdicts.rst shows the tables
# that this prints (PNVME_VERBOSE=1).
# shellcheck disable=SC2317,SC2119	# functions are called by their names

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$(dirname "$0")/nl_lib.sh"	# null_disk

TIMEOUT=120
other_host=11d4f7a2-5c0e-4b83-9c1d-0f3a6b7e8d92
record=/var/lib/pnvme/record.json

# The devices of three drives are $a, $b, $c; what is not here is missing at once
begin()
{
	load_module
	policy 'settle: 0'
	a=$(drive 1)
	b=$(drive 2)
	c=$(drive 3)
}

policy()
{
	mkdir -p /etc/pnvme
	printf '%s\n' "$@" > /etc/pnvme/policy.yaml
}

# judge CODE: pnvme verdict, which must end with that. In $table, and in the log.
judge()
{
	local status=0
	echo "\$ pnvme verdict" >&2
	table=$(pnvme verdict 2> "$PNVME_WORK/stderr") || status=$?
	echo "$table" >&2
	show_text "$PNVME_WORK/stderr" >&2
	echo "(exit code $status)" >&2
	[ "$status" = "$1" ] || fail "pnvme verdict ended with $status instead of $1"
}

# is VERDICT WHO REGEX: the line of a serial, device or UUID
is()
{
	local line
	while IFS= read -r line; do
		[[ " $line " == *" $2 "* ]] || continue
		[[ $line =~ ^$1\ .*$3 ]] || fail "expected $1 ($3) of $2: $line"
		return 0
	done <<< "$table"
	fail "there is no line of $2"
}

serial_of() { read -r serial < "/sys/block/${1#/dev/}/device/serial" && echo "$serial"; }

uuid_of() { pnvme -j drive show "$1" | json '.drives[0].uuid'; }

# gone DEV: off the bus, until the test is over
gone()
{
	local serial
	emulated "$1" || skip "only a drive of a test machine can be pulled"
	defer back "$serial"
	ask_host pull "$serial"
	wait_for test ! -e "$1"
}

# back SERIAL: if it is not here
back()
{
	drive_by_serial "$1" > /dev/null 2>&1 || ask_host plug "$1"
	for _ in {1..200}; do
		! drive_by_serial "$1" > /dev/null 2>&1 || return 0
		sleep 0.1
	done
	return 1
}

# Generation of the label in force
sequence() { pnvme -j drive examine "$1" | json '.drives[0].sequence'; }

# roster DEV: UUIDs, a line each, sorted
roster() { pnvme -j drive examine "$1" | json '.roster[].uuid' | sort; }

serves() { [ "$(pnvme -j drive show "$1" | json '.drives[0].state')" = live ]; }

test_intact()
{
	: "intact, blank, used; exit code 0 and JSON"
	begin
	run mkfs.ext4 -q "$b" 16M
	run pnvme drive adopt "$a"
	judge 0
	is intact "$(serial_of "$a")" "label, hardware and record agree"
	is used "$(serial_of "$b")" "holds a signature of ext4"
	is blank "$(serial_of "$c")" "nothing but zeros"
	pnvme -j verdict > "$PNVME_WORK/json"
	[ "$(json '.drives | map(select(.verdict == "intact")) | length' < "$PNVME_WORK/json")" = 1 ]
	[ "$(json '[.drives[] | select(.evidence == null)] | length' < "$PNVME_WORK/json")" = 0 ]
	# label, hardware and record stay so while it is detached
	run pnvme drive detach pnvme0
	judge 0
}

test_repaired()
{
	: "repaired: a flag beside intact, for copies of the label that were rewritten"
	begin
	run pnvme drive adopt "$a"
	run pnvme drive detach pnvme0
	dd if=/dev/zero of="$a" bs=32K seek=2 count=1 conv=fsync,notrunc status=none
	run pnvme drive attach --auto "$a"
	judge 0
	is 'intact\+repaired' "$(serial_of "$a")" agree
	[ "$(pnvme -j verdict | json '.drives[] | select(.repaired) | .verdict')" = intact ]
}

test_crash()
{
	: "a crash between label and record: intact, attached, and the record follows"
	local before
	begin
	run pnvme drive adopt "$a"
	before=$(sequence "$a")
	# killed when the record is to take the place of the old one
	! run strace -qq -o /dev/null -e trace=rename,renameat,renameat2 \
		-e inject=rename,renameat,renameat2:error=EIO:signal=KILL \
		pnvme ns create pnvme0 one 16M || fail "nothing was killed"
	[ "$(sequence "$a")" -gt "$before" ] || fail "the label was not written"
	[ "$(json '.drives[0].sequence' < "$record")" = "$before" ] || fail "the record was written"
	judge 0
	is intact "$(serial_of "$a")" agree
	run pnvme drive detach pnvme0
	judge 0
	run pnvme drive attach --auto "$a"
	[ "$(json '.drives[0].namespaces[0].name' < "$record")" = one ]
	[ "$(json '.drives[0].sequence' < "$record")" = "$(sequence "$a")" ]
}

test_stale()
{
	: "stale: a drive restored from a copy; the gate refuses it unless the policy lets it in"
	local serial
	begin
	emulated "$a" || skip "only a drive of a test machine has copies"
	run pnvme drive adopt "$a"
	run pnvme drive detach pnvme0
	ask_host save "$serial"
	run pnvme drive attach "$a"
	run pnvme ns create pnvme0 one 16M
	run pnvme drive detach pnvme0
	ask_host restore "$serial"
	blockdev --flushbufs "$a"
	judge 3
	is stale "$serial" "its label is older than this host last saw it: generation [0-9]+ of attach 1"
	fails_with 3 "is not attached by itself: stale" pnvme drive attach --auto "$a"
	policy 'settle: 0' 'attach: [intact, stale]'
	run pnvme drive attach --auto "$a"
	serves "$a"
	judge 0
}

test_wiped()
{
	: "wiped: its hardware without its label"
	local uuid
	begin
	run pnvme drive adopt "$a"
	uuid=$(uuid_of pnvme0)
	run pnvme drive detach pnvme0
	wipe "$a"
	judge 3
	is wiped "$uuid" "its hardware is here \\(${a#/dev/}\\) without its label"
	run pnvme drive attach --auto "$a"
	fails 3 "wiped" pnvme drive attach --all
	run pnvme drive forget "$uuid"
	judge 0
}

test_missing()
{
	: "missing, only after the settle time; then again with what replaced it"
	local uuid serial other
	begin
	serial=$(serial_of "$a")
	run pnvme drive adopt "$a"
	uuid=$(uuid_of pnvme0)
	run pnvme drive detach pnvme0
	policy 'settle: 1h'
	gone "$a"
	judge 3
	is unknown "$uuid" "not seen yet, [0-9]+ s of the settle time are left"
	policy 'settle: 0'
	judge 3
	is missing "$uuid" "no drive here carries its label"
	fails 3 missing pnvme drive attach --all
	# the content on other hardware, in its place
	defer other_back "$serial"
	ask_host plug "$serial" other
	wait_for 20 drive_by_serial other
	judge 3
	is replaced "$uuid" "other hardware is in its slot .*serial other"
	other=$(drive_by_serial other)
	is cloned "${other#/dev/}" "its label was written on other hardware: the serial number differs"
	fails_with 3 "is not attached by itself: cloned" \
		pnvme drive attach --auto "$other"
}

# The hardware of test_missing goes, the drive returns
other_back()
{
	! drive_by_serial other > /dev/null 2>&1 || ask_host pull other > /dev/null 2>&1 || ask_host pull "$1"
	back "$1"
}

test_strong_copy()
{
	: "a copy whose original is away: the original is missing, its hardware is not what has the copy"
	local target=$pnvme_dir/nvmet_target nguid=00112233-4455-6677-8899-aabbccddee0 disk first second
	begin
	"$target" begin || skip "no NVMe target here, neither loop nor tcp"
	null_disk copied1 32
	disk=$dev
	null_disk copied2 32
	defer "$target" clear
	first=$("$target" add pnvme-t1 "$disk" "${nguid}1")
	second=$("$target" add pnvme-t2 "$dev" "${nguid}2")
	run pnvme drive adopt "$first"
	run pnvme drive detach pnvme0
	dd if="$first" of="$second" bs=1M count=1 iflag=direct oflag=direct conv=notrunc status=none
	judge 0
	is intact pnvme-t1 agree
	is cloned pnvme-t2 "carries the same label"
	"$target" remove pnvme-t1
	judge 3
	is missing pnvme-t1 "no drive here carries its label or its hardware ID"
	is cloned pnvme-t2 "the hardware ID differs"
	fails 3 missing pnvme drive attach --all
}

test_does_not_fit()
{
	: "a drive that its label does not fit is cloned, and not lost: nothing takes its place"
	local uuid
	begin
	run pnvme drive adopt "$a"
	uuid=$(uuid_of pnvme0)
	run pnvme drive detach pnvme0
	"$pnvme_dir/label_edit.py" "$a" set all lba_size=4096
	judge 3
	is cloned "${a#/dev/}" "does not fit this drive"
	[ "$(grep -c "$uuid" <<< "$table")" = 1 ] || fail "it is there twice: $table"
	fails_with 6 "is not lost, it is cloned" pnvme drive replace "$uuid" "$b"
}

test_foreign()
{
	: "a VM made again on the same host: foreign, not touched; then import, and its data is there"
	local serial uuid old
	begin
	run pnvme drive adopt "$a"
	run pnvme drive adopt "$b"
	run pnvme ns create pnvme0 theirs 16M
	dd if="$pnvme_text" of=/dev/pnvme0n1 bs=4k count=1 conv=fsync status=none
	old=$(pnvme -j drive show pnvme0 | json '.drives[0].owner')
	uuid=$(uuid_of pnvme0)
	run pnvme drive detach --all
	rm -r /var/lib/pnvme/*
	echo "$other_host" > /etc/pnvme/hostid
	judge 0
	is foreign "$(serial_of "$a")" "its label names another owner, $old"
	run pnvme drive attach --auto
	run pnvme drive attach --auto "$a"
	[ -z "$(ls /sys/class/pnvme)" ] || fail "a foreign drive was attached"
	fails_with 1 "belongs to host" pnvme drive attach "$a"
	run pnvme drive import "$a" --from "$old"
	cmp -n 4096 "$pnvme_text" /dev/pnvme0n1
	# the old host's other drive is none of this one's
	[ "$(roster "$a")" = "$uuid" ] || fail "the roster has drives of the old host"
	judge 0
	is intact "$(serial_of "$a")" agree
	is foreign "$(serial_of "$b")" "another owner"
	run pnvme drive import "$b" --from "$old"
	[ "$(roster "$a" | wc -l)" = 2 ] || fail "the roster does not have both drives"
	judge 0
	# an image from before: ours is stale, and the other host's is refused
	run pnvme drive detach pnvme0
	"$pnvme_dir/label_edit.py" "$a" set all sequence=1
	fails_with 1 "is this host's already" pnvme drive import "$a" --from "$other_host"
	"$pnvme_dir/label_edit.py" "$a" set all owner="$old"
	fails_with 1 "is older .generation 1 of attach" pnvme drive import "$a" --from "$old"
	run pnvme drive forget "$uuid"
	run pnvme drive import "$a" --from "$old"
}

test_reimaged()
{
	: "an OS disk made anew: no record, no hostid file, the same machine: all attached, record rebuilt"
	begin
	[ -e /sys/class/dmi/id/product_uuid ] || skip "this machine has no DMI product UUID"
	run pnvme drive adopt "$a"
	run pnvme drive adopt "$b"
	run pnvme ns create pnvme1 data 16M
	run pnvme drive detach --all
	rm -rf /var/lib/pnvme /etc/pnvme
	judge 3
	is unrecorded "$(serial_of "$a")" "names this host; the record is lost or old, and a roster names the drive"
	is unrecorded "$(serial_of "$b")" "names this host"
	run pnvme drive attach --auto
	serves "$a"
	serves "$b"
	judge 0
	is intact "$(serial_of "$b")" agree
	[ "$(json '.drives | length' < "$record")" = 2 ]
	[ "$(json '.drives[] | select(.serial != null) | .namespaces[].name' < "$record")" = data ]
}

test_lost_record()
{
	: "a record that is lost is rebuilt from the newest roster: what is not here is missing"
	local uuid serial
	begin
	serial=$(serial_of "$c")
	run pnvme drive adopt "$a"
	run pnvme drive adopt "$b"
	run pnvme drive adopt "$c"
	uuid=$(uuid_of pnvme2)
	run pnvme drive detach --all
	gone "$c"
	rm "$record"
	policy 'settle: 1h'
	judge 3
	is unknown "$uuid" "not seen yet"
	policy 'settle: 0'
	judge 3
	is missing "$uuid" "slot [0-9a-f]+:[0-9a-f:.]+, serial unknown"
	is unrecorded "$(serial_of "$a")" "a roster names the drive"
	# nothing is written by looking
	[ ! -e "$record" ]
	run pnvme drive attach --auto
	serves "$b"
	judge 3
	is intact "$(serial_of "$a")" agree
	is missing "$uuid" "serial unknown"
	[ "$(json '.drives[] | select(.from_roster) | .uuid' < "$record")" = "$uuid" ]
	run pnvme drive forget "$uuid"
	judge 0
	[ "$(roster "$a" | wc -l)" = 2 ] || fail "the roster still has what was forgotten"
	# it returns, and nobody has lost a record: that was meant
	back "$serial"
	c=$(drive_by_serial "$serial")
	fails_with 3 "is not attached by itself: unrecorded" pnvme drive attach --auto "$c"
	policy 'settle: 0' 'attach: [intact, unrecorded]'
	run pnvme drive attach --auto "$c"
	judge 0
	[ "$(roster "$a" | wc -l)" = 3 ]
}

test_lost_while_attached()
{
	: "a record that is lost while drives are attached is rebuilt by the next change"
	local uuid
	begin
	run pnvme drive adopt "$a"
	run pnvme drive adopt "$b"
	run pnvme drive adopt "$c"
	uuid=$(uuid_of pnvme2)
	run pnvme drive detach pnvme2
	gone "$c"
	rm "$record"
	judge 3
	is missing "$uuid" "serial unknown"
	is unrecorded "$(serial_of "$a")" "a roster names the drive"
	run pnvme ns create pnvme0 one 16M
	judge 3
	is intact "$(serial_of "$a")" agree
	is intact "$(serial_of "$b")" agree
	is missing "$uuid" "serial unknown"
	[ "$(roster "$a" | grep -c "$uuid")" = 1 ] || fail "the drive that is away was forgotten"
}

test_accept_lost_record()
{
	: "accept in a record that is lost: it is rebuilt from rosters first, and so when one is forgotten"
	local uuid
	begin
	run pnvme drive adopt "$a"
	run pnvme drive adopt "$b"
	run pnvme drive adopt "$c"
	uuid=$(uuid_of pnvme2)
	run pnvme drive detach pnvme1 pnvme2
	gone "$c"
	rm "$record"
	run pnvme drive accept "$b" --expect=unrecorded
	judge 3
	is missing "$uuid" "serial unknown"
	is intact "$(serial_of "$a")" agree
	is intact "$(serial_of "$b")" agree
	[ "$(json '[.drives[] | select(has("instance"))] | length' < "$record")" = 1 ] ||
		fail "one that is detached has an instance"
	rm "$record"
	run pnvme drive accept pnvme0 --expect=unrecorded
	run pnvme ns create pnvme0 one 1M
	judge 3
	is missing "$uuid" "serial unknown"
	[ "$(roster "$a" | grep -c "$uuid")" = 1 ] || fail "the drive that is away was forgotten"
	fails_with 1 "namespaces are not known" pnvme drive replace "$uuid" "$b"
	# what only a roster knows can be forgotten
	rm "$record"
	run pnvme drive forget "$uuid"
	judge 3
	is unrecorded "$(serial_of "$b")" "a roster names the drive"
	is intact "$(serial_of "$a")" agree
	[[ $table != *"$uuid"* ]] || fail "it is not forgotten"
	[ "$(roster "$a" | wc -l)" = 2 ] || fail "the roster is $(roster "$a")"
}

test_old_record()
{
	: "a record restored from an old backup: labels are ahead, drives adopted since are let in"
	begin
	run pnvme drive adopt "$a"
	cp "$record" "$PNVME_WORK/backup"
	run pnvme ns create pnvme0 one 16M
	run pnvme drive adopt "$b"
	run pnvme drive detach --all
	cp "$PNVME_WORK/backup" "$record"
	judge 3
	is intact "$(serial_of "$a")" agree
	is unrecorded "$(serial_of "$b")" "the record is lost or old, and a roster names the drive"
	run pnvme drive attach --auto
	serves "$a"
	serves "$b"
	judge 0
	[ "$(json '.drives[] | select(.serial == "'"$(serial_of "$a")"'") | .namespaces[0].name' < "$record")" = one ]
}

test_damaged_record()
{
	: "a record that is damaged is put aside, and rebuilt as one that is lost"
	begin
	run pnvme drive adopt "$a"
	run pnvme drive detach pnvme0
	echo '{ "version": 1, "drives": [ { ' > "$record"
	judge 3
	is unrecorded "$(serial_of "$a")" "a roster names the drive"
	a_line_matches "is damaged" "$PNVME_WORK/stderr" || fail "nothing is said of the record"
	run pnvme drive attach --auto "$a"
	judge 0
	[ -e "$record.damaged" ]
}

test_steady()
{
	: "rosters are written when the list of drives changes, and never else"
	local n
	begin
	run pnvme drive adopt "$a"
	n=$(sequence "$a")
	run pnvme drive adopt "$b"
	[ "$(sequence "$a")" = $((n + 1)) ] || fail "adopting another wrote more than once"
	[ "$(roster "$a")" = "$(roster "$b")" ] && [ "$(roster "$a" | wc -l)" = 2 ]
	run pnvme drive attach --auto
	run pnvme drive attach --all
	run pnvme ns create pnvme1 one 16M
	[ "$(sequence "$a")" = $((n + 1)) ] || fail "it was written though nothing was new"
	# a boot costs the epoch
	run pnvme drive detach --all
	run pnvme drive attach --auto
	[ "$(sequence "$a")" = $((n + 2)) ] || fail "an attach wrote more than the epoch"
	judge 0
	# one that is detached is told when it is attached
	run pnvme drive detach pnvme0
	run pnvme drive adopt "$c"
	[ "$(sequence "$a")" = $((n + 2)) ]
	run pnvme drive attach "$a"
	[ "$(roster "$a" | wc -l)" = 3 ]
	[ "$(sequence "$a")" = $((n + 4)) ]
	# and what leaves the list leaves the labels
	run pnvme drive detach pnvme1 --release
	[ "$(roster "$a" | wc -l)" = 2 ] && [ "$(roster "$c" | wc -l)" = 2 ]
	[ -z "$(roster "$b")" ] || fail "a drive without an owner has a roster"
}

# bad LINE REGEX TEXT...: a policy that is refused for that line
bad()
{
	local line=$1 regex=$2
	shift 2
	policy "$@"
	fails 3 "is not attached by itself: unrecorded.*policy.yaml, line $line: .*$regex" \
		pnvme drive attach --auto "$a"
}

test_policy()
{
	: "a policy that cannot be used is named by file and line, and lets in what is intact alone"
	begin
	run pnvme drive adopt "$a"
	run pnvme drive detach pnvme0
	mv "$record" "$PNVME_WORK/record"
	policy 'attach: intact' 'settle: 0'
	fails_with 3 "is not attached by itself: unrecorded" pnvme drive attach --auto "$a"
	policy 'attach: []'
	fails_with 3 "is not attached by itself: unrecorded" pnvme drive attach --auto "$a"
	bad 2 "no such key.*: atach" '# ours' 'atach: [intact]'
	bad 1 "not: foreign" 'attach: [lost-record, foreign]'
	bad 2 "not: cloned" 'attach:' '  - cloned'
	bad 2 "not: soon" 'attach: unrecorded' 'settle: soon'
	bad 1 "not: 2h" 'settle: 2h'
	bad 2 "twice: settle" 'settle: 1' 'settle: 2'
	bad 1 "KEY: VALUE" 'unrecorded'
	bad 3 "second document" 'attach: unrecorded' '---' 'settle: 0'
	bad 2 "no YAML" 'attach: unrecorded' 'settle: ]'
	# what is intact gets in, with the remark
	mv "$PNVME_WORK/record" "$record"
	pnvme drive attach --auto "$a" 2> "$PNVME_WORK/stderr"
	a_line_matches "policy.yaml, line 2: this is no YAML" "$PNVME_WORK/stderr"
	serves "$a"
	run pnvme drive detach pnvme0
	policy 'attach: []'
	fails_with 3 "is not attached by itself: intact" pnvme drive attach --auto "$a"
	# by hand it is another matter
	run pnvme drive attach "$a"
}

reported() { pnvme verdict --report > /dev/null; [ $? = 3 ] && [ -s "$PNVME_WORK/events" ]; }

test_events()
{
	: "the gate and verdict --report tell verdicts as events, and to the kernel's log"
	local uuid pid
	begin
	run pnvme drive adopt "$a"
	run pnvme drive adopt "$b"
	uuid=$(uuid_of pnvme0)
	run pnvme drive detach --all
	wipe "$a"
	pnvme events > "$PNVME_WORK/events" &
	pid=$!
	wait_for reported
	run pnvme drive attach --auto "$b"
	wait_for grep -q "drive-verdict ${b#/dev/} intact: label, hardware and record agree" "$PNVME_WORK/events"
	kill "$pid"
	cat "$PNVME_WORK/events" >&2
	grep -q "drive-verdict ${a#/dev/} wiped: its hardware is here" "$PNVME_WORK/events"
	dmesg > "$PNVME_WORK/dmesg"
	grep -q "drive $uuid (${a#/dev/}): verdict wiped: its hardware is here" "$PNVME_WORK/dmesg"
	fails 5 "root" nobody verdict --report
}

# The record on a filesystem that fstab lists; its mount point is $mnt
other_fstab()
{
	mnt=$(mktemp -d)
	defer rmdir "$mnt"
	export PNVME_STATE_DIR=$mnt/pnvme
	echo "$1 $mnt ${2:-tmpfs} ${3:-defaults} 0 0" > "$PNVME_WORK/fstab"
	[ -e /etc/fstab ] || : > /etc/fstab
	mount --bind "$PNVME_WORK/fstab" /etc/fstab
	defer umount /etc/fstab
}

test_record_fs()
{
	: "the gate waits for the filesystem of the record, unless that needs the gate"
	local mnt gate
	begin
	run pnvme drive adopt "$a"
	run pnvme drive detach pnvme0
	# with the record in it when it appears, as the gate makes one where there is none
	mkdir "$PNVME_WORK/fs"
	mount -t tmpfs tmpfs "$PNVME_WORK/fs"
	defer umount "$PNVME_WORK/fs"
	cp -r /var/lib/pnvme "$PNVME_WORK/fs/"
	policy 'settle: 1h'
	other_fstab tmpfs
	pnvme drive attach --auto "$a" > "$PNVME_WORK/gate" 2>&1 &
	gate=$!
	sleep 1
	kill -0 "$gate" || fail "the gate did not wait"
	[ -z "$(ls /sys/class/pnvme)" ]
	mount --bind "$PNVME_WORK/fs" "$mnt"
	defer umount "$mnt"
	wait "$gate"
	serves "$a"
	[ ! -s "$PNVME_WORK/gate" ] || fail "$(cat "$PNVME_WORK/gate")"
	[ "$(json '.drives[0].epoch' < "$mnt/pnvme/record.json")" = 2 ]
}

test_record_fs_no_drive()
{
	: "the record's filesystem is away and no drive is here: the gate waits, and nothing is ready"
	local mnt gate
	begin
	policy 'settle: 1h'
	other_fstab tmpfs
	fails 3 "which namespaces this host has is not known" pnvme wait --all --timeout 1
	fails 3 "no namespace data here, and the record cannot be read" pnvme wait data --timeout 1
	pnvme drive attach --auto &
	gate=$!
	sleep 1
	kill -0 "$gate" || fail "the gate did not wait"
	mount -t tmpfs tmpfs "$mnt"
	defer umount "$mnt"
	wait "$gate"
	run pnvme wait --all --timeout 1
}

test_record_fs_ours()
{
	: "a record on a namespace, or mounted by hand, is not waited for, nor written below its mount point"
	local mnt source
	begin
	run pnvme drive adopt "$a"
	policy 'settle: 1h'
	for source in '/dev/pnvme/data ext4' '/dev/disk/by-id/pnvme-0 ext4' 'tmpfs tmpfs noauto'; do
		run pnvme drive detach pnvme0
		# shellcheck disable=SC2086	# words
		other_fstab $source
		pnvme drive attach --auto "$a" 2> "$PNVME_WORK/stderr"
		show_text "$PNVME_WORK/stderr" >&2
		a_line_matches "the record was not written: $mnt is not mounted" "$PNVME_WORK/stderr"
		serves "$a"
		[ -z "$(ls -A "$mnt")" ] || fail "something was written below the mount point"
		umount /etc/fstab
		: > "$PNVME_WORK/empty"
		mount --bind "$PNVME_WORK/empty" /etc/fstab
	done
	# and one that was to come is given up when the settle time is over
	policy 'settle: 0'
	run pnvme drive detach pnvme0
	other_fstab UUID=0f0e0d0c-1111-4222-8333-444455556666 ext4
	run pnvme drive attach --auto "$a"
	serves "$a"
}

pnvme_main "$@"
