"""Matrices in 4 bits: rows cut into blocks of 32 weights that share a scale (the layout Q4_0 of ggml)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from prodassoc_cli.numerics.arrays import Floats, Longs

WEIGHTS = 32
"""Weights per block."""
STORED = np.dtype([("scale", "<f2"), ("codes", "u1", WEIGHTS // 2)])
"""A block as it lies in a file: byte j of the codes holds weight j in its low half, weight j + 16 in its high
half, each plus 8."""


@dataclass(frozen=True)
class Blocks:
    """A matrix of 4-bit weights; indexed by rows, it gives them in float32."""

    codes: NDArray[np.int8]
    """(rows, blocks, 32), each from -8 to 7."""
    scales: Floats
    """(rows, blocks): weight = code × scale."""

    @classmethod
    def stored(cls, blocks: NDArray[np.void], rows: int) -> Blocks:
        """Return the matrix of `rows` rows that blocks of the type `STORED` hold, row after row."""
        codes = np.concatenate([blocks["codes"] & 15, blocks["codes"] >> 4], axis=1).astype(np.int8) - 8
        return cls(codes.reshape(rows, -1, WEIGHTS), blocks["scale"].astype(np.float32).reshape(rows, -1))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.codes), self.codes.shape[1] * WEIGHTS

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Longs | slice) -> Floats:
        weights = self.codes[rows] * self.scales[rows][..., None]
        return cast("Floats", weights.reshape(-1, self.shape[1]))

    def nibbles(self) -> tuple[Sequence[int], bytes]:
        """Return the shape and bytes of the codes as ONNX stores them, two per byte, low half first."""
        halves = self.codes.view(np.uint8) & 15
        return self.shape, (halves[..., 0::2] | halves[..., 1::2] << 4).tobytes()
