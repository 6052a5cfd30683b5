#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every statement about frames with all input cut at every octet: one write
# or one WebSocket message each.
. "${top_srcdir:-.}/test/stompctl/conform_lib.sh"
conform --cut --only "V12-0[0-7]*" "$stomp"
