#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every statement of STOMP, over TCP.
. "${top_srcdir:-.}/test/stompctl/conform_lib.sh"
conform "$stomp"
