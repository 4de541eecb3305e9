"""What somebody has read in a language, written down for who checks it: `docs/languages.md`.

Whatever is heard has to be found in the language's catalog: what is not translated, or is put together from pieces,
cannot be written down.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from babel import Locale

from i18n.catalogs import LOCALES, catalog, forms_of
from i18n.formatting import moment

FILE = Path(__file__).parents[2] / "docs" / "languages.md"
SITE = "https://studio.example"
NOW = datetime(2026, 11, 28, 18, 5, tzinfo=UTC)
"""When everything happens that is written down."""
_TOKEN = re.compile(r"token=[\w.-]+")
_VALUE = re.compile(r"\\\{\w+\\\}")


@dataclass
class Transcript:
    """What is read in one language, part by part."""

    locale: str
    own_name: str
    site: str
    """Where the product runs, of which nothing is written down."""
    lines: list[str] = field(default_factory=list)
    _columns: tuple[str, ...] = ()

    def part(self, title: str, *columns: str) -> None:
        """What follows belongs together; its tables have these columns."""
        self.lines += ["", f"### {title}"]
        self._columns = columns or ("What happens", "What is read", "Key")

    def say(self, happens: str, text: str, *within: str) -> None:
        """A text, and its key: the first in the catalog that begins with one of `within`."""
        self.row(happens, text, f"`{key_of(self.locale, text, within)}`")

    def row(self, *cells: str) -> None:
        """A row of the running table, or of a new one."""
        if not self.lines[-1].startswith("|"):
            self.lines += ["", *_table_head(self._columns)]
        self.lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")

    def mail(self, happens: str, subject: str, text: str, *within: str) -> None:
        """A mail whole, then the keys of what it says."""
        constant = _TOKEN.sub("token=…", text.replace(self.site, SITE).replace("\r\n", "\n")).rstrip()
        paragraphs = [each for each in constant.split("\n\n") if each]
        keys = [key for said in [subject, *paragraphs] for key in keys_in(self.locale, said, within)]
        self.lines += ["", f"{happens}:", "", f"> **{subject}**"]
        for each in paragraphs:
            self.lines += [">", *(f"> {line}  " for line in each.removeprefix("-- \n").split("\n"))]
        self.lines += ["", f"Keys: {', '.join(f'`{key}`' for key in dict.fromkeys(keys))}"]

    def written(self) -> str:
        """The language's section."""
        english = Locale.parse(self.locale, sep="-").english_name
        return "\n".join([f"## {self.own_name} ({english})", *self.lines, ""])


def key_of(locale: str, text: str, within: tuple[str, ...]) -> str:
    """The key of a text in the catalog of its language, or of the paragraph of a message that it is."""
    for beginning in within:
        for key in catalog(locale):
            if key.startswith(beginning) and any(each.fullmatch(text) for each in _patterns(locale, key)):
                return key
    raise AssertionError(f"{locale}: not in the catalog under {', '.join(within)}: {text!r}")


def keys_in(locale: str, paragraph: str, within: tuple[str, ...]) -> list[str]:
    """The key of a paragraph of a mail; of a list, in which there are other people's words, those of its points."""
    said, *below = paragraph.removeprefix("-- \n").split("\n")
    if points := [line.removeprefix("* ") for line in below if line.startswith("* ")]:
        return [key_of(locale, point.removesuffix(f" {moment(locale, NOW)}"), within) for point in points]
    leads = below and not paragraph.startswith("--")
    return [key_of(locale, said.rstrip(":： \u00a0") if leads else said, within)]


def document(transcripts: list[Transcript]) -> str:
    """The whole file."""
    where = [f"| {each.own_name} | {' | '.join(_files(each.locale))} |" for each in transcripts]
    table = "\n".join([*_table_head(("Language", "What is said", "How we write", "What is called how")), *where])
    return "\n".join([_HEAD.format(table=table), *(each.written() for each in transcripts)])


def _files(locale: str) -> tuple[str, ...]:
    said = "messages/" if locale == LOCALES[0] else f"locales/{locale}.po"
    return tuple(f"[{each}](../i18n/{each})" for each in (said, f"styles/{locale}.md", f"glossary/{locale}.toml"))


@cache
def _patterns(locale: str, key: str) -> list[re.Pattern[str]]:
    """Each form of a message as a whole, and each of its paragraphs: whatever stands in the braces, beside words."""
    texts = dict.fromkeys(part for text in forms_of(catalog(locale)[key]) for part in [text, *text.split("\n\n")])
    escaped = [re.escape(text) for text in texts]
    return [re.compile(_VALUE.sub(".+", text), re.DOTALL) for text in escaped if re.search(r"\w", _VALUE.sub("", text))]


def _table_head(names: tuple[str, ...]) -> list[str]:
    return [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]


_HEAD = """\
# One day in nine languages

Ada signs up, invites Grace, has a file refused, writes a comment, gets a mail, and meets errors: the same day, played
in each language against the running product. This is what she read. Written by `make languages`; a test plays the day
again, and fails when anything is read otherwise. A language takes one sitting of somebody who grew up with it.

**Something sounds wrong?** Find its key (right of the text, or below the mail) in your language's file, where it stands
as `msgctxt`; say it better in the `msgstr` below, in all of its plural forms. The style guide says how we address
people and write figures, the glossary which word each thing has. In a plural the braces are values, which stay as they
are. Then `make messages`, `make check`, `make languages`; or send the key and the better words to whoever maintains
this.

{table}

How the English comes about, and how a string is added, is in [i18n/README.md](../i18n/README.md).
"""
