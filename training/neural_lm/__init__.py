"""A small GRU language model of words: text, network, learning, perplexity, export."""
