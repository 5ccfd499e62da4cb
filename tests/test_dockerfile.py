"""The Dockerfile, checked without a container engine; tests/verification/container.py runs its steps."""

from __future__ import annotations

import ast
import fnmatch
import importlib
import subprocess
import sys

import pytest
from dockerfile import ROOT, Stage, debian_packages, read_stages

from kws.addresses import split_address
from kws.cli import main
from kws.config_keys import HttpSettings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BUILD, SHIPPED = read_stages()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()


def copied(stage: Stage) -> list[str]:
    """What is copied from the repository."""
    copies = [each.words for each in stage.instructions if each.name == "COPY"]
    return [source for words in copies if not words[0].startswith("--from") for source in words[:-1]]


def test_everything_that_is_copied_is_there_and_not_ignored() -> None:
    sources = copied(BUILD)
    assert sources
    assert copied(SHIPPED) == []
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in IGNORED


def test_what_the_wheel_is_built_from_is_copied() -> None:
    sources = copied(BUILD)
    packages = {name.partition(".")[0] for name in ("kws.cli", "training.cli", "firmware_export.cli")}
    assert packages <= set(sources)
    assert {PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml"} <= set(sources)


def test_what_a_later_stage_takes_an_earlier_one_has_made() -> None:
    (copy,) = (each for each in SHIPPED.instructions if each.name == "COPY")
    stage, source, target = copy.words
    assert stage == f"--from={BUILD.name}"
    assert source == target, "an environment does not work in another place"
    assert any(f"venv {source} " in each.value for each in BUILD.instructions if each.name == "RUN")
    assert BUILD.base == SHIPPED.base, "its Python must be the one it was made with"


def test_the_extras_that_are_installed_exist() -> None:
    (install,) = (each for each in BUILD.instructions if "pip install" in each.value)
    extras = [word[2:-1] for word in install.words if word.startswith(".[")]
    assert extras
    assert set(extras) <= set(PROJECT["optional-dependencies"])


@pytest.mark.debian("libportaudio2")
def test_debian_has_every_package() -> None:
    packages = debian_packages([BUILD, SHIPPED])
    assert "libportaudio2" in packages
    listed = known_to_apt("bash")  # without lists apt knows only what is installed
    assert [name for name in packages if not known_to_apt(name) and listed] == []


def known_to_apt(package: str) -> bool:
    """Whether there is such a package, by that very name."""
    found = subprocess.run(["apt-cache", "show", package], capture_output=True, text=True, check=False)
    return found.returncode == 0 and f"Package: {package}\n" in found.stdout


def test_its_entry_point_and_command_are_ours(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = SHIPPED.only("ENTRYPOINT").words
    module, _, function = PROJECT["scripts"][program].partition(":")
    assert callable(getattr(importlib.import_module(module), function))
    assert main([*SHIPPED.only("CMD").words, "--help"]) == 0
    assert "Listen for months" in capsys.readouterr().out


def test_its_health_check_asks_where_the_daemon_answers() -> None:
    words = SHIPPED.only("HEALTHCHECK").value.partition("CMD ")[2]
    _, _, program = ast.literal_eval(words)
    (url,) = (node.value for node in ast.walk(ast.parse(program)) if is_url(node))  # type: ignore[attr-defined]
    address, _, path = url.removeprefix("http://").partition("/")
    assert split_address(address) == split_address(HttpSettings().address)
    assert path == "healthz"


def is_url(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and str(node.value).startswith("http")


def test_it_does_not_run_as_root() -> None:
    user = SHIPPED.only("USER").value
    created = [each.value for each in SHIPPED.instructions if each.name == "RUN" and "useradd" in each.value]
    assert user != "root"
    assert created[0].endswith(f" {user}")


def test_nothing_else_of_the_repository_gets_in() -> None:
    assert IGNORED[0] == "*"
    assert not any(fnmatch.fnmatch(".git", line.removeprefix("!")) for line in IGNORED[1:] if line[0] == "!")
