#!/bin/sh
# verify.sh PYTHON: the long proofs, one after the other, the short ones first. Each is a program in tests/verification
# that prints its result; what it prints goes to docs/verification/NAME.txt under a heading with the command and the date.
set -eu
python=$1
cd "$(dirname "$0")/.."
mkdir -p docs/verification
"$python" -m pip install --quiet --disable-pip-version-check --editable '.[verify]'

# By minutes; a program that is not named here comes last.
order="satellite clients ending streams soak candidates outages unplug faults day drift one_breath distributed firmware processors raspberrypi container fuzz"
for program in tests/verification/[a-z]*.py; do
    name=$(basename "$program" .py)
    case " $order " in *" $name "*) ;; *) order="$order $name" ;; esac
done

failed=""
for name in $order; do
    program=tests/verification/$name.py
    [ -e "$program" ] || continue
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
