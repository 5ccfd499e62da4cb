"""Sentences a user may say, as a graph that the recognizer walks: JSGF and Home Assistant templates."""
