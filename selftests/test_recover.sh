#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# After a loss: the archive of labels, and what brings back what it has.
# shellcheck disable=SC2317,SC2119	# functions are called by their names

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

archive=/var/lib/pnvme/archive
other=6d1c2a34-0000-4000-8000-00000000beef	# a host

# [N]: the Nth spare drive, adopted: $dev, $uuid
adopted()
{
	load_module
	dev=$(drive "${1:-1}")
	uuid=$(pnvme -j drive adopt "$dev" | json '.drives[0].uuid')
}

# NAME SIZE: created, and filled with its name
filled()
{
	pnvme ns create "$uuid" "$1" "$2" > "$PNVME_WORK/out"
	fill "$1"
}

# One letter all over, the first of the name
fill() { head -c 1M /dev/zero | tr '\0' "${1:0:1}" | dd of="$(node "$1")" bs=1M iflag=fullblock oflag=direct status=none; }
holds() { head -c 1M /dev/zero | tr '\0' "${1:0:1}" | cmp - <(dd if="$(node "${2:-$1}")" bs=1M count=1 iflag=direct status=none); }
node()
{
	local dev
	dev=$(pnvme -j ns show "$1" | json '.namespaces[0].device') || return
	echo "/dev/${dev#/dev/}"
}
# UUID, NGUID, nsid, start and size, a line each
field()
{
	local ns='.namespaces[0]'
	pnvme -j ns show "$1" | json "$ns".{uuid,nguid,nsid,start,size}
}

# In $PNVME_WORK/stdout is what the operator is told
needs_operator()
{
	local status=0
	pnvme status > "$PNVME_WORK/stdout" || status=$?
	show_text "$PNVME_WORK/stdout"
	[ "$status" = 3 ] || fail "pnvme status exits with $status, not 3"
}

# FROM TO: the first and last MiB, where labels and fence are, of a drive or its image
copy_ends()
{
	local flags=() last=$(($(blockdev --getsize64 "$dev") / 1048576 - 1))
	if [ -b "$1" ]; then flags=(iflag=direct); else flags=(oflag=direct conv=notrunc); fi
	dd if="$1" of="$2" bs=1M count=1 "${flags[@]}" status=none
	dd if="$1" of="$2" bs=1M count=1 skip="$last" seek="$last" "${flags[@]}" status=none
}

state() { pnvme -j ns show "$1" | json '.namespaces[0].state'; }

# No copy of the label and no partition table is left: what an installer does
destroy_label()
{
	dd if=/dev/zero of="$1" bs=1M count=1 conv=notrunc oflag=direct status=none
	dd if=/dev/zero of="$1" bs=1M count=1 conv=notrunc oflag=direct status=none \
		seek=$(($(blockdev --getsize64 "$1") / 1048576 - 1))
	blockdev --flushbufs "$1"
}

test_archive()
{
	: "each label that is replaced is in the archive, and the newest; no more than 64; no error without it"
	local sequence i files kept
	adopted
	pnvme ns create "$uuid" one 1M
	sequence=$(pnvme -j drive show "$uuid" | json '.drives[0].sequence')
	[ -s "$archive/$uuid/$(printf %020d "$sequence").label" ] || fail "the label in force is not in the archive"
	run pnvme ns rename one two
	[ -s "$archive/$uuid/$(printf %020d "$sequence").label" ] || fail "the label before is gone"
	cmp "$archive/$uuid/$(printf %020d $((sequence + 1))).label" \
		<(dd if="$dev" bs=64K skip=1 count=1 iflag=direct status=none | head -c 32768)
	# an attach changes nothing that is worth keeping
	files=$(find "$archive/$uuid" -name '*.label' | wc -l)
	pnvme drive detach "$uuid"
	pnvme drive attach "$dev"
	[ "$(find "$archive/$uuid" -name '*.label' | wc -l)" = "$files" ]
	# sequences below the drive's
	pnvme drive detach "$uuid"
	# shellcheck disable=SC2154	# lib.sh sets it
	"$pnvme_dir/label_edit.py" "$dev" set all sequence=1000
	pnvme drive attach "$dev"
	for ((i = 100; i < 200; i++)); do : > "$archive/$uuid/00000000000000000$i.label"; done
	run pnvme ns rename two three
	kept=$(find "$archive/$uuid" -name '*.label' | wc -l)
	[ "$kept" = 64 ] || fail "$kept labels are kept"
	rm -rf "$archive"
	echo "no directory" > "$archive"
	pnvme ns rename three four 2> "$PNVME_WORK/err"
	a_line_matches "label of .* could not be kept" "$PNVME_WORK/err" || fail "nothing said that there is no archive"
	pnvme ns show four
	rm "$archive"
}

test_undelete()
{
	: "a deleted namespace comes back as it was, with its data"
	local before was
	adopted
	filled db 4M
	filled other 2M
	pnvme ns set db read-only=on
	before=$(field db)
	mapfile -t was <<< "$before"
	fails_with 1 "knows no deleted namespace" pnvme ns undelete db
	run pnvme ns delete db
	fails_with 1 "knows no deleted namespace x" pnvme ns undelete x
	run pnvme -n ns undelete db
	fails 1 "no namespace" pnvme ns show db
	run pnvme ns undelete db
	[ "$(field db)" = "$before" ] || fail "it is $(field db), was $before"
	[ "$(pnvme -j ns show db | json '.namespaces[0].read_only')" = true ]
	holds db
	# over another attach; its name is taken meanwhile, and its nsid
	pnvme ns delete db
	pnvme drive detach "$uuid"
	pnvme drive attach "$dev"
	pnvme ns create "$uuid" db 8M
	[ "$(pnvme -j ns show db | json '.namespaces[0].start')" != "${was[3]}" ] ||
		fail "the new one lies where the old one was: this test shows nothing"
	fails_with 1 "already is a namespace db" pnvme ns undelete "${was[0]}"
	run pnvme ns undelete "${was[0]}" --as=db.old
	holds db db.old
	holds other
}

test_undelete_refused()
{
	: "what was zeroed or given away since does not come back, nor does another's data appear"
	local first
	adopted
	filled a 4M
	pnvme ns delete a
	# its space was another's, which is gone again, with its own data in it
	pnvme ns create "$uuid" b 100% --keep-data
	fill b
	pnvme ns delete b
	fails_with 1 "zeroed or given to another namespace since" pnvme ns undelete a
	run pnvme ns undelete b
	holds b
	pnvme ns delete b
	# zeroed in part: creation is cancelled, or done, and both count
	pnvme ns create "$uuid" c 1M
	pnvme ns delete c
	fails_with 1 "zeroed or given to another namespace since" pnvme ns undelete b
	# grown over
	pnvme ns create "$uuid" d 1M
	filled e 2M
	first=$(pnvme -j ns show | json '[.namespaces[] | .start] | sort | .[0]')
	[ "$first" = "$(pnvme -j ns show d | json '.namespaces[0].start')" ] || fail "e lies before d"
	pnvme ns delete e
	pnvme ns resize d +1M
	fails_with 1 "zeroed or given to another namespace since" pnvme ns undelete e
	fails_with 1 "is given to another|zeroed or given" pnvme drive restore "$uuid"
}

test_restore_namespaces()
{
	: "drive restore brings back all that a label had, says what cannot come, and exits with 7 then"
	local sequence
	adopted
	filled a 2M
	filled b 2M
	filled c 2M
	sequence=$(pnvme -j drive show "$uuid" | json '.drives[0].sequence')
	fails_with 1 "has a namespace that is gone" pnvme drive restore "$uuid"
	pnvme ns delete a
	pnvme ns delete c
	# the newest with one that is gone has c, not a
	run pnvme drive restore "$uuid"
	holds c
	fails 1 "no namespace a" pnvme ns show a
	run pnvme drive restore "$uuid" --sequence="$sequence"
	holds a
	pnvme ns delete a
	pnvme ns delete c
	pnvme ns create "$uuid" x 1M
	fails 7 "zeroed or given to another" pnvme drive restore "$uuid" --sequence="$sequence"
	fails_with 1 "no usable label 999999" pnvme drive restore "$uuid" --sequence=999999
	[ "$(pnvme -j ns show | json '[.namespaces[].name] | sort | join(" ")')" != "b x" ]
}

test_restore_label()
{
	: "a drive whose label is destroyed gets it back from the archive, with all data"
	local before blank dry word
	adopted
	filled data 8M
	before=$(field data)
	blank=$(drive 2)
	fails_with 6 "is attached" pnvme drive restore "$uuid" "$dev"
	pnvme drive detach "$uuid"
	fails_with 1 "carries a pnvme label" pnvme drive restore "$uuid" "$dev"
	destroy_label "$dev"
	needs_operator
	a_line_matches "next: pnvme drive restore $uuid $dev" "$PNVME_WORK/stdout" || fail "status names another command"
	fails_with 1 "serial.* differs" pnvme drive restore "$uuid" "$blank"
	fails_with 1 "no such label of drive 12345678" pnvme drive restore 12345678-0000-4000-8000-000000000000 "$dev"
	dry=$(checksum "$dev")
	run pnvme -n drive restore "$uuid" "$dev"
	[ "$(checksum "$dev")" = "$dry" ] || fail "a dry run wrote"
	run pnvme drive restore "$uuid" "$dev"
	[ "$(field data)" = "$before" ]
	holds data
	run pnvme status
	# all free space is dirty now: nobody reads what somebody left there
	pnvme drive detach "$uuid"
	blkid -p -o value -s PTTYPE "$dev" | grep -x gpt
	destroy_label "$dev"
	mkfs.ext4 -qF "$dev" 2> /dev/null
	fails_with 1 "holds a signature of ext4" pnvme drive restore "$uuid" "$dev"
	# adopt does not offer to destroy what can be restored, nor does it, until the drive is forgotten
	for word in '' --overwrite=ext4; do
		fails_with 1 "$dev is drive $uuid of this host, without its label.*try: pnvme drive restore $uuid $dev; or" \
			pnvme drive adopt "$dev" ${word:+"$word"}
	done
	cp /var/lib/pnvme/record.json "$PNVME_WORK/record"
	run pnvme -n drive replace "$uuid" "$dev" --overwrite=ext4
	run pnvme drive forget "$uuid"
	run pnvme -n drive adopt "$dev" --overwrite=ext4
	cp "$PNVME_WORK/record" /var/lib/pnvme/record.json
	run pnvme drive restore "$uuid" "$dev" --overwrite=ext4
	[ "$(field data)" = "$before" ]
}

test_restore_label_sealed()
{
	: "a restored label has no seal in force: the namespace is written, and no seal breaks"
	adopted
	filled data 2M
	run pnvme ns seal data
	pnvme drive detach "$uuid"
	destroy_label "$dev"
	run pnvme drive restore "$uuid" "$dev"
	no_seal_in_force data
}

# NAME: neither the label nor the block device knows of a seal
no_seal_in_force()
{
	local broken
	[ "$(pnvme -j ns show "$1" | json '.namespaces[0] | .sealed_at // 0')" = 0 ] || fail "$1 has a seal"
	broken=$(dmesg | awk '/seal is broken/ { n++ } END { print n + 0 }')
	fill "$1"
	holds "$1"
	[ "$(dmesg | awk '/seal is broken/ { n++ } END { print n + 0 }')" = "$broken" ] ||
		fail "a seal that was none is broken"
}

test_restore_label_damaged()
{
	: "damaged copies of another drive, or newer than the label, are in the way of a restore"
	local sequence newer
	adopted
	filled data 2M
	sequence=$(pnvme -j drive show "$uuid" | json '.drives[0].sequence')
	pnvme drive detach "$uuid"
	newer=$((sequence + 7))
	"$pnvme_dir/label_edit.py" "$dev" set all sequence="$newer"
	"$pnvme_dir/label_edit.py" "$dev" flip 0 1 2 3
	fails_with 1 "damaged copy .* is newer .$newer." pnvme drive restore "$uuid" "$dev"
	a_line_matches "--sequence=$sequence" "$PNVME_WORK/stderr"
	run pnvme drive restore "$uuid" "$dev" --sequence="$sequence"
	[ "$(pnvme -j drive show "$uuid" | json '.drives[0].sequence')" -gt "$newer" ]
	holds data
	pnvme drive detach "$uuid"
	"$pnvme_dir/label_edit.py" "$dev" set all drive_uuid=12345678-0000-4000-8000-000000000000
	"$pnvme_dir/label_edit.py" "$dev" flip 0 1 2 3
	fails_with 1 "is of another drive than $uuid" pnvme drive restore "$uuid" "$dev" --sequence="$sequence"
}

test_attach_stale()
{
	: "a stale label is not trusted: no grave, no clean space, no seal; also after accept and a read-only attach"
	local way
	adopted
	filled a 2M
	filled s 2M
	run pnvme ns seal s
	pnvme ns delete a
	pnvme drive detach "$uuid"
	copy_ends "$dev" "$PNVME_WORK/image"
	for way in attach accept; do
		pnvme drive attach "$dev"
		# all of it is another's now, and clean space is dirty
		pnvme ns create "$uuid" b 100% --keep-data
		head -c 64M /dev/zero | tr '\0' b |
			dd of="$(node b)" bs=1M iflag=fullblock oflag=direct status=none
		pnvme ns delete b
		pnvme drive detach "$uuid"
		copy_ends "$PNVME_WORK/image" "$dev"
		[ "$(pnvme -j drive show "$uuid" | json '.drives[0].verdict')" = stale ]
		[ "$way" = attach ] || run pnvme drive accept "$uuid" --expect=stale
		pnvme drive attach --read-only "$dev"
		[ "$(jq '.drives[0].stale' /var/lib/pnvme/record.json)" = true ] || fail "the record forgot it ($way)"
		pnvme drive detach "$uuid"
		if [ "$way" = attach ]; then
			fails_with 3 "not attached by itself: stale" pnvme drive attach --auto "$dev"
			run pnvme drive attach "$dev"
		else
			run pnvme drive attach --auto "$dev"
		fi
		[ "$(jq '.drives[0].stale' /var/lib/pnvme/record.json)" = null ]
		fails_with 1 "zeroed or given to another namespace since" pnvme ns undelete a
		no_seal_in_force s
		run pnvme ns create "$uuid" new 32M
		cmp -n 33554432 /dev/zero "$(node new)"
		pnvme ns delete new
		pnvme drive detach "$uuid"
	done
}

test_accept_read_only()
{
	: "a stale drive that is attached read-only is stale until it is accepted, also while it is attached"
	adopted
	pnvme drive detach "$uuid"
	copy_ends "$dev" "$PNVME_WORK/image"
	pnvme drive attach "$dev"
	pnvme drive detach "$uuid"
	copy_ends "$PNVME_WORK/image" "$dev"
	pnvme drive attach --read-only "$dev"
	[ "$(pnvme -j drive show "$uuid" | json '.drives[0].verdict')" = stale ]
	run pnvme drive accept "$uuid" --expect=stale
	[ "$(pnvme -j drive show "$uuid" | json '.drives[0].verdict')" = intact ]
	[ "$(jq '.drives[0].stale' /var/lib/pnvme/record.json)" = true ] || fail "the record trusts the label"
}

test_restore_label_stale()
{
	: "a label behind the record, or of a drive that was adopted anew, is not restored unasked"
	local old second
	adopted 2
	second=$dev
	adopted 1
	filled data 4M
	pnvme drive detach --all
	old=$(find "$archive/$uuid" -name '*.label' | sort | tail -n 1)
	mv "$old" "$PNVME_WORK/kept"
	destroy_label "$dev"
	fails_with 1 "older .* than what this host last saw" pnvme drive restore "$uuid" "$dev"
	mv /var/lib/pnvme/record.json "$PNVME_WORK/record"
	fails_with 1 "there is no record to tell" pnvme drive restore "$uuid" "$dev"
	# the roster of another drive brings the record back, and knows nothing of the label
	pnvme drive attach "$second"
	[ "$(jq -r '.drives[] | select(.from_roster) | .uuid' /var/lib/pnvme/record.json)" = "$uuid" ]
	fails_with 1 "there is no record to tell" pnvme drive restore "$uuid" "$dev"
	pnvme drive detach --all
	mv "$PNVME_WORK/record" /var/lib/pnvme/record.json
	mv "$PNVME_WORK/kept" "$old"
	printf '\1' | dd of="$old" bs=1 seek=300 conv=notrunc status=none
	fails_with 1 "older .* than what this host last saw" pnvme drive restore "$uuid" "$dev"
	fails_with 1 "cannot be used" pnvme drive restore "$uuid" "$dev" --sequence="$(basename "$old" .label | sed 's/^0*//')"
	printf '\0' | dd of="$old" bs=1 seek=300 conv=notrunc status=none
	wipe "$dev"
	pnvme drive adopt "$dev"
	pnvme drive detach --all
	destroy_label "$dev"
	fails_with 1 "adopted again since" pnvme drive restore "$uuid" "$dev"
}

test_accept()
{
	: "accept takes a stale or unrecorded drive into the record, if it is what was expected"
	adopted
	filled one 2M
	pnvme ns create "$uuid" two 1M
	fails_with 1 "is intact, not stale" pnvme drive accept "$uuid" --expect=stale
	fails_with 1 "nothing to accept" pnvme drive accept "$uuid" --expect=intact
	fails 2 "no verdict" pnvme drive accept "$uuid" --expect=good
	fails 2 "expect" pnvme drive accept "$uuid"
	fails_with 1 "only a drive that is cloned" pnvme drive accept "$uuid" --expect=intact --identity
	pnvme drive detach "$uuid"
	# an image from before is put back
	copy_ends "$dev" "$PNVME_WORK/image"
	pnvme drive attach "$dev"
	pnvme ns delete two
	pnvme drive detach "$uuid"
	copy_ends "$PNVME_WORK/image" "$dev"
	fails_with 1 "is stale, not unrecorded" pnvme drive accept "$dev" --expect=unrecorded
	needs_operator
	a_line_matches "next: pnvme drive accept $uuid --expect stale" "$PNVME_WORK/stdout" || fail "status names another command"
	run pnvme -n drive accept "$uuid" --expect=stale
	needs_operator
	run pnvme drive accept "$uuid" --expect=stale
	[ "$(pnvme -j drive show "$uuid" | json '.drives[0].verdict')" = intact ]
	# what the archive has of later is not on the drive, and must not come onto it
	destroy_label "$dev"
	run pnvme drive restore "$uuid" "$dev"
	holds one
	pnvme ns show two
	pnvme drive detach "$uuid"
	pnvme drive forget "$uuid"
	run pnvme drive accept "$dev" --expect=unrecorded
	[ "$(pnvme -j drive show "$uuid" | json '.drives[0] | .verdict + " " + .state')" = "intact detached" ]
	[ "$(jq '.drives[0].namespaces | length' /var/lib/pnvme/record.json)" = 2 ]
	destroy_label "$dev"
	fails_with 1 "wiped, which cannot be accepted" pnvme drive accept "$uuid" --expect=wiped
	a_line_matches "pnvme drive restore" "$PNVME_WORK/stderr"
}

# The archive's newest label is the one of the drive, and none is above it
archive_follows()
{
	local files sequence
	files=("$archive/$uuid"/*.label)
	sequence=$(pnvme -j drive examine "$dev" | json '.drives[0].sequence')
	[ "${files[-1]##*/}" = "$(printf %020d "$sequence").label" ] ||
		fail "the newest in the archive is ${files[-1]##*/}, the drive has $sequence"
	cmp "${files[-1]}" <(dd if="$dev" bs=64K skip=1 count=1 iflag=direct status=none | head -c 32768)
}

test_other_history()
{
	: "labels that came after an image that was put back are not restored, although numbers are used twice"
	local i start
	adopted
	filled a 4M
	start=$(pnvme -j ns show a | json '.namespaces[0].start')
	copy_ends "$dev" "$PNVME_WORK/image"
	pnvme ns delete a
	filled c 4M
	[ "$(pnvme -j ns show c | json '.namespaces[0].start')" = "$start" ] || fail "c is not where a was"
	pnvme drive detach "$uuid"
	copy_ends "$PNVME_WORK/image" "$dev"
	# by hand, which gives the label the number of one that is in the archive
	run pnvme drive attach "$dev"
	archive_follows
	pnvme drive detach "$uuid"
	destroy_label "$dev"
	run pnvme drive restore "$uuid" "$dev"
	pnvme ns show a
	fails 1 "no namespace c" pnvme ns show c
	for ((i = 0; i < 3; i++)); do pnvme ns rename a "a$i" && pnvme ns rename "a$i" a; done
	pnvme drive detach "$uuid"
	copy_ends "$PNVME_WORK/image" "$dev"
	run pnvme drive accept "$dev" --expect=stale
	archive_follows
	run pnvme drive attach "$dev"
	archive_follows
}

# DEV SERIAL: its label names that serial
other_serial()
{
	"$pnvme_dir/label_edit.py" "$1" set all serial="$2"
}

# No label of the archive went aside
nothing_left()
{
	local left=("$archive/$uuid"/*.left)
	[ ! -e "${left[0]}" ] || fail "the archive of the drive was changed: ${left[*]}"
}

test_archive_refused()
{
	: "a command that is refused leaves the archive as it is: import of a copy of a live drive, a busy stale one"
	local copy serial
	adopted
	pnvme drive detach "$uuid"
	copy_ends "$dev" "$PNVME_WORK/image"
	pnvme drive attach "$dev"
	pnvme ns create "$uuid" one 1M
	copy=$(drive 2)
	copy_ends "$PNVME_WORK/image" "$copy"
	read -r serial < "/sys/block/${copy#/dev/}/device/serial"
	"$pnvme_dir/label_edit.py" "$copy" set all serial="$serial" owner="$other"
	mv /var/lib/pnvme/record.json "$PNVME_WORK/record"
	fails_with 1 "already attached" pnvme drive import "$copy" --from="$other"
	nothing_left
	mv "$PNVME_WORK/record" /var/lib/pnvme/record.json
	wipe "$copy"
	pnvme drive detach "$uuid"
	copy_ends "$PNVME_WORK/image" "$dev"
	coproc python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_EXCL); print(flush=True); sys.stdin.read()' "$dev"
	read -r _ <&"${COPROC[0]}"
	fails_with 6 "in use|busy" pnvme drive attach "$dev"
	nothing_left
	fails_with 6 "in use|busy" pnvme drive erase "$dev" --yes="$uuid"
	nothing_left
}

test_accepted_copy()
{
	: "of a drive and the copy that was accepted in its place, the record tells which it is; without it neither is"
	local a b
	adopted
	a=$dev
	filled data 2M
	pnvme drive detach "$uuid"
	b=$(drive 2)
	copy_ends "$a" "$PNVME_WORK/image"
	# the drive goes on, and then is pulled
	pnvme drive attach "$a"
	pnvme drive detach "$uuid"
	copy_ends "$a" "$PNVME_WORK/later"
	wipe "$a"
	copy_ends "$PNVME_WORK/image" "$b"
	run pnvme drive accept "$b" --expect=cloned --identity
	pnvme drive detach "$uuid"
	copy_ends "$PNVME_WORK/later" "$a"
	[ "$(pnvme -j drive show "$a" | json '.drives[0].verdict')" = cloned ]
	[ "$(pnvme -j drive show "$b" | json '.drives[0].verdict')" = intact ]
	fails_with 3 "by itself: cloned: this host last saw .* on other hardware: the serial number differs" \
		pnvme drive attach --auto "$a"
	fails_with 1 "last seen on other hardware" pnvme drive attach "$a"
	run pnvme drive attach --auto "$b"
	pnvme drive detach "$uuid"
	# no record: one alone would be let in
	mv /var/lib/pnvme/record.json "$PNVME_WORK/record"
	fails_with 3 "by itself: cloned: ${b#/dev/} carries the same label" pnvme drive attach --auto "$a"
	fails_with 3 "by itself: cloned: ${a#/dev/} carries the same label" pnvme drive attach --auto "$b"
	fails_with 3 "carries the same label" pnvme drive attach --auto
	mv "$PNVME_WORK/record" /var/lib/pnvme/record.json
	# and back again
	wipe "$b"
	run pnvme drive accept "$a" --expect=cloned --identity
	pnvme drive detach "$uuid"
	run pnvme drive attach --auto "$a"
}

test_accept_identity()
{
	: "a drive whose hardware ID has changed is accepted with --identity, a copy beside its original is not"
	local epoch
	adopted
	filled data 2M
	epoch=$(pnvme -j drive show "$uuid" | json '.drives[0].epoch')
	pnvme drive detach "$uuid"
	other_serial "$dev" ELSE
	fails_with 1 "other hardware" pnvme drive attach "$dev"
	fails_with 1 "only you can tell" pnvme drive accept "$dev" --expect=cloned
	run pnvme -n drive accept "$dev" --expect=cloned --identity
	blockdev --setro "$dev"
	fails_with 1 "new identity cannot be written" pnvme drive accept "$dev" --expect=cloned --identity
	blockdev --setrw "$dev"
	nothing_left
	fails_with 1 "other hardware" pnvme drive attach "$dev"
	run pnvme drive accept "$dev" --expect=cloned --identity
	holds data
	[ "$(pnvme -j drive show "$uuid" | json '.drives[0].epoch')" -gt "$epoch" ]
	pnvme drive detach "$uuid"
	run pnvme drive attach "$dev"
	pnvme drive detach "$uuid"
	copy_ends "$dev" "$PNVME_WORK/image"
	copy_ends "$PNVME_WORK/image" "$(drive 2)"
	fails_with 1 "another drive here carries the same label" pnvme drive accept "$(drive 2)" --expect=cloned --identity
}

test_ack()
{
	: "a loss that was acknowledged needs no operator, until it is another one"
	local status=0
	adopted
	filled data 2M
	fails_with 1 "intact: there is nothing to acknowledge" pnvme drive ack "$uuid"
	fails_with 1 "not in this host's record" pnvme drive ack "$(drive 2)"
	pnvme drive detach "$uuid"
	copy_ends "$dev" "$PNVME_WORK/image"
	destroy_label "$dev"
	needs_operator
	run pnvme -n drive ack "$uuid"
	needs_operator
	run pnvme drive ack "$uuid"
	run pnvme status > "$PNVME_WORK/stdout"
	a_line_matches "^- .*: wiped, which is known: its hardware is here" "$PNVME_WORK/stdout"
	a_line_matches "^Nothing needs an operator" "$PNVME_WORK/stdout"
	[ "$(pnvme -j status | json '.drives[-1].acknowledged_at')" -gt 1700000000 ]
	run pnvme wait --all --timeout 1
	fails 3 "data is not usable: missing: its hardware is here" pnvme wait data --timeout 1
	pnvme verdict > /dev/null || status=$?
	[ "$status" = 3 ] || fail "pnvme verdict exits with $status, not 3"
	# now it is something else
	copy_ends "$PNVME_WORK/image" "$dev"
	[ "$(pnvme -j drive show "$uuid" | json '.drives[0].verdict')" = intact ]
	jq '.drives[0].sequence += 5' /var/lib/pnvme/record.json > "$PNVME_WORK/record"
	cp "$PNVME_WORK/record" /var/lib/pnvme/record.json
	needs_operator
	a_line_matches "^! .*: stale: " "$PNVME_WORK/stdout"
	run pnvme drive ack "$uuid"
	pnvme status
	# attached again it is as new
	run pnvme drive accept "$uuid" --expect=stale
	run pnvme drive attach "$dev"
	[ "$(jq '.drives[0].acknowledged' /var/lib/pnvme/record.json)" = null ]
	run pnvme drive fail "$uuid"
	fails_with 1 "attached, and what is wrong with that" pnvme drive ack "$uuid"
}

test_replace()
{
	: "a lost drive is replaced by a blank one: same names and sizes, new UUIDs, the old one forgotten"
	local second before got
	adopted
	second=$(drive 2)
	filled data 4M
	pnvme ns create "$uuid" log 2M
	pnvme drive set "$uuid" hold-timeout=forever on-resume=fail hold-proof=strong latency=1/64
	pnvme ns set log policy=read
	before=$(pnvme -j ns show data | json '.namespaces[0].uuid')
	fails_with 6 "is not lost, it is live" pnvme drive replace "$uuid" "$second"
	fails 2 "no UUID" pnvme drive replace pnvme0 "$second"
	fails 2 "which drive" pnvme drive replace "$uuid"
	pnvme drive detach "$uuid"
	wipe "$dev"
	echo x | dd of="$second" bs=1 seek=1000000 conv=notrunc status=none
	fails_with 1 "holds data" pnvme drive replace "$uuid" "$second"
	wipe "$second"
	fails_with 1 "knows no drive 12345678" pnvme drive replace 12345678-0000-4000-8000-000000000000 "$second"
	run pnvme -n drive replace "$uuid" "$second"
	[ "$(state data)" = missing ]
	run pnvme drive replace "$uuid" "$second" > "$PNVME_WORK/said"
	a_line_matches "2 namespaces, new and empty; the data of the old drive is lost" "$PNVME_WORK/said" || fail "not said"
	[ "$(pnvme -j ns show data | json '.namespaces[0].size')" = 4194304 ]
	[ "$(pnvme -j ns show log | json '.namespaces[0].size')" = 2097152 ]
	[ "$(pnvme -j ns show data | json '.namespaces[0].uuid')" != "$before" ]
	[ "$(pnvme -j ns show log | json '.namespaces[0].policy')" = read ]
	got=$(pnvme -j drive show "$second" | json .drives[0].settings.{hold_timeout,on_resume,hold_proof,latency})
	[ "$got" = $'forever\nfail\nstrong\n1/64' ] || fail "settings: $got"
	fails 1 "no drive $uuid" pnvme drive show "$uuid"
	run pnvme status
}

test_replace_all()
{
	: "--all-blank: each lost drive gets the blank one in its slot, dry run shows the pairs, part of it is exit 7"
	local first second out
	adopted 1
	first=$uuid
	pnvme ns create "$first" a 1M
	adopted 2
	second=$uuid
	pnvme ns create "$second" b 1M
	pnvme drive detach --all
	wipe "$(drive 1)" "$(drive 2)"
	mkdir -p /etc/pnvme
	echo 'settle: 1h' > /etc/pnvme/policy.yaml
	fails_with 1 "s of the settle time are left" pnvme drive replace --all-blank
	echo 'settle: 0' > /etc/pnvme/policy.yaml
	fails_with 1 "$first is left out: $(drive 1) is this drive" pnvme drive replace --all-blank
	a_line_matches "pnvme drive restore $second $(drive 2)" "$PNVME_WORK/stderr"
	mv "$archive" "$archive.away"
	out=$(pnvme -n drive replace --all-blank 2>&1)
	[[ $out == *"$(drive 1) would take the place of $first"* && $out == *"$(drive 2) would take the place of $second"* ]] ||
		fail "other pairs: $out"
	# one of the two is not blank
	echo x | dd of="$(drive 1)" bs=1 seek=1000000 conv=notrunc status=none
	fails 7 "holds data" pnvme drive replace --all-blank
	[ "$(state b) $(state a)" = "live missing" ]
	wipe "$(drive 1)"
	run pnvme drive replace --all-blank
	[ "$(state a)" = live ]
	[ "$(pnvme drive replace --all-blank)" = "no drive of this host is lost" ]
	[ "$(pnvme -n drive replace --all-blank)" = "no drive of this host is lost" ]
}

TIMEOUT=90
pnvme_main "$@"
