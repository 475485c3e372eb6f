"""Which versions of the core and of plugins can load an artifact."""

import pytest

from zoo.artifacts import components
from zoo.errors import ArtifactError


@pytest.mark.parametrize(
    ("saved_with", "installed", "fits"),
    [
        ("1.2.3", "1.9", True), ("1.2", "2.2", False), ("0.4.1", "0.4.9", True), ("0.4.1", "0.5.0", False), ("0", "0.0.3", True),
        ("10.0", "1.0", False), ("0.4.0rc1", "0.4.0", True), ("1!1.0", "1.0", False), ("file", "1.0", False), ("unknown", "0.1", False),
    ],
)  # fmt: skip
def test_versions_are_compatible_as_far_as_semantic_versioning_says(saved_with, installed, fits):
    if fits:
        with pytest.warns(UserWarning, match="check that its recommendations are the same"):
            components._compare("x", saved_with, installed, "DIR")
    else:
        with pytest.raises(ArtifactError, match="which is not compatible with it"):
            components._compare("x", saved_with, installed, "DIR")
