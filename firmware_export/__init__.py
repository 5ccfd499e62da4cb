"""Turns a bundle into what a device builds. Knows nothing of TensorFlow."""
