#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every statement about frames over WebSocket, with binary messages of one
# octet each.
. "${top_srcdir:-.}/test/stompctl/conform_lib.sh"
conform --cut --only "V12-0[0-7]*" --transport ws-binary "$ws"
