"""What the person who imports decides: kept with the import until it is carried out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Every field has the value of an import that nobody made a choice for."""

    # Whether boxes, polygons and masks train the model as drawings do. False: they only measure it.
    # None: drawings of this program train, annotations of other tools measure.
    guidance: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ImportOptions":
        """Fields of other versions of the program are left out, missing ones have their default."""
        return cls(**{name: value for name, value in values.items() if name in cls.__dataclass_fields__})
