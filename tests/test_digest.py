"""Digests stand in the manifests of bundles out in the world: they must never change by themselves."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from kws.bundle import MODELS
from kws.digest import Digested
from kws.encoders.full_band import FullBandConfig
from kws.encoders.lower_layers import LowerLayersConfig
from kws.encoders.rows import EmbeddingRowsConfig
from kws.frontend import FrontendConfig

STATED = [json.loads(path.read_text(encoding="utf-8"))["kws"] for path in sorted(MODELS.glob("*.json"))]


@dataclasses.dataclass(frozen=True)
class Inner(Digested):
    size: int = 1


@dataclasses.dataclass(frozen=True)
class Outer(Digested):
    inner: Inner = dataclasses.field(default_factory=Inner)
    name: str = "x"


def test_bundled_models_state_the_micro_front_ends() -> None:
    stated = {ours["frontend"] for ours in STATED if "frontend" in ours}
    assert stated == {FrontendConfig().digest}


def test_bundled_recognizers_state_their_encoders() -> None:
    stated = {ours["encoder"]["digest"] for ours in STATED if "encoder" in ours}
    assert stated == {FullBandConfig().digest}


@pytest.mark.parametrize("changed", [Outer(name="y"), Outer(inner=Inner(size=2))])
def test_every_field_counts_at_any_depth(changed: Outer) -> None:
    assert changed.digest != Outer().digest == Outer(Inner(1), "x").digest


def test_configs_are_made_without_reading_the_ranges_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training makes them once per take."""
    before = [LowerLayersConfig(), EmbeddingRowsConfig()]
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read"))
    assert [LowerLayersConfig(), EmbeddingRowsConfig()] == before
