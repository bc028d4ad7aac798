"""Slopes as text, for the summary on a terminal and for pages."""

import math


def slope_number(value: float, decimals: int) -> str:
    """Return a slope with its sign and some decimals, or one digit if these would all be 0.

    Args:
        value: the slope; NaN is "".
        decimals: decimals of common slopes; those of 10,000 and more have three digits in all.

    Examples:
        >>> [slope_number(value, 3) for value in (-0.0314, -0.0, 4e-7, 12345678.0)]
        ['-0.031', '+0.000', '+4e-07', '+1.23e+07']
    """
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "+∞" if value > 0 else "-∞"
    value += 0.0  # 0 instead of -0
    if value == 0 or 0.5 * 10**-decimals <= abs(value) < 1e4:
        return f"{value:+.{decimals}f}"
    return f"{value:+.3g}" if abs(value) >= 1 else f"{value:+.1g}"
