"""What dynamic providers that work outside of Pulumi have in common."""

import sys

from pulumi import dynamic

from components import progress


class Provider(dynamic.ResourceProvider):
    """A provider that runs programs, or asks others over the network."""

    serialize_as_secret_always = False  # what is pickled is the name of a class

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Prepare the process that this provider runs in."""
        # A user sees a message, not a traceback: of the last exception alone, when it is raised `from None`. At module
        # level this would make the provider hang.
        sys.tracebacklimit = 0
        progress.leave_with_the_engine()
