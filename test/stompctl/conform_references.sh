#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a conformance statement says is proved elsewhere is: the test is there.
. "${top_srcdir:-.}/test/stompctl/lib.sh"

sed -n '/\.elsewhere =/,/}/p' "$top_srcdir"/stompctl/conform_*.c |
    tr -d ' \n' | sed 's/""//g' |
    grep -o 'elsewhere="[^"]*"' >"$dir/references"
while IFS=: read -r program case; do
    program=${program#elsewhere=\"}
    case=${case%\"}
    if [ -z "$case" ]; then
        is "there is $program" yes \
            "$([ -e "$top_srcdir/${program%\"}" ] && echo yes || echo no)"
        continue
    fi
    is "$program proves $case" 1 "$(
        find "$top_srcdir/test/unit" -name "$program.c" \
            -exec grep -c "^START_TEST($case)" {} +)"
done <"$dir/references"
# … and each rule of real clients is replayed from one.
rule=1
while [ "$rule" -le 34 ]; do
    is "a test replays I$rule" yes "$(
        grep -qE "^test.*: I$rule .+: |case\(\"I$rule .+: " \
            "$top_srcdir/test/script/clients.stomp" \
            "$top_srcdir/test/script/websocket" && echo yes || echo no)"
    rule=$((rule + 1))
done
is "there are references" yes \
    "$([ -s "$dir/references" ] && echo yes || echo no)"
done_testing
