#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The netlink ABI, checked by a client of its own (nl_abi, with libnl).

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$pnvme_dir/nl_lib.sh"

# Those of nl_abi's own tests whose names contain one of these
abi()
{
	local status=0
	begin
	nl_abi "test" "$(drive 1)" "$(drive 2)" "$@" > "$PNVME_WORK/ktap" || status=$?
	cat "$PNVME_WORK/ktap" >&2
	[ "$status" = 0 ] || fail "nl_abi test: status $status"
	[ "$(grep -c '^ok ' "$PNVME_WORK/ktap")" -ge $# ] || fail "nl_abi test: too few results"
	! grep -q '# SKIP' "$PNVME_WORK/ktap" || skip "$(sed -n '/# SKIP/ { s/.*# SKIP //p; q }' "$PNVME_WORK/ktap")"
}

test_drives()
{
	: "info and drives: each operation, each refusal, attribute by attribute"
	abi numbers info-get "adopt, attach" drive-get drive-set drive-roster drive-verdict
}

test_namespaces()
{
	: "namespaces: each operation, each refusal, attribute by attribute"
	abi ns-create ns-get ns-resize ns-rename ns-set "drive-fail, ns-unfence" ns-seal ns-undelete drive-restore zeroing "what is live"
}

test_requests()
{
	: "requests that lack something or are damaged; the check flag"
	abi "check flag" missing damaged "unknown commands" datagram
}

test_events()
{
	: "events come in order and say what they should"
	abi events
}

test_table()
{
	: "64 namespaces on a drive; dumps tell when they were interrupted"
	abi "64 namespaces"
}

test_privileges()
{
	: "CAP_NET_ADMIN alone, nobody, a lent socket, a network namespace: change nothing"
	abi CAP_NET_ADMIN "lent by root" nobody "in a network namespace"
}

test_user_namespace()
{
	: "root in a user namespace changes nothing"
	abi "in a user namespace" "in a user and a network"
}

pnvme_main "$@"
