#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# stompctl bench: all comes through the broker once and in order, in every
# shape of run, and a run that misses something says so.
. "${top_srcdir:-.}/test/stompctl/lib.sh"
start_broker

bench()
{
    "$stompctl" bench --json "$@" >"$dir/json" 2>"$dir/err"
}

# passes NAME OPTION...
passes()
{
    name=$1
    shift
    bench "$@"
    is "$name: exit code" 0 $?
    like "$name: the check" '"good":true' "$(cat "$dir/json" "$dir/err")"
}

passes "a queue, one to one" -n 20000
passes "a queue, three to four" --producers 3 --consumers 4 -n 20000
passes "client acknowledgement" --ack client -n 20000
passes "client-individual acknowledgement, two to two" \
    --ack client-individual --producers 2 --consumers 2 -n 10000
passes "STOMP 1.1 with acknowledgements" --ack client-individual -n 1000 \
    --version-of-protocol 1.1
passes "a topic, two to five" --destination /topic/bench --producers 2 \
    --consumers 5 -n 5000
passes "synchronous persistent sends" --persistent --receipts 10 -n 2000
like "receipts are timed" '"receiptUs":{"p50":[0-9.]*,' "$(cat "$dir/json")"
passes "large messages" --size 200kb -n 200
passes "a fixed rate" --rate 5000 -n 1000
like "latency is timed" '"latencyUs":{"p50":[0-9.]*,' "$(cat "$dir/json")"

passes "messages that stay" --destination /queue/stay --consumers 0 -n 3000
passes "and are drained" --destination /queue/stay --producers 0 -n 3000

passes "WebSocket" --connect "$ws" -n 20000
passes "WebSocket with acknowledgements" --connect "$ws" -n 5000 \
    --ack client-individual --receipts 5

bench --producers 0 -n 5 --timeout 50ms
is "messages that do not come are exit code 1" 1 $?
like "and are counted as lost" '"lost":5' "$(cat "$dir/json")"

"$stompctl" bench --size 39 2>"$dir/err"
is "a body too small for the stamp is refused" 64 $?
done_testing
