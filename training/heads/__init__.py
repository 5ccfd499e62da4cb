"""Heads: small networks on the shared speech embedding, one for each wake word."""
