"""What executors do with order lines gives the rows of one process: here without Spark, for every change.

The frames of Spark that the driver uses are few methods over partitions; a stand-in has them.
"""

from __future__ import annotations

import dataclasses
import random
from functools import partial
from types import SimpleNamespace

import polars as pl
import pytest

from prodassoc_cli.artifacts.lineage import Lineage
from prodassoc_cli.engines.cleaning import slices
from prodassoc_cli.engines.cleaning import stage as cleaning
from prodassoc_cli.engines.cleaning.reading import DEALT
from prodassoc_cli.engines.frames import bundle, frame_bytes, frame_of, unbundle
from prodassoc_cli.engines.parts import PartsOf
from prodassoc_cli.errors import BadData, IOFailure
from prodassoc_cli.intake.formats.sources import Source
from prodassoc_cli.intake.pipeline import Cleaning
from prodassoc_cli.settings import CleanConfig
from tests.conftest import SAMPLE, write_small_shop
from tests.engines.cleaning.order_lines import OPTIONS, cleaned, same_as_here, shop


class Row(tuple):
    """A row that knows its names."""

    names: tuple[str, ...]

    def __getitem__(self, key):
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)


class Frame:
    """Partitions of rows, with the methods of Spark's frames that are used."""

    def __init__(self, partitions):
        self.partitions = partitions

    def mapInArrow(self, work, schema):
        return Frame([list(work(iter(partition))) for partition in self.partitions])

    def persist(self):
        return self

    def unpersist(self):
        return self

    def filter(self, condition):
        name, _, value = condition.split()
        keep = value.strip("'")
        return Frame(
            [[row for row in part if row.column(name)[0].as_py() == keep] for part in self.partitions]
        )

    def select(self, *names):
        return Frame([[row.select(list(names)) for row in part] for part in self.partitions])

    def collect(self):
        rows = []
        for batch in (batch for part in self.partitions for batch in part):
            for each in batch.to_pylist():
                rows.append(Row(each.values()))
                rows[-1].names = tuple(each)
        return rows

    def toLocalIterator(self, prefetchPartitions):
        assert prefetchPartitions
        return iter(self.collect())


class InProcess(cleaning.SparkCleaning):
    """The cleaning of a cluster, its tasks done here; what is dealt out comes in any order."""

    def _dealt(self, deal):
        rng = random.Random(len(self._files.files))
        rows = [row for file in deal.files for row in deal._dealt(file)]
        assert set(rows[0].schema.names) == {each.split()[0] for each in DEALT.split(", ")}
        rng.shuffle(rows)
        parts = [[] for _ in range(self._bounds.partitions)]
        for row in rows:
            parts[row.column("part")[0].as_py()].append(row)
        return Frame(parts)


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """Tasks are done in this process, on small pieces."""
    for module in (cleaning, slices):
        monkeypatch.setattr(module, "map_chunks", lambda _, chunks, work: [work(chunk) for chunk in chunks])
    monkeypatch.setattr(cleaning, "PIECE_ROWS", 150)
    monkeypatch.setattr(cleaning, "DEALT_BYTES", 1 << 16)


def spark(parts):
    return SimpleNamespace(conf=SimpleNamespace(get=lambda _: str(parts)))


def same(paths, parts=7, catalogue=(), **options):
    """Compare one process with many parts, and return the summary."""
    return same_as_here(partial(InProcess, spark(parts)), paths, catalogue, **options)


@pytest.fixture(scope="module")
def orders(tmp_path_factory):
    """An eighth of the sample data's order lines."""
    folder = tmp_path_factory.mktemp("sample")
    write_small_shop(folder, orders=3_000)
    return folder / "orders.csv"


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("parts", [1, 12])
def test_the_sample_data(orders, options, parts, monkeypatch):
    monkeypatch.setattr(cleaning, "PIECE_ROWS", 400)
    same([orders], parts, [SAMPLE / "catalog.csv"], **options)


@pytest.mark.parametrize("seed", range(6))
def test_many_files_of_a_shop(tmp_path, seed):
    """Unequal files, broken rows, other delimiters and encodings, and more parts than there are orders."""
    rng = random.Random(seed)
    paths = [
        shop(
            tmp_path, f"{number}.csv", rows=rng.choice([5, 40, 400]), seed=seed * 100 + number,
            broken=rng.random() < 0.5, delimiter=rng.choice(",;"), encoding=rng.choice(["utf-8", "utf-16"]),
        )
        for number in range(rng.choice([1, 2, 5]))
    ]  # fmt: skip
    same(paths, rng.choice([2, 9, 60]), drop_outliers=rng.random() < 0.5, products_output="p")


def test_numbers_that_only_one_file_tells_how_to_read(tmp_path):
    """1.250,00 in one file makes 1,25 of another a number with a decimal comma."""
    head = "order_id,user,item,price\n"
    (tmp_path / "a.csv").write_text(head + "".join(f"{n},u{n},p{n},{n}.5\n" for n in range(1, 9)))
    (tmp_path / "b.csv").write_text(head + '1,u,p,"1.250,00"\n2,u,q,"7,5"\n' * 9)
    for order in (["a.csv", "b.csv"], ["b.csv", "a.csv"]):
        same([tmp_path / name for name in order])


class ReadsRefs:
    """Stands in for an encoder: a header of two words names what the first says."""

    name, hint = "words", ""

    def __call__(self, headers):
        fields = {"Sale": "order_id", "Merchandise": "product_id", "Buyer": "user_id", "Each": "price"}
        return [{fields.get(header.split()[0], ""): 1.0} for header in headers]


def test_headers_are_read_before_executors_begin(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(
        "Sale Ref;Buyer Ref;Merchandise Ref;Each One\n" + "S-1;C10;MX-1;4.50\nS-2;C08;MX-8;12.00\n" * 9
    )
    heard: list[list[str]] = []
    made = []
    for make in (Cleaning, partial(InProcess, spark(3))):
        heard.append([])
        run = make([Source(path.name, path)], CleanConfig(), heard[-1].append, read_headers=ReadsRefs())
        made.append(cleaned(run))
    here, there = made
    assert here[0].equals(there[0])
    assert here[4]["inputs"] == there[4]["inputs"]
    assert here[4]["inputs"][0]["headers_read_by"] == "words"
    by_header = [sorted(line for line in each if "as its header" in line) for each in heard]
    assert by_header[0] == by_header[1]
    assert len(by_header[0]) == 4


def test_repaired_rows_beside_broken_ones(tmp_path):
    """What was repaired for one reading is so for the next, which knows that rows are broken."""
    path = tmp_path / "orders.csv"
    rows = "".join(f'{n},u{n % 5},"p{n % 7}"\n' for n in range(400))
    path.write_text("order_id,user,item\n" + rows + '402,"u2,"p1"\n403\n' + rows)
    summary = same([path])
    assert summary["rejects"]["broken_row"] == 1


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Return a folder for texts that are read in slices of several sizes."""
    return tmp_path_factory.mktemp("texts")


@pytest.mark.parametrize("size", [1_000, 1_777])
@pytest.mark.parametrize(
    ("name", "text", "options"),
    [
        ("lines.csv", None, {}),
        ("crlf.csv", "order_id,user,item,day\r\n" + "1,u,é,2024-01-13\r\n\r\n2,v,b,2024-02-01\r\n" * 150, {}),
        ("none.csv", "a,b,2024-01-01\nb,c,2024-01-02\n" * 150, {"map": ["user_id=1", "product_id=2"]}),
        ("broken.csv", "order_id,user,item\n" + "1,u,a\n1,u\n2,v,b\n3,u,c\n" * 200 + "4,u", {}),
        ("cr.csv", "order_id,user,item\r" + "1,u,a\r2,v,b\r" * 300, {}),
        ("retail.dat", "1 2 3\n\n4 5\n" * 500, {"layout": "fimi"}),
        ("baskets.csv", "bread,milk\nbeer\n" * 300, {"layout": "baskets"}),
        ("lists.csv", "order_id,items\n" + "1,a;b;c\n2,\n3,c\n" * 250, {}),
        ("movies.dat", "1::2::5::978300760\n1::3::4::978302109\n" * 120, {"layout": "ratings"}),
    ],
)
def test_a_large_text_is_read_in_slices(texts, monkeypatch, name, text, options, size):
    monkeypatch.setattr(cleaning, "SLICE_BYTES", size)
    path = texts / name
    if text is not None:
        path.write_bytes(text.encode())
    elif not path.exists():
        shop(texts, name, rows=120, broken=True, quoted=False)
        shop(texts, "more.csv", rows=200, quoted=False)
    found = slices.sliced(None, [Source(name, path)], size)[0]
    assert len(found) == 1 if name == "cr.csv" else len(found) > 2
    assert b"".join(whole(each) for each in found) == path.read_bytes()
    same([path], **options)
    if name == "lines.csv":
        same([path, texts / "more.csv"], **options)


def whole(source):
    with source.open() as stream:
        return source.read(stream)


@pytest.mark.parametrize("text", [b'1,"a\nb"\n', b"1,\xff\n", b"1,\0\n"])
def test_a_text_that_cannot_be_sliced_is_one_task(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_bytes(b"order_id,item\n" + b"1,a\n" * 2_000 + text + b"2,b\n" * 100)
    assert slices.sliced(None, [Source("a.csv", path)], 1_000) == {}


def test_parts_written_to_a_folder(tmp_path):
    source = Source("orders.csv", SAMPLE / "orders.csv")
    config = CleanConfig()
    whole = cleaned(Cleaning([source], config, lambda _: None))
    (tmp_path / "out").mkdir()
    into = PartsOf(str(tmp_path / "out"), Lineage("interactions", "clean", {}, 1, ()))
    with InProcess(spark(5), [source], config, lambda _: None) as run:
        run.write_parts(into)
        assert pl.concat(list(run.all_rejects())).equals(whole[2])
        assert run.summary == whole[4]
    parts = into.check()
    assert len(parts) == 5
    assert pl.concat([pl.read_parquet(tmp_path / "out" / part.name) for part in parts]).equals(whole[0])
    (tmp_path / "out" / parts[3].name).unlink()
    with pytest.raises(IOFailure, match="it is not in"):
        into.check()


def test_nothing_left(tmp_path):
    source = Source("a.csv", shop(tmp_path, "a.csv", rows=40))
    with (
        InProcess(spark(3), [source], CleanConfig(service_codes=".*"), lambda _: None) as run,
        pytest.raises(BadData, match="every row is left out"),
    ):
        list(run.interactions())


def test_frames_go_and_come_back():
    frame = pl.DataFrame({"\0row": [1, None], "names": [["a", "b"], []], "a b": ["é", ""]})
    assert frame_of(frame_bytes(frame)).equals(frame)
    facts, frames = unbundle(bundle({"a": [1, None]}, {"one": frame, "none": frame.clear()}))
    assert facts == {"a": [1, None]}
    assert frames["one"].equals(frame)
    assert frames["none"].schema == frame.schema


@pytest.mark.parametrize("options", [("--append-to", "x.parquet"), ("--min-user-count", "2")])
def test_what_spark_cannot_do_is_refused(prodassoc, options):
    done = prodassoc("clean", str(SAMPLE / "orders.csv"), "-o", "a.parquet", *options, "--engine", "spark")
    assert done.returncode == 2
    assert "--engine spark does not do" in done.stderr.decode()


def test_standard_input_stays_here(prodassoc):
    done = prodassoc("clean", "-", "-o", "a.parquet", "--engine", "spark", stdin=b"order_id,item\n1,a\n")
    assert done.returncode == 2
    assert "cannot read standard input" in done.stderr.decode()


def test_every_option_is_done_or_refused():
    """A new option of `clean` must be thought of here: what reads it on Spark?"""
    known = {
        "map", "preset", "layout", "delimiter", "encoding", "quote", "escape", "comment", "skip_rows",
        "header", "sheet", "keep_totals", "ignore", "separator", "decimal_mark", "missing",
        "ids_as_written", "dayfirst", "event", "products", "category_names", "rating_scale",
        "products_output", "rejects_output", "drop_outliers", "service_codes",
        "pseudonymize_key_file", "drop_users", "holdout", "holdout_output", "engine", "master", "spark_conf",
    }  # fmt: skip
    options = dataclasses.fields(CleanConfig)
    assert {each.name for each in options if each.metadata["setting"].on_spark} == known
