"""A small Markdown as safe HTML: what people write in comments, made readable.

Known are **bold**, *italic* (or _italic_), `code`, [links](https://example.com) and bare addresses, lists (`- one`,
`1. one`) and line breaks; an empty line begins a paragraph. All else is text. Every character of what was written is
escaped; the tags are ours. It takes time in proportion to the text, whatever that is.
"""

import re
from html import escape
from itertools import groupby

_ADDRESS = r"(?:https?://|mailto:)[^\s<>\"'`\\()\[\]]{1,1000}"
_TOKEN = re.compile(
    rf"`(?P<code>[^`\n]{{1,1000}})`"
    rf"|\[(?P<words>[^\[\]\n]{{1,300}})\]\((?P<target>{_ADDRESS})\)"
    rf"|(?<!\w)(?P<bare>https?://[^\s<>\"'`\\()\[\]*]{{1,1000}})"
    r"|(?P<mark>\*\*|\*|(?<!\w)_|_(?!\w))",
    re.IGNORECASE,
)
_TAGS = {"**": "strong", "*": "em", "_": "em"}
_BULLET = re.compile(r"[-*] +(?=\S)")
_NUMBER = re.compile(r"\d{1,3}[.)] +(?=\S)")
_TRAILING = ".,:;!?"
"""What follows an address in a sentence, and is not part of it."""


def html(text: str) -> str:
    """`text` as HTML of `p`, `br`, `ul`, `ol`, `li`, `strong`, `em`, `code` and `a`; empty for no text."""
    parts = groupby(text.split("\n"), key=_block_of)
    return "".join(_block(kind, list(lines)) for kind, lines in parts if kind)


def _block_of(line: str) -> str:
    """What a line belongs to: `p`, `ul` or `ol`; nothing for an empty one."""
    if not line.strip():
        return ""
    return "ul" if _BULLET.match(line) else "ol" if _NUMBER.match(line) else "p"


def _block(kind: str, lines: list[str]) -> str:
    if kind == "p":
        return f"<p>{'<br>'.join(_inline(line.strip()) for line in lines)}</p>"
    begins = _BULLET if kind == "ul" else _NUMBER
    items = (f"<li>{_inline(begins.sub('', line, count=1))}</li>" for line in lines)
    return f"<{kind}>{''.join(items)}</{kind}>"


def _inline(line: str) -> str:
    """One line. A mark that nothing closes, or that closes nothing, stays what it is."""
    pieces, opened, position = list[str](), list[tuple[str, int]](), 0
    for token in _TOKEN.finditer(line):
        pieces.append(escape(line[position : token.start()]))
        position = token.end()
        mark = token["mark"]
        if mark is None:
            pieces.append(_whole(token))
            continue
        pieces.append(mark)
        if line[token.start() - 1 : token.start()].strip() and _is_open(mark, opened, pieces):
            _close(mark, opened, pieces)
        elif line[token.end() : token.end() + 1].strip():
            opened = [*(one for one in opened if one[0] != mark), (mark, len(pieces) - 1)]
    pieces.append(escape(line[position:]))
    return "".join(pieces)


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
