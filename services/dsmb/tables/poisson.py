"""Exact (Garwood) limits of a Poisson mean, from the regularised incomplete gamma function, inverted by guarded Newton steps."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_TINY = 1e-300
_CLOSE = 1e-15
_MOST_TERMS = 100_000


def gamma_cdf(a: float, x: float) -> float:
    """P(a, x), the regularised lower incomplete gamma function: a series below the mean, a continued fraction above."""
    if a <= 0 or x < 0:
        raise ValueError("a must be above 0 and x not below it")
    if x == 0:
        return 0.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1.0 / a
        for n in range(1, _MOST_TERMS):
            term *= x / (a + n)
            total += term
            if term < total * _CLOSE:
                return front * total
    else:
        b = x + 1.0 - a
        c, d = 1.0 / _TINY, 1.0 / b
        value = d
        for n in range(1, _MOST_TERMS):
            step = n * (a - n)
            b += 2.0
            d = 1.0 / _away(step * d + b)
            c = _away(b + step / c)
            value *= c * d
            if abs(c * d - 1.0) < _CLOSE:
                return 1.0 - front * value
    raise ArithmeticError(f"P({a}, {x}) did not converge")


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def gamma_quantile(a: float, p: float) -> float:
    """The x with P(a, x) = p: Newton from Wilson and Hilferty's guess, kept within a bracket that only shrinks."""
    if not 0 < p < 1:
        raise ValueError("p must lie between 0 and 1")
    low, high = 0.0, max(1.0, a)
    while gamma_cdf(a, high) < p:
        low, high = high, high * 2
    ninth = 1.0 / (9.0 * a)
    x = a * (1.0 - ninth + NormalDist().inv_cdf(p) * math.sqrt(ninth)) ** 3
    for _ in range(200):
        if not low < x < high:
            x = (low + high) / 2
        off = gamma_cdf(a, x) - p
        low, high = (x, high) if off < 0 else (low, x)
        density = math.exp((a - 1) * math.log(x) - x - math.lgamma(a))
        moved = x - off / density if density > _TINY else (low + high) / 2
        if abs(moved - x) <= 1e-14 * x or high - low <= 1e-15 * high:
            return moved if low <= moved <= high else x
        x = moved
    return x


@lru_cache(maxsize=4096)
def limits(events: int, confidence: float) -> tuple[float, float]:
    """Lower and upper exact limit of the mean of a Poisson count; the lower one of 0 events is 0."""
    if events < 0:
        raise ValueError("a count is not below 0")
    tail = (1.0 - confidence) / 2
    lower = gamma_quantile(events, tail) if events else 0.0
    return lower, gamma_quantile(events + 1, 1.0 - tail)
