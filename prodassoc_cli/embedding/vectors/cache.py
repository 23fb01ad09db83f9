"""Vectors kept from run to run, so that a nightly run encodes only new and changed texts.

A cache is a folder of part files, one folder inside it for each encoder (its fingerprint: model, precision,
tokenizer, limit). A part holds the vectors of some texts under the 128-bit BLAKE2b digests of the texts; the
texts themselves are not stored. A part is never changed: it is written under another name, synced and
renamed, so a killed run leaves whole parts, and any number of runs may share the folder. Deleting the folder
empties the cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from prodassoc_cli.embedding.encoders.base import DistinctTexts
from prodassoc_cli.embedding.vectors.scratch import release
from prodassoc_cli.errors import CannotCreate, IOFailure
from prodassoc_cli.numerics.arrays import Bools, arrow_of

_KEY_BYTES = 16
_SUFFIX, _UNFINISHED = ".arrow", ".unfinished"
# A file that a killed run left half-written; a living run renames its own within seconds.
_ABANDONED_SECONDS = 24 * 3600
_TRUNCATED, _UNKNOWN = 1, 2
# What is stored has length 1; anything else is damage.
_LENGTH_TOLERANCE = 1e-3

Keys = NDArray[np.uint64]


class VectorCache:
    """The cached vectors of one encoder.

    Args:
        folder: the cache; made if it is not there.
        fingerprint: of the encoder (`Encoder.fingerprint`).
        dimension: width of its vectors.

    Raises:
        CannotCreate: the folder cannot be made.
    """

    def __init__(self, folder: Path, fingerprint: str, dimension: int) -> None:
        self._folder = folder / fingerprint
        self._dimension = dimension
        self._schema = pa.schema(
            [
                ("key", pa.binary(_KEY_BYTES)),
                ("vector", pa.list_(pa.float32(), dimension)),
                ("flags", pa.uint8()),
            ]
        )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotCreate(
                f"cannot create the cache {folder}: {error.strerror}", "name another folder with `cache`"
            ) from error
        self._drop_abandoned()

    def fetch(self, texts: pl.Series, into: DistinctTexts) -> Bools:
        """Copy the vectors and flags of the texts that are here into the rows of `into`.

        Returns:
            Which of the texts were found. Damaged parts and vectors count as not found.
        """
        found = np.zeros(len(texts), dtype=np.bool_)
        paths = self._parts()
        # A part is mapped only while it is read: all of them at once could fill the memory.
        for number, matched in _match(_keys(texts), [self._stored_keys(path) for path in paths]):
            part = self._open(paths[number])
            if part is None:
                continue  # another run has emptied the cache
            rows, stored = matched["wanted"].to_numpy(), matched["row"].to_numpy()
            vectors = part["vector"].values.to_numpy().reshape(-1, self._dimension)[stored]
            good = np.abs(np.linalg.norm(vectors, axis=1) - 1) < _LENGTH_TOLERANCE
            rows, flags = rows[good], part["flags"].to_numpy()[stored[good]]
            into.vectors[rows] = vectors[good]
            into.truncated[rows] = flags & _TRUNCATED > 0
            into.unknown[rows] = flags & _UNKNOWN > 0
            found[rows] = True
            release(into.vectors)
        return found

    def keep(self, texts: pl.Series, encoded: DistinctTexts) -> None:
        """Store the vectors of texts as one part.

        Raises:
            IOFailure: the part cannot be written.
        """
        keys = _keys(texts)
        flags = encoded.truncated * np.uint8(_TRUNCATED) + encoded.unknown * np.uint8(_UNKNOWN)
        columns = [
            pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(_KEY_BYTES), len(keys), [None, pa.py_buffer(keys.tobytes())]
            ),
            pa.FixedSizeListArray.from_arrays(arrow_of(encoded.vectors.ravel()), self._dimension),
            arrow_of(flags.astype(np.uint8)),
        ]
        # Named by what is in it: two runs that encode the same texts write the same part.
        name = hashlib.blake2b(keys.tobytes(), digest_size=_KEY_BYTES).hexdigest()
        unfinished = self._folder / f"{name}.{os.getpid()}{_UNFINISHED}"
        try:
            with unfinished.open("wb") as stream:
                with pa.ipc.new_file(stream, self._schema) as writer:
                    writer.write_batch(pa.record_batch(columns, schema=self._schema))
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.replace(self._folder / f"{name}{_SUFFIX}")
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise IOFailure(
                f"cannot write to the cache {self._folder.parent}: {error.strerror}",
                "free some space, or leave `cache` out",
            ) from error

    def _parts(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{_SUFFIX}"))

    def _open(self, path: Path) -> pa.RecordBatch | None:
        """Map a part into memory; None if it is not what `keep` writes."""
        try:
            reader = pa.ipc.open_file(pa.memory_map(str(path)))
            if not reader.schema.equals(self._schema) or reader.num_record_batches != 1:
                return None
            batch = reader.get_batch(0)
            batch.validate()
        except (OSError, pa.ArrowException):
            return None
        return batch

    def _stored_keys(self, path: Path) -> Keys:
        """Return the keys of a part; none of one that cannot be used."""
        part = self._open(path)
        if part is None:
            return np.zeros((0, 2), dtype=np.uint64)
        keys = np.frombuffer(part["key"].buffers()[1], dtype="<u8", count=2 * part.num_rows)
        return keys.reshape(-1, 2).copy()

    def _drop_abandoned(self) -> None:
        for path in self._folder.glob(f"*{_UNFINISHED}"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                    path.unlink()


def _keys(texts: pl.Series) -> Keys:
    """Return the digest of each text, (texts, 2)."""
    digests = b"".join(
        hashlib.blake2b(text.encode(), digest_size=_KEY_BYTES).digest() for text in texts.to_list()
    )
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2)


def _match(wanted: Keys, parts: list[Keys]) -> list[tuple[int, pl.DataFrame]]:
    """Find wanted keys in the parts: (part, (wanted row, row in the part)) of each part that has any."""
    if not parts:
        return []
    texts = pl.DataFrame({"high": wanted[:, 0], "low": wanted[:, 1]}).with_row_index("wanted")
    stored = pl.concat(
        pl.DataFrame({"high": keys[:, 0], "low": keys[:, 1]})
        .with_row_index("row")
        .with_columns(pl.lit(number, pl.Int64).alias("part"))
        for number, keys in enumerate(parts)
    ).unique(["high", "low"], keep="first", maintain_order=True)
    matched = texts.join(stored, on=["high", "low"])
    return [(int(str(part)), rows) for (part,), rows in matched.group_by("part", maintain_order=True)]
