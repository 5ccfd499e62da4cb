"""A word found by its spelling with nothing trained for it: a network compares phones with what is heard.

PhonMatchNet (Lee and Cho 2023, "PhonMatchNet: phoneme-guided zero-shot keyword spotting for user-defined
keywords"): the phones that are asked for and the outputs of a pretrained encoder attend to one another, and a
network that reads along the phones says whether the last two seconds hold them. It learns once, from aligned
recordings of whatever people said; a new word is only written down.

    hearing.py     audio -> rows: the published embedding and the recognizer's phones
    material.py    aligned recordings -> rows, and what is said when in them
    nearness.py    how near a text comes to what is said somewhere in a stretch
    phrases.py     the phrases that are said in the material
    examples.py    phrases asked for where they are said, and where they are not
    network.py     the network
    learn.py       the loop
    held_out.py    how well it tells phrases by people it has not learned from
    kept.py        the matcher's file
    score.py       rows -> how well a spelling is heard, step by step
    dev.py         the dev streams, scored
    fusion.py      what it adds to the stages of a word that was trained
"""
