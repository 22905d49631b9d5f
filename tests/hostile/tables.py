"""Tables beside the images: of strange shape, of other encodings, far too large."""

import random
from collections.abc import Iterator

from hypothesis import strategies as st

from tests.hostile.case import Archive, examples, good_files, zipped

_GOOD = ("boat/1.png", "boat/2.png", "car/1.png", "car/2.png")
cells = st.one_of(
    st.sampled_from(
        [
            *_GOOD,
            "boat",
            "car",
            "",
            "train",
            "test",
            "0",
            "2",
            "=1+1",
            "a|b",
            "../x",
            "\0",
            "NaN",
            '"',
            "nobody.png",
        ]
    ),
    st.text(max_size=12),
)
columns = st.sampled_from(
    ["file", "label", "split", "mask", "ignore_mask", "place", "", "file ", "img_filename", "y"]
)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Comma, semicolon or tab; ragged rows, doubled columns, quotes that do not end."""
    separator = draw(st.sampled_from(",;\t|"))
    names = ["file", "label", *draw(st.lists(columns, max_size=4))]
    rows = [[file, draw(st.sampled_from(["boat", "car"]))] for file in _GOOD]
    rows += draw(st.lists(st.lists(cells, max_size=7), max_size=12))
    ending = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = ending.join(separator.join(row) for row in [names, *rows])
    return text.encode(draw(st.sampled_from(["utf-8", "utf-16", "latin-1", "utf-8-sig"])), "replace")


def strange_tables(seed: int) -> Iterator[Archive]:
    chance = random.Random(seed)
    for table in examples(tables(), seed):
        yield Archive("table", zipped({**good_files(chance), "index.csv": table}))


def huge_tables(seed: int) -> Iterator[Archive]:
    """Many lines of files that are not there, or one long line."""
    chance = random.Random(seed)
    while True:
        lines = ["file,label", *(f"{name},{name.split('/')[0]}" for name in _GOOD)]
        title = chance.choice(("lines", "line", "columns"))
        if title == "lines":
            lines += [f"nobody/{number}.png,boat" for number in range(chance.randint(20_000, 60_000))]
        elif title == "line":
            lines.append("x" * chance.randint(1_000_000, 4_000_000) + ",boat")
        else:
            lines[0] += "".join(f",c{number}" for number in range(5_000))
        yield Archive(title, zipped({**good_files(chance), "index.csv": "\n".join(lines).encode()}))


def strange_annotations(seed: int) -> Iterator[Archive]:
    from tests.hostile.annotations import annotation_files

    chance = random.Random(seed)
    for files in examples(annotation_files, seed):
        good = list(good_files(chance).values())
        images = {"a.png": good[0], "dog/b.png": good[1], "cat/c.png": good[2], "cat/d.png": good[3]}
        yield Archive("annotations", zipped({**images, **files}))
