"""The users behind the baskets: which user each basket is of, and how many stand behind a set."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow.compute as pc

from prodassoc_cli.errors import BadData
from prodassoc_cli.mining.baskets import Baskets
from prodassoc_cli.mining.itemsets import Itemsets
from prodassoc_cli.mining.selection.lattice import only_nodes
from prodassoc_cli.mining.selection.set_coverage import cover


def users_of_baskets(baskets: Baskets, user_id: pl.Series) -> np.ndarray | None:
    """Return the user of each basket as an integer, int32, -1 for none; None where no basket has a user.

    Args:
        baskets: made with `locate`.
        user_id: the column of the interactions they were made from.
    """
    assert baskets.first_rows is not None
    ids = user_id.gather(baskets.first_rows).cast(pl.String)
    if ids.null_count() == len(ids):
        return None
    codes = pc.dictionary_encode(ids.to_arrow()).indices
    return np.from_dlpack(pc.fill_null(codes, -1)).astype(np.int32)


def with_min_users(itemsets: Itemsets, baskets: Baskets, user: np.ndarray | None, minimum: int) -> Itemsets:
    """Return the sets that at least so many distinct users bought as a whole.

    A set's parts have at least its users, so what is left is still closed under taking parts.
    Baskets without a user count for nobody: their user is unknown.

    Args:
        itemsets: any sets.
        baskets: the baskets they were found in.
        user: from `users_of_baskets`.
        minimum: minimum number of users.

    Raises:
        BadData: no basket has a user.
    """
    if user is None:
        raise BadData(
            "`min_users` counts users, but no basket has a user_id",
            "leave it out, or clean with `map=user_id=…`",
        )
    return only_nodes(itemsets, cover(itemsets, baskets, user).users >= minimum)
