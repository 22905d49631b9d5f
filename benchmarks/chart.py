"""The chart of docs/bias-correction.md: `python -m benchmarks.chart JSON … --out FILE.svg`.

Each JSON comes from `benchmarks.bias_correction` and becomes a group of bars: the mean worst group of each
row, with the standard deviation over seeds as a line.
"""

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROWS = {  # of the JSON, as the legend names them, with their colours
    "biased": ("biased model", "#9aa5a8"),
    "labels": ("no drawing", "#c9a227"),
    "placebo_random": ("random boxes", "#d97706"),
    "free_guess": ("a box in the middle", "#8a6fb0"),
    "guided": ("outlines", "#14606e"),
}
BAR, GAP, HEIGHT, LEFT, TOP = 26, 34, 200, 44, 34  # pixels


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    results = [json.loads(path.read_text("utf-8")) for path in options.results]
    options.out.write_text(chart(results), encoding="utf-8")


def chart(results: Sequence[Mapping[str, Any]]) -> str:
    """An SVG of the results' `forms`, in the order given."""
    group = BAR * len(ROWS) + GAP
    width = max(LEFT + group * len(results), LEFT + 150 * len(ROWS))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT + TOP + 40}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{HEIGHT + TOP + 40}" fill="#ffffff"/>',
    ]
    for share in (0, 25, 50, 75, 100):
        y = TOP + HEIGHT * (1 - share / 100)
        parts.append(f'<line x1="{LEFT}" x2="{width}" y1="{y:.0f}" y2="{y:.0f}" stroke="#e3e6e7"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.0f}" text-anchor="end" fill="#444">{share}</text>')
    for number, (name, colour) in enumerate(ROWS.values()):
        x = LEFT + 150 * number
        parts.append(f'<rect x="{x}" y="8" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 17}" y="18" fill="#222">{name}</text>')
    for place, result in enumerate(results):
        left = LEFT + group * place + GAP / 2
        for number, (row, (_, colour)) in enumerate(ROWS.items()):
            parts += _bar(left + BAR * number, result["forms"][row]["worst_group"], colour)
        middle = left + BAR * len(ROWS) / 2
        title = f"{result['dataset']}, {result['split']}, {result['seeds']} seeds"
        parts.append(
            f'<text x="{middle:.0f}" y="{TOP + HEIGHT + 20}" text-anchor="middle" fill="#222">{title}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _bar(x: float, shares: Sequence[float], colour: str) -> list[str]:
    mean = statistics.fmean(shares)
    deviation = statistics.stdev(shares) if len(shares) > 1 else 0.0
    top, middle = TOP + HEIGHT * (1 - mean), x + BAR / 2
    high, low = (TOP + HEIGHT * (1 - min(1.0, mean + sign * deviation)) for sign in (1, -1))
    return [
        f'<rect x="{x:.0f}" y="{top:.1f}" width="{BAR - 4}" height="{HEIGHT * mean:.1f}" fill="{colour}"/>',
        f'<line x1="{middle - 2:.0f}" x2="{middle - 2:.0f}" y1="{high:.1f}" y2="{low:.1f}" stroke="#222"/>',
    ]


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chart", description=__doc__)
    parser.add_argument("results", nargs="+", type=Path, metavar="JSON")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
