"""A model described for people: what it learned, its parameters, what can be set of it, what it stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import polars as pl

from prodassoc_cli.declare import Setting
from prodassoc_cli.models.registry import family
from prodassoc_cli.wording import number_of

LISTS = {"new": "of new products", "all": "that may repeat", "basket": "for a basket"}
"""The kinds of lists a fusion learns weights for, by their names in the facts."""

_CHOSEN = " ◀"


def describe(header: Mapping[str, Any]) -> list[pl.DataFrame]:
    """Return tables for people: counts, how the parts of a fusion did, parameters, and what is stored.

    Args:
        header: of a model artifact (see `artifact.to_arrow`).
    """
    facts = header["facts"]
    tables = [_counts(facts), _validation(facts), _parameters(header), _stored(header["arrays"])]
    return [table for table in tables if table.height]


def parameter_table(model: str) -> pl.DataFrame:
    """Return what can be set of a model: parameter, default, possible values, meaning.

    Raises:
        UsageProblem: there is no such model.
    """
    declared = family(model).Parameters
    hints = get_type_hints(declared)
    rows = []
    for each in fields(declared):
        about: Setting = each.metadata["setting"]
        default = "" if each.default is None else str(each.default)
        rows.append((each.name, default, _possible(hints[each.name], about), about.meaning))
    columns = ["parameter", "default", "possible", "meaning"]
    return pl.DataFrame(rows, dict.fromkeys(columns, pl.String), orient="row")


def _possible(hint: Any, about: Setting) -> str:  # noqa: ANN401 — any annotation
    if get_origin(hint) is Literal:
        return ", ".join(get_args(hint))
    if about.low is not None and about.high is not None:
        return f"{about.low:,} to {about.high:,}"
    return f"{about.low:,} or more" if about.low is not None else ""


def _counts(facts: Mapping[str, Any]) -> pl.DataFrame:
    counts = {name: facts[name] for name in ("users", "products", "pairs", "orders") if name in facts}
    return _pairs("learned from", "count", {name: f"{value:,}" for name, value in counts.items()})


def _validation(facts: Mapping[str, Any]) -> pl.DataFrame:
    """Return for each part and the fusion its metric on each kind of list, and its share of the scores."""
    modes = {mode: facts[mode] for mode in LISTS if mode in facts}
    if not modes:
        return pl.DataFrame()
    metric = next(key for mode in modes.values() for key in mode if "@" in key)
    first = next(iter(modes.values()))[metric]
    parts = facts["parts"]
    names = sorted(first, key=lambda name: (name in parts, -first[name], name))
    columns = {f"{metric} of lists": names}
    for mode, each in modes.items():
        columns[f"{LISTS[mode]} ({number_of(each['users'], 'user')})"] = [
            f"{each[metric][name]:.4f}{_share(each, name, parts)}" if name in each[metric] else ""
            for name in names
        ]
    return pl.DataFrame(columns)


def _share(mode: Mapping[str, Any], name: str, parts: Mapping[str, Any]) -> str:
    """Return what a part gives to the scores where the fusion ranks, and a mark where it ranks itself."""
    if mode["chosen"] == name:
        return _CHOSEN
    share = 0 if mode["chosen"] in parts else mode["shares"].get(name, 0)
    return f"  {share:.0%}" if share else ""


def _parameters(header: Mapping[str, Any]) -> pl.DataFrame:
    given = header["parameters"]
    parts = {name: each for name, each in given.items() if isinstance(each, Mapping)}
    own = {name: each for name, each in given.items() if name not in parts}
    texts = {
        name: ", ".join(f"{key}={value}" for key, value in each.items() if value is not None)
        for name, each in ({header["name"]: own} | parts).items()
    }
    return _pairs("model", "parameters", {name: text for name, text in texts.items() if text})


def _stored(arrays: Mapping[str, Mapping[str, int]]) -> pl.DataFrame:
    """Return how many values each room of the artifact holds; of a fusion, each part's."""
    rooms: dict[str, int] = {}
    for name, shape in sorted(arrays.items()):
        room, _, rest = name.partition("/")
        room = f"{room}/{rest.partition('/')[0]}" if room == "model" and "/" in rest else room
        rooms[room] = rooms.get(room, 0) + shape["length"] * shape.get("width", 1)
    return _pairs("stored", "values", {room: f"{count:,}" for room, count in rooms.items()})


def _pairs(name: str, value: str, rows: Mapping[str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        {name: list(rows), value: list(rows.values())}, schema=[(name, pl.String), (value, pl.String)]
    )
