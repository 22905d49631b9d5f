"""Saved drawings as Pascal VOC: an XML file for each image."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from app.exporting.guided_images import (
    GuidedImage,
    GuidedProject,
    corners_of,
    label_paths,
    outlines_of,
    plain,
    zipped,
)
from db.records import RegionRecord

TITLE = "Pascal VOC"
LACKS = (
    "A brush stroke becomes the outline of its pixels. Polygons and *ignore this* are elements that few "
    "other tools read; these see a box."
)


def pack(project: GuidedProject) -> bytes:
    """A zip of Annotations/NAME.xml."""
    paths = label_paths(project.images)
    return zipped((f"Annotations/{paths[item.image.id]}.xml", _document(item)) for item in project.guided)


def _document(item: GuidedImage) -> bytes:
    root = Element("annotation")
    SubElement(root, "filename").text = item.image.name
    size = SubElement(root, "size")
    for side, value in (("width", item.image.width), ("height", item.image.height), ("depth", 3)):
        SubElement(size, side).text = str(value)
    for of_class, region in item.regions:
        for outline in outlines_of(region, item.size):
            _add_object(root, of_class.name, outline)
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _add_object(root: Element, name: str, region: RegionRecord) -> None:
    entry = SubElement(root, "object")
    SubElement(entry, "name").text = name
    left, top, right, bottom = corners_of(region)
    box = SubElement(entry, "bndbox")
    # VOC counts pixels from 1, and the last one belongs to the box.
    for side, value in (("xmin", left + 1), ("ymin", top + 1), ("xmax", right), ("ymax", bottom)):
        SubElement(box, side).text = str(plain(value))
    if region.shape == "polygon":
        polygon = SubElement(entry, "polygon")
        for place, (x, y) in enumerate(region.points, start=1):
            SubElement(polygon, f"x{place}").text = str(plain(x))
            SubElement(polygon, f"y{place}").text = str(plain(y))
    if region.role == "ignore_this":
        attribute = SubElement(SubElement(entry, "attributes"), "attribute")
        SubElement(attribute, "name").text = "role"
        SubElement(attribute, "value").text = region.role
