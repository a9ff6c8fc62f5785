#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Data goes straight between the caller's pages and the drive: the addresses that
# an emulated drive was told are those of the pages, byte for byte. So it is for NVMe
# commands by io_uring, for which no memory is allocated either. Two boots: in the
# second the kernel is told to bounce all I/O, which must be found out.

set -u
# shellcheck source=selftests/vm/boots.sh
. "$(dirname "$0")/../boots.sh"

guest()
{
	local name=$1 what=$2
	shift 2
	# a host that has met neither drive; tracepoints are switched on, so one processor (testing.rst)
	boots_run "$name" "selftests/vm/jobs/zero_copy $what" --quiet --smp 1 --drive "$name.img:size=256M,serial=DIRECT" \
		--state "$BOOTS/$name.state" --trace "$BOOTS/$name/trace" "$@" && return
	show_boot "$name"
	return 1
}

# judged STATUS REGEX TRACE IOS: selftests/vm/mapped ends with this status and such a line
judged()
{
	local wanted=$1 regex=$2 status
	shift 2
	"$vm_dir/mapped" "$@" > "$BOOTS/judged"
	status=$?
	# of those that are to be found out, a few are enough
	if [ "$status" = 1 ] && [ "$wanted" = 1 ]; then
		grep -m 4 NOT "$BOOTS/judged"
		tail -n 1 "$BOOTS/judged"
	else
		cat "$BOOTS/judged"
	fi | sed 's/^/# /'
	[ "$status" = "$wanted" ] || { echo "# exit status $status, expected $wanted"; return 1; }
	[[ $(tail -n 1 "$BOOTS/judged") =~ $regex ]] || { echo "# the last line is not like: $regex"; return 1; }
}

# REGEX: the same trace, but one entry of a long list, of such an I/O, leads elsewhere. It is of
# one page: SGLs have larger ones, where pages lie side by side by chance.
one_page_elsewhere()
{
	local lba all
	lba=$(awk -v like="^write .* $1" '$0 ~ like { print $2 }' "$BOOTS/direct/ios")
	[[ $lba == 0x* ]] || { echo "# there is no I/O like $1"; return 1; }
	awk -v lba="$lba" '/pci_nvme_(io|admin)_cmd / { inside = 0 }
		/pci_nvme_write / && $NF == lba { inside = 1 }
		inside && /pci_nvme_map_addr .* len 4096$/ && ++entry == 50 { sub(/addr 0x/, "addr 0x1") }
		{ print }' "$BOOTS/direct/trace" > "$BOOTS/elsewhere"
	all=$(awk '/^(write|read)/ { all += $3 } END { print all }' "$BOOTS/direct/ios")
	judged 1 ": $((all - 4096)) of $all bytes" "$BOOTS/elsewhere" "$BOOTS/direct/ios"
}

pages_elsewhere()
{
	local what
	for what in pwritev:1M nvme-plain:101 nvme-fixed:101 nvme-vec:101; do
		one_page_elsewhere "$what" || return
	done
}

# selftests/passthru counted; that a copy's buffer would be found out is part of it
no_allocation()
{
	if [ "$(tail -n 1 "$BOOTS/direct/allocs")" = "exit status 0" ]; then
		# without who it was
		grep -v '^ ' "$BOOTS/direct/allocs" | sed 's/^/# /'
		return
	fi
	sed 's/^/# /' "$BOOTS/direct/allocs"
	return 1
}

boots_begin
plan 8
is "I/O of many shapes, with pages whose addresses are known" guest direct count || finish
is "the drive was told the addresses of these pages, of all of them and of no other" \
	judged 0 '\([1-9][0-9]* with PRPs, .* bytes in the caller' "$BOOTS/direct/trace" "$BOOTS/direct/ios"
is "kernel log" boots_log_clean "$BOOTS/direct/dmesg"
is "a single page elsewhere would be found out" pages_elsewhere
is "NVMe commands allocate no more than on the drive's own node" no_allocation
is "the same I/O, but the kernel bounces it" guest bounced "" --append swiotlb=force
is "that is found out: not a byte was in the caller's pages" \
	judged 1 ': 0 of [1-9][0-9]* bytes' "$BOOTS/bounced/trace" "$BOOTS/bounced/ios"
is "kernel log" boots_log_clean "$BOOTS/bounced/dmesg"
finish
