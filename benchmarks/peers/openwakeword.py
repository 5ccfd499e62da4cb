"""openWakeWord with its TensorFlow Lite models, as its README runs it."""

import os
import tempfile


def load(models):
    import numpy as np
    from openwakeword import models as bundled
    from openwakeword.model import Model

    folder = tempfile.mkdtemp()  # a path for each, since two of one name would be one
    paths = [os.path.join(folder, f"{number}.tflite") for number in range(len(models))]
    for path, model in zip(paths, models, strict=True):
        os.symlink(bundled[model]["model_path"], path)
    engine = Model(wakeword_models=paths, inference_framework="tflite")

    def push(chunk):
        scores = engine.predict(np.frombuffer(chunk, np.int16))
        return [float(scores[str(number)]) for number in range(len(models))]

    return push
