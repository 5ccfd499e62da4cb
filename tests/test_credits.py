"""Cards name the licence and the source of everything a model was trained on."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import training.cli
from kws.bundle import bundled_names, find_bundle
from training.cli import Job, train
from training.credits import data_credits, generator_credits, voice_credits
from training.data.manifest import Clip
from training.recipe import RECIPES, find_recipe, short_name
from training.synth import Voice


@pytest.mark.recordings
def test_every_corpus_under_the_data_root_is_credited(clips: list[Clip]) -> None:
    counts = {clip.corpus: 1 for clip in clips}
    for corpus, credit in data_credits(counts).items():
        assert set(credit) == {"licence", "source", "home"}, corpus
        assert credit["home"].startswith("https://"), corpus


def test_downloads_are_credited_by_the_catalogue_and_others_said_to_be_unknown() -> None:
    found = data_credits({"musan": 3, "mine": 2, "synthetic words": 7})
    assert found["musan"]["home"] == "https://www.openslr.org/17/"
    assert found["mine"]["licence"].startswith("not recorded")
    assert list(found) == ["musan", "mine"]


def test_voices_are_counted_by_synthesizer() -> None:
    def speak(text: str, speed: float, pitch: float) -> tuple[object, int]:
        raise AssertionError("nothing is to be spoken")

    voices = [Voice(name, speak, licence) for name, licence in (("a:1", "X"), ("a:2", "X"), ("b:1", "Y"))]
    assert voice_credits(voices) == {
        "a": {"voices": 2, "licence": "X"},
        "b": {"voices": 1, "licence": "Y"},
    }


def test_what_the_generator_learned_from_is_named_where_it_has_spoken() -> None:
    assert generator_credits({"synthetic words": 7}) == {}
    found = generator_credits({"generated words": 7, "libri": 1})["generator"]
    assert found["licence"] == "Apache-2.0"
    assert set(found["credits"]) == set(found["data"])
    assert all(credit["home"].startswith("https://") for credit in found["credits"].values())


@pytest.mark.parametrize("recipe", ["gru", "dscnn", "embedding_head"])
def test_the_cards_command_gives_the_same_job_again(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[Job] = []
    monkeypatch.setattr(training.cli, "run", jobs.append)
    first = ["hey  Computer's", "-o", "my out", "--recipe", recipe, "--seed", "7", "--synthetic-only"]
    assert CliRunner().invoke(train, first, catch_exceptions=False).exit_code == 0
    program, name, *again = shlex.split(jobs[0].command)
    assert (program, name) == ("kws", "train")
    assert CliRunner().invoke(train, again, catch_exceptions=False).exit_code == 0
    assert dataclasses.replace(jobs[0], started=0) == dataclasses.replace(jobs[1], started=0)
    assert f"--recipe {recipe} " in jobs[0].command


def test_a_recipe_is_found_by_name_or_path(tmp_path: Path) -> None:
    assert find_recipe("gru") == RECIPES / "gru.toml"
    assert find_recipe(tmp_path / "gru.toml") == tmp_path / "gru.toml"
    assert short_name(tmp_path / "gru.toml") == str(tmp_path / "gru.toml")


@pytest.mark.parametrize("name", bundled_names())
def test_the_bundled_models_credit_all_their_data(name: str) -> None:
    card = find_bundle(name).card
    assert card["credits"] == data_credits(card["data"])
    assert all(credit.get("home") for credit in card["credits"].values())
    parts = shlex.split(card["command"])
    assert find_recipe(parts[parts.index("--recipe") + 1]).is_file()
