from __future__ import annotations

import subprocess
import sys

import pytest

from prodassoc_cli.errors import BadData, UsageProblem

HEADER = "order_id,product_id,description\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_encodings_are_detected(clean, encoding):
    text = HEADER + "".join(f"{row},é{row},Crème brûlée £{row}\n" for row in range(30))
    result = clean(text.encode(encoding))
    assert result.interactions["product_id"].to_list() == sorted(f"é{row}" for row in range(30)) or set(
        result.interactions["product_id"]
    ) == {f"é{row}" for row in range(30)}
    assert result.summary["rows_kept"] == 30
    if encoding == "cp1252":
        assert any("cp1252" in line for line in clean.said)


def test_latin_bytes_far_into_the_file_are_noticed(clean):
    text = (
        HEADER
        + "1,a,plain\n" * 1
        + "".join(f"{row},b{row},plain text of some length\n" for row in range(20_000))
    )
    result = clean((text + "9,c,10 £\n").encode("latin-1"), products_output="x")
    assert result.products.filter(result.products["product_id"] == "c")["title"].item() == "10 £"
    assert any("cp1252" in line for line in clean.said)


def test_the_user_may_tell_the_encoding(clean):
    result = clean((HEADER + "1,商品,茶\n2,b,水\n").encode("gb18030"), encoding="gb18030")
    assert "商品" in result.interactions["product_id"].to_list()
    with pytest.raises(UsageProblem, match="no such encoding"):
        clean(HEADER + "1,a,b\n", encoding="utf9")


def test_broken_bytes_in_utf8_cost_only_their_rows(clean):
    rows = [f"{row},日本{row},茶 {row}\n".encode() for row in range(50)]
    rows[7] = b"7,\xff\xfe,broken\n"
    result = clean(HEADER.encode() + b"".join(rows))
    assert result.summary["rejects"] == {"broken_encoding": 1}
    assert result.rejects["row"].to_list() == [8]
    assert result.summary["rows_kept"] == 49


def test_nul_characters_are_noticed(clean):
    result = clean(HEADER.encode() + b"1,a,x\n2,b\0b,y\n3,c,z\n" + b"4,d,w\n" * 30)
    assert result.summary["rejects"]["nul_character"] == 1
    assert result.rejects.filter(result.rejects["reason"] == "nul_character")["row"].item() == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_detected_with_quotes_respected(clean, delimiter):
    others = ",;|"
    rows = [["order_id", "product_id", "price", "description"]]
    rows += [
        [str(row), f"p{row}", "1,50" if delimiter == ";" else "1.50", f'"a{others} b"'] for row in range(20)
    ]
    result = clean("\n".join(delimiter.join(row) for row in rows))
    assert result.summary["rows_kept"] == 20
    assert result.interactions["price"].unique().to_list() == [1.5]


def test_quotes_newlines_and_mixed_line_ends(clean):
    text = 'order_id,product_id,description\r\n1,"a,""b"\n2,"c\nd",x\r3,e,"12"" vinyl"\n4,f,12" vinyl\n'
    result = clean(text)
    assert result.interactions["product_id"].to_list() == ["c\nd", "e", "f"]
    assert result.rejects.select("row", "reason", "raw").rows() == [(1, "broken_row", '1,"a,""b"')]


def test_ragged_rows_are_rejects_with_number_and_text(clean):
    rows = [f"{row},p{row},x" for row in range(1, 2001)]
    rows[4] = "5,p5"
    rows[999] = "1000,p,x,y"
    rows.insert(10, "")
    result = clean(HEADER + "\n".join(rows))
    assert result.rejects.select("row", "raw").rows() == [(5, "5,p5"), (1000, "1000,p,x,y")]
    assert result.summary["rows_in"] == 2000
    bad = clean(HEADER + "\n".join([*rows, ",,"]))
    assert bad.rejects.filter(bad.rejects["reason"] == "missing_product")["row"].item() == 2001


def test_a_row_cut_at_the_end_is_noticed(clean):
    result = clean(HEADER + "1,a,x\n2,b,y\n3,c")
    assert result.rejects.select("row", "reason").rows() == [(3, "broken_row")]


def test_a_damaged_header_is_an_error(clean):
    with pytest.raises(BadData, match="the header is damaged"):
        clean(b"order_id,product\0_id,x\n1,a,x\n2,b,y\n3,c,z\n")
    first = clean(b"1::1\x00193::5::978300760\n" + b"1::661::3::978302109\n" * 9, name="ratings.dat")
    assert first.rejects.row(0)[1:3] == (1, "nul_character")


def test_equal_column_names_are_told_apart(clean):
    result = clean("order_id,product_id,quantity,quantity,\n1,a,2,3,c\n")
    assert result.interactions["quantity"].to_list() == [2]
    assert any("quantity is there more than once" in line for line in clean.said)


def test_a_fatal_row_ends_the_process_in_order(tmp_path):
    """Arrow's threads may neither hang nor abort an interpreter that ends after an error."""
    good = b"".join(b"%d,p%d,text\n" % (row, row % 5) for row in range(300_000))
    path = tmp_path / "orders.csv"
    path.write_bytes(HEADER.encode() + good + b'1,2\n1,"p,text,more\n' + good * 3)
    program = (
        "import sys\nfrom prodassoc_cli.errors import BadData\n"
        "from contextlib import ExitStack\n"
        "from prodassoc_cli.intake.formats.reader import ReadOptions\n"
        "from prodassoc_cli.intake.formats.registry import look\n"
        "from pathlib import Path\nfrom prodassoc_cli.intake.formats.sources import Source\n"
        "head = look(Source('orders.csv', Path(sys.argv[1])), ReadOptions(), print)\n"
        "stack = ExitStack()\n"
        "try: list(head.open(['a', 'b', 'c'], header=[], skip=1, say=print, stack=stack).pieces())\n"
        "except BadData: sys.exit(65)\n"
    )
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program, str(path)], timeout=60, check=False)
        assert done.returncode == 65


WORDS = {
    "gb18030": ("矿泉水", "方便面", "洗发水", "苹果", "可口可乐"),
    "big5": ("礦泉水", "泡麵", "洗髮精", "蘋果", "許功蓋"),
    "shift_jis": ("おにぎり", "緑茶", "シャンプー", "りんご", "ソー能表"),
    "euc_jp": ("おにぎり", "緑茶", "シャンプー", "りんご", "コーヒー", "牛乳", "食パン", "豚肉", "歯磨き粉"),
    "cp949": ("생수", "라면", "샴푸", "사과", "우유", "빵", "커피"),
    "cp1251": ("Молоко", "Хлеб", "Яблоки", "Сыр", "Кофе"),
    "koi8_r": ("Молоко", "Хлеб", "Яблоки", "Сыр", "Кофе"),
    "cp1250": ("Żółty ser", "Śmietana", "Masło", "Jabłka", "Mąka", "Pączki"),
    "cp1252": ("Käse", "Brötchen", "Crème brûlée", "Jamón", "Piña"),
}


@pytest.mark.parametrize("encoding", WORDS)
@pytest.mark.parametrize("plain", [0, 40_000])
def test_older_encodings_are_told_by_their_letters(clean, encoding, plain):
    """Also where the first of these letters stands far behind what is looked at first."""
    words = WORDS[encoding]
    text = "order_id,product_id\n" + "1,plain tea\n2,plain milk\n" * plain
    text += "".join(f"{at},{word}\n" for at, word in enumerate(words, 10))
    result = clean(text.encode(encoding))
    assert set(words) <= set(result.interactions["product_id"])
    assert any(f"read as {result.summary['inputs'][0]['encoding']}, as in " in said for said in clean.said)


def test_letters_in_a_line_longer_than_what_is_read_at_once_tell_the_encoding(clean, monkeypatch):
    monkeypatch.setattr("prodassoc_cli.intake.formats.text.delimited.BLOCK_BYTES", 1 << 10)
    words = "".join(WORDS["cp1252"]) + "n" * 5_000
    text = "order_id,product_id\n" + "1,plain tea\n2,plain milk\n" * 40_000 + f"3,{words}\n4,last tea\n"
    result = clean(text.encode("cp1252"))
    assert words in result.interactions["product_id"].to_list()
    assert any("read as cp1252, as in " in said for said in clean.said)


@pytest.mark.parametrize(("word", "encoding"), [("치약", "cp949"), ("番茄", "gbk"), ("Αυγά", "cp1253")])
def test_a_single_word_does_not_tell_its_encoding(clean, word, encoding):
    text = f"order_id,product_id\n1,{word}\n2,tea\n"
    with pytest.raises(BadData, match="too short to tell its encoding") as caught:
        clean(text.encode(encoding))
    assert "`encoding=" in caught.value.hint
    assert word in clean(text.encode(encoding), encoding=encoding).interactions["product_id"].to_list()
