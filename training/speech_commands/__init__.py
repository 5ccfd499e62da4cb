"""The Speech Commands task in its 12-class form: ten words, all other words, silence."""
