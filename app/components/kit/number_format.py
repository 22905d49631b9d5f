"""Figures as people read them."""

from app.services.evaluation import Score


def percent(share: float | None) -> str:
    """A counted share in whole per cents, with one decimal where rounding would give 0 or 100."""
    if share is None:
        return "–"
    if 0 < share < 1 and round(100 * share) in (0, 100):
        return f"{min(max(100 * share, 0.1), 99.9):.1f} %"
    return f"{100 * share:.0f} %"


def confidence(probability: float) -> str:
    """A probability in whole per cents."""
    return f"{100 * probability:.0f} %"


def of_n(score: Score) -> str:
    """The count and its interval: "83 of 100 right", and on the next line "95 % interval: 74–89 %"."""
    if score.interval is None:
        return "no images"
    low, high = score.interval
    return f"{score.correct} of {score.n} right  \n95 % interval: {100 * low:.0f}–{100 * high:.0f} %"


def points(before: float | None, after: float | None) -> str | int | None:
    """The change in percentage points, as st.metric wants it: 0 (not "0") is drawn grey."""
    if before is None or after is None:
        return None
    change = round(100 * (after - before))
    return 0 if change == 0 else f"{change:+d} points"


def size(count: float) -> str:
    """Bytes, roughly: "850 KB", "1.2 GB"."""
    for unit in ("B", "KB", "MB"):
        if count < 999.5:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
