#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Not a test of ours: ends before it has reported all that it planned.

echo "TAP version 13"
echo "1..2"
echo "ok 1 - one"
exit 0
