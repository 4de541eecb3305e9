"""What is counted as one, and when the next try will be refused."""

import pytest

from domain.throttling import PASSWORD_FROM_ADDRESS, PASSWORD_OF_ACCOUNT, Standing, network_of, used_up


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_one_line_is_one(address, network):
    assert network_of(address) == network


def test_only_network_addresses_are_taken_for_such():
    assert PASSWORD_FROM_ADDRESS.key_of("2001:db8::1") == "2001:db8::/64"
    assert PASSWORD_OF_ACCOUNT.key_of("2001:db8::1") == "2001:db8::1"


def test_who_has_no_try_left_in_one_window_has_none():
    long, short = Standing("p", 10, 3600, 4, 3000), Standing("p", 5, 60, 0, 9)
    assert used_up([long, short])
    assert not used_up([long])
    assert long.name != short.name
