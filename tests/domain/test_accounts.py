"""Small rules of accounts: what devices are called, where somebody may be, what a picture is."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounts import time_zone
from domain.devices import device_name
from domain.errors import Invalid
from domain.pictures import MOST_BYTES, kind_of, picture, size_of
from tests.pictures import png, png_claiming

MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox, Linux"),
        (f"{MAC}Chrome/140.0.0.0 Safari/537.36", "Chrome, macOS"),
        (f"{MAC}Chrome/140.0.0.0 Safari/537.36 Edg/140.0", "Edge, macOS"),
        (f"{MAC}Version/18.0 Safari/605.1.15", "Safari, macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140.0 Mobile Safari/604.1", "Chrome, iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("python-httpx/0.28.1", "python-httpx"),
        ("curl/8", "curl"),
        ("Firefox/1", "Firefox"),
        ("<script>", ""),
        ("", ""),
    ],
)
def test_devices_have_names(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


@given(st.text(max_size=300))
def test_whatever_a_program_calls_itself_its_name_is_short(user_agent: str) -> None:
    assert len(device_name(user_agent)) <= 50


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata"])
def test_zones_of_the_world(zone: str) -> None:
    assert time_zone(zone, path=()) == zone


@pytest.mark.parametrize(
    "zone", ["", "utc", "Europe/Nowhere", "/etc/localtime", "../UTC", "Factory", "localtime", "\x00"]
)
def test_what_is_no_zone(zone: str) -> None:
    with pytest.raises(Invalid):
        time_zone(zone, path=())


def test_a_picture_may_be_just_so_large() -> None:
    largest = png(1, 1).ljust(MOST_BYTES, b"\x00")
    assert picture(b64encode(largest).decode(), path=()) == largest
    for data in (largest + b"\x00", png_claiming(4097, 4096, b"")):
        with pytest.raises(Invalid):
            picture(b64encode(data).decode(), path=())
    assert picture(b64encode(png_claiming(4096, 4096, b"")).decode(), path=())


@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x00\x00\x00\x00WEBPVP8L"]),
)
def test_whatever_a_file_begins_with_its_size_is_read_or_is_not(data: bytes, head: bytes) -> None:
    size = size_of(head + data)
    assert size is None or (kind_of(head + data) is not None and min(size) >= 0)
