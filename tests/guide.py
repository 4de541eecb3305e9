"""The fenced blocks of a guide in `docs/`, and whether an answer is of the shape that the guide shows."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"
RUN = ("python", "js", "sh")
ANSWERS = ("json", "text")
READ = ("graphql", "graphql schema")
ANYTHING = "…"
"""What a shown answer leaves out: it stands for any text within a line, and as a name for any other names."""
_FENCE = re.compile(r"^(?P<indent>\s*)```(?P<kind>.*)$")


@dataclass(frozen=True)
class Block:
    """What stands between two fences; `line` is that of its first line, counted from 1."""

    kind: str
    line: int
    text: str


@dataclass(frozen=True)
class Snippet:
    """A block to run, and the answer that is shown below it, if one is."""

    code: Block
    answer: Block | None


def blocks(guide: Path) -> list[Block]:
    """All fenced blocks, in their order."""
    found: list[Block] = []
    opened: tuple[str, int] | None = None
    lines = guide.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if (fence := _FENCE.match(line)) is None:
            continue
        assert not fence["indent"], f"{guide.name}:{number}: a fence begins its line, so that none is overlooked"
        if opened is None:
            opened = fence["kind"].strip(), number
        else:
            kind, start = opened
            found.append(Block(kind, start + 1, "\n".join(lines[start : number - 1]) + "\n"))
            opened = None
    assert opened is None, f"{guide.name}: a fence is left open"
    return found


def prose(guide: Path) -> str:
    """All that is outside of the fenced blocks."""
    return re.sub(r"^```.*?^```", "", guide.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def snippets(guide: Path, kind: str) -> list[Snippet]:
    """What is to be run of one kind, with the answers."""
    found = blocks(guide)
    after = [*found[1:], None]
    return [
        Snippet(block, following if following is not None and following.kind in ANSWERS else None)
        for block, following in zip(found, after, strict=True)
        if block.kind == kind
    ]


def differences(shown: Block, said: str) -> list[str]:
    """Where what a snippet has said is not of the shape that the guide shows; nothing where it is."""
    if shown.kind == "text":
        return _differing_lines(shown.text, said)
    ours, theirs = list(_values(shown.text)), list(_values(said))
    return list(_differing(ours, theirs, "answer"))


def _values(text: str) -> Iterator[Any]:
    """The JSON values that stand in a text, one after the other."""
    decoder, text = json.JSONDecoder(), text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        yield value
        text = text[end:].strip()


def _differing(shown: Any, said: Any, place: str) -> Iterator[str]:
    """Numbers are compared by their kind alone, texts with what is left out; names and all else to the letter."""
    if isinstance(shown, dict) and isinstance(said, dict):
        more = ANYTHING in shown
        if not (shown.keys() - {ANYTHING} <= said.keys() if more else shown.keys() == said.keys()):
            yield f"{place} has {sorted(said)}, and the guide shows {sorted(shown)}"
        for name in shown.keys() & said.keys():
            yield from _differing(shown[name], said[name], f"{place}.{name}")
    elif isinstance(shown, list) and isinstance(said, list):
        if len(shown) != len(said):
            yield f"{place} has {len(said)} members, and the guide shows {len(shown)}"
        for index, (one, other) in enumerate(zip(shown, said, strict=False)):
            yield from _differing(one, other, f"{place}[{index}]")
    elif not _alike(shown, said):
        yield f"{place} is {said!r}, and the guide shows {shown!r}"


def _alike(shown: Any, said: Any) -> bool:
    if isinstance(shown, str) and isinstance(said, str):
        return re.fullmatch(_pattern(shown), said) is not None
    return type(shown) is type(said) and (shown == said or type(shown) in (int, float))


def _differing_lines(shown: str, said: str) -> list[str]:
    pattern = re.sub(r"\d+", r"\\d+", _pattern(shown.strip()))
    return [] if re.fullmatch(pattern, said.strip()) else [f"it said\n{said}\nand the guide shows\n{shown}"]


def _pattern(shown: str) -> str:
    return ".*".join(map(re.escape, shown.split(ANYTHING)))
