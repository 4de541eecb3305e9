"""A large file goes through the whole API, and the API does not hold it."""

import asyncio
import hashlib
from pathlib import Path

from tests.factories import gid
from tests.own import own_studio

MIB = 1024**2
PART = 50 * MIB
"""Larger than what the API may grow by: one part held whole is seen."""
PARTS = 4


def resident(pid: int, field: str) -> float:
    """`VmRSS` or `VmHWM` of a process, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


async def test_an_upload_of_200_mib_does_not_fill_the_api() -> None:
    async with own_studio("api", UPLOAD_PART_BYTES=str(PART)) as (studio, make):
        crew, pid = await make.crew(), studio.processes["api"].pid
        client = crew.editor.client
        asked = {"videoId": gid(await make.video(crew)), "fileName": "large.mov", "size": PARTS * PART}
        begun = await client.do("StartUpload", input=asked)
        assert [part["size"] for part in begun["missing"]] == [PART] * PARTS
        before = resident(pid, "VmRSS")
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # noqa: ASYNC240 - the peak counts from here
        body = bytes(PART)
        checksums = await asyncio.gather(*(client.put(part["url"], body) for part in begun["missing"]))
        assert set(checksums) == {hashlib.md5(body).hexdigest()}
        parts = [{"number": number, "checksum": checksum} for number, checksum in enumerate(checksums, start=1)]
        await client.do("CompleteUpload", input={"id": begun["upload"]["id"], "parts": parts})
        grown = resident(pid, "VmHWM") - before
        assert grown < 30, f"{grown:.1f} MiB more for {PARTS * PART // MIB} MiB"
