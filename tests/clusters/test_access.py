"""People's rights for real: a cluster of kind and one on own machines, one kubeconfig, and Kubernetes itself says who
may do what.

The objects are applied by the stand-in for Kubernetes' plugin, to the real API; certificates and tokens are the
clusters' own. Tests follow each other.
"""

import json
import os
import re
import subprocess
from datetime import timedelta

import pytest

from components import kubeconfig
from components.bootstrap import pki
from components.platform.rights import EVERYWHERE, KINDS, Rbac, allowed
from tests.engine.conftest import install
from tests.engine.stand_in.kubernetes import KUBERNETES
from tools import access

pytestmark = pytest.mark.timeout(900)

ONE, TWO = "slipway-test-access", "slipway-test-pair"

ADA = {"name": "ada", "rights": [{"role": "admin", "namespaces": ["shop"]}]}
BEN = {"name": "ben", "credential": "token", "lifetime": "30m", "rights": [{"role": "view", "clusterWide": True}]}
CLEO = {"name": "cleo", "lifetime": "1d"}
ACCESS = {
    "namespaces": ["shop", "lab"],
    "roles": [{"name": "labeller", "rules": [{"resources": ["configmaps"], "verbs": ["get", "list", "patch"]}]}],
    "people": [ADA, BEN, CLEO],
    "groups": [{"name": "labellers", "members": ["cleo"], "rights": [{"role": "labeller", "namespaces": ["lab"]}]}],
}
MADE = 11
"""Three namespaces, a role, three bindings, a service account, two certificates and a token."""


@pytest.fixture(scope="module")
def clusters(slipway, pair, home):
    """Two stacks that let the same three people in."""
    install(KUBERNETES, home, "applier")
    kind = slipway(ONE, workers=0)
    for stack in (kind, pair):
        stack.give(ACCESS)
        stack.up()
    yield kind, pair
    kind.destroy()
    pair.give(None)
    pair.up()


@pytest.fixture(scope="module")
def stack(clusters):
    return clusters[0]


@pytest.fixture(scope="module")
def everybody(clusters, tmp_path_factory):
    """One kubeconfig, of all people in all clusters."""
    folder = tmp_path_factory.mktemp("everybody")
    texts = [text for stack in clusters for text in kubeconfigs(stack).values()]
    contexts = {name: kubeconfig.renamed(text, name, folder) for text in texts for name in kubeconfig.names(text)}
    return written(folder, kubeconfig.merge("", contexts, {}))


def kubeconfigs(stack):
    return stack.outputs(show_secrets=True)["kubeconfigs"]


def written(folder, text):
    kubeconfig.save(folder, "people", text)
    return folder / "people.yaml"


def ask(file, *words):
    """kubectl with a kubeconfig: what it printed, or why it was refused."""
    done = subprocess.run(
        ["kubectl", *words],
        env={**os.environ, "KUBECONFIG": str(file)},
        capture_output=True,
        text=True,
    )
    return done.stdout if done.returncode == 0 else f"refused: {done.stderr}"


def test_one_kubeconfig_leads_everybody_into_both_clusters(clusters, everybody):
    contexts = ask(everybody, "config", "get-contexts", "--output=name").split()
    assert sorted(contexts) == sorted(f"{who}@{name}" for name in (ONE, TWO) for who in ("ada", "ben", "cleo"))
    for stack in clusters:
        outputs = stack.outputs()
        for who, told in outputs["people"].items():
            words = (
                "auth",
                "whoami",
                f"--context={who}@{outputs['name']}",
                "--output=jsonpath={.status.userInfo.username}",
            )
            assert ask(everybody, *words) == told["user"]


def test_kubectl_itself_puts_together_what_a_person_was_given_for_each_cluster(clusters, tmp_path):
    files = [written(tmp_path / stack.name, kubeconfigs(stack)["ada"]) for stack in clusters]

    both = tmp_path / "ada.yaml"
    both.write_text(ask(os.pathsep.join(map(str, files)), "config", "view", "--flatten"))

    for name in (ONE, TWO):
        may = ("auth", "can-i", f"--context=ada@{name}", "get", "secrets")
        assert ask(both, *may, "--namespace=shop") == "yes\n"
        assert ask(both, *may, "--namespace=lab") == "refused: "


@pytest.mark.parametrize("name", [ONE, TWO])
@pytest.mark.parametrize(
    ("who", "words", "is_allowed"),
    [
        ("ada", ("create", "configmap", "made-by-ada", "--namespace=shop"), True),
        ("ada", ("get", "secrets", "--namespace=shop"), True),
        ("ada", ("create", "configmap", "made-by-ada", "--namespace=lab"), False),
        ("ada", ("get", "pods", "--namespace=kube-system"), False),
        ("ada", ("get", "nodes"), False),
        ("ben", ("get", "pods", "--all-namespaces"), True),
        ("ben", ("get", "secrets", "--namespace=shop"), False),
        ("ben", ("create", "configmap", "made-by-ben", "--namespace=shop"), False),
        ("cleo", ("get", "configmaps", "--namespace=lab"), True),
        ("cleo", ("label", "configmap", "kube-root-ca.crt", "seen=yes", "--namespace=lab", "--overwrite"), True),
        ("cleo", ("delete", "configmap", "kube-root-ca.crt", "--namespace=lab"), False),
        ("cleo", ("get", "configmaps", "--namespace=shop"), False),
    ],
)
def test_a_person_does_what_their_roles_allow_and_nothing_else(everybody, name, who, words, is_allowed):
    answer = ask(everybody, f"--context={who}@{name}", *words)

    if is_allowed:
        assert not answer.startswith("refused:"), answer
    else:
        assert "Forbidden" in answer or "forbidden" in answer, answer


@pytest.mark.parametrize("place", ["shop", "lab", "default"])
def test_the_report_says_what_kubernetes_says(clusters, everybody, kubectl, place):
    for stack in clusters:
        outputs = stack.outputs()
        objects = json.loads(kubectl(stack)("get", ",".join(KINDS), "--all-namespaces", "--output=json"))["items"]
        lines = access.report(Rbac(objects), outputs["people"], [])
        # What everybody may is no line's own: somebody without rights has it too.
        of_all = {(verb, url, "") for verb, url, _ in listed(everybody, "cleo", outputs["name"], "kube-public")}
        for who in outputs["people"]:
            here = [line for line in lines if line.who == who and line.namespace in (EVERYWHERE, place)]
            said = {one for line in here for one in allowed(line.rules)}
            assert said | of_all == listed(everybody, who, outputs["name"], place) | of_all, who


def listed(file, who, name, namespace):
    """What `kubectl auth can-i --list` tells, as `rights.allowed` does."""
    told = ask(file, "auth", "can-i", "--list", "--no-headers", f"--namespace={namespace}", f"--context={who}@{name}")
    found = set()
    for line in told.splitlines():
        row = re.fullmatch(r"(\S*)\s+\[(.*?)\]\s+\[(.*?)\]\s+\[(.*?)\]\s*", line)
        assert row is not None, line
        resources = [row[1]] if row[1] else row[2].split()
        found |= {
            (verb, resource, object_)
            for verb in row[4].split()
            for resource in resources
            for object_ in row[3].split() or [""]
        }
    return found


def test_what_people_show_is_in_the_state_as_a_secret_only_and_no_request_is_left(clusters, kubectl):
    for stack in clusters:
        state = stack.state_file().read_text()
        for text in kubeconfigs(stack).values():
            user = kubeconfig.user_of(text)
            assert user.get("client-key-data", user.get("token")) not in state
        assert "BEGIN PRIVATE KEY" not in state
        assert stack.outputs()["kubeconfigs"] == "[secret]"
        assert "slipway-" not in kubectl(stack)("get", "certificatesigningrequests", "--output=name")


def test_a_second_up_changes_nothing_and_a_refresh_finds_nothing(stack):
    made = {"same": 3 + 1 + MADE}
    assert stack.up().changes == made
    assert stack.refresh().changes == made


def test_a_right_that_somebody_took_away_comes_back_with_the_next_up(stack, kubectl, everybody):
    kubectl(stack)("delete", "rolebindings", "--all", "--namespace=shop")
    assert "forbidden" in ask(everybody, f"--context=ada@{ONE}", "get", "pods", "--namespace=shop")

    stack.refresh()
    stack.up()

    assert "refused" not in ask(everybody, f"--context=ada@{ONE}", "get", "pods", "--namespace=shop")


def test_what_is_in_the_last_third_of_its_life_is_renewed_for_the_same_person(stack, tmp_path):
    before, people = kubeconfigs(stack), stack.outputs()["people"]
    age(stack)

    assert stack.up().changes["update"] == 3

    after = kubeconfigs(stack)
    assert {who: told["user"] for who, told in stack.outputs()["people"].items()} == {
        who: told["user"] for who, told in people.items()
    }
    for who in people:
        assert kubeconfig.user_of(after[who]) != kubeconfig.user_of(before[who])
        (tmp_path / who).mkdir()
        assert "refused" not in ask(written(tmp_path / who, after[who]), "auth", "whoami")


def age(stack):
    """Have credentials grow old, as far as the state knows."""
    now = pki.now()
    old = pki.client(pki.make(now)["cluster"], "old", [], now - timedelta(hours=3), timedelta(hours=4))
    document = json.loads(stack.state_file().read_text())
    for resource in document["checkpoint"]["latest"]["resources"]:
        if resource["type"].endswith(":AccessCertificate"):
            resource["outputs"]["certificate"] = old["certificate"]
        if resource["type"].endswith(":AccessToken"):
            resource["outputs"]["issued"] = (now - timedelta(hours=3)).isoformat()
            resource["outputs"]["expires"] = (now + timedelta(hours=1)).isoformat()
    stack.state_file().write_text(json.dumps(document))


def test_a_stolen_certificate_has_no_right_once_its_person_has_another_one(stack, tmp_path):
    before = kubeconfigs(stack)

    run = stack.up("--replace", f"**:AccessCertificate::{ONE}:ada")

    after = kubeconfigs(stack)
    assert {who for who in after if after[who] != before[who]} == {"ada"}
    assert run.changes["create-replacement"] >= 1
    assert "forbidden" in ask(written(tmp_path / "stolen", before["ada"]), "get", "pods", "--namespace=shop")
    assert "refused" not in ask(written(tmp_path / "new", after["ada"]), "get", "pods", "--namespace=shop")


def test_who_is_taken_out_has_no_right_after_the_next_up_and_gets_none_with_the_same_name(stack, tmp_path):
    old = kubeconfigs(stack)
    files = {who: written(tmp_path / who, text) for who, text in old.items()}

    stack.give({**ACCESS, "people": [CLEO]})
    stack.up()

    # A certificate cannot be revoked: its bearer is known, and has no rights. A token is nobody's any more.
    assert "forbidden" in ask(files["ada"], "get", "pods", "--namespace=shop")
    assert "slipway:ada:" in ask(files["ada"], "auth", "whoami", "--output=yaml")
    assert "Unauthorized" in ask(files["ben"], "auth", "whoami")
    assert "refused" not in ask(files["cleo"], "get", "configmaps", "--namespace=lab")

    stack.give(ACCESS)
    stack.up()

    assert "forbidden" in ask(files["ada"], "get", "pods", "--namespace=shop")
    assert "Unauthorized" in ask(files["ben"], "auth", "whoami")
    for who in ("ada", "ben"):
        fresh = written(tmp_path / f"{who}-again", kubeconfigs(stack)[who])
        assert "refused" not in ask(fresh, "get", "pods", "--namespace=shop"), who


def test_without_access_nothing_of_it_is_left_in_the_cluster(stack, kubectl):
    stack.give(None)
    stack.up()

    everything = "namespaces,serviceaccounts,clusterroles,clusterrolebindings,rolebindings"
    of_ours = "--selector=app.kubernetes.io/part-of=slipway-access"
    assert kubectl(stack)("get", everything, "--all-namespaces", of_ours, "--output=name") == ""
    assert "people" not in stack.outputs()
