"""Lists of numbers as options state them."""


def numbers(option: str, text: str) -> tuple[float, ...]:
    """Return the numbers of a list such as `1e6,4e6`.

    Raises:
        ValueError: naming the option and the word.
    """
    found = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(float(word))
        except ValueError:
            raise ValueError(f"{option} {text}: {word!r} is not a number") from None
    if not found:
        raise ValueError(f"{option}: an empty list; state numbers such as 1,2")
    return tuple(found)


def counts(option: str, text: str) -> tuple[tuple[int, ...], ...]:
    """Return the choices of a list such as `4,6,8/6/4`: one number, or one per budget.

    Raises:
        ValueError: naming the option and the word.

    Examples:
        >>> counts("--sizes", "4,8/6/4")
        ((4,), (8, 6, 4))
    """
    found = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(tuple(int(number) for number in word.split("/")))
        except ValueError:
            raise ValueError(f"{option} {text}: {word!r} is not a whole number") from None
    if not found:
        raise ValueError(f"{option}: an empty list; state numbers such as 1,2")
    return tuple(found)


def ladder(text: str) -> tuple[float, ...]:
    """Return the budgets of a ladder, such as `1e18,3e18,1e19`.

    Raises:
        ValueError: naming the word.
    """
    return numbers("--ladder", text)
