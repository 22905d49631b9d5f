"""A drawing that need not be saved yet."""

from dataclasses import dataclass, field

from app.drawing.regions import Regions


@dataclass(slots=True)
class Draft:
    """Regions in image pixels, the steps that led there, and the guidance it began from."""

    stored: Regions  # the saved guidance
    regions: Regions  # what is drawn now
    revision: int  # of the saved guidance, 0 when there was none
    kept: Regions | None = None  # what the database last heard of, where it has heard of anything
    undo_steps: list[Regions] = field(default_factory=list)  # earlier states, the latest last
    redo_steps: list[Regions] = field(default_factory=list)  # states taken back, the next one last

    @property
    def unsaved(self) -> bool:
        return self.regions != self.stored

    @property
    def can_undo(self) -> bool:
        return bool(self.undo_steps or self.regions)

    def draw(self, regions: Regions) -> None:
        """The canvas shows these regions: each new one is a step, and a last one that changed is a polygon
        that got another corner.
        """
        known, head = len(self.regions), max(0, len(self.regions) - 1)
        if len(regions) < known or regions[:head] != self.regions[:head]:
            self.change(regions)
            return
        if regions[:known] != self.regions:
            self.regions = regions[:known]
            self.redo_steps.clear()
        for end in range(known + 1, len(regions) + 1):
            self.change(regions[:end])

    def change(self, regions: Regions) -> None:
        """One step, which `undo` takes back."""
        if regions != self.regions:
            self.undo_steps.append(self.regions)
            self.redo_steps.clear()
            self.regions = regions

    def amend(self, regions: Regions) -> None:
        """As part of the last step: another corner of a polygon, a region moved on by a key."""
        if regions != self.regions:
            self.regions = regions
            self.redo_steps.clear()
            if self.undo_steps and self.undo_steps[-1] == regions:
                self.undo_steps.pop()

    def undo(self) -> None:
        """One step back. A drawing that came from the database has no steps: its last region goes."""
        if self.can_undo:
            self.redo_steps.append(self.regions)
            self.regions = self.undo_steps.pop() if self.undo_steps else self.regions[:-1]

    def redo(self) -> None:
        if self.redo_steps:
            self.undo_steps.append(self.regions)
            self.regions = self.redo_steps.pop()
