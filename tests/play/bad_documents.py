"""Documents that are quickly sent, and may take long to read, judge or plan."""

from tests.plan.hostile import doubling, there_and_back, tree
from tests.play.sending import EITHER, MIB, Attack, Attacks, asked


def chain(links: int, inside: str) -> str:
    """Fragments, each of which spreads the next one twice."""
    parts = (f"fragment F{n} on User {{ ...F{n + 1} ...F{n + 1} }}" for n in range(links))
    return f"{{ viewer {{ ...F0 }} }} {' '.join(parts)} fragment F{links} on User {{ {inside} }}"


def within(opening: str, inside: str, closing: str, times: int) -> str:
    return opening * times + inside + closing * times


def of_viewer(*parts: str) -> str:
    return "{ viewer {" + " ".join(parts) + "} }"


def numbered(part: str, times: int) -> str:
    """The part again and again, with its number in the place of `#`."""
    return " ".join(part.replace("#", str(number)) for number in range(times))


def each_spreading(fragments: int, spread: int, inside: str) -> str:
    """Fragments that all spread the same others."""
    names = " ".join(f"...F{number}" for number in range(spread))
    return numbered(f"fragment F# on User {{ {names} {inside} }}", fragments)


def operations(count: int, fragments: int) -> str:
    """Operations that all spread the same fragments, which all use a variable."""
    spread = numbered("...F#", fragments)
    return (
        numbered(f"query Q#($x: Boolean!) {{ viewer {{ {spread} }} }}", count)
        + numbered(" fragment F# on User { id @include(if: $x) }", fragments)
    )  # fmt: skip


def node(argument: str) -> str:
    return f"{{ node(id: {argument}) {{ id }} }}"


def first(value: str) -> str:
    return of_viewer(f"memberships(first: {value}) {{ totalCount }}")


def types(values: str) -> str:
    return f'{{ team(id: "x") {{ auditLog(filter: {{types: [{values}]}}) {{ totalCount }} }} }}'


LEXED: Attacks = {
    "a name of a megabyte": Attack(lambda n: asked(f"{{ {'a' * (MIB - 200)}{n} }}")),
    "a megabyte of spaces": Attack(lambda n: asked("{" + " " * (MIB - 200) + f"a{n} }}")),
    "25,000 comments": Attack(lambda n: asked("#\n" * 24_900 + f"{{ a{n} }}")),
    "50,000 commas": Attack(lambda n: asked("," * 49_900 + f"{{ a{n} }}")),
    "a string of 25,000 lines": Attack(lambda n: asked(node('"""' + "\n " * 24_900 + f'{n}"""')), EITHER),
    "a string of escapes": Attack(lambda n: asked(node('"' + "\\u00e9" * 8_200 + f'{n}"')), EITHER),
    "a string without an end": Attack(lambda n: asked(f'{{ a{n}(b: "' + "x" * 49_000)),
    "a number of 49,000 digits": Attack(lambda n: asked(first("9" * 49_000 + str(n)))),
    "a fraction of 49,000 digits": Attack(lambda n: asked(first(f"0.{'9' * 49_000}{n}"))),
    "a number beyond all": Attack(lambda n: asked(first(f"1{n}e999999"))),
    "an id of 49,000 digits": Attack(lambda n: asked(node(f"1{n}" + "9" * 49_000)), EITHER),
    "no GraphQL": Attack(lambda n: asked(f"{n}" + "\\" * 40_000)),
}
DEEP: Attacks = {
    "fields within fields": Attack(lambda n: asked(within("{viewer", f" b{n}:id", "}", 700))),
    "as deep as may be": Attack(
        lambda n: asked("{viewer" + within("{... on User", f"{{b{n}:id}}", "}", 20) + "}"), EITHER
    ),
    "lists within lists": Attack(lambda n: asked(node(within("[", f"{n}", "]", 700)))),
    "objects within objects": Attack(lambda n: asked(node(within("{a:", f"{n}", "}", 450)))),
    "types within types": Attack(
        lambda n: asked(f"query Q{n}($x: {within('[', 'Int', ']', 700)}) {{ viewer {{ id }} }}")
    ),
    "300 nested fragments": Attack(lambda n: asked(chain(300, f"b{n}: id"))),
    "59 nested fragments": Attack(lambda n: asked(chain(59, f"b{n}: id"))),
    "fragments that double": Attack(lambda n: asked(chain(20, f"b{n}: id"))),
    "memberships that double": Attack(lambda n: asked(doubling(6) + f"query Q{n} {{ __typename }}")),
    "there and back": Attack(lambda n: asked(there_and_back(4) + f"query Q{n} {{ __typename }}")),
    "a bush": Attack(lambda n: asked("{" + tree(4, 3) + f" b{n}: viewer {{ id }} }}")),
    "introspection": Attack(
        lambda n: asked("{ __schema { types {" + within(f"fields {{ b{n}: name type {{", "name", "} }", 9) + "} } }")
    ),
    "a cycle": Attack(
        lambda n: asked(f"{{ viewer {{ ...A }} }} fragment A on User {{ b{n}: id ...B }} fragment B on User {{ ...A }}")
    ),
    "60 fragments that spread each other": Attack(
        lambda n: asked(f"query Q{n} {{ viewer {{ ...F0 }} }} " + each_spreading(60, 3, "id"))
    ),
}
WIDE: Attacks = {
    "ten thousand aliases": Attack(lambda n: asked("{viewer{" + "a:id " * 9_900 + f"b{n}:id}}}}")),
    "as many aliases as may be": Attack(lambda n: asked(of_viewer(f"b{n}: id", numbered("a#: id", 300))), EITHER),
    "as many names as may be": Attack(lambda n: asked(of_viewer(numbered(f"x{n}_#", 960)))),
    "one field again and again": Attack(lambda n: asked(of_viewer(f"b{n}: id " * 99)), EITHER),
    "one page again and again": Attack(
        lambda n: asked(of_viewer(f'memberships(first: 2, after: "{n}") {{ totalCount }} ' * 43)), EITHER
    ),
    "the same in 60 fragments": Attack(
        lambda n: asked(
            f"query Q{n} {{ viewer {{ {numbered('...F#', 59)} }} }}" + numbered(" fragment F# on User { id }", 59)
        ),
        EITHER,
    ),
    "more in 60 fragments": Attack(
        lambda n: asked(
            f"query Q{n} {{ viewer {{ {numbered('...F#', 59)} }} }}"
            + numbered(" fragment F# on User { id a: id b: id }", 59)
        )
    ),
    "twenty operations": Attack(lambda n: asked(operations(19, 28) + f" query R{n} {{ __typename }}")),
    "a directive again and again": Attack(
        lambda n: asked(of_viewer("id " + "@skip(if: false) " * 130 + f"b{n}: name"))
    ),
    "directives that do not exist": Attack(lambda n: asked(of_viewer("id " + numbered(f"@a{n}_#", 450)))),
    "variables that are not used": Attack(
        lambda n: asked(f"query({numbered(f'$v{n}_#: Int', 190)}) {{ viewer {{ id }} }}")
    ),
    "variables": Attack(
        lambda n: asked(
            f"query({numbered(f'$v{n}_#: Boolean!', 60)}) {of_viewer(numbered(f'id @skip(if: $v{n}_#)', 55))}"
        )
    ),
    "arguments": Attack(lambda n: asked(f"{{ node({numbered(f'a{n}_#: 1', 300)}) {{ id }} }}")),
    "a list of wrong values": Attack(lambda n: asked(types("1 " * 960 + str(n)))),
    "a list": Attack(lambda n: asked(types('"a" ' * 960 + f'"{n}"')), EITHER),
    "an input of unknown fields": Attack(
        lambda n: asked(f"mutation {{ createVideo(input: {{{numbered(f'a{n}_#: 1', 300)}}}) {{ __typename }} }}")
    ),
    "pages within pages": Attack(
        lambda n: asked(of_viewer(within(f"memberships(first: 100) {{ nodes {{ user {{ b{n}: id ", "id", "} } }", 6)))
    ),
    "suggestions": Attack(lambda n: asked("{ " + numbered(f"nod{n}_# viever#", 24) + " }")),
    "types that do not exist": Attack(lambda n: asked(of_viewer(numbered(f"... on Usr{n}_# {{ id }}", 90)))),
    "definitions of types": Attack(lambda n: asked(numbered(f"type T{n}_# {{ a: Int }}", 130))),
    "many of an interface": Attack(
        lambda n: asked(f"{{ node(id: 1) {{ {numbered(f'... on User {{ a{n}_#: email }}', 95)} }} }}"), EITHER
    ),
}
