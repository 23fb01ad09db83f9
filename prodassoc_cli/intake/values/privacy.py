"""User ids → keyed hashes."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import polars as pl

from prodassoc_cli.errors import BadData, NoInput


def read_key(path: str) -> bytes:
    """Read the secret key of a file; a line end at its end does not count.

    Raises:
        NoInput: the file cannot be read.
        BadData: it is empty.
    """
    try:
        key = Path(path).read_bytes().rstrip(b"\r\n")
    except OSError as problem:
        reason = f"cannot read the key file {path}: {problem.strerror}"
        raise NoInput(reason, "make one: openssl rand -hex 32 > FILE") from problem
    if not key:
        raise BadData(f"the key file {path} is empty", "make one: openssl rand -hex 32 > FILE")
    return key


def key_fingerprint(key: bytes) -> str:
    """Return 16 digits that tell one key from another and say nothing else of it."""
    return hmac.new(key, b"prodassoc key fingerprint", hashlib.sha256).hexdigest()[:16]


def pseudonymize(user_id: pl.Series, key: bytes) -> pl.Series:
    """Replace each id by the 64 hexadecimal digits of its HMAC-SHA-256 (RFC 2104); nulls stay.

    The same id and key give the same pseudonym, so that files cleaned separately still join.
    """
    distinct = user_id.drop_nulls().unique()
    hashes = [hmac.new(key, each.encode(), hashlib.sha256).hexdigest() for each in distinct]
    return user_id.replace_strict(
        distinct, pl.Series(hashes, dtype=pl.String), default=None, return_dtype=pl.String
    )
