"""Trains, quantizes and bundles models. Needs the extra `train`; the runtime never imports it."""
