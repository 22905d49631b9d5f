"""What is a proposed outline worth? `python -m benchmarks.proposals --data FOLDER … --json OUT`.

Some training images of a set count as drawn on: their masks are the drawings, classes in turn. A network
learns from them (`gain_core.guidance.outline_network`) and proposes outlines of other training images, whose
masks it has not seen. Beside it stand two ways without a network:

- *middle*: GrabCut from a box in the middle, which needs no hand at all (`guessed_outline`).
- *hand's box*: GrabCut in a box drawn around the object, as `benchmarks.outlines` draws it, with its errors.

Figures are the overlap (intersection over union) with the mask, 0 where nothing is proposed: the mean over
the images of a seed, then over the seeds. Every seed draws other images. FOLDER: as `benchmarks.segmentation`
takes it.
"""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks.clicks import Drawn, resized
from benchmarks.drawing_adds import interval
from benchmarks.outlines import box_by_hand, grab_cut_in_box, overlap
from benchmarks.report import environment, mean, print_table, say, write_json
from benchmarks.segmentation_sets import Photograph, in_turn, read_collection
from gain_core.guidance.cut_and_paste import Mask
from gain_core.guidance.middle_outline import guess_of
from gain_core.guidance.outline_network import outlines_onnx, train_outlines
from gain_core.guidance.proposed_outline import Proposer
from gain_core.imaging.pictures import open_rgb

MIDDLE, HAND = "middle, no drawing", "GrabCut in a hand's box"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.proposals", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, nargs="+", help="folders with masks")
    parser.add_argument("--drawings", type=int, nargs="+", default=[5, 10, 20, 50])
    parser.add_argument("--images", type=int, default=40, help="judged, of each set and seed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    sets: dict[str, dict[str, list[float]]] = {}
    for folder in options.data:
        photographs = read_collection(folder).of("train")
        for seed in range(options.seeds):
            for way, share in one_seed(photographs, options, seed).items():
                sets.setdefault(folder.name, {}).setdefault(way, []).append(share)
            say(f"{folder.name}, seed {seed}: {sets[folder.name]}")
    print(f"\nOverlap, %, mean ± sd of {options.seeds} seeds (lowest), {options.images} images each")
    print_table([as_row(way, sets) for way in next(iter(sets.values()))])
    if options.json:
        settings = {name: getattr(options, name) for name in ("drawings", "images", "seeds")}
        write_json(options.json, {"environment": environment(), "settings": settings, "sets": figures(sets)})


def one_seed(photographs: Sequence[Photograph], options: argparse.Namespace, seed: int) -> dict[str, float]:
    """The mean overlap of each way on the same images."""
    order = in_turn(photographs, seed)
    most = max(options.drawings)
    rest = np.random.default_rng(seed).permutation(order[most:]).tolist()
    judged = [photographs[position] for position in rest[: options.images]]
    truths = [photograph.object() for photograph in judged]
    pictures = [open_rgb(photograph.path) for photograph in judged]
    chance = np.random.default_rng(seed)

    def shared(outlines: Sequence[Mask | None]) -> float:
        return statistics.fmean(
            overlap(None if outline is None else resized(outline, truth.shape), truth)
            for outline, truth in zip(outlines, truths, strict=True)
        )

    hands = [
        grab_cut_in_box(Drawn(np.asarray(picture), truth, box_by_hand(truth, chance), (0.0, 0.0)))
        for picture, truth in zip(pictures, truths, strict=True)
    ]
    shares = {MIDDLE: shared([guess_of(picture) for picture in pictures]), HAND: shared(hands)}
    for count in options.drawings:
        samples = [photographs[position].sample(with_mask=True) for position in order[:count]]
        proposer = Proposer(outlines_onnx(train_outlines(samples, seed)))
        shares[f"network, {count} drawings"] = shared([proposer.propose(picture) for picture in pictures])
    return shares


def as_row(way: str, sets: dict[str, dict[str, list[float]]]) -> dict[str, str]:
    return {"outline from": way, **{name: mean(shares[way], spread=True) for name, shares in sets.items()}}


def figures(sets: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """Each way's seeds; and with a 95 % interval what it has more than either way without a network."""
    return {
        name: {
            way: {
                "seeds": own,
                "mean": statistics.fmean(own),
                **{
                    f"more than {other}": compared(own, shares[other])
                    for other in (MIDDLE, HAND)
                    if other != way
                },
            }
            for way, own in shares.items()
        }
        for name, shares in sets.items()
    }


def compared(own: Sequence[float], others: Sequence[float]) -> dict[str, float | None]:
    more = [share - other for share, other in zip(own, others, strict=True)]
    low, high = interval(more)
    return {"mean": statistics.fmean(more), "low": low, "high": high}


if __name__ == "__main__":
    main()
