"""Where audio comes from, found by the URI: a file, "-" for standard input, "mic:" for a microphone."""
