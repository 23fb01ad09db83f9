"""Which options of `mine` go together."""

from __future__ import annotations

from prodassoc_cli.errors import UsageProblem
from prodassoc_cli.settings import MineConfig

_FOR_RULES = (
    "itemsets_output", "measures", "min", "prune", "antecedent", "consequent", "fdr", "correction",
    "validate", "sequence", "embeddings", "generalized", "report",
)  # fmt: skip
_NOT_FOR_SEQUENCES = (
    "itemsets_output", "outliers_output", "relations_output", "measures", "min", "prune", "antecedent",
    "consequent", "validate", "embeddings", "generalized", "min_interest",
)  # fmt: skip


def check(config: MineConfig) -> None:
    """Refuse options that do not go together or say nothing, before anything is read."""
    from prodassoc_cli.mining.measures import REQUIRED_MEASURES, chosen_measures, least_values, measure
    from prodassoc_cli.mining.selection.pruning import pruning

    if config.target != "rules":
        _refuse(config, _FOR_RULES, f"--target {config.target}", "is for rules")
    if config.sequence is not None:
        _refuse(config, _NOT_FOR_SEQUENCES, "--sequence", "does not go with it")
        if config.sort_by not in REQUIRED_MEASURES:
            raise UsageProblem(
                f"--sequence has no measure '{config.sort_by}'", f"sort by {', '.join(REQUIRED_MEASURES)}"
            )
    if config.generalized and config.level != "product":
        raise UsageProblem("--generalized and --level exclude each other", "drop one of them")
    if (config.generalized or config.level != "product") and not config.products:
        raise UsageProblem("categories and brands stand in the catalogue", "give it with --products")
    if (config.generalized or config.level != "product") and (config.embeddings or config.validate):
        raise UsageProblem(
            "--embeddings and --validate are for rules of products", "drop --level or --generalized"
        )
    if config.min_interest is not None and not config.generalized:
        raise UsageProblem("--min-interest is for --generalized rules", "add --generalized")
    if config.relations_output and not config.embeddings:
        raise UsageProblem("--relations-output needs vectors of the products", "give them with --embeddings")
    if config.validate and config.correction == "webb":
        raise UsageProblem(
            "--correction webb counts the rules searched; --validate tests only those found",
            "use --correction holm, bonferroni, bh or by",
        )
    measure(config.sort_by)
    chosen_measures(config.measures)
    least_values(config.min)
    pruning(config.prune)


def locates(config: MineConfig) -> bool:
    """Tell whether it matters which rows a basket was made of."""
    return config.sequence is not None or bool(
        config.min_users or config.embeddings or config.outliers_output
    )


def _refuse(config: MineConfig, names: tuple[str, ...], beside: str, why: str) -> None:
    for name in names:
        if getattr(config, name) not in (None, False, []):
            flag = "--" + name.replace("_", "-")
            raise UsageProblem(f"{beside}: {flag} {why}", f"drop {flag} or {beside.split()[0]}")
