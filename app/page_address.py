"""What the page has written to its own address, so that a change somebody makes there is noticed."""

import time
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

ON_ITS_WAY = 2.0  # seconds in which a browser may still send the previous address


@dataclass(slots=True)
class Address(Generic[T]):
    """A part of the page's address, as last written or read: the image, or the filters."""

    now: T | None = None  # last written there
    left: dict[T, float] = field(default_factory=dict)  # others that we wrote: when each was replaced
    replaced: T | None = None  # the one before, until the page is drawn with this one

    def write(self, value: T) -> None:
        if self.now is not None and self.now != value:
            self.replaced = self.now
            self.left[self.replaced] = time.monotonic()
        self.now = value

    def drawn(self) -> None:
        """The page is drawn: a key that was pressed meanwhile comes only now, with the address before."""
        if self.replaced is not None:
            self.left[self.replaced], self.replaced = time.monotonic(), None

    def is_news(self, value: T) -> bool:
        """Whether somebody has changed the address. What the browser sends with a key that was pressed before
        it knew the newest address is no news, or quick keys would go back.
        """
        replaced = self.left.get(value, -ON_ITS_WAY)
        return value != self.now and time.monotonic() - replaced >= ON_ITS_WAY
