"""pyopen-wakeword: openWakeWord's models by TensorFlow Lite's C library, without its Python dependencies."""

from pathlib import Path


def load(models):
    import pyopen_wakeword as peer

    bundled = Path(peer.__file__).parent / "models"
    features = peer.OpenWakeWordFeatures.from_builtin()
    words = [peer.OpenWakeWord.from_model(bundled / f"{model}.tflite") for model in models]

    def push(chunk):
        steps = [
            [max(word.process_streaming(embedding), default=0.0) for word in words]
            for embedding in features.process_streaming(chunk)
        ]
        return [max(scores) for scores in zip(*steps, strict=True)] or None

    return push
