"""What a destroy meets first. This class is found again by its name years later: neither may be renamed or moved."""

import sys
import uuid
from typing import Any

from pulumi import dynamic


class SealProvider(dynamic.ResourceProvider):
    """Makes nothing, and is there to be protected."""

    serialize_as_secret_always = False  # what is pickled is the name of a class

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Have a user see a message, not a traceback. At module level this would make the provider hang."""
        sys.tracebacklimit = 0

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Be there."""
        return dynamic.CreateResult(uuid.uuid4().hex[:16], props)
