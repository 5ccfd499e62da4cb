"""Errors a user can mend: each names the place, the cause and the remedy."""


class KwsError(Exception):
    """Base of every error that kws raises on bad input; its text is one line for the user."""


class SourceError(KwsError):
    """An audio file, stream or device cannot be read."""


class BundleError(KwsError):
    """A model bundle is missing, damaged, or made for another front end."""


class ConfigError(KwsError):
    """A configuration file cannot be read, or says something that is not allowed."""


class GrammarError(KwsError):
    """A grammar cannot be used; the text names file, line and what was expected."""


class LanguageModelError(KwsError):
    """An n-gram file cannot be used; the text names file, line and what was expected."""


class DelegateError(KwsError):
    """A delegate cannot be loaded, or will not compute a model."""
