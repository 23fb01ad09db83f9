"""Int8 arithmetic for the graph: a quarter of the size, over twice the speed, vectors that stay put.

Weights are rounded once, with one scale a column; a token's activations are rounded as it comes by, with one
scale a token. No scale is shared between tokens, so a text's vector does not depend on its batch.

Two things keep the error small and the result the same on every x86 processor; docs/decisions/0003 has the
measurements behind both.

* **Smoothing** (after SmoothQuant, Xiao et al. 2023, arXiv:2211.10438). In MiniLM and its kind a handful of
  channels are ten times larger than the rest, and they would set the scale for all. Each is divided by a
  power of two before rounding, and its row of weights multiplied by the same. Which channels those are is
  observed on random words of the model's own vocabulary: no data set is needed.
* **No saturation.** Processors without VNNI add two neighbouring u8 × s8 products in 16 bits. Weight scales
  are chosen so that this sum always fits, which costs a tenth of a bit instead of the whole bit that
  7-bit weights (`reduce_range`) would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from prodassoc_cli.embedding.export.blocks import Blocks
from prodassoc_cli.embedding.export.checkpoint import Checkpoint
from prodassoc_cli.embedding.export.graph import ATTENTION_MASK, INPUT_IDS, Float32, Graph, build
from prodassoc_cli.numerics.arrays import Floats, Longs

# Activations are u8 around this zero point: [-127, 127] becomes [1, 255].
_ZERO_POINT = np.uint8(128)
_STEPS = np.float32(127)
# Two neighbouring weights of one sign may reach 128 together: 255 × 128 = 32,640 fits a signed 16-bit sum.
# Rounding adds at most 1/2 to each, hence 127.5 before it.
_PAIR_STEPS = np.float32(127.5)
# A zero activation row still needs a scale above 0.
_TINY = np.float32(1e-12)

# Channels over twice the median peak are damped by the excess to this power; 1 would move all of it into
# the weights.
_OUTLIER, _STRENGTH = 2.0, 0.75
# Only what comes out of a layer normalisation has the same outlier channels for every text.
_SMOOTHED = ("qkv", "up")
_CALIBRATION_TEXTS, _CALIBRATION_WORDS = 256, 24


class Int8:
    """Dynamic int8: per-token activations, per-column weights, per-row embeddings.

    Args:
        damping: for a site, what each input channel is divided by, (inputs,); sites that are not in it are
            left as they are.
    """

    def __init__(self, damping: Mapping[str, Floats]) -> None:
        self._damping = damping

    def lookup(self, graph: Graph, table: Floats | Blocks, ids: str) -> str:
        """Gather int8 rows and multiply each by its scale; what is stored in 4 bits stays as it is."""
        if isinstance(table, Blocks):
            return graph.gather_blocks(table, ids)
        scale = np.maximum(np.abs(table).max(axis=1, keepdims=True) / _STEPS, _TINY)
        rows = graph.op("Gather", graph.constant(np.rint(table / scale).astype(np.int8)), ids)
        scales = graph.op("Gather", graph.constant(scale), ids)
        return graph.op("Mul", graph.cast(rows, np.float32), scales)

    def dense(self, graph: Graph, site: str, x: str, *weights: Floats) -> list[str]:
        """Round the tokens once, multiply in integers, scale back."""
        damping = self._damping.get(site)
        if damping is not None and (damping != 1).any():
            x = graph.op("Mul", x, graph.constant(1 / damping))
            weights = tuple(weight * damping[:, None] for weight in weights)
        tokens, token_scale = _quantize_tokens(graph, x)
        return [_product(graph, tokens, token_scale, weight) for weight in weights]


def _product(graph: Graph, tokens: str, token_scale: str, weight: Floats) -> str:
    """Multiply rounded tokens by a matrix, and scale back by token, then by column."""
    columns, column_scale = quantize_columns(weight)
    zeros = graph.constant(_ZERO_POINT), graph.constant(np.int8(0))
    product = graph.op("MatMulInteger", tokens, graph.constant(columns), *zeros)
    product = graph.op("DequantizeLinear", product, token_scale, axis=0)
    return graph.op("Mul", product, graph.constant(column_scale))


def _quantize_tokens(graph: Graph, x: str) -> tuple[str, str]:
    """Round `x` (m, k) to u8 row by row; return it with its scales, (m,)."""
    across = graph.constant([1])
    # The ends of a row, and no copy of all that lies between as Abs would make.
    high, low = (graph.op(end, x, across, keepdims=0) for end in ("ReduceMax", "ReduceMin"))
    peak = graph.op("Max", high, graph.op("Neg", low), graph.constant(_TINY))
    scale = graph.op("Mul", peak, graph.constant(1 / _STEPS))
    zeros = graph.op("Expand", graph.constant(_ZERO_POINT), graph.op("Shape", scale))
    return graph.op("QuantizeLinear", x, scale, zeros, axis=0), scale


def quantize_columns(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Round a matrix to int8 with one scale a column, safe from 16-bit saturation.

    Args:
        weight: (inputs, outputs), float32.

    Returns:
        The int8 matrix and its scales (outputs,): weight ≈ matrix × scales. In every column, neighbours
        2j and 2j + 1 of the same sign sum to at most 128.
    """
    pairs = np.pad(weight, ((0, len(weight) % 2), (0, 0)))
    same_sign = np.maximum(
        (np.maximum(pairs[0::2], 0) + np.maximum(pairs[1::2], 0)).max(axis=0),
        (np.maximum(-pairs[0::2], 0) + np.maximum(-pairs[1::2], 0)).max(axis=0),
    )
    scale = np.maximum.reduce(
        [np.abs(weight).max(axis=0) / _STEPS, same_sign / _PAIR_STEPS, _TINY * same_sign**0]
    )
    return np.rint(weight / scale).astype(np.int8), scale.astype(np.float32)


def smoothing(checkpoint: Checkpoint, tokenizer: Tokenizer, seed: int = 0) -> dict[str, Floats]:
    """Find by how much to damp each input channel of the sites that have outlier channels.

    Powers of two, so that damping itself rounds nothing and the last bit of a peak does not matter.
    """
    return {
        site: _damping(peak)
        for site, peak in channel_peaks(checkpoint, tokenizer, seed).items()
        if site.endswith(_SMOOTHED)
    }


def _damping(peak: Floats) -> Floats:
    excess = np.maximum(peak / np.maximum(_OUTLIER * np.median(peak), _TINY), 1)
    return np.exp2(np.rint(_STRENGTH * np.log2(excess))).astype(np.float32)


def channel_peaks(checkpoint: Checkpoint, tokenizer: Tokenizer, seed: int) -> dict[str, Floats]:
    """Largest absolute value of every dense layer's input channels over random words of the vocabulary."""
    import onnxruntime

    texts = _random_texts(tokenizer, checkpoint.max_tokens, seed)
    # The rows of other tokens would only be copied.
    used = np.unique(np.concatenate(texts))
    observed = build(replace(checkpoint, words=checkpoint.words[used]), _Observed())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(observed, options, providers=["CPUExecutionProvider"])
    sites = [output.name for output in session.get_outputs()[:-1]]
    peaks: dict[str, Floats] = {}
    for text in texts:
        ids = np.searchsorted(used, text)[None]
        outputs = session.run(sites, {INPUT_IDS: ids, ATTENTION_MASK: np.ones_like(ids)})
        for site, peak in zip(sites, outputs, strict=True):
            peaks[site] = np.maximum(peaks.get(site, peak), peak)
    return peaks


class _Observed(Float32):
    """Full precision that also gives out the channel peaks of every dense input."""

    def dense(self, graph: Graph, site: str, x: str, *weights: Floats) -> list[str]:
        peak = graph.op("ReduceMax", graph.op("Abs", x), graph.constant([0]), keepdims=0)
        graph.output(site, peak, [len(weights[0])])
        return super().dense(graph, site, x, *weights)


def _random_texts(tokenizer: Tokenizer, max_tokens: int, seed: int) -> list[Longs]:
    """Draw texts of random whole words as token ids, (tokens,) each."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    # "▁" and "Ġ" start a word in SentencePiece and byte-level BPE.
    vocabulary = (token.strip("▁Ġ") for token in tokenizer.get_vocab(with_added_tokens=False))
    words = np.array(sorted({word for word in vocabulary if word.isalpha() and len(word) > 3}) or ["a"])
    rng = np.random.default_rng(seed)
    texts = [
        " ".join(rng.choice(words, size)) for size in rng.integers(1, _CALIBRATION_WORDS, _CALIBRATION_TEXTS)
    ]
    return [np.array(encoding.ids, dtype=np.int64) for encoding in tokenizer.encode_batch(texts)]
