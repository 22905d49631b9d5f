"""The order of the queue as a window holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from db.records import Split


@dataclass(frozen=True, slots=True)
class QueueOrder:
    """The order of the queue, fixed while someone works through it."""

    project_id: int
    version_id: int | None
    split: Split
    narrowed_to: str  # filters and evidence group; empty: all images
    revision: tuple[int, int]  # of the project's labels and, where it matters, its guidance
    image_ids: tuple[int, ...] = ()
    sizes: Mapping[Split, int] = field(default_factory=dict)  # of this queue and of the other split's

    def same_queue(self, other: "QueueOrder") -> bool:
        """Whether both hold images of the same queue, perhaps as it was at another time."""
        return replace(self, revision=other.revision, image_ids=other.image_ids, sizes=other.sizes) == other

    def with_last(self, image_id: int) -> "QueueOrder":
        """With this image moved to the end."""
        others = tuple(other for other in self.image_ids if other != image_id)
        return replace(self, image_ids=(*others, image_id))
