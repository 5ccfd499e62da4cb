"""A wake word for Google's Edge TPU: the same graph with its state as inputs and outputs."""
