#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every statement of STOMP, over WebSocket with text messages.
. "${top_srcdir:-.}/test/stompctl/conform_lib.sh"
conform --transport ws-text "$ws"
