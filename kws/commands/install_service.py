"""`kws install-service`: run the daemon from the start of the computer, or of a session, on."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from kws.commands.units import daemon_command, system_unit, user_unit
from kws.errors import KwsError

UNIT = "kws.service"
FIRST_CONFIGURATION = """\
# kws daemon. Every key is described in docs/daemon.md; after a change: systemctl {user}reload kws

[[model]]
name = "computer"

[[sink]]
uri = "stdout:"   # the journal: journalctl {user}-u kws

# [[sink]]
# uri = "mqtt://localhost/kws"
# spool = "mqtt.spool"   # what waits for the broker outlives a restart
"""
HOMES = ("/home", "/root", "/run/user")
"""What ProtectHome=yes hides."""


@dataclass(frozen=True)
class Places:
    """Where things go."""

    unit: Path
    config: Path
    flag: str
    """What systemctl is told, "" or "--user "."""


@click.command("install-service")
@click.option("--user/--system", "for_user", default=None, help="Which systemd manager; --system for root.")
@click.option(
    "--root", type=click.Path(path_type=Path), help="Write below this directory, and start nothing."
)
@click.option("--print", "only_print", is_flag=True, help="Print the unit, and change nothing.")
@click.option("--start/--no-start", default=True, help="Enable and start it.  [default: start]")
def install_service(for_user: bool | None, root: Path | None, only_print: bool, start: bool) -> None:
    """Run kws daemon as a systemd service.

    Writes a hardened unit and, where there is none, a first configuration;
    says what it did and how to undo it.
    """
    user = os.geteuid() != 0 if for_user is None else for_user
    places = places_of(user)
    unit = (user_unit if user else system_unit)(daemon_command(sys.executable, places.config))
    if only_print:
        click.echo(unit, nl=False)
        return
    if not user:
        check_reachable(sys.prefix, sys.base_prefix)
    written = [_write(below(root, places.unit), unit)]
    if not below(root, places.config).exists():
        written.append(_write(below(root, places.config), FIRST_CONFIGURATION.format(user=places.flag)))
    if start and root is None:
        _start(places)
    systemctl = f"systemctl {places.flag}"
    click.echo(
        f"to undo it:\n  {systemctl}disable --now {UNIT}\n"
        f"  rm {shlex.join(map(str, written))}\n  {systemctl}daemon-reload"
    )


def places_of(user: bool) -> Places:
    """For the user's manager or the system's."""
    if not user:
        return Places(Path("/etc/systemd/system", UNIT), Path("/etc/kws/kws.toml"), "")
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Places(home / "systemd" / "user" / UNIT, home / "kws" / "kws.toml", "--user ")


def check_reachable(*prefixes: str) -> None:
    """Raise KwsError if Python or its packages are in a home directory, which the system's unit hides."""
    for prefix in prefixes:
        if any(Path(prefix).resolve().is_relative_to(home) for home in HOMES):
            raise KwsError(
                f"{prefix}: is in a home directory, which the system's service must not see; install kws "
                "elsewhere, for example into /opt/kws, or use --user"
            )


def below(root: Path | None, path: Path) -> Path:
    """The path inside another root directory."""
    return path if root is None else root / path.relative_to("/")


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KwsError(
            f"{path}: cannot be written ({error.strerror}); run this as root, or with --user"
        ) from error
    click.echo(f"wrote {path}")
    return path


def _start(places: Places) -> None:
    systemctl = shutil.which("systemctl")
    if not systemctl or not Path("/run/systemd/system").exists():
        click.echo("systemd does not run here; the service starts when it does, once enabled")
        return
    for arguments in (["daemon-reload"], ["enable", UNIT], ["restart", UNIT]):
        command = [systemctl, *places.flag.split(), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            raise KwsError(f"{' '.join(command)}: {said}; the unit is written, mend that and run it again")
        click.echo(f"ran {' '.join(command)}")
