"""Who may do what, from the roles and bindings of a cluster, as its API would judge it. Pure.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KINDS = ("clusterroles", "clusterrolebindings", "roles", "rolebindings")
"""The objects that say it, as kubectl names them."""

EVERYWHERE = "*"
"""What stands for all namespaces, and for what is in none."""

_SERVICE_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True)
class Bearer:
    """Whom the API knows somebody as."""

    user: str | None
    """None for a group alone."""

    groups: frozenset[str]

    @classmethod
    def of(cls, user: str) -> "Bearer":
        """A user who has authenticated; a service account is in groups by its name."""
        groups = {"system:authenticated"}
        if user.startswith(_SERVICE_ACCOUNT):
            namespace = user.removeprefix(_SERVICE_ACCOUNT).partition(":")[0]
            groups |= {"system:serviceaccounts", f"system:serviceaccounts:{namespace}"}
        return cls(user, frozenset(groups))


@dataclass(frozen=True)
class Grant:
    """A role that somebody has in a place."""

    namespace: str
    """`EVERYWHERE` where a binding of the whole cluster gives it."""

    role: str
    rules: Sequence[Mapping[str, Any]]
    """As a role writes them: `verbs` with `apiGroups`, `resources` and perhaps `resourceNames`, or with
    `nonResourceURLs`."""


class Rbac:
    """The roles and bindings of a cluster.

    Args:
        objects: All of its `KINDS`, as the API tells them.
    """

    def __init__(self, objects: Iterable[Mapping[str, Any]]) -> None:
        self._bindings: list[Mapping[str, Any]] = []
        self._rules: dict[tuple[str, str, str], Sequence[Mapping[str, Any]]] = {}
        for one in objects:
            if "roleRef" in one:
                self._bindings.append(one)
            else:
                key = one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]
                self._rules[key] = one.get("rules") or ()

    def grants(self, bearer: Bearer) -> Iterator[Grant]:
        """All roles that somebody has; a binding to a role that is not there gives nothing."""
        for binding in self._bindings:
            place = binding["metadata"].get("namespace", "")
            if any(_means(subject, bearer, place) for subject in binding.get("subjects") or ()):
                kind, name = binding["roleRef"]["kind"], binding["roleRef"]["name"]
                rules = self._rules.get((kind, place if kind == "Role" else "", name), ())
                # What a binding in a namespace says of URLs counts nowhere.
                held = [rule for rule in rules if not place or "nonResourceURLs" not in rule]
                yield Grant(place or EVERYWHERE, name, held)


def allowed(rules: Iterable[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    """Everything that rules allow: verb, resource as `kubectl auth can-i --list` writes it, and a name of an object.

    The resource is `pods`, `deployments.apps`, or a URL; the name is empty where it may be any.
    """
    return {
        (verb, resource, name)
        for rule in rules
        for verb in rule["verbs"]
        for resource in _resources(rule)
        for name in rule.get("resourceNames") or [""]
    }


def may(rules: Iterable[Mapping[str, Any]], verb: str, resource: str, group: str = "") -> bool:
    """Whether rules allow something with all objects of a kind."""
    return any(
        {verb, "*"} & set(rule["verbs"])
        and {group, "*"} & set(rule.get("apiGroups") or ())
        and {resource, "*", f"*/{resource.partition('/')[2]}"} & set(rule.get("resources") or ())
        and not rule.get("resourceNames")
        for rule in rules
    )


def _resources(rule: Mapping[str, Any]) -> Iterator[str]:
    yield from rule.get("nonResourceURLs") or ()
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            kind, slash, below = resource.partition("/")
            yield f"{kind}.{group}{slash}{below}" if group else resource


def _means(subject: Mapping[str, str], bearer: Bearer, place: str) -> bool:
    match subject["kind"]:
        case "User":
            return subject["name"] == bearer.user
        case "Group":
            return subject["name"] in bearer.groups
        case "ServiceAccount":
            account = f"{_SERVICE_ACCOUNT}{subject.get('namespace') or place}:{subject['name']}"
            return account == bearer.user
    return False
