# SPDX-License-Identifier: Apache-2.0
# What the tests of stompctl share: a broker of their own, and TAP.  Sourced.
# Nothing here sleeps: a broker has started when it says so, a subscription
# holds when its receipt is shown.

stompctl=${top_builddir:-.}/stompctl/stompctl
stompd=${top_builddir:-.}/stompd
dir=$(mktemp -d "${TMPDIR:-/tmp}/stompctl-test-XXXXXX") || exit 99
broker_pid=
tests=0

# Ends what was started, also after a fault.
finish()
{
    stop_broker
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 99' HUP INT TERM

# start_broker [OPTION]...: sets $stomp and $ws to the URIs it listens on.
start_broker()
{
    start_server "$stompd" -d "$dir/data" -l stomp://127.0.0.1:0 \
        -l ws://127.0.0.1:0/stomp "$@"
}

# start_server COMMAND...: for whatever says ready as a broker does.
start_server()
{
    mkfifo "$dir/ready" || exit 99
    "$@" >"$dir/ready" 2>>"$dir/log" &
    broker_pid=$!
    read -r word stomp ws rest <"$dir/ready" || true
    rm "$dir/ready"
    if [ "$word" != ready ]; then
        echo "Bail out! $1 did not start"
        sed 's/^/# /' "$dir/log"
        exit 99
    fi
    : "$rest"
    STOMPCTL_URI=$stomp
    export STOMPCTL_URI
}

stop_broker()
{
    if [ -n "$broker_pid" ]; then
        kill -CONT "$broker_pid" 2>/dev/null
        kill "$broker_pid" 2>/dev/null
        wait "$broker_pid" 2>/dev/null
        broker_pid=
    fi
}

# subscriber NAME OPTION...: starts a subscription whose output goes to
# $dir/NAME and returns when it holds; its process is $subscriber_pid.  What
# it shows on standard error after that goes to $dir/NAME.rest.
subscriber()
{
    name=$1
    shift
    mkfifo "$dir/$name.trace" || exit 99
    "$stompctl" subscribe -v "$@" >"$dir/$name" 2>"$dir/$name.trace" &
    subscriber_pid=$!
    exec 4<"$dir/$name.trace"
    while read -r line <&4; do
        [ "$line" = "<<< receipt-id:subscribed" ] && break
    done
    # The rest of the trace must go somewhere, or the subscriber would block.
    cat <&4 >"$dir/$name.rest" &
    trace_pid=$!
    exec 4<&-
}

# Waits for the end of the last subscriber and returns its exit code.
subscriber_end()
{
    wait "$subscriber_pid"
    set -- $?
    wait "$trace_pid"
    return "$1"
}

# is NAME EXPECTED FOUND
is()
{
    tests=$((tests + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $tests - $1"
    else
        echo "not ok $tests - $1"
        printf 'expected: %s\nfound:    %s\n' "$2" "$3" | sed 's/^/# /'
    fi
}

# like NAME PATTERN FOUND: a basic regular expression, somewhere in FOUND.
like()
{
    if printf '%s\n' "$3" | grep -q -e "$2"; then
        is "$1" yes yes
    else
        is "$1" "something like $2" "$3"
    fi
}

done_testing()
{
    echo "1..$tests"
}
