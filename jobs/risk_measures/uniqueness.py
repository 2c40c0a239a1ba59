"""How many people of the population are unique, where the table is a sample of it and only the fraction is known.

Zayatz: Estimation of the Number of Unique Population Elements Using a Sample, 1991. Pitman's sampling formula: Hoshino:
Applying Pitman's Sampling Formula to Microdata Disclosure Risk Assessment, Journal of Official Statistics 2001. Both as
ARX computes them, and both from the sizes of classes alone. They are estimates: a model of how people are spread. Below
a fraction of about a tenth Pitman's is the better one (Dankar et al.: Estimating the Re-Identification Risk of Clinical
Data Sets, 2012).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from jobs.console.exit_codes import BadUsage
from jobs.risk_classes.whole import Numbers
from jobs.risk_measures.sizes import Sizes

STEPS, NEAR = 200, 1e-10
AT_ONCE = 1 << 20
NOTHING = -745.0
"""The logarithm of the least float above 0."""


def estimates(sizes: Sizes, fraction: float) -> dict[str, float | None]:
    """The share of the population that is unique in it, by each model; None where one finds no answer."""
    if not 0 < fraction <= 1:
        raise BadUsage("sampling fraction: expected a share above 0, up to 1")
    return {"zayatz": zayatz(sizes, fraction), "pitman": pitman(sizes, fraction)}


def zayatz(sizes: Sizes, fraction: float) -> float:
    """The chance that a class of one in the sample is one of one in the population, by Bayes' rule over sizes."""
    rows, classes = sizes.rows, sum(sizes.classes.values())
    if not sizes.uniques:
        return 0.0
    population = max(round(rows / fraction), rows)
    one = _one_drawn(population, sizes.classes, rows)
    seen = sum(many / classes * one[size] for size, many in sizes.classes.items())
    truly = sizes.uniques / classes * one[1] / seen
    return sizes.uniques * truly / fraction / population


def _one_drawn(population: int, sizes: Iterable[int], rows: int) -> dict[int, float]:
    """The chance that a sample of so many rows takes exactly one of a class, by the size of the class: hypergeometric.

    As a product, whose logarithms are added up from one size to the next: a difference of logarithms of factorials has
    no digit left where there are 10^11 rows.
    """
    log, done, chances = math.log(rows / population), 1, dict.fromkeys(sizes, 0.0)
    for size in sorted(chances):
        if rows - 1 > population - size:
            break  # so large a class has more than one of its people in every sample
        while done < size and log > NOTHING:
            end = min(size, done + AT_ONCE)
            log += float(np.log1p(-(rows - 1) / (population - np.arange(done, end, dtype=np.float64))).sum())
            done = end
        if log <= NOTHING:
            break
        chances[size] = size * math.exp(log)
    return chances


def pitman(sizes: Sizes, fraction: float) -> float | None:
    """By the likeliest alpha and theta of Pitman's model, found by Newton's method from Hoshino's first guess."""
    if not sizes.uniques:
        return 0.0
    population = sizes.rows / fraction
    found = _likeliest(sizes)
    if found is None:
        return None
    theta, alpha = found
    uniques = math.exp(math.lgamma(theta + 1) - math.lgamma(theta + alpha) + alpha * math.log(population))
    return uniques / population if uniques <= population else None


def _guess(sizes: Sizes) -> tuple[float, float]:
    n, u, c1, c2 = sizes.rows, sum(sizes.classes.values()), sizes.classes[1], sizes.classes.get(2, 1)
    c = c1 * (c1 - 1) / c2
    theta = (n * u * c - c1 * (n - 1) * (2 * u + c)) / (2 * c1 * u + c1 * c - n * c)
    return theta, (theta * (c1 - n) + (n - 1) * c1) / (n * u)


def _likeliest(sizes: Sizes) -> tuple[float, float] | None:
    """theta, alpha where both derivatives of the likelihood are 0; None where the way there leaves the model."""
    try:
        at = np.array(_guess(sizes))
        for _ in range(STEPS):
            step = np.linalg.solve(_second(sizes, *at), _first(sizes, *at))
            at = at - step
            if not (np.isfinite(at).all() and at[0] >= 0 and 0 < at[1] < 1):
                return None
            if np.abs(step).max() <= NEAR * max(1.0, float(np.abs(at).max())):
                return float(at[0]), float(at[1])
    except (ArithmeticError, np.linalg.LinAlgError, ValueError):
        return None
    return None


def _first(sizes: Sizes, theta: float, alpha: float) -> Numbers:
    """Derivatives by theta and by alpha: sums over i of 1 / (theta + i alpha) and of i / (theta + i alpha), less those
    over rows and over sizes; sums are differences of the digamma function."""
    n, u, t = sizes.rows, sum(sizes.classes.values()), theta / alpha
    spans = _psi(u + t) - _psi(t + 1)
    within = sum(many * (_psi(size - alpha) - _psi(1 - alpha)) for size, many in sizes.classes.items() if size > 1)
    return np.array([spans / alpha - (_psi(n + theta) - _psi(theta + 1)), (u - 1 - t * spans) / alpha - within])


def _second(sizes: Sizes, theta: float, alpha: float) -> Numbers:
    """The derivatives of `_first`."""
    n, u, t = sizes.rows, sum(sizes.classes.values()), theta / alpha
    zero, one = _psi(u + t) - _psi(t + 1), _psi1(t + 1) - _psi1(u + t)  # sums of 1 / (t + i), of 1 / (t + i)^2
    first = zero - t * one  # of i / (t + i)^2
    second = (u - 1) - 2 * t * zero + t * t * one  # of i^2 / (t + i)^2
    within = sum(many * (_psi1(1 - alpha) - _psi1(size - alpha)) for size, many in sizes.classes.items() if size > 1)
    rows, square = _psi1(theta + 1) - _psi1(n + theta), alpha * alpha
    return np.array([[rows - one / square, -first / square], [-first / square, -second / square - within]])


def _psi(x: float) -> float:
    """The digamma function for x > 0: up to 10 by its recurrence, then by its asymptotic series (Abramowitz, Stegun,
    6.3.5 and 6.3.18)."""
    shift = 0.0
    while x < 10:
        shift -= 1 / x
        x += 1
    r = 1 / (x * x)
    return shift + math.log(x) - 0.5 / x - r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r / 132))))


def _psi1(x: float) -> float:
    """The trigamma function for x > 0 (Abramowitz, Stegun, 6.4.6 and 6.4.12)."""
    shift = 0.0
    while x < 10:
        shift += 1 / (x * x)
        x += 1
    r = 1 / (x * x)
    return shift + 1 / x + 0.5 * r + r / x * (1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * 5 / 66))))
