"""What processes use, out of /proc."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time that a process and all below it have used, those that have ended included."""
    return sum(_seconds(each) for each in (pid, *below(pid)))


def rss_mib(pid: int) -> float:
    """MiB of memory that a process and all below it hold at the moment."""
    return sum(_resident(each) for each in (pid, *below(pid))) / 1024


def _seconds(pid: int) -> float:
    stat = _fields(pid)
    return sum(map(int, stat[11:15])) / _TICKS if stat else 0.0  # utime, stime, and those of children waited for


def _resident(pid: int) -> int:
    try:
        status = (_PROC / str(pid) / "status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)


def below(pid: int) -> list[int]:
    """The processes that a process has started, and those that these have."""
    parents = {
        int(path.name): int(stat[1]) for path in _PROC.iterdir() if path.name.isdigit() and (stat := _fields(path.name))
    }
    found, look = list[int](), [pid]
    while look:
        parent = look.pop()
        children = [child for child, its in parents.items() if its == parent]
        found += children
        look += children
    return found


def _fields(pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat behind the name, which may hold spaces: state, parent, …; none if it has ended."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
