#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# stompctl store: what a stopped store holds, taken out and brought back.
# What it does to damage is test/script/store_damage.
. "${top_srcdir:-.}/test/stompctl/lib.sh"
scratch=$dir/scratch
TMPDIR=$scratch
export TMPDIR
mkdir "$scratch"

# store NAME CODE ARG...: standard output in $dir/out, error in $dir/err.
store()
{
    name=$1
    code=$2
    shift 2
    "$stompctl" store "$@" >"$dir/out" 2>"$dir/err"
    is "$name: exit code" "$code" $?
}

# refuses NAME PATTERN TEXT: what TEXT would import is refused, and why.
refuses()
{
    printf '%s\n' "$3" >"$dir/in"
    rm -rf "$dir/refused"
    store "$1" 2 import "$dir/refused" <"$dir/in"
    like "$1: what it says" "$2" "$(cat "$dir/err")"
    is "$1: there is no store" no \
        "$(test -e "$dir/refused/journal" && echo yes || echo no)"
}

# The checksums of all files, and their times.
fingerprint()
{
    (cd "$1" && find . -type f -exec cksum {} + -exec stat -c '%n %Y' {} + |
        sort)
}

start_broker
for i in 1 2 3 4 5; do
    "$stompctl" send --persistent --receipt -H "n:$i" --body "body $i" \
        /queue/ORDERS
done
printf 'a\377b\000c' | "$stompctl" send --persistent -H 'x:\tö' /queue/BIN
"$stompctl" send --persistent --body x -n 3 '/queue/QUOTED "\ NAME'
"$stompctl" subscribe -n 2 /queue/ORDERS >"$dir/taken"
is "two are consumed" 2 "$(grep -c body "$dir/taken")"

store "a store in use" 2 verify "$dir/data"
like "a store in use is told with its process" \
    "in use by process $broker_pid: stop" "$(cat "$dir/err")"
store "a store in use is not exported" 2 export "$dir/data"
is "nothing comes out" '' "$(cat "$dir/out")"
store "a store in use is not repaired" 2 repair "$dir/data"
stop_broker

# --- verify -----------------------------------------------------------------

fingerprint "$dir/data" >"$dir/before"
store "a good store" 0 verify "$dir/data"
fingerprint "$dir/data" >"$dir/after"
is "nothing of it was made or changed" '' \
    "$(diff "$dir/before" "$dir/after")"
is "the scratch directory is gone" '' "$(ls "$scratch")"
like "it says that it is good" '^no damage$' "$(cat "$dir/out")"
like "a queue: records, first, last, next" \
    '^/queue/ORDERS  *3  *[0-9]*  *3  *5  *6  *0$' "$(cat "$dir/out")"
like "all together" '^7 records, [0-9]* bytes, 0 definitions$' \
    "$(cat "$dir/out")"
store "the same as JSON" 0 verify --json "$dir/data"
like "JSON has the records" '"records": 7,' "$(cat "$dir/out")"
like "JSON has no damage" '"damage": 0,' "$(cat "$dir/out")"
chmod -R a-w "$dir/data"
store "a directory that cannot be written to" 0 verify "$dir/data"
chmod -R u+w "$dir/data"
store "no store" 2 verify "$dir/none"
like "no store: what to name" 'name the data directory' "$(cat "$dir/err")"
is "no store: it is not made" no "$(test -e "$dir/none" && echo yes || echo no)"

# --- export and import -------------------------------------------------------

store "export" 0 export "$dir/data"
mv "$dir/out" "$dir/export"
is "a line for each: store, 3 journals, 7 records, end" 12 \
    "$(wc -l <"$dir/export")"
like "text is text" 'n:3\\n","body":"body 3"}$' "$(cat "$dir/export")"
like "other bytes are base64" '"name":"BIN".*"body64":"Yf9iAGM="}$' \
    "$(cat "$dir/export")"
like "a name is quoted" '"name":"QUOTED \\"\\\\ NAME"' "$(cat "$dir/export")"
store "import" 0 import "$dir/copy" <"$dir/export"
like "import: what came" '^7 records of 3 journals, 0 definitions$' \
    "$(cat "$dir/err")"
is "import: nothing but the journal is left" journal "$(ls "$dir/copy")"
store "what came in is good" 0 verify "$dir/copy"
store "what came in goes out" 0 export "$dir/copy"
is "export, import and export make the same" '' \
    "$(diff "$dir/export" "$dir/out")"
store "an import into a store" 2 import "$dir/copy" <"$dir/export"
like "an import into a store: why" 'has a store already' "$(cat "$dir/err")"

mv "$dir/data" "$dir/old"
mv "$dir/copy" "$dir/data"
start_broker
"$stompctl" subscribe -n 3 /queue/ORDERS >"$dir/taken"
is "a broker serves what came in" "body 3 body 4 body 5" \
    "$(tr '\n' ' ' <"$dir/taken" | sed 's/ $//')"
"$stompctl" send --persistent --receipt --body new /queue/ORDERS
stop_broker
store "numbers" 0 export "$dir/data"
like "numbers go on where they were" '"name":"ORDERS","seq":6,' \
    "$(cat "$dir/out")"

store "one queue" 0 export --queue /queue/BIN --queue NONE "$dir/old"
is "one queue: its lines" '"BIN" "BIN"' \
    "$(grep -o '"[A-Z]*"' "$dir/out" | tr '\n' ' ' | sed 's/ $//')"
mv "$dir/out" "$dir/in"
store "one queue comes in" 0 import "$dir/one" <"$dir/in"

# --- what is not whole -------------------------------------------------------

head -n 11 "$dir/export" >"$dir/in"
refuses "a file that is cut off" 'is cut off' "$(cat "$dir/in")"
"$stompd" -d "$dir/refused" -l stomp://127.0.0.1:0 >"$dir/out" 2>"$dir/err"
is "a broker refuses half an import" 73 $?
like "a broker says what to do" 'stompctl store import .* again, or remove' \
    "$(cat "$dir/err")"
store "import again" 0 import "$dir/refused" <"$dir/export"
refuses "a line is missing" '6 records of 7, checksum' \
    "$(sed 6d "$dir/export")"
refuses "a line has changed" 'checksum .* --edited' \
    "$(sed 's/body 4/body 9/' "$dir/export")"
sed -e 's/body 4/body 9/' -e 7d "$dir/export" >"$dir/in"
store "changed on purpose" 0 import --edited "$dir/edited" <"$dir/in"
store "it can be read" 0 export "$dir/edited"
like "what was changed is there" '"body 9"' "$(cat "$dir/out")"
refuses "something after the end" 'line 13: something follows' \
    "$(cat "$dir/export"; echo '{}')"
refuses "nothing" 'not a JSON object' ''
refuses "another file" 'line 1: it is not a JSON object' 'hello'
refuses "no first line" 'line 1: an export begins with' \
    "$(sed 1d "$dir/export")"
refuses "a newer export" 'version is 2, this stompctl reads up to 1' \
    "$(sed '1s/"version":1/"version":2/' "$dir/export")"
refuses "a record without its journal" 'line 4: no line before it makes' \
    "$(sed 2d "$dir/export")"
refuses "numbers that do not rise" '"seq" is 1: after 4, and before 6' \
    "$(sed '7s/"seq":5/"seq":1/' "$dir/export")"
refuses "a number beyond the next" '"seq" is 6: after 4' \
    "$(sed '7s/"seq":5/"seq":6/' "$dir/export")"
refuses "a member that nobody knows" 'line 5: it has members that do not' \
    "$(sed '5s/{/{"sec":1,/' "$dir/export")"
refuses "a priority that is none" 'line 5: "priority" is not .* from 0 to 9' \
    "$(sed '5s/"priority":4/"priority":40/' "$dir/export")"
refuses "base64 that is none" '"body64" is not base64' \
    "$(sed 's/Yf9iAGM=/Yf9iAG==/' "$dir/export")"

# A stop in the middle: the rest of the file has not come yet.
mkfifo "$dir/pipe"
"$stompctl" store import "$dir/half" <"$dir/pipe" 2>"$dir/err" &
half_pid=$!
exec 5>"$dir/pipe"
head -n 8 "$dir/export" >&5
while [ ! -e "$dir/half/importing/journal/CURRENT" ]; do
    kill -0 "$half_pid" || break
done
kill "$half_pid"
wait "$half_pid"
is "a stop during an import: exit code" 143 $?
exec 5>&-
is "a stop during an import: there is no store" importing "$(ls "$dir/half")"
store "and once more" 0 import "$dir/half" <"$dir/export"
is "what was left is cleared" journal "$(ls "$dir/half")"

# --- what an older stompd left ----------------------------------------------

cp -R "${top_srcdir:-.}/test/stompctl/store_v1" "$dir/v1"
chmod -R u+w "$dir/v1"
rm "$dir/v1/README" "$dir/v1/export"
store "format 1" 0 verify "$dir/v1"
like "format 1 is told" ': format 1, ' "$(cat "$dir/out")"
store "format 1 goes out" 0 export "$dir/v1"
is "format 1 is what it was" '' \
    "$(diff "${top_srcdir:-.}/test/stompctl/store_v1/export" "$dir/out")"
mv "$dir/out" "$dir/in"
store "into a new store" 0 import "$dir/v2" <"$dir/in"
store "out of the new store" 0 export "$dir/v2"
is "nothing is lost on the way" '' "$(diff "$dir/in" "$dir/out")"
mv "$dir/data" "$dir/was"
mv "$dir/v1" "$dir/data"
start_broker
"$stompctl" subscribe -n 2 /queue/ORDERS >"$dir/taken"
is "a broker serves what is in format 1" "body 3 body 4" \
    "$(tr '\n' ' ' <"$dir/taken" | sed 's/ $//')"
"$stompctl" send --persistent --receipt --body new /queue/ORDERS
stop_broker
store "a broker has used format 1" 0 verify "$dir/data"
store "a broker has used format 1: out" 0 export "$dir/data"
is "numbers go on, and nothing else has changed" "5 9 40 41" \
    "$(sed -n 's/.*"seq":\([0-9]*\),.*/\1/p' "$dir/out" | tr '\n' ' ' |
        sed 's/ $//')"
is "definitions are kept" 1 "$(grep -c '"name":"note/one"' "$dir/out")"

# --- the manual's examples, as they stand there ----------------------------

# example NAME TEXT: the literal block of the manual that has TEXT, for
# directories of our own, in $dir/example.
example()
{
    awk -v text="$2" '/^\.Bd -literal -offset/ { block = ""; inside = 1; next }
        /^\.Ed/ { if (inside && index(block, text)) printf "%s", block
                  inside = 0 }
        inside { block = block $0 "\n" }' \
        "${top_srcdir:-.}/docs/stompctl.1" |
        sed -e "s|/var/lib/stompd|$dir/old|" -e "s|/srv/stompd|$dir/new|" \
            -e "s|^stompctl|'$stompctl'|" -e "s|  stompctl|  '$stompctl'|" \
            >"$dir/example"
    rm -rf "$dir/new"
    sh "$dir/example" >"$dir/out" 2>"$dir/err"
    is "$1: exit code" 0 $?
}

stompctl=$(realpath "$stompctl")
cd "$dir" || exit 99
top_srcdir=$(cd "$OLDPWD" && realpath "${top_srcdir:-.}")
example "back up and bring back" '<backup'
store "what was brought back" 0 export "$dir/new"
is "it is the backup" '' "$(diff "$dir/backup" "$dir/out")"
sed 's/"body 3"/"poison 3"/' "$dir/backup" >"$dir/in"
mv "$dir/in" "$dir/backup"
example "leave one out" 'import --edited'
store "what is left" 0 export "$dir/new"
is "the others are there" 6 "$(grep -c '"type":"record"' "$dir/out")"
example "repair" 'store repair'
like "nothing to repair" '^no damage: nothing was changed$' "$(cat "$dir/out")"

"$stompctl" store 2>"$dir/err"
is "no command" 64 $?
"$stompctl" store frob "$dir/data" 2>"$dir/err"
is "another command" 64 $?
is "no scratch directory is left" '' "$(ls "$scratch")"
done_testing
