#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Not a test of ours: calls pnvme_main where errexit does not work.

# shellcheck source=selftests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../lib.sh"

test_fail_condition()
{
	: "errexit is off"
	false
	true
}

# shellcheck disable=SC2310	# that is the point
pnvme_main "$@" || exit 1
