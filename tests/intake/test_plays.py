"""Play counts and time watched: weights of what users did, neither ratings nor quantities bought."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from prodassoc_cli import api
from prodassoc_cli.intake.columns.match import done_with
from prodassoc_cli.models.data import TrainingData
from prodassoc_cli.models.storage.streaming import GatheredData
from prodassoc_cli.models.weight_scale import WeightScale

PLAYS = """listener,track,listen_count
ann,lullaby,40
ann,march,1
ben,lullaby,12
ben,waltz,3
cem,march,0
cem,waltz,many
dot,waltz,
"""


@pytest.fixture
def plays(clean):
    """Clean the plays, with further options."""
    return lambda **options: clean(PLAYS, **({"map": ["user_id=listener", "product_id=track"]} | options))


def test_counts_are_weights_of_views(plays):
    found = plays().interactions
    assert set(found["event"].cast(pl.String)) == {"view"}
    assert found.sort("user_id", "product_id")["weight"].to_list() == [40, 1, 12, 3, None]
    assert found["quantity"].null_count() == found["rating"].null_count() == found.height


def test_what_was_not_played_and_what_is_no_number_is_left_out_and_said(plays):
    assert plays().summary["rejects"] == {"unparsable_weight": 1, "weight_not_positive": 1}


def test_the_layout_is_said_and_overruled(plays, clean):
    assert plays().summary["inputs"][0]["layout"] == "plays"
    assert any("how much of it in listen_count; `event=purchase`" in each for each in clean.said)
    bought = plays(event="purchase")
    assert set(bought.interactions["event"].cast(pl.String)) == {"purchase"}
    assert "weight_not_positive" not in bought.summary["rejects"]


def test_a_known_export_of_plays(clean):
    found = clean(
        "userID\tartistID\tweight\n2\t51\t13883\n2\t52\t11690\n3\t51\t20\n", name="user_artists.dat"
    )
    assert found.summary["inputs"][0]["preset"] == "lastfm"
    assert found.interactions["weight"].sort().to_list() == [20, 11690, 13883]


def test_a_log_with_events_keeps_them(clean):
    found = clean("user_id,item_id,event,watch_time\na,x,view,30\na,x,purchase,0\nb,x,view,0\n")
    assert found.summary["rejects"] == {"weight_not_positive": 1}
    assert sorted(found.interactions["event"].cast(pl.String)) == ["purchase", "view"]


def test_decimal_commas_are_read(clean):
    found = clean("user_id;item_id;hours_played\na;x;1,5\na;y;12,25\nb;x;0,75\n")
    assert found.interactions["weight"].sort().to_list() == [0.75, 1.5, 12.25]


@pytest.mark.parametrize(
    ("column", "did"),
    [
        ("Listens", "listened"), ("watch_time", "watched"), ("Watch Time", "watched"), ("plays", "played"),
        ("播放次数", "played"), ("视听", ""), ("weight", ""), ("視聴時間", "watched"),
    ],
)  # fmt: skip
def test_the_header_tells_what_was_done(column, did):
    assert done_with([column]) == did


def frame(weights, *, users=None):
    n = len(weights)
    return pl.DataFrame(
        {
            "user_id": users or ["u"] * n,
            "product_id": [f"p{place}" for place in range(n)],
            "event": ["view"] * n,
            "weight": pl.Series(weights, dtype=pl.Float64),
        }
    )


def wants(weights) -> np.ndarray:
    """Return how much one user wants each product, beside a view without a weight."""
    data = TrainingData.from_frames(frame(weights))
    return np.asarray(data.weights.todense())[0] / np.float32(0.1)


def test_the_usual_counts_as_one_view():
    assert wants([10.0, 10.0, 10.0]) == pytest.approx([1, 1, 1], rel=1e-5)
    # The geometric mean of 1 and 100 is 10: log2(1 + .1) and log2(1 + 10).
    assert wants([1.0, 100.0, None]) == pytest.approx([0.1375, 3.4594, 1], rel=1e-3)


def test_the_unit_does_not_matter():
    seconds = [30.0, 600.0, 7200.0]
    hours = [each / 3600 for each in seconds]
    assert wants(seconds) == pytest.approx(wants(hours), rel=1e-4)


def test_what_was_played_is_no_news():
    data = TrainingData.from_frames(frame([3.0, None]))
    assert np.asarray(data.seen.todense()).tolist() == [[1, 0]]


def test_pieces_weigh_the_same():
    rng = np.random.default_rng(1)
    users = [f"u{place % 17}" for place in range(400)]
    played = frame(np.exp(rng.normal(3, 2, 400)).tolist(), users=users)
    whole = TrainingData.from_frames(played)
    gathered = GatheredData.from_pieces(lambda: iter(played.iter_slices(23)), 400, lines_a_bucket=40)
    assert (whole.weights != gathered.weights).nnz == 0


def test_the_scale_takes_no_other_events():
    mixed = pl.concat([frame([4.0, 9.0]), frame([1e9]).with_columns(event=pl.lit("purchase"))])
    assert WeightScale().wider(mixed).usual == pytest.approx(6)


@pytest.fixture(scope="module")
def popular(tmp_path_factory):
    """Return a model of the plays, as the commands make it."""
    path = tmp_path_factory.mktemp("plays") / "plays.csv"
    path.write_text(PLAYS)
    listened = api.clean(str(path), map=["user_id=listener", "product_id=track"], quiet=True)
    return api.train(listened.interactions, model="popularity", quiet=True)


def test_reasons_say_listened_to(popular):
    assert "listened to by 2 listeners" in api.recommend(popular, quiet=True)["reason"].to_list()


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ja", "zh"])
def test_every_language_has_the_words(popular, language):
    said = api.recommend(popular, language=language, quiet=True)["reason"].to_list()
    assert said
    assert not any("{" in each for each in said)
