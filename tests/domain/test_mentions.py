"""Who is mentioned in a text, in every script of the nine languages, and how that is shown."""

import contextlib
import random
import string
import time
import unicodedata
from uuid import UUID
from xml.etree import ElementTree

import pytest

from domain.errors import Invalid
from domain.markdown import Marked, html
from domain.mentions import MOST, Person, handle, handles, is_unspaced, kept, mentions_in, placed, sought, utf16

NAMES = (
    *("Ada King", "Ada", "山田 太郎", "ヤマダ", "김철수", "राम कुमार", "José Núñez", "Anna", "Bob", "bob", "Straße Ω"),
    *("Grace Hopper", "Grace Kelly", "王小明", "Ng", "Łukasz", "Şule Işık", "François", "João"),
)
PEOPLE = [Person(UUID(int=number), name, f"p{number}@example.com") for number, name in enumerate(NAMES)]


def found(text: str, people: list[Person] = PEOPLE, **known: UUID) -> list[tuple[str, str]]:
    """What is found in a text, and whose name that is."""
    made = mentions_in(text, people, before=known)
    assert made == sorted(made)
    return [(text[each.start : each.start + each.length], NAMES[each.user_id.int]) for each in made]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@Ada King, hi", [("@Ada King", "Ada King")]),
        ("@ada king @ADA", [("@ada king", "Ada King"), ("@ADA", "Ada")]),
        ("(@Ada) “@Ada”, @Ada's, @Ada. **@Ada**", [("@Ada", "Ada")] * 5),
        ("@Adaline @Ada_x @Ada1 @Ada-Lena", []),
        ("@Anna-", [("@Anna", "Anna")]),
        ("@Ada\nKing", [("@Ada", "Ada")]),
        ("@José @JOSE\u0301", [("@José", "José Núñez"), ("@JOSE\u0301", "José Núñez")]),
        ("@José Núñez", [("@José Núñez", "José Núñez")]),
        ("@Jose", []),
        ("@strasse ω @STRASSE", [("@strasse ω", "Straße Ω"), ("@STRASSE", "Straße Ω")]),
        ("@łukasz, @şule, @FRANÇOIS, @joão", [("@łukasz", "Łukasz"), ("@şule", "Şule Işık"), ("@FRANÇOIS", "François"),
                                              ("@joão", "João")]),
        ("お願い@山田さん@山田太郎さん@山田\u3000太郎", [("@山田", "山田 太郎"), ("@山田太郎", "山田 太郎"),
                                                     ("@山田\u3000太郎", "山田 太郎")]),
        ("＠ﾔﾏﾀﾞ、@ヤマダさん", [("＠ﾔﾏﾀﾞ", "ヤマダ"), ("@ヤマダ", "ヤマダ")]),
        ("＠Ａｄａ　Ｋｉｎｇさん", [("＠Ａｄａ　Ｋｉｎｇ", "Ada King")]),
        ("请@王小明看一下 @王", [("@王小明", "王小明")]),
        ("@김철수님, @김철수가 @김철", [("@김철수", "김철수")] * 2),
        ("@राम कुमार को, @राम। @रामू", [("@राम कुमार", "राम कुमार"), ("@राम", "राम कुमार")]),
        ("@Grace", []),
        ("@Grace Hopper @grace kelly", [("@Grace Hopper", "Grace Hopper"), ("@grace kelly", "Grace Kelly")]),
        ("@Bob", []),
        ("a@Ada, a@b.com, a_@Ada", []),
        ("_@Ada_, __@Ada", [("@Ada", "Ada")] * 2),
        ("@p3@example.com. @P3@EXAMPLE.COM, @p3@example.comさん", [
            ("@p3@example.com", "ヤマダ"), ("@P3@EXAMPLE.COM", "ヤマダ"), ("@p3@example.com", "ヤマダ")]),
        ("@ada@example.com @Ada@x @Ada＠x @p3@example.com.org", []),
        ("`@Ada` [@Ada](https://x.y) https://x.y/@Ada https://@Ada", []),
        ("` @Ada [@Ada] (https://x.y", [("@Ada", "Ada")] * 2),
        ("@@Ada @ Ada @", [("@Ada", "Ada")]),
        ("@Ng @ngo @NG", [("@Ng", "Ng"), ("@NG", "Ng")]),
        ("@Ada👍🏽 👩‍👩‍👧@Ada", [("@Ada", "Ada")] * 2),
    ],
)  # fmt: skip
def test_names_are_found_in_every_script_and_nowhere_else(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


def test_what_was_said_of_somebody_before_means_them_still() -> None:
    grace = PEOPLE[NAMES.index("Grace Hopper")]
    assert found("@Grace and @Amazing G") == []
    before = {"@Grace": grace.user_id, "@Amazing G": grace.user_id}
    assert found("@Grace and @Amazing G", **before) == [("@Grace", "Grace Hopper"), ("@Amazing G", "Grace Hopper")]
    before = {"@Old@Example.com": grace.user_id}
    assert found("@old@example.com, hi", **before) == [("@old@example.com", "Grace Hopper")]
    assert found("@old@example.com, hi") == []
    text = "@Grace Hopper"
    assert handles(text, mentions_in(text, PEOPLE)) == {text: grace.user_id}


@pytest.mark.parametrize(
    "name",
    ["Ada`s", "x [y](https://z.z)", "https://ada.example", "Ada @ home", "a@b.example", "-", "_Ada_", "**", "Ada "],
)
def test_a_handle_means_just_one_person_whatever_they_are_called(name: str) -> None:
    person = Person(UUID(int=1), name, "ada@example.com")
    for is_namesake in (False, True):
        written = handle(person, is_namesake=is_namesake)
        assert written == "ada@example.com" if is_namesake else written in (name, "ada@example.com")
        text = f"@{written} @{written}"
        assert [each.user_id for each in mentions_in(text, [person])] == [person.user_id] * 2
    assert handle(person._replace(name="Ada King"), is_namesake=False) == "Ada King"


def test_so_many_mentions_and_no_more() -> None:
    assert len(mentions_in("@Ada " * MOST, PEOPLE)) == MOST
    with pytest.raises(Invalid) as refused:
        mentions_in("@Ada " * (MOST + 1), PEOPLE)
    assert (refused.value.path, refused.value.params) == (("body",), {"most": MOST})
    assert len(found("@nobody " * 600)) == 0


def test_only_those_are_asked_for_who_may_be_meant() -> None:
    asked = sought("@ada, @Éva, @山田 @gräce@example.com @X@Y.org a@b `@z` @ @@q")
    assert asked.initials == {"a", "A", "E", "e", "山", "g", "G", "@", "q", "Q"}
    assert asked.addresses == {"x@y.org"}
    assert not sought("nobody, a@b.example, `@code`, @ ").is_anything


def test_places_are_told_in_the_units_of_clients_and_kept_in_ours() -> None:
    text = "👍 𝔸 @Ada @김철수"
    made = mentions_in(text, PEOPLE)
    coded = text.encode("utf-16-le")
    for each, own in zip(utf16(text, made), made, strict=True):
        units = coded[2 * each.start : 2 * (each.start + each.length)].decode("utf-16-le")
        assert units == text[own.start : own.start + own.length]
    assert placed(kept(made)) == made
    assert kept([]) is None
    assert placed(None) == []


def shown(text: str) -> str:
    return html(text, [Marked(each.start, each.length, "U") for each in mentions_in(text, PEOPLE)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi @Ada King!", "<p>Hi <m>@Ada King</m>!</p>"),
        ("**@Ada** and *@Ada x*", "<p><strong><m>@Ada</m></strong> and <em><m>@Ada</m> x</em></p>"),
        ("  @Ada\n- @Ada\n- so: @Ada", "<p><m>@Ada</m></p><ul><li><m>@Ada</m></li><li>so: <m>@Ada</m></li></ul>"),
        ("1. @Ada\n@Ada", "<ol><li><m>@Ada</m></li></ol><p><m>@Ada</m></p>"),
        ("`@Ada` @Ada `@Ada`", "<p><code>@Ada</code> <m>@Ada</m> <code>@Ada</code></p>"),
        ("<b>@Ada</b>", "<p>&lt;b&gt;<m>@Ada</m>&lt;/b&gt;</p>"),
    ],
)  # fmt: skip
def test_mentions_are_shown_as_elements(text: str, expected: str) -> None:
    opened = expected.replace("<m>", '<span class="mention" data-user="U">').replace("</m>", "</span>")
    assert shown(text) == opened


def test_whatever_somebody_is_called_is_shown_as_text() -> None:
    for name in ("<script>", "a_b_c", "*x*", '"><img>', "`c`", "& Co"):
        made = html(f"@{name} *x*", [Marked(0, len(name) + 1, '"<U>')])
        assert made.count("<") == made.count(">") == 6, made
        assert made.endswith("</span> <em>x</em></p>")


def test_marks_and_mentions_of_any_text_fit_together() -> None:
    rng = random.Random(7)
    pieces = [
        "@Ada",
        "@Ada King",
        "@山田",
        "**",
        "*",
        "_",
        "`",
        "[",
        "](https://x.y)",
        " ",
        "\n",
        "- ",
        "x",
        "https://x.y/",
    ]
    for _ in range(3000):
        text = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 12)))
        mentioned = mentions_in(text, PEOPLE)
        assert shown(text).count('<span class="mention"') == len(mentioned), text
        ElementTree.fromstring(f"<r>{shown(text).replace('<br>', '<br/>')}</r>")


CROWD = [Person(UUID(int=i), "a" * (i % 100 + 1) + string.ascii_letters[i % 52], f"{i}@x.yz") for i in range(1000)]


@pytest.mark.parametrize(
    "piece",
    ["@", "@a", "@aa ", "a", "`@", "@a@a.aa", "@a-", "@\u0301", "@nobody ", "[@a](https://", "@a" + "a" * 98, "＠한"],
)
def test_it_takes_no_long_time_whatever_is_written(piece: str) -> None:
    text = ("@" + piece * 5000)[:5000]
    empty = [_spent("", CROWD) for _ in range(3)]
    assert min(_spent(text, CROWD) for _ in range(3)) - min(empty) < 0.06, "beside what the crowd itself takes"


def test_mentions_do_not_make_every_line_slow() -> None:
    text = ("@Ada " * MOST + "\n" * 5000)[:5000]
    marked = [Marked(each.start, each.length, "U") for each in mentions_in(text, PEOPLE)]
    plain, mentioning = (min(_shown_in(text, given) for _ in range(15)) for given in ([], marked))
    assert mentioning < 2 * plain


def _shown_in(text: str, mentions: list[Marked]) -> float:
    began = time.process_time()
    html(text, mentions)
    return time.process_time() - began


def _spent(text: str, people: list[Person]) -> float:
    """Seconds of the processor."""
    began = time.process_time()
    with contextlib.suppress(Invalid):  # some of it mentions somebody, and very often
        mentions_in(text, people)
    sought(text)
    return time.process_time() - began


def test_the_longest_name_counts_among_many_that_begin_so() -> None:
    rng = random.Random(11)
    for _ in range(300):
        names = {"".join(rng.choice("ab ") for _ in range(rng.randint(1, 6))).strip() or "c" for _ in range(8)}
        people = [Person(UUID(int=number), name, "") for number, name in enumerate(sorted(names), start=1)]
        text = "@" + "".join(rng.choice("ab ,") for _ in range(8))
        made = [text[each.start + 1 : each.start + each.length] for each in mentions_in(text, people)]
        full = [name for name in names if f"{text} ".startswith((f"@{name} ", f"@{name},"))]
        assert not full or len(made[0]) >= len(max(full, key=len)), (text, names)


def test_marks_of_one_letter_stay_in_their_order() -> None:
    """What NFC leaves as ǵ and a dot below has the dot first when it is taken apart at once."""
    name = unicodedata.normalize("NFC", "g\u0323\u0301ada")
    for text in (f"@{name}!", f"@{name.upper()}!"):
        assert [each.length for each in mentions_in(text, [Person(UUID(int=1), name, "")])] == [len(text) - 1]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("ﬁona", "@fiona", "@fiona"),
        ("Fiona", "@ﬁona ", "@ﬁona"),
        ("Straße", "@STRASSE", "@STRASSE"),
        ("가", "@각", None),
        ("각", "@각하", "@각"),
        ("क्ष", "@क्षा", None),
        ("क्षमा", "@क्षमा,", "@क्षमा"),
        ("İpek", "@İPEK @İpek", "@İPEK"),
        ("Ipek", "@İpek", None),
        ("𝒜da", "@Ada 𝒜", "@Ada"),
        ("A", "@ª ", "@ª"),
    ],
)
def test_a_mention_ends_where_a_letter_of_the_text_does(name: str, text: str, expected: str | None) -> None:
    made = mentions_in(text, [Person(UUID(int=1), name, "")])
    assert [text[each.start : each.start + each.length] for each in made[:1]] == ([expected] if expected else [])


def test_which_scripts_have_no_spaces() -> None:
    assert all(map(is_unspaced, ("山", "の", "カ", "김", "ไ")))
    assert not any(map(is_unspaced, ("", "a", "é", "र", "ж", " ")))
