#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Peer to peer: what is read from a namespace goes straight into the memory of another
# drive behind the same PCI switch. On 7.3 alone: Debian's older kernels are built
# without it, whichever kernel is asked for.

set -u
# shellcheck source=selftests/vm/boots.sh
. "$(dirname "$0")/../boots.sh"
PNVME_KERNEL=7.3

# shellcheck disable=SC2317	# called by is()
guest()
{
	local file option options=()
	for file in memory data; do truncate -s 256M "$BOOTS/$file.img" || return 1; done
	for option in -device pcie-root-port,id=root,chassis=80,slot=80 -device x3130-upstream,id=switch,bus=root \
		-device xio3130-downstream,id=left,bus=switch,chassis=81,slot=81 \
		-device xio3130-downstream,id=right,bus=switch,chassis=82,slot=82 \
		-drive "file=$BOOTS/memory.img,if=none,id=memory,format=raw" \
		-drive "file=$BOOTS/data.img,if=none,id=data,format=raw" \
		-device nvme,serial=MEMORY,drive=memory,bus=left,cmb_size_mb=16 \
		-device nvme,serial=DATA,drive=data,bus=right; do
		options+=("--qemu=$option")
	done
	boots_run p2pdma selftests/vm/jobs/p2pdma --quiet --no-drives "${options[@]}" && return
	show_boot p2pdma
	return 1
}

boots_begin
top=$(cd "$vm_dir/../.." && pwd)
release=$("$top/scripts/kernels" release "$PNVME_KERNEL" 2> /dev/null)
if [ ! -e "$top/build/$release/pnvme.ko" ]; then
	echo "TAP version 13"
	echo "1..0 # SKIP there is no module for kernel $PNVME_KERNEL in build/"
	exit 4
fi
plan 2
is "a namespace is read into another drive's memory, and written from it" guest
is "kernel log" boots_log_clean "$BOOTS/p2pdma/dmesg"
finish
