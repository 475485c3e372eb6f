"""The search space: the values that tuning tries are valid, and the defaults are among them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from zoo.errors import ConfigError
from zoo.search_space import draw_point, random_draw, spaces_of
from zoo.testing.check import check
from zoo.testing.requirement import FITTED_STAGES, NotApplicableError, require
from zoo.testing.subject import Subject

POINTS = 50
"""Random points whose parameters are validated."""
FITTED = 2
"""Random points that are fitted."""


def _is_searched(subject: Subject) -> bool:
    """Return whether a parameter has a search space."""
    return bool(spaces_of(subject.component.spec.params))


def _at_point(subject: Subject, seed: int) -> Subject:
    """Return the component with a random point of its search space in place of its `tiny` parameters."""
    component = subject.component
    spaces, settings = spaces_of(component.spec.params), dict(subject.params)
    point = draw_point(spaces, settings, random_draw(Random(seed)))  # noqa: S311
    spec = replace(component.spec, tiny={**component.spec.tiny, **point})
    return Subject(replace(component, spec=spec))


def _invalid(subject: Subject) -> str:
    """Return why the parameters of a component are invalid; empty if they are not."""
    try:
        subject.component.params(dict(subject.component.spec.tiny), "the point")
    except ConfigError as error:
        return f"{dict(subject.component.spec.tiny)}: {error}"
    return ""


@check(
    *FITTED_STAGES, needs="class", only="components with a search space", when=_is_searched,
    sentence="The default of each searched parameter is a point of its space.",
    remedy="Widen the space (`tune=`), or change the default; where the default is None, give the range `unset=True`.",
)  # fmt: skip
def default_in_space(subject: Subject) -> None:
    """The first trial of a search has the defaults. A space that leaves them out cannot return to where the search began."""
    params = subject.component.spec.params
    for name, space in spaces_of(params).items():
        field = params.model_fields[name]
        require(not field.is_required(), f"{name} has a search space, and no default")
        default = field.get_default(call_default_factory=True)
        require(space.contains(default), f"the default of {name} is {default!r}, and its space is {space}")


@check(
    *FITTED_STAGES, needs="class", only="components with a search space", when=_is_searched,
    sentence="The points of the search space are valid.",
    remedy="Narrow the space to valid values; make a parameter that other values exclude conditional with `when`.",
)  # fmt: skip
def valid_points(subject: Subject) -> None:
    """The check validates the parameters of 50 random points. A trial with invalid parameters fails, and wastes a part of the budget."""
    for seed in range(POINTS):
        require(not (problem := _invalid(_at_point(subject, seed))), problem)


@check(
    *FITTED_STAGES, needs="fit", only="components with a search space", when=_is_searched,
    sentence="Points of the search space can be fitted.",
    remedy="Narrow the space, or handle the values; `tiny` is kept for parameters without a space.",
)  # fmt: skip
def fitted_points(subject: Subject) -> None:
    """The check fits and queries the component at two random points on the kit's shop."""
    for seed in range(FITTED):
        changed = _at_point(subject, seed)
        if _invalid(changed):
            raise NotApplicableError(f"fix {subject.stage}.valid-points first")
        changed.fit_and_ask()
