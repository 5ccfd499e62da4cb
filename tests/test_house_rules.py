"""Who may import whom: the architecture as a table, read from every import statement in the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from inspect import isclass, ismodule
from pathlib import Path

import pytest

import kws

ROOT = Path(__file__).parents[1]
PACKAGES = ("kws", "training", "firmware_export")

NEVER = {
    "kws": ("training", "firmware_export"),
    "training": ("firmware_export",),
    "firmware_export": ("training",),
}
"""A package, and those of ours that it must not know."""

HOMES = {
    "numpy": ("kws/",),
    "ai_edge_litert": ("kws/model.py", "kws/delegates.py", "kws/encoders/", "kws/recognition/signature.py"),
    "flatbuffers": ("kws/encoders/",),
    "micro_features_cpp": ("kws/frontend.py",),
    "soundfile": ("kws/sources/",),
    "soxr": ("kws/sources/",),
    "sounddevice": ("kws/sources/",),
    "aiohttp": ("kws/servers/",),
    "prometheus_client": ("kws/servers/",),
    "wyoming": ("kws/servers/", "kws/sinks/wyoming.py"),
    "zeroconf": ("kws/servers/",),
    "ovos_plugin_manager": ("kws/ovos.py",),
    "paho": ("kws/sinks/mqtt.py",),
    "click": ("kws/cli.py", "kws/commands/"),
    "hassil": ("kws/grammar/",),
    "pocketsphinx": ("kws/grammar/", "kws/recognition/"),
    "unicode_rbnf": ("kws/grammar/",),
    "yaml": ("kws/grammar/",),
    "jiwer": ("kws/evaluation/",),
    "pymicro_wakeword": ("kws/bench",),  # the peer measured beside us
}
"""Where in kws another's package may be imported; one that is not named here, nowhere."""

CORE = (
    *("errors", "event", "detection", "events", "types", "delegates", "runtimes"),
    *("checksum", "digest", "frontend", "encoders", "waveform", "frontends"),
    *("states", "model", "detector", "manifest_keys", "manifest", "fit", "bundle", "engine"),
)
"""Samples in, events out: modules without device, thread or clock; each imports only those before it."""

OUTSIDE_WORLD = {
    "asyncio",
    "concurrent",
    "datetime",
    "multiprocessing",
    "queue",
    "sched",
    "select",
    "selectors",
    "signal",
    "socket",
    "subprocess",
    "threading",
    "time",
}
"""Standard modules of I/O, threads and clocks, which the core does without."""

HEAVY = {"tensorflow", "keras", "scipy", "pyroomacoustics", "tflite_micro"}
"""What firmware export must not ask of anyone either."""


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Full names of all modules that a file imports, at any depth, relative ones resolved."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_are_found_wherever_they_stand(tmp_path, monkeypatch):
    """The reader itself: plain, renamed, in a function, behind TYPE_CHECKING, relative."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = tmp_path / "kws" / "sources" / "some.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import a.b as c\nfrom d.e import f\n"
        "def g():\n    if TYPE_CHECKING:\n        from . import h\n    from ..i import j\n"
    )
    assert set(imported(path)) == {"a.b", "d.e.f", "kws.sources.h", "kws.i.j"}


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_that_must_not_know_each_other(package):
    broken = [place(path) for path in sources(package) if tops(path) & set(NEVER[package])]
    assert broken == []


@pytest.mark.parametrize("path", sources("kws"), ids=place)
def test_each_foreign_package_has_its_home(path):
    foreign = tops(path) - sys.stdlib_module_names - {"kws"}
    strayed = [name for name in foreign if not place(path).startswith(HOMES.get(name, ()) or ("nowhere",))]
    assert strayed == []


def core_files(module: str) -> list[Path]:
    """One file, or those of a package."""
    return [path for path in sources("kws") if place(path).startswith((f"kws/{module}.py", f"kws/{module}/"))]


@pytest.mark.parametrize("module", CORE)
def test_the_core_knows_no_device_thread_or_clock(module):
    assert core_files(module)
    for path in core_files(module):
        assert tops(path) & OUTSIDE_WORLD == set()
        ours = {name.split(".")[1] for name in imported(path) if name.startswith("kws.")}
        assert ours <= set(CORE)


def test_the_core_has_no_cycles():
    """Each core module imports only those before it in the table, a package its own as well."""
    for position, module in enumerate(CORE):
        for path in core_files(module):
            ours = {n.split(".")[1] for n in imported(path) if n.startswith("kws.")}
            assert ours - ({module} if path.parent.name == module else set()) <= set(CORE[:position])


def test_firmware_export_stays_light():
    assert [place(path) for path in sources("firmware_export") if tops(path) & HEAVY] == []


def test_no_file_is_called_utils():
    names = [path for package in (*PACKAGES, "tests", "benchmarks") for path in sources(package)]
    assert [
        place(path) for path in names if path.stem in {"utils", "util", "helpers", "misc", "common"}
    ] == []


@pytest.mark.parametrize(
    ("use", "foreign"),
    [("", {"kws"}), ("[getattr(kws, name) for name in kws.__all__]", {"kws", "numpy"})],
    ids=["imported", "all names"],
)
def test_kws_loads_numpy_and_the_standard_library_only(use, foreign):
    program = (
        f"import sys; before = set(sys.modules); import kws\n{use}\nprint(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert loaded - sys.stdlib_module_names == foreign


def test_the_public_names_are_exactly_those_of_all():
    homes = {name for names in kws._HOMES.values() for name in names}
    public = {name for name in dir(kws) if not name.startswith("_") and not ismodule(getattr(kws, name))}
    assert public - {"TYPE_CHECKING", "import_module"} == homes == set(kws.__all__)


def test_a_name_that_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = kws.Nothing


def test_all_is_sorted_constants_then_classes_then_functions():
    def key(name: str) -> tuple[int, str]:
        return 0 if name.isupper() else 1 if isclass(getattr(kws, name)) else 2, name

    assert kws.__all__ == sorted(kws.__all__, key=key)


def test_every_public_name_is_documented():
    undocumented = [name for name in kws.__all__ if not name.isupper() and not getattr(kws, name).__doc__]
    assert undocumented == []
