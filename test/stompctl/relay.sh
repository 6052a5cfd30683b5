#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The bare relay that stompd is measured against does move every message, so
# that a ratio to it means something.
. "${top_srcdir:-.}/test/stompctl/lib.sh"
relay=${top_builddir:-.}/test/bench/relay

# relays NAME MODE OPTION...: frames with receipts go to $dir/relay.log.
relays()
{
    name=$1
    mode=$2
    shift 2
    if [ "$mode" = receipt ]; then
        start_server "$relay" receipt "$dir/relay.log"
    else
        start_server "$relay" "$mode"
    fi
    "$stompctl" bench --json "$@" >"$dir/json" 2>"$dir/err"
    like "$name" '"good":true' "$(cat "$dir/json" "$dir/err")"
    stop_broker
}

relays "a queue" queue -n 50000
relays "large frames" queue -n 200 --size 64kb
relays "a topic to many" topic -n 1000 --destination /topic/x --consumers 20
relays "receipts" receipt -n 500 --consumers 0 --receipts 10
is "each frame behind a receipt is in the file" 500 \
    "$(tr '\0' '\n' <"$dir/relay.log" | grep -c '^SEND$')"
done_testing
