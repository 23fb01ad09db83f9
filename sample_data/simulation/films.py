"""Films, and what a club of viewers gives them: `movies.csv` and `ratings.csv`, in MovieLens' layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulation.dice import Dice

MOVIE_COLUMNS = ("movieId", "title", "genres")
RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
VIEWERS = 150
FILMS_A_GENRE = 12
SEEN_SHARE = 0.35
FIRST_EVENING = 1_735_689_600  # 2025-01-01 00:00 UTC
DAY = 86_400

GENRES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Comedy": (("Borrowed", "Upside-Down", "Second-Hand"), ("Wedding", "Landlord", "Lighthouse", "Choir")),
    "Thriller": (("Silent", "Ninth", "Last"), ("Witness", "Passenger", "Ferry", "Signal")),
    "Sci-Fi": (("Orbital", "Hollow", "Distant"), ("Garden", "Engine", "Colony", "Mirror")),
    "Drama": (("Slow", "Northern", "Unsent"), ("Harvest", "Letter", "Winter", "River")),
    "Animation": (("Little", "Paper", "Moonlit"), ("Fox", "Kite", "Bakery", "Whale")),
}
"""Genre → words that its titles are made of."""


@dataclass(frozen=True)
class Film:
    """A film: its number, title, genres, and how good it is beside its genre."""

    number: int
    title: str
    genres: tuple[str, ...]
    merit: float


def make_films(dice: Dice) -> list[Film]:
    """Return the films, numbered with gaps as catalogues of real ones are."""
    films: list[Film] = []
    number = 0
    for genre, (adjectives, nouns) in GENRES.items():
        for adjective, noun in ((a, n) for a in adjectives for n in nouns):
            number += 1 + dice.below(9)
            others = [name for name in GENRES if name != genre]
            genres = (genre, dice.one_of(others)) if dice.chance(0.3) else (genre,)
            title = f"{adjective} {noun} ({1950 + dice.below(75)})"
            films.append(Film(number, title, genres, dice.unit() - 0.5))
    assert len(films) == FILMS_A_GENRE * len(GENRES)
    return films


def movie_rows(films: Sequence[Film]) -> list[tuple[str, ...]]:
    """Return the rows of `movies.csv`."""
    return [(str(film.number), film.title, "|".join(film.genres)) for film in films]


def rating_rows(films: Sequence[Film], dice: Dice) -> list[tuple[str, ...]]:
    """Return the rows of `ratings.csv`: each viewer likes two genres, and rates some films in half stars."""
    rows = []
    for viewer in range(1, VIEWERS + 1):
        liked = dice.sample(list(GENRES), 2)
        kindness = dice.unit() - 0.5
        evening = FIRST_EVENING + dice.below(300) * DAY
        for film in films:
            fits = film.genres[0] in liked
            if not dice.chance(SEEN_SHARE * (1.4 if fits else 0.6)):
                continue
            noise = dice.unit() + dice.unit() - 1.0
            stars = 2.3 + kindness + 1.9 * fits + 1.2 * film.merit + noise
            half_stars = min(max(round(2 * stars), 1), 10)
            moment = evening + len(rows) % 60 * DAY + 68_400 + dice.below(10_000)
            rows.append((str(viewer), str(film.number), f"{half_stars / 2:.1f}", str(moment)))
    return rows
