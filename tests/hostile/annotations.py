"""Annotation files with anything in them, as Hypothesis makes it up. The images beside them are good."""

import json
from typing import Any

from hypothesis import strategies as st

numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.sampled_from([0, 1, 5, 10, 24, 16, -1, 1e308])
)
scalars = st.one_of(
    st.none(), st.booleans(), numbers, st.text(max_size=8), st.sampled_from(["a.png", "dog", "../a"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def fields(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Each with what it should hold, with anything else, or missing."""
    return st.fixed_dictionaries({}, optional={name: known[name] | values for name in known})


coordinates = st.lists(numbers, max_size=9)
box = st.lists(numbers, min_size=4, max_size=4)
runs = st.fixed_dictionaries(
    {
        "size": st.just([16, 24]) | values,
        "counts": st.lists(st.integers(-1, 400), max_size=6) | st.text(max_size=9),
    }
)
coco = st.fixed_dictionaries(
    {
        "images": st.just([{"id": 1, "file_name": "a.png"}])
        | st.lists(fields(id=st.just(1), file_name=scalars)),
        "annotations": st.lists(
            fields(
                image_id=st.just(1),
                category_id=st.just(1),
                bbox=box,
                segmentation=st.lists(coordinates, max_size=3) | runs,
                attributes=values,
            ),
            max_size=5,
        ),
        "categories": st.just([{"id": 1, "name": "dog"}]) | st.lists(fields(id=st.just(1), name=scalars)),
    }
)
shape = fields(
    x=numbers,
    y=numbers,
    width=numbers,
    height=numbers,
    radiusX=numbers,
    radiusY=numbers,
    rotation=numbers,
    points=st.lists(coordinates, max_size=4),
    rle=st.lists(st.integers(-1, 256), max_size=12),
    rectanglelabels=st.just(["dog"]),
    choices=st.just(["cat"]),
)
result = fields(
    value=shape, original_width=st.just(24), original_height=st.just(16), id=st.just("q"), meta=values
)
tasks = st.lists(
    st.fixed_dictionaries(
        {
            "data": st.just({"image": "a.png"}) | values,
            "annotations": st.lists(fields(result=st.lists(result, max_size=4)), max_size=2) | values,
        }
    ),
    min_size=1,
    max_size=3,
)
drawings = st.fixed_dictionaries(
    {
        "format": st.just("refocus-drawings-1"),
        "images": st.lists(
            st.fixed_dictionaries(
                {"file": st.just("a.png"), "class": st.just("dog")},
                optional={
                    "regions": st.lists(
                        fields(
                            shape=st.sampled_from(["box", "polygon", "brush"]),
                            role=st.sampled_from(["look_here", "ignore_this"]),
                            points=st.lists(st.lists(numbers, min_size=2, max_size=2), max_size=4),
                            width=numbers,
                        ),
                        max_size=3,
                    )
                    | values
                },
            ),
            max_size=3,
        )
        | values,
    }
)


words = st.sampled_from(
    ["1", "-3", "9.5", "nan", "inf", "1e400", "", "dog", "1,1;9,1;9,9", "0,5,2", "a.png", "24"]
)
tags = st.sampled_from(
    [
        *("object", "name", "bndbox", "xmin", "ymin", "xmax", "ymax", "polygon", "pt", "x", "y", "x1", "y1"),
        *("size", "width", "height", "filename", "attributes", "attribute", "value"),
        *("image", "box", "mask", "ellipse", "tag", "track"),
    ]
)
names = st.sampled_from(
    [
        *(
            "label",
            "name",
            "xtl",
            "ytl",
            "xbr",
            "ybr",
            "points",
            "rle",
            "left",
            "top",
            "width",
            "height",
            "rotation",
        )
    ]
)


@st.composite
def element(draw: st.DrawFn, depth: int = 3) -> str:
    tag = draw(tags)
    attributes = draw(st.dictionaries(names, words, max_size=5))
    inside = "".join(draw(st.lists(element(depth - 1), max_size=4))) if depth else draw(words)
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<{tag}{written}>{inside}</{tag}>"


@st.composite
def xml(draw: st.DrawFn) -> str:
    """Pascal VOC and CVAT."""
    root = draw(st.sampled_from(["annotation", "annotations"]))
    parts = "".join(draw(st.lists(element(), max_size=5)))
    known = '<filename>a.png</filename><image name="a.png" width="24" height="16">'
    return f"<{root}>{known}{parts}</image>{parts}</{root}>"


yolo_lines = st.lists(st.lists(numbers.map(str) | words, max_size=9).map(" ".join), max_size=6)


def yolo(lines: list[str], names: Any) -> dict[str, bytes]:
    """The files of a YOLO set, beside its images."""
    text = "\n".join(["0 .5 .5 .2 .2", *lines])
    return {"a.txt": text.encode(), "data.yaml": json.dumps({"names": names}).encode()}


# Files by name that lie beside a.png, dog/b.png and cat/c.png.
annotation_files: st.SearchStrategy[dict[str, bytes]] = st.one_of(
    coco.map(lambda document: {"a.json": json.dumps(document).encode()}),
    tasks.map(lambda document: {"a.json": json.dumps(document).encode()}),
    drawings.map(lambda document: {"drawings.json": json.dumps(document).encode()}),
    xml().map(lambda text: {"a.xml": text.encode()}),
    st.builds(yolo, yolo_lines, values),
    st.dictionaries(
        st.sampled_from(["a.json", "a.xml", "a.txt", "data.yaml", "labelmap.txt"]), st.binary(max_size=60)
    ),
)
