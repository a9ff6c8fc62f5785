# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For scripts that run in a test machine and that a person reads: sourced there.
# Every command is shown as it is typed, with what it prints, and every claim is
# checked: the first thing that is not as promised ends the script with 1.

# As "make install" leaves a host: command and module where they are looked for.
# What is asked for is the module of this tree, whatever else may be installed.
install_pnvme()
{
	ln -sfn "$PNVME_TOP/build/pnvme" /usr/local/sbin/pnvme &&
		mkdir -p /etc/modprobe.d &&
		printf '%s\n' "alias net-pf-16-proto-16-family-pnvme pnvme" \
			"install pnvme insmod $PNVME_KO" > /etc/modprobe.d/pnvme.conf
}

# ... and as it is booted: udevd finds the drives that are here, and loads the
# module if one of them is adopted.
boot_with_pnvme()
{
	install_pnvme || broken "pnvme cannot be installed"
	"$PNVME_TOP/selftests/vm/udevd" > /tmp/udevd.log 2>&1 || broken "udevd does not start: $(cat /tmp/udevd.log)"
}

step()
{
	printf '\n== %s\n' "$*"
}

say()
{
	printf '   %s\n' "$*"
}

broken()
{
	printf '\n!! NOT AS PROMISED: %s\n' "$*"
	exit 1
}

# Show a command line, run it, return its status
run()
{
	printf '$ %s\n' "$1"
	bash -o pipefail -c "$1" 2>&1
}

# ... and it must succeed
must()
{
	local status
	run "$1"
	status=$?
	[ "$status" = 0 ] || broken "\"$1\" ended with $status"
}

# expect STATUS COMMAND: ... and it must end with that status, which is shown
expect()
{
	local want=$1 status
	run "$2"
	status=$?
	printf '   (exit code %s)\n' "$status"
	[ "$status" = "$want" ] || broken "\"$2\" ended with $status instead of $want"
}

# claim SENTENCE COMMAND...: say it if it is true
claim()
{
	local what=$1
	shift
	"$@" || broken "$what"
	printf '=> %s\n' "$what"
}

# The block device of a drive, by serial number
device_of()
{
	local ctrl node
	for ctrl in /sys/class/nvme/nvme*; do
		[ "$(tr -d ' ' < "$ctrl/serial")" = "$1" ] || continue
		node=$(find "$ctrl/" -maxdepth 1 -name 'nvme*n*' -printf '%f\n' | sed -E '1!d; s/c[0-9]+n/n/')
		[ -b "/dev/$node" ] && echo "/dev/$node" && return
	done
	return 1
}
