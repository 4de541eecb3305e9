"""`python -m workers.media`: does the jobs that decode, each in a sandboxed child process."""

import tempfile
from dataclasses import asdict
from pathlib import Path

import structlog

import workers.avatars
import workers.images
import workers.uploads  # noqa: F401 - declares what this worker can do
from domain.jobs import Queue
from media.runner import probe_protection

log = structlog.stdlib.get_logger(__name__)


async def say_what_holds() -> None:
    """Logs which layers of the sandbox hold on this machine; as a warning where some do not."""
    with tempfile.TemporaryDirectory() as folder:
        protection = await probe_protection(Path(folder))
    (log.info if protection.complete else log.warning)("media.sandbox", **asdict(protection))


def main() -> None:
    """The command."""
    from settings import load
    from workers import processes

    settings = load()
    processes.run(processes.worker(settings, Queue.MEDIA, at_start=say_what_holds), settings)


if __name__ == "__main__":
    main()
