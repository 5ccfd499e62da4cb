#!/bin/sh
# install-test-packages.sh PYTHON: install the Debian packages that the tests use, those missing, if this may be done
# without asking for a password. Otherwise name them: without them the tests marked "debian" are skipped.
set -eu

packages="chromium chromium-driver cmake espeak-ng festival festvox-kallpc16k flite g++ gcc gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf gcc-arm-none-eabi \
gcc-riscv64-unknown-elf libasound2-plugins libc6-dev-arm64-cross libc6-dev-armhf-cross libnewlib-arm-none-eabi libportaudio2 make mosquitto picolibc-riscv64-unknown-elf \
pulseaudio pulseaudio-utils qemu-system-arm qemu-system-misc qemu-user-static systemd"

# Debian's own Python comes without the headers that pyworld is built with; another brings its own.
headers=$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))' 2>/dev/null || true)
case $headers in
/usr/include/*) packages="$packages ${headers##*/}-dev" ;;
esac

command -v dpkg-query >/dev/null || {
    echo "not a Debian system: tests that need one of these are skipped: $packages" >&2
    exit 0
}

missing=""
for package in $packages; do
    state=$(dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    case $state in
    ii*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo --non-interactive true 2>/dev/null; then
    as_root="sudo --non-interactive"
else
    echo "tests that need these Debian packages are skipped:$missing" >&2
    echo "to run them too: sudo apt install$missing" >&2
    exit 0
fi

echo "installing for the tests:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words is meant
{ $as_root apt-get -qq update && $as_root apt-get -qq install --yes --no-install-recommends $missing; } >/dev/null ||
    echo "could not install them; tests that need them are skipped" >&2
