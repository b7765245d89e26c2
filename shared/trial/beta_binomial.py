"""The beta-binomial stopping rule (Geller 2003): the posterior probability that the event rate lies above p0, and the integer
table that follows from it. In plain floating point: two functions are not worth a numeric library in every image."""

from __future__ import annotations

import math

_TINY = 1e-300
_CLOSE = 1e-15
_MOST_TERMS = 500


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by Lentz's continued fraction (DLMF 8.17.22)."""
    if a <= 0 or b <= 0:
        raise ValueError("a and b must be above 0")
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges quickly only on the other side
        return 1.0 - beta_cdf(1.0 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    return front * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _away(1.0 + term * d)
            c = _away(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < _CLOSE:
            return value
    raise ArithmeticError(f"I_x({a}, {b}) at {x} did not converge")


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def posterior_above(p0: float, alpha: float, beta: float, events: int, evaluable: int) -> float:
    """P(rate > p0 | `events` of `evaluable` children) under a Beta(`alpha`, `beta`) prior."""
    if not 0 <= events <= evaluable:
        raise ValueError("events must lie between 0 and the number of evaluable children")
    return 1.0 - beta_cdf(p0, alpha + events, beta + evaluable - events)


def stop_table(p0: float, alpha: float, beta: float, theta: float, most: int) -> tuple[int, ...]:
    """For 1 to `most` evaluable children, the least number with the event whose posterior is above `theta`.

    A number above that of the children means that nothing crosses yet.
    """
    table: list[int] = []
    events = 0
    for evaluable in range(1, most + 1):
        while events <= evaluable and posterior_above(p0, alpha, beta, events, evaluable) <= theta:
            events += 1
        table.append(events)
    return tuple(table)
