"""How words are pronounced, what sounds like them, and where they are in a recording."""
