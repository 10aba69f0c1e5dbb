"""The key that a GKE cluster's Secrets are encrypted with in etcd."""

import pulumi

from components.managed.encryption import Encryption
from components.managed.gke.args import GkeArgs
from components.managed.gke.resource import SDK, resource
from components.managed.managed_args import given_key
from components.managed.slim import ask

ROTATION = f"{90 * 24 * 3600}s"
"""A new version of the key every 90 days; older ones still decrypt what they encrypted."""


def secrets_encryption(parent: pulumi.Resource, name: str, args: GkeArgs) -> Encryption:
    """A key of the cluster's own that GKE's service account may use; or the given one.

    A key ring can never be deleted, and costs nothing; a key's versions go when the stack does.
    """
    if (given := given_key(args)) is not None:
        return Encryption(given)
    child = pulumi.ResourceOptions(parent=parent)
    ring = resource("kms:KeyRing", f"{name}-keys", {"location": args["region"]}, child, outputs=())
    key = resource(
        "kms:CryptoKey",
        f"{name}-secrets",
        {"keyRing": ring.id, "purpose": "ENCRYPT_DECRYPT", "rotationPeriod": ROTATION, "labels": args.get("tags")},
        # Without its key no Secret can be read, even from a backup.
        pulumi.ResourceOptions(parent=parent, protect=args.get("deletion_protection", True)),
        outputs=(),
    )
    project = ask(SDK, "gcp:organizations/getProject:getProject", {}, parent)
    # https://cloud.google.com/kubernetes-engine/docs/how-to/encrypting-secrets#grant_permission_to_use_the_key
    robot = project.apply(
        lambda told: f"serviceAccount:service-{told['number']}@container-engine-robot.iam.gserviceaccount.com"
    )
    grant = resource(
        "kms:CryptoKeyIAMMember",
        f"{name}-secrets-gke",
        {"cryptoKeyId": key.id, "role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "member": robot},
        child,
        outputs=(),
    )
    return Encryption(key.id, (grant,))
