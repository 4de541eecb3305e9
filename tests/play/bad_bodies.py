"""Bodies and variables that are quickly sent, and may take long to decode or to coerce."""

from tests.play.sending import ANSWERED, EITHER, MIB, Attack, Attacks, asked, bomb, posted

VIDEO = "mutation($i: CreateVideoInput!) { createVideo(input: $i) { __typename } }"
UPLOAD = "mutation($i: CompleteUploadInput!) { completeUpload(input: $i) { __typename } }"
KEY = "mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { __typename } }"
AUDIT = 'query($f: AuditFilter) { team(id: "x") { auditLog(filter: $f) { totalCount } } }'
NODE = "query($x: ID!) { node(id: $x) { id } }"
PAGE = "query($x: String!) { viewer { memberships(after: $x) { totalCount } } }"
LIBRARY = 'query($f: VideoFilter) { team(id: "x") { videos(filter: $f) { totalCount } } }'
SIGN_UP = "mutation($i: SignUpInput!) { signUp(input: $i) { __typename } }"
SIGN_IN = 'mutation($x: String!) { signIn(input: {email: "a@example.com", password: $x}) { __typename } }'
RESET = "mutation($x: String!) { requestPasswordReset(email: $x) { __typename } }"
LONG = "x" * (MIB - 300)
PILED_UP = "a" + "\u0315\u0300" * 87_000
"""Marks in the wrong order, of which no two may stay where they are."""


def listed(part: str, times: int, last: int) -> str:
    return '{"x":[' + f"{part}," * times + f"{last}]}}"


JSON: Attacks = {
    "deep arrays": Attack(lambda n: bomb("[" * (MIB - 200) + str(n))),
    "arrays as deep as may be": Attack(lambda n: bomb('{"x":' + "[" * 1_000 + str(n) + "]" * 1_000 + "}")),
    "many deep arrays": Attack(lambda n: bomb(listed("[" * 500 + "]" * 500, 1_000, n))),
    "empty arrays": Attack(lambda n: bomb(listed("[]", 340_000, n))),
    "empty objects": Attack(lambda n: bomb(listed("{}", 340_000, n))),
    "as many arrays as may be": Attack(lambda n: bomb(listed("[]", 49_900, n))),
    "small objects": Attack(lambda n: bomb(listed('{"a":1}', 125_000, n))),
    "many keys": Attack(lambda n: bomb("{" + "".join(f'"{m:x}":1,' for m in range(90_000)) + f'"x":"{n}"}}')),
    "one key": Attack(lambda n: bomb("{" + '"x":1,' * 99_000 + f'"x":"{n}"}}')),
    "a number beyond all": Attack(lambda n: bomb(f'{{"x":1{n}e999999}}')),
    "a million digits": Attack(lambda n: bomb(f'{{"x":1{n}' + "9" * (MIB - 200) + "}")),
    "long numbers": Attack(lambda n: bomb(listed("1" + "9" * 300, 3_000, n))),
    "floats": Attack(lambda n: bomb(listed("1.7976931348623157e308", 40_000, n))),
    "half a character": Attack(lambda n: bomb(f'{{"x":"{n}\\ud800"}}')),
    "escapes": Attack(lambda n: bomb(f'{{"x":"{n}' + "\\u0000" * 170_000 + '"}')),
    "a batch": Attack(lambda n: posted(b"[" + b'{"query":"{__typename}"},' * 40_000 + b"%d]" % n)),
    "extensions": Attack(
        lambda n: posted(b'{"query":"{__typename}","extensions":{"position":[' + b"[]," * 49_000 + b"%d]}}" % n)
    ),
    "the name of an operation": Attack(
        lambda n: posted(b'{"query":"{__typename}","operationName":"%d%b"}' % (n, LONG.encode()))
    ),
    "a hash that is none": Attack(
        lambda n: posted(
            b'{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"' + b"a" * (MIB - 200) + b'%d"}}}' % n
        )
    ),
    "spaces": Attack(lambda n: posted(b" " * (MIB - 200) + b'{"query":"{__typename}","a":%d}' % n), ANSWERED),
    "two megabytes": Attack(lambda n: posted(b'{"query":"%d' % n + b"x" * 2 * MIB), frozenset({413})),
    "gzip": Attack(lambda n: posted(b"\x1f\x8b%d" % n + b"\0" * 900_000, "Content-Encoding: gzip"), frozenset({415})),
    "a form": Attack(
        lambda n: posted(b"query={__typename}" + b"&a=%d" % n * 99_000, kind="application/x-www-form-urlencoded"),
        frozenset({415}),
    ),
    "parts of a form": Attack(
        lambda n: posted(b"--x%d\r\n" % n * 99_000, kind="multipart/form-data; boundary=x"), frozenset({415})
    ),
    "text, as forms of other sites send it": Attack(
        lambda n: posted(b'{"query":"{__typename}","a":%d}' % n, kind="text/plain"), frozenset({415})
    ),
}
WHOLE_UPLOAD = Attack(
    lambda n: asked(UPLOAD, i={"id": f"x{n}", "parts": [{"number": m, "checksum": "a"} for m in range(10_000)]}),
    ANSWERED,
)
"""The most that an honest client ever says at once."""
VARIABLES: Attacks = {
    "tags that are no strings": Attack(lambda n: asked(VIDEO, i={"teamId": "x", "title": "x", "tags": [n] * 31_000})),
    "far too many tags": Attack(lambda n: asked(VIDEO, i={"teamId": "x", "title": "x", "tags": [f"{n}"] * 80_000})),
    "tags that are null": Attack(lambda n: asked(VIDEO, i={"teamId": f"x{n}", "title": "x", "tags": [None] * 31_000})),
    "tags": Attack(lambda n: asked(VIDEO, i={"teamId": "x", "title": "x", "tags": [f"{n}"] * 31_000}), EITHER),
    "unknown fields": Attack(lambda n: asked(VIDEO, i={f"a{m}": n for m in range(31_000)})),
    "empty parts": Attack(lambda n: asked(UPLOAD, i={"id": f"x{n}", "parts": [{}] * 31_000})),
    "unknown fields of parts": Attack(lambda n: asked(UPLOAD, i={"id": "x", "parts": [{"x": n}] * 15_000})),
    "scopes that do not exist": Attack(lambda n: asked(KEY, i={"name": "x", "scopes": [f"R{n}"] * 31_000})),
    "scopes": Attack(lambda n: asked(KEY, i={"name": f"{n}", "scopes": ["READ"] * 31_000}), EITHER),
    "types": Attack(lambda n: asked(AUDIT, f={"types": [f"x{n}"] * 31_000}), EITHER),
    "a title of a megabyte": Attack(lambda n: asked(VIDEO, i={"teamId": "x", "title": f"{n}{LONG}"}), EITHER),
    "an id of a megabyte": Attack(lambda n: asked(NODE, x=f"{n}{LONG}"), EITHER),
    "a cursor of a megabyte": Attack(lambda n: asked(PAGE, x=f"{n}{LONG}"), EITHER),
    "a password of a megabyte": Attack(lambda n: asked(SIGN_IN, x=f"{n}{LONG}"), EITHER),
    "an address of a megabyte": Attack(lambda n: asked(RESET, x=f"{n}" + "a.@" * 340_000), EITHER),
    "a name of marks": Attack(
        lambda n: asked(SIGN_UP, i={"email": f"a{n}@example.com", "name": f"{n}{PILED_UP}"}), ANSWERED
    ),
    "a search for marks": Attack(lambda n: asked(LIBRARY, f={"text": f"{n}{PILED_UP}"}), EITHER),
    "tags of marks": Attack(lambda n: asked(LIBRARY, f={"tags": [f"{n}{PILED_UP[:1000]}"] * 170}), EITHER),
    "a zero byte": Attack(lambda n: asked(NODE, x=f"{n}\0"), EITHER),
}
