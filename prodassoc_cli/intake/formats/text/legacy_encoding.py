"""Encodings from before Unicode: which one a text is written in, as far as its letters tell."""

from __future__ import annotations

import contextlib
import re

from prodassoc_cli.errors import BadData

_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257")
_OTHERS = (
    "gb18030", "big5hkscs", "cp932", "euc_jis_2004", "cp949", "cp1251", "koi8-r", "koi8-u", "cp1253",
    "cp1255", "cp1256", "cp874",
)  # fmt: skip
_COMMON = {"big5hkscs": "big5", "cp932": "shift_jis", "euc_jis_2004": "euc_jp"}
"""Names by which people know supersets."""

_USUAL = frozenset(range(0xA0, 0x100)) | frozenset(
    b"\x80\x85\x8a\x8c\x8e\x91\x92\x93\x94\x95\x96\x97\x99\x9a\x9c\x9e\x9f"
)
"""Bytes that are common in Latin text: letters, and what word processors write for quotes and dashes."""

_LOOKED_AT = 200_000
_ACCENTS, _LETTERS = 4, 14
"""So many different bytes show a language of Latin letters, or of others; with fewer, a rival must be much
less likely. The bounds were chosen by lists of 1 to 12 names of groceries in 15 languages."""


def guess_encoding(name: str, data: bytes) -> str:
    """Return Python's name of the encoding of a text that is no UTF-8.

    Args:
        name: of the input, for messages.
        data: some of its bytes, whole lines where possible.

    Raises:
        BadData: two readings are about as likely.
    """
    lines = [line for line in re.split(rb"[\r\n]+", data) if not line.isascii()]
    text = b"\n".join(lines)[:_LOOKED_AT]
    runs = re.findall(rb"[\x80-\xff]+", text)
    high = b"".join(runs)
    alone = all(len(run) == 1 for run in runs) and 2 * sum(byte in _USUAL for byte in high) > len(high)
    # A script of its own has words of such bytes, and two of them for a letter; an accent stands among ASCII.
    readings = _readings(text, _LATIN if alone else (*_LATIN, *_OTHERS))
    if not readings:
        return "latin-1"
    likely, best, letters = readings[0]
    kinds = len(set(high))
    if best in _LATIN:
        western = next((each for each in readings if each[1] == "cp1252"), None)
        if (
            western is not None
            and not _symbols_in_words(western[2])
            and likely < (1.5 if kinds > _ACCENTS else 3.0) * western[0]
        ):
            best = "cp1252"
        rivals, needed = [each for each in readings if each[1] in _OTHERS], 1.2
    else:
        rivals, needed = readings, 1.5 if kinds >= _LETTERS else 2.5
    rival = next((each for each in rivals if each[2] != letters), None)
    if rival is not None and likely < needed * rival[0]:
        shown = (f"{_COMMON.get(each[1], each[1])} ({_specimen(each[2])})" for each in (readings[0], rival))
        raise BadData(
            f"{name} is no UTF-8, and too short to tell its encoding: {' or '.join(shown)}?",
            f"name it: `encoding={_COMMON.get(readings[0][1], readings[0][1])}`",
        )
    return best


def _readings(text: bytes, encodings: tuple[str, ...]) -> list[tuple[float, str, str]]:
    """Return (likelihood, encoding, text) of encodings that all bytes are valid in, the most likely first."""
    import chardet  # most texts are UTF-8

    found = []
    for each in chardet.detect_all(
        text, ignore_threshold=True, include_encodings=encodings, compat_names=False
    ):
        name = str(each["encoding"])
        with contextlib.suppress(UnicodeDecodeError, LookupError):
            letters = text.decode(name)
            if name in _LATIN or not _amid_latin(letters):
                found.append((each["confidence"], name, letters))
    return found


def _symbols_in_words(text: str) -> bool:
    """Return whether a sign that begins no word stands before a small letter, as in ³ty: letters misread."""
    before = re.findall(r"[^\x00-\x7f](?=[a-z])", text)
    return any(not sign.isalpha() and sign not in "’‘‚“„«‹¿¡–—…" for sign in before)


def _amid_latin(text: str) -> bool:
    """Return whether most of what is beyond ASCII touches small Latin letters, as no other script does."""
    runs = re.findall(r"[a-z]?[^\x00-\x7f]+[a-z]?", text)
    return 2 * sum(run[0].isascii() or run[-1].isascii() for run in runs) > len(runs)


def specimen(data: bytes, encoding: str) -> str:
    """Return a word of a text beyond ASCII, to show how it is read."""
    line = next((line for line in re.split(rb"[\r\n]+", data) if not line.isascii()), b"")
    return _specimen(line.decode(encoding, "replace"))


def _specimen(text: str) -> str:
    found = re.search(r"[^\s,;|\t]*[^\x00-\x7f][^,;|\t\r\n]{0,20}", text)
    return found[0].strip('"') if found else ""
