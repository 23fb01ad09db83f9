"""What `mine` does with interactions, step by step: baskets, itemsets, rules and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from prodassoc_cli.errors import BadData, UsageProblem
from prodassoc_cli.settings import MineConfig
from prodassoc_cli.stage import StageContext, StageResult
from prodassoc_cli.wording import number_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa

    from prodassoc_cli.mining.baskets import Baskets
    from prodassoc_cli.mining.itemsets import Itemsets
    from prodassoc_cli.mining.products.constraints import Sides
    from prodassoc_cli.mining.products.relations import PairEvidence, Thresholds
    from prodassoc_cli.mining.products.taxonomy import Taxonomy
    from prodassoc_cli.mining.selection.rule_selection import RuleSelection

SHOWN_RULES = 20
SHOWN_COLUMNS = ("count", "support", "confidence", "lift")
SHOWN_FURTHER = ("q_value", "holdout_support", "similarity", "relation")


def check_values(config: MineConfig) -> None:
    """Refuse values of options that name nothing, before anything is read.

    Raises:
        UsageProblem: there is no such measure or way to prune.
    """
    from prodassoc_cli.mining.measures import REQUIRED_MEASURES, chosen_measures, measure, minimum_values
    from prodassoc_cli.mining.selection.pruning import pruning

    if config.sequence is not None and config.sort_by not in REQUIRED_MEASURES:
        raise UsageProblem(
            f"`sequence` has no measure '{config.sort_by}'", f"sort by {', '.join(REQUIRED_MEASURES)}"
        )
    about = "generalized" if config.generalized else f"level={config.level}"
    if (config.generalized or config.level != "product") and not (config.products or config.topics):
        needed = "topics" if config.level == "topic" else "products"
        raise UsageProblem(f"`{about}` needs `{needed}`", f"add `{needed}=FILE`")
    measure(config.sort_by)
    chosen_measures(config.measures)
    minimum_values(config.min)
    pruning(config.prune)


def locates_baskets(config: MineConfig) -> bool:
    """Return whether it matters which rows a basket was made of."""
    return config.sequence is not None or bool(
        config.min_users or config.embeddings or config.outliers_output
    )


def needs_only_baskets(config: MineConfig) -> bool:
    """Return whether baskets are all that is wanted of the interactions, so that they may come in pieces."""
    whole = locates_baskets(config) or config.exclude or config.generalized or config.level != "product"
    return not whole


class MiningStage:
    """The work of `mine`.

    Args:
        config: its options.
        interactions: what happened; where baskets are all that is wanted (`needs_only_baskets`), in pieces or
            as baskets already.
        products: the catalogue.
        embeddings: vectors of the products.
        encoder: what made them, by its name in their lineage; None where that is not known.
        unread: ids of products whose titles it hardly reads; None for none.
        holdout: other interactions to test rules on.
        context: what it works with and whom it tells.

    Attributes:
        baskets: the baskets of what is mined.
        sets: the itemsets, after `find_sets`.
        products: the catalogue.
        min_count: minimum number of baskets, or of users for sequences.
    """

    sets: Itemsets
    min_count: int

    def __init__(
        self,
        config: MineConfig,
        interactions: pl.DataFrame | Iterator[pa.Table] | Baskets,
        *,
        products: pl.DataFrame | None = None,
        embeddings: pl.DataFrame | None = None,
        encoder: str | None = None,
        unread: pl.Series | None = None,
        holdout: pl.DataFrame | None = None,
        context: StageContext,
    ) -> None:
        from prodassoc_cli.mining.basket_builder import baskets_from_pieces
        from prodassoc_cli.mining.baskets import Baskets

        self._config, self._context = config, context
        self.products, self._embeddings, self._encoder = products, embeddings, encoder
        self._unread = unread
        self._parents: dict[str, str] = {}
        self._holdout = None
        if holdout is not None:
            self._holdout = self._about(self._included(holdout, strict=False), "`validate`: ")
        if isinstance(interactions, Baskets):
            self.baskets = interactions
            return
        if isinstance(interactions, Iterator):
            self.baskets = baskets_from_pieces(interactions, config.max_basket_size, context.warn)
            return
        self._interactions = self._about(self._included(interactions))
        locate = locates_baskets(config)
        self.baskets = self._to_baskets(self._interactions, locate)
        if not locate:
            self._interactions = self._interactions.clear()

    def results(self) -> Iterator[StageResult]:
        """Yield what was asked for, rules first."""
        config = self._config
        if config.sequence is not None:
            yield self._of_rules(self.sequences(), users=self.n_users)
            return
        self.find_sets()
        baskets = {"baskets": len(self.baskets)}
        if config.target == "rules":
            yield self._of_rules(self.rules(), **baskets)
        if config.target != "rules" or config.itemsets_output:
            yield StageResult(
                "itemsets" if config.target == "rules" else "output", self.sets.tables(), baskets
            )
        if self._wants_relations:
            yield StageResult("relations", self.related_products())
        if config.outliers_output:
            yield StageResult("outliers", self.outliers(), baskets)

    @property
    def _wants_relations(self) -> bool:
        """Whether complements, substitutes and variants are written, or shown in a report."""
        return bool(self._config.relations_output or (self._config.report and self._embeddings is not None))

    def _of_rules(self, rules: pl.DataFrame, **facts: int) -> StageResult:
        return StageResult("output", rules, facts, _with_titles(rules.head(SHOWN_RULES), self.products))

    def _to_baskets(self, interactions: pl.DataFrame, locate: bool = False) -> Baskets:
        from prodassoc_cli.mining.basket_builder import baskets_from_interactions

        return baskets_from_interactions(
            interactions, self._config.max_basket_size, self._context.warn, locate
        )

    def _included(self, interactions: pl.DataFrame, strict: bool = True) -> pl.DataFrame:
        """Leave out the products excluded."""
        import polars as pl

        from prodassoc_cli.mining.products.constraints import named_products

        if not self._config.exclude:
            return interactions
        excluded = named_products(
            self._config.exclude, "exclude", interactions["product_id"].unique(), self.products, strict
        )
        return interactions.filter(~pl.col("product_id").is_in(sorted(excluded)))

    def _about(self, interactions: pl.DataFrame, name: str = "") -> pl.DataFrame:
        """Replace products by what they belong to, or add it; `name` is what the interactions are called."""
        from prodassoc_cli.mining.products.taxonomy import at_level, with_ancestors

        if self._config.generalized and self.products is not None:
            interactions, self._parents = with_ancestors(interactions, self.products)
        elif self._config.level != "product" and self.products is not None:
            interactions, lost = at_level(interactions, self.products, self._config.level)
            if lost:
                self._context.warn(
                    f"{name}{number_of(lost, 'row')} left out: their product has no {self._belonging}"
                )
        return interactions

    @property
    def _belonging(self) -> str:
        """Name of what the level makes of a product."""
        return self._config.level if self._config.level in ("product", "brand", "topic") else "category"

    @property
    def _plural(self) -> str:
        return {"category": "categories"}.get(self._belonging, f"{self._belonging}s")

    @property
    def _decisive(self) -> str:
        """Name of the option that sets the minimum count."""
        config = self._config
        if config.min_users and config.min_users == self.min_count:
            return "min_users"
        return "min_support" if config.min_count is None else "min_count"

    @cached_property
    def _users(self) -> np.ndarray | None:
        from prodassoc_cli.mining.patterns.user_support import users_of_baskets

        return users_of_baskets(self.baskets, self._interactions["user_id"])

    @property
    def n_users(self) -> int:
        """Number of distinct users with a basket."""
        return 0 if self._users is None else int(self._users.max(initial=-1)) + 1

    @cached_property
    def _taxonomy(self) -> Taxonomy | None:
        from prodassoc_cli.mining.products.taxonomy import taxonomy_of

        return taxonomy_of(self.baskets.item_ids, self._parents) if self._config.generalized else None

    def find_sets(self) -> None:
        """Find the itemsets, and say what was looked for and found."""
        context, config, baskets = self._context, self._config, self.baskets
        from prodassoc_cli.mining.support import resolve_min_count

        with context.loading():
            import prodassoc_cli.mining.itemsets  # noqa: F401

        min_count = resolve_min_count(len(baskets), config.min_support, config.min_count)
        self.min_count = max(min_count, config.min_users or 1)
        searched = self._searched()
        sets = self._search(searched, self.min_count, config.target, config.max_size)
        if self._taxonomy is not None:
            from prodassoc_cli.mining.products.taxonomy import without_own_ancestors

            sets = without_own_ancestors(sets, self._taxonomy)
        before = len(sets)
        if config.min_users is not None:
            with context.loading():
                from prodassoc_cli.mining.patterns.user_support import with_min_users

            sets = with_min_users(sets, searched, self._users, config.min_users)
        self.sets = sets
        share = self.min_count / len(baskets) if len(baskets) else 0
        word = "frequent" if config.target == "rules" else config.target
        what = "products and categories" if config.generalized else self._plural
        context.say(
            f"{number_of(len(baskets), 'basket')}, {len(baskets.item_ids):,} {what}, "
            f"{before:,} {word} itemsets in at least {self.min_count:,} baskets ({share:.3%})"
        )
        if not before:
            context.warn(self._why_no_sets())
        elif config.min_users is not None:
            context.say(f"{len(sets):,} of them backed by at least {config.min_users:,} users")
        facts = {"baskets": len(baskets), "products": len(baskets.item_ids)}
        context.note({**facts, "min_count": self.min_count, "itemsets": len(sets)})

    def _search(self, baskets: Baskets, min_count: int, target: str, max_size: int | None) -> Itemsets:
        """Return the itemsets of baskets."""
        from prodassoc_cli.mining.itemsets import mine_itemsets

        return mine_itemsets(
            baskets,
            min_count=min_count,
            target=target,
            algorithm=self._config.algorithm,
            max_size=max_size,
            threads=self._context.threads,
            memory_limit=self._context.memory_left(),
        )

    def rules(self) -> pl.DataFrame:
        """Make the rules, and say what was asked of them and how many passed."""
        context, config = self._context, self._config
        with context.loading():
            from prodassoc_cli.mining.measures import chosen_measures, minimum_values
            from prodassoc_cli.mining.rules import mine_rules

        sides = self._sides()
        selection = self._selection(sides)
        rules = mine_rules(
            self.sets,
            min_confidence=config.min_confidence,
            min_lift=config.min_lift,
            max_consequent=config.max_consequent,
            sort_by=config.sort_by,
            top=config.top,
            threads=context.threads,
            memory_limit=context.memory_left(),
            measures=chosen_measures(config.measures),
            minimum=minimum_values(config.min),
            keep=sides,
            select=selection,
        )
        self._say_rules(rules.height)
        if selection is not None:
            context.say(selection.account())
            context.note(selection.facts)
        if len(self.sets) and rules.is_empty():
            context.warn(self._why_no_rules(selection))
        if self._embeddings is not None:
            from prodassoc_cli.mining.products.relations import with_relations

            rules = with_relations(rules, self._evidence, self._thresholds)
        return rules

    def _say_rules(self, found: int) -> None:
        config = self._config
        first = f", the first {config.top} by {config.sort_by}" if config.top == found else ""
        bounds = f"confidence ≥ {config.min_confidence:g} and lift ≥ {config.min_lift:g}"
        self._context.say(f"{number_of(found, 'rule')} of {bounds}{first}")

    @cached_property
    def _wanted(self) -> tuple[set[str] | None, set[str] | None]:
        """Products of which the left and the right side of a rule must hold one."""
        from prodassoc_cli.mining.products.constraints import named_products

        config, known = self._config, self.baskets.item_ids
        left, right = (
            named_products(words, option, known, self.products) if words else None
            for words, option in ((config.antecedent, "antecedent"), (config.consequent, "consequent"))
        )
        return left, right

    def _searched(self) -> Baskets:
        """Return the baskets to search: without strangers to the rules, where only rules are wanted."""
        from prodassoc_cli.mining.products.constraints import without_strangers

        config = self._config
        all_sets = config.itemsets_output or config.outliers_output or self._wants_relations
        if all_sets or config.generalized or self._wanted == (None, None):
            return self.baskets
        return without_strangers(self.baskets, self.min_count, self._wanted)

    def _sides(self) -> Sides | None:
        """Return what the sides of a rule must hold."""
        from prodassoc_cli.mining.products.constraints import Sides

        return None if self._wanted == (None, None) else Sides(self.sets, *self._wanted)

    def _selection(self, sides: Sides | None) -> RuleSelection | None:
        """Return what decides which rules to believe; None where nothing was asked for."""
        config = self._config
        asked = config.correction or config.prune or config.validate or config.min_interest
        if config.fdr is None and not asked:
            return None
        from prodassoc_cli.mining.selection.pruning import pruning
        from prodassoc_cli.mining.selection.rule_selection import RuleSelection, space_of

        holdout = None if self._holdout is None else self._to_baskets(self._holdout)
        frequent = self.baskets.counts >= self.min_count
        return RuleSelection(
            self.sets,
            space_of(self.sets, frequent, config.max_consequent, config.max_size, sides),
            pruning(config.prune),
            config.correction or ("webb" if config.fdr is not None and holdout is None else None),
            config.fdr,
            holdout,
            self._taxonomy,
            config.min_interest,
        )

    def _why_no_sets(self) -> str:
        """Return what to change where no itemset is frequent."""
        from prodassoc_cli.mining.support import nothing_found

        nothing = nothing_found(self.baskets, self.min_count, self._decisive)
        return (self._why_no_pairs() or nothing) if self._config.target == "rules" else nothing

    def _why_no_rules(self, selection: RuleSelection | None) -> str:
        """Return what to change where no rule is left, by where the last of them went."""
        config = self._config
        if why := self._why_no_pairs():
            return why
        if selection is None or not selection.facts["rules_tested"]:
            bounds = ("antecedent", "consequent", "min", "min_users")
            given = [f", `{name}`" for name in bounds if getattr(config, name)]
            return f"no rule passes: lower `min_support`, `min_confidence` or `min_lift`{''.join(given)}"
        if selection.facts["rules_pruned"] == selection.facts["rules_tested"]:
            tested = number_of(selection.facts["rules_tested"], "rule")
            return f"nothing is left of {tested} by `prune` or `min_interest`"
        return (
            f"no rule is significant at `fdr={config.fdr:g}`: fewer hypotheses help, with `max_size=2`, "
            "a higher `min_support` or `antecedent`"
        )

    def _why_no_pairs(self) -> str | None:
        """Return why no itemset has two products, as a rule needs; None where one has, or it is unknown."""
        from prodassoc_cli.mining.kernels.tree import sizes_of
        from prodassoc_cli.mining.support import nearest

        config, baskets = self._config, self.baskets
        if not len(baskets) or sizes_of(self.sets.tree).max(initial=0) > 1:
            return None
        if config.max_size == 1:
            return "a rule needs two products: `max_size=1` finds none"
        if baskets.counts.sum() == len(baskets):
            none = f"every basket holds a single {self._belonging}, so there are no rules"
            whole = "; for baskets of all that a user bought, `clean map=order_id=…` with the column of users"
            return none + (whole if config.level == "product" else "")
        if config.generalized or config.min_users or self._wanted != (None, None):
            return None
        count = self._highest_pair()
        if count is None:
            return None
        return nearest(f"pair of {self._plural}", count, len(baskets), self._decisive)

    def _highest_pair(self) -> int | None:
        """Return in how many baskets the most frequent pair is, where there is one and it is not frequent."""
        import numpy as np

        from prodassoc_cli.mining.kernels.bitsets import COUNT
        from prodassoc_cli.mining.kernels.tree import sizes_of

        bound = min(self.min_count, int(self.baskets.counts[1]) + 1)  # no pair is in so many
        while bound > 2:
            bound = max(2, bound // 2)
            try:
                tree = self._search(self.baskets, bound, "frequent", 2).tree
            except BadData:  # too many to hold
                return None
            found = tree[COUNT, np.flatnonzero(sizes_of(tree) == 2)]
            if len(found):
                return int(found.max())
        return 1

    def sequences(self) -> pl.DataFrame:
        """Make the rules across orders, and say how many there are."""
        context, config = self._context, self._config
        from prodassoc_cli.mining.support import resolve_min_count

        with context.loading():
            from prodassoc_cli.mining.patterns.sequences import orders_of, sequence_rules

        assert config.sequence is not None
        orders = orders_of(self.baskets, self._users, self._interactions["timestamp"])
        min_count = resolve_min_count(orders.n_users, config.min_support, config.min_count)
        self.min_count = max(min_count, config.min_users or 1)
        rules = sequence_rules(
            orders,
            config.sequence,
            min_count=self.min_count,
            min_confidence=config.min_confidence,
            min_lift=config.min_lift,
            correction=config.correction or (None if config.fdr is None else "webb"),
            level=config.fdr,
            sort_by=config.sort_by,
            top=config.top,
        )
        context.say(
            f"{number_of(orders.n_users, 'user')}, {number_of(len(orders.user), 'order')}; "
            f"a sequence needs at least {self.min_count:,} users"
        )
        self._say_rules(rules.height)
        if rules.is_empty():
            context.warn(
                "no sequence passes: raise `sequence`, or lower `min_support`, `min_confidence` or `min_lift`"
            )
        context.note({"users": orders.n_users, "orders": len(orders.user), "min_count": self.min_count})
        return rules

    @cached_property
    def _evidence(self) -> PairEvidence:
        from prodassoc_cli.mining.products.relations import evidence_of

        assert self._embeddings is not None
        return evidence_of(self.baskets, self._users, self._embeddings, self.products, self._unread)

    @cached_property
    def _thresholds(self) -> Thresholds:
        from prodassoc_cli.mining.products.relations import Thresholds
        from prodassoc_cli.resemblance.scale import relation_scale

        config, context = self._config, self._context
        scale = relation_scale(
            self._encoder, config.variant_similarity, config.substitute_similarity, context.say, context.warn
        )
        return Thresholds(scale.variant, scale.substitute, config.relation_level)

    def related_products(self) -> pl.DataFrame:
        """Return complements, substitutes and variants, and say how many of each."""
        import numpy as np

        from prodassoc_cli.mining.kernels.bitsets import ITEM, PARENT
        from prodassoc_cli.mining.kernels.tree import sizes_of
        from prodassoc_cli.mining.products.expected import with_expected
        from prodassoc_cli.mining.products.relations import related_pairs

        tree = self.sets.tree
        pairs = np.flatnonzero(sizes_of(tree) == 2)
        frequent = np.unique(tree[ITEM])
        together = tree[ITEM, pairs], tree[ITEM, tree[PARENT, pairs]]
        found = related_pairs(self._evidence, frequent, together, self._thresholds)
        counts = dict(found["relation"].value_counts().sort("relation").iter_rows())
        said = ", ".join(f"{number_of(number // 2, 'pair')} of {name}s" for name, number in counts.items())
        self._context.say(said or "no products are related")
        assert self._embeddings is not None
        every = with_expected(found, self.baskets, self._embeddings, self._context.seed)
        if every.height > found.height:
            rare = number_of(every["product_id"][found.height :].n_unique(), "product")
            self._context.say(
                f"{rare} in few baskets or none: what they are expected to go with (relation expected)"
            )
        return every

    def outliers(self) -> pl.DataFrame:
        """Return a score per basket of how few frequent sets it fits."""
        from prodassoc_cli.mining.patterns.outlier_baskets import outlier_scores

        return outlier_scores(self.sets, self.baskets, self._interactions)


def _with_titles(rules: pl.DataFrame, products: pl.DataFrame | None) -> pl.DataFrame:
    """Return the rules as people read them: titles instead of ids where the products are given."""
    from prodassoc_cli.artifacts.titles import with_titles

    named = rules if products is None else with_titles(rules, products, ("antecedent", "consequent"))
    further = [name for name in SHOWN_FURTHER if name in rules.columns]
    return named.select("antecedent", "consequent", *SHOWN_COLUMNS, *further)
