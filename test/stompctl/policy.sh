#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The commands for the people who edit the policy file, with and without a
# broker: check, explain, policy diff, policy reload, status.
. "${top_srcdir:-.}/test/stompctl/lib.sh"

cat >"$dir/old.json" <<'END'
{
  "default": { "queuePrefetch": 7 },
  "policies": [
    { "queue": "JOBS.>", "strictOrderDispatch": true, "queuePrefetch": 1 },
    { "queue": "PARTS.>", "memoryLimit": "25%", "storeLimit": "10%",
      "tempLimit": "1%" },
    { "topic": "PRICES.>",
      "subscriptionRecoveryPolicy": { "timed": { "recoverDuration": "10s" } } }
  ]
}
END
sed 's/"queuePrefetch": 1 /"queuePrefetch": 2 /' "$dir/old.json" \
    >"$dir/new.json"
cat >"$dir/bad.json" <<'END'
{ "policies": [ { "queue": "a", "queuePrefech": 0 },
                { "topic": "b", "queuePrefetch": 1 } ] }
END
echo '{}' >"$dir/empty.json"
echo '{ "limits": { "body": "1tb" } }' >"$dir/stompd.json"

# runs NAME CODE COMMAND...: what it says goes to $dir/out and $dir/err.
runs()
{
    name=$1
    code=$2
    shift 2
    "$@" </dev/null >"$dir/out" 2>"$dir/err"
    is "$name: exit code" "$code" $?
}

# A row of a table with its columns one blank apart.
row()
{
    grep "^ *$1 " "$dir/out" | tr -s ' ' | sed 's/^ //; s/ $//'
}

# --- check -----------------------------------------------------------------

runs "check of a good file" 0 "$stompctl" check "$dir/old.json" "$dir/new.json"
is "check of a good file says nothing" '' "$(cat "$dir/out" "$dir/err")"
runs "check of a bad file" 78 "$stompctl" check "$dir/bad.json"
mv "$dir/err" "$dir/said"
runs "stompd --check of it" 78 "$stompd" --check -p "$dir/bad.json" \
    -d "$dir/none"
is "check says what stompd says" "$(cat "$dir/err")" "$(cat "$dir/said")"
is "check names every fault" 2 "$(grep -c "^$dir/bad.json:" "$dir/said")"
runs "one bad file of two" 78 "$stompctl" check "$dir/bad.json" \
    "$dir/old.json"
runs "check --config" 78 env PATH="${top_builddir:-.}:$PATH" \
    "$stompctl" check --config "$dir/stompd.json"
like "check --config says where" "stompd.json:1:.*limits.body" \
    "$(cat "$dir/err")"
runs "check of nothing" 64 "$stompctl" check

# --- explain ---------------------------------------------------------------

runs "explain from a file" 0 "$stompctl" explain -p "$dir/old.json" \
    /queue/JOBS.a
is "explain names the entry and its place" \
    "queue JOBS.a: entry JOBS.> at $dir/old.json:4" "$(sed -n 1p "$dir/out")"
is "a value of the entry" "queuePrefetch 1 entry live" "$(row queuePrefetch)"
is "a value that stays" "strictOrderDispatch true entry new destinations only" \
    "$(row strictOrderDispatch)"
is "a value that the entry leaves out is stompd's, not of \"default\"" \
    "queueBrowserPrefetch 500 built-in live" "$(row queueBrowserPrefetch)"
runs "explain where no pattern matches" 0 \
    "$stompctl" explain -p "$dir/old.json" --given /queue/other
is "explain names the default entry" \
    "queue other: default entry at $dir/old.json:2" "$(sed -n 1p "$dir/out")"
is "--given shows the entry's own values alone" 3 "$(wc -l <"$dir/out")"
runs "explain of a strategy" 0 \
    "$stompctl" explain -p "$dir/old.json" /topic/PRICES.a
is "a strategy's parameters have rows of their own" "recoverDuration 10s" \
    "$(row recoverDuration)"
runs "explain --json" 0 \
    "$stompctl" explain -p "$dir/old.json" --json /queue/JOBS.a
like "--json has the line" '"line": 4' "$(cat "$dir/out")"
runs "explain of parts of the broker's ceilings" 0 \
    "$stompctl" explain -p "$dir/old.json" /queue/PARTS.a
is "what a part comes to is not known without a broker" \
    "memoryLimit 25% entry live" "$(row memoryLimit)"
runs "explain with a bad file" 78 \
    "$stompctl" explain -p "$dir/bad.json" /queue/a
runs "explain of a composite" 64 \
    "$stompctl" explain -p "$dir/old.json" /queue/a,/queue/b
runs "explain without a broker" 69 "$stompctl" explain -d "$dir/none" /queue/a
like "it says where it looked" "$dir/none/admin.sock.*(-d)" "$(cat "$dir/err")"

# --- policy diff -----------------------------------------------------------

runs "diff of equal files" 0 "$stompctl" policy diff "$dir/old.json" \
    "$dir/old.json" /queue/JOBS.a
runs "diff of two files" 1 "$stompctl" policy diff "$dir/old.json" \
    "$dir/new.json" /queue/JOBS.a /queue/b /topic/c
is "the key that changes" "queuePrefetch 1 -> 2 live" "$(row queuePrefetch)"
is "how many change" "destinations that change: 1 of 3" \
    "$(tail -n 1 "$dir/out")"
runs "diff that a reload cannot carry out" 1 "$stompctl" policy diff \
    "$dir/old.json" "$dir/empty.json" /topic/PRICES.a
like "it says so" "subscriptionRecoveryPolicy.*new destinations only" \
    "$(cat "$dir/out")"
runs "diff with faults" 78 "$stompctl" policy diff "$dir/old.json" \
    "$dir/bad.json" /queue/a

# --- with a broker -----------------------------------------------------------

cp "$dir/old.json" "$dir/policy.json"
cat >"$dir/config.json" <<'END'
{ "limits": { "memory": "8mb" },
  "storage": { "limit": "10mb", "tempLimit": 0 } }
END
start_broker -p "$dir/policy.json" -c "$dir/config.json"
STOMPCTL_ADMIN=$dir/data/admin.sock
export STOMPCTL_ADMIN
"$stompctl" send /queue/JOBS.a --body one --persistent --receipt
"$stompctl" send /topic/PRICES.a --body two --receipt

runs "explain of a broker" 0 "$stompctl" explain /queue/JOBS.a
is "a broker explains as a file does" "queuePrefetch 1 entry live" \
    "$(row queuePrefetch)"
runs "explain of parts" 0 "$stompctl" explain /queue/PARTS.a
is "a part of limits.memory" "memoryLimit 25% = 2mb entry live" \
    "$(row memoryLimit)"
is "a part of storage.limit" "storeLimit 10% = 1mb entry live" \
    "$(row storeLimit)"
like "a part of the disk where there is no storage.tempLimit" \
    "^tempLimit 1% = [1-9][0-9]*[kmg]*b entry live$" "$(row tempLimit)"
"$stompctl" explain --json /queue/PARTS.a >"$dir/out"
like "--json has the bytes" '"bytes": 2097152' "$(cat "$dir/out")"
runs "explain of an odd name" 0 "$stompctl" explain '/queue/JOBS.ä b&c=%'
is "an odd name arrives whole" \
    "queue JOBS.ä b&c=%: entry JOBS.> at $dir/policy.json:4" \
    "$(sed -n 1p "$dir/out")"

runs "diff of live destinations" 1 "$stompctl" policy diff "$dir/old.json" \
    "$dir/new.json"
is "the live destination that changes" /queue/JOBS.a \
    "$(sed -n 1p "$dir/out")"

cp "$dir/bad.json" "$dir/policy.json"
runs "reload of a bad file" 78 "$stompctl" policy reload
is "reload says what check says" \
    "$(sed "s|bad.json|policy.json|" "$dir/said")" "$(cat "$dir/err")"
cp "$dir/new.json" "$dir/policy.json"
runs "reload --dry-run" 0 "$stompctl" policy reload --dry-run
is "--dry-run shows the change" "queuePrefetch 1 -> 2 live" \
    "$(row queuePrefetch)"
"$stompctl" explain /queue/JOBS.a >"$dir/out"
is "--dry-run changes nothing" "queuePrefetch 1 entry live" \
    "$(row queuePrefetch)"
runs "reload" 0 "$stompctl" policy reload
like "reload counts" "destinations that changed: 1$" "$(cat "$dir/out")"
"$stompctl" explain /queue/JOBS.a >"$dir/out"
is "reload takes effect" "queuePrefetch 2 entry live" "$(row queuePrefetch)"
runs "reload of the same" 0 "$stompctl" policy reload --json
like "nothing changes then" '"changed": 0' "$(cat "$dir/out")"

sed 's/"10s"/"20s"/' "$dir/new.json" >"$dir/policy.json"
"$stompctl" policy reload >"$dir/out"
like "a key that needs a new destination says so" \
    "subscriptionRecoveryPolicy.*new destinations only" "$(cat "$dir/out")"

runs "status" 0 "$stompctl" status
like "status shows a queue" "^/queue/JOBS.a 1 0 0 1 0 [1-9][0-9]* 45 0 JOBS.>$" \
    "$(row /queue/JOBS.a)"
is "status shows a topic" "/topic/PRICES.a 0 0 0 1 0 0 0 0 PRICES.>" \
    "$(row /topic/PRICES.a)"
is "status shows the store" "store engine leveldb" "$(row 'store engine')"
subscriber one /queue/idle
runs "status of connections" 0 "$stompctl" status connections
is "a connection has its transport" tcp \
    "$(sed -n 2p "$dir/out" | tr -s ' ' | cut -d ' ' -f 3)"
runs "status of a queue" 0 "$stompctl" status queues --match idle
is "its consumer is counted" "/queue/idle 0 0 1 0 0 0 0 0" "$(row /queue/idle)"
is "--match leaves out the others" 2 "$(wc -l <"$dir/out")"
kill "$subscriber_pid"
subscriber_end
"$stompctl" status queues --limit 1 >"$dir/out"
like "--limit says how many more" "and 1 more" "$(tail -n 1 "$dir/out")"
runs "status --json" 0 "$stompctl" status --json
like "status --json has the lists" '"queuesList"' "$(cat "$dir/out")"
runs "status of what is not there" 64 "$stompctl" status users

kill -HUP "$broker_pid"
runs "a broker that got a HUP" 0 "$stompctl" status topics
stop_broker
is "the socket goes with the broker" no \
    "$([ -e "$STOMPCTL_ADMIN" ] && echo yes || echo no)"
runs "status without a broker" 69 "$stompctl" status

start_broker
runs "reload without a policy file" 78 "$stompctl" policy reload
like "it says that there is none" "without a policy file" "$(cat "$dir/err")"
done_testing
