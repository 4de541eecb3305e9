"""`python -m workers.io`: does the jobs that wait for other services."""

import workers.accounts
import workers.deletions
import workers.links
import workers.mails
import workers.news
import workers.teams
import workers.uploads
import workers.videos  # noqa: F401 - these declare what this worker can do
from domain.jobs import Queue


def main() -> None:
    """The command."""
    from settings import load
    from workers import processes

    settings = load()
    processes.run(processes.worker(settings, Queue.IO), settings)


if __name__ == "__main__":
    main()
