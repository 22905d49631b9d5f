"""Discs anywhere on noise: a few outlined ones teach a network where the others are."""

import io
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from PIL import Image

from gain_core.dataset.sample import AlsoShown, Sample
from gain_core.errors import CheckpointError, InputError
from gain_core.guidance import outline_network
from gain_core.guidance.middle_outline import guess_of
from gain_core.guidance.outline_network import GRID, OutlineNetwork, outlines_onnx, train_outlines
from gain_core.guidance.proposed_outline import Proposer, cut_out, network_pixels
from gain_core.models.onnx_export import onnx_bytes

WIDTH, HEIGHT, RADIUS = 300, 200, 30


def disc(seed: int) -> tuple[Image.Image, np.ndarray]:
    """A red disc away from the middle on grey noise, and its mask."""
    chance = np.random.default_rng(seed)
    pixels = chance.integers(90, 150, (HEIGHT, WIDTH, 1)).repeat(3, 2).astype(np.uint8)
    x, y = (40, 260)[seed % 2], chance.integers(40, 160)
    across, down = np.arange(WIDTH), np.arange(HEIGHT)[:, None]
    mask = np.hypot(across - x, down - y) < RADIUS
    pixels[mask] = (200, 30, 30)
    return Image.fromarray(pixels), mask


def png(mask: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return buffer.getvalue()


def drawn(seeds: Sequence[int]) -> list[Sample]:
    samples = []
    for seed in seeds:
        picture, mask = disc(seed)
        samples.append(Sample.of(picture, 0, look=png(mask)))
    return samples


@pytest.fixture(scope="module")
def network() -> OutlineNetwork:
    return train_outlines(drawn(range(6)))


@pytest.fixture(scope="module")
def proposer(network: OutlineNetwork) -> Proposer:
    return Proposer(outlines_onnx(network))


def test_objects_are_found_where_no_guess_from_the_middle_finds_them(proposer: Proposer) -> None:
    for seed in (10, 11, 12, 13):
        picture, mask = disc(seed)
        outline = proposer.propose(picture)
        assert outline is not None
        whole = np.asarray(Image.fromarray(outline).resize((WIDTH, HEIGHT)))
        assert (whole & mask).sum() > 0.8 * (whole | mask).sum()
        guess = guess_of(picture)
        assert guess is None or not (np.asarray(Image.fromarray(guess).resize((WIDTH, HEIGHT))) & mask).any()


def test_the_file_says_what_the_network_says(network: OutlineNetwork, proposer: Proposer) -> None:
    picture, _ = disc(20)
    with torch.no_grad():
        expected = network(torch.from_numpy(network_pixels(picture)))[0].numpy()
    assert expected.shape == (GRID, GRID)
    np.testing.assert_allclose(proposer.probabilities(picture), expected, atol=1e-4)


def test_the_same_drawings_and_seed_give_the_same_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outline_network, "_STEPS", 5)
    one, other = (outlines_onnx(train_outlines(drawn(range(2)), seed=3)) for _ in range(2))
    assert one == other


def test_the_drawings_of_every_class_count_and_images_without_any_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outline_network, "_STEPS", 1)
    picture, mask = disc(0)
    left = png(mask)
    right = png(np.fliplr(mask))
    both = Sample("", "", 0, "train", look=left, also=(AlsoShown(1, look=right),), picture=picture)  # type: ignore[arg-type]
    seen: list[tuple[int, int]] = []
    train_outlines([both, Sample.of(picture, 0)], on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 1)]
    with pytest.raises(InputError, match="got none"):
        train_outlines([Sample.of(picture, 0)])


def test_nothing_likely_is_no_outline_and_neither_is_everything() -> None:
    picture, _ = disc(0)
    for likely in (0.0, 0.4, 1.0):
        assert cut_out(picture, np.full((GRID, GRID), likely, np.float32)) is None


def test_another_network_is_refused() -> None:
    other = onnx_bytes(torch.nn.Identity(), torch.zeros(1, 3, 4, 4), ("logits",))
    for content in (other, b"no network"):
        with pytest.raises(CheckpointError):
            Proposer(content)
