"""Every key of the configuration: its default, what is allowed, what it means."""

from __future__ import annotations

from dataclasses import dataclass

from kws.addresses import address_problem, group_problem, interface_problem, service_problem
from kws.delegates import delegate_problem
from kws.events import EVENT_TYPES
from kws.loading import confirm_problem
from kws.settings import setting


@dataclass(frozen=True)
class AudioSettings:
    """What is listened to."""

    source: str = setting(
        "mic:",
        'source of the audio: "mic:", "mic:NAME", a file, "-" for raw PCM',
        check=lambda text: "" if text else '"mic:", a file, or "-"',
    )
    rate: int | None = setting(None, "sample rate, if not the device's own", least=1_000, most=384_000)
    channels: int | None = setting(None, "channels, if not the device's own", least=1, most=64)
    silence_seconds: float = setting(
        30.0,
        "a microphone that delivers nothing but zeros for so long is opened again; 0: never",
        least=0,
        most=86_400,
    )


@dataclass(frozen=True)
class ModelSettings:
    """One wake word."""

    name: str = setting(meaning="bundled name or path of a model")
    threshold: float | None = setting(
        None, "score at which it counts as heard, if not the model's own", least=0, most=1
    )
    delegate: str = setting(
        "", 'library that computes it, "PATH" or "PATH:key=value"; "" for none', check=delegate_problem
    )
    confirm: str = setting(
        "auto",
        'recognizer, or another model of the word, that must hear it as well, a second stage; "none", or '
        '"auto": what the word was measured with, unless there is a threshold',
        check=confirm_problem,
    )
    confirm_threshold: float | None = setting(
        None, "score that the word must reach there, if not a recognizer's 0.1", least=0, most=1
    )


@dataclass(frozen=True)
class SpeechSettings:
    """What may be said after a wake word."""

    recognizer: str = setting("", 'bundled name or path of a recognizer; "" for wake words alone')
    grammar: str = setting("", 'sentences to listen for, .jsgf or .yaml; "" for anything')
    threshold: float | None = setting(
        None, "confidence from which a sentence counts as said, if not the recognizer's own", least=0, most=1
    )
    rescore: tuple[str, ...] = setting(
        (),
        "what else judges the likeliest texts in the end; [] for neural-lm without a grammar",
        choices=("second-pass", "neural-lm", "none"),
    )
    language_model: str = setting(
        "", 'which words are likely, .arpa or .arpa.gz; "" for general English; not with a grammar'
    )
    delegate: str = setting(
        "", 'library that computes the recognizer, as for a model; "" for none', check=delegate_problem
    )


@dataclass(frozen=True)
class SinkSettings:
    """One place that events go to."""

    uri: str = setting(meaning="where: one of the schemes below")
    events: tuple[str, ...] = setting(
        (), "types of event it gets; none named: all", choices=tuple(EVENT_TYPES)
    )
    queue: int = setting(
        100, "events held for it; when they are more, the oldest is dropped", least=1, most=100_000
    )
    retry_seconds: float = setting(
        60.0, "how long an event is tried again while the other side is away", least=0, most=86_400
    )
    spool: str = setting(
        "", 'file in which events wait too, to outlive the daemon; "" for none: in memory alone'
    )


@dataclass(frozen=True)
class HttpSettings:
    """The page, the figures and the state."""

    address: str = setting("127.0.0.1:10480", 'where to listen; "" for nowhere', check=address_problem)
    token_file: str = setting("", "file with the token that other computers must show; needed off loopback")


@dataclass(frozen=True)
class WyomingSettings:
    """The Wyoming server beside the microphone."""

    uri: str = setting("", '"tcp://127.0.0.1:10400" or "unix:///PATH"; "" for none', check=service_problem)
    zeroconf: bool = setting(False, "announce it in the local network, so that Home Assistant finds it")


@dataclass(frozen=True)
class RecordingSettings:
    """Audio kept on disk; none unless asked for."""

    folder: str = setting("", 'where; "" for nowhere: nothing is ever recorded then')
    each_detection: bool = setting(False, "keep the audio around every wake word")
    before_seconds: float = setting(2.0, "of it, from before the word's end", least=0, most=20)
    after_seconds: float = setting(3.0, "and from after it", least=0, most=60)
    keep: int = setting(1_000, "files kept of each kind; the oldest go", least=1, most=1_000_000)


@dataclass(frozen=True)
class ArbitrationSettings:
    """Several daemons in one home, of which the one that hears best answers."""

    group: str = setting(
        "",
        'multicast group on which they agree, "239.255.75.87:10481"; "" for every one answers',
        check=group_problem,
    )
    window_seconds: float = setting(
        0.2, "how long a detection waits for what the others say", least=0.01, most=2
    )
    interface: str = setting(
        "", "address of the network to do it on, if not the default one", check=interface_problem
    )


@dataclass(frozen=True)
class DaemonSettings:
    """The process."""

    log_level: str = setting(
        "info", "how much is logged to standard error", choices=("debug", "info", "warning", "error")
    )
