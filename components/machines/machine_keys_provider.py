"""The keys of a virtual machine: that by which it is known, and that by which it is logged in to.

This class is found again by its name when a stack is destroyed years later: it may be neither renamed nor moved.
"""

import sys
import uuid
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pulumi import dynamic

Properties = dict[str, Any]


class MachineKeysProvider(dynamic.ResourceProvider):
    """The keys of one machine. Another machine in its place has others, and their id is in all that is the machine's.

    Inputs: `name`, `claim` (id of the cluster's) and `lost` (whether the machine that they belong to is gone). Output:
    `keys`, secret, with `host` and `login`, each `private` and `public` in OpenSSH's format.
    """

    serialize_as_secret_always = False  # what is pickled is the name of a class

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Have a user see a message, not a traceback. At module level this would make the provider hang."""
        sys.tracebacklimit = 0

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """What is new belongs to nothing that could be lost."""
        return dynamic.CheckResult({**news, "lost": bool(_olds) and news["lost"]}, [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """Another machine, one of another cluster, or one in the place of what is lost."""
        replaced = [key for key in ("name", "claim") if _olds[key] != _news[key]]
        replaced += ["lost"] if _news["lost"] else []
        return dynamic.DiffResult(changes=bool(replaced), replaces=replaced, delete_before_replace=True)

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Make them: in an instant."""
        keys = {"host": _pair(props["name"]), "login": _pair("slipway")}
        return dynamic.CreateResult(uuid.uuid4().hex[:16], {**props, "keys": keys})


def _pair(comment: str) -> dict[str, str]:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return {"private": private.decode(), "public": f"{public.decode()} {comment}"}
