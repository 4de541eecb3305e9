"""The English of every message, as developers write it: one TOML file per namespace in `i18n/messages/`.

`not_found` in `problem.toml` is the key `problem.not_found`, with sections between. A value is a text or a plural,
`{ one = "{count} video", other = "{count} videos" }`, counted by the parameter `count` or another that `by` names. A
comment right above a key, or above the head of its section, is for translators.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "messages"
_SECTION = re.compile(r"\[([\w.-]+)\]\s*")
_WRAPPED = re.compile(r"(?<!\n)\n(?!\n)")
_KEY = re.compile(r"([\w.-]+)\s*=\s*(.*)")


class Source(NamedTuple):
    """One message in English. A plural has `one`, `text` for other numbers, and a value that it is counted `by`."""

    key: str
    text: str
    one: str | None = None
    by: str | None = None
    comment: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of each form, from one to many."""
        return (self.text,) if self.one is None else (self.one, self.text)


def sources(folder: Path = FOLDER) -> list[Source]:
    """Every message, in the order of the files and of what is in them. Raises ValueError for one that is neither."""
    return [message for file in sorted(folder.glob("*.toml")) for message in _of_file(file)]


def _of_file(file: Path) -> Iterator[Source]:
    written = file.read_text(encoding="utf-8")
    comments = dict(_comments(written))
    for key, value in _flat(tomllib.loads(written)):
        yield _source(f"{file.stem}.{key}", value, comments.get(key, ""))


def _source(key: str, value: Any, comment: str) -> Source:
    if isinstance(value, str):
        return Source(key, _joined(value), comment=comment)
    plural = value if isinstance(value, dict) else {}
    one, text, by = plural.get("one"), plural.get("other"), plural.get("by", "count")
    if not (isinstance(one, str) and isinstance(text, str)) or plural.keys() - {"one", "other", "by"}:
        raise ValueError(f"{key}: it is no text, and no plural, which has `one`, `other` and perhaps `by`")
    return Source(key, _joined(text), _joined(one), by, comment)


def _joined(text: str) -> str:
    """The text with each paragraph on one line; they are parted by an empty one."""
    return _WRAPPED.sub(" ", text.strip())


def _flat(section: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, dict) and "other" not in value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _comments(written: str) -> Iterator[tuple[str, str]]:
    """The keys, as in their file, and what is told to translators about each."""
    section, about, said, within = "", list[str](), list[str](), False
    for line in written.splitlines():
        if within:
            within = '"""' not in line
        elif line.startswith("#"):
            said.append(line.lstrip("# ").rstrip())
        elif head := _SECTION.fullmatch(line):
            section, about, said = f"{head[1]}.", said, []
        elif message := _KEY.fullmatch(line):
            yield section + message[1], " ".join([*about, *said])
            said, within = [], message[2].count('"""') == 1
        else:
            said = []
