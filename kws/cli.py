"""The command `kws`: finds a subcommand, runs it, and turns every failure into one line.

Nothing but click is imported here; a subcommand's module comes with its call. Other packages add
theirs through the entry-point group `kws.commands`.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

from kws.errors import KwsError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

BUILT_IN = {
    "bench": "kws.commands.bench",
    "config": "kws.commands.config",
    "daemon": "kws.commands.daemon",
    "devices": "kws.commands.devices",
    "doctor": "kws.commands.doctor",
    "eval": "kws.commands.eval",
    "info": "kws.commands.models",
    "install-service": "kws.commands.install_service",
    "listen": "kws.commands.run",
    "models": "kws.commands.models",
    "monitor": "kws.commands.monitor",
    "run": "kws.commands.run",
    "scores": "kws.commands.scores",
    "selftest": "kws.commands.selftest",
    "serve": "kws.commands.serve",
}
"""Subcommand -> the module that holds a click command of that name, with _ for -."""

BAD_INPUT = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
"""Exit codes: what the user gave cannot be used; 128 + SIGINT; 128 + SIGPIPE, as a shell reports them."""


class Subcommands(click.Group):
    """The built-in subcommands and those that installed packages offer, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, sorted."""
        return sorted({*BUILT_IN, *_offered()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None; other packages' entry points are read only for names not built in."""
        if cmd_name in BUILT_IN:
            module = import_module(BUILT_IN[cmd_name])
            command: click.Command = getattr(module, cmd_name.replace("-", "_"))
            return command
        entry = _offered().get(cmd_name)
        return Offered(entry) if entry else None

    def invoke(self, ctx: click.Context) -> object:
        """Run the subcommand; Ctrl-C and a pipe without a reader end it quietly, where click would print."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _discard_output()
            raise click.exceptions.Exit(BROKEN_PIPE) from None


class Offered(click.Command):
    """A subcommand of another package, standing in for it until it is called."""

    def __init__(self, entry: EntryPoint) -> None:
        super().__init__(entry.name, short_help=f"(from the package {entry.module.partition('.')[0]})")
        self._entry = entry

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """The real command's context: from here on the real command runs."""
        command: click.Command = self._entry.load()
        return command.make_context(info_name, args, parent, **extra)


@click.group(
    cls=Subcommands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="kws", message="%(version)s")
@click.pass_context
def kws(context: click.Context) -> None:
    """Hear wake words in recordings, raw audio or a microphone."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code. All that goes wrong is one line on standard error."""
    _occupy_standard_descriptors()
    try:
        code = kws.main(args=arguments, prog_name="kws", standalone_mode=False)
        if sys.stdout is not None:  # closed
            sys.stdout.flush()
    except KwsError as error:
        return _complain(str(error))
    except click.ClickException as error:
        return _complain(_usage(error))
    except ModuleNotFoundError as error:
        return _complain(_missing(error))
    except click.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except OSError as error:
        if not _is_of_output(error):
            raise
        _discard_output()
        return _complain(f"standard output: cannot be written ({error.strerror}); send it elsewhere")
    return code if isinstance(code, int) else 0


def report(error: KwsError) -> None:
    """Say what went wrong, for commands that go on with the next file."""
    line = " ".join(str(error).split())
    click.echo(f"kws: {line}".encode("utf-8", "backslashreplace").decode(), err=True)


def _complain(text: str) -> int:
    report(KwsError(text))
    return BAD_INPUT


def _usage(error: click.ClickException) -> str:
    if not isinstance(error, click.UsageError):
        return error.format_message()  # what is wrong is no part of the command line
    context: click.Context | None = getattr(error, "ctx", None)
    command = context.command_path if context else "kws"
    place = f"{context.info_name}: " if context and context.parent else ""
    return f"{place}{error.format_message()} See {command} --help"


def _missing(error: ModuleNotFoundError) -> str:
    extra = _extra_with(error.name or "")
    if extra is None:
        raise error
    return f"{error.name} is not installed; add it with: pip install 'kws[{extra}]'"


def _extra_with(module: str) -> str | None:
    """The extra of our own package whose requirements bring in this module."""
    from importlib.metadata import requires

    wanted = module.partition(".")[0].replace("_", "-")
    for requirement in requires("kws") or ():
        needed, _, marker = requirement.partition(";")
        if needed.startswith(wanted) and "extra ==" in marker:
            return marker.split("extra ==")[1].strip(" '\"")
    return None


def _offered() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group="kws.commands")}


def _occupy_standard_descriptors() -> None:
    """Open what the caller closed of 0, 1 and 2 on the null device: no file may come to stand there, for C
    libraries would write their notices into it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free


def _is_of_output(error: OSError) -> bool:
    """Whether standard output failed: what it could not write is still in its buffer, and fails again.

    Without a buffer (PYTHONUNBUFFERED) the errors of full or broken outputs are taken for its own.
    """
    if sys.stdout is None:
        return False
    try:
        sys.stdout.flush()
    except OSError as again:
        return again.errno == error.errno
    unbuffered = getattr(sys.stdout, "write_through", False)
    return unbuffered and error.filename is None and error.errno in {errno.ENOSPC, errno.EFBIG, errno.EIO}


def _discard_output() -> None:
    # The interpreter flushes standard output once more at its end, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
