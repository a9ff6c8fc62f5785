#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The README's commands, as they stand: the main job in a machine with blank
# drives, and what "make install" puts where.

set -u
# shellcheck source=selftests/vm/boots.sh
. "$(dirname "$0")/../boots.sh"
top=$(cd "$vm_dir/../.." && pwd)

# The block below the comment that names this script
commands()
{
	awk '/^<!-- .*tests\/readme\.sh -->$/ { next_block = 1; next }
	     next_block && /^```sh$/ { inside = 1; next }
	     inside && /^```$/ { exit }
	     inside' "$top/README.md"
}

# shellcheck disable=SC2317	# called by is()
main_job()
{
	boots_run readme "selftests/vm/jobs/readme $BOOTS/commands" --quiet --share "$BOOTS" && return
	show_boot readme
	return 1
}

# shellcheck disable=SC2317	# called by is()
installs()
{
	local file release
	release=$("$top/scripts/kernels" release "${PNVME_KERNEL:-6.12}")
	if ! make -C "$top" install KVER="$release" WERROR=1 DESTDIR="$BOOTS/installed" > "$BOOTS/install.log" 2>&1; then
		tail -n 20 "$BOOTS/install.log" | sed 's/^/# /'
		return 1
	fi
	for file in "lib/modules/$release/updates/pnvme.ko" usr/local/sbin/pnvme usr/local/lib/libpnvme.so \
		etc/udev/rules.d/60-pnvme.rules etc/systemd/system/pnvme.service \
		etc/systemd/system/pnvme-attach@.service etc/tmpfiles.d/pnvme.conf; do
		[ -s "$BOOTS/installed/$file" ] || { echo "# $file is missing"; return 1; }
	done
}

boots_begin
plan 4
commands > "$BOOTS/commands"
is "README has the commands of the main job" [ "$(wc -l < "$BOOTS/commands")" -ge 6 ]
boots_option --drive a.img:size=640M --drive b.img:size=640M --drive c.img:size=640M
is "the README's main job works as it stands" main_job
is "kernel log" boots_log_clean "$BOOTS/readme/dmesg"
is "make install puts everything in its place" installs
finish
