"""People's rights: what a program asks for, and what each person gets."""

import json
from typing import Any

import pulumi
import pytest
import yaml

from components import kubeconfig
from components.local.existing import ExistingCluster
from components.local.k3d import K3dCluster
from components.local.kind import KindCluster
from components.local.minikube import MinikubeCluster
from components.managed.gke.cluster import GkeCluster
from components.platform.access import Access, access_to, own_kubeconfig
from components.platform.access_args import WAYS
from components.spec import SpecError
from tests.engine.stand_in.kubernetes import KUBERNETES
from tests.examples.gke import GKE
from tests.unit.recording import Deployment

ADMIN = kubeconfig.build("prod", "https://10.0.0.1:6443", "Y2E=", {"client-key-data": "an administrator's"})
CLOUD = kubeconfig.build("prod", "https://10.0.0.1", None, {"exec": {"command": "gke-gcloud-auth-plugin"}})

OUTPUTS = {
    "pulumi-python:dynamic/slipway:AccessCertificate": {
        "user": "slipway:ada:1a2b3c4d",
        "certificate": "a certificate",
        "key": "a key",
        "expires": "2026-12-25T12:00:00+00:00",
    },
    "pulumi-python:dynamic/slipway:AccessToken": {
        "user": "system:serviceaccount:slipway-people-x:pipeline",
        "token": "a token",
        "expires": "2026-11-25T20:00:00+00:00",
    },
}

ADA: Any = {"name": "ada", "rights": [{"role": "admin", "namespaces": ["shop", "kube-system"]}]}
PIPELINE: Any = {"name": "pipeline", "credential": "token", "rights": [{"role": "view", "cluster_wide": True}]}
LEA: Any = {"name": "lea@example.org", "credential": "identity", "rights": [{"role": "edit", "namespaces": ["shop"]}]}


@pytest.fixture
def given(deploy):
    """What `Access` asks for, and what it gives."""

    def give(args: Any, admin: str = ADMIN, **options: Any) -> tuple[Deployment, dict[str, Any]]:
        told: dict[str, Any] = {}

        def program() -> None:
            opts = pulumi.ResourceOptions(**{name: make() for name, make in options.items()})
            made = Access("prod", {**args, "kubeconfig": pulumi.Output.secret(admin)}, opts)
            pulumi.Output.all(made.people, made.kubeconfigs).apply(
                lambda known: told.update(people=known[0], kubeconfigs=known[1])
            )

        return deploy(program, clouds=[KUBERNETES], outputs=OUTPUTS), told

    return give


def subjects(deployment: Deployment, kind: str = "RoleBinding") -> list[Any]:
    return [one.inputs["subjects"] for one in deployment.of(kind)]


def test_a_right_is_a_binding_in_each_of_its_namespaces_and_nowhere_else(given):
    deployment, _ = given({"people": [ADA]})

    bindings = deployment.of("RoleBinding")
    assert {one.inputs["metadata"]["namespace"] for one in bindings} == {"shop", "kube-system"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}
    user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "slipway:ada:1a2b3c4d"}
    assert all(one.inputs["roleRef"] == reference for one in bindings)
    assert all(one.inputs["subjects"] == [user] for one in bindings)
    assert deployment.of("ClusterRoleBinding") == []


def test_a_right_in_the_whole_cluster_is_one_binding(given):
    deployment, _ = given({"people": [PIPELINE]})

    binding = deployment.the("ClusterRoleBinding")
    account = deployment.the("ServiceAccount")
    assert binding.inputs["roleRef"]["name"] == "view"
    assert binding.inputs["subjects"] == [
        {"kind": "ServiceAccount", "name": "pipeline", "namespace": account.inputs["metadata"]["namespace"]}
    ]
    assert deployment.of("RoleBinding") == []


def test_service_accounts_are_in_a_namespace_of_their_own_that_no_pod_takes_them_from_by_default(given):
    deployment, _ = given({"people": [PIPELINE]})

    account, room = deployment.the("ServiceAccount"), deployment.the("Namespace")
    assert account.inputs["metadata"]["namespace"] == room.inputs["metadata"]["name"]
    assert room.inputs["metadata"]["name"].startswith("slipway-people-")
    assert room.name in account.dependencies
    assert account.inputs["automountServiceAccountToken"] is False


def test_people_without_tokens_need_no_such_namespace(given):
    deployment, _ = given({"people": [ADA]})
    assert deployment.of("Namespace") == []


def test_two_accesses_of_one_cluster_share_no_namespace(deploy):
    def program() -> None:
        for name in ("one", "two"):
            Access(name, {"people": [PIPELINE], "kubeconfig": ADMIN})

    rooms = deploy(program, clouds=[KUBERNETES], outputs=OUTPUTS).of("Namespace")
    assert len({room.inputs["metadata"]["name"] for room in rooms}) == 2


def test_namespaces_are_made_before_what_is_bound_in_them(given):
    deployment, _ = given({"people": [ADA], "namespaces": ["shop"]})

    namespace = deployment.the("Namespace")
    assert namespace.inputs["metadata"]["name"] == "shop"
    waiting = {
        one.inputs["metadata"]["namespace"]: namespace.name in one.dependencies for one in deployment.of("RoleBinding")
    }
    assert waiting == {"shop": True, "kube-system": False}


def test_a_role_of_ones_own_has_the_rules_that_are_written(given):
    rule = {"api_groups": ["apps"], "resources": ["deployments"], "verbs": ["get"], "resource_names": ["web"]}
    role = {"name": "restarter", "rules": [rule, {"resources": ["pods"], "verbs": ["list"]}]}
    right = {"role": "restarter", "namespaces": ["shop"]}
    deployment, _ = given({"roles": [role], "people": [{"name": "ada", "rights": [right]}]})

    made = deployment.the("ClusterRole")
    assert made.inputs["rules"] == [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"], "resourceNames": ["web"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    ]
    assert deployment.the("RoleBinding").inputs["roleRef"]["name"].startswith("unique-")


def test_a_group_of_the_stack_is_its_members_so_that_who_leaves_it_has_its_rights_no_more(given):
    group = {"name": "devs", "members": ["ada", "pipeline"], "rights": [{"role": "edit", "namespaces": ["shop"]}]}
    people = [{"name": "ada"}, {"name": "pipeline", "credential": "token"}]
    deployment, _ = given({"people": people, "groups": [group]})

    [bound] = subjects(deployment)
    assert [one["kind"] for one in bound] == ["User", "ServiceAccount"]


def test_a_group_of_a_cloud_is_bound_by_its_name(given):
    group = {"name": "oidc:devs/shop", "rights": [{"role": "edit", "namespaces": ["shop"]}]}
    deployment, _ = given({"groups": [group]})

    [[bound]] = subjects(deployment)
    assert bound == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "oidc:devs/shop"}
    assert "/" not in deployment.the("RoleBinding").name


def test_groups_whose_names_differ_in_odd_letters_alone_are_still_two(given):
    groups = [{"name": name, "rights": [{"role": "view", "namespaces": ["shop"]}]} for name in ("a/b", "a:b", "a-b")]
    deployment, _ = given({"groups": groups})
    assert len(deployment.of("RoleBinding")) == 3


def test_a_name_of_any_length_leaves_room_in_those_of_its_bindings_and_is_no_other_one_s(given):
    rights = [{"role": "r" * 63, "namespaces": ["n" * 63]}]
    roles = [{"name": "r" * 63, "rules": [{"resources": ["pods"], "verbs": ["get"]}]}]
    groups = [{"name": "g" * 300 + end, "rights": rights} for end in ("a", "b")]
    deployment, _ = given({"roles": roles, "groups": groups})
    names = {binding.name for binding in deployment.of("RoleBinding")}
    assert len(names) == 2
    assert all(len(f"{name}-1a2b3c4d") <= 253 for name in names)


def test_each_person_gets_a_kubeconfig_of_their_own_with_their_credential_alone(given):
    _, told = given({"people": [ADA, PIPELINE], "cluster_name": "shop-cluster"})

    ada, pipeline = (yaml.safe_load(told["kubeconfigs"][who]) for who in ("ada", "pipeline"))
    assert ada["current-context"] == "ada@shop-cluster"
    assert ada["clusters"][0]["cluster"] == {"server": "https://10.0.0.1:6443", "certificate-authority-data": "Y2E="}
    assert ada["users"][0]["user"] == {
        "client-certificate-data": "YSBjZXJ0aWZpY2F0ZQ==",
        "client-key-data": "YSBrZXk=",
    }
    assert pipeline["users"][0]["user"] == {"token": "a token"}
    assert "an administrator's" not in json.dumps(told)


def test_a_person_with_an_identity_gets_the_program_that_asks_the_cloud(given):
    deployment, told = given({"people": [LEA]}, admin=CLOUD)

    assert subjects(deployment) == [
        [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "lea@example.org"}]
    ]
    user = yaml.safe_load(told["kubeconfigs"]["lea@example.org"])["users"][0]["user"]
    assert user == {"exec": {"command": "gke-gcloud-auth-plugin"}}
    assert told["people"] == {"lea@example.org": {"credential": "identity", "user": "lea@example.org"}}


def test_whoever_has_rights_reaches_the_cluster_as_its_administrator_does():
    way = {"server": "https://10.0.0.1", "tls-server-name": "api", "proxy-url": "socks5://127.0.0.1:1080"}
    admin = kubeconfig.build_for("prod", way, {"token": "an administrator's"})
    own = own_kubeconfig(admin, "ada@prod", {"token": "hers"})
    assert kubeconfig.cluster_of(own) == way
    assert kubeconfig.user_of(own) == {"token": "hers"}


def test_an_administrators_own_credential_is_never_handed_on():
    with pytest.raises(
        pulumi.RunError, match=r"^lea@prod: `credential: identity` hands on the cluster's own kubeconfig"
    ):
        own_kubeconfig(ADMIN, "lea@prod", None)


def test_who_people_are_is_plain_and_what_they_show_is_secret(given):
    deployment, told = given({"people": [ADA]})

    assert told["people"]["ada"] == {
        "credential": "certificate",
        "user": "slipway:ada:1a2b3c4d",
        "expires": "2026-12-25T12:00:00+00:00",
    }
    component = deployment.the("Access")
    assert component.secret_outputs == {"kubeconfigs"}
    certificate = deployment.the("AccessCertificate")
    assert "kubeconfig" in certificate.secrets
    assert {"key", "kubeconfig"} <= certificate.additional_secret_outputs
    assert certificate.inputs["seconds"] == 30 * 86400


def test_a_token_is_another_one_when_its_service_account_is(given):
    deployment, _ = given({"people": [PIPELINE]})
    token = deployment.the("AccessToken")
    assert token.inputs["uid"] == "uid-of-pipeline"
    assert {"token", "kubeconfig"} <= token.additional_secret_outputs
    assert token.inputs["seconds"] == 8 * 3600


def test_a_cluster_at_the_same_place_with_another_ca_is_another_one(given):
    other = kubeconfig.build("prod", "https://10.0.0.1:6443", "b3RoZXI=", {})
    [one, same, another] = (
        next(
            each for each in given({"people": [ADA]}, admin)[0].resources if each.type == "pulumi:providers:kubernetes"
        )
        for admin in (ADMIN, ADMIN.replace("an administrator's", "a renewed one"), other)
    )
    assert one.inputs["clusterIdentifier"] == same.inputs["clusterIdentifier"] != another.inputs["clusterIdentifier"]


def test_what_breaks_a_rule_is_refused_before_anything_is_registered():
    with pytest.raises(SpecError, match=r"^people\[0\]: ada has no right and is in no group"):
        Access("prod", {"people": [{"name": "ada"}], "kubeconfig": ADMIN})


def test_in_a_preview_nothing_need_be_known(deploy):
    def program() -> None:
        Access("prod", {"people": [ADA, PIPELINE], "kubeconfig": ADMIN})

    assert deploy(program, clouds=[KUBERNETES], outputs=OUTPUTS, preview=True).of("AccessToken")


MADE_HERE = (KindCluster, "KindNodes"), (MinikubeCluster, "MinikubeNodes"), (K3dCluster, "K3dNodes")


@pytest.mark.parametrize(("cluster", "nodes"), MADE_HERE)
def test_with_a_cluster_that_goes_rights_go_and_need_no_api_for_it(deploy, cluster, nodes):
    node_outputs = {"kubeconfig": ADMIN, "endpoint": "https://10.0.0.1:6443", "ca_certificate": "PEM"}

    def program() -> None:
        access_to(cluster("dev", {"version": "1.37"}), "dev", {"people": [ADA, PIPELINE], "namespaces": ["shop"]})

    outputs = {**OUTPUTS, f"pulumi-python:dynamic/slipway:{nodes}": node_outputs}
    deployment = deploy(program, clouds=[KUBERNETES], outputs=outputs)
    inside = [one for one in deployment.resources if one.type.startswith("kubernetes:")]
    assert inside
    assert {one.deleted_with for one in inside} == {"dev-nodes"}


def test_a_cluster_that_outlives_its_stack_keeps_no_rights_of_it(deploy):
    def program() -> None:
        cluster = ExistingCluster("dev", {"version": "1.37", "context": "mine"})
        access_to(cluster, "dev", {"people": [ADA, PIPELINE], "namespaces": ["shop"]})

    outputs = {**OUTPUTS, "pulumi-python:dynamic/slipway:ExistingContext": {"kubeconfig": ADMIN}}
    deployment = deploy(program, clouds=[KUBERNETES], outputs=outputs)
    inside = [one for one in deployment.resources if one.type.startswith("kubernetes:")]
    assert inside
    assert {one.deleted_with for one in inside} == {None}


def test_in_a_cloud_rights_come_after_all_of_the_cluster_and_each_is_taken_out_again(deploy):
    pool: Any = {"name": "general", "machine_type": "e2-standard-4", "min_nodes": 1, "max_nodes": 2}

    def program() -> None:
        cluster = GkeCluster("prod", {"version": "1.37", "region": "europe-west1", "node_pools": [pool]})
        access_to(cluster, "prod", {"people": [PIPELINE]})

    assert GKE.cloud is not None
    deployment = deploy(program, clouds=[KUBERNETES, GKE.cloud], outputs=OUTPUTS)
    [provider] = [one for one in deployment.resources if one.type == "pulumi:providers:kubernetes"]
    assert {"prod-cluster", "prod-general"} <= provider.dependencies
    assert {one.deleted_with for one in deployment.resources if one.type.startswith("kubernetes:")} == {None}


def test_people_of_a_target_have_its_usual_credential_unless_theirs_is_another(deploy):
    def program() -> None:
        Access("prod", {"people": [{"name": "ada", "rights": ADA["rights"]}], "kubeconfig": ADMIN}, None, WAYS["doks"])

    deployment = deploy(program, clouds=[KUBERNETES], outputs=OUTPUTS)
    assert deployment.of("AccessCertificate") == []
    assert deployment.the("AccessToken").inputs["person"] == "ada"
