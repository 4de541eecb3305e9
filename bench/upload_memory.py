"""What a large upload to the local store costs the API process: `python -m bench.upload_memory [GIBIBYTES]`.

Starts a product of its own on fresh services, sends a file of that size (2 GiB) in parts of 16 MiB, four at a time, and
prints the API's resident memory before, its peak during, and the rate.
"""

import asyncio
import sys
import time
from pathlib import Path

from tests import services
from tests.factories import Factory, gid
from tests.own import own_studio

MIB = 1024**2
PART = 16 * MIB


def resident(pid: int, field: str) -> float:
    """`VmRSS` or `VmHWM` of a process, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


async def upload(make: Factory, pid: int, size: int) -> None:
    """Sends `size` bytes, and prints what that cost."""
    crew = await make.crew()
    client = crew.editor.client
    await client.do("Viewer")
    video = gid(await make.video(crew))
    begun = await client.do("StartUpload", input={"videoId": video, "fileName": "large.mov", "size": size})
    before, began, gate = resident(pid, "VmRSS"), time.perf_counter(), asyncio.Semaphore(4)
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # noqa: ASYNC240 - the peak counts from here
    body = bytes(PART)

    async def send(part: dict[str, int | str]) -> None:
        async with gate:
            await client.put(str(part["url"]), body[: int(part["size"])])

    await asyncio.gather(*map(send, begun["missing"]))
    seconds = time.perf_counter() - began
    peak = resident(pid, "VmHWM")
    print(f"{size / MIB:.0f} MiB in {seconds:.1f} s ({size / MIB / seconds:.0f} MiB/s)")
    print(f"API process: {before:.1f} MiB before, {peak:.1f} MiB at the peak: {peak - before:+.1f} MiB")


async def main(gibibytes: float) -> None:
    """The measurement."""
    async with own_studio("api", UPLOAD_PART_BYTES=str(PART)) as (studio, make):
        await upload(make, studio.processes["api"].pid, int(gibibytes * 1024 * MIB))


if __name__ == "__main__":
    started = services.Services()
    try:
        started.start()
        asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 2))
    finally:
        started.stop()
