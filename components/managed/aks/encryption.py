"""The key that an AKS cluster's Secrets are encrypted with in etcd."""

import pulumi

from components.managed.aks.args import KEY_ID, AksArgs, vault_id
from components.managed.aks.identity import KEY_VAULT_CRYPTO_USER, Identity, grant
from components.managed.aks.resource import resource
from components.managed.encryption import Encryption
from components.managed.managed_args import given_key
from components.managed.slim import SlimResource


def secrets_encryption(
    parent: pulumi.Resource, name: str, args: AksArgs, group: SlimResource, identity: Identity
) -> Encryption:
    """A key of the cluster's own, or the given one, that the control plane may use.

    https://learn.microsoft.com/azure/aks/use-kms-etcd-encryption. AKS reaches the vault by its public address, where
    Azure's roles decide: a private one would need the cluster's identity to be a contributor of the vault.
    """
    if (given_id := given_key(args)) is not None:
        given = pulumi.Output.from_input(given_id).apply(_parts)
        key = given.apply(
            lambda parts: f"https://{parts['name']}.vault.azure.net/keys/{parts['key']}/{parts['version']}"
        )
        vault = given.apply(lambda parts: parts["vault"])
        return Encryption(key, (_may_use(parent, name, group, identity, vault),))
    # Without its key no Secret can be read, even from a backup.
    kept = pulumi.ResourceOptions(parent=parent, protect=args.get("deletion_protection", True))
    made = resource(
        "keyvault:Vault",
        f"{name}-keys",
        {
            "resourceGroupName": group.output("name"),
            "location": args["region"],
            "tags": args.get("tags"),
            "vaultName": group.id.apply(lambda id_: vault_id(name, id_)),
            "properties": {
                "tenantId": identity.account.output("tenantId"),
                "sku": {"family": "A", "name": "standard"},
                # Slipway AKS 10
                "enableRbacAuthorization": True,
                # Slipway AKS 9
                "enableSoftDelete": True,
                "enablePurgeProtection": True,
                "publicNetworkAccess": "Enabled",
            },
        },
        kept,
    )
    key = resource(
        "keyvault:Key",
        f"{name}-secrets",
        {
            "resourceGroupName": group.output("name"),
            "vaultName": made.output("name"),
            "keyName": "secrets",
            "properties": {"kty": "RSA", "keySize": 4096, "keyOps": ["encrypt", "decrypt"]},
            "tags": args.get("tags"),
        },
        kept,
        outputs=("keyUriWithVersion",),
    )
    return Encryption(key.output("keyUriWithVersion"), (_may_use(parent, name, group, identity, made.id),))


def _parts(key: str) -> dict[str, str]:
    match = KEY_ID.fullmatch(key)
    if match is None:
        raise ValueError(f"secretsEncryption.key: {key!r} is no id of a version of a key in a key vault")
    return match.groupdict()


def _may_use(
    parent: pulumi.Resource, name: str, group: SlimResource, identity: Identity, vault: pulumi.Input[str]
) -> SlimResource:
    principal = identity.account.output("principalId")
    return grant(parent, f"{name}-control-plane-key", group, principal, KEY_VAULT_CRYPTO_USER, vault)
