"""A walk over the code: no code of an error without its entry in docs/errors.md, and no entry without its code."""

import ast
import re
from collections.abc import Iterator
from enum import Enum, StrEnum
from http import HTTPStatus
from itertools import chain
from pathlib import Path

import pytest

from edge.codes import RefusingStatus
from local.guide import CODES, FAILURES, GUIDE, MARK, Undescribed, described, entries, written
from schema.enums import FailureCode

ROOT = Path(__file__).parent.parent.parent
TELLING = ("domain", "edge", "gateways", "live", "models", "plan", "resolvers", "schema")
TOLD = [enum for enum in CODES if issubclass(enum, StrEnum)]
NOT_TOLD = {499}
"""For the log alone: nobody waits for it."""
REFUSING = range(400, 600)


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for room in TELLING:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text())


def declared_elsewhere(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node but those inside an enum, where codes are declared."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in node.bases):
            continue
        yield node
        pending.extend(ast.iter_child_nodes(node))


def told_as_code(node: ast.AST) -> Iterator[ast.expr]:
    """What is put in the place of a code: `{"code": …}`, or `code=…` for whoever does that."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "code":
                yield value
    if isinstance(node, ast.Call):
        yield from (word.value for word in node.keywords if word.arg == "code")


def is_a_text(value: ast.expr) -> bool:
    """A text written there, or a constant that holds one: its entry could be forgotten."""
    parts = value.values if isinstance(value, ast.BoolOp) else [value]
    return any(
        (isinstance(part, ast.Constant) and isinstance(part.value, str))
        or isinstance(part, ast.JoinedStr)
        or (isinstance(part, ast.Name) and part.id.isupper())
        for part in parts
    )


def test_a_code_is_a_member_of_an_enum_that_is_described() -> None:
    values = {member.value for enum in TOLD for member in enum}
    for path, tree in modules():
        for node in declared_elsewhere(tree):
            texts = [ast.unparse(value) for value in told_as_code(node) if is_a_text(value)]
            assert not texts, f"{path}: {texts} is no member of an enum of {[enum.__name__ for enum in CODES]}"
            if isinstance(node, ast.Constant) and node.value in values:
                raise AssertionError(f"{path}:{node.lineno} spells the code {node.value!r}: name its enum's member")


def test_whoever_takes_a_code_takes_a_member_of_an_enum() -> None:
    """So that mypy keeps texts out."""
    taking = {
        f"{path.stem}.{node.name}": ast.unparse(argument.annotation or ast.Constant(None))
        for path, tree in modules()
        if path.parent.name in ("edge", "plan", "live", "storage")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for argument in (*node.args.args, *node.args.kwonlyargs)
        if argument.arg == "code"
    }
    assert taking.keys() >= {"requests.__init__", "documents._refused", "wire._refuse", "files._answer"}
    assert {name: kind for name, kind in taking.items() if not kind.endswith(("Code", "Enum"))} == {}


def test_every_code_is_told_somewhere() -> None:
    named = {
        f"{node.value.id}.{node.attr}"
        for _, tree in modules()
        for node in declared_elsewhere(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    named |= {f"AddressCode.{member}" for member in OF_STARLETTE}
    unused = {f"{enum.__name__}.{member.name}" for enum in CODES for member in enum} - named
    assert not unused, "they are described, and nobody is told them"


OF_STARLETTE = ("NOT_FOUND", "METHOD_NOT_ALLOWED", "REQUEST_ENTITY_TOO_LARGE")
"""What the router and its limits on bodies refuse: `edge/refusals.py` gives them their codes by their statuses."""


def statuses_in(tree: ast.Module) -> Iterator[int]:
    for node in declared_elsewhere(tree):
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in REFUSING:
            yield node.value
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("HTTPStatus", "AddressCode"):
            yield HTTPStatus[node.attr].value


def test_every_status_that_refuses_is_described_and_told() -> None:
    answering = [ROOT / "plan/http.py", ROOT / "gateways/storage/files.py", *sorted((ROOT / "edge").glob("*.py"))]
    used = set(chain.from_iterable(statuses_in(ast.parse(path.read_text())) for path in answering))
    used = {status for status in used if status in REFUSING} - NOT_TOLD
    assert used | {404, 405, 413} == {int(status) for status in RefusingStatus}


@pytest.mark.parametrize("enum", CODES, ids=lambda enum: enum.__name__)
def test_every_code_has_its_entry(enum: type[Enum]) -> None:
    page = GUIDE.read_text().partition(MARK)[2]
    assert [entry.code for entry in entries(enum)] == [str(member.value) for member in enum]
    for entry in entries(enum):
        assert re.search(rf"^\| `{entry.code}` \| {re.escape(entry.meaning)} \|", page, re.MULTILINE)


def test_every_failure_of_a_job_has_its_entry() -> None:
    assert [name for enum in FAILURES for name in described(enum)] == [code.name for code in FailureCode]


def test_the_page_is_todays() -> None:
    page = GUIDE.read_text()
    assert written(page) == page


class Forgetful(StrEnum):
    SAID = "SAID"
    """It is.

    Remedy: none.
    Again: no.
    """


class Silent(StrEnum):
    SAID = "SAID"
    """It is."""
    FORGOTTEN = "FORGOTTEN"


def test_a_code_without_all_of_its_description_is_found_out() -> None:
    with pytest.raises(Undescribed, match=r"Forgetful\.SAID"):
        entries(Forgetful)
    with pytest.raises(Undescribed, match="FORGOTTEN"):
        described(Silent)
    with pytest.raises(Undescribed, match="mark"):
        written("# Errors")
