"""How far an ingest has come, as one number."""

import pytest

from domain.media import IngestStep, percent


def test_percent_rises_from_0_to_100_over_all_steps():
    seen = [percent(step, tenth / 10) for step in IngestStep for tenth in range(11)]
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 100)
    for earlier, later in zip(list(IngestStep), list(IngestStep)[1:], strict=False):
        assert percent(earlier, 1.0) == percent(later, 0.0)


@pytest.mark.parametrize(("fraction", "same_as"), [(-1.0, 0.0), (7.0, 1.0)])
def test_percent_is_clamped(fraction, same_as):
    assert percent(IngestStep.PROXY, fraction) == percent(IngestStep.PROXY, same_as)
