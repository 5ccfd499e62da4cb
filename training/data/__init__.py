"""Recordings on disk: what there is, and the samples."""
