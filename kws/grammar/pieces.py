"""Where words begin and end in a template: `light[s]` is one word, `the [big] light` three at most."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A parsed piece of a template."""

    kind: str
    """text, list, rule, choice, sequence or any_order."""
    text: str = ""
    """Of a text its letters and spaces; of a list or rule its name."""
    items: tuple[Part, ...] = ()

    def written(self) -> str:
        """As it stands in the template, roughly."""
        return {"list": f"{{{self.text}}}", "rule": f"<{self.text}>"}.get(self.kind, "a bracket")


def split_parts(parts: tuple[Part, ...]) -> list[tuple[Part, ...]]:
    """Runs of parts that no space divides. A text is first cut so that only its outer words may be glued."""
    runs: list[list[Part]] = []
    ended = True
    for part in (piece for item in parts for piece in _cut(item)):
        if part.kind == "text" and not part.text.strip():
            ended = ended or part.text != ""
            continue
        if ended or _opens(part):
            runs.append([])
        runs[-1].append(part)
        ended = _closes(part)
    return [tuple(run) for run in runs]


def _cut(part: Part) -> list[Part]:
    """A text of several words as its first word, the ones between and its last, each with its spaces."""
    words = part.text.split() if part.kind == "text" else ()
    if len(words) < 2:
        return [part]
    head = part.text[: part.text.index(words[0])]
    tail = part.text[part.text.rindex(words[-1]) + len(words[-1]) :]
    inner = [Part("text", f" {word} ") for word in words[1:-1]]
    return [Part("text", f"{head}{words[0]} "), *inner, Part("text", f" {words[-1]}{tail}")]


def _opens(part: Part) -> bool:
    """Whether it begins with a space, however it is said."""
    return _edge(part, 0)


def _closes(part: Part) -> bool:
    return _edge(part, -1)


def _edge(part: Part, end: int) -> bool:
    if part.kind == "text":
        return part.text[end : end + 1 or None].isspace()
    if part.kind == "any_order":
        return True
    if part.kind == "sequence":
        return bool(part.items) and _edge(part.items[end], end)
    if part.kind == "choice":
        said = [item for item in part.items if item.text or item.items]
        return all(_edge(item, end) for item in said)
    return False
