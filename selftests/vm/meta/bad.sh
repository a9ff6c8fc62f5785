#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Not a test of ours: what tests/meta.sh shows to be detected. Every name says
# what the harness must make of it.

# shellcheck source=selftests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../lib.sh"
TIMEOUT=5

test_ok()
{
	: "passes"
	[ "$(drives | wc -l)" = 4 ]
	fails_with 3 'no such' sh -c 'echo "no such thing" >&2; exit 3'
	wait_for test -d /proc
	[ "$(echo '{"a":[{"b":7}]}' | json '.a[0].b')" = 7 ]
}

test_fail_middle()
{
	: "a command in the middle fails"
	false
	true
}

in_function()
{
	false
	echo "went on"
}

test_fail_function()
{
	: "a command in a function fails"
	in_function
	true
}

test_fail_substitution()
{
	: "a command in a substitution fails"
	local out
	out=$(false; echo "went on")
	echo "$out"
}

test_fail_pipe()
{
	: "the first command of a pipe fails"
	false | cat
	true
}

test_fail_unset()
{
	: "a variable is not set"
	# shellcheck disable=SC2154	# that is the point
	echo "$nobody_sets_this"
}

test_fail_json()
{
	: "a value is not in the JSON"
	echo '{}' | json .uuid
	true
}

test_fail_expected_failure()
{
	: "a command that must fail does not"
	fails 1 . true
}

test_fail_sentence()
{
	: "a refusal says something else"
	fails 1 'expected this' sh -c 'echo other >&2; exit 1'
}

test_fail_changed()
{
	: "a refused command writes to a drive"
	fails_with 1 refused sh -c "dd if=/dev/urandom of=$(drive 1) bs=4k count=1 oflag=direct status=none; echo refused >&2; exit 1"
}

test_ok_wiped()
{
	: "what the test before wrote is gone"
	checksum "$(drive 1)" "$(drive 2)" > /tmp/sums
	[ "$(sed -n 1p /tmp/sums)" = "$(sed -n 2p /tmp/sums)" ]
}

test_ok_checksum()
{
	: "one byte changes the checksum, and it comes back with the content"
	local before dev
	dev=$(drive 1)
	before=$(checksum "$dev")
	printf x | dd of="$dev" bs=1 seek=500000001 conv=notrunc status=none
	[ "$(checksum "$dev")" != "$before" ]
	printf '\0' | dd of="$dev" bs=1 seek=500000001 conv=notrunc status=none
	[ "$(checksum "$dev")" = "$before" ]
}

test_fail_warning()
{
	: "the kernel warns"
	echo "WARNING: CPU: 0 PID: 1 at fake.c:1 fake+0x1/0x2" > /dev/kmsg
}

test_ok_expected_warning()
{
	: "a warning that the test asked for"
	expect_log 'fake_expected\+'
	echo "WARNING: CPU: 0 PID: 1 at fake.c:1 fake_expected+0x1/0x2" > /dev/kmsg
}

test_fail_lockdep()
{
	: "lockdep complains"
	echo "WARNING: possible circular locking dependency detected" > /dev/kmsg
}

test_fail_hang()
{
	: "a test hangs"
	sleep 1000
}

test_fail_hang_uncatchable()
{
	: "a test hangs and ignores signals"
	trap '' TERM
	while :; do sleep 1 || true; done
}

test_fail_wait()
{
	: "a condition never comes true"
	wait_for 1 false
}

test_skip_reason()
{
	: "a test is skipped"
	skip "for this reason"
}

test_skip_nested()
{
	: "a test is skipped inside a substitution"
	local dev
	dev=$(drive 99)
	echo "$dev"
}

test_fail_skip_and_warning()
{
	: "a skipped test upsets the kernel"
	echo "BUG: fake" > /dev/kmsg
	skip "nobody should read this"
}

test_fail_cleanup()
{
	: "a test leaves behind what cannot be removed"
	defer false
}

test_ok_after_cleanup()
{
	: "and the next one is judged by itself"
}

pnvme_main "$@"
