"""systemd units for the daemon, with as much taken from it as it can do without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

HEAD = """\
# Written by kws install-service.
[Unit]
Description=kws: hears wake words
{after}# However often it fails, it is tried again.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2
WatchdogSec=60
# Programs that it runs it ends itself: killed by another they would count as failed, not as broken off.
KillMode=mixed
TimeoutStopSec=5
"""

SANDBOX = """\
UMask=0077
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
KeyringMode=private
LockPersonality=yes
PrivateMounts=yes
PrivateTmp=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
# Netlink tells zeroconf which network interfaces there are.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
# Sound cards are the only devices. Not set: MemoryDenyWriteExecute, for PortAudio's callbacks are made at run
# time, and ProcSubset, for on Arm the model's runtime reads /proc/cpuinfo.
DevicePolicy=closed
DeviceAllow=char-alsa rw
"""

SYSTEM = """\
DynamicUser=yes
SupplementaryGroups=audio
ConfigurationDirectory=kws
StateDirectory=kws
RuntimeDirectory=kws
WorkingDirectory=/var/lib/kws
ProtectHome=yes
"""

USER = """\
RuntimeDirectory=kws
StateDirectory=kws
WorkingDirectory=%S/kws
# The sound server's socket and Python's environment are there.
ProtectHome=read-only
"""

FOOT = """\

[Install]
WantedBy={target}
"""


def system_unit(command: Sequence[str]) -> str:
    """A unit of the system's manager: a user of its own, ALSA's devices, no home directories."""
    head = HEAD.format(after="After=sound.target network.target\n", command=_line(command))
    return head + SYSTEM + SANDBOX + FOOT.format(target="multi-user.target")


def user_unit(command: Sequence[str]) -> str:
    """A unit of a user's manager, which can use the desktop's sound server."""
    return (
        HEAD.format(after="", command=_line(command)) + USER + SANDBOX + FOOT.format(target="default.target")
    )


def daemon_command(python: str, config: Path) -> list[str]:
    """What ExecStart runs."""
    return [python, "-m", "kws", "daemon", "--config", str(config)]


def _line(command: Sequence[str]) -> str:
    """Quoted as systemd.service(5) has it: "%" and "$" mean something there, and so do quotes and spaces."""
    words = [
        word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
        for word in command
    ]
    return " ".join(f'"{word}"' if any(sign in word for sign in " \t'\"\\;") else word for word in words)
