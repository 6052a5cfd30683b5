#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What stompctl send puts into a broker, stompctl subscribe gets out of it.
. "${top_srcdir:-.}/test/stompctl/lib.sh"
start_broker

take()
{
    queue=$1
    shift
    "$stompctl" subscribe "/queue/$queue" --timeout 10s "$@"
}

"$stompctl" send /queue/one --body hello
is "a body sent is the body received" hello "$(take one -n 1)"

seq 1000 >"$dir/lines"
"$stompctl" send /queue/lines --lines <"$dir/lines"
is "each line is a message, and they keep their order" \
    "$(cksum <"$dir/lines")" "$(take lines -n 1000 | cksum)"

"$stompctl" send /queue/window --lines --persistent --window 7 <"$dir/lines"
is "a window of synchronous sends sends all" \
    "0 $(cksum <"$dir/lines")" "$? $(take window -n 1000 | cksum)"

"$stompctl" send /queue/receipt --receipt -n 3 --body x
is "--count sends a message so many times" "x x x" \
    "$(take receipt -n 3 | paste -s -d ' ')"

printf 'a\0b\n\n\0' >"$dir/bytes"
"$stompctl" send /queue/bytes --file "$dir/bytes"
is "any bytes come back as they were" "$(cksum <"$dir/bytes")" \
    "$(take bytes -n 1 --raw | cksum)"

head -c 3000000 /dev/urandom >"$dir/large"
"$stompctl" send /queue/large -f "$dir/large" -f "$dir/bytes"
is "files are a message each, large ones too" \
    "$(cat "$dir/large" "$dir/bytes" | cksum)" \
    "$(take large -n 2 --raw | cksum)"

"$stompctl" send /queue/headers --body x -H 'key:a:b\c' --content-type text/x \
    --reply-to /queue/back --persistent
headers=$(take headers -n 1 --headers)
like "a header arrives with its colons and backslashes" \
    '^key:a\\cb\\\\c$' "$headers"
like "--content-type is a header" '^content-type:text/x$' "$headers"
like "--reply-to is a header" '^reply-to:/queue/back$' "$headers"
like "--persistent is a header" '^persistent:true$' "$headers"

"$stompctl" send /queue/tx --lines --transaction <"$dir/lines"
is "a transaction arrives whole" "0 $(cksum <"$dir/lines")" \
    "$? $(take tx -n 1000 | cksum)"

printf 'a\nb\n' | "$stompctl" send /queue/null --lines
is "--null ends each body with a NUL" "a.b." \
    "$(take null -n 2 --null | tr '\0' .)"

"$stompctl" send /queue/empty --body ''
is "an empty body is a message" 1 "$(take empty -n 1 | wc -l)"

mkdir "$dir/out"
printf 'a\nb\n' | "$stompctl" send /queue/out --lines
take out -n 2 --output "$dir/out" --raw
is "--output DIRECTORY gets a file for each message" "000001:a 000002:b" \
    "$(cd "$dir/out" && for file in *; do
        printf '%s:%s\n' "$file" "$(cat "$file")"
    done | paste -s -d ' ')"

printf 'a\nb\n' | "$stompctl" send /queue/out --lines
take out -n 2 --output "$dir/file"
is "--output FILE gets them all" "a b" "$(paste -s -d ' ' "$dir/file")"

printf 'a\nb\nc\n' | "$stompctl" send /queue/rest --lines
is "--count takes no more than that" a "$(take rest -n 1)"
is "what --count did not take is still there" "b c" \
    "$(take rest -n 2 | paste -s -d ' ')"

"$stompctl" send /queue/nack --body again
take nack -n 1 --nack >/dev/null
again=$(take nack -n 1 --headers)
like "a message refused with --nack comes again" '^again$' "$again"
like "and says that it was delivered before" '^redelivered:true$' "$again"

take none -n 1 --timeout 50ms >/dev/null 2>"$dir/err"
is "--count that is not reached in time is exit code 75" 75 $?
like "and says how many came" "only 0 of 1 messages" "$(cat "$dir/err")"
take none --timeout 50ms
is "time that runs out without --count is exit code 0" 0 $?

subscriber news /topic/news -n 2 --timeout 10s
printf 'a\nb\n' | "$stompctl" send /topic/news --lines
subscriber_end
is "a subscriber of a topic gets what is sent after its receipt" "0 a b" \
    "$? $(paste -s -d ' ' "$dir/news")"

subscriber stopped /queue/stopped
kill -INT "$subscriber_pid"
subscriber_end
is "SIGINT ends a subscription with exit code 0" 0 $?
like "after a proper DISCONNECT" "receipt-id:stompctl-bye" \
    "$(cat "$dir/stopped.rest")"

for version in 1.0 1.1 1.2; do
    "$stompctl" send /queue/v --version-of-protocol $version --body v
    is "STOMP $version sends, receives and acknowledges" "v 0" \
        "$(take v -n 1 --version-of-protocol $version) $(take v \
            --timeout 50ms | wc -l)"
done

"$stompctl" send /queue/ws --connect "$ws" --body over
"$stompctl" send /queue/ws --connect "$ws" -f "$dir/large"
is "over WebSocket too, also what is no text and is large" \
    "$( (printf over && cat "$dir/large") | cksum)" \
    "$(take ws --connect "$ws" -n 2 --raw | cksum)"
done_testing
