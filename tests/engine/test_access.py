"""People's rights on the real engine: with a stand-in for Kubernetes' plugin, and one for kubectl that gives tokens."""

import os
import sys

import pytest

from components import kubeconfig

PROGRAM = """
import pathlib

import pulumi

from components import spec, targets
from components.platform.access import Access

admin = pathlib.Path("admin.yaml").read_text()
access = Access("demo", {**targets.read_access(spec.settings()), "kubeconfig": pulumi.Output.secret(admin)})
pulumi.export("people", access.people)
pulumi.export("kubeconfigs", access.kubeconfigs)
"""

KUBECTL = f"""#!{sys.executable}
import base64, json, sys, time
assert sys.argv[2:4] == ["create", "token"], sys.argv
seconds = int(next(word for word in sys.argv if word.startswith("--duration=")).strip("--duration=s"))
claims = {{"iat": int(time.time()), "exp": int(time.time()) + seconds}}
body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
print(json.dumps({{"status": {{"token": f"header.{{body}}.signature-of-{{sys.argv[4]}}"}}}}))
"""

VIEW = {"role": "view", "clusterWide": True}
BEN = {"name": "ben", "credential": "token", "rights": [VIEW]}
CLEO = {"name": "cleo", "credential": "token", "rights": [{"role": "edit", "namespaces": ["shop"]}]}


@pytest.fixture
def stack(slipway, tmp_path):
    """A stack of people's rights alone, in a cluster that is none."""
    stack = slipway("dev-kind")
    (stack.project / "__main__.py").write_text(PROGRAM)
    (stack.project / "admin.yaml").write_text(cluster("Y2E="))
    kubectl = tmp_path / "programs/kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    stack.environment["PATH"] = os.pathsep.join([str(kubectl.parent), stack.environment["PATH"]])
    stack.give({"namespaces": ["shop"], "people": [BEN, CLEO]})
    return stack


def cluster(ca):
    return kubeconfig.build("demo", "https://127.0.0.1:6443", ca, {"client-key-data": "c2VjcmV0LWtleQ=="})


def did(stack, before=0):
    return {f"{operation} {name}" for operation, name in stack.journal()[before:]}


MADE = {
    "create demo:shop",
    "create demo:slipway-people",
    "create demo:ben",
    "create demo:cleo",
    "create demo:person:ben:view",
    "create demo:person:cleo:edit:shop",
}


def test_people_come_stay_and_go_and_the_state_tells_nobody_what_they_show(stack):
    stack.preview()
    stack.up()
    assert did(stack) == MADE
    state = stack.state_file().read_text()
    assert "signature-of-" not in state
    assert "c2VjcmV0LWtleQ==" not in state
    assert "signature-of-ben" in stack.outputs(show_secrets=True)["kubeconfigs"]["ben"]
    assert stack.outputs()["kubeconfigs"] == "[secret]"

    assert set(stack.up().changes) == {"same"}
    assert set(stack.refresh().changes) == {"same"}

    stack.destroy()
    assert stack.state() == []


def test_who_is_taken_out_loses_binding_and_service_account_and_nobody_else_is_touched(stack):
    stack.up()
    before = len(stack.journal())

    stack.give({"namespaces": ["shop"], "people": [CLEO]})
    stack.up()

    assert did(stack, before) == {"delete demo:ben", "delete demo:person:ben:view"}
    assert list(stack.outputs()["people"]) == ["cleo"]


def test_another_role_is_given_before_the_old_one_is_taken(stack):
    stack.up()
    before = len(stack.journal())

    stack.give(
        {"namespaces": ["shop"], "people": [BEN, {**CLEO, "rights": [{"role": "view", "namespaces": ["shop"]}]}]}
    )
    stack.up()

    assert [f"{operation} {name}" for operation, name in stack.journal()[before:]] == [
        "create demo:person:cleo:view:shop",
        "delete demo:person:cleo:edit:shop",
    ]


def test_another_lifetime_renews_a_token_and_no_right_is_touched(stack):
    stack.up()
    before = len(stack.journal())

    stack.give({"namespaces": ["shop"], "people": [{**BEN, "lifetime": "1h"}, CLEO]})

    assert stack.up().changes["update"] == 1
    assert did(stack, before) == set()


def test_a_wrong_right_is_one_line_at_preview_and_nothing_is_made(slipway):
    stack = slipway("dev-kind")
    stack.give({"people": [{"name": "ada", "rights": [{"role": "admni", "namespaces": ["shop"]}]}]})

    errors = stack.fails("preview").errors

    assert (
        "stacks/Pulumi.dev-kind.yaml: slipway:access.people[0].rights[0].role: 'admni' is no role; did you mean "
        "admin?, or write it under `roles`"
    ) in errors
    assert "Traceback" not in "".join(errors)


def test_an_administrators_kubeconfig_is_handed_to_nobody_and_said_so_in_one_line(stack):
    stack.give({"people": [{"name": "lea@example.org", "credential": "identity", "rights": [VIEW]}]})

    errors = stack.fails("up").errors

    assert any(
        error.startswith("lea@example.org@demo: `credential: identity` hands on the cluster's own") for error in errors
    )
    assert "Traceback" not in "".join(errors)
