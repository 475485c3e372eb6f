"""The executor `ray` of ShopZoo: the runs of a benchmark, and the lists of all users, on a Ray cluster."""

from zoo.api import ExecutorSpec, Field, Params, hookimpl


class RayParams(Params):
    """The cluster."""

    address: str | None = Field(None, min_length=1)
    """The address of the head node (`10.0.0.1:6379`), or `auto` for the cluster that runs on this machine. By default a cluster is
    started here, and ended with the command."""


@hookimpl
def zoo_executors() -> list[ExecutorSpec]:
    """Return the executor."""
    return [
        ExecutorSpec(
            name="ray",
            target="shopzoo_ray.executor:RayExecutor",
            params=RayParams,
            summary="Does the runs on a Ray cluster, as many at once as its cores allow.",
            value="address",
        )
    ]
