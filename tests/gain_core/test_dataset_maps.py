"""From files to stored maps and statistics: what `explain` gives, whole or not at all, and only once."""

import copy
import csv
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from gain_core.errors import InputError
from gain_core.events import Phase
from gain_core.explain import dataset_maps, inference
from gain_core.explain.dataset_maps import DatasetMaps, MapStatistics, explain_files
from gain_core.explain.gradcam import explain
from gain_core.imaging.pictures import open_rgb
from gain_core.models.classifier import (
    DEFAULT_BACKBONE,
    Classifier,
    ModelSpec,
    build_classifier,
    preprocess,
)
from gain_core.models.folding import folded
from tests.gain_core.tiny import CLASSES

Photographs = list[Path]


@pytest.fixture(scope="module")
def model() -> Classifier:
    return build_classifier(ModelSpec(DEFAULT_BACKBONE, CLASSES, image_size=64))


@pytest.fixture
def files(tmp_path: Path) -> Photographs:
    """Seven photographs of different content; the fourth is torn."""
    paths = []
    generator = torch.Generator().manual_seed(0)
    for number in range(7):
        coarse = torch.randint(255, (6, 8, 3), generator=generator, dtype=torch.uint8)
        paths.append(tmp_path / f"{number}.jpg")
        Image.fromarray(coarse.numpy()).resize((120, 90), Image.Resampling.BICUBIC).save(paths[-1])
    paths[3].write_bytes(b"torn")
    return paths


def stored(folder: Path) -> list[torch.Tensor]:
    return [safetensors.torch.load_file(path)["attention"] for path in sorted(folder.glob("maps-*"))]


def test_stored_maps_and_statistics_are_those_of_the_most_probable_class(
    model: Classifier, files: Photographs, tmp_path: Path
) -> None:
    result = explain_files(model, files, tmp_path / "out")
    readable = files[:3] + files[4:]
    pixels = torch.stack([preprocess(open_rgb(path), model.spec) for path in readable])
    expected = explain(model, pixels)
    classes = expected.logits.argmax(1)
    maps = expected.attention[torch.arange(6), classes]
    (attention,) = stored(tmp_path / "out")
    torch.testing.assert_close(attention, maps, rtol=1e-4, atol=1e-4)
    assert [image.file for image in result.images] == [str(path) for path in readable]
    assert [image.predicted for image in result.images] == [CLASSES[int(c)] for c in classes]
    for image, map_ in zip(result.images, maps, strict=True):
        assert image.highest == pytest.approx(float(map_.max()), rel=1e-3)
        assert image.area == pytest.approx(float((map_ > 0.2 * map_.max()).float().mean()))


def test_the_figures_of_a_map_computed_by_hand() -> None:
    """Highest 4; three of four places above 0.8; 5 of 6 in the lower row, 4 of 6 in the left column."""
    attention = np.array([[[0.0, 1.0], [4.0, 1.0]]], np.float32)
    (image,) = dataset_maps.statistics_of_maps([Path("a")], ["class 0"], np.array([0.5]), attention)
    assert image.area == 0.75
    expected = MapStatistics(
        "a", "class 0", 0.5, 4.0, 0.75, (0.25 * 1 + 0.75 * 5) / 6, (0.25 * 4 + 0.75 * 2) / 6
    )
    assert (image.row, image.column) == pytest.approx((expected.row, expected.column))
    assert (image.predicted, image.probability, image.highest) == ("class 0", 0.5, 4.0)


def test_a_map_without_attention_has_its_centre_in_the_middle() -> None:
    nothing = np.zeros((1, 2, 2), np.float32)
    (image,) = dataset_maps.statistics_of_maps([Path("a")], ["class 0"], np.array([0.5]), nothing)
    assert (image.highest, image.area, image.row, image.column) == (0, 0, 0.5, 0.5)


def test_a_torn_file_is_named_and_the_others_are_explained(
    model: Classifier, files: Photographs, tmp_path: Path
) -> None:
    result = explain_files(model, files, tmp_path / "out")
    (refused,) = result.refused
    assert refused.file == str(files[3])
    assert "expected a readable image" in refused.reason
    with (tmp_path / "out" / "statistics.csv").open(newline="") as table:
        assert [row["file"] for row in csv.DictReader(table)] == [str(p) for p in files if p != files[3]]
    assert "3.jpg" in (tmp_path / "out" / "refused.csv").read_text()


def test_only_torn_files_give_no_maps(model: Classifier, files: Photographs, tmp_path: Path) -> None:
    result = explain_files(model, [files[3]], tmp_path / "out")
    assert result.images == ()
    assert [len(attention) for attention in stored(tmp_path / "out")] == [0]


def test_files_may_come_one_by_one_and_as_text(model: Classifier, files: Photographs, tmp_path: Path) -> None:
    expected = explain_files(model, files, tmp_path / "out")
    assert explain_files(model, map(str, files), str(tmp_path / "again")) == expected


def test_a_list_that_makes_its_files_anew_loses_none(
    model: Classifier, files: Photographs, tmp_path: Path
) -> None:
    class Lazy(Sequence[Path]):
        def __init__(self, names: Photographs) -> None:
            self.names = names

        def __len__(self) -> int:
            return len(self.names)

        def __getitem__(self, index: Any) -> Any:
            return Lazy(self.names[index]) if isinstance(index, slice) else Path(self.names[index])

    expected = explain_files(model, files, tmp_path / "out")
    assert explain_files(model, Lazy(files), tmp_path / "again") == expected


def test_no_files_give_two_empty_tables(model: Classifier, tmp_path: Path) -> None:
    assert explain_files(model, [], tmp_path / "out") == DatasetMaps((), ())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["refused.csv", "statistics.csv"]


def test_an_interrupted_work_goes_on_where_it_stopped(
    model: Classifier, files: Photographs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_maps, "_SHELF", 2)
    whole = explain_files(model, files, tmp_path / "whole")

    def interrupt(phase: Phase) -> None:
        if phase.done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explain_files(model, files, tmp_path / "out", interrupt)
    first = (tmp_path / "out" / "maps-00000.safetensors").stat().st_mtime_ns
    assert len(stored(tmp_path / "out")) == 2
    assert explain_files(model, files, tmp_path / "out") == whole
    assert (tmp_path / "out" / "maps-00000.safetensors").stat().st_mtime_ns == first
    for resumed, uninterrupted in zip(stored(tmp_path / "out"), stored(tmp_path / "whole"), strict=True):
        assert torch.equal(resumed, uninterrupted)


def test_another_model_another_file_or_a_damaged_shelf_is_computed_again(
    model: Classifier, files: Photographs, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    before = explain_files(model, files, out)
    other = build_classifier(model.spec, seed=1)
    assert explain_files(other, files, out) == explain_files(other, files, tmp_path / "fresh") != before
    shelf = out / "maps-00000.safetensors"
    for damaged in (b"half", shelf.read_bytes()[:-4] + b"else"):
        shelf.write_bytes(damaged)
        assert explain_files(model, files, out) == before
        assert damaged != shelf.read_bytes()
    Image.new("RGB", (50, 50)).save(files[3])
    assert len(explain_files(model, files, out).images) == 7


def test_maps_of_an_earlier_call_with_more_files_do_not_stay(
    model: Classifier, files: Photographs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_maps, "_SHELF", 2)
    out = tmp_path / "out"
    out.mkdir()
    others = [
        out / name for name in ("maps-of-last-week.safetensors", "maps-1.safetensors", "maps-00009.csv")
    ]
    for path in others:
        path.write_bytes(b"somebody's own")
    for count, shelves in ((7, 4), (3, 2), (0, 0)):
        explain_files(model, files[:count], out)
        left = sorted(path.name for path in out.glob("maps-0*.safetensors"))
        assert left == [f"maps-{number:05d}.safetensors" for number in range(shelves)]
    assert [path.read_bytes() for path in others] == [b"somebody's own"] * 3


@pytest.mark.skipif(os.name != "posix", reason="such names are Unix's")
def test_a_name_in_no_known_encoding_stays_what_it_is(
    model: Classifier, files: Photographs, tmp_path: Path
) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.png")
    Image.new("RGB", (9, 9)).save(odd)
    (image,) = explain_files(model, [odd], tmp_path / "out").images
    assert image.file == str(odd)
    assert b"caf\xe9.png" in (tmp_path / "out" / "statistics.csv").read_bytes()
    assert explain_files(model, [odd], tmp_path / "out").images == (image,)  # from what was kept


def test_a_model_whose_weights_are_no_numbers_is_refused(
    model: Classifier, files: Photographs, tmp_path: Path
) -> None:
    broken = copy.deepcopy(model)
    broken.head.linear.bias.data.fill_(torch.nan)
    with pytest.raises(InputError, match="weights that are numbers"):
        explain_files(broken, files, tmp_path / "out")


def test_a_folded_copy_is_refused(model: Classifier, files: Photographs, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got a folded copy"):
        explain_files(folded(model), files, tmp_path / "out")


def test_a_missing_file_is_an_error_at_once(model: Classifier, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a file, got: .*gone\.jpg"):
        explain_files(model, [tmp_path / "gone.jpg"], tmp_path / "out")


@pytest.mark.parametrize("kind", [str, Path, os.fsencode])
def test_a_single_path_in_the_place_of_files_is_refused(
    model: Classifier, files: Photographs, tmp_path: Path, kind: Callable[[str], Any]
) -> None:
    for given in (str(tmp_path), str(files[0])):
        with pytest.raises(InputError, match=r"expected image files, .* got one path: .*" + tmp_path.name):
            explain_files(model, kind(given), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_large_jpeg_read_small_gives_nearly_the_same_map(model: Classifier, tmp_path: Path) -> None:
    """A photograph of 12 times the model's side, read at a quarter: 3 of 255 levels apart on average."""
    coarse = torch.randint(255, (9, 12, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    path = tmp_path / "large.jpg"
    Image.fromarray(coarse.numpy()).resize((1024, 768), Image.Resampling.BICUBIC).save(path, quality=92)
    small, full = open_rgb(path, at_least=128), open_rgb(path)
    assert (small.size, full.size) == ((256, 192), (1024, 768))
    pixels = torch.stack([preprocess(image, model.spec) for image in (small, full)])
    assert float((pixels[0] - pixels[1]).abs().mean()) * 128 < 3
    ours, exact = explain(model, pixels).evidence
    assert float((ours - exact).abs().max() / exact.abs().max()) < 0.05


def test_folders_in_turn_share_a_session_until_the_weights_change(
    model: Classifier, files: Photographs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Classifier] = []
    make = inference.inference_model
    monkeypatch.setattr(
        inference, "inference_model", lambda model, threads: made.append(model) or make(model, threads)
    )
    changed = copy.deepcopy(model)
    with torch.no_grad():
        changed.head.linear.bias += torch.tensor([9.0, *[0.0] * (len(CLASSES) - 1)])
    explain_files(changed, files, tmp_path / "first")
    explain_files(copy.deepcopy(changed), files[:2], tmp_path / "second")
    assert len(made) == 1
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.head.linear.bias += torch.tensor([*[0.0] * (len(CLASSES) - 1), 9.0])
    predicted = {image.predicted for image in explain_files(other, files, tmp_path / "third").images}
    assert len(made) == 2
    assert predicted == {CLASSES[-1]}
