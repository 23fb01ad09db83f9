"""Runs an exported model over texts at the machine's speed.

Texts are grouped by their number of tokens, so that no batch holds padding: nothing is computed for nothing,
and a text meets the same arithmetic whatever its companions. Batches are small enough (in tokens) for
activations to stay in cache. They are independent, so each thread runs whole batches, which needs no meeting
points inside an operator and leaves every vector the same for any number of threads.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl

from prodassoc_cli.embedding.encoders.base import DEFAULT_MODEL, DistinctTexts, Encoder
from prodassoc_cli.embedding.encoders.providers import CPU
from prodassoc_cli.embedding.encoders.tokens import TOKENIZER_FILE, VOCABULARY_FILE, TextTokenizer
from prodassoc_cli.embedding.encoders.vocabulary_coverage import Coverage
from prodassoc_cli.errors import BadData, NoInput, UsageProblem
from prodassoc_cli.numerics.arrays import Floats, Longs
from prodassoc_cli.stage import Progress

MODEL_FILE, CONFIG_FILE = "model.onnx", "encoder.json"
_INPUTS = {"input_ids", "attention_mask"}
# Measured on titles: 512 tokens a batch run 5 % faster than 2,048 and 3 % faster than 256.
_BATCH_TOKENS = 512
# Distinct texts tokenized at a time: bounds the memory of token lists, leaves full batches of each length.
_CHUNK = 16_384
# Key of a tensor's external file in ONNX's protobuf, StringStringEntryProto{key: "location"}.
_EXTERNAL_DATA = b"\x0a\x08location"


class OnnxEncoder(Encoder):
    """A sentence encoder in a model folder made by `prodassoc export`.

    An empty text gets the vector that the model gives to no words at all. The model file is read when texts
    are first encoded: to choose between encoders, or to take vectors from a cache, the tokenizer is enough.

    Args:
        folder: holds model.onnx, tokenizer.json and encoder.json, and vocabulary.parquet where the tokenizer
            has its vocabulary apart.
        threads: batches run at the same time; as many as the process may use when None.
        max_tokens: where texts are cut, special tokens included; the model's own limit when None.
        provider: where onnxruntime computes (see `choose_provider`); on other devices than the processor the
            last bits of a vector may differ.

    Raises:
        NoInput: there is no such folder.
        BadData: a file is missing, damaged, or not what a model folder holds.
        UsageProblem: max_tokens or threads is out of range.
    """

    def __init__(
        self,
        folder: Path = DEFAULT_MODEL,
        *,
        threads: int | None = None,
        max_tokens: int | None = None,
        provider: str = CPU,
    ) -> None:
        if not folder.is_dir():
            raise NoInput(f"no model folder {folder}", f"`export CHECKPOINT_DIR output={folder}`")
        self.folder = folder
        """The model folder."""
        config = _read_config(folder)
        tokenizer = _read_checked(folder, TOKENIZER_FILE, config["tokenizer_sha256"])
        vocabulary = None
        if "vocabulary_sha256" in config:
            vocabulary = _read_checked(folder, VOCABULARY_FILE, config["vocabulary_sha256"])
        self.name = config["name"]
        self.dimension = config["dimension"]
        self._threads = threads if threads is not None else _available_threads()
        if self._threads < 1:
            raise UsageProblem(f"`threads={self._threads}` is under 1", "give 1 or more")
        self._provider = provider
        self._sha256 = config["onnx_sha256"]
        self._tokenize = TextTokenizer(folder, config, tokenizer, vocabulary, max_tokens)
        self.coverage: Coverage = self._tokenize.coverage
        identity = f"{config['onnx_sha256']} {config['tokenizer_sha256']} {self._tokenize.max_tokens}"
        if vocabulary is not None:
            identity += f" {config['vocabulary_sha256']}"
        if "prefix" in config:
            identity += f" {config['prefix']}"
        if provider != CPU:
            identity += f" {provider}"
        self.fingerprint = hashlib.sha256(identity.encode()).hexdigest()[:32]

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        model = _read_checked(self.folder, MODEL_FILE, self._sha256)
        return _open_session(self.folder / MODEL_FILE, model, self.dimension, self._provider)

    def encode_distinct(self, texts: pl.Series, progress: Progress) -> DistinctTexts:
        """Run the model over the texts.

        Raises:
            BadData: the model file is missing or damaged, or fails on the texts.
            UsageProblem: the provider cannot run it.
        """
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        truncated = np.zeros(len(texts), dtype=np.bool_)
        unknown = self.coverage.uncovered(texts).to_numpy().copy()
        session, done = self._session, 0

        def run(batch: tuple[Longs, Longs]) -> int:
            rows, ids = batch
            vectors[rows] = self._run(session, ids)
            if self._tokenize.unknown_id is not None:
                words = ids.shape[1] - self._tokenize.specials
                unknown[rows] |= (ids == self._tokenize.unknown_id).sum(axis=1) * 2 > words
            return len(rows)

        pool = ThreadPoolExecutor(self._threads)
        try:
            for start in range(0, len(texts), _CHUNK):
                tokens, cut = self._tokenize(texts.slice(start, _CHUNK))
                truncated[start : start + len(cut)] = cut
                for rows in pool.map(run, _batches(tokens, start)):
                    done += rows
                    progress(done, len(texts))
        finally:
            # After a failure or an interrupt, batches that still wait are not run.
            pool.shutdown(cancel_futures=True)
        return DistinctTexts(vectors, truncated, unknown)

    def known_words(self, texts: pl.Series) -> float:
        """Return the share of the words of four letters or more that are one token; 1 of a few words."""
        return self._tokenize.known_words(texts)

    def _run(self, session: onnxruntime.InferenceSession, ids: Longs) -> Floats:
        try:
            (vectors,) = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        except Exception as error:  # onnxruntime's exceptions have no base of their own
            if self._provider != CPU:
                raise _cannot_run(self._provider, self.folder / MODEL_FILE, error) from error
            raise BadData(
                f"{self.folder / MODEL_FILE} fails on a batch of {ids.shape[0]} texts: {_first_line(error)}",
                "export the model again: `export CHECKPOINT_DIR output=DIR`",
            ) from error
        if not np.isfinite(vectors).all():
            raise BadData(
                f"{self.folder / MODEL_FILE} gives NaN or infinity",
                "export the model again, or use `encoder=tfidf`",
            )
        return np.asarray(vectors, dtype=np.float32)


def _batches(tokens: list[list[int]], offset: int) -> Iterator[tuple[Longs, Longs]]:
    """Yield (row numbers, token ids) of texts of one length, the longest first for even thread ends."""
    lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
    order = np.argsort(-lengths, kind="stable")
    bounds = np.flatnonzero(np.diff(lengths[order])) + 1
    for rows in np.split(order, bounds):
        size = max(1, _BATCH_TOKENS // int(lengths[rows[0]]))
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            yield part + offset, np.array([tokens[row] for row in part], dtype=np.int64)


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise BadData(
            f"{folder} is not a model folder: it has no {CONFIG_FILE}",
            "make one: `export CHECKPOINT_DIR output=DIR`",
        )
    try:
        config = json.loads(path.read_bytes())
    except ValueError as error:
        raise BadData(f"{path} is not JSON ({error})", "export the model again") from error
    kinds: dict[str, type] = {"name": str, "dimension": int, "max_tokens": int, "positions": int}
    kinds |= {"onnx_sha256": str, "tokenizer_sha256": str}
    optional = {"prefix": str, "scripts": list, "vocabulary_sha256": str}
    kinds |= {key: kind for key, kind in optional.items() if isinstance(config, dict) and key in config}
    for key, kind in kinds.items():
        if not isinstance(config, dict) or not isinstance(config.get(key), kind):
            raise BadData(f"{path} does not state '{key}'", "export the model again")
    return dict(config)


def _read_checked(folder: Path, name: str, sha256: str) -> bytes:
    path = folder / name
    if not path.is_file():
        raise BadData(
            f"model folder {folder} has no {name}", "export the model again, or copy the whole folder"
        )
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadData(
            f"{path} is not the file that {CONFIG_FILE} describes",
            "export the model again; if `model=multilingual` made it, remove the folder",
        )
    return content


def _open_session(path: Path, model: bytes, dimension: int, provider: str) -> onnxruntime.InferenceSession:
    if _EXTERNAL_DATA in model:
        raise BadData(f"{path} keeps tensors in other files, which are not read", "export it as one file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model, options, providers=list(dict.fromkeys([provider, CPU])))
    except Exception as error:  # onnxruntime's exceptions have no base of their own
        if provider != CPU and _runs_here(model):
            raise _cannot_run(provider, path, error) from error
        raise BadData(
            f"{path} is not a model that can be run: {_first_line(error)}", "export it again"
        ) from error
    if provider not in session.get_providers():
        # A provider is listed even where its driver or libraries are missing, and left out in silence.
        raise UsageProblem(
            f"onnxruntime cannot start {provider}: its driver or libraries are missing", "use `device=cpu`"
        )
    names = {item.name for item in session.get_inputs()}
    if names != _INPUTS:
        raise BadData(
            f"{path} takes {', '.join(sorted(names))}, not attention_mask and input_ids",
            "make the model by `export`",
        )
    shapes = [item.shape for item in session.get_outputs()]
    if [shape[1:] for shape in shapes] != [[dimension]]:
        raise BadData(
            f"{path} gives {shapes}, not one vector of {dimension} numbers per text",
            "make the model by `export`",
        )
    return session


def _runs_here(model: bytes) -> bool:
    """Return whether the processor can take the model that another provider refused."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(model, options, providers=[CPU])
    except Exception:  # onnxruntime's exceptions have no base of their own
        return False
    return True


def _cannot_run(provider: str, path: Path, error: Exception) -> UsageProblem:
    return UsageProblem(
        f"{provider} cannot run {path} ({_first_line(error)[:80]}…)",
        "give it a model in fp32: `export CHECKPOINT_DIR precision=fp32 output=DIR`, then `model=DIR`",
    )


def _available_threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
