"""Who may do what in a cluster: what a stack or program says of it, and the rules that it must keep."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from importlib.util import find_spec
from typing import NotRequired

import pulumi
from typing_extensions import TypedDict

from components.spec import Fault, nearest

EXTRA = "kubernetes"
"""The extra of pyproject.toml with the SDK that gives rights."""

ROLES = ("view", "edit", "admin", "cluster-admin")
"""The roles that every cluster has (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles)."""

PEOPLE = "slipway-people"
"""Begins the name of the namespace that service accounts of people are in."""


class Credential(StrEnum):
    """What a person shows to the API."""

    IDENTITY = "identity"
    CERTIFICATE = "certificate"
    TOKEN = "token"  # noqa: S105 - a word of stack files


WAYS: Mapping[str, Sequence[Credential]] = {
    # The signers of EKS sign no client's certificate (https://docs.aws.amazon.com/eks/latest/userguide/cert-signing.html),
    # and no other cloud promises that its own do.
    **dict.fromkeys(("gke", "eks", "aks"), (Credential.IDENTITY, Credential.TOKEN)),
    # Every identity that these clouds tell a cluster of is an administrator of it.
    **dict.fromkeys(("doks", "kapsule"), (Credential.TOKEN,)),
    # k3s signs too, by a CA of clients alone (pkg/daemons/control/server.go in k3s-io/k3s).
    **dict.fromkeys(("kind", "minikube", "k3d", "kubeadm"), (Credential.CERTIFICATE, Credential.TOKEN)),
}
"""Target → what people there can have, the usual one first; whatever is not here has `ANY_WAY`."""

ANY_WAY = (Credential.CERTIFICATE, Credential.TOKEN, Credential.IDENTITY)
"""What people may have in a cluster of which nobody knows who made it, and how."""

LIFETIMES = {Credential.CERTIFICATE: "30d", Credential.TOKEN: "8h"}
"""How long a credential lives unless somebody says otherwise."""

SHORTEST = timedelta(minutes=10)
"""The API gives no certificate and no token for less."""

LONGEST = {Credential.CERTIFICATE: timedelta(days=365), Credential.TOKEN: timedelta(hours=24)}
"""Signers cut a certificate to a year unless told otherwise, and clouds a token to a day or two."""


class AccessRule(TypedDict):
    """Something that an own role allows."""

    resources: list[str]
    """Kinds of objects in plural, e.g. `pods` or `pods/log`; `*` for all."""

    verbs: list[str]
    """What may be done with them, e.g. `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`; `*` for all."""

    api_groups: NotRequired[list[str]]
    """Groups of the API that have them, e.g. `apps`; `""` is that of pods. Default: that of pods alone."""

    resource_names: NotRequired[list[str]]
    """Names of the only objects that it is about. Default: all."""


class AccessRole(TypedDict):
    """A role of the stack's own."""

    name: str
    """What rights call it, e.g. `restarter`."""

    rules: list[AccessRule]
    """What it allows; whatever is not here, it does not."""


class AccessRight(TypedDict):
    """A role, and where it holds: in some namespaces, or in the whole cluster."""

    role: str
    """`view`, `edit`, `admin`, `cluster-admin`, or one of `roles`."""

    namespaces: NotRequired[list[str]]
    """The namespaces in which it holds."""

    cluster_wide: NotRequired[bool]
    """Whether it holds in all namespaces and for what is in none, such as nodes. Default: false."""


class Person(TypedDict):
    """Somebody who comes to the cluster: a person, or a program such as a pipeline."""

    name: str
    """Who it is, e.g. `ada`. With `credential: identity`: the name that the cluster is told, e.g. `ada@example.org`."""

    rights: NotRequired[list[AccessRight]]
    """What the person may do, beside what groups of theirs may."""

    credential: NotRequired[Credential]
    """What the API is shown: `identity` of the cloud or an OIDC provider, a client `certificate`, or a short-lived
    `token`. Default: the first of them that the target has."""

    lifetime: NotRequired[str]
    """How long a certificate or token lives: minutes, hours or days, e.g. `90m`, `8h`, `30d`; an `up` in the last third
    of that time renews it. Default: 30d for a certificate, 8h for a token."""


class AccessGroup(TypedDict):
    """People with the same rights."""

    name: str
    """What it is called; without `members`, as the cloud or OIDC provider tells the cluster."""

    rights: list[AccessRight]
    """What its members may do."""

    members: NotRequired[list[str]]
    """Names of `people`. Default: whom the cloud or OIDC provider counts in."""


class StackAccess(TypedDict):
    """People and groups with roles, in some namespaces or in the whole cluster."""

    people: NotRequired[list[Person]]
    """Who comes to the cluster; each one gets a kubeconfig of their own, as a secret output."""

    groups: NotRequired[list[AccessGroup]]
    """People with the same rights."""

    roles: NotRequired[list[AccessRole]]
    """Roles of the stack's own, beside those that every cluster has."""

    namespaces: NotRequired[list[str]]
    """Namespaces to make. One that is taken out of the list is deleted, with all that is in it. Others that a right
    names must be there."""


class AccessArgs(StackAccess):
    """People and groups with roles in a cluster, whoever made it."""

    kubeconfig: pulumi.Input[str]
    """Kubeconfig of an administrator of the cluster. Secret."""

    cluster_name: NotRequired[str]
    """Name of the cluster in people's kubeconfigs. Default: the component's."""

    cluster_identifier: NotRequired[pulumi.Input[str]]
    """What tells this cluster from another one at the same place: all rights and credentials are made anew when it
    changes. Default: derived from the certificate of its CA, or from its URL where a public CA signs."""


class AccessOutputs(pulumi.ComponentResource):
    """What a component tells of the people whom it lets in; no SDK is needed to know that."""

    people: pulumi.Output[dict[str, dict[str, str]]]
    """Person → `credential`, `user` (whom the API knows them as) and, if Slipway knows when it ends, `expires` (ISO
    8601)."""

    kubeconfigs: pulumi.Output[dict[str, str]]
    """Person → the kubeconfig of their own. Secret."""


def faults_of(access: StackAccess, ways: Sequence[Credential]) -> list[Fault]:
    """What is wrong with `access`, where people can have the credentials `ways`; the first is the usual one."""
    return [
        *_name_faults(access),
        *_role_faults(access),
        *_people_faults(access, ways),
        *_group_faults(access, ways),
        *_right_faults(access),
    ]


def sdk_faults() -> list[Fault]:
    """Whether what gives rights is there."""
    if find_spec("pulumi_kubernetes"):
        return []
    message = (
        "needs the package pulumi-kubernetes, which is not installed; run `uv sync --inexact --extra "
        f"{EXTRA}` (`make up` does it by itself)"
    )
    return [Fault("", message)]


def credential_of(person: Person, ways: Sequence[Credential]) -> Credential:
    """What a person shows to the API."""
    return Credential(person.get("credential", ways[0]))


def seconds(person: Person, credential: Credential) -> int:
    """How long a person's certificate or token lives."""
    return int(_duration(person.get("lifetime", LIFETIMES[credential])).total_seconds())


def rights_of(access: StackAccess) -> Iterator[tuple[str, Person | AccessGroup, AccessRight]]:
    """Every right with the key where it stands, and whose it is."""
    for kind in ("people", "groups"):
        for index, whose in enumerate(access.get(kind, [])):
            for place, right in enumerate(whose.get("rights", [])):
                yield f"{kind}[{index}].rights[{place}]", whose, right


def _duration(text: str) -> timedelta:
    found = _LIFETIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return timedelta(**{_UNITS[found["unit"]]: int(found["count"])})


_LIFETIME = re.compile(r"(?P<count>[0-9]{1,6})(?P<unit>[mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")

_LONGEST_NAME = 40
"""A certificate's common name has 64 letters, of which Slipway takes some."""

_LONGEST_LABEL = 63
"""A namespace's name has no more letters, and a role's is part of the names of its bindings."""

_RESOURCE = re.compile(r"\*|(\*|[a-z0-9.-]+)(/[a-z0-9.-]+)?|[a-z0-9.-]+/\*")
_VERB = re.compile(r"\*|[a-z][a-z0-9:.-]*")
_GROUP = re.compile(r"|\*|(?!v[0-9][a-z0-9]*$)[a-z0-9.-]+")


def _name_faults(access: StackAccess) -> Iterator[Fault]:
    """Names that stand twice, and such as nothing can have."""
    for kind in ("people", "groups", "roles"):
        names: list[str] = [one["name"] for one in access.get(kind, [])]
        for index, name in enumerate(names):
            if not name:
                yield Fault(f"{kind}[{index}].name", "is empty; write a name")
            elif name in names[:index]:
                yield Fault(
                    f"{kind}[{index}].name", f"{name} is there already, as {kind}[{names.index(name)}]; join them"
                )
            elif not name.isprintable() or name != name.strip():
                yield Fault(f"{kind}[{index}].name", f"{name!r} has letters that nobody sees; write it without")
            elif name.startswith("system:"):
                yield Fault(
                    f"{kind}[{index}].name", f"{name!r} is one of Kubernetes' own; choose one without `system:`"
                )
    made = access.get("namespaces", [])
    for index, namespace in enumerate(made):
        key = f"namespaces[{index}]"
        yield from _namespace_faults(key, namespace)
        if namespace in made[:index]:
            yield Fault(key, f"{namespace} is there already; take one out")
        if namespace in _KUBERNETES_OWN:
            yield Fault(key, f"{namespace} is Kubernetes' own and there in every cluster; take it out")


_KUBERNETES_OWN = ("default", "kube-system", "kube-public", "kube-node-lease")


def _namespace_faults(key: str, namespace: str) -> Iterator[Fault]:
    if not _NAME.fullmatch(namespace) or len(namespace) > _LONGEST_LABEL:
        yield Fault(
            key,
            f"{namespace!r} can be no namespace: write at most {_LONGEST_LABEL} small letters, digits and hyphens, "
            "with no hyphen at either end",
        )
    elif namespace.startswith(PEOPLE):
        yield Fault(key, f"{namespace} holds people's service accounts, and with them their rights; choose another one")


def _role_faults(access: StackAccess) -> Iterator[Fault]:
    for index, role in enumerate(access.get("roles", [])):
        key = f"roles[{index}]"
        if role["name"] in ROLES:
            yield Fault(f"{key}.name", f"{role['name']} is a role that every cluster has; choose another name")
        elif _is_plain(role["name"]) and (not _NAME.fullmatch(role["name"]) or len(role["name"]) > _LONGEST_LABEL):
            most = f"at most {_LONGEST_LABEL} small letters, digits and hyphens"
            yield Fault(f"{key}.name", f"{role['name']!r} can be no role's: write {most}")
        if not role["rules"]:
            yield Fault(f"{key}.rules", f"is empty, so that {role['name']} would allow nothing; write a rule")
        for place, rule in enumerate(role["rules"]):
            yield from _rule_faults(f"{key}.rules[{place}]", rule)


def _rule_faults(key: str, rule: AccessRule) -> Iterator[Fault]:
    """What Kubernetes takes without a word, though it allows nothing, or more than was meant."""
    words = {
        "resources": (rule["resources"], _RESOURCE, "can be no kind of objects: write its plural, e.g. `pods`, or `*`"),
        "verbs": (rule["verbs"], _VERB, "can be no verb: write one in small letters, e.g. `get`, or `*`"),
        "apiGroups": (
            *(rule.get("api_groups", [""]), _GROUP),
            'can be no group of the API: write it without its version, e.g. `apps`, and `""` for `v1`',
        ),
    }
    for name, (values, pattern, why) in words.items():
        if not values:
            yield Fault(f"{key}.{name}", "is empty, so that the rule would allow nothing")
        for index, value in enumerate(values):
            if not pattern.fullmatch(value):
                yield Fault(f"{key}.{name}[{index}]", f"{value!r} {why}")
    names = rule.get("resource_names")
    if names is not None and not all(names):
        yield Fault(f"{key}.resourceNames", "holds an empty name, which no object has; write its name, or take it out")
    elif names == []:
        yield Fault(f"{key}.resourceNames", "is empty, which allows all objects; write their names, or drop it for all")


def _people_faults(access: StackAccess, ways: Sequence[Credential]) -> Iterator[Fault]:
    members = {name for group in access.get("groups", []) for name in group.get("members", [])}
    for index, person in enumerate(access.get("people", [])):
        key, name = f"people[{index}]", person["name"]
        if name and not person.get("rights") and name not in members:
            yield Fault(key, f"{name} has no right and is in no group; write `rights`, or take {name} out")
        if (written := person.get("credential", ways[0])) not in ways:
            yield Fault(f"{key}.credential", f"there is no {written} here; choose one of {', '.join(ways)}")
        elif (credential := credential_of(person, ways)) is Credential.IDENTITY:
            if "lifetime" in person:
                yield Fault(f"{key}.lifetime", "how long an identity lives is up to its provider; drop it")
        else:
            if _is_plain(name) and (not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME):
                yield Fault(
                    f"{key}.name",
                    f"{name!r} is no name for a {credential}: write at most {_LONGEST_NAME} small letters, digits and "
                    "hyphens, with no hyphen at either end",
                )
            elif credential is Credential.TOKEN and name == "default":
                yield Fault(f"{key}.name", "default is a service account that every namespace has; choose another name")
            yield from _lifetime_faults(f"{key}.lifetime", person, credential)


def _is_plain(name: str) -> bool:
    """Whether `_name_faults` says nothing against it."""
    return bool(name) and name.isprintable() and name == name.strip() and not name.startswith("system:")


def _lifetime_faults(key: str, person: Person, credential: Credential) -> Iterator[Fault]:
    written = person.get("lifetime", LIFETIMES[credential])
    try:
        lifetime = _duration(written)
    except ValueError:
        yield Fault(key, f"{written!r} is no time: write minutes, hours or days, e.g. 90m, 8h or 30d")
        return
    if lifetime < SHORTEST:
        yield Fault(key, f"{written} is too short: the API gives no {credential} for less than 10m; write 10m or more")
    elif lifetime > LONGEST[credential]:
        most = {Credential.CERTIFICATE: "365d", Credential.TOKEN: "24h"}[credential]
        why = {
            Credential.CERTIFICATE: "a certificate cannot be revoked, and clusters sign none for longer",
            Credential.TOKEN: "a token is to be short-lived, and clouds give none for much longer",
        }[credential]
        yield Fault(key, f"{written} is too long: {why}; write {most} or less")


def _group_faults(access: StackAccess, ways: Sequence[Credential]) -> Iterator[Fault]:
    people = [person["name"] for person in access.get("people", [])]
    for index, group in enumerate(access.get("groups", [])):
        key = f"groups[{index}]"
        if not group["rights"]:
            yield Fault(
                f"{key}.rights", f"is empty, so that {group['name']} may do nothing; write one, or drop the group"
            )
        if "members" not in group:
            if Credential.IDENTITY not in ways:
                yield Fault(key, f"nobody tells this cluster who is in {group['name']}; write its `members`")
            continue
        if not group["members"]:
            yield Fault(
                f"{key}.members", f"is empty, so that nobody is in {group['name']}; write one, or drop the group"
            )
        for place, name in enumerate(group["members"]):
            if name not in people:
                hint = nearest(name, people) if people else "add them there"
                yield Fault(f"{key}.members[{place}]", f"{name!r} is none of `people`; {hint}")
            elif name in group["members"][:place]:
                yield Fault(f"{key}.members[{place}]", f"{name} is there already; take one out")


def _right_faults(access: StackAccess) -> Iterator[Fault]:
    known = [*ROLES, *(role["name"] for role in access.get("roles", []))]
    given: set[tuple[int, str, str]] = set()
    for key, whose, right in rights_of(access):
        role, places = right["role"], right.get("namespaces", [])
        everywhere = right.get("cluster_wide", False)
        if role not in known:
            yield Fault(f"{key}.role", f"{role!r} is no role; {nearest(role, known)}, or write it under `roles`")
        if everywhere and places:
            yield Fault(f"{key}.namespaces", f"says less than `clusterWide`, which gives {role} everywhere; drop one")
        elif not everywhere and not places:
            yield Fault(key, f"says nowhere; write the `namespaces` of {role}, or `clusterWide: true` for all of them")
        for index, namespace in enumerate(places):
            yield from _namespace_faults(f"{key}.namespaces[{index}]", namespace)
        for place in [""] if everywhere else places:
            if (id(whose), role, place) in given:
                where = f"in {place}" if place else "everywhere"
                yield Fault(key, f"{whose['name']} has {role} {where} already; take one out")
            given.add((id(whose), role, place))
