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

    Inputs: `name`, `encryption_generation`, which rises for a new key of Secrets, and `authority_generation`, which
    rises for new authorities. Outputs: `pki` and `admin`, both secret, and `admin_expires`, when the administrator's
    certificate ends (ISO 8601).
    """

    serialize_as_secret_always = False  # what is pickled is the name of a class

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Have a user see a message, not a traceback. At module level this would make the provider hang."""
        sys.tracebacklimit = 0

    def check(self, _olds: Properties, news: Properties) -> dynamic.CheckResult:
        """Refuse a generation that no key could have; `_olds` is empty at first."""
        failures = []
        for input_, (key, what) in _GENERATIONS.items():
            least, generation = _olds.get(input_, 1), news[input_]
            if generation < least or generation != int(generation):
                failures.append(
                    dynamic.CheckFailure(
                        "",
                        f"{key}: {generation:g} cannot follow {least:g}, as there is no way back; write {least:g}, or "
                        f"the next whole number for {what}",
                    )
                )
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.DiffResult:
        """Whether something newer is asked for, or the administrator's certificate is in the last third of its life."""
        old = pki.is_old(_olds["admin"]["certificate"], pki.now())
        newer = any(_olds.get(generation, 1) < _news[generation] for generation in _GENERATIONS)
        return dynamic.DiffResult(changes=old or newer or "snapshots" not in _olds["pki"])

    def create(self, props: Properties) -> dynamic.CreateResult:
        """Make everything: in an instant."""
        now = pki.now()
        made = pki.make(now)
        return dynamic.CreateResult(uuid.uuid4().hex[:16], {**props, **_outputs(made, pki.admin(made, now))})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> dynamic.UpdateResult:
        """Renew what has grown old, put a new key of Secrets before the old ones, and make new authorities."""
        now = pki.now()
        made: pki.Pki = _olds["pki"]
        if "snapshots" not in made:
            made = {**made, "snapshots": make_key(now)}  # the state is older than snapshots are
        generation = int(_news["encryption_generation"])
        if generation > int(_olds["encryption_generation"]):
            made = pki.add_encryption_key(made, generation)
        certificate = _olds["admin"]
        anew = _news["authority_generation"] > _olds.get("authority_generation", 1)
        if anew:
            made = {**made, **pki.authorities(now)}
        if anew or pki.is_old(certificate["certificate"], now):
            certificate = pki.admin(made, now)
        return dynamic.UpdateResult({**_news, **_outputs(made, certificate)})


_GENERATIONS = {
    "encryption_generation": ("encryptionKeyGeneration", "a new key"),
    "authority_generation": ("authorityGeneration", "new CAs"),
}
"""Input → its key of the stack file, and what it is raised for."""


def _outputs(made: pki.Pki, admin: pki.ClientCertificate) -> Properties:
    return {"pki": made, "admin": admin, "admin_expires": pki.expires(admin["certificate"]).isoformat()}
