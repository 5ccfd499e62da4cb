"""`kws run` with a recognizer: which options go together, what comes out. The acoustic model is made up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("pocketsphinx")
pytest.importorskip("hassil")
pytest.importorskip("jiwer")

from spoken import saying

import kws.recognition.build
from kws.cli import main
from kws.evaluation.speech_trial import Spoken, try_recognizer
from kws.frontends import MICRO
from kws.recognition.build import build_recognizer
from kws.recognition.bundle import find_recognizer, write_recognizer
from kws.recognition.endpoint import EndpointConfig
from kws.recognition.tokens import PHONES, LogProbs
from kws.types import Rows

STEP_ROWS = 4
GRAMMARS = Path(__file__).parents[1] / "examples" / "grammars"


class Says:
    """An acoustic stage that hears "lights on in the kitchen" in whatever it is given."""

    tokens = PHONES
    step_seconds = STEP_ROWS / 100
    front_end = MICRO

    def __init__(
        self, bundle: object, kind: str = "phones", *, beside: object = None, delegate: object = None
    ) -> None:
        self.reset()

    def push(self, rows: Rows) -> LogProbs:
        self._rows += len(rows)
        heard = self._said[self._steps : self._rows // STEP_ROWS]
        self._steps += len(heard)
        return heard

    def flush(self) -> LogProbs:
        return self._said[:0]

    def reset(self) -> None:
        self._said = np.concatenate([saying("lights on in the kitchen"), saying("", pause=500)])
        self._rows = self._steps = 0


@pytest.fixture
def english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A recognizer's directory, and a recording as the current directory's quiet.wav."""
    monkeypatch.setattr(kws.recognition.build, "AcousticModel", Says)
    monkeypatch.chdir(tmp_path)
    soundfile.write("quiet.wav", np.zeros(8 * 16_000, np.int16), 16_000)
    out = tmp_path / "english"
    write_recognizer(
        out, "english", b"", language="en", tokens={"phones": (0, len(PHONES))}, flush_rows=0, card={}
    )
    assert find_recognizer(out).name == "english"
    return str(out)


def events(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert main(["run", "quiet.wav", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["run", "quiet.wav", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_a_grammar_gives_text_intent_and_slots(english, capsys):
    found = events(capsys, "--model", english, "--grammar", str(GRAMMARS / "home.yaml"))
    assert {event["type"] for event in found} == {"partial", "transcript"}
    (final,) = [event for event in found if event["type"] == "transcript"]
    assert final["text"] == "lights on in the kitchen"
    assert final["intent"] == "TurnOn"
    assert final["slots"] == {"area": "kitchen", "domain": "light"}
    assert final["in_grammar"] is True
    assert final["source"] == "quiet.wav"


def test_another_grammar_says_clearly_that_it_was_not_in_it(english, capsys):
    found = events(capsys, "--model", english, "--grammar", str(GRAMMARS / "digits.jsgf"))
    assert found[-1]["type"] == "transcript"
    assert (found[-1]["in_grammar"], found[-1]["text"], found[-1]["slots"]) == (False, "", {})


def test_without_a_grammar_anything_is_written(english, capsys):
    found = events(
        capsys, "--model", f"{english}/english.json", "--boost", "lights on=1", "--boost", "zanzibar"
    )
    assert found[-1]["type"] == "transcript"
    assert found[-1]["text"] == "lights on in the kitchen"
    assert found[-1]["in_grammar"] is None


def test_phrases_are_spotted(english, capsys):
    (found,) = events(capsys, "--model", english, "--spot", "the kitchen", "--spot", "the garage")
    assert (found["type"], found["name"]) == ("detection", "the kitchen")


def test_after_a_wake_word_that_is_not_said_nothing_is_heard(english, capsys):
    grammar = str(GRAMMARS / "home.yaml")
    assert events(capsys, "--wake", "computer", "--then", english, "--grammar", grammar) == []


def test_a_recognizer_is_measured_on_a_table(english, capsys, tmp_path):
    table = tmp_path / "test.tsv"
    said = "quiet.wav\tLights on in the kitchen\nquiet.wav\tlights off in the kitchen\n"
    table.write_text("path\ttext\n" + said)
    assert main(["eval", english, "--manifest", str(table)]) == 0
    out = capsys.readouterr().out
    assert "10.0 %" in out  # one of ten words
    assert "1 off -> on" in out
    assert "1 of 2 transcripts are wrong\nsearch         0    0.0 %\nmodel          1  100.0 %" in out
    with_grammar = ["eval", english, "--manifest", str(table), "-g", str(GRAMMARS / "home.yaml")]
    assert main(with_grammar) == 0
    out = capsys.readouterr().out
    assert "in the grammar" in out
    assert "1 of 2 transcripts are wrong\nsearch         0    0.0 %\nmodel          1  100.0 %" in out
    assert main([*with_grammar, "--threshold", "1"]) == 0
    out = capsys.readouterr().out
    assert "2 of 2 transcripts are wrong" in out
    assert "threshold      1   50.0 %" in out
    table.write_text("path\ttext\nquiet.wav\tlights in the attic on\n")
    assert main(with_grammar) == 0
    assert "lexicon        1  100.0 %" in capsys.readouterr().out


def test_false_accepts_are_counted_in_recordings_without_a_sentence(english, capsys, tmp_path):
    table, grammar = tmp_path / "test.tsv", str(GRAMMARS / "home.yaml")
    table.write_text("path\ttext\nquiet.wav\tlights on in the kitchen\n")
    measure = ["eval", english, "--manifest", str(table), "--negatives", str(tmp_path / "quiet.wav")]
    assert main([*measure, "-g", grammar]) == 0
    assert "450.00 (" in capsys.readouterr().out  # one in its eight seconds
    assert main([*measure, "-g", grammar, "--threshold", "1"]) == 0
    assert "0 in 0.00 h" in capsys.readouterr().out
    assert main(measure) == 2
    assert "give --grammar" in capsys.readouterr().err


def test_the_page_of_a_trial_says_whether_the_confidence_is_true(english, capsys, tmp_path):
    table, page = tmp_path / "test.tsv", tmp_path / "page.html"
    table.write_text("path\ttext\nquiet.wav\tlights on in the kitchen\nquiet.wav\tlights off & <on>\n")
    for grammar in ([], ["-g", str(GRAMMARS / "home.yaml")]):
        assert main(["eval", english, "--manifest", str(table), "--report", str(page), *grammar]) == 0
        assert f"wrote {page}" in capsys.readouterr().out
        text = page.read_text(encoding="utf-8")
        assert text.count("<svg") == 1
        assert "2 transcripts" in text
        assert "50.0 %" in text  # one of the two is right
        assert "1 of 2 are wrong" in text
        assert "lights off &amp; &lt;on&gt;" in text
    assert main(["eval", english, "--manifest", str(table), "--report", "/nowhere/page.html"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_rescorer_that_is_not_there_is_one_line(english, capsys):
    assert "has no neural language model" in complaint(capsys, "--model", english, "--rescore", "neural-lm")
    assert "has no second pass" in complaint(capsys, "--model", english, "--rescore", "second-pass")


def test_a_language_model_of_ones_own_decides_what_is_written(english, capsys, tmp_path):
    own, table = tmp_path / "own.arpa", tmp_path / "test.tsv"
    lines = [
        "\\data\\",
        "ngram 1=3",
        "",
        "\\1-grams:",
        "-0.5 light",
        "-0.5 song",
        "-0.5 </s>",
        "",
        "\\end\\",
        "",
    ]
    own.write_text("\n".join(lines))
    table.write_text("path\ttext\nquiet.wav\tlights on in the kitchen\n")
    assert main(["run", str(tmp_path / "quiet.wav"), "--model", english, "--language-model", str(own)]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])["text"]
    assert said
    assert set(said.split()) <= {"light", "song"}
    assert main(["eval", english, "--manifest", str(table), "--language-model", str(own)]) == 0
    assert "0.0 %" in capsys.readouterr().out
    with_grammar = ["--model", english, "-g", str(GRAMMARS / "home.yaml"), "--language-model", str(own)]
    assert "leave the language model out" in complaint(capsys, *with_grammar)
    assert "needs a recognizer" in complaint(capsys, "--language-model", str(own))
    assert "none.arpa: cannot be read" in complaint(
        capsys, "--model", english, "--language-model", str(tmp_path / "none.arpa")
    )


def test_a_budget_is_for_wake_words_and_phrases(english, capsys):
    told = complaint(capsys, "--model", english, "--max-false-alarms-per-day", "1")
    assert "is for wake words and --spot" in told


def test_latency_is_counted_from_the_last_word(english, tmp_path):
    spoken = [Spoken(tmp_path / "quiet.wav", "lights on in the kitchen")]
    trial = try_recognizer(build_recognizer(english), spoken)
    (latency,) = trial.latencies
    assert latency == pytest.approx(EndpointConfig().silence, abs=0.2)
    assert trial.blame is None
    assert trial.mistakes.errors == trial.character_error_rate == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path\twords\nx\ty\n", "expected the columns path and text (or label), found path, words"),
        ("path\ttext\nx\t\n", "no row has a text"),
        ("path\ttext\nnone.wav\thello\n", "none.wav: cannot be read"),
    ],
)
def test_a_bad_table_is_one_line(english, capsys, tmp_path, text, message):
    (tmp_path / "bad.tsv").write_text(text)
    assert main(["eval", english, "--manifest", str(tmp_path / "bad.tsv")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--grammar", "x.jsgf"], "x.jsgf: needs a recognizer: --model english"),
        (["--spot", "hello"], "hello: needs a recognizer"),
        (["--wake", "computer"], "--wake: say what comes after the wake word, for example --then english"),
        (["-m", "computer", "-m", "english"], "english is a recognizer; use it alone, or after a wake word"),
        (["-m", "english", "--then", "english"], "--model does not go with --wake and --then"),
        (["-m", "english", "--spot", "a", "--grammar", "b.jsgf"], "b.jsgf: does not go with --spot"),
        (["-m", "english", "--spot", "123"], "the phrase: '123' cannot be said"),
        (["-m", "english", "--spot", ""], "the phrase: expected words, found nothing"),
        (["-m", "english", "--boost", "a=b"], "--boost 'a=b': expected a number of 0 or more after '='"),
        (["-m", "english", "--grammar", "none.jsgf"], "none.jsgf: cannot be read"),
        (["--then", "nowhere"], "nowhere: no such recognizer"),
        (["--model", "english", "--threshold", "0.5"], "needs --grammar; leave it out"),
        (["--wake", "computer", "--then", "english", "--threshold", "0.5"], "needs --grammar; leave it out"),
    ],
    ids=" ".join,
)
def test_what_does_not_go_together_is_one_line(english, capsys, arguments, expected):
    named = [english if argument == "english" else argument for argument in arguments]
    assert expected.replace("english is", f"{english} is") in complaint(capsys, *named).replace(
        f"then {english}", "then english"
    )
