"""Where kws is among the peers and how far from the aims, in a table and in words."""

from __future__ import annotations

from benchmarks.standing import Asked, standing, verdict


def test_where_kws_stands_is_said_against_the_lowest_peer_and_the_aim() -> None:
    seconds = Asked("s", 0.5, 2, {"kws": 0.25, "kws, c99": 1.0, "a": 1.0, "b": 2.0})
    megabytes = Asked("MB", 40.0, 0, {"kws": 60.0, "kws, c99": 30.0, "a": 80.0, "b": 30.0})
    _, _, *rows = standing([seconds, megabytes]).splitlines()
    assert rows == [
        "| kws | 0.25 (0.25, 0.5) | 60 (2.00, 1.5) |",
        "| kws, c99 | 1.00 (1.00, 2.0) | 30 (1.00, 0.8) |",
        "| lowest peer | a 1.00 | b 30 |",
        "| aim | 0.5 | 40 |",
    ]
    _, _, *rows = standing([Asked("MB", 40.0, 0, {"kws": 60.0})]).splitlines()
    assert rows == ["| kws | 60 (1.5) |", "| aim | 40 |"]


def test_who_takes_no_more_than_kws_is_named_and_so_is_the_distance_to_the_aim() -> None:
    known = {"kws": 60.0, "kws, c99": 30.0, "a": 61.0, "b": 60.0, "c": 15.0}
    alone = {"kws": 0.5}
    head, _, *lines = verdict(
        [Asked("MB", 40.0, 0, known), Asked("s", 0.5, 2, {**alone, "a": 0.6}), Asked("ms", 1.0, 2, alone)]
    ).splitlines()
    assert head == "*kws*, by medians:"
    assert lines == [
        "* MB: not below c 15, b 60; 1.5 times the aim",
        "* s: below every peer; within the aim",
        "* ms: no peer measured; within the aim",
    ]
