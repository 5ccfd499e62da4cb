"""From an acoustic model's log-probabilities to what was said."""
