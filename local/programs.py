"""The processes of the product as plain data: what runs, and with which environment."""

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from local.errors import LocalError
from local.processes import Command

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

API = "API"
API_OPTIONS = (
    *("--factory", "--loop", "uvloop", "--http", "edge.wire:Http", "--no-access-log"),
    *("--ws-per-message-deflate", "false"),  # on, it would double the cost of a socket
    *("--ws-ping-interval", "0", "--ws-max-size", str(1024**2)),  # our own transport pings; see docs/live.md
    *("--timeout-graceful-shutdown", "5"),
    # Longer than proxies keep a connection that rests: we must not be who closes it, just as it is used.
    *("--timeout-keep-alive", "75"),
)
DATABASE = "video_creator"
"""What the database of `make run` is called."""
MIGRATE = ("-m", "models.migrate")
SEED = ("-m", "local.seed")
WORKERS = {
    "relay": ("-m", "workers.relay"),
    "media worker": ("-m", "workers.media"),
    "io worker": ("-m", "workers.io"),
}
"""In the order in which they start; they stop in the opposite one, after the API."""


@dataclass(frozen=True)
class Place:
    """Where everything lies and listens."""

    data: Path
    port: int

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def logs(self) -> Path:
        """The folder of the logs, one file a process."""
        return self.data / "logs"

    @property
    def mailbox(self) -> Path:
        """The folder in which e-mails end up."""
        return self.data / "mailbox"

    def log(self, name: str) -> Path:
        """Return the log of a process, by its name."""
        return self.logs / f"{name.lower().replace(' ', '-')}.log"


def environment(given: Mapping[str, str], place: Place, secret: str) -> dict[str, str]:
    """Return what all processes get: what is given, and for what is not given (or empty) values for one machine.

    The addresses of the database and of Redis are not among these: they are known only when these two run.
    """
    ours = {
        "ENVIRONMENT": "development",
        "PUBLIC_URL": place.url,
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": secret,
        "SMTP_URL": f"mailbox:{quote(str(place.mailbox))}",
        "STORAGE_URL": f"file:{quote(str(place.data / 'storage'))}",
        "WORK_DIR": str(place.data / "work"),
    }
    return ours | {name: value for name, value in given.items() if value}


def commands(place: Place, env: Mapping[str, str]) -> dict[str, Command]:
    """Return what runs all the time, by name, in the order of starting."""
    api = ("-m", "uvicorn", "app:create_app", *API_OPTIONS, "--host", "127.0.0.1", "--port", str(place.port))
    return {name: command(arguments, env, place.log(name)) for name, arguments in {**WORKERS, API: api}.items()}


def command(arguments: tuple[str, ...], env: Mapping[str, str], log: Path | None = None) -> Command:
    """Return one Python program of the checkout, run by the Python that runs us."""
    return Command(argv=(sys.executable, *arguments), folder=ROOT, log=log, environment=env)


def running_database(data: Path) -> str:
    """Return the address of the database that runs on the folder of `make run`.

    Raises:
        LocalError: none does.

    """
    sockets = data / "postgres" / "short"  # see `local.folders.ShortFolder`
    if not sockets.is_dir():
        raise LocalError(f"No database runs on {data}. Start `make run` first, in another terminal.")
    return f"postgres://postgres@/{DATABASE}?host={sockets.readlink()}"


def secret_key(file: Path) -> str:
    """Return the secret that is kept in a file; the file is made, for its owner only, if there is none.

    Raises:
        LocalError: the file can neither be read nor made.

    """
    try:
        if not file.exists():
            unfinished = file.with_suffix(".new")
            unfinished.touch(mode=0o600)
            unfinished.write_text(secrets.token_urlsafe(48))
            unfinished.replace(file)
        return file.read_text().strip()
    except OSError as error:
        raise LocalError(f"Cannot use {file}: {error.strerror}.") from error
