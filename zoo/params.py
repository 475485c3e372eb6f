"""The base of every component's parameters: frozen, strict about unknown names, free of torch."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from zoo.errors import ConfigError, suggestion

P = TypeVar("P", bound=BaseModel)


class Params(BaseModel):
    """The parameters of a component: the one place where a name, its type, its default and its meaning are written.

    Subclass it with annotated fields and `Field(default, description=...)`; the command line, the docs and the checks
    read them from here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)


def validated(model: type[P], values: dict[str, Any], where: str, context: dict[str, Any] | None = None) -> P:
    """Validate values against a model.

    Args:
        model: The pydantic class to build.
        values: What the user wrote.
        where: The path of `values` in the user's file or call; it starts each line of an error.
        context: Passed to the model's validators (the folder that relative paths start from).

    Raises:
        ConfigError: A line for each problem: its path, the value found, what was expected, a suggestion.
    """
    try:
        return model.model_validate(values, context=context)
    except ValidationError as error:
        raise ConfigError("\n".join(_explained(problem, model, where) for problem in error.errors())) from None


def _explained(problem: Any, model: type[BaseModel], where: str) -> str:
    """Return one problem of pydantic's as one line of ours."""
    path, fields = where, model
    for part in problem["loc"]:
        path += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if path else str(part)
    if problem["type"] == "extra_forbidden":
        owner = _owner(fields, problem["loc"][:-1])
        names = sorted(owner.model_fields) if owner else []
        known = f" Known here: {', '.join(names)}." if names else ""
        return f"{path}: unknown key.{suggestion(str(problem['loc'][-1]), names)}{known}"
    if problem["type"] == "missing":
        return f"{path}: missing, and it has no default."
    message = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if problem["type"] == "value_error":
        return f"{path}: {message}"
    return f"{path}: {message[:1].lower()}{message[1:]}, found {problem['input']!r}."


def _owner(model: type[BaseModel], loc: tuple[Any, ...]) -> type[BaseModel] | None:
    """Return the model class that owns the key at a location, where it can be followed."""
    owner: Any = model
    for part in loc:
        if isinstance(part, int):
            continue
        field = owner.model_fields.get(part) if isinstance(owner, type) and issubclass(owner, BaseModel) else None
        if field is None:
            return owner if isinstance(owner, type) and issubclass(owner, BaseModel) else None
        owner = next((t for t in _types(field.annotation) if isinstance(t, type) and issubclass(t, BaseModel)), None)
        if owner is None:
            return None
    return owner  # type: ignore[no-any-return]


def _types(annotation: Any) -> list[Any]:
    """Return an annotation and everything inside it (`list[X]`, `X | None`, `Annotated[X, ...]`)."""
    inner = [t for argument in getattr(annotation, "__args__", ()) for t in _types(argument)]
    return [annotation, *inner]
