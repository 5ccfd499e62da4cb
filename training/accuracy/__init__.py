"""How wake words are measured on the `dev` recordings: streams, score tracks, figures, pages of them."""
