"""Write the C99 project of a bundle into a directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firmware_export.boards import Board, check_fit
from firmware_export.c99 import text
from firmware_export.c99.frontend_tables import constants, tables
from firmware_export.c99.lowering import lower
from firmware_export.c99.memory import plan
from firmware_export.c99.program import Place, Program
from firmware_export.graph import read_graph
from firmware_export.output import Report, write_files
from kws.bundle import Bundle
from kws.detector import DetectorConfig
from kws.frontend import FrontendConfig
from kws.runtimes import Model

SOURCES = Path(__file__).parent / "sources"

CODE_BYTES = 12_000
"""Of the engine's machine code on a Cortex-M, rounded up; docs/firmware.md has what was measured."""


@dataclass(frozen=True)
class Project:
    """Everything that is generated for one model."""

    name: str
    labels: tuple[str, ...]
    program: Program
    arena_bytes: int
    detector: DetectorConfig
    stride: int

    @property
    def threshold_sum(self) -> int:
        """The smallest sum of outputs at which the desktop's detector fires; if none, more than any sum."""
        window = self.detector.window
        scores = np.arange(255 * window + 1) * (self.detector.output_scale / window)
        return int(np.count_nonzero(scores.astype(np.float32) < np.float32(self.detector.threshold)))

    @property
    def flash_bytes(self) -> int:
        """Of constants and code."""
        front_end = sum(values.size * _BYTES_OF[kind] for kind, values in tables(FrontendConfig()).values())
        return CODE_BYTES + front_end + self.program.constant_bytes

    @property
    def sizes(self) -> dict[str, int]:
        """Macros of the struct's arrays and its whole size."""
        frontend = FrontendConfig()
        labels, history = len(self.labels), _up(self.detector.window, 4)
        work = _up(max(self.arena_bytes, 2 * frontend.fft_size), 4)
        held = _up(self.stride * frontend.channels, 4)
        frontend_bytes = 4 * frontend.channels + 4 + _up(2 * frontend.window_samples, 4)
        fixed = 16 + 16 * (labels + 3) + labels * (16 + history) + frontend_bytes + work + held
        total = _up(fixed + self.program.state_bytes + 1, 8)
        return {
            "KWS_HISTORY_BYTES": history,
            "KWS_ARENA_BYTES": max(self.arena_bytes, 1),
            "KWS_INPUT_BYTES": held,
            "KWS_STATE_BYTES": total - fixed,
            "KWS_SIZE": total,
        }


_BYTES_OF = {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4}


def prepare(bundle: Bundle) -> Project:
    """Read, check and translate; nothing is written. Raises BundleError or ExportError."""
    model = bundle.open_model()  # first: a damaged or unfit file is refused in LiteRT's own words
    return _project(bundle, model, lower(read_graph(bundle.model_path)))


def without_model(bundle: Bundle) -> Project:
    """Front end and detector alone, for a model that another interpreter runs. Raises BundleError."""
    return _project(bundle, bundle.open_model(), Program())


def _project(bundle: Bundle, model: Model, program: Program) -> Project:
    return Project(
        name=bundle.name,
        labels=bundle.labels,
        program=program,
        arena_bytes=plan(program),
        detector=bundle.detector_config(model),
        stride=model.stride,
    )


def export(bundle: Bundle, directory: Path, board: Board | None) -> Report:
    """The whole project; raises BundleError or ExportError before anything is written."""
    project = prepare(bundle)
    if board:
        check_fit(
            board, read_graph(bundle.model_path), flash=project.flash_bytes, ram=project.sizes["KWS_SIZE"]
        )
    files = {path: content.encode() for path, content in generated(project).items()}
    files |= {str(path.relative_to(SOURCES)): path.read_bytes() for path in hand_written()}
    return write_files(directory, "c99", bundle, files, _facts(project))


def hand_written() -> list[Path]:
    """The sources that are the same for every model."""
    return sorted(path for path in SOURCES.rglob("*") if path.is_file())


def generated(project: Project) -> Mapping[str, str]:
    """Path -> text of what depends on the model or on FrontendConfig."""
    return {
        "include/kws_config.h": _config(project),
        "generated/kws_frontend_tables.c": _frontend_tables(),
        "generated/kws_model.c": _model(project),
    }


def _facts(project: Project) -> dict[str, int]:
    return {
        "ram_bytes": project.sizes["KWS_SIZE"],
        "arena_bytes": project.arena_bytes,
        "constant_bytes": project.flash_bytes - CODE_BYTES,
        "multiplications_per_step": project.program.multiplications,
    }


def _config(project: Project) -> str:
    detector = project.detector
    values: dict[str, int | str] = {
        **constants(FrontendConfig()),
        "KWS_STRIDE": project.stride,
        "KWS_LABELS": len(project.labels),
        "KWS_WINDOW_STEPS": detector.window,
        "KWS_THRESHOLD_SUM": f"{project.threshold_sum}u",
        "KWS_REFRACTORY_STEPS": detector.refractory,
        "KWS_WARMUP_STEPS": detector.warmup,
        **project.sizes,
    }
    return (
        f"{text.GENERATED}\n/* Front end {FrontendConfig().digest}, model {project.name}. */\n"
        f"#ifndef KWS_CONFIG_H\n#define KWS_CONFIG_H\n\n{text.macros(values)}\n#endif\n"
    )


def _frontend_tables() -> str:
    arrays = [
        text.array(kind, name, values, static=False)
        for name, (kind, values) in tables(FrontendConfig()).items()
    ]
    return f'{text.GENERATED}\n#include "frontend.h"\n\n' + "\n".join(arrays)


def _model(project: Project) -> str:
    program = project.program
    labels = ", ".join(text.string(label) for label in project.labels)
    arrays = [text.array(kind, name, values, static=True) for name, (kind, values) in program.arrays.items()]
    layers = [text.struct(kind, name, members) for name, (kind, members) in program.layers.items()]
    return "\n".join(
        [
            f'{text.GENERATED}\n#include "model.h"\n\n#include <string.h>\n',
            '#include "kernels.h"\n#include "kws.h"\n',
            f"const char *const kws_labels[KWS_LABELS] = {{{labels}}};\n",
            *arrays,
            *layers,
            _reset(program),
            _step(program),
        ]
    )


def _reset(program: Program) -> str:
    lines = [
        f"    memcpy({Place(buffer).text}, {program.initial[name]}, {buffer.bytes}); /* {_comment(name)} */"
        for name, buffer in program.variables.items()
    ]
    body = "\n".join(lines or ["    (void)state;"])
    return f"void kws_model_reset(int8_t *state)\n{{\n{body}\n}}\n"


def _step(program: Program) -> str:
    lines = [f"    /* {_comment(call.note)} */\n    {call.text}" for call in program.calls]
    unused = "".join(
        f"    (void){name};\n"
        for name in ("state", "arena", "input", "output")
        if not any(name in call.text for call in program.calls)
    )
    signature = "void kws_model_step(int8_t *state, int8_t *arena, const int8_t *input, uint8_t *output)"
    return f"{signature}\n{{\n{unused}" + "\n".join(lines) + "\n}\n"


def _comment(words: str) -> str:
    plain = "".join(c for c in words if c.isprintable() and c.isascii())
    return plain.replace("*/", "* /").replace("/*", "/ *")


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
