"""Who may do what, as a stack file says it: what is refused, in which words, before anything is made."""

import json
from typing import Any

import pytest

from components import spec, targets
from components.platform import access_args
from components.platform.access_args import ANY_WAY, WAYS, StackAccess, credential_of, faults_of
from components.spec import SpecError
from components.targets import TARGETS

VIEW = {"role": "view", "clusterWide": True}
ADMIN = {"role": "admin", "namespaces": ["shop"]}
ADA = {"name": "ada", "rights": [ADMIN]}


def faults(access: Any, target: str = "kind") -> list[str]:
    """What a stack file of a target is told about its `slipway:access`."""
    settings = {"target": target, "cluster": {"version": "1.37"}, "access": access}
    try:
        targets.read(settings, "dev")
    except SpecError as error:
        return [str(fault) for fault in error.faults]
    return []


def test_a_target_may_want_its_cluster_to_be_ready_for_a_credential():
    pool = {"name": "general", "machineType": "e2-standard-4", "minNodes": 1, "maxNodes": 3}
    cluster = {"version": "1.37", "region": "europe-west1", "nodePools": [pool]}
    access = {"people": [{**ADA, "credential": "token"}]}
    with pytest.raises(SpecError, match=r"^gke\.serviceAccountTokens: is false"):
        targets.read({"target": "gke", "cluster": cluster, "access": access}, "prod")


def test_people_groups_and_roles_of_ones_own_are_accepted():
    rule = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"], "resourceNames": ["web"]}
    access = {
        "namespaces": ["shop"],
        "roles": [{"name": "restarter", "rules": [rule]}],
        "people": [
            {**ADA, "lifetime": "365d"},
            {"name": "pipeline", "credential": "token", "lifetime": "10m"},
        ],
        "groups": [{"name": "operators", "members": ["ada", "pipeline"], "rights": [{**ADMIN, "role": "restarter"}]}],
    }
    assert faults(access) == []


@pytest.mark.parametrize(
    ("person", "fault"),
    [
        ({"rights": [ADMIN]}, "people[0].name: is required"),
        ({**ADA, "righst": []}, "people[0].righst: unknown key; did you mean rights?"),
        ({**ADA, "name": ""}, "people[0].name: is empty; write a name"),
        ({**ADA, "name": "system:admin"}, "people[0].name: 'system:admin' is one of Kubernetes' own"),
        (
            {**ADA, "name": "Ada L"},
            "people[0].name: 'Ada L' is no name for a certificate: write at most 40 small letters",
        ),
        ({**ADA, "name": "a" * 41}, f"people[0].name: '{'a' * 41}' is no name for a certificate: write at most 40"),
        (
            {**ADA, "name": "default", "credential": "token"},
            "people[0].name: default is a service account that every namespace has; choose another name",
        ),
        ({"name": "ada"}, "people[0]: ada has no right and is in no group; write `rights`, or take ada out"),
        ({"name": "ada", "rights": []}, "people[0]: ada has no right and is in no group"),
        ({**ADA, "credential": "password"}, "people[0].credential: 'password' is none of its values; choose one of"),
        (
            {**ADA, "credential": "identity"},
            "people[0].credential: there is no identity here; choose one of certificate",
        ),
        ({**ADA, "lifetime": "soon"}, "people[0].lifetime: 'soon' is no time: write minutes, hours or days, e.g. 90m"),
        ({**ADA, "lifetime": 30}, "people[0].lifetime: must be text, and without quotes it reads as 30"),
        (
            {**ADA, "lifetime": "9m"},
            "people[0].lifetime: 9m is too short: the API gives no certificate for less than 10m",
        ),
        ({**ADA, "lifetime": "366d"}, "people[0].lifetime: 366d is too long: a certificate cannot be revoked"),
        (
            {**ADA, "credential": "token", "lifetime": "25h"},
            "people[0].lifetime: 25h is too long: a token is to be short-lived, and clouds give none",
        ),
    ],
)
def test_a_person_who_cannot_be_let_in_is_refused(person, fault):
    [told] = faults({"people": [person]})
    assert told.startswith(f"slipway:access.{fault}")


@pytest.mark.parametrize(
    ("right", "fault"),
    [
        (
            {"role": "admni", "namespaces": ["shop"]},
            ".role: 'admni' is no role; did you mean admin?, or write it under `roles`",
        ),
        ({"role": "view"}, ": says nowhere; write the `namespaces` of view, or `clusterWide: true` for all of them"),
        ({"role": "view", "namespaces": []}, ": says nowhere"),
        ({**ADMIN, "clusterWide": True}, ".namespaces: says less than `clusterWide`, which gives admin everywhere"),
        (
            {"role": "view", "namespaces": ["Shop"]},
            ".namespaces[0]: 'Shop' can be no namespace: write at most 63 small",
        ),
        ({"role": "view", "namespaces": ["*"]}, ".namespaces[0]: '*' can be no namespace"),
        ({"role": "view", "namespaces": ["a" * 64]}, f".namespaces[0]: '{'a' * 64}' can be no namespace"),
        (
            {"role": "edit", "namespaces": ["slipway-people-1a2b3c4d"]},
            ".namespaces[0]: slipway-people-1a2b3c4d holds people's service accounts, and with them their rights",
        ),
        ({"role": "view", "namespaces": ["shop", "shop"]}, ": ada has view in shop already; take one out"),
    ],
)
def test_a_right_that_says_nothing_or_too_much_is_refused(right, fault):
    [told] = faults({"people": [{"name": "ada", "rights": [right]}]})
    assert told.startswith(f"slipway:access.people[0].rights[0]{fault}")


def test_nobody_is_given_the_same_right_twice():
    [told] = faults({"people": [{"name": "ada", "rights": [VIEW, ADMIN, VIEW]}]})
    assert told == "slipway:access.people[0].rights[2]: ada has view everywhere already; take one out"


@pytest.mark.parametrize(
    ("access", "fault"),
    [
        ({"people": [ADA, ADA]}, "people[1].name: ada is there already, as people[0]; join them"),
        ({"namespaces": ["shop", "shop"]}, "namespaces[1]: shop is there already; take one out"),
        ({"namespaces": ["kube-system"]}, "namespaces[0]: kube-system is Kubernetes' own and there in every cluster"),
        ({"namespaces": ["a_b"]}, "namespaces[0]: 'a_b' can be no namespace"),
        (
            {"roles": [{"name": "view", "rules": [{"resources": ["pods"], "verbs": ["get"]}]}]},
            "roles[0].name: view is a role",
        ),
        (
            {"roles": [{"name": "a/b", "rules": [{"resources": ["pods"], "verbs": ["get"]}]}]},
            "roles[0].name: 'a/b' can be",
        ),
        (
            {"roles": [{"name": "a" * 64, "rules": [{"resources": ["pods"], "verbs": ["get"]}]}]},
            f"roles[0].name: '{'a' * 64}' can be no role's: write at most 63 small letters",
        ),
        (
            {"roles": [{"name": "system:x", "rules": [{"resources": ["pods"], "verbs": ["get"]}]}]},
            "roles[0].name: 'system:x' is one of Kubernetes' own",
        ),
        ({"roles": [{"name": "x", "rules": []}]}, "roles[0].rules: is empty, so that x would allow nothing"),
        (
            {"roles": [{"name": "x", "rules": [{"resources": ["pods"], "verbs": []}]}]},
            "roles[0].rules[0].verbs: is empty",
        ),
    ],
)
def test_what_stands_twice_or_cannot_be_is_refused(access, fault):
    [told] = faults(access)
    assert told.startswith(f"slipway:access.{fault}")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"resources": [""]}, "resources[0]: '' can be no kind of objects: write its plural, e.g. `pods`, or `*`"),
        ({"resources": ["pods", "Pods"]}, "resources[1]: 'Pods' can be no kind of objects"),
        ({"resources": ["/healthz"]}, "resources[0]: '/healthz' can be no kind of objects"),
        ({"verbs": ["GET"]}, "verbs[0]: 'GET' can be no verb: write one in small letters, e.g. `get`, or `*`"),
        ({"verbs": ["get "]}, "verbs[0]: 'get ' can be no verb"),
        ({"apiGroups": []}, "apiGroups: is empty, so that the rule would allow nothing"),
        ({"apiGroups": ["apps/v1"]}, "apiGroups[0]: 'apps/v1' can be no group of the API: write it without its ver"),
        ({"apiGroups": ["v1"]}, "apiGroups[0]: 'v1' can be no group of the API"),
        ({"resourceNames": []}, "resourceNames: is empty, which allows all objects; write their names, or drop it"),
        ({"resourceNames": [""]}, "resourceNames: holds an empty name, which no object has; write its name"),
    ],
)
def test_a_rule_that_would_allow_nothing_or_more_than_it_says_is_refused(change, fault):
    rule = {"resources": ["pods"], "verbs": ["get"], **change}
    [told] = faults({"roles": [{"name": "x", "rules": [rule]}]})
    assert told.startswith(f"slipway:access.roles[0].rules[0].{fault}")


@pytest.mark.parametrize(
    "rule",
    [
        {"resources": ["*", "pods/log", "*/scale", "pods/*"], "verbs": ["*"], "apiGroups": ["*"]},
        {"resources": ["users"], "verbs": ["impersonate", "impersonate-on:user-info:list"]},
        {"resources": ["widgets"], "verbs": ["get"], "apiGroups": ["", "v2.example.org"], "resourceNames": ["A:b"]},
    ],
)
def test_what_kubernetes_knows_in_a_rule_is_accepted(rule):
    assert faults({"roles": [{"name": "x", "rules": [rule]}]}) == []


@pytest.mark.parametrize("name", [" ", "ada ", "ada\n", "a\0b", "a\u200bda", "\u202eada"])
@pytest.mark.parametrize("kind", ["people", "groups"])
def test_a_name_with_letters_that_nobody_sees_is_refused(kind, name):
    one = {"name": name, "rights": [VIEW], **({"credential": "identity"} if kind == "people" else {})}
    cluster = {"version": "1.37", "context": "there"}
    with pytest.raises(SpecError) as refused:
        targets.read({"target": "existing", "cluster": cluster, "access": {kind: [one]}}, "dev")
    [told] = map(str, refused.value.faults)
    assert told == f"slipway:access.{kind}[0].name: {name!r} has letters that nobody sees; write it without"


@pytest.mark.parametrize(
    ("group", "fault"),
    [
        ({"members": ["ada"], "rights": []}, "groups[0].rights: is empty, so that devs may do nothing"),
        ({"members": [], "rights": [VIEW]}, "groups[0].members: is empty, so that nobody is in devs"),
        ({"members": ["eda"], "rights": [VIEW]}, "groups[0].members[0]: 'eda' is none of `people`; did you mean ada?"),
        ({"members": ["ada", "ada"], "rights": [VIEW]}, "groups[0].members[1]: ada is there already; take one out"),
        ({"rights": [VIEW]}, "groups[0]: nobody tells this cluster who is in devs; write its `members`"),
    ],
)
def test_a_group_that_means_nobody_is_refused(group, fault):
    [told] = faults({"people": [ADA], "groups": [{"name": "devs", **group}]})
    assert told.startswith(f"slipway:access.{fault}")


def test_every_fault_is_told_at_once_beside_those_of_the_cluster():
    settings = {"target": "kind", "cluster": {"version": 1.3}, "access": {"people": [{"name": 1}]}}
    with pytest.raises(SpecError) as refused:
        targets.read(settings, "dev")
    assert [fault.key for fault in refused.value.faults] == ["slipway:access.people[0].name", "version"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_cloud_whose_identities_have_rights_of_their_own_lets_people_in_by_those(target):
    ways = WAYS.get(target, ANY_WAY)
    access: StackAccess = spec.parse(
        StackAccess,
        {"people": [{"name": "ada@example.org", "rights": [VIEW]}], "groups": [{"name": "devs", "rights": [VIEW]}]},
    )
    assert (faults_of(access, ways) == []) is (target in ("gke", "eks", "aks"))


def test_an_identity_ends_when_its_provider_says_so():
    person = {"name": "ada@example.org", "lifetime": "8h", "rights": [VIEW]}
    access: StackAccess = spec.parse(StackAccess, {"people": [person]})
    [fault] = faults_of(access, WAYS["gke"])
    assert str(fault) == "people[0].lifetime: how long an identity lives is up to its provider; drop it"


@pytest.mark.parametrize("target", ["kind", "minikube", "k3d", "kubeadm", "existing"])
def test_a_cluster_that_signs_certificates_gives_people_those(target):
    access: StackAccess = spec.parse(StackAccess, {"people": [{"name": "ada", "rights": [VIEW]}]})
    assert credential_of(access["people"][0], WAYS.get(target, ANY_WAY)) == "certificate"
    assert ("identity" in WAYS.get(target, ANY_WAY)) is (target == "existing")


def test_no_cloud_is_said_to_sign_certificates():
    assert [name for name, target in TARGETS.items() if target.extra and "certificate" in WAYS[name]] == []


def test_rights_without_what_gives_them_are_refused(monkeypatch):
    monkeypatch.setattr(access_args, "find_spec", lambda _: None)
    assert faults({"people": [ADA]}) == [
        "slipway:access: needs the package pulumi-kubernetes, which is not installed; "
        "run `uv sync --inexact --extra kubernetes` (`make up` does it by itself)"
    ]


def test_a_stack_without_access_has_none():
    assert targets.read_access({"target": "kind"}) is None


def test_a_secret_has_no_place_in_it():
    with pytest.raises(SpecError, match="slipway:access: holds a secret value, and nothing in it is secret"):
        spec.settings_in({"slipway:access": json.loads('{"people": [{"name": {"secure": "v1:a:b"}}]}')})
