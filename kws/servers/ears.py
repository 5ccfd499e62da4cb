"""What a Wyoming server listens with, and how it describes that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version

from wyoming.info import AsrModel, AsrProgram, Attribution, Info, WakeModel, WakeProgram

from kws.bundle import Bundle
from kws.engine import Engine
from kws.errors import KwsError
from kws.servers.conversation import Listener

PROJECT = Attribution(name="kws", url="")


class ModelEars:
    """Ears over wake words, and a recognizer if there is one.

    Args:
        build: makes an engine of all wake words, with state of its own.
        language: of the recognizer.
    """

    def __init__(
        self,
        build: Callable[[], Engine],
        dictation: Callable[[], Listener] | None = None,
        language: str = "",
    ) -> None:
        self._build = build
        self._dictation = dictation
        self._languages = [language] if language else []
        self._ready: Engine | None = build()  # what is wrong with a model shows now, not with a client
        for word in self._ready.wake_words:
            word.open()
        bundles = [word.bundle for word in self._ready.wake_words]
        self.names = [label for bundle in bundles for label in bundle.labels]
        self.info = self._describe(bundles)

    def wake(self) -> Engine:
        """A new engine; the first is there already."""
        ready, self._ready = self._ready, None
        return ready or self._build()

    def dictation(self) -> Listener:
        """A new recognizer; raises KwsError without one."""
        if self._dictation is None:
            raise KwsError("this server has no recognizer; start it with one")
        return self._dictation()

    def _describe(self, bundles: Sequence[Bundle]) -> Info:
        models = [_wake_model(bundle, label) for bundle in bundles for label in bundle.labels]
        return Info(
            wake=[
                WakeProgram(
                    name="kws",
                    description="Wake words by int8 streaming models",
                    attribution=PROJECT,
                    installed=True,
                    version=version("kws"),
                    models=models,
                )
            ],
            asr=[self._asr_program()] if self._dictation else [],
        )

    def _asr_program(self) -> AsrProgram:
        model = AsrModel(
            name="commands",
            description="Sentences of a grammar, or whatever is said",
            attribution=PROJECT,
            installed=True,
            version=version("kws"),
            languages=self._languages,
        )
        return AsrProgram(
            name="kws",
            description="Speech by an int8 streaming model",
            attribution=PROJECT,
            installed=True,
            version=version("kws"),
            models=[model],
            supports_transcript_streaming=True,
        )


def _wake_model(bundle: Bundle, label: str) -> WakeModel:
    author = str(bundle.manifest.get("author") or "unknown")
    return WakeModel(
        name=label,
        description=bundle.wake_word,
        attribution=Attribution(name=author, url=str(bundle.manifest.get("website") or "")),
        installed=True,
        version=(bundle.model_sha256 or "")[:12] or None,
        languages=[str(language) for language in bundle.manifest.get("trained_languages") or ()],
        phrase=bundle.wake_word,
    )
