# SPDX-License-Identifier: Apache-2.0
# What the conformance tests share: a broker whose heart-beats and login
# timeout are short, so that their statements take no time.  Sourced.
. "${top_srcdir:-.}/test/stompctl/lib.sh"

cat >"$dir/config.json" <<EOF
{
    "heartbeat": { "send": "100ms", "receive": "100ms" },
    "limits": { "loginTimeout": "1s" }
}
EOF
start_broker -c "$dir/config.json"

# conform OPTION... URI: the run is a TAP producer itself.
conform()
{
    "$stompctl" conform --tap --timeout 20s "$@"
}
