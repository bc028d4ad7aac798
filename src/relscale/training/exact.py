"""Elementary functions that give the same bytes on every machine. Light imports: no torch.

The functions of the C library, and those of numpy, which has its own for each level of vector
instructions, differ in the last bit from one machine to another. Everything here consists of
additions, multiplications, divisions and square roots of float64, which IEEE 754 rounds in one way,
and of `decimal`, which is software.
"""

import math
from collections.abc import Sequence
from decimal import Context, Decimal

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
_DIGITS = Context(prec=40)
_TERMS = 12
"""Terms of Taylor's series: more do not change a float64 for angles up to pi / 2."""
_HALF_PI = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21)
"""pi / 2 in three parts of decreasing size (fdlibm, e_rem_pio2.c). The first two have 33 bits, so
that their products with whole numbers below 2^20 are exact."""
_LN_2 = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
"""ln 2 in two parts (fdlibm, e_log.c)."""
AT_ONCE = 2**16
"""Normal numbers that are drawn together, so that intermediate arrays stay in a cache."""
# Wichura 1988, Algorithm AS 241 (Applied Statistics 37, 477-484), PPND16: numerator and denominator
# of three rational functions, highest power first.
_CENTRE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.7454501427834140764e-4, 2.27238449892691845833e-2, 0.24178072517745061177,
     1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959,
     1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 1.51986665636164571966e-2,
     0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187,
     1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.2426609473880784386e-3,
     2.6532189526576123093e-2, 0.29656057182850489123, 1.7848265399172913358,
     5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
     7.868691311456132591e-4, 1.48753612908506148525e-2, 0.13692988092273580531,
     0.59983220655588793769, 1.0),
)  # fmt: skip


def power(base: float, exponent: Decimal) -> float:
    """Return base^exponent for a base above 0."""
    return float(_DIGITS.power(Decimal(base), exponent))


def cosine_of_half_turns(turns: float) -> float:
    """Return cos(pi * turns) for `turns` from 0 to 1."""
    angle = math.pi * (0.5 - turns)
    series = 1.0
    for term in range(_TERMS, 0, -1):
        series = 1.0 - angle * angle / (2 * term * (2 * term + 1)) * series
    return angle * series


def cosine_and_sine(angles: Doubles) -> tuple[Doubles, Doubles]:
    """Return cosines and sines of angles below 10^6."""
    quarter = np.rint(angles / _HALF_PI[0])
    rest = angles
    for part in _HALF_PI:
        rest = rest - quarter * part
    square = rest * rest
    cosine, sine = np.ones_like(rest), np.ones_like(rest)
    for term in range(_TERMS, 0, -1):
        cosine = 1.0 - square / (2 * term * (2 * term - 1)) * cosine
        sine = 1.0 - square / (2 * term * (2 * term + 1)) * sine
    sine = rest * sine
    turned = quarter.astype(np.int64) % 4
    swapped = turned % 2 == 1
    return (
        np.where(swapped, sine, cosine) * np.where((turned == 1) | (turned == 2), -1.0, 1.0),
        np.where(swapped, cosine, sine) * np.where(turned >= 2, -1.0, 1.0),
    )


def logarithm(values: Doubles) -> Doubles:
    """Return natural logarithms of positive numbers.

    With x = 2^n m and m from sqrt(1/2) to sqrt(2), ln m = 2 artanh((m - 1) / (m + 1)).
    """
    fraction, exponent = np.frexp(values)
    small = fraction < math.sqrt(0.5)
    fraction = np.where(small, 2 * fraction, fraction)
    exponent = np.where(small, exponent - 1, exponent).astype(np.float64)
    ratio = (fraction - 1) / (fraction + 1)
    square = ratio * ratio
    series = np.zeros_like(ratio)
    for odd in range(21, 2, -2):
        series = (series + 1.0 / odd) * square
    low = 2 * ratio * series + exponent * _LN_2[1]
    return np.asarray(exponent * _LN_2[0] + (2 * ratio + low))


def standard_normal(generator: np.random.Generator, count: int) -> npt.NDArray[np.float32]:
    """Draw standard normal numbers, (count,): the quantiles of uniform ones, correct to float32."""
    drawn = np.empty(count, dtype=np.float32)
    for begin in range(0, count, AT_ONCE):
        part = drawn[begin : begin + AT_ONCE]
        part[...] = normal_quantile(generator.random(len(part)))
    return drawn


def normal_quantile(shares: Doubles) -> Doubles:
    """Return the quantiles of the standard normal distribution; a share of 0 counts as 2^-54."""
    distance = shares - 0.5
    inner = 0.180625 - distance * distance
    quantile = distance * _ratio(_CENTRE, inner)
    outside = np.flatnonzero(inner < 0)
    tail = np.maximum(np.minimum(shares[outside], 1 - shares[outside]), 2.0**-54)
    root = np.sqrt(-logarithm(tail))
    size = np.where(root <= 5, _ratio(_MIDDLE, root - 1.6), _ratio(_TAIL, root - 5))
    quantile[outside] = np.where(distance[outside] < 0, -size, size)
    return quantile


def _ratio(parts: tuple[Sequence[float], Sequence[float]], x: Doubles) -> Doubles:
    values = []
    for coefficients in parts:
        value = np.full_like(x, coefficients[0])
        for coefficient in coefficients[1:]:
            value *= x
            value += coefficient
        values.append(value)
    return np.asarray(values[0] / values[1])
