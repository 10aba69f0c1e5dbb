"""The keys of a cluster, made once and kept in the state.

This class is found again by its name when a stack is destroyed years later: it may be neither renamed nor moved.
"""

import sys
import uuid
from typing import Any

from pulumi import dynamic

from components.bootstrap import pki
from components.bootstrap.snapshots import make_key

Properties = dict[str, Any]


class PkiProvider(dynamic.ResourceProvider):
    """Keys, authorities, and the administrator's certificate.

    Inputs: `name` and `encryption_generation`, which rises for a new key of Secrets. Outputs: `pki` and `admin`, both
    secret, and `admin_expires`, when the administrator's certificate ends (ISO 8601).
    """

    serialize_as_secret_always = False  # what is pickled is the name of a class

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Have a user see a message, not a traceback. At module level this would make the provider hang."""
        sys.tracebacklimit = 0

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse a generation that no key could have; `_olds` is empty at first."""
        least, generation = _olds.get("encryption_generation", 1), news["encryption_generation"]
        failures = []
        if generation < least or generation != int(generation):
            fault = (
                f"encryptionKeyGeneration: {generation:g} cannot follow {least:g}, as keys of Secrets are only added"
            )
            failures.append(
                dynamic.CheckFailure("", f"{fault}; write {least:g}, or the next whole number for a new key")
            )
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """Authorities never change. The administrator's certificate is renewed in the last third of its life."""
        old = pki.is_old(_olds["admin"]["certificate"], pki.now())
        newer = _olds["encryption_generation"] < _news["encryption_generation"]
        return dynamic.DiffResult(changes=old or newer or "snapshots" not in _olds["pki"])

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Make everything: in an instant."""
        now = pki.now()
        made = pki.make(now)
        return dynamic.CreateResult(uuid.uuid4().hex[:16], {**props, **_outputs(made, pki.admin(made, now))})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Renew what has grown old, and put a new key of Secrets before the old ones."""
        now = pki.now()
        made: pki.Pki = _olds["pki"]
        if "snapshots" not in made:
            made = {**made, "snapshots": make_key(now)}  # the state is older than snapshots are
        generation = int(_news["encryption_generation"])
        if generation > int(_olds["encryption_generation"]):
            made = pki.add_encryption_key(made, generation)
        certificate = _olds["admin"]
        if pki.is_old(certificate["certificate"], now):
            certificate = pki.admin(made, now)
        return dynamic.UpdateResult({**_news, **_outputs(made, certificate)})


def _outputs(made: pki.Pki, admin: pki.ClientCertificate) -> Properties:
    return {"pki": made, "admin": admin, "admin_expires": pki.expires(admin["certificate"]).isoformat()}
