"""One process and two, and who uses the processors meanwhile."""

from collections.abc import Sequence
from pathlib import Path
from time import process_time

from bench.graphql import load
from bench.graphql.asking import OPERATIONS
from bench.graphql.contenders import Contender, running, with_two_processes
from bench.graphql.targets import Targets
from bench.graphql.usage import cpu_seconds

CONNECTIONS = 16
_READS = ("video", "library", "room")


def two_processes(
    contender: Contender, database_pid: int, targets: Targets, logs: Path, seconds: float
) -> dict[str, dict[str, dict[str, float]]]:
    """Operation → `one` and `two` → requests per second, and how many processors each party kept busy."""
    found: dict[str, dict[str, dict[str, float]]] = {name: {} for name in _READS}
    for count, one in (("one", contender), ("two", with_two_processes(contender))):
        with running([one], logs) as (server,):
            for name in _READS:
                asked = [OPERATIONS[name].request(contender.dialect, target) for target in targets.seen[name]]
                found[name][count] = _shares(server.port, server.pid, database_pid, asked, seconds)
    return found


def _shares(port: int, server_pid: int, database_pid: int, asked: Sequence[bytes], seconds: float) -> dict[str, float]:
    load.run(port, asked, connections=CONNECTIONS, seconds=seconds / 2)
    pids = {"server": server_pid, "database": database_pid}
    before = {party: cpu_seconds(pid) for party, pid in pids.items()}
    own = process_time()
    many = load.run(port, asked, connections=CONNECTIONS, seconds=seconds)
    used = {"generator": process_time() - own}
    used |= {party: cpu_seconds(pid) - before[party] for party, pid in pids.items()}
    shares = {f"{party}_processors": round(busy / many.seconds, 2) for party, busy in used.items()}
    return {"rps": round(len(many.latencies) / many.seconds, 1), **shares}
