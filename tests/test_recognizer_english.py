"""The bundled recognizer: small enough, true to its card, and the same however the audio is cut."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kws.frontends import new_front_end
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import find_recognizer
from kws.types import Samples


@pytest.fixture(scope="module")
def model() -> AcousticModel:
    return AcousticModel(find_recognizer("english"))


def test_it_fits_where_it_is_meant_to_run() -> None:
    bundle = find_recognizer("english")
    assert bundle.model_path.stat().st_size <= 2_000_000
    assert set(bundle.tokens) == {"phones", "characters"}


@pytest.mark.recordings
def test_any_split_gives_the_same(model: AcousticModel, recording: Callable[[str, str], Samples]) -> None:
    rows = new_front_end(model.front_end).push(recording("libri-test-clean", ""))
    model.reset()
    whole = np.concatenate([model.push(rows), model.flush()])
    model.reset()
    cuts = np.sort(np.random.default_rng(1).integers(len(rows), size=9))
    pieces = [model.push(part) for part in np.split(rows, cuts)]
    np.testing.assert_array_equal(np.concatenate([*pieces, model.flush()]), whole)


@pytest.mark.recordings
@pytest.mark.tensorflow
def test_it_reads_as_its_card_says(tmp_path) -> None:
    """On 40 utterances of each dev set; a front end or a model out of step would read nothing right."""
    pytest.importorskip("tensorflow")
    from training.recognizer.material import dev_sets
    from training.recognizer.publish import measure_bundle

    bundle = find_recognizer("english")
    sets = dev_sets(tmp_path, most=40, encoder=bundle.encoder)
    for name, stated in bundle.card["greedy_errors_percent"]["int8"].items():
        assert measure_bundle(bundle, sets[name]).phones == pytest.approx(stated["phones"], abs=12), name
