import pytest
import torch

from gain_core.analysis import attribution_clusters as module
from gain_core.analysis.attribution_clusters import evidence_features, evidence_groups

CHANNELS = 64


def around(direction: int, count: int, seed: int, noise: float = 0.02) -> torch.Tensor:
    """(count, CHANNELS) of length 1, near the axis `direction`."""
    vectors = noise * torch.randn(count, CHANNELS, generator=torch.Generator().manual_seed(seed))
    vectors[:, direction] += 1
    return torch.nn.functional.normalize(vectors, dim=1)


def test_features_are_weighed_by_attention_and_scaled_to_length_one() -> None:
    features = torch.tensor([[[[1.0, 3.0]], [[2.0, 0.0]]]])  # (1, 2, 1, 2)
    attention = torch.tensor([[[1.0, 3.0]]])  # (1, 1, 2): Σ A f = (10, 2)
    looked_at = evidence_features(features, attention)
    assert looked_at[0].tolist() == pytest.approx([10 / 104**0.5, 2 / 104**0.5])


def test_how_strong_the_attention_is_does_not_matter() -> None:
    features, attention = torch.rand(3, 5, 2, 2), torch.rand(3, 2, 2)
    assert torch.allclose(evidence_features(features, attention), evidence_features(features, 9 * attention))


def test_an_empty_map_and_a_broken_one_looked_at_nothing() -> None:
    features = torch.ones(2, 3, 2, 2)
    features[1, 0] = float("nan")
    attention = torch.stack((torch.zeros(2, 2), torch.ones(2, 2)))
    assert not evidence_features(features, attention).any()


def test_two_kinds_of_evidence_are_two_groups_the_larger_one_first() -> None:
    groups = evidence_groups(torch.cat((around(0, 15, seed=1), around(1, 25, seed=2))))
    assert groups == [1] * 15 + [0] * 25


def test_six_kinds_are_six_groups_and_no_more_are_made() -> None:
    kinds = torch.cat([around(kind, 20 + kind, seed=kind) for kind in range(6)])
    assert len(set(evidence_groups(kinds))) == 6
    more = torch.cat([kinds, *(around(kind, 20, seed=kind) for kind in range(6, 9))])
    assert len(set(evidence_groups(more))) <= 6


def test_one_kind_is_one_group_however_many_images_there_are() -> None:
    assert set(evidence_groups(around(0, 300, seed=1, noise=0.3))) == {0}


def test_too_few_images_are_one_group_even_when_they_differ() -> None:
    few = torch.cat((around(0, 9, seed=1), around(1, 10, seed=2)))
    assert evidence_groups(few) == [0] * 19
    assert evidence_groups(few[:1]) == [0]
    assert evidence_groups(few[:0]) == []


def test_images_with_an_empty_map_are_in_no_group() -> None:
    vectors = torch.cat((around(0, 15, seed=1), torch.zeros(2, CHANNELS), around(1, 15, seed=2)))
    groups = evidence_groups(vectors)
    assert groups[15:17] == [None, None]
    assert {groups[0], groups[-1]} == {0, 1}
    assert evidence_groups(torch.zeros(30, CHANNELS)) == [None] * 30


def test_images_that_are_all_the_same_are_one_group() -> None:
    assert evidence_groups(around(0, 1, seed=1).expand(40, -1)) == [0] * 40


def test_the_same_vectors_give_the_same_groups() -> None:
    vectors = torch.rand(200, CHANNELS, generator=torch.Generator().manual_seed(0)).half()
    assert evidence_groups(vectors) == evidence_groups(vectors.clone())


def test_images_beyond_the_fitted_ones_join_the_nearest_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FITTED", 40)
    monkeypatch.setattr(module, "JUDGED", 30)
    groups = evidence_groups(torch.cat((around(0, 200, seed=1), around(1, 100, seed=2))).half())
    assert groups == [0] * 200 + [1] * 100
