"""PgBouncer in transaction mode, where its program is found: `apt-get install pgbouncer`."""

import shutil
import signal
import socket
from pathlib import Path

from local.folders import make_private
from local.postgres import _give
from local.postgres_install import find_installation
from local.processes import Command
from local.service import EmbeddedService

# Debian puts it where only root's PATH leads.
PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


class PgBouncer(EmbeddedService):
    """A pooler in front of the server on the socket in `server`.

    All who connect here share `sessions` there for each database.
    """

    name = "PgBouncer"
    stop_signal = signal.SIGINT

    def __init__(self, folder: Path, server: str, *, sessions: int = 4) -> None:
        super().__init__(folder, lasting=False)
        self._server = server
        self._sessions = sessions

    def url(self, name: str) -> str:
        """The address of a database by way of the pooler."""
        return f"postgres://postgres@/{name}?host={self._sockets}"

    def _command(self, kept_open: tuple[int, ...]) -> Command:
        assert PROGRAM is not None
        installation = find_installation(self._sockets)
        home = make_private(self.folder / "home")
        (home / "pgbouncer.ini").write_text(self._settings())
        _give(home, installation.owner)
        _give(self._sockets, installation.owner)
        return Command(
            argv=[PROGRAM, "pgbouncer.ini"],
            folder=home,
            log=self.log,
            identity=installation.identity,
            death_signal=self.stop_signal,
            kept_open=kept_open,
        )

    def _settings(self) -> str:
        return f"""
[databases]
* = host={self._server} user=postgres
[pgbouncer]
pool_mode = transaction
default_pool_size = {self._sessions}
auth_type = any
listen_addr =
listen_port = 5432
unix_socket_dir = {self._sockets}
"""

    def _is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self._sockets / ".s.PGSQL.5432"))
            except OSError:
                return False
            return True
