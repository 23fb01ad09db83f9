# ruff: noqa: S608 (a program for the shell: what it is given are paths)
"""`python duckdb_peer.py LINES TARGET WHAT`: what `clean` does, in SQL, by DuckDB. Runs where DuckDB is.

WHAT is `rows` (parse, filter, DISTINCT and write, in no order), `file` (the same rows in the order of
interactions, so that the file does not show how they came) or `all` (that file and what else `clean` tells:
rows left out by reason, users, orders, products, and the outliers of price and quantity of each product).
It is told what `clean` finds out: the delimiter, which column is which, and that ids, numbers and times are
written plainly.
"""

from __future__ import annotations

import sys

import duckdb

TYPES = dict.fromkeys(("order_id", "user_id", "product_id"), "VARCHAR")
TYPES |= {"quantity": "DOUBLE", "price": "DOUBLE", "timestamp": "TIMESTAMP"}
KEPT = """product_id is not null and quantity > 0 and price >= 0 and (price > 0 or user_id is not null)
    and not regexp_full_match(order_id, '[Cc][0-9]+')"""
REASON = """case when regexp_full_match(order_id, '[Cc][0-9]+') then 'cancelled_order'
    when product_id is null then 'missing_product' when quantity <= 0 then 'quantity_not_positive'
    when price < 0 then 'price_negative' when price = 0 and user_id is null then 'stock_adjustment' end"""
ORDER = "order by timestamp, order_id, user_id nulls last, product_id, quantity, price"
FACTORS = {"price": 3, "quantity": 10}


def write(con: duckdb.DuckDBPyConnection, read: str, target: str, order: str) -> None:
    """Write the kept rows."""
    con.execute(f"""copy (
        select user_id, order_id, product_id, 'purchase' as event, quantity::double as quantity,
               price::double as price, null::double as rating, timestamp
        from (select distinct * from {read} where {KEPT}) {order}
    ) to '{target}' (format parquet, compression zstd)""")


def tell(con: duckdb.DuckDBPyConnection, read: str, target: str) -> None:
    """Print what the summary of `clean` tells."""
    print(con.execute(f"select {REASON} as reason, count(*) from {read} group by 1 order by 1").fetchall())
    print(
        con.execute(f"""select count(*), count(distinct user_id), count(distinct order_id),
            count(distinct product_id), min(timestamp), max(timestamp) from '{target}'""").fetchall()
    )
    for name, factor in FACTORS.items():
        bound = f"greatest(3.5 * 1.4826 * {{}}, ln({factor}))"
        (flagged,) = con.execute(f"""with
            logs as (select product_id, ln({name}) as x from '{target}' where {name} > 0),
            of_all as (select median(x) as m from logs),
            spread_of_all as (select median(abs(x - m)) as s from logs, of_all),
            middle as (select product_id, median(x) as m, count(*) as n from logs group by 1),
            away as (select product_id, n, x, abs(x - m) as d from logs join middle using (product_id)),
            spread as (select product_id, median(d) as s from away group by 1)
            select count(*) from away join spread using (product_id), of_all, spread_of_all
            where case when n >= 20 then d > {bound.format("spread.s")}
                  else abs(x - of_all.m) > {bound.format("spread_of_all.s")} end""").fetchone()
        print(name, flagged)


def main() -> None:
    """Do it."""
    lines, target, what = sys.argv[1:]
    read = f"read_csv('{lines}', header=true, columns={TYPES})" if lines.endswith(".csv") else f"'{lines}'"
    con = duckdb.connect()
    con.execute(f"set memory_limit='4GB'; set threads=2; set temp_directory='{target}.spill'")
    write(con, read, target, "" if what == "rows" else ORDER)
    if what == "all":
        tell(con, read, target)


main()
