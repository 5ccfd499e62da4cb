#!/bin/sh
# verify.sh PYTHON: the long proofs, one after the other. Each is a program in tests/verification that prints its
# result; what it prints goes to docs/verification/NAME.txt under a heading with the command and the date.
set -eu
python=$1
cd "$(dirname "$0")/.."
mkdir -p docs/verification

failed=""
for program in tests/verification/[a-z]*.py; do
    [ -e "$program" ] || break
    name=$(basename "$program" .py)
    result=docs/verification/$name.txt
    echo "verify: $name" >&2
    {
        echo "command: python $program"
        echo "date: $(date -u +%Y-%m-%d)"
        echo "machine: $(uname -s) $(uname -m), $("$python" --version)"
        echo
    } >"$result.new"
    if "$python" "$program" >>"$result.new"; then
        mv "$result.new" "$result"
        tail -n 1 "$result"
    else
        cat "$result.new" >&2
        rm "$result.new"
        failed="$failed $name"
    fi
done
[ -z "$failed" ] || { echo "verify: failed:$failed" >&2; exit 1; }
