"""What a format finds in the files of an import."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.importing.item import Item
from app.importing.sources import shown
from db.records import RefusalRecord, Split

SPLITS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(slots=True)
class Layout:
    items: list[Item] = field(default_factory=list)
    refused: list[RefusalRecord] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    drawn_to_guide: bool = False  # whether the marks were drawn to train a model, and not to measure one

    def refuse(self, name: str, reason: str) -> None:
        self.refused.append(RefusalRecord(shown(name), reason))


def example_of(refused: Sequence[RefusalRecord]) -> str:
    """A sentence with the first refusal, to put behind another; empty when there is none."""
    return f" For example {refused[0].name}: {refused[0].reason}" if refused else ""
