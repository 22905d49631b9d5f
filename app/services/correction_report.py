"""The report of a correction, for people who were not there: what was wrong, drawn, and gained."""

from collections.abc import Callable
from pathlib import Path

from app.errors import ServiceError
from app.exporting.document import (
    Block,
    Code,
    Gallery,
    Section,
    Table,
    Text,
)
from app.exporting.pdf import print_pdf
from app.exporting.report_page import html_page
from app.services import explanation, report_sections
from app.services.comparison import Comparison, compare
from app.services.drawing_effect import drawing_effect
from app.services.evaluation import WORST_GROUP_MIN_N
from app.services.report_pictures import both_maps, drawings, pairs_to_show
from app.services.version_facts import (
    VersionFacts,
    figure_rows,
    figures,
    libraries,
    training_settings,
    version_facts,
)
from app.workspace import Workspace
from db.records import Split, VersionRecord

SEVERAL = "A class counts as predicted above 50 %. Average precision needs no such threshold."
HTML, PDF = "report.html", "report.pdf"
LIMITS = (
    "Figures are counted on the images of one split. Their intervals say how far chance moves them, not how "
    "other images differ.",
    "If versions were chosen by these images, the figures are too good: choose on validation, report test.",
    "Maps show where evidence comes from, not why. Each has few cells.",
    f"Groups with fewer than {WORST_GROUP_MIN_N} images are not called the worst, unless no group is larger.",
    "Groups that nobody recorded were not measured.",
)
Progress = Callable[[int, int, str], None]  # done, total, what is being done


def make_report(
    ws: Workspace,
    before_id: int,
    after_id: int,
    split: Split,
    folder: Path,
    on_progress: Progress | None = None,
) -> list[Path]:
    """Write `report.html` into `folder`, and `report.pdf` where Chromium is there; the written files.

    Raises ServiceError for versions of two projects, without images that both have predicted, and when a file
    cannot be written; MissingFileError for a missing image or model; db.errors.NotFoundError.
    """
    progress = on_progress or (lambda done, total, doing: None)
    progress(0, 1, "Counting")
    facts, earlier = version_facts(ws, after_id), version_facts(ws, before_id)
    if facts.project.id != earlier.project.id:
        raise ServiceError("The two versions are of different projects.")
    comparison = compare(ws, before_id, after_id, split)
    if not comparison.images:
        raise ServiceError(
            f"These versions have no predictions for the same {split} images. Choose another split."
        )
    sides = earlier.version, facts.version
    chosen = pairs_to_show(ws, comparison)
    shelf = explanation.ModelShelf(2)
    galleries = []
    for done, (kind, pair) in enumerate(chosen):
        progress(done, len(chosen) + 1, f"Drawing maps of {pair.image.name}")
        galleries.append(both_maps(ws, kind, pair, sides, facts.classes, shelf))
    progress(len(chosen), len(chosen) + 1, "Writing the report")
    title = f"{facts.project.name}: version {sides[0].number} against version {sides[1].number}"
    page = html_page(
        title, _subtitle(comparison), _sections(ws, facts, comparison, Gallery(tuple(galleries)))
    )
    written = [folder / HTML]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written[0].write_text(page, "utf-8")
    except OSError as error:
        raise ServiceError(f"The report cannot be written to {folder} ({error.strerror}).") from error
    if print_pdf(folder / HTML, folder / PDF):
        written.append(folder / PDF)
    return written


def _subtitle(comparison: Comparison) -> str:
    after = comparison.after
    return (
        f"{comparison.images} {after.split} images. Made by Refocus; version {after.version.number} is of "
        + (f"{after.version.created_at:%Y-%m-%d}.")
    )


def _sections(ws: Workspace, facts: VersionFacts, comparison: Comparison, gallery: Gallery) -> list[Section]:
    before, after = comparison.before, comparison.after
    both = figures(ws, after.version.id, before.version.id, after.split)
    header = ("", f"Version {before.version.number}", f"Version {after.version.number}")
    drawn = tuple(drawings(ws, facts.project.id, facts.classes))
    sections = [
        Section("", (report_sections.tiles(comparison),)),
        Section("What was wrong", report_sections.what_was_wrong(comparison)),
        Section(
            "What was drawn", (*report_sections.what_was_drawn(facts), *((Gallery(drawn),) if drawn else ()))
        ),
        Section("What drawing added", report_sections.added(drawing_effect(comparison))),
        Section("The same images with both maps", (_legend(), gallery)),
        Section("Figures", (Table(header, tuple(figure_rows(both))), *report_sections.paired(comparison))),
        Section("By class", report_sections.by_class(both.before or both.after, both.after)),
    ]
    if after.calibration is not None and before.calibration is not None:
        sections.append(
            Section("Calibration", report_sections.calibration(ws, facts.project.id, before, after))
        )
    limits = (*LIMITS, SEVERAL) if after.precisions else LIMITS
    sections.append(Section("Limits", tuple(Text(limit) for limit in limits)))
    return [*sections, Section("How to reproduce", _reproduce(facts, before.version, after.split))]


def _legend() -> Text:
    return Text(
        "Strong colour holds half of the evidence for the class that is named, light colour nine tenths.",
        "small",
    )


def _reproduce(facts: VersionFacts, before: VersionRecord, split: Split) -> tuple[Block, ...]:
    settings = training_settings(facts.run)
    rows = [(name.capitalize(), str(value)) for name, value in settings.items()]
    rows += [(f"Version {side.number}, SHA-256", side.sha256) for side in (before, facts.version)]
    rows += list(libraries().items())
    return (
        Text("The same images, drawings, settings and seed give the same model on the same machine."),
        Table(("", ""), tuple(rows)),
        Code(
            f"python -m app {_training_command(facts)}\n"
            f"python -m app report --project {facts.project.id} --before {before.number} "
            f"--version {facts.version.number} --split {split} --out report"
        ),
    )


def _training_command(facts: VersionFacts) -> str:
    settings = training_settings(facts.run)
    named = f"--project {facts.project.id} --seed {settings.get('seed', 0)}"
    if facts.run is None or facts.run.base_version_id is None:
        return f"train {named}"
    return f"retrain {named} --mode {facts.run.mode} --objective {settings['method']}"
