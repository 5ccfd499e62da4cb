"""The recognizer's second pass: networks with attention that judge texts, and how they learn."""
