"""What `train` does with training data: parameters are tuned if asked for, and a model is fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from prodassoc_cli.stage import StageContext
from prodassoc_cli.wording import number_of

if TYPE_CHECKING:
    from prodassoc_cli.models.data import TrainingData
    from prodassoc_cli.models.model import TrainedModel


def train_model(
    name: str,
    data: TrainingData,
    context: StageContext,
    *,
    parameters: Sequence[str] = (),
    trials: int | None = None,
    fit: Callable[..., TrainedModel] | None = None,
) -> TrainedModel:
    """Fit the model asked for, and say what it learned.

    Args:
        name: one of `registry.MODELS`.
        data: what to learn from.
        context: what it works with and whom it tells.
        parameters: assignments `name=value`.
        trials: number of sets of parameters to try first; None to take the parameters as they are.
        fit: fits a model elsewhere, called as `models.model.train`; None to fit it here.

    Raises:
        UsageProblem: no such model or parameter, or the data lack what the model needs.
    """
    from prodassoc_cli.models.model import train

    if trials is not None:
        from prodassoc_cli.models.hybrid.tuning import tune

        with context.progress("trying parameters") as progress:
            parameters, found = tune(name, data, trials, parameters, context.seed, context.threads, progress)
        context.note({"tuning": found})
        for line in _tuning_lines(name, found):
            context.say(line)
    if note := data.relevance.note():
        context.say(note)
    model = (fit or train)(name, data, parameters=parameters, seed=context.seed, threads=context.threads)
    context.note({"model": model.facts})
    context.say(
        f"{model.name}: {number_of(model.facts['users'], 'user')}, "
        f"{number_of(model.facts['products'], 'product')}, "
        f"{number_of(model.facts['pairs'], 'pair')} of user and product"
    )
    for line in _validation_lines(model.facts):
        context.say(line)
    return model


def _tuning_lines(model: str, found: dict[str, Any]) -> list[str]:
    """Return what the search chose, one line per model."""
    lines = []
    for name, each in ({model: found} if "chosen" in found else found).items():
        (metric, ndcg), *_ = ((key, value) for key, value in each.items() if key.startswith("ndcg"))
        chosen = ", ".join(f"{key}={value}" for key, value in each["chosen"].items()) or "as they were"
        lines.append(
            f"tuned {name}: {chosen} ({metric} {ndcg['before']:.4f} → {ndcg['after']:.4f}, "
            f"{each['trials']} trials, {number_of(each['users'], 'user')})"
        )
    return lines


def _validation_lines(facts: dict[str, Any]) -> list[str]:
    """Return what a fusing model learned about its parts, one line per kind of list."""
    from prodassoc_cli.models.storage.describe import LISTS

    lines = []
    for mode in ("new", "all"):
        if mode not in facts:
            continue
        words, found = f"lists {LISTS[mode]}", facts[mode]
        (metric, by_model), *_ = ((key, value) for key, value in found.items() if key.startswith("ndcg"))
        scores = ", ".join(
            f"{name} {value:.4f}" for name, value in sorted(by_model.items(), key=lambda each: -each[1])
        )
        shares = ", ".join(f"{name} {share:.0%}" for name, share in found["shares"].items())
        lines.append(f"{words}: validation {metric} over {number_of(found['users'], 'user')}: {scores}")
        lines.append(f"{words}: ranked by {found['chosen']}; contributions: {shares}")
    return lines
