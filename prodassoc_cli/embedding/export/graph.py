"""Builds the ONNX graph of a BERT-family sentence encoder: token ids in, one unit vector per text out.

Only operators of the ONNX standard are used, so any runtime can run the file, but for the look-up in a table
of 4 bits, which is onnxruntime's own; its optimiser fuses what it knows. How a matrix product or a table
look-up is computed is left to `Precision`: in float32 here, in int8 in `quantize`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from prodassoc_cli.embedding.export.blocks import WEIGHTS, Blocks
from prodassoc_cli.embedding.export.checkpoint import Checkpoint, Layer, Norm
from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.numerics.arrays import Floats

if TYPE_CHECKING:
    import onnx

INPUT_IDS = "input_ids"
ATTENTION_MASK = "attention_mask"
OUTPUT = "embedding"

# Opset 20 brings Gelu; onnxruntime reads it since 1.17.
_OPSET, _IR = 20, 9
# What knows 4-bit integers, and the operators of onnxruntime beside the standard.
_IR_NIBBLES, _ONNXRUNTIME = 10, "com.microsoft"
# Added to the score of a padding token: exp of it is exactly 0 after the softmax's shift.
_MASKED = np.float32(-1e9)
# Below this a norm counts as zero (the bound of torch.nn.functional.normalize).
_TINY = np.float32(1e-12)
_PROTOBUF_LIMIT = 2**31 - 1


class Precision(Protocol):
    """How the two expensive operations are written into a graph."""

    def lookup(self, graph: Graph, table: Floats | Blocks, ids: str) -> str:
        """Rows of `table` (rows, width) for `ids` (…): (…, width) in float32."""

    def dense(self, graph: Graph, site: str, x: str, *weights: Floats) -> list[str]:
        """`x` (m, inputs) times each of `weights` (inputs, outputs): (m, outputs) in float32."""


class Float32:
    """Full precision."""

    def lookup(self, graph: Graph, table: Floats | Blocks, ids: str) -> str:
        """Gather the rows."""
        return graph.op("Gather", graph.constant(table[:]), ids)

    def dense(self, graph: Graph, site: str, x: str, *weights: Floats) -> list[str]:
        """Multiply."""
        return [graph.op("MatMul", x, graph.constant(weight)) for weight in weights]


class Graph:
    """A graph under construction; every method returns the name of the value it made."""

    def __init__(self) -> None:
        self.onnx = _import_onnx()
        self._nodes: list[onnx.NodeProto] = []
        self._made = 0
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        """By type, shape and digest of the values."""
        self._initializers: list[onnx.TensorProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._standard = True

    def constant(self, values: NDArray[Any] | np.generic | Sequence[int]) -> str:
        """Store `values` (a list of int becomes int64) once, however often it is asked for."""
        array = np.asarray(values, dtype=np.int64) if isinstance(values, list) else np.asarray(values)
        array = np.asarray(array, order="C")
        key = (array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest())
        if key not in self._constants:
            name = f"c{len(self._constants)}"
            self._constants[key] = name
            self._initializers.append(self.onnx.numpy_helper.from_array(array, name))
        return self._constants[key]

    def gather_blocks(self, table: Blocks, ids: str) -> str:
        """Append a look-up of rows in a table that stays in 4 bits."""
        self._standard = False
        shape, nibbles = table.nibbles()
        name = f"blocks{len(self._initializers)}"
        self._initializers.append(
            self.onnx.helper.make_tensor(name, self.onnx.TensorProto.INT4, shape, nibbles, raw=True)
        )
        layout = {"gather_axis": 0, "quantize_axis": 1, "block_size": WEIGHTS}
        scales = self.constant(table.scales)
        return self.op("GatherBlockQuantized", name, ids, scales, domain=_ONNXRUNTIME, **layout)

    def ops(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:  # noqa: ANN401
        """Append a node with several outputs."""
        names = [f"v{self._made}_{index}" for index in range(outputs)]
        node = self.onnx.helper.make_node(kind, inputs, names, name=f"n{self._made}", **attributes)
        self._nodes.append(node)
        self._made += 1
        return names

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401
        """Append a node with one output."""
        return self.ops(kind, *inputs, **attributes)[0]

    def either(self, condition: str, yes: Callable[[], str], no: Callable[[], str]) -> str:
        """Append a branch: what `yes` makes where `condition` holds at run time, else what `no` makes."""
        helper, outer = self.onnx.helper, self._nodes
        branches = []
        for name, make in (("yes", yes), ("no", no)):
            self._nodes = []
            result = helper.make_tensor_value_info(make(), self.onnx.TensorProto.FLOAT, None)
            branches.append(helper.make_graph(self._nodes, f"{name}{self._made}", [], [result]))
        self._nodes = outer
        return self.op("If", condition, then_branch=branches[0], else_branch=branches[1])

    def cast(self, x: str, dtype: type[np.generic]) -> str:
        """Convert `x` to a numpy type."""
        return self.op("Cast", x, to=self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def output(self, name: str, value: str, shape: Sequence[str | int]) -> None:
        """Give `value` out of the graph under `name`, as float32 of `shape`."""
        self._nodes.append(self.onnx.helper.make_node("Identity", [value], [name], name=f"out_{name}"))
        self._outputs.append(
            self.onnx.helper.make_tensor_value_info(name, self.onnx.TensorProto.FLOAT, list(shape))
        )

    def serialize(self) -> bytes:
        """Check the graph and return its bytes, the same for the same graph."""
        helper = self.onnx.helper
        size = sum(len(tensor.raw_data) for tensor in self._initializers)
        if size > _PROTOBUF_LIMIT:
            raise BadData(
                f"the model needs {size / 1e9:.1f} GB, over ONNX's 2 GB a file", "use `precision=int8`"
            )
        inputs = [
            helper.make_tensor_value_info(name, self.onnx.TensorProto.INT64, ["batch", "tokens"])
            for name in (INPUT_IDS, ATTENTION_MASK)
        ]
        graph = helper.make_graph(self._nodes, "encoder", inputs, self._outputs, self._initializers)
        operators = [helper.make_opsetid("", _OPSET)]
        operators += [] if self._standard else [helper.make_opsetid(_ONNXRUNTIME, 1)]
        model = helper.make_model(
            graph,
            producer_name="prodassoc",
            ir_version=_IR if self._standard else _IR_NIBBLES,
            opset_imports=operators,
        )
        self.onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))


def build(checkpoint: Checkpoint, precision: Precision) -> bytes:
    """Return the ONNX file of `checkpoint`.

    Inputs: input_ids and attention_mask, int64, (batch, tokens), texts padded on the right with mask 0.
    Output: embedding, float32, (batch, hidden), each row of length 1.

    Raises:
        UsageProblem: the package onnx is not installed.
        BadData: the model is too large for one ONNX file.
    """
    graph = Graph()
    x = _embed(graph, checkpoint, precision)
    shape = graph.op("Shape", INPUT_IDS)
    mask = graph.cast(ATTENTION_MASK, np.float32)
    bias = graph.op("Mul", graph.op("Sub", graph.constant(np.float32(1)), mask), graph.constant(_MASKED))
    bias = graph.op("Unsqueeze", bias, graph.constant([1, 2]))
    unpadded = graph.op("Greater", graph.op("ReduceMin", mask, keepdims=0), graph.constant(np.float32(0.5)))

    def softmax(scores: str) -> str:
        # Where nothing is padded, which is how `OnnxEncoder` has it, one pass over the scores less.
        return graph.either(
            unpadded,
            lambda: graph.op("Softmax", scores, axis=-1),
            lambda: graph.op("Softmax", graph.op("Add", scores, bias), axis=-1),
        )

    for index, layer in enumerate(checkpoint.layers):
        attended = _attention(graph, checkpoint, layer, f"{index}", x, shape, softmax, precision)
        x = _add_norm(graph, checkpoint, attended, x, layer.attention_norm)
        forward = _feed_forward(graph, checkpoint, layer, f"{index}", x, precision)
        x = _add_norm(graph, checkpoint, forward, x, layer.output_norm)
    pooled = _pool(graph, checkpoint, x, shape, mask)
    graph.output(OUTPUT, _normalize(graph, pooled), ["batch", checkpoint.hidden])
    return graph.serialize()


def _embed(graph: Graph, checkpoint: Checkpoint, precision: Precision) -> str:
    """Tokens plus positions, normalised: (batch × tokens, hidden), for the layers need no third axis."""
    tokens = graph.op("Shape", INPUT_IDS, start=1, end=2)
    first = graph.constant([0])
    positions = graph.op("Slice", graph.constant(checkpoint.positions), first, tokens, first)
    x = graph.op("Add", precision.lookup(graph, checkpoint.words, INPUT_IDS), positions)
    x = _norm(graph, checkpoint, x, checkpoint.embedding_norm)
    return graph.op("Reshape", x, graph.constant([-1, checkpoint.hidden]))


def _attention(
    graph: Graph,
    checkpoint: Checkpoint,
    layer: Layer,
    at: str,
    x: str,
    shape: str,
    softmax: Callable[[str], str],
    precision: Precision,
) -> str:
    """Scaled dot-product attention of all heads (Vaswani 2017), with the output projection."""
    width = checkpoint.hidden // checkpoint.heads
    # 1/√width goes into the query's weights: one pass over the scores less.
    scale = np.ones(3 * checkpoint.hidden, dtype=np.float32)
    scale[: checkpoint.hidden] = width**-0.5
    weights = np.split(layer.qkv_weight * scale, 3, axis=1)
    query, key, value = precision.dense(graph, f"{at}.qkv", x, *weights)
    # A key's bias adds the same to all scores of a query, which the softmax takes off again; a value's bias
    # comes out of it as it went in, since a query's weights sum to 1.
    query_bias, _, value_bias = np.split(layer.qkv_bias * scale, 3)
    query = graph.op("Add", query, graph.constant(query_bias))
    per_head = graph.op("Concat", shape, graph.constant([checkpoint.heads, width]), axis=0)
    query, key, value = (graph.op("Reshape", part, per_head) for part in (query, key, value))
    query = graph.op("Transpose", query, perm=[0, 2, 1, 3])
    key = graph.op("Transpose", key, perm=[0, 2, 3, 1])
    value = graph.op("Transpose", value, perm=[0, 2, 1, 3])
    shares = softmax(graph.op("MatMul", query, key))
    mixed = graph.op("Transpose", graph.op("MatMul", shares, value), perm=[0, 2, 1, 3])
    mixed = graph.op("Reshape", mixed, graph.constant([-1, checkpoint.hidden]))
    (out,) = precision.dense(graph, f"{at}.out", mixed, layer.out_weight)
    return graph.op("Add", out, graph.constant(_bias_after(value_bias, layer.out_weight, layer.out_bias)))


def _bias_after(bias: Floats, weight: Floats, more: Floats) -> Floats:
    """Return bias · weight + more (outputs,), added row by row: BLAS has an order for every processor."""
    return ((bias[:, None].astype(np.float64) * weight).sum(axis=0) + more).astype(np.float32)


def _feed_forward(
    graph: Graph, checkpoint: Checkpoint, layer: Layer, at: str, x: str, precision: Precision
) -> str:
    (wide,) = precision.dense(graph, f"{at}.up", x, layer.up_weight)
    wide = graph.op("Add", wide, graph.constant(layer.up_bias))
    if checkpoint.activation == "relu":
        wide = graph.op("Relu", wide)
    else:
        approximate = "tanh" if checkpoint.activation == "gelu_tanh" else "none"
        wide = graph.op("Gelu", wide, approximate=approximate)
    (narrow,) = precision.dense(graph, f"{at}.down", wide, layer.down_weight)
    return graph.op("Add", narrow, graph.constant(layer.down_bias))


def _add_norm(graph: Graph, checkpoint: Checkpoint, x: str, residual: str, norm: Norm) -> str:
    return _norm(graph, checkpoint, graph.op("Add", x, residual), norm)


def _norm(graph: Graph, checkpoint: Checkpoint, x: str, norm: Norm) -> str:
    gain, offset = map(graph.constant, norm)
    return graph.op("LayerNormalization", x, gain, offset, axis=-1, epsilon=checkpoint.epsilon)


def _pool(graph: Graph, checkpoint: Checkpoint, x: str, shape: str, mask: str) -> str:
    """One vector per text, up to its length: the sum over a text's tokens points where their mean does."""
    x = graph.op("Reshape", x, graph.op("Concat", shape, graph.constant([checkpoint.hidden]), axis=0))
    if checkpoint.pooling == "cls":
        return graph.op("Gather", x, graph.constant(np.int64(0)), axis=1)
    # A product, not ReduceSum: onnxruntime sums a batch of one in another order than a larger batch.
    total = graph.op("MatMul", graph.op("Unsqueeze", mask, graph.constant([1])), x)
    return graph.op("Squeeze", total, graph.constant([1]))


def _normalize(graph: Graph, x: str) -> str:
    length = graph.op("ReduceL2", x, graph.constant([1]), keepdims=1)
    return graph.op("Div", x, graph.op("Max", length, graph.constant(_TINY)))


def _import_onnx() -> Any:  # noqa: ANN401 - a module of an optional package
    try:
        import onnx
    except ImportError as error:
        raise UsageProblem(
            "building a model needs the package onnx", 'pip install "prodassoc[export]"'
        ) from error
    return onnx
