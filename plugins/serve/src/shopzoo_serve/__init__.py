"""The command `zoo serve` of ShopZoo: recommendations of an artifact over HTTP."""

from zoo.api import CommandSpec, hookimpl


@hookimpl
def zoo_commands() -> list[CommandSpec]:
    """Return the command."""
    return [
        CommandSpec(
            name="serve",
            target="shopzoo_serve.command:serve",
            summary="Answer requests for recommendations over HTTP, with an artifact.",
        )
    ]
