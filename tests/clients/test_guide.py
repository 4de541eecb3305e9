"""What docs/clients.md shows is what is generated, judged and played here."""

import json
import re
from pathlib import Path

import pytest

from local.programs import ROOT
from tests.clients.conftest import GENERATE, HERE, JUDGE

BLOCKS: list[tuple[str, str]] = re.findall(
    r"^```([^\n]*)\n(.*?)^```$", (ROOT / "docs" / "clients.md").read_text(), re.DOTALL | re.MULTILINE
)


@pytest.mark.parametrize(("kind", "code"), BLOCKS, ids=[kind for kind, _ in BLOCKS])
def test_each_block_is_out_of_a_file_that_is_played(kind: str, code: str) -> None:
    if kind == "sh":
        assert code.splitlines() == commands()
        return
    language, name = kind.split()
    assert language == "ts"
    written = plain((HERE / name).read_text())
    for part in code.strip().split("\n\n"):
        assert plain(part) in written


def plain(code: str) -> str:
    """Without blank lines, and however far in it stands."""
    return "\n" + "\n".join(line.strip() for line in code.splitlines() if line.strip()) + "\n"


def commands() -> list[str]:
    package = json.loads((HERE / "package.json").read_text())
    tools = list(package["devDependencies"])
    return [
        f"npm install {' '.join(package['dependencies'])}",
        f"npm install --save-dev {' '.join(tools[:3])}",
        f"npm install --save-dev {' '.join(tools[3:])}",
        *(f"npx {' '.join(command)}".replace(" --silent", "") for command in (GENERATE, JUDGE)),
    ]


def test_the_scalars_are_the_schemas() -> None:
    declared = set(re.findall(r"^scalar (\w+)", (ROOT / "schema.graphql").read_text(), re.MULTILINE))
    (shown,) = re.findall(r"scalars: \{(.*?)\}", (HERE / "codegen.ts").read_text(), re.DOTALL)
    assert set(re.findall(r"^\s*(\w+):", shown, re.MULTILINE)) == {"ID", *declared}


def test_every_file_that_clients_are_made_of_is_shown() -> None:
    shown = {Path(kind.split()[1]) for kind, _ in BLOCKS if kind != "sh"}
    assert {Path(file.name) for file in HERE.glob("*.ts")} <= shown
