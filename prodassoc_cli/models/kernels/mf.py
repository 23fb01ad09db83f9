"""One epoch of logistic matrix factorisation with lazy Adam, in machine code."""

from __future__ import annotations

import numpy as np

from prodassoc_cli.numerics.arrays import Floats, Ints, Longs
from prodassoc_cli.numerics.jit import KERNEL, njit

_VECTORS = "float32[:, ::1], float32[:, ::1]"


@njit(
    "void(float32[::1], float32[::1], float32[::1], float32[::1], float32)",
    fastmath={"reassoc", "contract", "arcp"},
    **KERNEL,
    inline="always",
)
def _adam(
    weights: Floats, gradient: Floats, first: Floats, second: Floats, step: float
) -> None:  # pragma: no cover — compiled
    for f in range(weights.shape[0]):
        g = gradient[f]
        m = np.float32(0.9) * first[f] + np.float32(0.1) * g
        v = np.float32(0.999) * second[f] + np.float32(0.001) * g * g
        first[f] = m
        second[f] = v
        weights[f] -= step * m / (np.sqrt(v) + np.float32(1e-8))


@njit(
    "float64(int64[::1], int32[::1], int64[::1], int32[::1], float32[:, ::1], float32[:, ::1], float32[::1],"
    f" {_VECTORS}, {_VECTORS}, float32[::1], float32[::1], int64, float32, float32, int64, uint64)",
    fastmath={"reassoc", "contract", "arcp"},
    **KERNEL,
)
def adam_epoch(
    order: Longs,
    owner: Ints,
    indptr: Longs,
    indices: Ints,
    users: Floats,
    products: Floats,
    biases: Floats,
    users_first: Floats,
    users_second: Floats,
    products_first: Floats,
    products_second: Floats,
    biases_first: Floats,
    biases_second: Floats,
    negatives: int,
    rate: float,
    decay: float,
    steps_done: int,
    state: np.uint64,
) -> float:  # pragma: no cover — compiled
    """Take one Adam step for each positive pair and its sampled negatives; return the mean cross-entropy.

    Adam (Kingma and Ba, 2015) with moments touched only where a gradient falls. The negatives come from a
    splitmix64 sequence started at `state`, so that the result depends on no global generator.
    """
    width = users.shape[1]
    n_items = products.shape[0]
    user_gradient = np.empty(width, np.float32)
    gradient = np.empty(width, np.float32)
    loss = 0.0
    for n in range(order.shape[0]):
        pair = order[n]
        user = owner[pair]
        t = steps_done + n + 1
        step = np.float32(rate)
        if t < 20_000:
            step = np.float32(rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t))
        vector = users[user]
        user_gradient[:] = decay * vector
        for draw in range(negatives + 1):
            item = indices[pair]
            label = np.float32(1)
            if draw > 0:
                label = np.float32(0)
                state += np.uint64(0x9E3779B97F4A7C15)
                z = state
                z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                z = z ^ (z >> np.uint64(31))
                item = np.int32(z % np.uint64(n_items))
                # What the user bought is no negative.
                low, high = indptr[user], indptr[user + 1]
                while low < high:
                    middle = (low + high) // 2
                    if indices[middle] < item:
                        low = middle + 1
                    else:
                        high = middle
                if low < indptr[user + 1] and indices[low] == item:
                    continue
            logit = biases[item]
            for f in range(width):
                logit += vector[f] * products[item, f]
            chance = np.float32(1) / (np.float32(1) + np.exp(-logit))
            error = chance - label
            loss -= np.log(max(1e-12, chance if label > 0 else 1 - chance))
            for f in range(width):
                user_gradient[f] += error * products[item, f]
                gradient[f] = error * vector[f] + decay * products[item, f]
            _adam(products[item], gradient, products_first[item], products_second[item], step)
            first = np.float32(0.9) * biases_first[item] + np.float32(0.1) * error
            second = np.float32(0.999) * biases_second[item] + np.float32(0.001) * error * error
            biases_first[item] = first
            biases_second[item] = second
            biases[item] -= step * first / (np.sqrt(second) + np.float32(1e-8))
        _adam(vector, user_gradient, users_first[user], users_second[user], step)
    return loss / (order.shape[0] * (negatives + 1))
