"""Average precision by class, for images with several labels."""

from collections.abc import Sequence

from db.records import ImageRecord, PredictionRecord


def average_precisions(
    seen: Sequence[tuple[ImageRecord, PredictionRecord]], classes: int
) -> tuple[float | None, ...]:
    """By class position, in [0, 1]: the precision at each image that shows the class, averaged, the images in
    the order of the class's probability; None for a class that no image shows.
    """
    from sklearn.metrics import average_precision_score  # takes a second, and only multi-label pages need it

    found: list[float | None] = []
    for position in range(classes):
        shown = [position in image.positions for image, _ in seen]
        scores = [prediction.probabilities[position] for _, prediction in seen]
        found.append(float(average_precision_score(shown, scores)) if any(shown) else None)
    return tuple(found)
