"""SMPTE time codes beside what is published of them, and for every frame of a day, both ways."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.timecodes import Counting, counting_of

PATH = ("input", "timecode")
FILM = Fraction(24_000, 1001)
NTSC, DOUBLE, FOURFOLD = (Fraction(30_000 * times, 1001) for times in (1, 2, 4))
DROP = counting_of(NTSC)
COUNTINGS = [
    Counting(24), Counting(25), Counting(30), Counting(30, 2), Counting(50), Counting(60), Counting(60, 4),
    Counting(120, 8),
]  # fmt: skip
named = pytest.mark.parametrize("counting", COUNTINGS, ids=lambda counting: f"{counting.nominal}-{counting.dropped}")


def refusal(label, counting=DROP):
    with pytest.raises(Invalid) as refused:
        counting.frame(label, path=PATH)
    assert refused.value.path == PATH
    return refused.value.message.removeprefix("problem."), refused.value.params


@pytest.mark.parametrize(
    ("rate", "nominal", "dropped"),
    [(Fraction(24_000, 1001), 24, 0), (Fraction(24), 24, 0), (Fraction(25), 25, 0), (NTSC, 30, 2),
     (Fraction(30), 30, 0), (Fraction(48_000, 1001), 48, 0), (Fraction(50), 50, 0), (DOUBLE, 60, 4),
     (Fraction(60), 60, 0), (FOURFOLD, 120, 8), (Fraction(120), 120, 0), (Fraction(1), 1, 0),
     (Fraction(1000), 1000, 0), (Fraction(1_000_000, 1001), 1000, 0)],
)  # fmt: skip
def test_every_rate_of_the_trade_has_its_counting(rate, nominal, dropped):
    assert counting_of(rate) == Counting(nominal, dropped)
    assert counting_of(rate, drop=False) == Counting(nominal)


@pytest.mark.parametrize(
    ("stated", "counted"),
    [("29.97", NTSC), ("59.94", DOUBLE), ("119.88", FOURFOLD), ("23.976", Fraction(24_000, 1001)),
     ("23.98", Fraction(24_000, 1001)), ("30.001", Fraction(30)), ("24.999", Fraction(25))],
)  # fmt: skip
def test_a_rate_that_a_file_states_loosely_is_counted_as_what_it_means(stated, counted):
    assert counting_of(Fraction(stated)) == counting_of(counted)


@pytest.mark.parametrize("rate", ["12.5", "29.985", "14.99", "1/3600", "1/2", "1001", "2000", "30000"])
def test_a_rate_that_no_counting_fits_has_no_time_codes(rate):
    assert counting_of(Fraction(rate)) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("00:00:59;29", "00:01:00;02"),  # SMPTE ST 12-1: numbers 00 and 01 are left out of every minute …
        ("00:09:59;29", "00:10:00;00"),  # … but of minutes 00, 10, 20, 30, 40 and 50
        ("01:04:59;29", "01:05:00;02"),  # dropframetimecode.org
        ("10:35:59;29", "10:36:00;02"),  # digitalfactbook.tv/d/drop-frame-timecode
        ("00:01:59;29", "00:02:00;02"),
        ("00:59:59;29", "01:00:00;00"),
        ("00:00:59;28", "00:00:59;29"),
        ("00:01:00;29", "00:01:01;00"),
    ],
)
def test_drop_frame_counting_goes_on_as_published(before, after):
    frame = DROP.frame(before, path=PATH)
    assert DROP.label(frame + 1) == after
    assert DROP.frame(after, path=PATH) == frame + 1


@pytest.mark.parametrize(
    ("label", "frame"),
    [("00:01:00;02", 1800), ("00:02:00;02", 3598), ("00:10:00;00", 17_982), ("01:00:00;00", 107_892),
     ("10:00:00;00", 1_078_920), ("23:59:59;29", 2_589_407)],
)  # fmt: skip
def test_drop_frame_counting_has_the_published_figures(label, frame):
    assert DROP.frame(label, path=PATH) == frame
    assert DROP.label(frame) == label


@pytest.mark.parametrize(
    ("rate", "hour", "day"),
    [(FILM, 86_400, 2_073_600), (Fraction(24), 86_400, 2_073_600), (Fraction(25), 90_000, 2_160_000),
     (NTSC, 107_892, 2_589_408), (Fraction(30), 108_000, 2_592_000), (Fraction(50), 180_000, 4_320_000),
     (DOUBLE, 215_784, 5_178_816), (Fraction(60), 216_000, 5_184_000), (FOURFOLD, 431_568, 10_357_632)],
    ids=str,
)  # fmt: skip
def test_an_hour_and_a_day_have_as_many_frames_as_published(rate, hour, day):
    counting = counting_of(rate)
    mark, digits = ";" if counting.dropped else ":", len(str(counting.nominal - 1))
    assert counting.frame(f"01:00:00{mark}{'0' * digits}", path=PATH) == hour
    assert counting.frame(f"23:59:59{mark}{counting.nominal - 1}", path=PATH) == day - 1
    assert counting.frames_a_day == day


def test_labels_and_clocks_part_as_published():
    """Seconds that a day of labels lasts: 86.4 ms short with drop-frame counting, 86.4 s too long without."""
    assert DROP.frames_a_day / NTSC == counting_of(DOUBLE).frames_a_day / DOUBLE == 86_400 - Fraction("0.0864")
    for rate in (FILM, NTSC, DOUBLE):
        assert counting_of(rate, drop=False).frames_a_day / rate == Fraction("86486.4")
    after_an_hour = 107_892  # frames, when 3.6 ms are missing
    assert DROP.label(after_an_hour) == "01:00:00;00"
    assert Counting(30).label(after_an_hour) == "00:59:56:12", "108 frames, or 3.6 s, behind"


@pytest.mark.parametrize("rate", [NTSC, DOUBLE], ids=str)
def test_every_frame_of_a_day_has_the_number_that_the_usual_formula_gives(rate):
    """As Heidelberger and Duncan have published it, with a branch, for numbers that begin anew every ten minutes."""
    counting = counting_of(rate)
    dropped, ten_minutes, minute = counting.dropped, 17_982 * counting.dropped // 2, 1798 * counting.dropped // 2
    for frames in np.array_split(np.arange(counting.frames_a_day), 48):  # as many as the processor has at hand
        tens, rest = np.divmod(frames, ten_minutes)
        left_out = 9 * dropped * tens + np.where(rest > dropped, dropped * ((rest - dropped) // minute), 0)
        assert np.array_equal(counting.number(frames), frames + left_out)
        assert np.array_equal(counting.frame_of(frames + left_out), frames)


def test_twice_the_rate_leaves_out_twice_as_many():
    double, fourfold = counting_of(DOUBLE), counting_of(FOURFOLD)
    assert [double.label(frame) for frame in (3599, 3600, 35_964)] == ["00:00:59;59", "00:01:00;04", "00:10:00;00"]
    assert [fourfold.label(frame) for frame in (7199, 7200)] == ["00:00:59;119", "00:01:00;008"]


@named
def test_every_label_of_a_day_is_that_of_its_frame_and_the_other_way_round(counting):
    """The labels are walked through, minute by minute, without those left out: they are the frames', in order."""
    begun = 0
    for minute in range(1440):
        first = minute * 60 * counting.nominal
        labels = np.arange(first + (counting.dropped if minute % 10 else 0), first + 60 * counting.nominal)
        frames = np.arange(begun, begun + len(labels))
        assert np.array_equal(counting.number(frames), labels)
        assert np.array_equal(counting.frame_of(labels), frames)
        begun += len(labels)
    assert begun == counting.frames_a_day


@named
def test_every_minute_of_a_day_is_written_and_read(counting):
    nominal, digits = counting.nominal, len(str(counting.nominal - 1))
    for minute in range(1440):
        first = counting.dropped if minute % 10 else 0
        for second, part in ((0, first), (minute % 60, max(first, minute % nominal)), (59, nominal - 1)):
            mark = ";" if counting.dropped else ":"
            label = f"{minute // 60:02d}:{minute % 60:02d}:{second:02d}{mark}{str(part).zfill(digits)}"
            frame = counting.frame_of((minute * 60 + second) * nominal + part)
            assert counting.label(frame) == label
            assert counting.frame(label, path=PATH) == frame


@named
def test_every_label_around_a_minute_that_is_short_and_one_that_is_not_is_written_and_read(counting):
    first = counting.frame_of((8 * 60 + 59) * counting.nominal)
    frames = range(first, counting.frame_of((10 * 60 + 2) * counting.nominal))
    labels = [counting.label(frame) for frame in frames]
    assert labels == sorted(set(labels))
    assert [counting.frame(label, path=PATH) for label in labels] == list(frames)


@given(nominal=st.integers(1, 1000), dropping=st.booleans(), data=st.data())
def test_every_frame_is_found_by_its_label(nominal, dropping, data):
    counting = Counting(nominal, nominal // 15 if dropping else 0)
    frame = data.draw(st.integers(0, counting.frames_a_day - 1))
    assert counting.frame(counting.label(frame), path=PATH) == frame


def test_labels_begin_again_after_a_day():
    assert DROP.label(DROP.frames_a_day) == DROP.label(0) == "00:00:00;00"
    assert DROP.label(2 * DROP.frames_a_day + 1800) == "00:01:00;02"


@pytest.mark.parametrize(
    "label",
    ["", "x", "00:00:00", "00:00:00:00", "00:00:00.00", "00:00;00;00", "0:00:00;00", "000:00:00;00", "00:00:00;0",
     "00:00:00;000", " 00:00:00;00", "00:00:00;00\n", "-0:00:00;00", "+1:00:00;00", "00:00:00;1_", "０0:00:00;00",
     "٠٠:٠٠:٠٠;٠٠", "00：00：00;00", "1000", "00:00:00;00" * 10_000],
)  # fmt: skip
def test_what_is_not_written_as_a_time_code_is_refused(label):
    assert refusal(label) == ("timecode", {"example": "00:01:02;02"})


def test_the_mark_belongs_to_the_counting():
    assert refusal("00:00:00;00", Counting(25)) == ("timecode", {"example": "00:01:02:00"})
    assert refusal("00:00:00:00", Counting(60, 4)) == ("timecode", {"example": "00:01:02;04"})
    assert refusal("00:00:00;00", Counting(120, 8)) == ("timecode", {"example": "00:01:02;008"})


@pytest.mark.parametrize("label", ["24:00:00;00", "99:99:99;99", "00:60:00;00", "00:00:60;00", "00:00:00;30"])
def test_what_no_day_has_is_refused(label):
    assert refusal(label) == ("timecode_range", {"most": 29})


def test_a_label_that_is_left_out_is_refused_with_the_one_after_it():
    for part in ("00", "01"):
        label = f"01:05:00;{part}"
        assert refusal(label) == ("timecode_dropped", {"timecode": label, "next": "01:05:00;02"})
    for part in range(8):
        assert refusal(f"23:59:00;{part:03d}", Counting(120, 8))[0] == "timecode_dropped"


def test_a_label_is_read_as_it_is_written_or_refused():
    """In an hour, at the beginning of every minute and of its second second: each label, and what is beside them."""
    refused = []
    for minute, second, part in product(range(62), (0, 1), range(32)):
        label = f"07:{minute:02d}:{second:02d};{part:02d}"
        try:
            assert DROP.label(DROP.frame(label, path=PATH)) == label
        except Invalid:
            refused.append((minute, second, part))
    assert refused == [
        (minute, second, part)
        for minute, second, part in product(range(62), (0, 1), range(32))
        if minute > 59 or part > 29 or (minute % 10 and second == 0 and part < 2)
    ]
