"""Runs the whole product on this machine: `python -m local.run`, behind `make run`."""

import argparse
import http.client
import os
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from local.errors import LocalError
from local.folders import lock, make_private
from local.postgres import EmbeddedPostgres
from local.programs import DATABASE, MIGRATE, ROOT, SEED, Place, command, commands, environment, secret_key
from local.redis import EmbeddedRedis
from local.supervisor import Child, Stopped, Supervisor, run_once, stop_signals

_LEAST_FREE_BYTES = 256 * 1024**2
_READY_SECONDS = 60.0


def main() -> int:
    """Run until Ctrl-C; return the exit code: 0 when asked to end, 1 when something stands in the way."""
    parser = argparse.ArgumentParser(prog="python -m local.run", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / ".data", help="where everything is kept (default: .data)")
    arguments = parser.parse_args()
    try:
        with stop_signals():
            run(arguments.data, os.environ)
    except Stopped:
        say("Stopped.")
    except LocalError as error:
        say(str(error))
        return 1
    return 0


def run(data: Path, given: Mapping[str, str]) -> None:
    """Start everything, say where it is, and look after it until `Stopped` is raised.

    Args:
        data: the folder in which everything is kept.
        given: the environment; a service whose address it names is used instead of one of ours.

    Raises:
        LocalError: something cannot run; nothing is left running.

    """
    began = time.monotonic()
    place = Place(make_private(data), _free_port(given.get("PORT") or "8000"))
    held = lock(place.data / "lock", 0, f"Another `make run` is using {place.data}; stop that one first.")
    supervisor = Supervisor(say)
    try:
        _require_room(place.data)
        _start(supervisor, place, given)
        say(_banner(place, time.monotonic() - began, mails=_mails(place, given)))
        supervisor.watch()
    finally:
        supervisor.stop()
        os.close(held)


def say(text: str) -> None:
    """Show a text at once, also when the output is a pipe."""
    print(text, flush=True)


def _start(supervisor: Supervisor, place: Place, given: Mapping[str, str]) -> None:
    _begin_logs(place.logs)
    env = environment(given, place, secret_key(place.data / "secret"))
    env = _start_services(supervisor, place, env)
    run_once(command(MIGRATE, env), "Migrating the database")
    supervisor.start(Child(name, each) for name, each in commands(place, env).items())
    run_once(command(SEED, env), "Making the demo data")  # while the others are still importing
    supervisor.wait_until(lambda: _answers(place.port), _READY_SECONDS, f"The API (see {place.logs})")


def _start_services(supervisor: Supervisor, place: Place, env: dict[str, str]) -> dict[str, str]:
    """Start the services whose address is not given; return the environment with their addresses."""
    if "DATABASE_URL" not in env:
        postgres = EmbeddedPostgres(place.data / "postgres", lasting=True, log=place.log("postgres"))
        supervisor.start([postgres])
        if not postgres.has_database(DATABASE):
            postgres.create_database(DATABASE)
        env |= {"DATABASE_URL": postgres.url(DATABASE)}
    if "REDIS_URL" not in env:
        redis = EmbeddedRedis(place.data / "redis", lasting=True, log=place.log("redis"))
        supervisor.start([redis])
        env |= {"REDIS_URL": redis.url()}
    return env


def _free_port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 2**16:
        raise LocalError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except OSError as error:
            raise LocalError(
                f"Port {text} cannot be used ({error.strerror}); choose another: `make run PORT=8001`."
            ) from error
    return int(text)


def _require_room(data: Path) -> None:
    free = shutil.disk_usage(data).free
    if free < _LEAST_FREE_BYTES:
        raise LocalError(
            f"The disk that holds {data} is full: {free // 1024**2} MiB are left,"
            f" and {_LEAST_FREE_BYTES // 1024**2} MiB are needed."
        )


def _begin_logs(folder: Path) -> None:
    """Begin new logs, and keep those of the run before as `….log.1`."""
    make_private(folder)
    for log in folder.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _mails(place: Place, given: Mapping[str, str]) -> str:
    if given.get("SMTP_URL"):
        return "sent as SMTP_URL says"
    return f"{place.url}/mailbox (`make mail` shows the newest)"


def _banner(place: Place, seconds: float, *, mails: str) -> str:
    return f"""
Video Creator runs at {place.url} (ready after {seconds:.1f} s).

  GraphQL   {place.url}/graphql (GraphiQL in a browser; `make graphiql` gets it)
  Mails     {mails}
  Logs      {place.logs}
  Data      {place.data}

Ctrl-C stops everything; the data stays.
"""


if __name__ == "__main__":
    sys.exit(main())
