"""Raw order lines → interactions, rejects, products and a holdout: what `clean` does, from end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from prodassoc_cli.errors import BadData
from prodassoc_cli.intake import cleaning, layouts
from prodassoc_cli.intake.catalogue import clean_catalogue, complete, products_of_lines
from prodassoc_cli.intake.columns import CATALOGUE_ALIASES, PRESETS, parse_map
from prodassoc_cli.intake.dates import TIME, parse_times
from prodassoc_cli.intake.parsing import Parsed, parse_events, parse_ids, parse_numbers
from prodassoc_cli.intake.privacy import pseudonymize, read_key
from prodassoc_cli.intake.reading import Orders, read_catalogue, read_orders
from prodassoc_cli.intake.sources import Source
from prodassoc_cli.intake.splits import in_order, parse_split, split_holdout
from prodassoc_cli.intake.tables import REJECTS, ROW, SOURCE, Say, as_csv
from prodassoc_cli.settings import CleanConfig

INTERACTIONS: dict[str, DataType | DataTypeClass] = {
    "user_id": pl.String, "order_id": pl.String, "product_id": pl.String, "event": pl.String,
    "quantity": pl.Float64, "price": pl.Float64, "rating": pl.Float64, "timestamp": TIME,
}  # fmt: skip
"""The schema of interactions, as polars has it."""

FEEDBACK: dict[str, DataType | DataTypeClass] = {
    "list_id": pl.String, "position": pl.Int32, "model": pl.String,
    "propensity": pl.Float64, "revenue": pl.Float64,
}  # fmt: skip
"""What a log of lists shown tells beside that."""

_RESPONSES = ("click", "purchase", "dismiss")

_NUMBERS_OF_FEEDBACK = {
    "click": pl.col("click").is_in([0.0, 1.0]),
    "purchase": pl.col("purchase").is_in([0.0, 1.0]),
    "dismiss": pl.col("dismiss").is_in([0.0, 1.0]),
    "position": pl.col("position").is_between(1, 2**31 - 1) & (pl.col("position") % 1 == 0),
    "propensity": pl.col("propensity").is_between(0, 1, closed="right"),
    "revenue": pl.col("revenue").is_finite(),
}
"""The numbers of a feedback log, and what each may be."""


@dataclass
class CleanedOrders:
    """What `clean` makes of its inputs.

    Attributes:
        interactions: kept rows, without those set aside.
        rejects: rows left out (the schema of rejects).
        products: the catalogue, completed from the lines; None where no one asked.
        product_rejects: rows of the catalogue left out.
        holdout: rows set aside; None where no one asked.
        summary: counts for people and for `--summary`, ready for JSON.
    """

    interactions: pl.DataFrame
    rejects: pl.DataFrame
    products: pl.DataFrame | None = None
    product_rejects: pl.DataFrame | None = None
    holdout: pl.DataFrame | None = None
    summary: dict[str, Any] = field(default_factory=dict)

    def all_rejects(self) -> pl.DataFrame:
        """Return the rows left out of the lines and of the catalogue."""
        return (
            self.rejects if self.product_rejects is None else pl.concat([self.rejects, self.product_rejects])
        )


def clean_orders(
    orders: Sequence[Source],
    config: CleanConfig,
    say: Say,
    *,
    catalogue: Sequence[Source] = (),
    seed: int = 42,
) -> CleanedOrders:
    """Clean order lines (ratings, baskets, a feedback log) and, if asked, a catalogue.

    A row of the input is either kept or in the rejects: rows_in = rows_kept + rejected. Where one row holds a
    whole basket, a row is one product of it. A row of a feedback log is kept once and gives up to four
    interactions (impression, click, purchase, dismiss).

    Args:
        orders: where the lines are, one or more.
        config: the options of `clean`.
        say: receives notices of one line: what was detected and decided.
        catalogue: where the catalogue is; may be empty.
        seed: of `--holdout random`.

    Raises:
        NoInput: a file is missing.
        BadData: an input is no table, or too broken to clean.
        UsageProblem: an option does not fit.
    """
    split = parse_split(config.holdout) if config.holdout else None
    key = read_key(config.pseudonymize_key_file) if config.pseudonymize_key_file else None
    read = read_orders(orders, config, say)
    lines = parse_lines(read, config, say)
    reason, flagged = judge(lines, read, config, dated=split is not None and split.method == "time")
    rejects = _rejects(read, lines, reason, key, drop_users=config.drop_users)
    summary = _summary(read, lines, rejects, flagged)
    kept = lines.filter(reason.is_null())
    if not kept.height:
        raise _nothing_left(rejects)
    del lines, reason
    # What follows needs the parsed rows only, and the text takes more memory than they do.
    read.lines.raw, read.lines.fields = read.lines.raw.clear(), read.lines.fields.clear()
    if key is not None:
        kept = kept.with_columns(pseudonymize(kept["user_id"], key))
    products, product_rejects = _products(kept, catalogue, config, say, summary)
    interactions = in_order(_interactions(kept, feedback="click" in kept.columns))
    del kept
    summary["interactions"] = _describe(interactions)
    result = CleanedOrders(interactions, rejects, products, product_rejects, summary=summary)
    if config.holdout:
        result.interactions, result.holdout = split_holdout(interactions, config.holdout, seed)
        summary["holdout"] = {"train": result.interactions.height, "holdout": result.holdout.height}
    if config.drop_users:  # last, since splits and rules go by user
        result.interactions = _without_users(result.interactions)
        result.holdout = None if result.holdout is None else _without_users(result.holdout)
    return result


def _without_users(interactions: pl.DataFrame) -> pl.DataFrame:
    """Return the rows without user ids, in an order that does not tell them either."""
    return in_order(interactions.with_columns(pl.lit(None, dtype=pl.String).alias("user_id")))


def _nothing_left(rejects: pl.DataFrame) -> BadData:
    common = rejects["reason"].value_counts().sort("count", "reason", descending=[True, False])["reason"][0]
    first = rejects.filter(pl.col("reason") == common).row(0, named=True)
    # The row's text stays unsaid: it may name a user.
    return BadData(
        f"{first['source']}: every row is left out, most as {common} (first row {first['row']})",
        "name the right columns with --map, or the file's --layout",
    )


def parse_lines(orders: Orders, config: CleanConfig, say: Say) -> pl.DataFrame:
    """Parse every field of the lines.

    Returns:
        The columns of interactions, SOURCE and ROW, texts of the product, the responses of a feedback
        log, and a Boolean `bad_FIELD` for each field with values that cannot be parsed.
    """
    fields = orders.lines.fields
    columns = {name: fields[name] for name in (SOURCE, ROW)}
    feedback = "click" in fields.columns and any(name in fields.columns for name in layouts.FEEDBACK[1:])
    for name, parsed in _parsed(orders, config, feedback=feedback).items():
        columns[name] = parsed.values
        if parsed.bad is not None:
            columns[f"bad_{name}"] = parsed.bad
        if parsed.note:
            say(f"{name}: {parsed.note}")
    if orders.lines.layout == "fimi":
        product = columns["product_id"]
        columns["bad_product"] = ~product.str.contains(r"^\d+$").fill_null(value=True)
    if feedback:
        say("a log of what was shown: rows become impressions, clicks, purchases and dismissals")
    columns |= {name: fields[name] for name in ("title", "brand", "category") if name in fields.columns}
    frame = pl.DataFrame([column.alias(name) for name, column in columns.items()])
    absent = {name: dtype for name, dtype in INTERACTIONS.items() if name not in frame.columns}
    frame = frame.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in absent.items())
    usual = config.event or (
        "impression" if feedback else "rating" if orders.lines.layout == "ratings" else "purchase"
    )
    return frame.with_columns(pl.col("event").fill_null(usual))


def _parsed(orders: Orders, config: CleanConfig, *, feedback: bool) -> dict[str, Parsed]:
    fields, columns = orders.lines.fields, orders.lines.columns
    comma = orders.found[0]["delimiter"] == ";"
    parsed: dict[str, Parsed] = {}
    for name in ("user_id", "order_id", "product_id", *(("list_id", "model") if feedback else ())):
        if name in fields.columns:
            parsed[name] = Parsed(parse_ids(fields[name]))
    numbers = ("quantity", "price", "rating", *(_NUMBERS_OF_FEEDBACK if feedback else ()))
    for name in numbers:
        if name in fields.columns:
            parsed[name] = parse_numbers(fields[name], decimal_comma=comma)
    if "event" in fields.columns:
        parsed["event"] = parse_events(fields["event"])
    if "timestamp" in fields.columns:
        where = f"{orders.sources[0]}, column {columns.get('timestamp', 'timestamp')}"
        preset = PRESETS[config.preset].dayfirst if config.preset else None
        parsed["timestamp"] = parse_times(
            fields["timestamp"], dayfirst=config.dayfirst, preset=preset, where=where
        )
    return parsed


def judge(
    lines: pl.DataFrame, orders: Orders, config: CleanConfig, *, dated: bool
) -> tuple[pl.Series, dict[str, int]]:
    """Apply the rules: first those on single rows, then those on a row among the others.

    Args:
        lines: parsed lines.
        orders: where they came from.
        config: the options of `clean`.
        dated: whether every row needs a time.

    Returns:
        The reason to leave each row out (null: kept), and how many otherwise kept rows are outliers of price
        and of quantity.
    """
    reason = cleaning.row_rules(
        _feedback_checked(lines), config.service_codes, cancelled_prefix=config.preset == "uci"
    )
    if orders.lines.whole_rows:
        # Without an order or a time, equal rows may be two purchases as well as one written twice.
        anchored = lines["order_id"].is_not_null() | lines["timestamp"].is_not_null()
        again = cleaning.duplicate_rows(orders.lines.raw, reason.is_null() & anchored)
        reason = _mark(reason, again, "duplicate_line")
    if dated:
        reason = _mark(reason, lines["timestamp"].is_null(), "missing_timestamp")
    flagged = {}
    for name in ("price", "quantity"):
        places = reason.is_null().arg_true()
        far = cleaning.outliers(lines.select("product_id", name)[places], name)
        flagged[name] = int(far.sum())
        if config.drop_outliers and flagged[name]:
            mask = pl.Series([False]).new_from_index(0, lines.height).scatter(places.filter(far), values=True)
            reason = _mark(reason, mask, f"outlier_{name}")
    if config.min_item_count > 1 or config.min_user_count > 1:
        places = reason.is_null().arg_true()
        ids = lines.select("product_id", "user_id")[places]
        rare = cleaning.rare(ids, config.min_item_count, config.min_user_count)
        reason = reason.scatter(places, rare)
    return reason, flagged


def _feedback_checked(lines: pl.DataFrame) -> pl.DataFrame:
    """Mark rows of a feedback log with a number that it cannot be; only responses must be there."""
    names = [name for name in _NUMBERS_OF_FEEDBACK if name in lines.columns]
    if "click" not in names:
        return lines
    odd = pl.any_horizontal(
        *(~_NUMBERS_OF_FEEDBACK[name].fill_null(value=name not in _RESPONSES) for name in names),
        *(pl.col(f"bad_{name}") for name in names if f"bad_{name}" in lines.columns),
    )
    return lines.with_columns(odd.alias("bad_feedback"))


def _mark(reason: pl.Series, mask: pl.Series, name: str) -> pl.Series:
    new = pl.when(reason.is_null() & mask).then(pl.lit(name, dtype=cleaning.REASON)).otherwise(reason)
    return pl.select(new.alias("reason")).to_series()


def _rejects(
    orders: Orders, lines: pl.DataFrame, reason: pl.Series, key: bytes | None, *, drop_users: bool = False
) -> pl.DataFrame:
    """Collect the rows left out; under a key, or without users, no raw user id is in them."""
    places = reason.is_not_null().arg_true()
    raw = orders.lines.raw[places]
    raw = raw.with_columns(
        pl.col(name).list.eval(pl.element().cast(pl.String)).list.join(";")
        for name, dtype in raw.schema.items() if isinstance(dtype, pl.List)
    )  # fmt: skip
    unread = orders.rejects
    if key is not None or drop_users:
        column = orders.lines.columns.get("user_id")
        if column in raw.columns:
            blank = pl.Series([None], dtype=pl.String).new_from_index(0, raw.height)
            users = blank if key is None else pseudonymize(raw[column].cast(pl.String), key)
            raw = raw.with_columns(users.alias(column))
        # Nobody knows which part of an uncut row is the user.
        unread = unread.with_columns(pl.lit("").alias("raw"))
    names = pl.Series(orders.sources, dtype=pl.String)
    cut = pl.DataFrame(
        {
            "source": names.gather(lines[SOURCE][places]),
            "row": lines[ROW][places],
            "reason": reason[places].cast(pl.String),
            "raw": raw.select(as_csv(raw.columns).alias("raw")).to_series(),
        }
    )
    return pl.concat([unread, cut.cast(REJECTS)]).sort("source", "row", "reason", "raw")  # type: ignore[arg-type]


def _summary(
    orders: Orders, lines: pl.DataFrame, rejects: pl.DataFrame, flagged: dict[str, int]
) -> dict[str, Any]:
    counts = dict(rejects.group_by("reason").len().rows())
    rows_in = lines.height + orders.rejects.height
    return {
        "rows_in": rows_in,
        "rows_kept": rows_in - rejects.height,
        "rows_rejected": rejects.height,
        "rejects": {rule.name: counts[rule.name] for rule in cleaning.RULES if rule.name in counts},
        "flagged_outliers": flagged,
        "missing_user": lines["user_id"].null_count(),
        "missing_timestamp": lines["timestamp"].null_count() - counts.get("unparsable_timestamp", 0),
        "inputs": orders.found,
    }


def _products(
    kept: pl.DataFrame, sources: Sequence[Source], config: CleanConfig, say: Say, summary: dict[str, Any]
) -> tuple[pl.DataFrame | None, pl.DataFrame | None]:
    if not sources and not config.products_output:
        return None, None
    derived = products_of_lines(kept)
    if not sources:
        summary["products"] = {"products": derived.height, "derived": derived.height}
        return derived, None
    entries = [each.removeprefix("products.") for each in config.map if each.startswith("products.")]
    tables = read_catalogue(sources, config, say)
    catalogue, rejects, columns = clean_catalogue(tables, parse_map(entries, CATALOGUE_ALIASES))
    say(f"catalogue: {', '.join(f'{name}={column}' for name, column in columns.items())}")
    products = complete(catalogue, derived)
    summary["products"] = {
        "rows_in": catalogue.height + rejects.height,
        "rows_kept": catalogue.height,
        "rejects": dict(rejects.group_by("reason").len().sort("reason").rows()),
        "derived": products.height - catalogue.height,
        "never_bought": products.height - derived.height,
        "products": products.height,
    }
    return products, rejects


def _interactions(kept: pl.DataFrame, *, feedback: bool) -> pl.DataFrame:
    """Take the columns of the schema; a row of a feedback log gives a row an event."""
    told = {name: dtype for name, dtype in FEEDBACK.items() if feedback and name in kept.columns}
    rows = kept.select(pl.col(name).cast(dtype) for name, dtype in (INTERACTIONS | told).items())
    if not feedback:
        return rows
    happened = [
        rows.filter(kept[name] == 1).with_columns(pl.lit(name).alias("event"))
        for name in _RESPONSES if name in kept.columns
    ]  # fmt: skip
    return pl.concat([rows, *happened])


def _describe(interactions: pl.DataFrame) -> dict[str, Any]:
    first, last = interactions["timestamp"].min(), interactions["timestamp"].max()
    return {
        "rows": interactions.height,
        "users": interactions["user_id"].drop_nulls().n_unique(),
        "orders": interactions["order_id"].drop_nulls().n_unique(),
        "products": interactions["product_id"].n_unique(),
        "events": dict(interactions.group_by("event").len().sort("event").rows()),
        "first": None if first is None else str(first),
        "last": None if last is None else str(last),
    }
