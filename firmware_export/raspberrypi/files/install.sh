#!/bin/sh
# install.sh: install kws on this Raspberry Pi from this folder, without a network. Run it again at any time; it
# puts everything back as it should be, and leaves a configuration that is already there.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
home=/opt/kws
. "$here/machine"

die() { echo "install.sh: $1" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "this needs root; run: sudo $0"
found=$(dpkg --print-architecture)
[ "$found" = "$architecture" ] ||
    die "this folder is for $architecture, the system here is $found; export anew with --machine"
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])') || die "there is no python3"
case " $pythons " in
*" $version "*) ;;
*) die "Python here is $version, this folder is for $pythons; export anew for this system" ;;
esac

missing=""
for package in $packages; do
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ] && ls "$here"/debs/*.deb >/dev/null 2>&1; then
    dpkg --install --skip-same-version "$here"/debs/*.deb || die "the packages in debs/ do not fit this system"
elif [ -n "$missing" ]; then
    die "these packages are missing: apt install$missing (or export anew with --debs)"
fi
ldconfig -p | grep -q libportaudio ||
    echo "install.sh: no libportaudio2 here, so no microphone can be heard: apt install libportaudio2" >&2

rm -rf "$home/new"
mkdir -p "$home"
# shellcheck disable=SC2086 # flags
python3 -m venv $venv_flags "$home/new"
# shellcheck disable=SC2086 # flags
"$home/new/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-index \
    --find-links "$here/wheels" \
    $pip_flags $wheels
for part in share selftest; do
    [ ! -d "$here/$part" ] || cp -R "$here/$part" "$home/new/"
done
# Scripts in an environment hold its path, so what was moved is called by its Python.
rm -rf "$home/venv" "$home/models"
mv "$home/new" "$home/venv"
cp -R "$here/model" "$home/models"

mkdir -p /usr/local/bin
cat >/usr/local/bin/kws <<EOF
#!/bin/sh
export KWS_ENGINE="\${KWS_ENGINE:-$engine}"
exec $home/venv/bin/python -m kws "\$@"
EOF
chmod 755 /usr/local/bin/kws

[ -e /etc/kws/kws.toml ] || install -D -m 644 "$here/kws.toml" /etc/kws/kws.toml
mkdir -p /etc/systemd/system/kws.service.d
printf '[Service]\nEnvironment=KWS_ENGINE=%s\n' "$engine" >/etc/systemd/system/kws.service.d/engine.conf

# shellcheck disable=SC2086 # an option, or none
/usr/local/bin/kws selftest $selftest_flags || die "kws does not hear here what it should"
/usr/local/bin/kws install-service --system >/dev/null
[ -d /run/systemd/system ] || ! command -v systemctl >/dev/null || systemctl enable kws.service
echo "install.sh: kws is installed; what it hears: journalctl --follow --unit kws"
