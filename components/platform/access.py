"""Access: people and groups with roles, in any cluster that there is a kubeconfig for.

Binds roles to people, makes the namespaces that are listed, and gives each person a kubeconfig of their own: with a
client certificate that the cluster signs, a token of a service account, or the program that asks the cloud who they
are. Leaves alone: rights that somebody else has given, and who is in the groups of a cloud.

Imported only by a stack that gives rights: nothing else needs Kubernetes' SDK.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import dynamic
from pulumi_kubernetes import Provider

from components import kubeconfig
from components.bootstrap import pki
from components.cluster import Cluster
from components.declared import camel
from components.managed.slim import SlimResource
from components.platform.access_args import (
    ANY_WAY,
    PEOPLE,
    ROLES,
    WAYS,
    AccessArgs,
    AccessGroup,
    AccessOutputs,
    Credential,
    Person,
    StackAccess,
    credential_of,
    faults_of,
    seconds,
)
from components.platform.access_provider import CertificateProvider, TokenProvider
from components.spec import SpecError

RBAC = "rbac.authorization.k8s.io"

_LONGEST_SLUG = 80
"""An object's name has 253 letters, for all that is in it."""

Subject = Mapping[str, pulumi.Input[str]]
"""Whom a binding means, as it says that itself."""


class Access(AccessOutputs):
    """People and groups with roles in a cluster."""

    def __init__(
        self,
        name: str,
        args: AccessArgs,
        opts: pulumi.ResourceOptions | None = None,
        ways: Sequence[Credential] = ANY_WAY,
    ) -> None:
        """Give people their rights.

        Args:
            name: Name of the component.
            args: Who may do what, and in which cluster.
            opts: Options of the component. What it is `deleted_with` takes all that is in the cluster with it; what it
                depends on has to be there before anything in the cluster.
            ways: What people can have there, the usual one first.

        Raises:
            SpecError: `args` break a rule.
        """
        if faults := faults_of(args, ways):
            raise SpecError(faults)
        super().__init__("slipway:index:Access", name, None, opts)
        opts = opts or pulumi.ResourceOptions()
        admin = pulumi.Output.secret(args["kubeconfig"])
        authority = pulumi.Output.unsecret(admin.apply(identifier))
        cluster = args.get("cluster_identifier", authority)
        provider = Provider(
            f"{name}-access",
            kubeconfig=admin,
            cluster_identifier=cluster,
            opts=pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on),
        )
        inside = _Inside(
            name,
            {"cluster": cluster, "authority": authority, "kubeconfig": admin},
            pulumi.ResourceOptions(parent=self, provider=provider, deleted_with=opts.deleted_with),
        )

        chosen = {person["name"]: credential_of(person, ways) for person in args.get("people", [])}
        namespaces = {one: inside.object("v1", "Namespace", one, one) for one in args.get("namespaces", [])}
        room = [inside.object("v1", "Namespace", PEOPLE, inside.people)] if Credential.TOKEN in chosen.values() else []
        people = {one["name"]: _come(inside, one, chosen[one["name"]], room) for one in args.get("people", [])}
        _bind(inside, args, people, namespaces)

        cluster_name = args.get("cluster_name", name)
        told: dict[str, Any] = {who: one.told for who, one in people.items()}
        own: dict[str, Any] = {
            who: pulumi.Output.all(admin, one.shows).apply(
                lambda known, name=f"{who}@{cluster_name}": own_kubeconfig(known[0], name, known[1])
            )
            for who, one in people.items()
        }
        self.people = pulumi.Output.from_input(told)
        self.kubeconfigs = pulumi.Output.secret(own)
        self.register_outputs({"people": self.people, "kubeconfigs": self.kubeconfigs})


def access_to(cluster: Cluster, name: str, access: StackAccess) -> Access:
    """The access that a stack gives to its cluster.

    Raises:
        SpecError: It breaks a rule.
    """
    args: AccessArgs = {**access, "kubeconfig": cluster.kubeconfig}
    if cluster.cluster_identifier is not None:
        args["cluster_identifier"] = cluster.cluster_identifier
    return Access(
        name,
        args,
        pulumi.ResourceOptions(depends_on=list(cluster.ends), deleted_with=cluster.gone_with),
        WAYS.get(cluster.target, ANY_WAY),
    )


def identifier(admin: str) -> str:
    """What tells a cluster from another one at the same place: its CA, or its URL where a public CA signs."""
    cluster = kubeconfig.cluster_of(admin)
    return _digest(cluster.get("certificate-authority-data") or cluster["server"], 16)


def own_kubeconfig(admin: str, name: str, shows: Mapping[str, Any] | None) -> str:
    """The kubeconfig of somebody who shows the API a credential of their own, or whom the cloud's program tells of.

    Raises:
        RunError: There is no such program in the administrator's, and so nothing that may be handed on.
    """
    user = shows or {"exec": kubeconfig.user_of(admin).get("exec")}
    if not all(user.values()):
        raise pulumi.RunError(
            f"{name}: `credential: identity` hands on the cluster's own kubeconfig, and that holds an administrator's "
            "credential, and no program that asks who somebody is; write `credential: certificate` or `token`"
        )
    return kubeconfig.build_for(name, kubeconfig.cluster_of(admin), user)


@dataclass(frozen=True)
class _Comer:
    """Somebody who comes to a cluster."""

    subject: Subject
    """Whom bindings mean."""

    told: Mapping[str, pulumi.Input[str]]
    """What may be told of them."""

    shows: pulumi.Input[Mapping[str, Any] | None]
    """The user of their kubeconfig; None where it is that of the cluster's own."""


@dataclass(frozen=True)
class _Inside:
    """A cluster, for what is made in it."""

    name: str
    """Of the component."""

    known: Mapping[str, pulumi.Input[str]]
    """What a credential depends on: the `cluster`, the `authority` that signs it, and an administrator's
    `kubeconfig`."""

    opts: pulumi.ResourceOptions
    """Of all that is made there."""

    def object(
        self,
        api: str,
        kind: str,
        name: str,
        given: str | None = None,
        *,
        namespace: pulumi.Input[str] | None = None,
        depends_on: Sequence[pulumi.Resource] = (),
        **fields: Any,
    ) -> SlimResource:
        """An object of the API; one that is `given` no name gets a unique one."""
        module = "core/v1" if api == "v1" else api
        metadata: dict[str, Any] = {"labels": {"app.kubernetes.io/part-of": "slipway-access"}}
        metadata |= {key: value for key, value in {"name": given, "namespace": namespace}.items() if value is not None}
        return SlimResource(
            "pulumi-kubernetes",
            f"kubernetes:{module}:{kind}",
            f"{self.name}:{name}",
            {"apiVersion": api, "kind": kind, "metadata": metadata, **fields},
            pulumi.ResourceOptions.merge(self.opts, pulumi.ResourceOptions(depends_on=list(depends_on))),
            outputs=("metadata",),
        )

    @property
    def people(self) -> str:
        """The namespace of people's service accounts: another one for each `Access` that a cluster may have."""
        return f"{PEOPLE}-{_digest(f'{pulumi.get_project()}/{pulumi.get_stack()}/{self.name}', 8)}"


class _Credential(dynamic.Resource, module="slipway", name="Credential"):
    user: pulumi.Output[str]
    expires: pulumi.Output[str]


class _Certificate(_Credential, module="slipway", name="AccessCertificate"):
    certificate: pulumi.Output[str]
    key: pulumi.Output[str]

    def __init__(self, inside: _Inside, person: str, lifetime: int) -> None:
        super().__init__(
            CertificateProvider(),
            f"{inside.name}:{person}",
            {
                **inside.known,
                "person": person,
                "seconds": lifetime,
                **dict.fromkeys(("user", "certificate", "key", "expires")),
            },
            _hiding(inside, "key"),
        )


class _Token(_Credential, module="slipway", name="AccessToken"):
    token: pulumi.Output[str]

    def __init__(self, inside: _Inside, account: SlimResource, person: str, lifetime: int) -> None:
        super().__init__(
            TokenProvider(),
            f"{inside.name}:{person}",
            {
                **inside.known,
                "person": person,
                "namespace": inside.people,
                # A preview does not know it.
                "uid": account.output("metadata").apply(lambda made: made.get("uid")),
                "seconds": lifetime,
                **dict.fromkeys(("user", "token", "issued", "expires")),
            },
            _hiding(inside, "token"),
        )


def _hiding(inside: _Inside, *outputs: str) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(
        parent=inside.opts.parent,
        depends_on=inside.opts.provider,
        deleted_with=inside.opts.deleted_with,
        additional_secret_outputs=[*outputs, "kubeconfig"],
    )


def _come(inside: _Inside, person: Person, credential: Credential, room: Sequence[pulumi.Resource]) -> _Comer:
    """Have a person known to the cluster; service accounts come after the namespace that they are in."""
    name, told = person["name"], {"credential": str(credential)}
    match credential:
        case Credential.IDENTITY:
            return _Comer({"apiGroup": RBAC, "kind": "User", "name": name}, {**told, "user": name}, None)
        case Credential.CERTIFICATE:
            signed = _Certificate(inside, name, seconds(person, credential))
            data = {"client-certificate-data": signed.certificate, "client-key-data": signed.key}
            return _Comer(
                {"apiGroup": RBAC, "kind": "User", "name": signed.user},
                {**told, "user": signed.user, "expires": signed.expires},
                {key: pem.apply(pki.base64_of) for key, pem in data.items()},
            )
        case Credential.TOKEN:
            account = inside.object(
                *("v1", "ServiceAccount", name, name),
                namespace=inside.people,
                depends_on=room,
                automountServiceAccountToken=False,
            )
            given = _Token(inside, account, name, seconds(person, credential))
            return _Comer(
                {"kind": "ServiceAccount", "name": name, "namespace": inside.people},
                {**told, "user": given.user, "expires": given.expires},
                {"token": given.token},
            )


def _bind(inside: _Inside, args: StackAccess, people: Mapping[str, _Comer], made: Mapping[str, SlimResource]) -> None:
    """Give people and groups their roles: a binding for each role of each of them, in each place."""
    roles: dict[str, pulumi.Input[str]] = {role: role for role in ROLES}
    for role in args.get("roles", []):
        rules = [
            {camel(key): list(value) for key, value in {"api_groups": [""], **rule}.items()} for rule in role["rules"]
        ]
        own = inside.object(f"{RBAC}/v1", "ClusterRole", role["name"], rules=rules)
        roles[role["name"]] = own.output("metadata").apply(lambda metadata: metadata["name"])
    holders: list[tuple[str, Person | AccessGroup, Sequence[Subject]]] = [
        *(("person", one, [people[one["name"]].subject]) for one in args.get("people", [])),
        *(("group", one, _members(one, people)) for one in args.get("groups", [])),
    ]
    for kind, whose, subjects in holders:
        for right in whose.get("rights", []):
            name = f"{kind}:{_slug(whose['name'])}:{right['role']}"
            reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": roles[right["role"]]}
            if right.get("cluster_wide", False):
                inside.object(f"{RBAC}/v1", "ClusterRoleBinding", name, roleRef=reference, subjects=subjects)
            for namespace in right.get("namespaces", []):
                inside.object(
                    *(f"{RBAC}/v1", "RoleBinding", f"{name}:{namespace}"),
                    namespace=namespace,
                    depends_on=[made[namespace]] if namespace in made else [],
                    roleRef=reference,
                    subjects=subjects,
                )


def _members(group: AccessGroup, people: Mapping[str, _Comer]) -> Sequence[Subject]:
    """Whom the bindings of a group mean: its members each, or the group that a cloud tells of."""
    if "members" in group:
        return [people[member].subject for member in group["members"]]
    return [{"apiGroup": RBAC, "kind": "Group", "name": group["name"]}]


def _slug(name: str) -> str:
    """A name as it can be part of an object's; one that loses letters is still no other one's."""
    plain = re.sub(r"[^A-Za-z0-9._@-]", "-", name)[:_LONGEST_SLUG]
    return plain if plain == name else f"{plain}-{_digest(name, 6)}"


def _digest(text: str, letters: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:letters]
