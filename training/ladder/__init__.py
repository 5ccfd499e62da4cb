"""What each ingredient of the training buys: a word trained with more and more of them, and measured."""
