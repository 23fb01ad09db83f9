# ruff: noqa: E501 — lines of data
"""Ways to break a file: of bytes, of lines of text, of Parquet tables and of the JSON of a model folder."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import zlib
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

Mutator = Callable[[bytes, random.Random], bytes]

HOSTILE_TEXTS = (
    "\0", '"', '""', "'", ",", ";", "\t", "\r", "\n", "\r\n", "\ufeff", "\u202e", "\x1b[31m", "=1+1", "NaN",
    "inf", "-inf", "1e999", "-1", "0", "99999999999999999999", "1,5", "1.234,56", "é", "日本", "\ud7ff", "null",
    "2025-02-30 25:61", "0000-00-00", "10000-01-01", "../../etc/passwd", "{", "}", "[]", "%s%n", "x" * 5000,
)  # fmt: skip


# ---- bytes


def flip_a_bit(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def set_bytes(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data) + 1), rng.randrange(1, 9)
    return data[:at] + rng.randbytes(size) + data[at + size :]


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def remove_a_span(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.randrange(1, 200) :]


def repeat_a_span(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    span = data[at : at + rng.randrange(1, 200)]
    return data[:at] + span * rng.randrange(2, 5) + data[at + len(span) :]


def insert_zeros(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + b"\0" * rng.randrange(1, 100) + data[at:]


def append_bytes(data: bytes, rng: random.Random) -> bytes:
    return data + rng.randbytes(rng.randrange(1, 64))


BYTES: tuple[Mutator, ...] = (
    flip_a_bit, set_bytes, cut, remove_a_span, repeat_a_span, insert_zeros, append_bytes,
)  # fmt: skip


# ---- text


def put_a_hostile_text(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(HOSTILE_TEXTS).encode("utf-8", "surrogatepass") + data[at:]


def replace_a_field(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    fields = lines[at].split(b",")
    fields[rng.randrange(len(fields))] = rng.choice(HOSTILE_TEXTS).encode("utf-8", "surrogatepass")
    lines[at] = b",".join(fields)
    return b"\n".join(lines)


def shuffle_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def drop_the_header(data: bytes, rng: random.Random) -> bytes:
    return data.partition(b"\n")[2]


def only_the_header(data: bytes, rng: random.Random) -> bytes:
    return data.partition(b"\n")[0] + rng.choice([b"", b"\n"])


def repeat_the_header(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    lines.insert(rng.randrange(len(lines)), lines[0])
    return b"\n".join(lines)


def rename_a_column(data: bytes, rng: random.Random) -> bytes:
    head, line, rest = data.partition(b"\n")
    names = head.split(b",")
    names[rng.randrange(len(names))] = rng.choice(
        [b"", b"x", b"sku", names[0], "価格".encode(), b"user_id", b'"']
    )
    return b",".join(names) + line + rest


def add_columns(data: bytes, rng: random.Random) -> bytes:
    extra = b"," * rng.choice([1, 3, 2000])
    return b"\n".join(line + extra for line in data.split(b"\n")[:20])


def make_a_row_ragged(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    for _ in range(rng.choice([1, 2, 30])):
        at = rng.randrange(len(lines))
        fields = lines[at].split(b",")
        lines[at] = b",".join(fields[: rng.randrange(len(fields) + 1)] + [b"more"] * rng.randrange(3))
    return b"\n".join(lines)


def other_delimiter(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b",", rng.choice([b";", b"\t", b"|", b"::", b" ", b"\x01"]))


def other_line_ends(data: bytes, rng: random.Random) -> bytes:
    ends = rng.choice([[b"\r\n"], [b"\r"], [b"\n", b"\r\n"], [b"\n", b"\r\n", b"\r"], [b"\n\n"], [b"\n\r"]])
    return b"".join(line + rng.choice(ends) for line in data.split(b"\n"))


def other_encoding(data: bytes, rng: random.Random) -> bytes:
    text = data.decode("utf-8", "replace") + "é"
    name = rng.choice(
        ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "utf-7", "cp037"]
    )
    return text.encode(name, "replace")


def mix_encodings(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    for _ in range(rng.choice([1, 5, 50])):
        at = rng.randrange(len(lines))
        lines[at] = lines[at].replace(
            b"e", rng.choice([b"\xe9", "é".encode(), b"\xff", "é".encode("utf-16-le")]), 1
        )
    return b"\n".join(lines)


def decimal_commas(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b",", b";").replace(b".", b",")


def a_long_field(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + b"x" * rng.choice([70_000, 140_000, 5_000_000]) + data[at:]


TEXT: tuple[Mutator, ...] = (
    put_a_hostile_text, replace_a_field, replace_a_field, shuffle_lines, drop_the_header, only_the_header,
    repeat_the_header, rename_a_column, rename_a_column, add_columns, make_a_row_ragged, other_delimiter,
    other_line_ends, other_encoding, mix_encodings, decimal_commas, a_long_field,
)  # fmt: skip


# ---- compressed text


def inside(unpack: Callable[[bytes], bytes], pack: Callable[[bytes], bytes]) -> Mutator:
    def mutate(data: bytes, rng: random.Random) -> bytes:
        try:
            plain = unpack(data)
        except (OSError, EOFError, zlib.error, pa.ArrowException):
            return flip_a_bit(data, rng)
        return pack(rng.choice(TEXT)(plain, rng))

    return mutate


GZIP = (*BYTES, inside(gzip.decompress, gzip.compress))


# ---- Parquet


def of_table(change: Callable[[pa.Table, random.Random], pa.Table]) -> Mutator:
    """Make a mutator of one that changes a table: what is written is Parquet again."""

    def mutate(data: bytes, rng: random.Random) -> bytes:
        try:
            table = change(pq.read_table(io.BytesIO(data)), rng)
        except (pa.ArrowException, OSError, ValueError, TypeError, IndexError):
            return flip_a_bit(data, rng)
        out = io.BytesIO()
        pq.write_table(table, out, compression="zstd")
        return out.getvalue()

    mutate.__name__ = change.__name__
    return mutate


def _any(table: pa.Table, rng: random.Random) -> int:
    return rng.randrange(table.num_columns)


def drop_a_column(table: pa.Table, rng: random.Random) -> pa.Table:
    return table.remove_column(_any(table, rng))


def rename_one(table: pa.Table, rng: random.Random) -> pa.Table:
    names = table.column_names
    names[_any(table, rng)] = rng.choice(["x", "", names[0], "product_id", "é"])
    return table.rename_columns(names)


def retype_a_column(table: pa.Table, rng: random.Random) -> pa.Table:
    at = _any(table, rng)
    kind = rng.choice(
        [pa.string(), pa.float64(), pa.int8(), pa.binary(), pa.dictionary(pa.int32(), pa.string()), pa.null()]
    )
    values = pa.nulls(table.num_rows) if kind == pa.null() else table.column(at).cast(kind)
    return table.set_column(at, table.column_names[at], values)


def nest_a_column(table: pa.Table, rng: random.Random) -> pa.Table:
    at = _any(table, rng)
    values = table.column(at).combine_chunks()
    return table.set_column(at, table.column_names[at], pa.StructArray.from_arrays([values], ["x"]))


def put_nulls(table: pa.Table, rng: random.Random) -> pa.Table:
    at = _any(table, rng)
    values = table.column(at).to_pylist()
    for _ in range(rng.choice([1, len(values)])):
        values[rng.randrange(len(values))] = None
    return table.set_column(at, table.column_names[at], pa.array(values, table.schema.types[at]))


def put_hostile_numbers(table: pa.Table, rng: random.Random) -> pa.Table:
    """Set some numbers to values that no computation should meet, within lists too."""
    numeric = [at for at, kind in enumerate(table.schema.types) if _is_numeric(kind)]
    at = rng.choice(numeric)
    values = table.column(at).to_pylist()
    kind = table.schema.types[at]
    inner = kind if not pa.types.is_nested(kind) else kind.value_type
    bad = (
        [float("nan"), float("inf"), -1.0, 1e308, 0.0]
        if pa.types.is_floating(inner)
        else [-1, 0, 2**31 - 1, 2**20, -(2**31)]
    )
    for _ in range(rng.choice([1, 20])):
        place, value = rng.randrange(len(values)), rng.choice(bad)
        if isinstance(values[place], list):
            if values[place]:
                values[place][rng.randrange(len(values[place]))] = value
        else:
            values[place] = value
    return table.set_column(at, table.column_names[at], pa.array(values, kind))


def _is_numeric(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_nested(kind) and not pa.types.is_struct(kind) else kind
    return pa.types.is_floating(inner) or pa.types.is_integer(inner)


def put_hostile_texts(table: pa.Table, rng: random.Random) -> pa.Table:
    at = rng.choice([at for at, kind in enumerate(table.schema.types) if pa.types.is_string(kind)])
    values = table.column(at).to_pylist()
    for _ in range(rng.choice([1, 10])):
        values[rng.randrange(len(values))] = rng.choice([*HOSTILE_TEXTS, "", "x" * 100_000])
    return table.set_column(at, table.column_names[at], pa.array(values, pa.string()))


def repeat_rows(table: pa.Table, rng: random.Random) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, rng.choice([1, table.num_rows]))])


def no_rows(table: pa.Table, rng: random.Random) -> pa.Table:
    return table.slice(0, rng.choice([0, 0, 1]))


def shuffle_rows(table: pa.Table, rng: random.Random) -> pa.Table:
    order = list(range(table.num_rows))
    rng.shuffle(order)
    return table.take(order)


def change_the_lineage(table: pa.Table, rng: random.Random) -> pa.Table:
    """Change one value anywhere in the JSON of the metadata, or spoil it as a whole."""
    metadata = dict(table.schema.metadata or {})
    text = metadata.get(b"prodassoc")
    choice = rng.randrange(4)
    if text is None or choice == 0:
        new = rng.choice([b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"kind":"rules"}', b"[" * 5000])
        return table.replace_schema_metadata(metadata | {b"prodassoc": new})
    record = json.loads(text)
    if choice == 1:
        record |= rng.choice(
            [{"schema_version": "99.0"}, {"schema_version": 7}, {"kind": "metrics"}, {"kind": []}]
        )
    else:
        _change_one(record, rng)
    return table.replace_schema_metadata(metadata | {b"prodassoc": json.dumps(record).encode()})


def no_lineage(table: pa.Table, rng: random.Random) -> pa.Table:
    return table.replace_schema_metadata(None)


def _change_one(record: object, rng: random.Random) -> None:
    """Walk down to some value of nested JSON and change it."""
    while True:
        keys = list(record) if isinstance(record, dict) else list(range(len(record)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(record[key], dict | list) and record[key] and rng.random() < 0.9:
            record = record[key]
            continue
        if rng.random() < 0.3:
            del record[key]
        else:
            record[key] = rng.choice([None, -1, 0, 1, 2**40, "x", [], {}, 1.5, True, "../x", [record[key]]])
        return


TABLES = tuple(
    of_table(change)
    for change in (
        drop_a_column, rename_one, retype_a_column, nest_a_column, put_nulls, put_hostile_numbers,
        put_hostile_numbers, put_hostile_texts, repeat_rows, no_rows, shuffle_rows, change_the_lineage,
        change_the_lineage, no_lineage,
    )
)  # fmt: skip
PARQUET = (*BYTES, *TABLES, *TABLES)


# ---- a model folder


def change_json(data: bytes, rng: random.Random) -> bytes:
    try:
        record = json.loads(data)
    except ValueError:
        return flip_a_bit(data, rng)
    _change_one(record, rng)
    return json.dumps(record).encode()


def name_external_data(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + b"\x0a\x08location\x12\x0b/etc/passwd" + data[at:]


TOML: tuple[Mutator, ...] = (
    *BYTES,
    *TEXT,
    lambda data, rng: data + rng.choice([b"[mnie]\nk=1\n", b"min-cuont = 3\n", b"top = 'x'\n", b"top = [1]\n", b"top = inf\n", b"top = {}\n", b"a.b.c = 1\n"]),
    lambda data, rng: b"[" * rng.choice([3, 5000]) + data,
)  # fmt: skip


def mutators_of(name: str) -> tuple[Mutator, ...]:
    """Return what can be done to a file of that name."""
    if name.endswith(".parquet"):
        return PARQUET
    if name.endswith(".gz"):
        return GZIP
    if name.endswith((".zst", ".arrow")):
        return BYTES
    if name.endswith(".onnx"):
        return (*BYTES, name_external_data)
    if name.endswith(".json"):
        return (*BYTES, change_json, change_json, change_json)
    return TOML if name.endswith(".toml") else (*BYTES, *TEXT, *TEXT)


def mutate(name: str, data: bytes, rng: random.Random) -> tuple[bytes, list[str]]:
    """Return a mutant of a file, and what was done to it."""
    done = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        mutator = rng.choice(mutators_of(name))
        data = mutator(data, rng)
        done.append(getattr(mutator, "__name__", "mutator"))
    return data, done


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
