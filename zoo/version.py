"""The version of the core, in a module of its own so that a build can read it without importing anything else."""

__version__ = "0.1.0"


def compatible_core() -> str:
    """Return the requirement of a package that was written with this version: up to the next version that may break it.

    As semantic versioning says, that is the next minor version under 0.x, and the next major version after that.
    """
    major, minor = map(int, __version__.split(".")[:2])
    return f"shopzoo>={__version__},<{f'0.{minor + 1}' if major == 0 else major + 1}"
