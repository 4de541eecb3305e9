"""Documents that have gone wrong a little."""

import re
from random import Random

_TOKEN = re.compile(r'"[^"]*"|[A-Za-z_]\w*|-?\d+|\.\.\.|[^\s,]')


def words(text: str) -> list[str]:
    """Those of a document."""
    return _TOKEN.findall(text)


def garbled(random: Random, documents: list[list[str]]) -> list[str]:
    """One of them, with a part or two left out, said twice, exchanged, or taken from another."""
    parts = list(random.choice(documents))
    for _ in range(random.randint(1, 2)):
        place, other = random.randrange(len(parts)), random.randrange(len(parts))
        match random.randrange(4):
            case 0:
                del parts[place : place + random.randint(1, 2)]
            case 1:
                parts[place:place] = parts[place : place + random.randint(1, 3)]
            case 2:
                parts[place], parts[other] = parts[other], parts[place]
            case _:
                parts[place] = random.choice(random.choice(documents))
    return parts
