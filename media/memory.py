"""Telling a lack of memory from a broken file: both make decoders fail, but only one is the file's fault."""

import re
from types import TracebackType
from typing import Self

# A failed allocation does not count towards the peak, so a starved process is found somewhat below its limit.
_FULL = 0.8
_KIB = 1024


class MemoryGauge:
    """Reads this process's largest address space so far. Opened before the sandbox, which would not let it in."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._status = open("/proc/self/status", "rb", buffering=0)  # noqa: PTH123, SIM115  # kept open on purpose

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.close()

    def is_full(self) -> bool:
        """Whether the process came so near its limit that what went wrong must have been that."""
        self._status.seek(0)
        peak = re.search(rb"VmPeak:\s+(\d+) kB", self._status.read() or b"")
        return peak is not None and int(peak[1]) * _KIB > _FULL * self._limit_bytes
