"""One contestant in a process of its own: `python -m benchmarks.embedding.contestant NAME < job.json`.

Standard output is one JSON object: what was measured, or why it could not be.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Encode = Callable[[list[str]], Any]
# Fits a batch of each contestant into the time limit of its warming up.
_WARM_UP = 64


class NotHere(Exception):
    """This contestant cannot take part on this machine."""


def prodassoc(job: dict[str, Any]) -> Encode:
    """Our encoder, from a model folder."""
    from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder

    encoder = OnnxEncoder(Path(job["model"]), threads=job["threads"])
    return lambda texts: encoder.encode(texts).vectors


def prodassoc_intra_op(job: dict[str, Any]) -> Encode:
    """Our batches, but one session with threads inside its operators."""
    import onnxruntime

    from prodassoc_cli.embedding.encoders.onnx import OnnxEncoder

    encoder = OnnxEncoder(Path(job["model"]), threads=1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job["threads"], 1
    encoder._session = onnxruntime.InferenceSession(
        Path(job["model"]) / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    return lambda texts: encoder.encode(texts).vectors


def sentence_transformers(job: dict[str, Any]) -> Encode:
    """sentence-transformers on torch, batches of 32 as it does by default."""
    try:
        import torch
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise NotHere(f"not installed ({error})") from error
    torch.set_num_threads(job["threads"])
    model = SentenceTransformer(_checkpoint(job), device="cpu")
    return lambda texts: model.encode(
        texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False
    )


def fastembed(job: dict[str, Any]) -> Encode:
    """Fastembed with its own batching over an fp32 ONNX export of the same weights.

    Its own model file comes from a network that a benchmark should not need; torch exports the same graph.
    """
    try:
        import torch
        import transformers
        from fastembed import TextEmbedding
        from fastembed.common.model_description import ModelSource, PoolingType
    except ImportError as error:
        raise NotHere(f"not installed ({error})") from error
    source = Path(_checkpoint(job))
    folder = Path(tempfile.mkdtemp(prefix="fastembed-"))
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).write_bytes((source / name).read_bytes())
    model = (
        transformers.AutoModel.from_pretrained(source, attn_implementation="eager")
        .eval()
        .requires_grad_(False)
    )
    names = ["input_ids", "attention_mask", "token_type_ids"]

    class Hidden(torch.nn.Module):  # type: ignore[misc]
        """The model by the names of its inputs, as a function of their order."""

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            """Return the last hidden state."""
            return model(**dict(zip(names, inputs, strict=True)))[0]

    example = tuple(torch.ones((2, 8), dtype=torch.int64) for _ in names)
    axes = {name: {0: "batch", 1: "tokens"} for name in [*names, "last_hidden_state"]}
    torch.onnx.export(
        Hidden(), example, str(folder / "model.onnx"), input_names=names, output_names=["last_hidden_state"],
        dynamic_axes=axes, opset_version=17, dynamo=False,
    )  # fmt: skip
    TextEmbedding.add_custom_model(
        model="local/all-MiniLM-L6-v2", pooling=PoolingType.MEAN, normalization=True,
        sources=ModelSource(hf="local/all-MiniLM-L6-v2"), dim=384, model_file="model.onnx",
    )  # fmt: skip
    embedding = TextEmbedding(
        "local/all-MiniLM-L6-v2", threads=job["threads"], specific_model_path=str(folder)
    )
    return lambda texts: list(embedding.embed(texts))


def gemm_limit(job: dict[str, Any]) -> Encode:
    """The matrix products of the model in fp32 and nothing else: no encoder in fp32 can be faster."""
    import numpy as np
    import threadpoolctl
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(job["model"]) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    threadpoolctl.threadpool_limits(job["threads"])
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape).astype(np.float32) for shape in ((384, 1152), (384, 384), (384, 1536))]
    down = rng.normal(size=(1536, 384)).astype(np.float32)

    def multiply(texts: list[str]) -> None:
        left = sum(len(each.ids) for each in tokenizer.encode_batch(texts))
        while left > 0:
            rows = min(512, left)
            x, wide = np.ones((rows, 384), np.float32), np.ones((rows, 1536), np.float32)
            for _ in range(6):
                for weight in weights:
                    x @ weight
                wide @ down
            left -= rows

    return multiply


def neighbours(job: dict[str, Any]) -> Encode:
    """Our exact search, 10 neighbours a query."""
    from prodassoc_cli.embedding.analysis.neighbours import nearest

    vectors = _clustered(job["vectors"])
    return lambda queries: nearest(vectors, vectors[: len(queries)], 10, threads=job["threads"])


def faiss_flat(job: dict[str, Any]) -> Encode:
    """The flat index of faiss, 10 neighbours a query."""
    try:
        import faiss
    except ImportError as error:
        raise NotHere(f"not installed ({error})") from error
    faiss.omp_set_num_threads(job["threads"])
    vectors = _clustered(job["vectors"])
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return lambda queries: index.search(vectors[: len(queries)], 10)


def _clustered(count: int) -> Any:  # noqa: ANN401 - numpy is imported late
    """Return vectors of length 1 in clusters of about 25, as variants of products are."""
    import numpy as np

    rng = np.random.default_rng(0)
    centres = rng.normal(size=(max(count // 25, 1), 384))
    vectors = centres[rng.integers(0, len(centres), count)] + 0.7 * rng.normal(size=(count, 384))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


CONTESTANTS: dict[str, Callable[[dict[str, Any]], Encode]] = {
    each.__name__: each
    for each in (
        prodassoc,
        prodassoc_intra_op,
        sentence_transformers,
        fastembed,
        gemm_limit,
        neighbours,
        faiss_flat,
    )
}


def _checkpoint(job: dict[str, Any]) -> str:
    if not job["checkpoint"]:
        raise NotHere("needs the published checkpoint: --checkpoint DIR")
    return str(job["checkpoint"])


def measure(name: str, job: dict[str, Any]) -> dict[str, Any]:
    """Encode the job's texts once and return what it took."""
    try:
        encode = CONTESTANTS[name](job)
    except NotHere as error:
        return {"skipped": str(error)}
    texts = job["texts"]
    encode(texts[:_WARM_UP])
    wall, cpu = time.perf_counter(), time.process_time()
    encode(texts)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": len(texts) / cpu, "wall": len(texts) / wall}


if __name__ == "__main__":
    # The results alone go to standard output, whatever a library prints.
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    json.dump(measure(sys.argv[1], json.load(sys.stdin)), results)
