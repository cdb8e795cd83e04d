"""Where the lines and bars of inline charts go: numbers in, coordinates out. Each chart has its table and its sentence beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# As wide as a phone, so that its letters are as large as the page's.
WIDTH, HEIGHT = 360, 190
_LEFT, _RIGHT, _TOP, _GROUND = 6, 308, 18, 158
_LABELS, _APART = 5, 14.0


@dataclass(frozen=True)
class Line:
    """A line's points, and where its last value stands beside it."""

    points: str
    end_x: float
    end_y: float
    label_y: float


@dataclass(frozen=True)
class LineChart:
    """One or two lines over the same weeks; `marks` are (x, number of the week) for what is written below."""

    first: Line
    second: Line | None
    marks: tuple[tuple[float, int], ...]
    ground: float = _GROUND
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Bar:
    """One bar: where its text and the bar itself begin, and how long it is."""

    text_y: float
    y: float
    length: float


def line_chart(first: Sequence[float], second: Sequence[float] | None = None) -> LineChart:
    """Return the chart of one series, and of a second one of the same length to compare it with."""
    most = max([*first, *(second or ()), 1.0])
    ends = [_y(first[-1], most)] + ([_y(second[-1], most)] if second else [])
    if second and abs(ends[0] - ends[1]) < _APART:
        # The last values would be written over each other.
        middle, half = sum(ends) / 2, _APART / 2
        ends = [middle - half, middle + half] if first[-1] >= second[-1] else [middle + half, middle - half]
    step = -(-len(first) // _LABELS)
    return LineChart(
        _line(first, most, ends[0]),
        _line(second, most, ends[1]) if second else None,
        tuple((_x(number, len(first)), number) for number in range(0, len(first), step)),
    )


def bars(values: Sequence[float], row_height: int = 46, longest: int = WIDTH) -> list[Bar]:
    """Return a bar for each value, below each other, each under its own line of text."""
    most = max([*values, 1.0])
    return [
        Bar(number * row_height + 16, number * row_height + 23, round(longest * value / most, 1))
        for number, value in enumerate(values)
    ]


def _line(values: Sequence[float], most: float, label_y: float) -> Line:
    points = [(_x(number, len(values)), _y(value, most)) for number, value in enumerate(values)]
    return Line(" ".join(f"{x},{y}" for x, y in points), *points[-1], round(label_y + 4, 1))


def _x(number: int, count: int) -> float:
    return round(_LEFT + (_RIGHT - _LEFT) * (number / (count - 1) if count > 1 else 1), 1)


def _y(value: float, most: float) -> float:
    return round(_GROUND - (_GROUND - _TOP) * value / most, 1)
