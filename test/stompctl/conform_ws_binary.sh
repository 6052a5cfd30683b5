#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every statement of STOMP, over WebSocket with binary messages.
. "${top_srcdir:-.}/test/stompctl/conform_lib.sh"
conform --transport ws-binary "$ws"
