"""A network address has one form, and what is none is none."""

import pytest

from edge.addresses import network_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:cb00:7107", "203.0.113.7"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),
        ("unknown", ""),
        ("203.0.113.7, 10.0.0.1", ""),
        ("203.0.113.7:80", ""),
        ("0x7f.1", ""),
        ("<script>", ""),
        ("1" * 10_000, ""),
        ("%eth0", ""),
    ],
)
def test_an_address_has_one_form(text: str, address: str) -> None:
    assert network_address(text) == address
    assert len(network_address(text)) <= 45
