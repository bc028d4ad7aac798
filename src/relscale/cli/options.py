"""Options that several commands share."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import typer
from pydantic import BaseModel, ValidationError

Overlays = Annotated[
    list[Path] | None, typer.Argument(help="Overlays, such as experiments/paper.yaml.")
]
Checkout = Annotated[Path, typer.Option("--folder", help="The checkout that has the results.")]
Base = Annotated[Path, typer.Option(help="The configuration that the overlays change.")]
BASE = Path("config.yaml")
"""Default of `Base`."""
Sources = Annotated[
    Path | None,
    typer.Option(help="Folder that keeps fetched sources; the default is OUT/sources."),
]
Downloads = Annotated[
    str | None,
    typer.Option(help="Folder of packages downloaded before, used instead of the network."),
]
MaxLength = Annotated[
    int | None,
    typer.Option(help="Largest number of tokens of one input; the default is the model's."),
]
Limit = Annotated[
    int | None,
    typer.Option(help="Largest number of items per domain, subject or behaviour.", min=1),
]


OptionsModel = TypeVar("OptionsModel", bound=BaseModel)


def options_of(model: type[OptionsModel], values: Mapping[str, Any]) -> OptionsModel:
    """Return the options of one model from the values that a command got.

    Raises:
        ValueError: naming every option that is wrong, its value and the rule it breaks.
    """
    try:
        return model(**{name: values[name] for name in model.model_fields})
    except ValidationError as error:
        problems = [
            f"--{str(each['loc'][0]).rstrip('_').replace('_', '-')} {each['input']}: {each['msg']}"
            for each in error.errors()
        ]
        raise ValueError("; ".join(problems)) from None


def with_options(*models: type[BaseModel]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option per field of settings models.

    Names, defaults and help texts come from the fields and their docstrings. A tuple, such as
    `estimators`, becomes an option that may be repeated, named in the singular; a truth value is
    an option without a value. The command gets the values as keyword arguments named as the
    fields; the models themselves check them (`options_of`).
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
                inner = get_args(kind)[0]
                # typer cannot repeat a choice; the model checks it
                kind = list[float] if inner is float else list[str]
                repeated[name.removesuffix("s")] = name
            option = name.removesuffix("s") if name in repeated.values() else name
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            words = " ".join((field.description or "").split())
            named = kind is bool or option.endswith("_")  # a word of Python, such as `from_`
            flag = [f"--{option.rstrip('_').replace('_', '-')}"] if named else []
            parameters.append(
                inspect.Parameter(
                    option,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=inspect.Parameter.empty if field.is_required() else default,
                    annotation=Annotated[kind, typer.Option(*flag, help=words)],
                )
            )

        def called(**values: Any) -> None:
            command(**{repeated.get(name, name): value for name, value in values.items()})

        called.__doc__, called.__name__ = command.__doc__, command.__name__
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in parameters}
        return called

    return decorate
