#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The commands that look into a queue, and that empty it: browse, purge.
. "${top_srcdir:-.}/test/stompctl/lib.sh"

# runs NAME CODE COMMAND...: what it says goes to $dir/out and $dir/err.
runs()
{
    name=$1
    code=$2
    shift 2
    "$@" </dev/null >"$dir/out" 2>"$dir/err"
    is "$name: exit code" "$code" $?
}

start_broker
STOMPCTL_ADMIN=$dir/data/admin.sock
export STOMPCTL_ADMIN
for i in 1 2 3 4 5; do
    "$stompctl" send /queue/jobs --body "$i" -H "n:$i" --persistent --receipt
done

runs "browse" 0 "$stompctl" browse jobs
is "it shows all" "1 2 3 4 5" "$(tr '\n' ' ' <"$dir/out" | sed 's/ $//')"
runs "browse --max" 0 "$stompctl" browse --max 2 /queue/jobs
is "it shows the first" "1 2" "$(tr '\n' ' ' <"$dir/out" | sed 's/ $//')"
runs "browse --selector" 0 "$stompctl" browse --selector 'n > 3' jobs
is "it shows what it selects" "4 5" \
    "$(tr '\n' ' ' <"$dir/out" | sed 's/ $//')"
runs "browse --headers" 0 "$stompctl" browse --headers --max 1 jobs
like "it shows headers" "^destination:/queue/jobs$" "$(cat "$dir/out")"
runs "browse of an empty queue" 0 "$stompctl" browse none
is "it shows nothing" "" "$(cat "$dir/out")"
runs "browse of a topic" 76 "$stompctl" browse /topic/t
like "it says why" "nothing to browse" "$(cat "$dir/err")"
runs "browse of nothing" 64 "$stompctl" browse
runs "browse of two" 64 "$stompctl" browse a b

runs "purge --selector" 0 "$stompctl" purge --selector 'n = 2 OR n = 4' jobs
is "it counts" "purged 2 messages from /queue/jobs" "$(cat "$dir/out")"
"$stompctl" browse jobs >"$dir/out"
is "the others stay" "1 3 5" "$(tr '\n' ' ' <"$dir/out" | sed 's/ $//')"
runs "purge with a bad selector" 65 "$stompctl" purge --selector 'n = = 2' jobs
like "it says where" "selector, character 5" "$(cat "$dir/err")"
runs "purge with an empty selector" 65 "$stompctl" purge --selector '' jobs
"$stompctl" browse jobs >"$dir/out"
is "nothing went" "1 3 5" "$(tr '\n' ' ' <"$dir/out" | sed 's/ $//')"
runs "purge" 0 "$stompctl" purge /queue/jobs
is "all goes" "purged 3 messages from /queue/jobs" "$(cat "$dir/out")"
runs "purge of an empty queue" 0 "$stompctl" purge jobs
is "nothing goes" "purged 0 messages from /queue/jobs" "$(cat "$dir/out")"
runs "purge of what is not there" 65 "$stompctl" purge nothing
like "it says so" 'there is no queue "/queue/nothing"' "$(cat "$dir/err")"
runs "purge of a topic" 65 "$stompctl" purge /topic/t
like "it says what it wants" "one queue" "$(cat "$dir/err")"
runs "purge of nothing" 64 "$stompctl" purge
stop_broker
runs "purge without a broker" 69 "$stompctl" purge jobs
done_testing
