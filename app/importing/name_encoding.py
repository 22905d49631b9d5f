"""In which encoding are these names written? Zips made on Windows do not say.

A statistical detector (charset-normalizer) needs more text than a few class names: it took 7 of 18 sets of
two names for another language. The candidates are few, so each is judged by how common its letters are in
the language that it is for.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence

AUTOMATIC = ""
UTF_8 = "utf-8"
OLD_ZIP = "cp437"  # what the zip format says of names without the UTF-8 flag: every byte is a letter
ENCODINGS = {
    UTF_8: "UTF-8",
    "gb18030": "Chinese, simplified (GBK)",
    "cp932": "Japanese (Shift-JIS)",
    "cp949": "Korean",
    "big5": "Chinese, traditional (Big5)",
    "cp1252": "Western (Windows)",
    "cp850": "Western (DOS)",
    "cp1251": "Cyrillic (Windows)",
    "cp866": "Cyrillic (DOS)",
    OLD_ZIP: "DOS (cp437)",
}
SAMPLE = 500  # names looked at

# The syllables that nine tenths of Korean text are made of.
_HANGUL = frozenset(
    "강개거건검견결경계고곡공과관광교구국군권귀그극근금급기긴길김까꽃끝나난날남납내너넓네녀년노녹논농높누눈느는능니님다단달담답당"
    "대더덕던데도독돈동되된두둔뒤드득든들등디따때떠또똑라락란람랑래량러럼레려력련렬령례로록론료루류른를름리림립마막만많말맛망매맥"
    "머먹먼메며면명모목못무묵문물므미민밀및바박반발밝밤방배백버번벌법베벽변별병보복본볼봄봉부북분불붉붕비빈빛빠사산살삼상새색생서"
    "석선설섬성세센소속손송수순술숨스습승시식신실심싱싸쌀써쓰씨아악안알암압앞애야약양어언얼엄업없에여역연열염영예오옥온올와완왕외"
    "요욕용우운울움원월위유육은을음응의이익인일임입있잎자작잔잘잠장재저적전절점정제조족존종좌주죽준줄중증지직진질집징짜째차착찬참"
    "창채처천철청체초촉총최추축춘출충취층치친칠침칭카칼커컴코콘크큰키타탄탈탑태터털테토통퇴투특티파판패페편평포폭표품풍프피필하학"
    "한할함합항해행향허험현혈협형호혼홍화확환활황회획효후훈휘휴흉흐흑희히힘"
)
_LATIN = frozenset("éèêëàâäáãåæçíìîïñóòôöõøœúùûüßÄÖÜÉÅÆØÇ")


def guess_encoding(names: Iterable[bytes], listed: str = "") -> str:
    """The most likely encoding of file names, a key of ENCODINGS; UTF-8 where none can read all of them.

    `listed`: text of a table of the same import. An encoding that makes names of it is the right one.
    """
    sample = sorted({name for name in names if not name.isascii()})[:SAMPLE]
    readable = [encoding for encoding in ENCODINGS if _decoded(sample, encoding) is not None]
    if not sample or UTF_8 in readable:
        return UTF_8

    def merit(encoding: str) -> tuple[int, float]:
        texts = _decoded(sample, encoding) or []
        matches = sum(_is_listed(text, listed) for text in texts) if listed else 0
        merits = [
            _COMMON[encoding](letter) * (_BESIDE_LATIN[encoding] if _stands_beside_latin(text, place) else 1)
            for text in texts
            for place, letter in enumerate(text)
            if not letter.isascii()
        ]
        return matches, sum(merits) / max(1, len(merits))

    return max(readable, key=merit, default=UTF_8)


def _is_listed(name: str, table: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return all(part in table for part in parts if not part.isascii())


def _decoded(names: Sequence[bytes], encoding: str) -> list[str] | None:
    """None where the bytes are no text in this encoding."""
    try:
        texts = [name.decode(encoding) for name in names]
    except UnicodeDecodeError:
        return None
    return texts if all(text.isprintable() for text in texts) else None


def _stands_beside_latin(text: str, place: int) -> bool:
    beside = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
    return any(letter.isascii() and letter.isalpha() for letter in beside)


def _lead(letter: str, encoding: str) -> int:
    """The first of the letter's bytes, 0 where it has one or none."""
    try:
        encoded = letter.encode(encoding)
    except UnicodeEncodeError:
        return 0
    return encoded[0] if len(encoded) == 2 else 0


def _simplified(letter: str) -> float:
    lead = _lead(letter, "gb2312")  # the 3,755 common characters come first, ordered by sound
    return 1.0 if 0xB0 <= lead <= 0xD7 else 0.3 if lead > 0xD7 else 0.1


def _traditional(letter: str) -> float:
    return 0.9 if 0xA4 <= _lead(letter, "big5") <= 0xC6 else 0.1


def _japanese(letter: str) -> float:
    if "\u3040" <= letter <= "\u30ff":  # hiragana and katakana
        return 1.0
    return 0.95 if 0x88 <= _lead(letter, "cp932") <= 0x97 else 0.2


def _korean(letter: str) -> float:
    if "\uac00" <= letter <= "\ud7a3":
        return 1.1 if letter in _HANGUL else 0.6
    return 0.1


def _cyrillic(letter: str) -> float:
    if "CYRILLIC" not in unicodedata.name(letter, ""):
        return 0.0
    return 0.95 if "а" <= letter <= "я" or letter == "ё" else 0.5


def _western(letter: str) -> float:
    return 0.9 if letter in _LATIN else 0.05


_COMMON: dict[str, Callable[[str], float]] = {
    UTF_8: lambda letter: 1.0,
    "gb18030": _simplified,
    "cp932": _japanese,
    "cp949": _korean,
    "big5": _traditional,
    "cp1252": _western,
    "cp850": _western,
    "cp1251": _cyrillic,
    "cp866": _cyrillic,
    OLD_ZIP: lambda letter: _western(letter) - 0.01,
}
# A word is seldom of two scripts: how much less likely a letter is beside a Latin one.
_BESIDE_LATIN = {
    encoding: 1.0 if encoding in (UTF_8, "cp1252", "cp850", OLD_ZIP) else 0.4 for encoding in ENCODINGS
}
