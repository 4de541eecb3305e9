"""An endpoint's URL, and which addresses are public: by IANA's registries, and by every odd way to write them."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.webhooks.addresses import DEFAULT_PORTS, MOST, check_url
from domain.webhooks.networks import is_public

IPV4_REGISTRY = (
    # IANA IPv4 Special-Purpose Address Registry, all of it.
    *("0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32", "192.0.0.170/32"),
    *("192.0.0.171/32", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.88.99.2/32"),
    *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"),
    "255.255.255.255/32",
    # IPv4 Multicast Address Space Registry.
    "224.0.0.0/4",
)
IPV6_REGISTRY = (
    # IANA IPv6 Special-Purpose Address Registry, all of it but 64:ff9b::/96, which is judged by what is in it.
    *("::1/128", "::/128", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32"),
    *("2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32", "2001:4:112::/48"),
    *("2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48"),
    *("3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10"),
    # Multicast; and what was given back or is not to be used any more: compatible, translated, site-local, 6bone.
    *("ff00::/8", "::/96", "::ffff:0:0:0/96", "fec0::/10", "3ffe::/16"),
    # Whatever is not given out at all.
    *("::/8", "200::/7", "400::/6", "800::/5", "1000::/4", "4000::/3", "6000::/3", "8000::/3", "a000::/3", "c000::/3"),
)
CLOUDS = (
    *("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254"),
    *("fd20:ce::254", "fe80::a9fe:a9fe"),
)
PUBLIC = (
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255", "198.20.0.0"),
    *("223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001:82a::200e", "2001:200::1", "2001:4860:4860::8888"),
    *("3ffd:ffff::1", "2003::1", "64:ff9b::808:808"),
)


def within(network: str) -> st.SearchStrategy[IPv4Address | IPv6Address]:
    found = ip_network(network)
    kind = IPv4Address if isinstance(found, IPv4Network) else IPv6Address
    return st.integers(int(found.network_address), int(found.broadcast_address)).map(kind)


@pytest.mark.parametrize("network", [*IPV4_REGISTRY, *IPV6_REGISTRY])
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_nothing_of_a_special_network_is_public(network: str, data: st.DataObject) -> None:
    found = ip_network(network)
    if network != "::/8":  # it has 64:ff9b::/96 in it
        assert not is_public(data.draw(within(network)))
    assert not is_public(found[0])
    assert not is_public(found[-1])


@pytest.mark.parametrize("address", CLOUDS)
def test_no_cloud_tells_its_secrets(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_rest_is_public(address: str) -> None:
    assert is_public(address)
    assert is_public(ip_address(address))


@settings(deadline=None)
@given(number=st.integers(0, 2**32 - 1))
def test_an_ipv4_address_is_public_if_no_network_has_it(number: int) -> None:
    address = IPv4Address(number)
    special = any(address in IPv4Network(network) for network in (*IPV4_REGISTRY, "168.63.129.16/32"))
    assert is_public(address) is not special


TRANSLATIONS = (
    *(lambda v4: (0xFFFF << 32) | v4, lambda v4: v4, lambda v4: (0xFFFF << 48) | v4),
    *(
        lambda v4: (0x64FF9B0001 << 88) | v4,
        lambda v4: (0x2002 << 112) | (v4 << 80),
        lambda v4: (0x20010000 << 96) | v4,
    ),
    *(lambda v4: (0x20010000 << 96) | (v4 << 64), lambda v4: (0x20010000 << 96) | (v4 ^ 0xFFFFFFFF)),
    *(lambda v4: (0x2606 << 112) | (0x5EFE << 32) | v4, lambda v4: (0x2606 << 112) | (0x2005EFE << 32) | v4),
)
"""Mapped, compatible, translated, NAT64 for local use, 6to4, Teredo in three places, ISATAP in a public network."""


@pytest.mark.parametrize("translated", TRANSLATIONS)
@settings(deadline=None, max_examples=50)
@given(
    number=st.one_of(st.integers(0, 2**32 - 1), st.sampled_from(["127.0.0.1", "10.0.0.1", "8.8.8.8"]).map(IPv4Address))
)
def test_an_address_within_an_address_is_not_public(translated, number) -> None:
    assert not is_public(IPv6Address(translated(int(number))))


@settings(deadline=None)
@given(number=st.integers(0, 2**32 - 1))
def test_what_nat64_leads_to_is_judged(number: int) -> None:
    assert is_public(IPv6Address((0x64FF9B << 96) | number)) is is_public(IPv4Address(number))


def test_a_zone_is_no_part_of_a_public_address() -> None:
    assert is_public("2606:4700::1")
    assert not is_public("2606:4700::1%eth0")


def test_a_text_that_is_no_address() -> None:
    for text in ("", "127.1", "localhost", "1.1.1.1/32", "0x7f.0.0.1", "010.0.0.1"):
        with pytest.raises(ValueError, match=r".*"):
            is_public(text)


@pytest.mark.parametrize(
    ("given_url", "normal"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://EXAMPLE.com:443/Hook?a=1&b=%20", "https://example.com/Hook?a=1&b=%20"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://example.com.", "https://example.com/"),
        ("https://example.com?q", "https://example.com/?q"),
        ("https://bücher.example/ä?ö=ü", "https://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC"),
        ("https://faß.example", "https://xn--fa-hia.example/"),
        ("https://XN--BCHER-KVA.example", "https://xn--bcher-kva.example/"),
        ("https://例え。テスト.com/", "https://xn--r8jz45g.xn--zckzah.com/"),
        ("https://r3---sn-apo.example/../a/./b//", "https://r3---sn-apo.example/../a/./b//"),
        ("https://8.8.8.8/hook", "https://8.8.8.8/hook"),
        ("https://[2606:4700:4700:0:0::1111]/hook", "https://[2606:4700:4700::1111]/hook"),
    ],
)
def test_a_url_is_stored_in_one_form(given_url: str, normal: str) -> None:
    assert check_url(given_url) == normal
    assert check_url(normal) == normal


@pytest.mark.parametrize(
    ("key", "urls"),
    [
        ("url_https", ["http://example.com", "ftp://example.com", "example.com", "//example.com", "", "javascript:x"]),
        ("url_https", ["wss://example.com", "file:///etc/passwd", "http://8.8.8.8", "httpſ://example.com"]),
        (
            "url_user",
            ["https://a@example.com", "https://a:b@example.com", "https://@example.com", "https://x:443@y.com"],
        ),
        ("url_user", ["https://8.8.8.8@127.0.0.1/", "https://example.com%40x@127.0.0.1"]),
        ("url_fragment", ["https://example.com#a", "https://example.com/#", "https://example.com/a?b#c"]),
        ("url_port", ["https://example.com:80", "https://example.com:22", "https://example.com:0", "https://a.com:x"]),
        (
            "url_port",
            ["https://example.com:99999", "https://example.com:-443", "https://a.com:443:443", "https://a.com:٤٤٣"],
        ),
        ("url_host", ["https://", "https:///a", "https://:443", "https:example.com", "https://?a", "https://a..com"]),
        (
            "url_host",
            ["https://.com", "https://-a.com", "https://a-.com", "https://a_b.com", f"https://{'a' * 64}.com"],
        ),
        (
            "url_host",
            [f"https://{'a.' * 130}com", "https://☃.com", "https://xn--a-.com", "https://[::1", "https://[a]"],
        ),
        ("url_host", ["https://0x7f.1", "https://2130706433", "https://0177.0.0.1", "https://127.1", "https://0"]),
        (
            "url_host",
            ["https://0x7f000001", "https://1.2.3", "https://1.2.3.4.5", "https://256.1.1.1", "https://1.1.1.0x1"],
        ),
        (
            "url_host",
            ["https://127.0.0.1%2f.com", "https://%31%32%37.0.0.1", "https://[fe80::1%25lo]", "https://a.com.."],
        ),
        (
            "url_host",
            ["https://exa%6dple.com", "https://[127.0.0.1]", "https://1.1.1.1..", "https://[v1.a]", "https://a,b"],
        ),
        ("url_private", ["https://127.0.0.1", "https://10.1.2.3", "https://169.254.169.254/latest", "https://0.0.0.0"]),
        (
            "url_private",
            ["https://[::1]", "https://[::ffff:8.8.8.8]", "https://[64:ff9b::7f00:1]", "https://[fd00::1]"],
        ),
        (
            "url_private",
            ["https://localhost", "https://a.localhost", "https://redis", "https://nas.local", "https://x.internal"],
        ),
        ("url_private", ["https://１２７.０.０.１", "https://127。0。0。1", "https://LOCALHOST.", "https://①⓪.0.0.1"]),
        (
            "url_characters",
            ["https://exa mple.com", " https://a.com", "https://a.com\n", "https://a.com/\t", "https://a\0.com"],
        ),
        ("url_characters", ["https://a.com\\@b.com", "https:\\\\a.com", "https://a.com/\x7f", "https://a.com/\x85"]),
        (
            "url_characters",
            ["https://a.com/\ud800", "https://a.com/\u202e", "https://a\u200d.com", "https://a\u00ad.com"],
        ),
    ],
)
def test_a_url_that_could_be_read_otherwise_is_refused(key: str, urls: list[str]) -> None:
    for url in urls:
        with pytest.raises(Invalid) as refused:
            check_url(url, path=("input", "url"))
        assert (url, refused.value.message, refused.value.path) == (url, f"problem.{key}", ("input", "url"))


def test_a_url_has_a_length() -> None:
    start = "https://example.com/"
    assert len(check_url(start + "a" * (MOST - len(start)))) == MOST
    for url in (start + "a" * (MOST - len(start) + 1), start + "ä" * (MOST // 6)):
        with pytest.raises(Invalid, match=r"problem\.text_long"):
            check_url(url)


def test_the_operator_says_which_ports() -> None:
    assert frozenset({443, 8443}) == DEFAULT_PORTS
    assert check_url("https://example.com:9000/", ports=frozenset({9000})) == "https://example.com:9000/"
    with pytest.raises(Invalid) as refused:
        check_url("https://example.com/", ports=frozenset({9000}))
    assert refused.value.params == {"ports": ["9000"]}


@pytest.mark.parametrize(
    "url",
    ["http://localhost:9000/", "http://127.0.0.1:1/", "https://[::1]:5/x", "http://a.localhost/", "http://127.9.9.9/"],
)
def test_this_machine_is_good_where_it_is_said_to_be(url: str) -> None:
    assert check_url(url, loopback=True) == url
    with pytest.raises(Invalid):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1", "http://example.com", "http://localhost.com", "https://0.0.0.0", "https://[::ffff:127.0.0.1]"],
)
def test_nothing_else_is_good_then(url: str) -> None:
    with pytest.raises(Invalid):
        check_url(url, loopback=True)


@settings(deadline=None, max_examples=300)
@given(
    url=st.one_of(
        st.text(max_size=60).map("https://".__add__),
        st.text("htps:/@[]%.\\?#abc0123xX789_-&=ä。１ \t", max_size=40).map("https://".__add__),
        st.text(max_size=40),
    )
)
def test_whatever_is_taken_stays_as_it_is_and_is_ascii(url: str) -> None:
    try:
        taken = check_url(url)
    except Invalid:
        return
    assert check_url(taken) == taken
    assert taken.isascii()
    assert taken.isprintable()
    assert taken.startswith("https://")
    assert "@" not in taken.split("/")[2]


def test_every_network_of_ours_is_in_a_registry_of_these() -> None:
    """The list of the code is no longer than it has to be."""
    from domain.webhooks.networks import SPECIAL_V4, SPECIAL_V6

    known = {*IPV4_REGISTRY, *IPV6_REGISTRY, "168.63.129.16/32"}
    assert {*SPECIAL_V4, *SPECIAL_V6} <= known
    assert all(isinstance(ip_network(each), IPv4Network | IPv6Network) for each in known)
