"""The codes of apps, by RFC 6238's own figures, and those that people keep in a drawer."""

import re
from base64 import b32encode
from datetime import UTC, datetime, timedelta

import pytest

from resolvers.codes import as_typed, new_recovery_codes, new_secret, time_step

SECRET = b32encode(b"12345678901234567890").decode()
"""Of the RFC's appendix B, whose codes have eight digits: an app shows the last six."""
FIGURES = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
]


@pytest.mark.parametrize(("seconds", "code"), FIGURES)
def test_the_codes_of_the_rfc_are_known(seconds, code):
    assert time_step(SECRET, code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


@pytest.mark.parametrize(
    ("seconds", "fine"),
    [(-31, False), (-30, True), (-1, True), (0, True), (29, True), (30, True), (59, True), (60, False)],
)
def test_clocks_may_be_one_step_apart(seconds, fine):
    began = datetime.fromtimestamp(1111111110, UTC)  # the very moment at which the step begins
    step = time_step(SECRET, "050471", began + timedelta(seconds=seconds))
    assert (step == 1111111110 // 30) is fine
    assert fine or step is None


@pytest.mark.parametrize(
    "code", ["", "87082", "2870822", "２８７０８２", "28708a", " 287082", "287082\n", "\ud800" * 6]
)
def test_nothing_else_is_a_code(code):
    assert time_step(SECRET, code, datetime.fromtimestamp(59, UTC)) is None


def test_a_secret_has_as_many_bits_as_the_rfc_asks_for():
    assert re.fullmatch("[A-Z2-7]{32}", new_secret())
    assert len({new_secret() for _ in range(100)}) == 100


def test_recovery_codes_are_read_however_they_are_typed():
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert all(re.fullmatch("([a-z2-7]{4}-){3}[a-z2-7]{4}", code) for code in codes)
    assert as_typed(f" {codes[0].upper().replace('-', ' ')}\n") == codes[0].replace("-", "")
