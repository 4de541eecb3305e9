"""A second PostgreSQL that follows a first by streaming, as a replica in production does."""

import subprocess
from pathlib import Path

from local.folders import make_private
from local.postgres import EmbeddedPostgres, _as_seen, _give
from local.postgres_install import Installation
from local.processes import launch_argv, stop


class StandbyPostgres(EmbeddedPostgres):
    """A copy of the running `primary`, made over the wire, and then kept up to date from its log."""

    def __init__(self, folder: Path, primary: EmbeddedPostgres) -> None:
        super().__init__(folder, lasting=True)
        self._primary = primary

    def hold(self) -> None:
        """Replays nothing more: the replica falls behind."""
        self._query("SELECT pg_wal_replay_pause()")

    def go_on(self) -> None:
        """Replays what has arrived meanwhile, and everything that follows."""
        self._query("SELECT pg_wal_replay_resume()")

    def die(self) -> None:
        """Ends as by a fault; `start` brings it back at the same address."""
        assert self.process is not None
        stop(self.process, self.stop_signal, 20)

    def _initialise(self, installation: Installation) -> None:
        unfinished = self.folder / "unfinished"
        _give(make_private(unfinished), installation.owner)
        source = ["--dbname", self._primary.url("postgres"), "--write-recovery-conf", "--wal-method", "stream"]
        arguments = ["--pgdata", _as_seen(installation, unfinished), *source, "--checkpoint", "fast", "--no-sync"]
        command = self._run_as(installation, "pg_basebackup", unfinished, arguments, ())
        subprocess.run(launch_argv(command), check=True, capture_output=True, env={})
        unfinished.rename(self._data)
