#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Three boots of one machine: drives adopted and written; then in another order;
# then one of them replaced by a blank. What is promised inside is checked there
# (jobs/main); here the files behind the drives are.

set -u
# shellcheck source=selftests/vm/boots.sh
. "$(dirname "$0")/../boots.sh"

# shellcheck disable=SC2317	# called by is()
job()
{
	boots_run "$1" "selftests/vm/jobs/main $1" --quiet && return
	show_boot "$1"
	return 1
}

boots_begin
plan 8
main_job_drives "one two three"
is "adopt three drives, create namespaces, write with checksums" job first || finish
is "kernel log of the first boot" boots_log_clean "$BOOTS/first/dmesg"
main_job_drives "three one two"
is "drives in another order: same names, same data" job reordered
is "kernel log of the second boot" boots_log_clean "$BOOTS/reordered/dmesg"
main_job_drives "three one blank"
lost=$(boots_sum "$BOOTS/disks/two.img")
is "a drive replaced by a blank: reported missing, others unharmed" job replaced
is "kernel log of the third boot" boots_log_clean "$BOOTS/replaced/dmesg"
is "not a byte was written to the blank drive" boots_is_zero "$BOOTS/disks/blank.img"
is "the drive that was left out is what it was" [ "$(boots_sum "$BOOTS/disks/two.img")" = "$lost" ]
finish
