#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every way to fail has its exit code and says what to do.
. "${top_srcdir:-.}/test/stompctl/lib.sh"
start_broker

# fails NAME CODE PATTERN COMMAND...: standard error must hold PATTERN.
fails()
{
    name=$1
    code=$2
    pattern=$3
    shift 3
    "$@" </dev/null >"$dir/out" 2>"$dir/err"
    is "$name: exit code" "$code" $?
    like "$name: what it says" "$pattern" "$(cat "$dir/err")"
}

fails "no command" 64 "usage: stompctl" "$stompctl"
fails "an unknown command" 64 'no command "sent"' "$stompctl" sent
fails "an unknown option" 64 "stompctl help send" "$stompctl" send --nope
fails "no destination" 64 "no destination" "$stompctl" send --body x
fails "two destinations" 64 "only one destination" \
    "$stompctl" send /queue/a /queue/b
fails "--body and --file" 64 "exclude each other" \
    "$stompctl" send /queue/a --body x --file y
fails "a bad header" 64 "NAME:VALUE" "$stompctl" send /queue/a -H x
fails "a bad number" 64 'count: "ten" is not' \
    "$stompctl" subscribe /queue/a --count ten
fails "a time without unit" 64 "10s" \
    "$stompctl" subscribe /queue/a --timeout 10
fails "an unknown acknowledgement" 64 "client-individual" \
    "$stompctl" subscribe /queue/a --ack never
fails "a URI that is none" 64 "stomp://127.0.0.1:61613" \
    "$stompctl" send /queue/a --connect localhost
fails "a directory that is not there" 73 "make it first" \
    "$stompctl" subscribe /queue/a --output "$dir/none/"
fails "a passcode file that is not there" 64 "passcode file" \
    "$stompctl" send /queue/a --passcode-file "$dir/none"
fails "a message file that is not there" 66 "$dir/none" \
    "$stompctl" send /queue/a --file "$dir/none"
fails "nothing listens" 69 "cannot connect to 127.0.0.1 port 1" \
    "$stompctl" send /queue/a --connect stomp://127.0.0.1:1 --body x
fails "no socket" 69 "$dir/none" \
    "$stompctl" send /queue/a --connect "unix:$dir/none" --body x
fails "no WebSocket server" 69 "WebSocket" \
    "$stompctl" send /queue/a --connect "ws${stomp#stomp}/none" --body x
fails "a frame that the broker refuses" 76 "answered ERROR: ." \
    "$stompctl" send '/queue/a.>' --body x --receipt
fails "a full disk" 74 "cannot write" sh -c "
    '$stompctl' send /queue/full --body x &&
    '$stompctl' subscribe /queue/full -n 1 >/dev/full"
is "a message that could not be written is still there" x \
    "$("$stompctl" subscribe /queue/full -n 1 --timeout 10s)"

fails "conform without a URI" 64 "give one URI" "$stompctl" conform
fails "conform over an unknown transport" 64 "ws-binary" \
    "$stompctl" conform --transport udp "$stomp"
fails "conform over the other transport" 64 "ws://" \
    "$stompctl" conform --transport ws-text "$stomp"
fails "conform with nobody there" 69 "cannot connect" \
    "$stompctl" conform stomp://127.0.0.1:1

echo secret >"$dir/passcode"
"$stompctl" send /queue/a --body x -v --user me \
    --passcode-file "$dir/passcode" 2>"$dir/err" || true
like "-v shows the login" "login:me" "$(cat "$dir/err")"
like "-v masks the passcode" 'passcode:\*\*\*$' "$(cat "$dir/err")"
is "and shows it nowhere" 0 "$(grep -c secret "$dir/err")"

kill -STOP "$broker_pid"
fails "a broker that does not answer" 75 "in time" \
    "$stompctl" send /queue/a --body x --timeout 100ms
kill -CONT "$broker_pid"

subscriber lost /queue/a
stop_broker
subscriber_end
code=$?
is "a connection that is lost is a failure" yes \
    "$( { [ $code = 69 ] || [ $code = 76 ]; } && echo yes || echo $code)"
done_testing
