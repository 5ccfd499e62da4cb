"""Porcupine: says which word it has heard and no score, so a curve needs a run for each sensitivity."""

import ctypes
import struct


def load(models, sensitivity=0.5, direct=False):
    """`direct` calls the C function with the chunk as it is, without the wrapper's copy sample by sample."""
    import pvporcupine as peer

    engine = peer.create(keywords=list(models), sensitivities=[sensitivity] * len(models))
    # The wrapper looks words up by name, so that one cannot be named twice; results count from 0.
    silent = [0.0] * len(models)
    heard = ctypes.c_int()

    def by_wrapper(chunk):
        return _scores(engine.process(struct.unpack(f"{len(chunk) // 2}h", chunk)))

    def by_function(chunk):
        pcm = ctypes.cast(chunk, ctypes.POINTER(ctypes.c_short))
        engine.process_func(engine._handle, pcm, ctypes.byref(heard))
        return _scores(heard.value)

    def _scores(index):
        return silent if index < 0 else [float(number == index) for number in range(len(models))]

    return by_function if direct else by_wrapper
