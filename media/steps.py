"""A media child, and the steps that it goes through, in the trace of its job.

The child itself can tell nobody: it has no network. Its parent tells, by what the child says of how far it is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from domain.media import IngestStep
from domain.traces import Kind, Span, current, part

OnProgress = Callable[[IngestStep, float], None]


@contextmanager
def followed(task: str, on_progress: OnProgress) -> Iterator[OnProgress]:
    """While a child does `task`: what to call with its progress instead of `on_progress`."""
    with part(f"media child {task}", Kind.INTERNAL, {"media.task": task}) as span:
        if span is None:
            yield on_progress
            return
        steps = _Steps(span, on_progress)
        try:
            yield steps
        finally:
            steps.end()


def note_end(pid: int, status: int | None) -> None:
    """Which process it was, and how it ended."""
    if (span := current()) is not None:
        span.note({"process.pid": pid, "process.exit.code": -1 if status is None else status})


class _Steps:
    """The step at hand, as a part of the child's span."""

    def __init__(self, child: Span, on_progress: OnProgress) -> None:
        self._child = child
        self._on_progress = on_progress
        self._step: IngestStep | None = None
        self._span: Span | None = None

    def __call__(self, step: IngestStep, fraction: float) -> None:
        if step is not self._step:
            self.end()
            name = f"media step {step.value.lower()}"
            self._step, self._span = step, self._child.part(name, Kind.INTERNAL, {"media.step": step.value})
        self._on_progress(step, fraction)

    def end(self) -> None:
        if self._span is not None:
            self._span.end()
            self._span = None
