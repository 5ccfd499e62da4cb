#!/bin/sh
# uninstall.sh [--purge]: remove what install.sh brought; --purge also removes the configuration and what
# the daemon and root's commands kept.
set -eu

[ "$(id -u)" = 0 ] || { echo "uninstall.sh: this needs root; run: sudo $0" >&2; exit 1; }
if [ -d /run/systemd/system ]; then
    systemctl disable --now kws.service 2>/dev/null || true
fi
rm -rf /opt/kws /usr/local/bin/kws /etc/systemd/system/kws.service /etc/systemd/system/kws.service.d \
    /etc/systemd/system/multi-user.target.wants/kws.service
[ ! -d /run/systemd/system ] || systemctl daemon-reload
if [ "${1:-}" = --purge ]; then
    rm -rf /etc/kws /var/lib/kws /var/lib/private/kws /root/.cache/kws
elif [ -e /etc/kws ]; then
    echo "uninstall.sh: /etc/kws is left; uninstall.sh --purge removes that too"
fi
