"""Who may do what: roles and bindings judged as Kubernetes does, and the report that comes of it."""

import json
import re
import stat
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from components import kubeconfig
from components.bootstrap.kubectl import Kubectl, KubectlError
from components.platform.rights import EVERYWHERE, KINDS, Bearer, Rbac, allowed, may
from tools import access, cli
from tools.console import Problem
from tools.stack import Stack

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BEN = "system:serviceaccount:slipway-people-1:ben"


def role(name: str, *rules: Any, namespace: str = "", kind: str = "ClusterRole") -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace}, "rules": list(rules) or None}


def rule(verbs: str, resources: str, group: str = "", **more: Any) -> dict[str, Any]:
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split(), **more}


def bound(name: str, *subjects: Any, namespace: str = "", kind: str = "ClusterRole") -> dict[str, Any]:
    return {
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": f"{name}-bound", **({"namespace": namespace} if namespace else {})},
        "roleRef": {"kind": kind, "name": name},
        "subjects": list(subjects) or None,
    }


def user(name: str) -> dict[str, str]:
    return {"kind": "User", "name": name}


def group(name: str) -> dict[str, str]:
    return {"kind": "Group", "name": name}


def account(name: str, **more: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, **more}


URLS = {"verbs": ["get"], "nonResourceURLs": ["/healthz"]}
VIEW = role("view", rule("get list", "pods"), URLS)


def grants(bearer: Bearer, *objects: Any) -> list[tuple[str, str]]:
    return [(grant.namespace, grant.role) for grant in Rbac(objects).grants(bearer)]


@pytest.mark.parametrize(
    ("subject", "bearer", "is_meant"),
    [
        (user("ada"), Bearer.of("ada"), True),
        (user("ada"), Bearer.of("ada2"), False),
        (group("ada"), Bearer.of("ada"), False),
        (group("system:authenticated"), Bearer.of("ada"), True),
        (group("system:serviceaccounts"), Bearer.of("ada"), False),
        (group("system:serviceaccounts"), Bearer.of(BEN), True),
        (group("system:serviceaccounts:slipway-people-1"), Bearer.of(BEN), True),
        (user(BEN), Bearer.of(BEN), True),
        (account("ben", namespace="slipway-people-1"), Bearer.of(BEN), True),
        (account("ben", namespace="shop"), Bearer.of(BEN), False),
        (account("ben"), Bearer.of(BEN), False),
        (group("devs"), Bearer(None, frozenset({"devs"})), True),
        (user("devs"), Bearer(None, frozenset({"devs"})), False),
    ],
)
def test_a_binding_means_those_whom_kubernetes_takes_it_to_mean(subject, bearer, is_meant):
    assert (grants(bearer, VIEW, bound("view", subject)) != []) is is_meant


def test_a_role_of_a_namespace_is_that_of_the_binding_s_own_namespace():
    roles = [
        role("x", rule("get", "secrets"), namespace=place, kind="Role")
        if place == "shop"
        else role("x", namespace=place)
        for place in ("shop", "lab")
    ]
    rbac = Rbac([*roles, bound("x", user("ada"), namespace="shop", kind="Role")])
    [grant] = rbac.grants(Bearer.of("ada"))
    assert (grant.namespace, allowed(grant.rules)) == ("shop", {("get", "secrets", "")})


def test_what_is_bound_to_nothing_or_to_nobody_gives_nothing():
    [grant] = Rbac([bound("gone", user("ada"), namespace="shop")]).grants(Bearer.of("ada"))
    assert grant.rules == []
    assert grants(Bearer.of("ada"), VIEW, bound("view")) == []


def test_urls_are_given_by_a_binding_of_the_whole_cluster_alone():
    everywhere, here = (
        [allowed(grant.rules) for grant in Rbac([VIEW, binding]).grants(Bearer.of("ada"))]
        for binding in (bound("view", user("ada")), bound("view", user("ada"), namespace="shop"))
    )
    pods = {("get", "pods", ""), ("list", "pods", "")}
    assert everywhere == [pods | {("get", "/healthz", "")}]
    assert here == [pods]


def test_what_is_allowed_is_told_as_kubectl_tells_it():
    rules = [rule("get", "deployments deployments/scale", "apps"), rule("patch", "pods", resourceNames=["a", "b"])]
    assert allowed(rules) == {
        ("get", "deployments.apps", ""),
        ("get", "deployments.apps/scale", ""),
        ("patch", "pods", "a"),
        ("patch", "pods", "b"),
    }


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (rule("create", "pods/exec"), True),
        (rule("*", "*", "*"), True),
        (rule("create", "*/exec"), True),
        (rule("create", "pods"), False),
        (rule("get", "pods/exec"), False),
        (rule("create", "pods/exec", "apps"), False),
        (rule("create", "pods/exec", resourceNames=["one"]), False),
        (URLS, False),
    ],
)
def test_a_rule_answers_a_question_as_kubernetes_would(given, answer):
    assert may([given], "create", "pods/exec") is answer


EVERYBODYS = [role("system:discovery", URLS), bound("system:discovery", group("system:authenticated"))]
OBJECTS = [
    *EVERYBODYS,
    VIEW,
    role("admin", rule("*", "*", "*")),
    bound("view", account("ben", namespace="slipway-people-1")),
    bound("admin", user("slipway:ada:1"), namespace="shop"),
    bound("view", user("slipway:ada:1"), namespace="lab"),
    bound("view", group("oidc:devs"), namespace="lab"),
]
PEOPLE = {
    "ada": {"credential": "certificate", "user": "slipway:ada:1", "expires": "2026-12-25T12:00:00+00:00"},
    "ben": {"credential": "token", "user": BEN, "expires": "2026-11-25T11:59:00+00:00"},
}


@pytest.fixture
def lines():
    return access.report(Rbac(OBJECTS), PEOPLE, ["oidc:devs"])


def test_a_report_has_a_line_for_each_place_where_somebody_has_more_than_everybody(lines):
    assert [(line.who, line.namespace, line.roles) for line in lines] == [
        ("ada", "lab", ["view"]),
        ("ada", "shop", ["admin"]),
        ("ben", EVERYWHERE, ["view"]),
        ("oidc:devs", "lab", ["view"]),
    ]


def test_what_somebody_has_given_to_all_of_a_wide_group_is_told():
    given = bound("admin", group("system:authenticated"))

    lines = access.report(Rbac([*OBJECTS, role("admin", rule("*", "*", "*")), given]), PEOPLE, [])

    assert {line.who for line in lines if line.namespace == EVERYWHERE and "admin" in line.roles} == {"ada", "ben"}


def test_a_line_tells_all_that_somebody_may_there_with_what_everybody_may(lines):
    assert allowed(lines[1].rules) == {("*", "*.*", ""), ("get", "/healthz", "")}


STACK = """
config:
  slipway:target: kind
  slipway:cluster: {version: "1.37"}
  slipway:access:
    people:
      - {name: ada, rights: [{role: admin, namespaces: [shop]}]}
      - {name: cleo, rights: [{role: view, clusterWide: true}]}
"""


@pytest.fixture
def stack(tmp_path, monkeypatch):
    """A stack that is up, with a cluster that tells its roles."""
    monkeypatch.setattr(access.paths, "PROJECT", tmp_path)
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.dev-kind.yaml").write_text(STACK)
    told = {"kubeconfig": "an administrator's", "people": PEOPLE, "kubeconfigs": {"ada": "ada's", "ben": "ben's"}}
    monkeypatch.setattr(access, "run", lambda *_, **__: json.dumps(told))
    monkeypatch.setattr(
        Kubectl, "run", lambda _, *words: json.dumps({"items": OBJECTS if words[1] == ",".join(KINDS) else []})
    )
    for name in ("checked", "prepare"):
        monkeypatch.setattr(cli, name, lambda stack: None)
    monkeypatch.setattr(Stack, "create", lambda stack: None)
    return Stack.find("dev-kind")


def test_the_table_says_in_words_what_somebody_may_and_whose_time_is_over(stack, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    access.show(stack, access.lines_of(stack), NOW)

    _title, _above, _columns, *rows = capsys.readouterr().out.splitlines()
    assert [re.sub(" {2,}", " ", row.strip()) for row in rows] == [
        "ada certificate, 30 d left lab view yes no no no no",
        "ada certificate, 30 d left shop admin yes yes yes yes yes",
        "ben token, ended: `up` renews it everywhere view yes no no no no",
    ]


def test_eighty_columns_are_enough_for_the_table(stack, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    access.show(stack, access.lines_of(stack), NOW)

    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    for word in ("who", "credential", "namespace", "everywhere", "certificate,", "Secrets", "rights"):
        assert word in printed, "a word is torn apart"


def test_the_report_as_json_is_a_list_of_all_that_a_line_tells(stack):
    done = CliRunner().invoke(cli.cli, ["access", "dev-kind", "--json"], catch_exceptions=False)

    first = json.loads(done.stdout)[0]
    assert first.keys() == {"who", "user", "credential", "expires", "namespace", "roles", "rules"}
    assert first["who"] == "ada"


def test_whom_the_file_and_the_cluster_do_not_agree_on_is_told(stack):
    assert access.differences(stack) == [
        "cleo is in the stack file, and not in the cluster yet: run `make up STACK=dev-kind`",
        "ben is not in the stack file any more, and goes with the next `make up STACK=dev-kind`",
    ]


def test_each_persons_kubeconfig_is_saved_for_the_owners_eyes_only(stack, tmp_path):
    CliRunner().invoke(cli.cli, ["access", "dev-kind", "--save", str(tmp_path / "people")], catch_exceptions=False)

    files = {file.name: file.read_text() for file in (tmp_path / "people").iterdir()}
    assert files == {"ada.yaml": "ada's", "ben.yaml": "ben's"}
    assert stat.S_IMODE((tmp_path / "people").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "people").iterdir()} == {0o600}


def test_a_name_that_can_be_no_file_is_saved_as_one_that_can_and_is_nobody_else_s(stack, monkeypatch, tmp_path):
    names = ["ada@example.org", "../ada", "https://login.example.org#ada", "https:--login.example.org#ada"]
    outputs = json.dumps({"people": {}, "kubeconfigs": {name: f"{name}'s" for name in names}})
    monkeypatch.setattr(access, "run", lambda *_, **__: outputs)

    access.save(stack, tmp_path / "people")

    files = {file.name: file.read_text() for file in (tmp_path / "people").iterdir()}
    assert sorted(files.values()) == sorted(f"{name}'s" for name in names)
    assert files["ada@example.org.yaml"] == "ada@example.org's"
    assert not [name for name in files if ":" in name]


def persons(names, cluster):
    """What `pulumi stack output` tells of people of a cluster."""
    given = {who: kubeconfig.build_for(f"{who}@{cluster}", {"server": f"https://{cluster}"}, {}) for who in names}
    return json.dumps({"people": {}, "kubeconfigs": given})


def test_who_was_taken_out_is_told_by_the_file_that_is_left_of_them(stack, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(access, "run", lambda *_, **__: persons(["ada", "ben"], "dev-kind"))
    access.save(stack, tmp_path / "people")
    monkeypatch.setattr(access, "run", lambda *_, **__: persons(["ada"], "dev-kind"))
    capsys.readouterr()

    access.save(stack, tmp_path / "people")

    told = " ".join(capsys.readouterr().err.split())
    assert "ada.yaml: what ada needs" in told
    assert "ben.yaml: of nobody in dev-kind; remove it if it was of somebody who was taken out" in told
    assert sorted(file.name for file in (tmp_path / "people").iterdir()) == ["ada.yaml", "ben.yaml"]


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(json.loads(persons(["ben"], "dev-two"))["kubeconfigs"]["ben"], id="another-cluster"),
        pytest.param("what I bought: milk", id="a-note"),
    ],
)
def test_a_file_of_another_cluster_or_of_something_else_is_never_written_over(stack, monkeypatch, tmp_path, held):
    (tmp_path / "people").mkdir()
    (tmp_path / "people/ben.yaml").write_text(held)
    monkeypatch.setattr(access, "run", lambda *_, **__: persons(["ada", "ben"], "dev-kind"))

    with pytest.raises(Problem, match=r"ben.yaml is of another cluster .* a folder of their own, such as .*/dev-kind$"):
        access.save(stack, tmp_path / "people")

    assert {file.name: file.read_text() for file in (tmp_path / "people").iterdir()} == {"ben.yaml": held}


def test_a_stack_that_gives_nobody_rights_is_told_where_to_write_them(stack):
    stack.file.write_text(STACK.partition("  slipway:access")[0])
    with pytest.raises(
        Problem, match=r"dev-kind gives nobody rights of their own: write `slipway:access` into stacks/"
    ):
        access.lines_of(Stack.find("dev-kind"))


def test_a_stack_that_is_not_up_is_told_so(stack, monkeypatch):
    monkeypatch.setattr(access, "run", lambda *_, **__: "{}")
    with pytest.raises(
        Problem, match=r"nobody has been given rights in dev-kind yet: run `make up STACK=dev-kind` first"
    ):
        access.lines_of(stack)


def test_a_cluster_that_does_not_answer_is_one_line(stack, monkeypatch):
    def refuse(*_: Any) -> str:
        raise KubectlError("kubectl get failed: connection refused")

    monkeypatch.setattr(Kubectl, "run", refuse)
    with pytest.raises(
        Problem, match=r"^the cluster of dev-kind does not tell its roles: kubectl get failed: connection"
    ):
        access.lines_of(stack)
