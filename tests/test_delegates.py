"""External delegates: a real one, built here, takes operators from the processor and gives them back."""

from __future__ import annotations

import logging
from pathlib import Path

import community
import delegate as library
import numpy as np
import pytest

from kws.bundle import bundled_names, find_bundle
from kws.delegates import Delegate, DelegateError, delegate_problem, parse_delegate
from kws.model import StreamingModel

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
    assert (found.library, dict(found.options), str(found)) == (named, options, text)
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
