"""A small Markdown as safe HTML: what people write in comments, made readable.

Known are **bold**, *italic* (or _italic_), `code`, [links](https://example.com) and bare addresses, lists (`- one`,
`1. one`) and line breaks; an empty line begins a paragraph. Who is mentioned, and where, is given. All else is text.
Every character of what was written is escaped; the tags are ours. It takes time in proportion to the text, whatever
that is.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

_ADDRESS = r"(?:https?://|mailto:)[^\s<>\"'`\\()\[\]]{1,1000}"
WHOLE = (
    r"`(?P<code>[^`\n]{1,1000})`"
    rf"|\[(?P<words>[^\[\]\n]{{1,300}})\]\((?P<target>{_ADDRESS})\)"
    r"|(?<!\w)(?P<bare>https?://[^\s<>\"'`\\()\[\]*]{1,1000})"
)
"""What is one thing, in which nothing else is looked for: code and links. In any case."""
_TOKEN = re.compile(rf"{WHOLE}|(?P<mark>\*\*|\*|(?<!\w)_|_(?!\w))", re.IGNORECASE)
_TAGS = {"**": "strong", "*": "em", "_": "em"}
_BULLET = re.compile(r"[-*] +(?=\S)")
_NUMBER = re.compile(r"\d{1,3}[.)] +(?=\S)")
_TRAILING = ".,:;!?"
"""What follows an address in a sentence, and is not part of it."""


class Marked(NamedTuple):
    """A part of a text that mentions somebody: `length` characters from `start` on, and the person's id."""

    start: int
    length: int
    user: str


class _Line(NamedTuple):
    """A line of what was written, or a part of one, and who is mentioned where in it."""

    text: str
    mentions: list[Marked]

    def cut(self, start: int, end: int) -> "_Line":
        """What stands between `start` and `end`."""
        if not self.mentions:
            return _Line(self.text[start:end], self.mentions)
        inside = (each for each in self.mentions if start <= each.start and each.start + each.length <= end)
        return _Line(self.text[start:end], [each._replace(start=each.start - start) for each in inside])

    def stripped(self) -> "_Line":
        """The same without spaces around it."""
        return self.cut(len(self.text) - len(self.text.lstrip()), len(self.text.rstrip()))


def html(text: str, mentions: Sequence[Marked] = ()) -> str:
    """`text` as HTML of `p`, `br`, `ul`, `ol`, `li`, `strong`, `em`, `code`, `a` and `span`; empty for no text.

    The `mentions` are in order, each on one line, none in code or in a link.
    """
    parts = groupby(_lines(text, mentions), key=_block_of)
    return "".join(_block(kind, list(lines)) for kind, lines in parts if kind)


def _lines(text: str, mentions: Sequence[Marked]) -> Iterator[_Line]:
    left, position = deque(mentions), 0
    for line in text.split("\n"):
        here = list[Marked]()
        while left and left[0].start < position + len(line):
            mention = left.popleft()
            here.append(mention._replace(start=mention.start - position))
        yield _Line(line, here)
        position += len(line) + 1


def _block_of(line: _Line) -> str:
    """What a line belongs to: `p`, `ul` or `ol`; nothing for an empty one."""
    if not line.text.strip():
        return ""
    return "ul" if _BULLET.match(line.text) else "ol" if _NUMBER.match(line.text) else "p"


def _block(kind: str, lines: list[_Line]) -> str:
    if kind == "p":
        return f"<p>{'<br>'.join(_inline(line.stripped()) for line in lines)}</p>"
    items = (f"<li>{_inline(_item(kind, line))}</li>" for line in lines)
    return f"<{kind}>{''.join(items)}</{kind}>"


def _item(kind: str, line: _Line) -> _Line:
    begins = (_BULLET if kind == "ul" else _NUMBER).match(line.text)
    return line.cut(begins.end() if begins else 0, len(line.text))


def _inline(line: _Line) -> str:
    """One line. A mark that nothing closes, or that closes nothing, stays what it is."""
    text, pieces, opened, position = line.text, list[str](), list[tuple[str, int]](), 0
    for token in _tokens(line) if line.mentions else _TOKEN.finditer(text):
        start, end = token.span() if isinstance(token, re.Match) else (token.start, token.start + token.length)
        pieces.append(escape(text[position:start]))
        position = end
        mark = token["mark"] if isinstance(token, re.Match) else None
        if mark is None:
            pieces.append(_whole(token) if isinstance(token, re.Match) else _mention(token, text[start:end]))
            continue
        pieces.append(mark)
        if text[start - 1 : start].strip() and _is_open(mark, opened, pieces):
            _close(mark, opened, pieces)
        elif text[end : end + 1].strip():
            opened = [*(one for one in opened if one[0] != mark), (mark, len(pieces) - 1)]
    pieces.append(escape(text[position:]))
    return "".join(pieces)


def _tokens(line: _Line) -> Iterator[re.Match[str] | Marked]:
    """What of a line is more than text. A mention is looked at no closer, whatever is in the name."""
    position = 0
    for mention in line.mentions:
        yield from _TOKEN.finditer(line.text, position, mention.start)
        yield mention
        position = mention.start + mention.length
    yield from _TOKEN.finditer(line.text, position)


def _is_open(mark: str, opened: list[tuple[str, int]], pieces: list[str]) -> bool:
    """Whether the last piece, a mark, ends what one like it has begun; nothing is marked by nothing in between."""
    return any(mark == other and (pieces[place + 1] or place < len(pieces) - 3) for other, place in opened)


def _close(mark: str, opened: list[tuple[str, int]], pieces: list[str]) -> None:
    """Turns the mark that is open, and the last piece, into tags; what was opened in between stays text."""
    while True:
        other, place = opened.pop()
        if other == mark:
            pieces[place], pieces[-1] = f"<{_TAGS[mark]}>", f"</{_TAGS[mark]}>"
            return


def _whole(token: re.Match[str]) -> str:
    """A token that stands for itself."""
    if token["code"] is not None:
        return f"<code>{escape(token['code'])}</code>"
    if token["target"] is not None:
        return _link(token["target"], token["words"])
    address = token["bare"].rstrip(_TRAILING)
    return _link(address, address) + escape(token["bare"][len(address) :])


def _link(address: str, words: str) -> str:
    rel = "noopener noreferrer nofollow ugc"
    return f'<a href="{escape(address)}" target="_blank" rel="{rel}">{escape(words)}</a>'


def _mention(mention: Marked, words: str) -> str:
    return f'<span class="mention" data-user="{escape(mention.user)}">{escape(words)}</span>'
