"""A moment of a version in milliseconds, as a frame and as a time code."""

from fractions import Fraction

import pytest

from domain.errors import Invalid
from domain.frame_tables import Listed, packed
from domain.moments import Moments
from domain.timecodes import counting_of

PATH = ("input", "at")
NTSC = Moments.of(Fraction(30_000, 1001), 3000, variable=False)
UNEVEN = Moments.of(Fraction(30), 39, variable=True)
LISTED = Moments.of(Fraction(30), 3, variable=True, listed=Listed(packed([0, 40, 900])))
ODD = Moments.of(Fraction(25, 2), 100, variable=False)


def refusal(ask, value):
    with pytest.raises(Invalid) as refused:
        ask(value, path=PATH)
    assert refused.value.path == PATH
    return refused.value.message, refused.value.params


def test_a_moment_has_a_frame_and_a_time_code():
    assert [NTSC.frame_at(ms) for ms in (0, 33, 34, 60_059, 60_060)] == [0, 0, 1, 1799, 1800]
    assert [NTSC.timecode_at(ms) for ms in (0, 60_059, 60_060)] == ["00:00:00;00", "00:00:59;29", "00:01:00;02"]


def test_a_frame_and_a_time_code_have_a_moment():
    assert [NTSC.ms_of_frame(frame, path=PATH) for frame in (0, 1, 1800, 2999)] == [0, 34, 60_060, 100_067]
    assert NTSC.ms_of_timecode("00:01:00;02", path=PATH) == 60_060


def test_every_moment_leads_to_the_first_of_its_frame():
    for ms in range(58_000, 62_000):
        frame = NTSC.frame_at(ms)
        first = NTSC.ms_of_timecode(NTSC.timecode_at(ms), path=PATH)
        assert first == NTSC.ms_of_frame(frame, path=PATH) <= ms
        assert NTSC.frame_at(first) == frame


def test_what_is_after_the_last_frame_is_refused():
    assert refusal(NTSC.ms_of_frame, 3000) == ("problem.frame", {"most": 2999})
    assert refusal(NTSC.ms_of_frame, -1) == ("problem.frame", {"most": 2999})
    assert NTSC.ms_of_timecode("00:01:40;01", path=PATH) == 100_067
    assert refusal(NTSC.ms_of_timecode, "00:01:40;02") == ("problem.timecode_end", {"last": "00:01:40;01"})


def test_a_label_that_does_not_exist_is_refused():
    assert refusal(NTSC.ms_of_timecode, "00:01:00;00")[0] == "problem.timecode_dropped"
    assert refusal(NTSC.ms_of_timecode, "00:01:00:02")[0] == "problem.timecode"


def test_an_uneven_version_has_only_milliseconds():
    assert (UNEVEN.frame_at(500), UNEVEN.timecode_at(500)) == (None, None)
    assert refusal(UNEVEN.ms_of_frame, 0) == ("problem.frame_unknown", {})
    assert refusal(UNEVEN.ms_of_timecode, "00:00:00:00") == ("problem.timecode_none", {})


def test_an_uneven_version_with_a_table_has_frames_as_well():
    assert [LISTED.frame_at(ms) for ms in (0, 39, 40, 899, 900, 5000)] == [0, 0, 1, 1, 2, 2]
    assert LISTED.ms_of_frame(2, path=PATH) == 900
    assert refusal(LISTED.ms_of_frame, 3) == ("problem.frame", {"most": 2})
    assert LISTED.timecode_at(40) is None


def test_frames_that_begin_after_the_sound_are_found_by_a_table():
    late = Moments.of(Fraction(25), 3, variable=False, listed=Listed(packed([500, 540, 580])))
    assert [late.frame_at(ms) for ms in (0, 539, 540)] == [0, 0, 1]
    assert late.timecode_at(540) == "00:00:00:01"
    assert late.ms_of_timecode("00:00:00:02", path=PATH) == 580


def test_a_rate_that_is_not_counted_still_has_frames():
    assert (ODD.frame_at(80), ODD.ms_of_frame(1, path=PATH), ODD.timecode_at(80)) == (1, 80, None)
    assert refusal(ODD.ms_of_timecode, "00:00:00:00") == ("problem.timecode_none", {})


def test_a_counting_can_be_chosen():
    whole = Moments(NTSC.frames, counting_of(Fraction(30_000, 1001), drop=False))
    assert whole.timecode_at(60_060) == "00:01:00:00"
    assert whole.ms_of_timecode("00:01:00:00", path=PATH) == 60_060
