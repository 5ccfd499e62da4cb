"""ovos-ww-plugin-wakeforge: a plugin, and so an encoder, for each word, as OVOS loads them."""


def load(models):
    from ovos_utils.log import LOG
    from ovos_ww_plugin_wakeforge import WakeForgeHotwordPlugin

    LOG.set_level("ERROR")
    words = [WakeForgeHotwordPlugin(model, {"model": model}) for model in models]

    def push(chunk):
        for word in words:
            word.update(chunk)
        return [word.last_score or 0.0 for word in words]

    return push
