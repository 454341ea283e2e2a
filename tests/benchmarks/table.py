"""Tables in Markdown that also read well on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.scores import Score


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return "\n".join([line(header), line(["-" * width for width in widths]), *(line(row) for row in rows)])


SCORE_HEADER = ("joints", "RMSE mm (95 %)", "bias", "median", "95 %", "over 0.5 mm", "failed")


def score_cells(found: Score) -> list[str]:
    low, high = found.rmse_interval
    return [
        str(found.count),
        f"{found.rmse:.4f} ({low:.4f}-{high:.4f})",
        f"{found.bias:+.4f}",
        f"{found.median:.4f}",
        f"{found.p95:.4f}",
        str(found.mismatches),
        str(found.failed),
    ]


def percent(share: float, interval: tuple[float, float] | None = None, digits: int = 1) -> str:
    text = f"{share:.{digits}%}"
    return text if interval is None else f"{text} ({interval[0]:.{digits}%}-{interval[1]:.{digits}%})"


def verdict(holds: bool) -> str:
    return "met" if holds else "missed"
