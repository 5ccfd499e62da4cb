"""What is kept in files: another name for another content, and never half a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.kept import keep_arrays, key_of


def test_a_key_is_of_all_that_matters_and_always_the_same() -> None:
    assert key_of(["rows", {"seed": 1}]) == key_of(["rows", {"seed": 1}])
    assert len({key_of(["rows", {"seed": seed}]) for seed in range(9)}) == 9
    assert len(key_of([])) == 16


def test_arrays_come_back_by_name_and_by_place(tmp_path: Path) -> None:
    keep_arrays(tmp_path / "new" / "kept.npz", 7, rows=np.eye(2), name="micro")
    with np.load(tmp_path / "new" / "kept.npz") as stored:
        assert (int(stored["arr_0"]), str(stored["name"])) == (7, "micro")
        np.testing.assert_array_equal(stored["rows"], np.eye(2))


def test_what_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    class Fails:
        def __array__(self, *_: object, **__: object) -> np.ndarray:
            raise OSError("the disk is full")

    path = tmp_path / "kept.npz"
    keep_arrays(path, rows=np.zeros(3))
    with pytest.raises(OSError, match="full"):
        keep_arrays(path, rows=np.ones(3), more=Fails())  # type: ignore[arg-type]
    with np.load(path) as stored:
        np.testing.assert_array_equal(stored["rows"], np.zeros(3))
