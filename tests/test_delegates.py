"""External delegates: a real one, built here, takes operators from the processor and gives them back."""

from __future__ import annotations

import logging
from pathlib import Path

import community
import delegate as library
import numpy as np
import pytest

from kws.assembly import build_engine
from kws.bundle import bundled_names, find_bundle
from kws.cli import main
from kws.config import read_config
from kws.delegates import Delegate, delegate_problem, parse_delegate
from kws.errors import ConfigError, DelegateError
from kws.model import StreamingModel
from kws.selftest import bundled_recordings

MODEL = community.tflite("alexa")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library.build(tmp_path_factory.mktemp("delegate") / "logistic.so")


def rows(count: int = 300, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, (count, 40)).astype(np.int8)


def heard(model: Path, delegate: Delegate | None, count: int = 300) -> np.ndarray:
    return StreamingModel(model, delegate=delegate).push(rows(count))


@pytest.mark.parametrize(
    ("text", "named", "options"),
    [
        ("x.so", "x.so", {}),
        ("x.so:a=1", "x.so", {"a": "1"}),
        ("/opt/x.so:a=1:b-c=two words", "/opt/x.so", {"a": "1", "b-c": "two words"}),
        ("libedgetpu.so.1:device=usb:0:verbose=1", "libedgetpu.so.1", {"device": "usb:0", "verbose": "1"}),
        (r"C:\x.dll:a=b=c", r"C:\x.dll", {"a": "b=c"}),
        ("x.so:empty=", "x.so", {"empty": ""}),
    ],
)
def test_path_and_options_are_told_apart(text, named, options):
    found = parse_delegate(text)
    assert (found.path, dict(found.options), str(found)) == (named, options, text)
    assert delegate_problem(text) == ""


@pytest.mark.parametrize("text", [":a=1", "x.so:a=1:a=2"])
def test_what_names_no_delegate_is_refused(text):
    with pytest.raises(DelegateError, match=r"names no library|gives an option twice"):
        parse_delegate(text)
    assert "PATH" in delegate_problem(text)


@pytest.mark.debian("gcc")
@pytest.mark.parametrize("name", bundled_names())
def test_a_delegate_computes_as_the_processor_does(built, name):
    model = find_bundle(name).model_path
    opened = StreamingModel(model, delegate=Delegate(str(built)))
    assert opened.delegate is not None
    np.testing.assert_array_equal(opened.push(rows()), heard(model, None))


@pytest.mark.debian("gcc")
def test_the_delegate_really_computes(built):
    """Options reach it, and what it gets wrong is wrong in the outputs."""
    assert not np.array_equal(heard(MODEL, Delegate(str(built), {"error": "9"})), heard(MODEL, None))


@pytest.mark.debian("gcc")
def test_reset_and_pieces_change_nothing(built):
    model = StreamingModel(MODEL, delegate=Delegate(str(built)))
    whole = model.push(rows())
    model.reset()
    np.testing.assert_array_equal(np.concatenate([model.push(rows()[:100]), model.push(rows()[100:])]), whole)


@pytest.mark.debian("gcc")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"refuse": "1"}, "will not compute alexa.tflite (no graph pleases this delegate"),
        ({"device": "7"}, "refuses to start (no such device)"),
        ({"colour": "red"}, "refuses to start (an option is unknown)"),
    ],
)
def test_a_delegate_that_refuses_leaves_the_model_to_the_processor(built, caplog, options, message):
    falls_back(Delegate(str(built), options), message, caplog)


@pytest.mark.debian("gcc")
def test_a_library_that_is_no_delegate_is_named(tmp_path, caplog):
    source = tmp_path / "other.c"
    source.write_text("int answer(void);\nint answer(void) { return 42; }\n")
    other = library.build(tmp_path / "other.so", source=source)
    falls_back(Delegate(str(other)), "it lacks tflite_plugin_create_delegate", caplog)


def test_a_library_that_is_missing_is_named(tmp_path, caplog):
    falls_back(Delegate(str(tmp_path / "none.so")), "none.so: cannot be loaded", caplog)


def test_a_file_that_is_no_library_is_named(tmp_path, caplog):
    (tmp_path / "text.so").write_text("no library")
    falls_back(Delegate(str(tmp_path / "text.so")), "text.so: cannot be loaded", caplog)


def falls_back(delegate: Delegate, message: str, caplog: pytest.LogCaptureFixture) -> None:
    """One warning with the message, and the processor's outputs, also after a reset."""
    with caplog.at_level(logging.WARNING):
        model = StreamingModel(MODEL, delegate=delegate)
        outputs = model.push(rows())
        model.reset()
    assert model.delegate is None
    assert len(caplog.records) == 1
    assert message in caplog.text
    assert "the processor computes alexa.tflite instead" in caplog.text
    np.testing.assert_array_equal(outputs, heard(MODEL, None))
    np.testing.assert_array_equal(model.push(rows()), outputs)


@pytest.mark.debian("gcc")
def test_a_device_that_goes_away_is_replaced_by_the_processor(built, caplog):
    model = StreamingModel(MODEL, delegate=Delegate(str(built), {"fail_after": "50"}))
    model.push(rows(100))
    with caplog.at_level(logging.WARNING):
        outputs = model.push(rows(300))
    assert "has failed" in caplog.text
    assert "the device is gone" in caplog.text
    fresh = StreamingModel(MODEL)
    np.testing.assert_array_equal(outputs, fresh.push(np.concatenate([rows(100)[99:], rows(300)])))


@pytest.mark.debian("gcc")
def test_selftest_compares_a_delegate_with_the_processor(built, capsys):
    assert main(["selftest", "--delegate", str(built)]) == 0
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if "against the processor: 0 of" in line]
    assert main(["selftest", "--delegate", f"{built}:error=4"]) == 1
    assert "against the processor: 0 of" not in capsys.readouterr().out


def test_selftest_of_a_delegate_that_does_not_compute_fails(tmp_path, capsys):
    assert main(["selftest", "--delegate", str(tmp_path / "none.so")]) == 2
    assert "none.so: did not compute" in capsys.readouterr().err


@pytest.mark.parametrize("model", ["computer", "english"])
def test_a_command_goes_on_without_its_delegate(tmp_path, capsys, caplog, model):
    recording = str(bundled_recordings()[0].audio)
    assert main(["run", recording, "--model", model]) == 0
    plain = capsys.readouterr().out
    assert main(["run", recording, "--model", model, "--delegate", str(tmp_path / "none.so")]) == 0
    assert capsys.readouterr().out == plain
    assert f"the processor computes {model}.tflite instead" in caplog.text


def test_an_option_that_names_no_library_is_refused(capsys):
    assert main(["run", "x.wav", "--delegate", ":a=1"]) == 2
    assert "names no library" in capsys.readouterr().err


@pytest.mark.debian("gcc")
def test_a_configuration_names_a_delegate_for_each_model(built):
    tables = [{"name": "computer", "delegate": f"{built}:error=0"}, {"name": "jarvis"}]
    speech = {"recognizer": "english", "delegate": str(built)}
    engine = build_engine(read_config({"model": tables, "speech": speech}, "kws.toml"))
    assert [word.model.delegate for word in engine.wake_words] == [Delegate(str(built), {"error": "0"}), None]


def test_a_configuration_with_half_a_delegate_is_refused():
    with pytest.raises(ConfigError, match=r'delegate: found ":a=1"; allowed is "PATH"'):
        read_config({"model": [{"name": "computer", "delegate": ":a=1"}]}, "kws.toml")
