#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who may include whom: docs/STYLE.md section 3.2 as rows, held against every
# #include of the tree.  TAP.  `layering.sh DIR` checks another tree and prints
# what is wrong with it.
set -u
LC_ALL=C
export LC_ALL

root=${1:-${top_srcdir:-$(dirname "$0")/..}}

# folder | folders and headers of ours it may include
rows='
base          | base/
protocol      | base/ protocol/
policy        | base/ policy/
storage       | base/ storage/
server/core   | base/ protocol/headers.h policy/ storage/ server/core/
server/session| base/ protocol/ server/core/ server/session/
server/net    | base/ server/session/ server/net/
server/admin  | base/ protocol/ policy/ storage/ server/core/ server/session/ server/net/ server/admin/
server        | base/ protocol/ policy/ storage/ server/
stompctl      | base/ protocol/ policy/ storage/ stompctl/
'

# What the folders above need of each other beyond the table, with the reason.
extra='
protocol/     base/                  # struct span, struct buf
server/core   protocol/version.h     # headers.h is written in terms of it
server/core   server/log.h           # one line per event, section 2.10
server/session server/log.h
server/net    server/log.h
server/admin  server/log.h
'

# outside header (a regular expression) | the folders and files that may
outside='
libwebsockets\.h        | server/net/
ev\.h                   | server/net/
openssl/.*              | server/net/
jansson\.h              | policy/ server/admin/ server/config.c server/config.h stompctl/
libxml/.*               | stompctl/
leveldb/.*              | storage/
nats.*                  | storage/
uthash\.h|utlist\.h     | base/hash.h
check\.h                | test/
'

# file | what it includes, one per line, <> and "" kept
includes() {
    (cd "$root" && find base protocol policy storage server stompctl \
        -name '*.[ch]' 2>/dev/null | sort |
        xargs -r grep -Hn '^[[:space:]]*#[[:space:]]*include' /dev/null) |
        sed -n 's/^\([^:]*\):\([0-9]*\):[^<"]*\(["<][^">]*[">]\).*/\1 \2 \3/p'
}

check_tree() {
    includes | ROWS=$rows EXTRA=$extra OUTSIDE=$outside awk '
    function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
    function read_rows(text, table,    n, i, lines, cut) {
        n = split(text, lines, "\n")
        for (i = 1; i <= n; i++) {
            # the last bar: an expression may hold one
            cut = match(lines[i], /\|[^|]*$/)
            if (cut > 0)
                table[trim(substr(lines[i], 1, cut - 1))] = \
                    trim(substr(lines[i], cut + 1))
        }
    }
    function folder_of(file,    parts, n) {
        n = split(file, parts, "/")
        return parts[1] == "server" && n > 2 ? parts[1] "/" parts[2] : parts[1]
    }
    function allowed(list, name,    parts, n, i) {
        n = split(list, parts, /[ \t]+/)
        for (i = 1; i <= n; i++) {
            if (parts[i] == "")
                continue
            if (parts[i] == name ||
                (parts[i] ~ /\/$/ && index(name, parts[i]) == 1))
                return 1
        }
        return 0
    }
    BEGIN {
        read_rows(ENVIRON["ROWS"], may)
        read_rows(ENVIRON["OUTSIDE"], who)
        n = split(ENVIRON["EXTRA"], lines, "\n")
        for (i = 1; i <= n; i++)
            if (split(lines[i], f, /[ \t]+/) >= 2 && f[1] in may)
                may[f[1]] = may[f[1]] " " f[2]
    }
    {
        file = $1; at = file ":" $2; what = substr($3, 2, length($3) - 2)
        if ($3 ~ /^"/) {
            if (what !~ /\// && what != "config.h")
                print at ": " $3 " is not spelled from the top"
            else if (!allowed(may[folder_of(file)], what))
                print at ": " folder_of(file) " may not include " what
        }
        for (expression in who)
            if (what ~ "^(" expression ")$" && !allowed(who[expression], file))
                print at ": " what " belongs to " who[expression]
    }'
}

if [ $# -gt 0 ]; then
    found=$(check_tree)
    [ -z "$found" ] && exit 0
    printf '%s\n' "$found"
    exit 1
fi

count=0
failed=0
report() { # name, empty when it holds or what is wrong
    count=$((count + 1))
    if [ -z "$2" ]; then
        echo "ok $count - $1"
    else
        failed=1
        echo "not ok $count - $1"
        printf '%s\n' "$2" | sed 's/^/#   /'
    fi
}

seen=$(includes | wc -l)
if [ "$seen" -gt 20 ]; then nothing=; else nothing="only $seen includes"; fi
report 'the tree is looked at' "$nothing"
report 'every include keeps to the table' "$(check_tree)"

# The guard itself: each of these lines must be found in a tree of their own.
trial=$(mktemp -d "${TMPDIR:-/tmp}/stompd-layering-XXXXXX") || exit 99
trap 'rm -rf "$trial"' EXIT INT TERM
self=$0
forbidden() { # name, file, include
    rm -rf "$trial/tree"
    mkdir -p "$trial/tree/$(dirname "$2")"
    printf '#include %s\n' "$3" >"$trial/tree/$2"
    if /bin/sh "$self" "$trial/tree" >"$trial/out" 2>&1; then
        report "$1" "$3 in $2 was not found"
    elif grep -q "^$2:1: " "$trial/out"; then
        report "$1" ''
    else
        report "$1" "$(cat "$trial/out")"
    fi
}
permitted() {
    rm -rf "$trial/tree"
    mkdir -p "$trial/tree/$(dirname "$2")"
    printf '#include %s\n' "$3" >"$trial/tree/$2"
    report "$1" "$(/bin/sh "$self" "$trial/tree" 2>&1)"
}

forbidden 'base may not include protocol' base/x.c '"protocol/frame.h"'
forbidden 'protocol may not include server' protocol/x.h '"server/log.h"'
forbidden 'policy may not include storage' policy/x.c '"storage/store.h"'
forbidden 'policy may not include frames' policy/x.c '"protocol/frame.h"'
forbidden 'storage may not include policy' storage/x.c '"policy/policy.h"'
forbidden 'core may not include frames' server/core/x.c '"protocol/frame.h"'
forbidden 'core may not include session' server/core/x.h \
    '"server/session/session.h"'
forbidden 'session may not include net' server/session/x.c \
    '"server/net/loop.h"'
forbidden 'net may not include core' server/net/x.c '"server/core/core.h"'
forbidden 'libwebsockets stays in net' server/core/x.c '<libwebsockets.h>'
forbidden 'libev stays in net' server/broker.c '<ev.h>'
forbidden 'OpenSSL stays in net' server/main.c '<openssl/ssl.h>'
forbidden 'Jansson stays out of core' server/core/x.c '<jansson.h>'
forbidden 'LevelDB stays in storage' server/broker.c '<leveldb/c.h>'
forbidden 'uthash comes through base/hash.h' policy/x.c '<uthash.h>'
forbidden 'names are spelled from the top' server/core/x.c '"queue.h"'
forbidden 'blanks do not hide an include' base/x.c \
    '   "policy/policy.h" /* */'
permitted 'core may include headers.h' server/core/x.c '"protocol/headers.h"'
permitted 'broker.c may include all layers' server/broker.c \
    '"storage/store.h"'
permitted 'policy may include Jansson' policy/x.c '<jansson.h>'
permitted 'stompctl may include policy' stompctl/x.c '"policy/policy_load.h"'
permitted 'stompctl may include storage' stompctl/x.c '"storage/store.h"'
forbidden 'stompctl may not include server' stompctl/x.c '"server/log.h"'
forbidden 'libxml2 stays in stompctl' policy/x.c '<libxml/tree.h>'
permitted 'storage may include LevelDB' storage/x.c '<leveldb/c.h>'

echo "1..$count"
exit $failed
