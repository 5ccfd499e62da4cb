"""The recognizer's acoustic model: material, network, CTC training, int8 bundle. See docs/recognizer.md."""
