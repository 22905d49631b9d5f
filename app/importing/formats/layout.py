"""What a format finds in the files of an import."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.importing.item import Item
from app.importing.sources import shown
from db.records import RefusalRecord, Split

MAX_REFUSALS = 1_000  # listed; the rest is counted
SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "validate", "dev", "development"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


@dataclass(slots=True)
class Layout:
    items: list[Item] = field(default_factory=list)
    refused: list[RefusalRecord] = field(default_factory=list)  # the first MAX_REFUSALS
    n_refused: int = 0
    notes: list[str] = field(default_factory=list)
    drawn_to_guide: bool = False  # whether the marks were drawn to train a model, and not to measure one
    # Whether names of folders and files say splits; then a new project without a training part is divided.
    splits_by_name: bool = False
    # Images that were annotated, and on which nothing of any class was; with no label. Not among `items`.
    empty: list[Item] = field(default_factory=list)
    undivided: int = 0  # images without a split that come into one that was chosen
    # Path of an image -> its innermost folder, where that is not the class folder: it could be the class.
    inner_folders: dict[str, str] = field(default_factory=dict)

    def refuse(self, name: str, reason: str) -> None:
        self.n_refused += 1
        if len(self.refused) < MAX_REFUSALS:
            self.refused.append(RefusalRecord(shown(name), reason))


def example_of(refused: Sequence[RefusalRecord]) -> str:
    """A sentence with the first refusal, to put behind another; empty when there is none."""
    return f" For example {refused[0].name}: {refused[0].reason}" if refused else ""
