"""Options that several commands share."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_origin

import typer
from pydantic import BaseModel

Overlays = Annotated[
    list[Path] | None, typer.Argument(help="Overlays, such as experiments/paper.yaml.")
]
Checkout = Annotated[Path, typer.Option("--folder", help="The checkout that has the results.")]


def with_options(*models: type[BaseModel]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option per field of settings models.

    Names, defaults and help texts come from the fields and their docstrings. A tuple, such as
    `estimators`, becomes an option that may be repeated, named in the singular. The command gets
    the values as keyword arguments named as the fields; the models themselves check them.
    """
    fields = {name: field for model in models for name, field in model.model_fields.items()}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        repeated: dict[str, str] = {}
        parameters = [
            parameter
            for parameter in inspect.signature(command).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        for name, field in fields.items():
            kind: Any = field.annotation
            if get_origin(kind) is tuple:
                kind = list[str]  # typer cannot repeat a choice; the model checks it
                repeated[name.removesuffix("s")] = name
            option = name.removesuffix("s") if name in repeated.values() else name
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            parameters.append(
                inspect.Parameter(
                    option,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=default,
                    annotation=Annotated[
                        kind, typer.Option(help=" ".join((field.description or "").split()))
                    ],
                )
            )

        def called(**values: Any) -> None:
            command(**{repeated.get(name, name): value for name, value in values.items()})

        called.__doc__, called.__name__ = command.__doc__, command.__name__
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in parameters}
        return called

    return decorate
