"""How well a wake word is heard: score tracks and detections against what was really said. Numpy only."""

from kws.evaluation.calibration import CalibrationRow, ThresholdChoice, calibrate, threshold_for
from kws.evaluation.det import Det, OperatingPoint, det_curve, operating_point
from kws.evaluation.intervals import Proportion, Rate
from kws.evaluation.matching import (
    Matched,
    Occurrence,
    best_scores,
    false_alarm_times,
    latencies,
    match_detections,
    misses,
)

__all__ = [
    "CalibrationRow",
    "Det",
    "Matched",
    "Occurrence",
    "OperatingPoint",
    "Proportion",
    "Rate",
    "ThresholdChoice",
    "best_scores",
    "calibrate",
    "det_curve",
    "false_alarm_times",
    "latencies",
    "match_detections",
    "misses",
    "operating_point",
    "threshold_for",
]
