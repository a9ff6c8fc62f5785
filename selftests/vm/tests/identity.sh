#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Drives that are not this host's, or not what they say: a copy beside and
# without its original, and a drive that another host meets. Three boots.

set -u
# shellcheck source=selftests/vm/boots.sh
. "$(dirname "$0")/../boots.sh"

other_host=11d4f7a2-5c0e-4b83-9c1d-0f3a6b7e8d92

# shellcheck disable=SC2317	# called by is()
guest()
{
	local name=$1
	shift
	boots_run "$name" "selftests/vm/jobs/identity $name" --quiet "$@" && return
	show_boot "$name"
	return 1
}

boots_begin
plan 6
boots_option --drive original.img:size=256M,serial=ORIGINAL --drive second.img:size=256M,serial=SECOND
is "adopt two drives, write to their namespaces" guest prepare || finish
cp --sparse=always "$BOOTS/disks/original.img" "$BOOTS/disks/copy.img"
copy=$(boots_sum "$BOOTS/disks/copy.img")

boots_option --drive copy.img:serial=COPY
is "a copy is refused, beside its original and without it" guest copied
is "kernel log" boots_log_clean "$BOOTS/copied/dmesg"
is "not a byte of the copy was changed" [ "$(boots_sum "$BOOTS/disks/copy.img")" = "$copy" ]

boots_forget_options
boots_option --drive second.img:serial=SECOND
mv "$BOOTS/state" "$BOOTS/state.first"
is "another host leaves the drive alone until told to import it, and finds its data" \
	guest foreign --uuid "$other_host"
is "kernel log" boots_log_clean "$BOOTS/foreign/dmesg"
finish
