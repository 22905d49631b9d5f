"""Are shortcuts found before anyone draws? `python -m benchmarks.discovery --data FOLDER --json OUT`.

Twenty shortcuts (benchmarks/planted.py) are planted in data sets, one at a time: on 90, 95 or 100 % of one
class and 3 % of the others. A shortcut counts as found when one of the first three suggestions names its kind
of property and that class, speaks of the images that carry it (Jaccard of at least one half), and was not
among the first three without the shortcut. A second figure counts suggestions in clean sets, where nothing
goes with the class: objects laid on backgrounds drawn without regard to their class, and photographs with
shuffled labels.

FOLDER holds boat_water, studio4 and duts_seg. The thresholds were chosen with `--choosing`: other classes and
seeds of duts_seg than those reported.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.made_set import read_photographs
from benchmarks.pasted_set import laid_on, painted_over
from benchmarks.planted import NAMED_BY, PLANTS, Source
from benchmarks.report import environment, print_table, say, write_json
from gain_core.analysis.image_properties import Properties, properties_of
from gain_core.analysis.rim import preprocessed, rim_features
from gain_core.analysis.shortcuts import Shortcut, find_shortcuts
from gain_core.explain.inference import inference_model
from gain_core.imaging.pictures import open_rgb
from gain_core.models.classifier import DEFAULT_BACKBONE, build_classifier, default_spec
from gain_core.models.inference import InferenceModel

FIRST = 3  # suggestions that count
RATES = (0.9, 0.95, 1.0)  # of the class's images that carry the shortcut, in turns
ELSEWHERE = 0.03
LIKE = 0.5  # Jaccard of the images that a suggestion speaks of and those that carry the shortcut

CHOOSING = ("bell_pepper", "cowboy_hat", "green_apple", "jeep", "lemon", "minibus")
REPORTED = ("miniskirt", "mushroom", "orange", "punching_bag", "school_bus", "swimming_trunks")
AT_MOST = 60  # images of a class


class Looked(NamedTuple):
    """What is known of one image."""

    properties: Properties
    features: NDArray[np.float32]


class Set(NamedTuple):
    name: str
    sources: list[Source]
    labels: list[int]
    classes: tuple[str, ...]
    backgrounds: list[Image.Image]  # of one kind, for the plant "background"


class Looker:
    """Writes images as files, and looks at them."""

    def __init__(self, folder: Path, model: InferenceModel) -> None:
        self._folder, self._model, self._files = folder, model, 0
        self.seconds, self.images = 0.0, 0

    def look(self, source: Source) -> Looked:
        path = self._folder / "image.jpg"
        exif = Image.Exif()
        if source.camera is not None:
            exif[271], exif[272] = source.camera
        source.picture.save(path, quality=source.quality, exif=exif)
        self._files += 1
        began = time.perf_counter()
        properties = properties_of(path, f"{source.folder}/{source.prefix}_{self._files:05d}.jpg")
        self.seconds, self.images = self.seconds + time.perf_counter() - began, self.images + 1
        return Looked(properties, rim_features(self._model, preprocessed(self._model, [open_rgb(path)]))[0])


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    model = inference_model(build_classifier(default_spec(DEFAULT_BACKBONE, ("a", "b"))), threads=1)
    planted: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        looker = Looker(Path(folder), model)
        for base in _sets(options):
            if options.sets and base.name not in options.sets:
                continue
            planted += _planted(base, looker, options)
        clean = list(_clean(looker, options))
    named = sum(case["rank"] is not None for case in planted)
    alarms = sum(bool(case["suggestions"]) for case in clean)
    rows = _table(planted)
    print_table(rows)
    print(f"found: {named} of {len(planted)}; clean sets with a suggestion: {alarms} of {len(clean)}")
    print(
        f"properties: {1000 * looker.seconds / max(1, looker.images):.1f} ms an image (n = {looker.images})"
    )
    if options.json:
        document = {
            "first": FIRST, "rates": RATES, "elsewhere": ELSEWHERE,
            "choosing": options.choosing, "seed": options.seed,
            "environment": environment(), "found": named, "planted": planted,
            "false_alarms": alarms, "clean": clean,
            "milliseconds_an_image": 1000 * looker.seconds / max(1, looker.images),
        }  # fmt: skip
        write_json(options.json, document)


def _planted(base: Set, looker: Looker, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    say(f"{base.name}: {len(base.labels)} images of {len(base.classes)} classes")
    plain = [looker.look(source) for source in base.sources]
    without = _suggestions(plain, base.labels)
    for at, (name, plant) in enumerate(PLANTS.items()):
        if options.plants and name not in options.plants:
            continue
        chance = Random(f"{options.seed} {base.name} {name}")
        label, rate = at % len(base.classes), RATES[at % len(RATES)]
        carries = [chance.random() < (rate if own == label else ELSEWHERE) for own in base.labels]
        looked = list(plain)
        for index in np.flatnonzero(carries).tolist():
            source = base.sources[index]
            if name == "background":
                source = _moved(source, base.backgrounds, chance)
            looked[index] = looker.look(plant(source, chance))
        began = time.perf_counter()
        suggestions = _suggestions(looked, base.labels)
        seconds = time.perf_counter() - began
        rank = naming_rank(suggestions, without, name, label, len(base.classes), np.array(carries))
        shown = [_in_words(item, base.classes) for item in suggestions[: FIRST + 2]]
        say(f"{base.name} {name} on {base.classes[label]}: {rank} {shown[:3]} {seconds:.1f} s")
        yield {
            "set": base.name, "plant": name, "class": base.classes[label], "rate": rate,
            "images": len(base.labels), "rank": rank, "suggestions": shown, "seconds": seconds,
        }  # fmt: skip


def _suggestions(looked: Sequence[Looked], labels: Sequence[int]) -> list[Shortcut]:
    return find_shortcuts(
        [item.properties for item in looked], labels, np.stack([item.features for item in looked])
    )


def naming_rank(
    suggestions: Sequence[Shortcut],
    without: Sequence[Shortcut],
    name: str,
    label: int,
    classes: int,
    carries: NDArray[np.bool_],
) -> int | None:
    """The place, from 1, of the suggestion that names the shortcut; None: not among the first."""
    before = {(item.kind, item.label) for item in without[:FIRST]}
    for place, item in enumerate(suggestions[:FIRST], 1):
        # Of two classes, what one has the other has not: either is named.
        having = ~item.having if classes == 2 and item.label != label else item.having
        like = (having & carries).sum() / (having | carries).sum()
        fits = any(part in item.kind for part in NAMED_BY[name])
        if (
            fits
            and (item.label == label or classes == 2)
            and like >= LIKE
            and (item.kind, item.label) not in before
        ):
            return place
    return None


def _in_words(item: Shortcut, classes: Sequence[str]) -> str:
    return f"[{item.kind}, gap {item.gap:.2f}] {item.sentence(classes[item.label])}"


def _moved(source: Source, backgrounds: Sequence[Image.Image], chance: Random) -> Source:
    assert source.mask is not None
    picture, _ = laid_on(chance.choice(backgrounds), source.picture, source.mask, chance)
    return replace(source, picture=picture.resize(source.picture.size))


def _sets(options: argparse.Namespace) -> Iterator[Set]:
    """Natural photographs, and objects on backgrounds that say nothing of their class."""
    names = CHOOSING if options.choosing else REPORTED
    chance = Random(options.seed)
    yield _photographs(options.data / "duts_seg", names[:4], chance)._replace(name="duts_seg")
    duts = _photographs(options.data / "duts_seg", names, chance)
    yield _pasted(duts, names[2:], chance)._replace(name="pasted")
    if not options.choosing:
        for name in ("boat_water", "studio4"):
            yield _photographs(options.data / name, None, chance)._replace(name=name)


def _photographs(folder: Path, names: Sequence[str] | None, chance: Random) -> Set:
    listed = [
        item
        for item in read_photographs(folder, "split", "mask")
        if (names is None or item.label in names) and (names is not None or item.split == "train")
    ]
    classes = tuple(sorted({item.label for item in listed}))
    chosen = []
    for name in classes:
        own = [item for item in listed if item.label == name]
        chosen += chance.sample(own, min(len(own), AT_MOST))
    sources, labels = [], []
    kinds: dict[str, list[Image.Image]] = {}
    for item in chosen:
        picture = Image.open(folder / item.file).convert("RGB")
        mask = Image.open(folder / item.mask).convert("L").point(lambda value: 255 * (value > 0))
        sources.append(Source.usual(picture, mask, chance))
        labels.append(classes.index(item.label))
        if (empty := painted_over(picture, mask)) is not None:
            kinds.setdefault(item.place or item.label, []).append(empty)
    kind = sorted(kinds)[-1]
    return Set("", sources, labels, classes, kinds[kind])


def _pasted(photographs: Set, names: Sequence[str], chance: Random) -> Set:
    """Each object on the background of a photograph of any class."""
    backgrounds = [
        empty
        for source in photographs.sources
        if source.mask is not None and (empty := painted_over(source.picture, source.mask)) is not None
    ]
    sources, labels = [], []
    for source, label in zip(photographs.sources, photographs.labels, strict=True):
        if photographs.classes[label] in names and source.mask is not None and source.mask.getbbox():
            picture, mask = laid_on(chance.choice(backgrounds), source.picture, source.mask, chance)
            sources.append(Source.usual(picture, mask.convert("L"), chance))
            labels.append(names.index(photographs.classes[label]))
    return Set("pasted", sources, labels, tuple(names), photographs.backgrounds)


def _clean(looker: Looker, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """In turns: objects of two, three or four classes on random backgrounds; photographs, labels shuffled."""
    names = CHOOSING if options.choosing else REPORTED
    if not options.clean:
        return
    photographs = _photographs(options.data / "duts_seg", names, Random(f"clean {options.seed}"))
    plain = [looker.look(source) for source in photographs.sources]
    for number in range(options.clean):
        chance = Random(f"clean {options.seed} {number}")
        if number % 2:
            labels = chance.sample(photographs.labels, len(photographs.labels))
            looked, kind, classes = plain, "shuffled labels", photographs.classes
        else:
            chosen = chance.sample(names, 2 + number // 2 % 3)
            made = _pasted(photographs, chosen, chance)
            labels, classes, kind = made.labels, made.classes, "random backgrounds"
            looked = [looker.look(source) for source in made.sources]
        suggestions = [_in_words(item, classes) for item in _suggestions(looked, labels)]
        say(f"clean {number} {kind} {classes}: {suggestions}")
        yield {"kind": kind, "classes": list(classes), "images": len(labels), "suggestions": suggestions}


def _table(planted: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    sets = list(dict.fromkeys(case["set"] for case in planted))
    places = {(case["plant"], case["set"]): case["rank"] for case in planted}
    rows = [
        {"shortcut": name} | {base: str(places.get((name, base)) or "–") for base in sets} for name in PLANTS
    ]
    sums = {base: sum(places.get((name, base)) is not None for name in PLANTS) for base in sets}
    return [*rows, {"shortcut": f"found of {len(PLANTS)}"} | {base: str(sums[base]) for base in sets}]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.discovery", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--clean", type=int, default=20, help="clean sets")
    parser.add_argument("--sets", nargs="+", help="only these")
    parser.add_argument("--plants", nargs="+", choices=list(PLANTS), help="only these")
    parser.add_argument("--choosing", action="store_true", help="classes that thresholds are chosen on")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
