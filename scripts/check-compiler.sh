#!/bin/sh
# check-compiler.sh PYTHON: can this machine build pyworld, which has no wheels for Linux? One line if it cannot.
set -eu
python=$1

[ "$(uname -s)" = Linux ] || exit 0
"$python" -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("pyworld"))' && exit 0

missing=""
for compiler in ${CXX:-c++ g++ clang++} none; do
    command -v "${compiler%% *}" >/dev/null && break
done
[ "$compiler" != none ] || missing=" a C++ compiler (Debian: g++)"
headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
[ -e "$headers/Python.h" ] || {
    package=$("$python" -c 'import sys; print("python%d.%d-dev" % sys.version_info[:2])')
    missing="$missing${missing:+ and} Python's headers in $headers (Debian: $package)"
}
[ -n "$missing" ] || exit 0
echo "check-compiler: the tests need pyworld, which is built from source here; install$missing" >&2
exit 1
