import pytest
import torch

from gain_core.analysis import label_issues
from gain_core.analysis.label_issues import LabelDoubt, label_doubts


def two_kinds(*, first: int = 12, second: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """Two kinds of images that point in two directions, each labelled as its kind."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.tensor([[10.0, 0.0, 0.0], [0.0, 10.0, 0.0]])
    labels = torch.tensor([0] * first + [1] * second)
    return centres[labels] + 0.5 * torch.randn(len(labels), 3, generator=generator), labels


def test_labels_that_all_alike_images_share_are_not_doubted():
    assert label_doubts(*two_kinds()) == [None] * 24


def test_a_label_that_all_images_like_it_contradict_is_doubted_and_nothing_else():
    vectors, labels = two_kinds()
    labels[3] = 1
    doubts = label_doubts(vectors, labels)
    assert doubts[3] == LabelDoubt(rival=0, share=1.0)
    assert max(doubt.share for n, doubt in enumerate(doubts) if n != 3 and doubt) <= 0.1


def test_the_rival_is_the_most_frequent_other_label_among_the_ten_nearest():
    # degrees from the image in question, and labels: ten near ones, the rest of its class far away
    near = [
        (1.0, 1),
        (1.1, 1),
        (1.2, 2),
        (1.3, 1),
        (1.4, 2),
        (1.5, 1),
        (1.6, 0),
        (1.7, 1),
        (1.8, 2),
        (1.9, 1),
    ]
    far = [(80.0 + n, 0) for n in range(10)]
    degrees, labels = zip((0.0, 0), *near, *far, strict=True)
    angles = torch.deg2rad(torch.tensor(degrees))
    vectors = torch.stack([angles.cos(), angles.sin()], 1)
    assert label_doubts(vectors, torch.tensor(labels))[0] == LabelDoubt(rival=1, share=0.6)


def test_a_rare_class_is_no_reason_for_doubt():
    assert label_doubts(*two_kinds(first=40, second=6)) == [None] * 46
    vectors, labels = two_kinds(first=40, second=6)
    labels[0] = 1
    assert label_doubts(vectors, labels)[0] == LabelDoubt(0, 1.0)
    vectors, labels = two_kinds(first=40, second=4)
    labels[0] = 1
    assert label_doubts(vectors, labels)[0] is None


def test_pieces_and_a_part_of_the_images_find_the_same(monkeypatch: pytest.MonkeyPatch):
    vectors, labels = two_kinds(first=60, second=60)
    labels[7] = 1
    whole = label_doubts(vectors, labels)
    monkeypatch.setattr(label_issues, "_PIECE", 7)
    assert label_doubts(vectors, labels) == whole
    monkeypatch.setattr(label_issues, "_COMPARED", 40)
    part = label_doubts(vectors, labels)
    assert part[7] == LabelDoubt(0, 1.0)
    assert [n for n, doubt in enumerate(part) if doubt and doubt.share > 0.5] == [7]


def test_a_class_that_is_rare_among_those_compared_with_is_no_reason_for_doubt_either(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(label_issues, "_COMPARED", 60)
    for rare in (6, 12, 40, 100):
        assert label_doubts(*two_kinds(first=400, second=rare)) == [None] * (400 + rare), rare
