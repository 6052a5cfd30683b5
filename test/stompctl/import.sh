#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# stompctl import-activemq: what comes out is what ActiveMQ meant, what cannot
# is told, and a hostile file does no harm.
. "${top_srcdir:-.}/test/stompctl/lib.sh"
samples=${top_srcdir:-.}/test/stompctl/activemq

"$stompctl" import-activemq "$samples/documented.xml" >"$dir/out" 2>"$dir/err"
if [ $? = 69 ]; then
    echo "1..0 # SKIP built without libxml2"
    exit 0
fi

# import NAME CODE FILE
import()
{
    "$stompctl" import-activemq "$3" </dev/null >"$dir/out" 2>"$dir/err"
    is "$1: exit code" "$2" $?
}

# same NAME FILE DESTINATION...: the file means what $dir/out means.
same()
{
    name=$1
    wanted=$2
    shift 2
    is "$name" "destinations that change: 0 of $#" \
        "$("$stompctl" policy diff "$wanted" "$dir/out" "$@")"
}

# refuses NAME PATTERN: standard input is not imported, and why.
refuses()
{
    cat >"$dir/in.xml"
    import "$1" 65 "$dir/in.xml"
    like "$1: what it says" "$2" "$(cat "$dir/err")"
    is "$1: nothing comes out" '' "$(cat "$dir/out")"
}

import "the documented example" 0 "$samples/documented.xml"
same "the documented example means the same" "$samples/documented.json" \
    /topic/FOO.a /topic/ORDERS.a /topic/PRICES.a.b /queue/a /temp-topic/x \
    /temp-queue/x /topic/other
is "nothing of it is left out" '' "$(cat "$dir/err")"

import "a larger file" 0 "$samples/production.xml"
same "a larger file means the same" "$samples/production.json" \
    /queue/JOBS.a /queue/SHARED /queue/other /topic/STOCK.a /topic/other
"$stompctl" check "$dir/out"
is "what comes out has no fault" 0 $?
for virtual in '"prefix": "Worker.*."' '"queue": "ARCHIVE"' \
    '"topic": "NEWS"' '"selector": "urgency > 5"' '"forwardOnly": false'; do
    like "virtual destinations: $virtual" "$virtual" "$(cat "$dir/out")"
done
like "an attribute without use is told with its line" \
    "production.xml:26: queue JOBS.>: optimizedDispatch: " "$(cat "$dir/err")"
like "an element without use" ": pendingQueuePolicy: " "$(cat "$dir/err")"
like "a parameter without use, and only that" \
    "ignoreNetworkConsumers of slowConsumerStrategy: " "$(cat "$dir/err")"
like "a key that nobody knows" 'noSuchThing: unknown key "noSuchThing"$' \
    "$(cat "$dir/err")"
like "a value that is none" 'topicPrefetch: found "lots"' "$(cat "$dir/err")"
like "a key of topics at a queue" "SHARED: dispatchPolicy: " "$(cat "$dir/err")"
like "a pattern twice" "production.xml:37: queue JOBS.> has an entry already" \
    "$(cat "$dir/err")"
like "a class of somebody's own" "<bean>: Java code" "$(cat "$dir/err")"
is "how much is told" 11 "$(wc -l <"$dir/err")"

import "the redelivery plug-in" 0 "$samples/redelivery.xml"
same "two maps become one" "$samples/redelivery.json" /queue/A.a /queue/A.B \
    /queue/A.B.D /queue/A.B.C /queue/Z.B.X /queue/TWO /queue/OTHER /topic/A.B \
    /topic/NEWS /queue/other /topic/other /temp-queue/x
like "a rule of its own without an entry becomes one" '"topic": "NEWS"' \
    "$(cat "$dir/out")"
like "useMirroredQueues" '"mirroredQueue"' "$(cat "$dir/out")"
like "virtual topics stay" '"virtualTopic"' "$(cat "$dir/out")"
like "what would be deleted is a dead letter" \
    "xml:19: sendToDlqIfMaxRetriesExceeded: " "$(cat "$dir/err")"
like "a parameter of clients" "topic NEWS: preDispatchCheck of redelivery" \
    "$(cat "$dir/err")"
like "patterns that overlap" "of queue A.B.>: the entry of [*].B.X is for some" \
    "$(cat "$dir/err")"
is "how much is told of redelivery" 3 "$(wc -l <"$dir/err")"

cat >"$dir/in.xml" <<'END'
<broker useMirroredQueues="true" useVirtualTopics="false">
<destinationInterceptors><mirroredQueue prefix="M." copyMessage="false"/>
</destinationInterceptors></broker>
END
import "mirrored queues as an interceptor" 0 "$dir/in.xml"
like "they are all queues" '"name": ">"' "$(cat "$dir/out")"
like "with the prefix" '"prefix": "M."' "$(cat "$dir/out")"
like "the flag counts for nothing then" "useMirroredQueues: ActiveMQ looks" \
    "$(cat "$dir/err")"
like "the message itself" "copyMessage: what is mirrored" "$(cat "$dir/err")"
echo '<broker useVirtualTopics="false"/>' >"$dir/in.xml"
import "no virtual topics" 0 "$dir/in.xml"
like "none at all" '"virtualDestinations": [[][]]' "$(cat "$dir/out")"

# --- what is no configuration, and what is meant to harm ---------------------

refuses "an empty file" "empty" </dev/null
refuses "half a file" "not XML" <<'END'
<broker><destinationPolicy>
END
refuses "another format" "not XML" <<'END'
{ "policies": [] }
END
refuses "a broker without policies" "destinationPolicy" <<'END'
<broker/>
END
import "a file that is not there" 66 "$dir/none"
"$stompctl" import-activemq 2>"$dir/err"
is "no file: exit code" 64 $?

echo secret >"$dir/secret"
refuses "a file as an entity" "document type" <<END
<!DOCTYPE broker [ <!ENTITY x SYSTEM "file://$dir/secret"> ]>
<broker><destinationPolicy><policyMap><policyEntries>
<policyEntry queue="&x;"/>
</policyEntries></policyMap></destinationPolicy></broker>
END
refuses "entities that double" "document type" <<'END'
<!DOCTYPE b [ <!ENTITY a "aaaaaaaaaa"> <!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"> <!ENTITY d "&c;&c;&c;&c;&c;&c;&c;"> ]>
<b><destinationPolicy><policyEntry queue="&d;&d;&d;"/></destinationPolicy></b>
END
refuses "a document type from elsewhere" "document type" <<'END'
<!DOCTYPE broker SYSTEM "http://127.0.0.1:1/broker.dtd">
<broker><destinationPolicy/></broker>
END
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "<a>" }' >"$dir/abyss"
refuses "an abyss" "not XML" <"$dir/abyss"
{
    echo '<broker><destinationPolicy><policyEntries>'
    awk 'BEGIN { for (i = 0; i < 300; i++)
        printf "<policyEntry queue=\"Q.%d\" x%d=\"%0999d\"/>\n", i, i, 0 }'
    echo '</policyEntries></destinationPolicy></broker>'
} >"$dir/in.xml"
import "many entries" 0 "$dir/in.xml"
is "each is there" 300 "$(grep -c '"queue": "Q' "$dir/out")"
done_testing
