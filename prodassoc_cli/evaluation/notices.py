"""What a reader of the metrics should know, in sentences that a report can say in its own language."""

from __future__ import annotations

NOTICES = {
    "no_list": "'{model}' has no list for {without:,} of {users:,} users: they count 0",
    "short_lists": "the lists of '{model}' end at {longest}: at k={k} the rest counts as missed",
    "outside_catalogue": "'{model}' recommends {outside:,} products outside the catalogue",
    "strange_users": "{both:,} of {all:,} users of the truth are in '{model}'{clause}",
    "strange_products": "{both:,} of {all:,} products of the truth are in '{model}'{clause}",
    "low_ratings": "low ratings are no hits: {low:,} of {ratings:,} in the truth are below {bound}",
    "low_on_scale": (
        "low ratings are no hits: {low:,} of {ratings:,} in the truth are not above {middle}, the middle of "
        "the scale from {lowest} to {highest}; `relevant_from` sets another bound"
    ),
    "no_prediction": (
        "'{model}' predicts no rating for {without:,} of {users:,} users with ratings in the truth"
    ),
    "same_rows": (
        "{same:,} of {rows:,} truth rows stand in the training rows too: the models have seen the answers"
    ),
    "older_rows": (
        "{older:,} of {rows:,} truth rows are older than their user's last training row (users: {users:,}): "
        "the models have seen the users' future"
    ),
    "known_pairs": (
        "{known:,} of {pairs:,} truth pairs of user and product are in training too: bought again, or "
        "leaked; lists without products already seen cannot hit them"
    ),
    "of_model": "'{model}': {notice}",
    "answers": (
        "{answers:,} of {pairs:,} truth pairs of user and product are in its history at the same time: it "
        "was trained on the answers"
    ),
    "known_to_model": (
        "{known:,} of {pairs:,} truth pairs of user and product are already in its history: bought again, or "
        "leaked"
    ),
    "unseen": "{notice}; its lists leave out what a user already has, so they cannot be hits",
    "no_estimate": "no off-policy estimate: {reason} ({models})",
    "no_propensity": "{missing:,} of {rows:,} impressions have no propensity",
    "wrong_propensity": "{wrong:,} propensities are not above 0 and at most 1",
    "no_place": "impressions have no user or no position",
    "no_user_of_log": "no user of the log has a list here",
    "little_overlap": (
        "too little overlap: the log shows what the lists do in {same:,} of {rows:,} places, worth "
        "{effective} independent ones"
    ),
    "unshown": (
        "the log could not show part of the lists, for which IPS counts no click: look at snips_ctr and "
        "dr_ctr; mean weight, which should be 1 ({models})"
    ),
    "odd_weights": (
        "the propensities are not those the log was made with; mean weight, which should be 1 ({models})"
    ),
}
"""Every notice in English, by its name; the files of messages of the report have them in other languages."""


class Notice(str):
    """A sentence in English, which remembers what it was made of.

    Args:
        name: of `NOTICES`.
        values: by placeholder: numbers, texts, and notices within a notice.
    """

    __slots__ = ("name", "values")
    name: str
    values: dict[str, object]

    def __new__(cls, name: str, /, **values: object) -> Notice:
        """Return the sentence."""
        notice = super().__new__(cls, NOTICES[name].format(**values))
        notice.name, notice.values = name, values
        return notice
