"""What a file is that is no picture, so that the reason of its refusal says what to do."""

from app.errors import FileRefusedError

NO_PICTURE = "It is not an image (JPEG, PNG, WebP, BMP, GIF or TIFF)."
_HEIC = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")  # what such files say of themselves
_AVIF = (b"avif", b"avis")
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (
        b"version https://git-lfs.github.com/spec/",
        "It is a Git LFS pointer: the image itself was not downloaded. Run git lfs pull and import again.",
    ),
    (
        b"/annex/objects/",
        "It is a git-annex pointer: the image itself was not downloaded. Run git annex get and import again.",
    ),
    (b"%PDF", "It is a PDF document, not an image. Save its pictures as PNG or JPEG."),
    (b"PK\x03\x04", "It is a zip or an Office document, not an image. Unpack it first."),
    (b"\x1f\x8b", "It is packed with gzip. Unpack it first."),
    (b"\x93NUMPY", "It is a NumPy array, not an image. Save it as PNG."),
    (b"8BPS", "It is a Photoshop document. Save it as PNG or JPEG."),
    (b"\xff\x0a", "It is a JPEG XL picture, which this installation does not read. Save it as PNG or JPEG."),
    (
        b"\x00\x00\x00\x0cJXL ",
        "It is a JPEG XL picture, which this installation does not read. Save it as PNG or JPEG.",
    ),
)
_TEXT = 512  # bytes looked at


def reason_for(data: bytes) -> FileRefusedError:
    """Why a file that no reader of pictures knows is refused."""
    return FileRefusedError(_reason(data))


def _reason(data: bytes) -> str:
    for beginning, reason in _BEGINNINGS:
        if data.startswith(beginning):
            return reason
    if data[128:132] == b"DICM":
        return "It is a DICOM file, which is not read. Save its picture as PNG."
    if data[4:8] == b"ftyp":
        return _of_container(data[8:12])
    return _of_text(data[:_TEXT])


def _of_container(brand: bytes) -> str:
    if brand in _HEIC:
        return (
            "It is a HEIC photograph, which this installation does not read. Save it as JPEG, or install "
            "pillow-heif beside this program."
        )
    if brand in _AVIF:
        return "It is an AVIF picture, which this installation does not read. Save it as PNG or JPEG."
    return "It is a video, not an image. Save its frames as images."


def _of_text(beginning: bytes) -> str:
    try:
        text = beginning.decode("utf-8", "strict" if len(beginning) < _TEXT else "ignore")
    except UnicodeDecodeError:
        return NO_PICTURE
    text = text.lstrip("\ufeff").lstrip()
    if not all(letter.isprintable() or letter.isspace() for letter in text):
        return NO_PICTURE
    start = text.lower()
    if start.startswith(("<!doctype html", "<html", "<head", "<body")):
        return "It is a web page, probably the error page of a failed download. Download the image again."
    if "<svg" in start:
        return "It is an SVG drawing, which has no pixels. Save it as PNG."
    if start.startswith("%!ps"):
        return "It is a PostScript document, not an image. Save it as PNG."
    first = text.splitlines()[0][:60] if text else ""
    return f"It is a text file, not an image. It begins with: {first}" if first else NO_PICTURE
