"""Answers of a cloud that stay as they were given, until something else is asked.

This class is found again by its name when a stack is destroyed years later: neither may be renamed or moved.
"""

import sys
import uuid
from typing import Any

from pulumi import dynamic

Properties = dict[str, Any]


class KeptAnswersProvider(dynamic.ResourceProvider):
    """Keeps what a cloud said and makes nothing.

    Inputs: `questions` and `answers`, by the same names. Outputs: `kept`, by those names too: the answer to each
    question as it was when that was first asked.
    """

    serialize_as_secret_always = False  # what is pickled is the name of a class

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Have a user see a message, not a traceback. At module level this would make the provider hang."""
        sys.tracebacklimit = 0

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """A new answer to an old question is no change."""
        return dynamic.DiffResult(changes=_olds["questions"] != _news["questions"])

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Keep the first answers."""
        return dynamic.CreateResult(uuid.uuid4().hex[:16], {**props, "kept": props["answers"]})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Take the answers to what is asked anew, and keep the others."""
        asked, before = _news["questions"], _olds["questions"]
        old = {name: answer for name, answer in _olds["kept"].items() if before[name] == asked.get(name)}
        return dynamic.UpdateResult({**_news, "kept": {**_news["answers"], **old}})
