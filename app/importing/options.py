"""What the person who imports decides: kept with the import until it is carried out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from db.records import Split


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Every field has the value of an import that nobody made a choice for."""

    # Whether boxes, polygons and masks train the model as drawings do. False: they only measure it.
    # None: drawings of this program train, annotations of other tools measure.
    guidance: bool | None = None
    # Of names in a zip that do not say theirs: a key of ENCODINGS; empty: guessed.
    encoding: str = ""
    # Images with the same value of this column come into the same split, where no split is given. Empty: a
    # column such as patient or scene, if there is one; "-": none.
    keep_together: str = ""
    # Classes whose names differ only in case are one class.
    merge_case: bool = False
    # class2 before class10.
    natural_order: bool = False
    # Of several levels of class folders the innermost names the class.
    inner_folders: bool = False
    # Annotations of photographs that a camera held sideways are in its unturned pixels, also where sizes do
    # not tell. False: there they are taken as they are, and a note says so.
    turn_marks: bool = False
    # The class of images that were annotated and show nothing of any class. Empty: they are left out.
    empty_class: str = ""
    # Where no split is given, all images come into this one. Empty: they are divided. Only for images that
    # are added to a project.
    split: Split | Literal[""] = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ImportOptions":
        """Fields of other versions of the program are left out, missing ones have their default."""
        return cls(**{name: value for name, value in values.items() if name in cls.__dataclass_fields__})
