"""What processes use: to the microsecond, where `bench.graphql.usage` counts clock ticks."""

from pathlib import Path

from bench.graphql.usage import below


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time of a process and all below it, of the threads that are still there."""
    return sum(_nanoseconds(each) for each in (pid, *below(pid))) / 1e9


def rss_kib(pid: int) -> int:
    """KiB of memory that the process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def _nanoseconds(pid: int) -> int:
    try:
        return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())
    except OSError:  # it has just ended
        return 0
