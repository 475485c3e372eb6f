"""The base class of component parameters, and the validation of user input with its error messages."""

import math
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, ValidationInfo
from pydantic_core import CoreSchema

from zoo.data_size import DataSize
from zoo.errors import ConfigError, suggestion
from zoo.plain_values import refused_values

P = TypeVar("P", bound=BaseModel)


def _strict_numbers(schema: Any, *, finite: bool = True) -> Any:
    """Return a schema whose numbers and booleans are not read from values of other types.

    Args:
        schema: A schema of pydantic's core, or a part of it.
        finite: Whether numbers have to be finite; not below a default that is infinite.
    """
    if isinstance(schema, list | tuple):
        return type(schema)(_strict_numbers(part, finite=finite) for part in schema)
    if not isinstance(schema, dict):
        return schema
    default = schema.get("default")
    finite = finite and not (isinstance(default, float) and not math.isfinite(default))
    parts = {k: _strict_numbers(part, finite=finite) for k, part in schema.items() if k not in ("default", "metadata")}
    kind = schema.get("type")
    strict = {"strict": True} if kind in ("int", "float", "bool") else {}
    return {**({"allow_inf_nan": False} if kind == "float" and finite else {}), **schema, **parts, **strict}


def is_unset(value: object) -> bool:
    """Return whether a setting that earlier versions lacked has no effect; it is then left out of the hash of a row."""
    return not value


class StrictTable(BaseModel):
    """A table of a user's file: frozen, strict about unknown keys and types.

    A list is accepted as a tuple and a string as a path or a date, but `"3"` is not accepted as a number or `true` as `1`.
    A number is finite, unless its field sets `allow_inf_nan` or has an infinite default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Make the numbers of the schema strict; pydantic's own strict mode would also refuse the list and the path."""
        schema: CoreSchema = _strict_numbers(handler(source))
        return schema


class Params(StrictTable):
    """The parameters of a component: the single definition of their names, types, defaults and descriptions.

    Subclass it with annotated fields and `Field(default, description=...)`; the command line, the docs and the validation
    use these definitions.

    A parameter can be renamed: `renamed` maps its old name to the new one. The old name is accepted with a warning.
    """

    renamed: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Check that each new name is a parameter and no old name is.

        Raises:
            TypeError: `renamed` names something else.
        """
        super().__pydantic_init_subclass__(**kwargs)
        for old, new in cls.renamed.items():
            if new not in cls.model_fields or old in cls.model_fields:
                raise TypeError(
                    f"{cls.__name__}.renamed: {old!r} to {new!r}, expected an old name that is no parameter, and the name of a "
                    f"parameter: {', '.join(cls.model_fields)}"
                )

    def fit_memory(self, size: DataSize) -> int | None:
        """Return the bytes of memory that `fit` needs at its peak, besides the data; None if they are not known.

        Override it for a component whose need can exceed the size of the data, as a matrix of items by items does. The core
        refuses a fit that needs more than is available. Rather underestimate: a fit that is refused cannot be tried.

        Args:
            size: The size of the data, and of the training batches.
        """
        return None

    def epoch_work(self, size: DataSize) -> float | None:
        """Return a number in proportion to the time of an epoch of training; None if that is not known.

        `zoo bench` forecasts networks that have not begun from the pace of those that have. See `NeuralParams.epoch_work` for the unit.

        Args:
            size: The size of the training log.
        """
        return None


def _below_experiment(path: Path, info: ValidationInfo) -> Path:
    """Return a path, relative ones below the folder of the experiment file."""
    base: Path = (info.context or {}).get("base", Path())
    return base / path.expanduser()


ExperimentPath = Annotated[Path, AfterValidator(_below_experiment)]
"""A path in the parameters of a dataset; a relative one starts from the folder of the experiment file."""


def validated(model: type[P], values: dict[str, Any], where: str, context: dict[str, Any] | None = None) -> P:
    """Validate values against a model.

    Args:
        model: The pydantic class to build.
        values: What the user wrote.
        where: The path of `values` in the user's file or call; it starts each line of an error.
        context: Passed to the model's validators (the folder that relative paths start from).

    Raises:
        ConfigError: One line per problem: its path, what was expected, the value found, a suggestion.
    """
    if refused := list(refused_values(values, where)):
        raise ConfigError("\n".join(refused))
    values = _renamed(model, values, where)
    try:
        return model.model_validate(values, context=context)
    except ValidationError as error:
        problems: Any = error.errors(include_url=False)
        raise ConfigError("\n".join(_lines(problems, model, values, where))) from None


def _renamed(model: type[BaseModel], values: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the values with the current names of renamed parameters, and warn of the old names.

    Raises:
        ConfigError: Both names of a parameter are given.
    """
    if not issubclass(model, Params):
        return values
    for old in [name for name in values if name in model.renamed]:
        new, path = model.renamed[old], f"{where}.{old}" if where else old
        if new in values:
            raise ConfigError(f"{path}: this is the old name of {new!r}, and both are set. Remove {old!r}.")
        warnings.warn(
            f"{path}: the parameter is now named {new!r}. Rename it: a later version will not accept {old!r}.",
            FutureWarning,
            stacklevel=3,
        )
        values = {new if name == old else name: value for name, value in values.items()}
    return values


def _lines(problems: list[Any], model: type[BaseModel], values: Any, where: str) -> list[str]:
    """Return one line per invalid path; the expectations of union members are joined by "or"."""
    remarks: dict[str, None] = {}
    expected: dict[str, list[str]] = {}
    endings: dict[str, str] = {}
    for problem in problems:
        path, found = _place(problem["loc"], values, where)
        kind, context = problem["type"], problem.get("ctx", {})
        if kind == "extra_forbidden":
            remarks[_unknown_key(path, problem["loc"], model)] = None
        elif kind == "missing":
            remarks[_missing_key(path, problem["loc"], model)] = None
        elif kind == "value_error":
            remarks[f"{path}: {context['error']}" if path else str(context["error"])] = None
        elif kind == "union_tag_invalid":
            tags = str(context["expected_tags"]).split(", ")
            tag, choices = context["tag"], ", ".join(known for known in tags if not known.startswith("'_"))
            at = next((f"{path}.{key}" for key, value in _items(found) if value == tag), path)
            expected[at], endings[at] = [choices], _ending(tag, choices)
        else:
            expected.setdefault(path, []).append(_expectation(kind, context, str(problem["msg"])))
            endings[path] = _ending(found, str(context.get("expected", "")), path if kind == "list_type" else "")
    # The union member that failed at the deepest path is the one the user meant.
    meant = [path for path in expected if not any(deeper.startswith((f"{path}.", f"{path}[")) for deeper in expected)]
    alternatives = {path: ", or ".join(dict.fromkeys(expected[path])) for path in meant}
    return [*remarks, *(f"{path}: expected {what}, {endings[path]}" for path, what in alternatives.items())]


def _items(node: Any) -> Any:
    """Return the keys and values of a table, or nothing for another value."""
    return node.items() if isinstance(node, dict) else ()


def _place(loc: tuple[Any, ...], values: Any, where: str) -> tuple[str, Any]:
    """Return the path of a problem in the user's values, and the value there.

    pydantic's location also contains union members and keys that validators inserted; these are skipped because the
    user's values do not have them.
    """
    path, node = where, values
    for part in loc:
        if isinstance(node, dict) and part in node:
            path, node = f"{path}.{part}" if path else str(part), node[part]
        elif isinstance(node, list | tuple) and isinstance(part, int) and part < len(node):
            path, node = f"{path}[{part + 1}]", node[part]
    return path, node


_EXPECTED = {
    "int": "a whole number", "float": "a number", "bool": "true or false", "string": "a string", "path": "a path",
    "list": "a list", "tuple": "a list", "set": "a list", "frozen_set": "a list", "dict": "a table", "model": "a table",
    "date": "a date", "datetime": "a date and time", "finite_number": "a finite number",
    "greater_than": "a number greater than {gt:.15g}", "greater_than_equal": "a number of at least {ge:.15g}",
    "less_than": "a number less than {lt:.15g}", "less_than_equal": "a number of at most {le:.15g}",
    "too_short": "{min_length} or more entries", "too_long": "{max_length} or fewer entries",
    "string_too_short": "{min_length} or more characters", "string_too_long": "{max_length} or fewer characters",
    "string_pattern_mismatch": "a string that matches {pattern}", "literal_error": "{expected}", "enum": "{expected}",
    "union_tag_not_found": "a table with {discriminator}",
}  # fmt: skip


def _expectation(kind: str, context: dict[str, Any], message: str) -> str:
    """Return what was expected, in TOML terms."""
    known = _EXPECTED.get(kind) or _EXPECTED.get(re.sub(r"_(type|parsing|from_.*)$", "", kind))
    return known.format(**context) if known else re.sub(r"^Input should (be )?", "", message)


def _ending(found: Any, choices: str, list_at: str = "") -> str:
    """Return what was found and how to fix it."""
    if list_at and isinstance(found, dict):
        return f"found a table. Write [[{list_at}]] to begin each table of the list."
    shown = str(found).lower() if isinstance(found, bool) else repr(found)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    if isinstance(found, str):
        if re.fullmatch(r"true|false|[-+]?[\d_]*\.?\d+(e[-+]?\d+)?", found):
            return f"found the string {shown}. Remove the quotes."
        return f"found {shown}.{suggestion(found, choices.split(chr(39))[1::2])}"
    return f"found {shown}."


def _unknown_key(path: str, loc: tuple[Any, ...], model: type[BaseModel]) -> str:
    """Return the message for an unknown key."""
    owner = _owner(loc, model)
    names = sorted(field.alias or name for name, field in owner.model_fields.items()) if owner else []
    known = f" Known here: {', '.join(names)}." if names else " It takes no parameters." if owner else ""
    return f"{path}: unknown key.{suggestion(str(loc[-1]), names)}{known}"


def _missing_key(path: str, loc: tuple[Any, ...], model: type[BaseModel]) -> str:
    """Return the message for a missing required key."""
    owner = _owner(loc, model)
    field = owner.model_fields.get(str(loc[-1])) if owner else None
    meaning = f" What it means: {field.description}" if field and field.description else ""
    return f"{path}.{loc[-1]}: missing, and it has no default.{meaning}".removeprefix(".")


def _owner(loc: tuple[Any, ...], model: type[BaseModel]) -> type[BaseModel] | None:
    """Return the model that contains the last part of a location, or None if it cannot be determined."""
    owner: type[BaseModel] | None = model
    members: list[type[BaseModel]] = []
    for part in loc[:-1]:
        named = next((m for m in members if _is_called(m, part)), None)
        if named is not None:
            owner, members = named, []
        elif owner is not None and part in owner.model_fields:
            members = list(_models(owner.model_fields[part].annotation))
            owner = members[0] if len(members) == 1 else None
    return owner


def _is_called(model: type[BaseModel], tag: object) -> bool:
    """Return whether pydantic uses this tag for a union member: its class name or its discriminator value."""
    tags = [value for field in model.model_fields.values() for value in get_args(field.annotation)]
    return tag == model.__name__ or tag in tags


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models inside an annotation (`list[X]`, `X | None`, `Annotated[X, ...]`)."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
