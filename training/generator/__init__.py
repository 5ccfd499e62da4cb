"""Real voices for words that nobody recorded: a small generator that learned from aligned recordings.

Phones, their lengths and a voice go in; the filter-bank energies of the micro front end come out, as they are
before noise suppression, PCAN and logarithm, and become audio with those energies. So a generated word is
laid into noise and rooms, and heard, by the same functions as every other clip.

    energies.py    audio -> log energies
    sound.py       log energies -> audio that has them
    score.py       what is said when: phones of every frame
    durations.py   how long phones last
    material.py    aligned recordings -> arrays to learn from
    network.py     the network: conditional flow matching, and what hears whose voice it is
    learn.py       the loop
    kept.py        the generator's file
    say.py         texts -> clips
    check.py       how many of them are understood
"""
