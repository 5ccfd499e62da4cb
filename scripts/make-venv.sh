#!/bin/sh
# make-venv.sh PYTHON DIRECTORY: a virtual environment with pip, also where Debian's python3-venv is missing.
set -eu
python=$1
venv=$2

fail() {
    echo "make-venv: $1" >&2
    rm -rf "$venv"
    exit 1
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
    fail "$python is too old or missing; Python 3.10 to 3.13 is needed, name one with: make PYTHON=python3.12"

"$python" -c 'import ensurepip' 2>/dev/null && exec "$python" -m venv "$venv"

# Debian splits ensurepip off into python3-venv. Any pip that is there already can fill an environment without it.
if "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --without-pip "$venv"
    "$python" -m pip --disable-pip-version-check --quiet --python "$venv/bin/python" install pip && exit 0
    rm -rf "$venv"
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    apt-get -qq update && apt-get -qq install --yes --no-install-recommends "$version" >/dev/null &&
        exec "$python" -m venv "$venv"
fi
fail "$python cannot make virtual environments; as root: apt install python3-venv"
