"""`python -m local.guide`: writes docs/errors.md, with every code that a client can be told; `--check` only compares.

The codes are enums beside the code that tells them, each with its description under it, in the form that `entries`
reads. What stands above the mark in the file is written by hand.
"""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

from domain.errors import ProblemCode
from domain.jobs import JobFault
from domain.media import Refusal
from edge.codes import AddressCode, EdgeCode, RefusingStatus
from gateways.storage.codes import FileCode
from i18n.catalogs import DEFAULT, forms_of, message
from live.codes import CloseCode, OperationCode
from local.programs import ROOT
from plan.codes import RequestCode

GUIDE = ROOT / "docs" / "errors.md"
MARK = "<!-- From here on written by `make schema`, out of the code. -->\n"
CODES: tuple[type[Enum], ...] = (ProblemCode, RequestCode, EdgeCode, OperationCode, CloseCode, AddressCode, FileCode)
"""Enums whose members say what they mean and what to do."""
FAILURES: tuple[type[Enum], ...] = (Refusal, JobFault)
"""Those whose members only say what to do: what they mean is in the catalogs, for people."""
_LABELS = ("Remedy", "Again", "Where")
_LABEL = re.compile(rf"^({'|'.join(_LABELS)}): ", re.MULTILINE)


class Undescribed(Exception):
    """A code has no description, or not all of it."""


class Entry(NamedTuple):
    """What clients should know of one code."""

    code: str
    meaning: str
    remedy: str
    again: str
    where: str


def described(enum: type[Enum]) -> dict[str, str]:
    """What stands under each member, by the members' names; Undescribed where nothing does."""
    (declared,) = ast.parse(textwrap.dedent(inspect.getsource(enum))).body
    assert isinstance(declared, ast.ClassDef)
    texts = dict(_texts(declared.body))
    if lacking := [member.name for member in enum if member.name not in texts]:
        raise Undescribed(f"{enum.__name__}: nothing stands under {', '.join(lacking)}.")
    return texts


def entries(enum: type[Enum]) -> list[Entry]:
    """Of each member: its meaning, then `Remedy:`, `Again:` (may it be tried again, and when) and `Where:`.

    Undescribed where one of them is missing. A socket's end needs no `Where:`.
    """
    found = []
    for name, text in described(enum).items():
        meaning, *rest = _LABEL.split(text)
        parts = {label: _sentence(part) for label, part in zip(rest[::2], rest[1::2], strict=True)}
        if enum is CloseCode:
            parts.setdefault("Where", "")
        if not meaning.strip() or tuple(parts) != _LABELS:
            raise Undescribed(f"{enum.__name__}.{name} says no meaning, {', '.join(_LABELS)}.")
        found.append(Entry(str(enum[name].value), _flat(meaning), *parts.values()))
    return found


def tables() -> str:
    """All that is made of the code, in Markdown."""
    head = ("Code", "Meaning", "What to do", "Again?", "Where")
    closing = ("Code", "Meaning", "What to do", "Come back?")
    return "\n".join(
        (
            _section("Problems and refusals by rule", _lead(ProblemCode), head, entries(ProblemCode)),
            _section("Requests", _lead(RequestCode), head, entries(RequestCode)),
            _section("Requests that are not answered here or now", _lead(EdgeCode), head, entries(EdgeCode)),
            _section("Operations over a socket", _lead(OperationCode), head, entries(OperationCode)),
            _section("How a socket ends", _lead(CloseCode), closing, [entry[:4] for entry in entries(CloseCode)]),
            _section("Other addresses", _lead(AddressCode), head, entries(AddressCode)),
            _section("Files", _lead(FileCode), head, entries(FileCode)),
            _section("Statuses of HTTP", _lead(RefusingStatus), ("Status", "Meaning"), _statuses()),
            _section("Jobs that have failed", _FAILURE_LEAD, ("Code", "Meaning", "What to do"), _failures()),
        )
    )


_FAILURE_LEAD = "`Job.failure.code`, of the enum `FailureCode`; its `message` says the same to people."


def _statuses() -> list[tuple[str, str]]:
    return [(str(RefusingStatus[name].value), _flat(text)) for name, text in described(RefusingStatus).items()]


def _failures() -> list[tuple[str, str, str]]:
    return [
        (name, forms_of(message(DEFAULT, f"failure.{name}"))[-1], _flat(text))
        for enum in FAILURES
        for name, text in described(enum).items()
    ]


def _section(title: str, lead: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    quoted = [(f"`{code}`", *rest) for code, *rest in rows]
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *quoted)]
    return "\n".join((f"## {title}", lead, "", *lines, ""))


def _lead(enum: type[Enum]) -> str:
    return _flat(inspect.getdoc(enum) or "")


def _texts(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    """The texts that stand under assignments, by what is assigned."""
    for given, text in pairwise(body):
        if isinstance(given, ast.Assign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            assert isinstance(given.targets[0], ast.Name)
            yield given.targets[0].id, inspect.cleandoc(str(text.value.value))


def _flat(text: str) -> str:
    return " ".join(text.split())


def _sentence(text: str) -> str:
    flat = _flat(text)
    return flat[:1].upper() + flat[1:]


def written(present: str) -> str:
    """The whole page: what was written by hand in the `present` one, and the tables of today."""
    by_hand, mark, _ = present.partition(MARK)
    if not mark:
        raise Undescribed(f"docs/errors.md lacks its mark: {MARK.strip()}")
    return by_hand + MARK + tables()


def main(arguments: list[str]) -> None:
    """The command: exits with a sentence and status 1 where the file is not today's, or a code is not described."""
    present = GUIDE.read_text(encoding="utf-8")
    try:
        page = written(present)
    except Undescribed as error:
        sys.exit(str(error))
    if arguments != ["--check"]:
        GUIDE.write_text(page, encoding="utf-8")
    elif page != present:
        sys.exit("docs/errors.md is not what the code tells: run `make schema` and read the difference.")


if __name__ == "__main__":
    main(sys.argv[1:])
