"""The clients of this folder, generated from the contract and built, once for all workers."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from local.programs import ROOT
from tests import services

HERE = Path(__file__).parent
TOOLS = HERE / "node_modules" / ".bin"
GENERATE = ("graphql-codegen", "--config", "codegen.ts", "--silent")
JUDGE = ("tsc", "--project", "tsconfig.json")
RUNNABLE = [
    pytest.mark.skipif(shutil.which("node") is None, reason="There is no Node on this machine to run clients with."),
    pytest.mark.skipif(
        not (TOOLS / "graphql-codegen").exists(),
        reason="The clients are not installed: `make test` does it where there is npm.",
    ),
]
"""The mark of tests that run clients."""


@pytest.fixture(scope="session")
def built() -> Path:
    """A project as a client's author has it, out of the committed contract, and in `built/` what Node runs of it."""
    project = Path(services.where()["folder"]) / "clients"
    with project.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (project / "built").exists():
            lay_out(project)
            run(project, *GENERATE)
            run(project, *JUDGE)
    return project


def lay_out(project: Path) -> None:
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(HERE, project, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__"))
    (project / "node_modules").symlink_to(HERE / "node_modules")
    (project / "schema.graphql").symlink_to(ROOT / "schema.graphql")
    (project / "operations").symlink_to(ROOT / "web" / "operations")


def run(project: Path, tool: str, *arguments: str) -> None:
    ran = subprocess.run(
        [TOOLS / tool, *arguments], cwd=project, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, f"{tool} finds fault:\n{ran.stdout}{ran.stderr}"
