"""The house: which rooms there are, what they may be called, how large a file may grow."""

import importlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROOMS = (
    "domain",
    "edge",
    "gateways",
    "i18n",
    "live",
    "local",
    "media",
    "models",
    "plan",
    "resolvers",
    "schema",
    "workers",
)
BESIDE = {"bench", "docs", "integrations", "tests", "web", ".ci"}
NOUNS = {
    "accounts",
    "api_keys",
    "audit",
    "comments",
    "deliveries",
    "events",
    "identities",
    "invitations",
    "jobs",
    "links",
    "mentions",
    "notifications",
    "reactions",
    "teams",
    "two_factor",
    "uploads",
    "versions",
    "videos",
    "webhooks",
}
OF_ACCOUNTS = {"sessions", "credentials", "addresses", "profiles", "deletions"}
"""What accounts consist of: their rows are in `models/accounts.py`."""
OF_COMMENTS = {"images", "moments", "threads"}
"""What comments consist of: their rows are in `models/comments.py`."""
AT_THE_MOMENT = {"activity", "happenings", "presence"}
"""What is told as it is, or as it happens, and has no rows of its own."""
HELPERS = {
    "models": {
        "base",
        "bodies",
        "client",
        "database",
        "discards",
        "finding",
        "forgetting",
        "frames",
        "gathering",
        "idempotency",
        "indexes",
        "inserting",
        "lanes",
        "lines",
        "mails",
        "maintain",
        "maintenance",
        "making",
        "migrate",
        "names",
        "reading",
        "remarks",
        "replica",
        "search",
        "seen",
        "spares",
        "statements",
        "succession",
        "tellings",
        "tenancy",
        "threads",
    },
    "schema": {
        *OF_ACCOUNTS,
        *OF_COMMENTS,
        *AT_THE_MOMENT,
        "context",
        "enums",
        "export",
        "fields",
        "ids",
        "inputs",
        "languages",
        "permissions",
        "problems",
        "rights",
        "root",
        "scalars",
    },
    "resolvers": {
        *OF_ACCOUNTS,
        *AT_THE_MOMENT,
        "caller",
        "codes",
        "common_passwords",
        "guessing",
        "hooks",
        "idempotency",
        "notices",
        "passwords",
        "signing_in",
    },
}
LONGEST_FILE = 400


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", pattern], cwd=ROOT, capture_output=True, check=True
    )
    return [ROOT / line for line in listed.stdout.decode().splitlines() if (ROOT / line).exists()]


def test_no_room_stands_beside_the_plan_of_the_house() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in tracked("*") if len(path.relative_to(ROOT).parts) > 1}
    assert folders == {*ROOMS, *BESIDE} & folders
    assert set(ROOMS) <= folders


@pytest.mark.parametrize("room", ROOMS)
def test_a_rooms_name_is_ours(room: str) -> None:
    found = importlib.import_module(room).__file__
    assert found is not None
    assert Path(found).is_relative_to(ROOT / room)


@pytest.mark.parametrize("room", HELPERS)
def test_a_module_is_named_after_its_noun(room: str) -> None:
    modules = {path.stem for path in (ROOT / room).glob("*.py")} - {"__init__"}
    assert modules - HELPERS[room] <= NOUNS


@pytest.mark.parametrize("noun", sorted(NOUNS - {"events", "links"}))
def test_a_noun_that_clients_see_is_in_every_room_that_makes_it_work(noun: str) -> None:
    for room in ("models", "schema"):
        assert (ROOT / room / f"{noun}.py").exists()


def test_no_file_grows_beyond_one_idea() -> None:
    code = [path for path in tracked("*.py") if "migrations" not in path.parts]
    assert {path.name: lines for path in code if (lines := len(path.read_text().splitlines())) > LONGEST_FILE} == {}


def test_nothing_names_one_machine_or_a_package_host() -> None:
    forbidden = re.compile(r"(?<![\w.])/(?:home|root|Users)/\w|pythonhosted\.org|pypi\.org|npmjs\.org")
    for path in tracked("*"):
        if path.suffix in {".png", ".mp4"}:
            continue
        text = path.read_text(errors="replace")
        assert not forbidden.search(text), path
