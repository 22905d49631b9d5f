"""A document as one self-contained HTML page: pictures inside, nothing loaded from anywhere, no script."""

import base64
from collections.abc import Sequence
from html import escape

from app.exporting.document import (
    Block,
    Code,
    Gallery,
    Matrix,
    PictureRow,
    Reliability,
    Section,
    Table,
    Text,
    Tiles,
)

_STYLE = """
:root { color-scheme: light; --ink: #1d2b2f; --soft: #5d6b70; --line: #dde3e4; --accent: #14606e;
  --good: #0f7a50; --bad: #b3510f; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: var(--ink);
  background: #fff; max-width: 960px; margin: 0 auto; padding: 32px 24px 64px; overflow-wrap: anywhere; }
h1 { font-size: 28px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 36px 0 10px; padding-top: 14px; border-top: 1px solid var(--line); }
h3 { font-size: 14px; margin: 16px 0 6px; }
p { margin: 6px 0; max-width: 74ch; }
.small { color: var(--soft); font-size: 13px; }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 12px;
  margin: 18px 0; }
.tile { border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
.tile b { display: block; font-size: 23px; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tile span, .tile small { display: block; color: var(--soft); font-size: 13px; }
table { border-collapse: collapse; margin: 10px 0; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; color: var(--soft); }
.matrices { display: flex; flex-wrap: wrap; gap: 12px 40px; }
.matrix td { text-align: center; min-width: 44px; padding: 6px; border: 1px solid #fff; }
.matrix th { padding: 6px; border: 0; max-width: 130px; }
.matrix .corner { font-weight: 400; font-size: 12px; }
.bars { margin: 8px 0; font-size: 12.5px; }
.bars div { display: grid; grid-template-columns: 84px 260px 1fr; gap: 10px; align-items: center; }
.bars svg { display: block; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 16px; }
.gallery.single { grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); }
.row { border: 1px solid var(--line); border-radius: 10px; padding: 10px 12px; break-inside: avoid; }
.row h3 { margin: 0 0 6px; }
.pictures { display: flex; gap: 10px; }
figure { margin: 0; flex: 1; min-width: 0; }
img { width: 100%; border-radius: 6px; display: block; }
figcaption { font-size: 12.5px; margin-top: 4px; }
pre { background: #f4f6f6; border-radius: 8px; padding: 10px 12px; font-size: 12.5px; white-space: pre-wrap; }
@media print {
  @page { margin: 14mm; }
  body { padding: 0; font-size: 12px; max-width: none; -webkit-print-color-adjust: exact;
    print-color-adjust: exact; }
  h2 { break-after: avoid; margin-top: 22px; }
  table, .tiles, .matrices > div, pre { break-inside: avoid; }
  .tiles { grid-template-columns: repeat(4, 1fr); }
  .gallery { grid-template-columns: 1fr 1fr; }
  .gallery.single { grid-template-columns: 1fr 1fr 1fr; }
}
"""


def html_page(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """A whole page. All strings are shown as they are."""
    body = "".join(
        f"<section><h2>{escape(section.heading)}</h2>{_blocks(section.blocks)}</section>"
        if section.heading
        else f"<section>{_blocks(section.blocks)}</section>"
        for section in sections
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f'<body><h1>{escape(title)}</h1><p class="small">{escape(subtitle)}</p>{body}</body></html>\n'
    )


def _blocks(blocks: Sequence[Block]) -> str:
    """Matrices that follow one another stand side by side."""
    parts, matrices = [], [block for block in blocks if isinstance(block, Matrix)]
    for block in blocks:
        if not isinstance(block, Matrix):
            parts.append(_html(block))
        elif block is matrices[0]:
            parts.append(f'<div class="matrices">{"".join(map(_matrix, matrices))}</div>')
    return "".join(parts)


def _html(block: Block) -> str:
    match block:
        case Text(text, tone):
            return f'<p class="{tone}">{escape(text)}</p>'
        case Code(text):
            return f"<pre>{escape(text)}</pre>"
        case Table(header, rows):
            head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
            lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
            body = "".join(f"<tr>{line}</tr>" for line in lines)
            return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        case Tiles(tiles):
            shown = (
                f'<div class="tile"><span>{escape(tile.label)}</span><b>{escape(tile.value)}</b>'
                f"<small>{escape(tile.note)}</small></div>"
                for tile in tiles
            )
            return f'<div class="tiles">{"".join(shown)}</div>'
        case Reliability():
            return _reliability(block)
        case Gallery(rows):
            small = " single" if all(len(row.pictures) == 1 for row in rows) else ""
            return f'<div class="gallery{small}">{"".join(map(_picture_row, rows))}</div>'
    raise TypeError(f"HTML has no {type(block).__name__}")


def _matrix(matrix: Matrix) -> str:
    """Each row shaded by its share; the diagonal in green, mistakes in orange."""
    head = "".join(f"<th>{escape(name)}</th>" for name in matrix.classes)
    lines = []
    for row, (name, counts) in enumerate(zip(matrix.classes, matrix.counts, strict=True)):
        cells = []
        for column, count in enumerate(counts):
            colour = "15, 122, 80" if row == column else "217, 110, 20"
            shade = 0.75 * count / (sum(counts) or 1)
            cells.append(f'<td style="background: rgba({colour}, {shade:.2f})">{count}</td>')
        lines.append(f"<tr><th>{escape(name)}</th>{''.join(cells)}</tr>")
    return (
        f'<div><h3>{escape(matrix.title)}</h3><table class="matrix"><thead><tr>'
        f'<th class="corner">true ↓ predicted →</th>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _reliability(chart: Reliability) -> str:
    """A bar of the accuracy for each bin of confidence, and a line where confidence says it should end."""
    lines = []
    for confidence, accuracy, n in chart.bins:
        lines.append(
            f"<div><span>{100 * confidence:.0f} % sure</span>"
            '<svg width="260" height="14" role="img"><rect width="260" height="14" rx="3" fill="#eef2f2"/>'
            f'<rect width="{260 * accuracy:.1f}" height="14" rx="3" fill="#14606e"/>'
            f'<rect x="{min(258.0, 260 * confidence):.1f}" width="2" height="14" fill="#b3510f"/></svg>'
            f'<span class="small">{100 * accuracy:.0f} % right, n = {n}</span></div>'
        )
    return f'<h3>{escape(chart.title)}</h3><div class="bars">{"".join(lines)}</div>'


def _picture_row(row: PictureRow) -> str:
    pictures = "".join(
        f'<figure><img alt="{escape(picture.caption)}" src="data:image/jpeg;base64,'
        f'{base64.b64encode(picture.jpeg).decode("ascii")}">'
        f'<figcaption class="{picture.tone}">{escape(picture.caption)}</figcaption></figure>'
        for picture in row.pictures
    )
    return f'<div class="row"><h3>{escape(row.title)}</h3><div class="pictures">{pictures}</div></div>'
