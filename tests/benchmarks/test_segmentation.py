"""Data sets for segmentation are read as they lie there, and results come piece by piece."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.segmentation import differences, main, read_options, table
from benchmarks.segmentation_rows import Task, seeds_of
from benchmarks.segmentation_sets import CLASSES, masked_share, read_collection
from gain_core.explain.localisation import labels_png
from gain_core.segmentation.config import SegmentConfig
from tests.gain_core.toy import toy_model, toy_samples, toy_segmenter

ANNOTATION = "<annotation>{}</annotation>"
NAMED = "<object><name>{}</name></object>"


@pytest.fixture
def indexed(tmp_path: Path) -> Path:
    """Ten training and two test images of two classes, with masks, and two of another split."""
    folder = tmp_path / "small"
    folder.mkdir()
    lines = ["file,mask,split,label"]
    for sample in toy_samples(folder, train=10, other=2, guided=10):
        with Image.open(sample.path) as picture:
            pixels = np.array(picture).astype(int)
        mask = np.abs(pixels[..., 0] - pixels[..., 1]) > 100
        Image.fromarray(mask).save(folder / f"{sample.path.stem}-mask.png")
        name = ("red", "green")[sample.label]
        lines.append(f"{sample.path.name},{sample.path.stem}-mask.png,{sample.split},{name}")
    (folder / "index.csv").write_text("\n".join(lines), "utf-8")
    return folder


def voc_file(path: Path, *names: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ANNOTATION.format("".join(map(NAMED.format, names))), "utf-8")


def picture_and_mask(folder: Path, images: str, masks: str, stem: str, label: int | None) -> None:
    for name in (images, masks):
        (folder / name).mkdir(exist_ok=True)
    Image.new("RGB", (8, 6)).save(folder / images / f"{stem}.jpg")
    if label is not None:
        (folder / masks / f"{stem}.png").write_bytes(labels_png(np.full((6, 8), label, np.uint8)))


def test_an_index_gives_classes_splits_and_masks_of_its_objects(indexed: Path) -> None:
    collection = read_collection(indexed)
    assert collection.classes == ("green", "red")
    assert (len(collection.of("train")), len(collection.of("test"))) == (10, 2)
    assert not collection.several_labels
    red = collection.of("train")[0]
    assert red.labels == (1,)
    assert np.unique(red.mask()).tolist() == [0, 2]
    assert red.sample().look is None
    assert red.sample(with_mask=True).guided


def test_voc_is_read_with_its_own_splits_and_each_class_of_an_image(tmp_path: Path) -> None:
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")
    (lists / "val.txt").write_text("b\n")
    for stem, label in (("a", 8), ("b", 12)):
        picture_and_mask(tmp_path, "JPEGImages", "SegmentationClass", stem, label)
    voc_file(tmp_path / "Annotations" / "a.xml", "dog", "cat", "cat")
    voc_file(tmp_path / "Annotations" / "b.xml", "dog")
    collection = read_collection(tmp_path)
    train, test = collection.of("train"), collection.of("test")
    assert collection.several_labels
    assert [photograph.labels for photograph in (*train, *test)] == [(7, 11), (11,)]
    assert (test[0].mask() == 12).all()
    sample = train[0].sample(with_mask=True)
    assert sample.look is not None  # the mask has pixels of the cat …
    assert sample.also[0].look is None  # … and none of the dog

    (lists / "trainaug.txt").write_text("a\nc\n")  # somebody added SBD's masks
    for stem in ("a", "c"):
        picture_and_mask(tmp_path, "JPEGImages", "SegmentationClassAug", stem, 1)
    voc_file(tmp_path / "Annotations" / "c.xml", "aeroplane")
    added = read_collection(tmp_path).of("train")
    assert [np.unique(photograph.mask()).tolist() for photograph in added] == [[1], [1]]
    assert read_collection(tmp_path).of("test")[0].mask()[0, 0] == 12


def test_a_set_without_splits_tests_every_fifth_image_of_a_class_that_has_a_mask(tmp_path: Path) -> None:
    for number in range(12):
        picture_and_mask(tmp_path, "images", "masks", f"{number:02}", None if number == 0 else 3)
        voc_file(tmp_path / "annotations" / f"{number:02}.xml", CLASSES[2])
    collection = read_collection(tmp_path)
    assert [photograph.path.stem for photograph in collection.of("test")] == ["05", "10"]
    assert len(collection.of("train")) == 10


def test_the_validation_part_holds_no_test_image(indexed: Path) -> None:
    collection = read_collection(indexed)
    part = collection.validating()
    tested = {photograph.path for photograph in collection.of("test")}
    assert len(part.of("test")) == 2
    assert len(part.of("train")) == 8
    assert not tested & {photograph.path for photograph in part.photographs}


def test_a_share_of_masks_takes_classes_in_turn_and_changes_with_the_seed(indexed: Path) -> None:
    train = read_collection(indexed).of("train")
    chosen = masked_share(train, 0.4, seed=0)
    assert sorted(train[position].labels[0] for position in chosen) == [0, 0, 1, 1]
    assert len(masked_share(train, 0.01, seed=0)) == 1
    assert len({tuple(masked_share(train, 0.4, seed)) for seed in range(6)}) > 1


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that are trained in a moment."""
    monkeypatch.setattr(
        "gain_core.segmentation.cues.classifier.build_classifier",
        lambda spec, weights, seed: toy_model(seed),
    )
    monkeypatch.setattr(
        "benchmarks.segmentation_rows.build_segmenter", lambda spec, seed, channels: toy_segmenter(seed)
    )


@pytest.mark.usefixtures("toys")
def test_rows_and_seeds_come_in_pieces_into_one_file(
    indexed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results.json"
    options = ["--data", str(indexed), "--json", str(out), "--image-size", "64", "--channels", "4"]
    options += ["--cue-steps", "1", "--steps", "1", "--cue-batch", "2", "--cue-guided-batch", "2"]
    main([*options, "--rows", "floor", "gainext_10", "masks_10", "ceiling", "--seeds", "0"])
    main([*options, "--rows", "grad_cam", "--seeds", "0", "1", "--background", "maps"])
    document = json.loads(out.read_text("utf-8"))
    assert [(result["row"], result["seed"]) for result in document["results"]] == [
        *(("floor", 0), ("gainext_10", 0), ("masks_10", 0), ("ceiling", 0)),
        *(("grad_cam", 0), ("grad_cam", 1)),
    ]
    floor, weak = document["results"][:2]
    assert floor["plain_accuracy"] == pytest.approx(1 / 16)
    assert floor["plain"] == pytest.approx(2 / 3 / 16)  # each class 1/16, no pixel of the background
    assert 0 <= weak["cues"] <= 1
    assert set(weak["iou"]["crf"]) == {"background", "green", "red"}
    printed = capsys.readouterr().out
    assert "10 % masks alone" in printed
    assert "ceiling: all masks" in printed
    with pytest.raises(SystemExit, match="other settings"):
        main([*options[:-2], "--rows", "floor"])


@pytest.mark.usefixtures("toys")
def test_background_seeds_may_be_the_tenth_that_matters_least(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lower_matters_more = torch.arange(64.0).view(1, 64, 1)
    monkeypatch.setattr(
        "benchmarks.segmentation_rows.saliency",
        lambda model, images, classes: lower_matters_more.expand(len(images), 64, 64),
    )
    options = read_options(
        f"--data {indexed} --background saliency --foreground-threshold 0.2"
        " --image-size 64 --cue-steps 1".split()
    )
    task = Task(read_collection(indexed), options, seed=0)
    train = task.collection.of("train")
    for seeds, photograph in zip(
        seeds_of(task, train, [torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])] * len(train), (4, 4)),
        train,
        strict=True,
    ):
        label, none = photograph.labels[0] + 1, 255
        assert seeds.tolist() == [
            [label, label, label, 0],
            [label, label, none, none],
            [label, none, none, none],
            [none] * 4,
        ]


def test_the_papers_preset_trains_as_both_papers_say(indexed: Path) -> None:
    options = read_options(
        f"--data {indexed} --preset paper --backbone vgg16 --image-size 321 --stride 8".split()
    )
    task = Task(read_collection(indexed), options, seed=0)
    assert (task.spec.output_stride, task.training.spec.output_stride) == (8, 16)
    assert task.training.spec.head == "paper"
    assert task.training.config.steps == 35 * 10
    assert task.config == SegmentConfig.sec()


def test_the_table_is_over_the_seeds_of_a_row() -> None:
    results = [
        {"row": "gain", "seed": seed, "cues": 0.5, "plain": 0.4 + seed / 10, "crf": 0.6, "crf_accuracy": 0.9}
        | {"cpu_seconds": 10.0}
        for seed in range(3)
    ]
    (row,) = table(results)
    assert row["row"] == "GAIN"
    assert row["SEC"] == "50.0 ± 10.0 (40.0)"
    assert row["seeds"] == "3"


def test_differences_are_between_the_same_seeds_with_their_interval() -> None:
    shares = {
        ("gain", 0): 0.5,
        ("gain", 1): 0.7,
        ("grad_cam", 0): 0.4,
        ("grad_cam", 1): 0.5,
        ("grad_cam", 2): 0.9,
    }
    (row,) = differences([{"row": row, "seed": seed, "crf": crf} for (row, seed), crf in shares.items()])
    assert (row["row"], row["minus"], row["seeds"]) == ("GAIN", "CAM, Grad-CAM", "2")
    assert row["points"] == "+15.0"
    assert row["95 % interval"] == "-48.5 to +78.5"  # 12.71 · 7.07 / √2
    assert differences([{"row": "gain", "seed": 0, "crf": 0.5}]) == []
