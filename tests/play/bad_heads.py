"""Heads, addresses and chunks that are quickly sent, and may take long to take apart."""

from tests.play.sending import ANSWERED, EITHER, Attack, Attacks, chunked, got, posted

LONG = 60_000
TOO_LARGE = frozenset({431})
QUERY = b'{"query":"{__typename}"}'


def with_headers(*lines: str) -> bytes:
    return posted(QUERY, *lines, accept="application/json")


def preflight(n: int) -> bytes:
    lines = ("Host: x", "Origin: https://a", "Access-Control-Request-Method: POST")
    names = f"Access-Control-Request-Headers: {'a,' * 30_000}{n}"
    return "\r\n".join(["OPTIONS /graphql HTTP/1.1", *lines, names, "", ""]).encode()


HEADERS: Attacks = {
    "Accept of 6,000 types": Attack(lambda n: posted(b"{}", accept=f"a/{n};q=0.1," * 3_500), frozenset({406})),
    "Accept of commas": Attack(lambda n: posted(b"{}", accept="," * LONG + str(n)), frozenset({406})),
    "Accept-Language": Attack(lambda n: with_headers("Accept-Language: " + f"x{n};q=0.1," * 3_500), ANSWERED),
    "Accept-Encoding": Attack(lambda n: with_headers("Accept-Encoding: " + f"x{n};q=0.1," * 3_500), ANSWERED),
    "a cookie": Attack(lambda n: with_headers(f"Cookie: {n}=" + "x" * LONG), ANSWERED),
    "a cookie of escapes": Attack(lambda n: with_headers(f'Cookie: a{n}="' + "\\a" * (LONG // 2) + '"'), ANSWERED),
    "a session of escapes": Attack(lambda n: with_headers(f'Cookie: session="{n}' + "\\" * LONG + '"'), ANSWERED),
    "30,000 cookies": Attack(lambda n: with_headers(f"Cookie: {n}" + ";a" * (LONG // 2)), ANSWERED),
    "If-None-Match": Attack(lambda n: got("If-None-Match: " + f'W/"{n}",' * 5_000), ANSWERED),
    "If-None-Match of quotes": Attack(lambda n: got(f"If-None-Match: {n}" + 'W/"' * 20_001), ANSWERED),
    "X-Forwarded-For of ours": Attack(
        lambda n: with_headers(f"X-{n}: x", "X-Forwarded-For: " + "127.0.0.1," * 6_000), ANSWERED
    ),
    "X-Forwarded-For of commas": Attack(
        lambda n: with_headers(f"X-{n}: x", "X-Forwarded-For: " + "," * LONG), ANSWERED
    ),
    "X-Forwarded-For": Attack(
        lambda n: with_headers(
            "X-Forwarded-For: " + ",".join(f"10.{m % 250}.{m // 250}.{n % 250}" for m in range(4_000))
        ),
        ANSWERED,
    ),
    "Authorization": Attack(lambda n: with_headers(f"Authorization: Bearer {n}" + "x" * LONG), ANSWERED),
    "Authorization of spaces": Attack(lambda n: with_headers("Authorization: Bearer" + " " * LONG + f"{n}"), ANSWERED),
    "X-Request-ID": Attack(lambda n: with_headers(f"X-Request-ID: {n}" + "x" * LONG), ANSWERED),
    "User-Agent": Attack(lambda n: with_headers(f"User-Agent: {n}" + "x" * LONG), ANSWERED),
    "Content-Type": Attack(lambda n: posted(b"{}", kind=f"application/json; a{n}=b" + "; a=b" * 11_000)),
    "Origin": Attack(lambda n: with_headers(f"Origin: https://{n}" + "x" * LONG), ANSWERED),
    "what a page asks leave for": Attack(preflight, EITHER),
    "ten thousand headers": Attack(lambda n: with_headers(f"A: {n}", *["a:b"] * 10_000), TOO_LARGE),
    "headers of ten thousand names": Attack(lambda n: with_headers(*(f"a{n}{m:x}:b" for m in range(5_000))), TOO_LARGE),
    "a head of 200 KB": Attack(lambda n: with_headers(f"A: {n}", *["a:b"] * 40_000), TOO_LARGE),
    "a head of one header": Attack(lambda n: with_headers(f"A: {n}" + "x" * 200_000), TOO_LARGE),
}
WIRE: Attacks = {
    "parameters": Attack(lambda n: got(query="query={__typename}&" + "a=1&" * 4_000 + str(n)), frozenset({400})),
    "percents": Attack(lambda n: got("Accept: application/graphql-response+json", query=f"query={n}" + "%25" * 5_000)),
    "dots": Attack(lambda n: b"GET /" + b"%2e%2e/" * 8_000 + b"%d HTTP/1.1\r\nHost: x\r\n\r\n" % n, frozenset({404})),
    "chunks of a byte": Attack(lambda n: chunked(b'{"query":"{__typename}","x":"%d%b"}' % (n, b"x" * 300_000), 1)),
    "a chunk with much to say": Attack(
        lambda n: chunked(QUERY, 100).replace(b"\r\n\r\n18\r\n", b"\r\n\r\n18;a=%d%b\r\n" % (n, b"x" * 500_000)),
        TOO_LARGE,
    ),
    "headers after the body": Attack(
        lambda n: chunked(QUERY, 100).replace(b"\r\n0\r\n", b"\r\n0\r\n" + b"a:%d\r\n" % n * 20_000), EITHER | TOO_LARGE
    ),
}
