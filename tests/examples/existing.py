"""A cluster that is there already: kubectl reads one in tests/engine/test_existing.py."""

from tests.examples.example import PROTECTED, Example

EXISTING = Example(
    target="existing",
    cluster={"version": "1.37", "context": "docker-desktop"},
    features={"deletion-protection": PROTECTED},
)
