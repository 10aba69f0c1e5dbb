"""A cluster on machines of one's own, for real: containers with systemd and cloud-init, from nothing to destroyed.

The tests share one cluster, which grows, is upgraded, broken, repaired and shrunk: they run in the order in which they
stand.
"""

import base64
import json
import shutil
import time

import pytest
import yaml

from components.bootstrap import encryption, pki, virtual_ip
from components.bootstrap.serving import TIMER, UNITS
from components.bootstrap.upgrade import MARK
from components.machines.container_provider import CLAIM
from tests.clusters.asking import AskingOnANode, AskingTheApi
from tests.clusters.conftest import ASK_A_SERVICE, said_by_a_pod
from tests.clusters.runs import WatchedUp
from tools import node_image

NAME = "slipway-test-kubeadm"
KILLED = "slipway-test-killed"
BUSYBOX = "slipway.local/busybox:1"
VIRTUAL_IP = "10.89.0.5"
OLD, NEW = "1.36", "1.37"
CONTROL_PLANES = ("control-plane-1", "control-plane-2", "control-plane-3")
KUBELET_UNIT = "find /etc/systemd/system /usr/lib/systemd/system -path '*kubelet.service*' -type f"

WEB = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: NODE
  containers:
    - name: web
      image: IMAGE
      command: [sh, -c, "echo it-works >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
"""


TWO_REPLICAS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: steady}
spec:
  replicas: 2
  selector: {matchLabels: {app: steady}}
  template:
    metadata: {labels: {app: steady}}
    spec:
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: {matchLabels: {app: steady}}
      containers:
        - name: web
          image: IMAGE
          command: [sh, -c, "echo it-works >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"]
          # Until everybody knows that it is leaving, on a slow machine too.
          lifecycle: {preStop: {exec: {command: [sleep, "15"]}}}
          readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: steady}
spec: {minAvailable: 1, selector: {matchLabels: {app: steady}}}
---
apiVersion: v1
kind: Service
metadata: {name: steady}
spec:
  selector: {app: steady}
  ports: [{port: 80, targetPort: 8080}]
"""


@pytest.fixture(scope="module")
def made(slipway, machine_image):
    """The stack that most tests share, with the run that made it: a control plane and a worker of the older version."""
    node_image.ensure_machine({"version": OLD})
    stack = slipway(NAME, of="dev-kubeadm", version=OLD, virtualIp=VIRTUAL_IP)
    yield stack, stack.up()
    stack.destroy()


@pytest.fixture(scope="module")
def stack(made):
    return made[0]


@pytest.fixture
def on(engine):
    """Run something on a machine: `on("worker-1", "cat", "/etc/hosts")`."""
    return lambda machine, *words: engine.run("exec", f"{NAME}-{machine}", *words)


@pytest.fixture
def etcdctl(stack, kubectl):
    """What etcdctl answers on the first control plane, in JSON."""
    keys = "/etc/kubernetes/pki/etcd"
    words = (f"--cacert={keys}/ca.crt", f"--cert={keys}/server.crt", f"--key={keys}/server.key", "--write-out=json")
    pod = ("--namespace=kube-system", f"pod/etcd-{NAME}-control-plane-1")

    def ask(*asked):
        # A kubelet tells of a pod of its own when it comes round to it, once a minute.
        kubectl(stack)("wait", "--for=create", *pod, "--timeout=150s")
        return json.loads(kubectl(stack)("exec", *pod, "--", "etcdctl", *words, *asked))

    return ask


@pytest.fixture
def ask(on):
    """What the API says of itself at the address that control planes share, asked on a machine of the network."""
    ready = (f"https://{VIRTUAL_IP}:6443/readyz", "--cacert", "/etc/slipway/ca.crt")
    again = ("--connect-timeout", "1", "--retry", "60", "--retry-delay", "1", "--retry-all-errors")
    return lambda machine: on(machine, "curl", "--silent", "--show-error", "--fail", *again, *ready)


@pytest.fixture
def holders(on):
    """Which of some control planes have the address that they share."""
    show = ("ip", "-oneline", "address", "show", "to", VIRTUAL_IP)
    return lambda *machines: [machine for machine in machines if on(machine, *show)]


def names(*machines):
    return [f"{NAME}-{machine}" for machine in machines]


def test_the_first_up_makes_every_machine_a_node(made, kubectl):
    stack, run = made

    assert set(run.changes) == {"create"}
    assert "control-plane-1: kubeadm-init" in run.output
    nodes = kubectl(stack).nodes()
    assert list(nodes) == names("control-plane-1", "worker-1")
    assert {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes.values()} == {
        stack.outputs()["kubernetes_version"]
    }


def test_a_second_up_changes_nothing(stack):
    assert set(stack.up().changes) == {"same"}


def test_the_address_that_control_planes_share_answers_in_their_network(stack, ask):
    assert ask("worker-1") == "ok"


def test_no_key_stays_where_cloud_init_keeps_user_data(stack, on):
    for machine in ("control-plane-1", "worker-1"):
        assert on(machine, "cat", "/var/lib/cloud/seed/nocloud/user-data") == ""
        found = on(machine, "sh", "-c", "grep -rl 'PRIVATE KEY' /var/lib/cloud /run/cloud-init /etc/slipway || true")
        assert found == ""


def test_a_worker_has_no_key_of_an_authority(stack, on):
    assert on("worker-1", "find", "/etc/kubernetes", "-name", "*.key") == ""


def test_no_administrator_without_a_binding_is_left_on_a_machine(stack, on):
    assert "super-admin.conf" not in on("control-plane-1", "ls", "/etc/kubernetes")


def test_no_token_is_left_to_join_with(stack, kubectl):
    told = kubectl(stack)("get", "secrets", "--namespace=kube-system", "--output=json")

    assert [one for one in json.loads(told)["items"] if one["type"] == "bootstrap.kubernetes.io/token"] == []


def test_secrets_in_etcd_are_encrypted(stack, kubectl, etcdctl):
    kubectl(stack)("create", "secret", "generic", "treasure", "--from-literal=where=under-the-tree")

    (kept,) = etcdctl("get", "/registry/secrets/default/treasure")["kvs"]

    value = base64.b64decode(kept["value"])
    assert value.startswith(b"k8s:enc:secretbox:v1:key1:")
    assert b"under-the-tree" not in value


def test_requests_are_in_the_audit_log(stack, kubectl, on):
    kubectl(stack)("create", "configmap", "audited", "--from-literal=kept=nowhere-else")

    log = on("control-plane-1", "cat", "/var/log/kubernetes/audit/audit.log")
    lines = [json.loads(line) for line in log.splitlines()]
    (found,) = (
        line for line in lines if line["verb"] == "create" and line.get("objectRef", {}).get("name") == "audited"
    )
    assert found["user"]["username"] == "kubernetes-admin"
    assert "nowhere-else" not in log


def test_only_health_may_be_asked_without_a_name(stack, on):
    code = ("curl", "--silent", "--insecure", "--output", "/dev/null", "--write-out", "%{http_code}")
    api = "https://127.0.0.1:8443"

    asked = {path: on("worker-1", *code, f"{api}{path}") for path in ("/readyz", "/version", "/api")}

    assert asked == {"/readyz": "200", "/version": "401", "/api": "401"}


def test_a_privileged_pod_is_refused_where_no_namespace_allows_it(stack, kubectl):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "root"},
        "spec": {"hostPID": True, "containers": [{"name": "root", "image": BUSYBOX}]},
    }

    with pytest.raises(AssertionError, match=r'violates PodSecurity "baseline:latest": host namespaces'):
        kubectl(stack)("apply", "--filename=-", stdin=json.dumps(pod))


def test_machines_are_added_and_taken_out_in_place(stack, kubectl, etcdctl):
    stack.set(controlPlanes=3, workers=3)
    grown = stack.up()

    assert not {"replace", "delete", "create-replacement"} & set(grown.changes)
    assert list(kubectl(stack).nodes()) == names(
        "control-plane-1", "control-plane-2", "control-plane-3", "worker-1", "worker-2", "worker-3"
    )
    assert len(etcdctl("member", "list")["members"]) == 3

    stack.set(workers=2)
    shrunk = stack.up()

    assert [step.name for step in shrunk.steps if step.operation == "delete"] == names("worker-3-node", "worker-3")
    assert names("worker-3")[0] not in kubectl(stack).nodes()


def test_a_proxy_that_was_told_of_other_control_planes_leaves_no_connection_where_nobody_checks(on):
    # systemd's, and the one that works; older ones go on with what they had.
    on("worker-1", "timeout", "60", "sh", "-c", "until [ $(pgrep --count haproxy) -le 2 ]; do sleep 1; done")


def test_one_control_plane_of_several_has_the_address_that_they_share(stack, ask, holders):
    assert ask("worker-2") == "ok"
    assert len(holders(*CONTROL_PLANES)) == 1


def test_a_pod_runs_and_answers_across_nodes(stack, kubectl):
    run = kubectl(stack)
    run("apply", "--filename=-", stdin=WEB.replace("IMAGE", BUSYBOX).replace("NODE", f"{NAME}-worker-1"))
    run("wait", "pod/web", "--for=condition=Ready", "--timeout=120s")

    overrides = json.dumps({"spec": {"nodeName": f"{NAME}-worker-2"}})
    answer = said_by_a_pod(run, BUSYBOX, "sh", "-c", ASK_A_SERVICE, options=[f"--overrides={overrides}"])

    address = run("get", "service", "web", "--output=jsonpath={.spec.clusterIP}")
    assert f"Address: {address}" in answer
    assert answer.endswith("it-works\n")
    # Nothing would make up for it, and a drain refuses to end such a pod.
    run("delete", "pod/web")


def test_all_control_planes_take_a_new_key_of_secrets(stack, kubectl, etcdctl, engine, on):
    def under_an_older_key():
        look = ("exec", "--interactive", f"{NAME}-control-plane-1", "python3", "-", "key2")
        return engine.run(*look, stdin=encryption.OLDER_KEYS).split()

    assert "default/treasure" in under_an_older_key()
    stack.set(encryptionKeyGeneration=2)

    run = stack.up()

    changed = {step.name for step in run.steps if step.operation == "update"}
    assert {f"{NAME}-keys", f"{NAME}-secrets"} <= changed
    assert not {name for machine in CONTROL_PLANES for name in names(machine, f"{machine}-node")} & changed
    assert under_an_older_key() == []
    (kept,) = etcdctl("get", "/registry/secrets/default/treasure")["kvs"]
    assert base64.b64decode(kept["value"]).startswith(b"k8s:enc:secretbox:v1:key2:")
    assert kubectl(stack)("get", "secret", "treasure", "--output=jsonpath={.data.where}") == pki.base64_of(
        "under-the-tree"
    )
    for machine in CONTROL_PLANES:
        rule = yaml.safe_load(on(machine, "cat", encryption.PATH))["resources"][0]
        assert [key["name"] for key in rule["providers"][0]["secretbox"]["keys"]] == ["key2"]
    stack.refresh()
    assert [one["outputs"]["drift"] for one in stack.state() if one["urn"].endswith("control-plane-1-node")] == [[]]


def test_an_upgrade_skips_no_minor(stack):
    stack.set(version="1.38")
    assert "an upgrade takes one at a time" in stack.fails("preview").output
    stack.set(version=OLD)


def test_an_upgrade_in_place_loses_no_request_though_the_run_is_killed_in_the_middle(stack, kubectl, engine, tell):
    run = kubectl(stack)
    run("apply", "--filename=-", stdin=TWO_REPLICAS.replace("IMAGE", BUSYBOX))
    run("rollout", "status", "deployment/steady", "--timeout=180s")
    address = run("get", "service", "steady", "--output=jsonpath={.spec.clusterIP}")
    node_image.ensure_machine({"version": NEW})
    # As a package brings it.
    engine.run("exec", names("worker-1")[0], "sh", "-c", f"{KUBELET_UNIT} -exec chmod 0644 {{}} +")
    stack.set(version=NEW)

    with (
        AskingTheApi(
            stack.outputs(show_secrets=True)["kubeconfig"], "/api/v1/namespaces/default/services/steady"
        ) as api,
        AskingOnANode(engine.cli, names("control-plane-1")[0], f"http://{address}/") as web,
    ):
        WatchedUp(stack, "control-plane-2: kubeadm-upgrade").kill()
        upgraded = stack.up()

    tell(f"while nodes were upgraded: the API {api.count}; a Service {web.count}")
    assert not {"replace", "delete", "create"} & set(upgraded.changes)
    nodes = run.nodes().values()
    assert {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes} == {stack.outputs()["kubernetes_version"]}
    assert stack.outputs()["kubernetes_version"].startswith(f"v{NEW}.")
    assert [node["metadata"]["name"] for node in nodes if node["spec"].get("unschedulable")] == []
    assert [node["metadata"]["name"] for node in nodes if MARK in node["metadata"]["annotations"]] == []
    assert min(api.count.asked, web.count.asked) > 100
    assert api.count.lost == []
    assert web.count.lost == []


def test_nothing_of_the_older_version_is_left_after_an_upgrade(stack, kubectl):
    told = kubectl(stack)("get", "pods", "--namespace=kube-system", "--output=json")
    images = {one["image"] for pod in json.loads(told)["items"] for one in pod["spec"]["containers"]}
    own = {image for image in images if image.startswith("registry.k8s.io/kube-")}

    assert {image.rpartition(":")[2] for image in own} == {stack.outputs()["kubernetes_version"]}
    assert stack.up().changes.keys() == {"same"}


def test_an_upgrade_closes_the_kubelets_unit(stack, on):
    assert on("worker-1", "sh", "-c", KUBELET_UNIT)
    assert on("worker-1", "sh", "-c", f"{KUBELET_UNIT} -perm /077") == ""


@pytest.mark.parametrize("machine", CONTROL_PLANES)
def test_every_control_plane_still_approves_after_an_upgrade(stack, on, machine):
    # Its API server may be about to be well again.
    on(machine, "timeout", "60", "sh", "-c", f"until systemctl start {UNITS[0]}; do sleep 1; done")

    assert on(machine, "systemctl", "is-active", TIMER) == "active\n"


def test_a_control_plane_that_was_killed_is_replaced_by_one_command(
    stack, engine, kubectl, etcdctl, on, ask, holders, tell
):
    first, *others = CONTROL_PLANES
    for one in others:
        on(one, "systemctl", "stop", virtual_ip.UNIT)
    on(first, "timeout", "60", "sh", "-c", f"until ip address show to {VIRTUAL_IP} | grep -q .; do sleep 0.2; done")
    for one in others:
        on(one, "systemctl", "start", virtual_ip.UNIT)
    lost = f"{NAME}-{first}"  # the one that started the cluster
    (before,) = (one["ID"] for one in etcdctl("member", "list")["members"] if one["name"] == lost)
    # Nobody takes the address from one that is well.
    assert holders(*CONTROL_PLANES) == [first]
    engine.run("kill", lost)
    begun = time.monotonic()
    assert ask("worker-1") == "ok"
    tell(f"the address that control planes share answered {time.monotonic() - begun:.1f} s after a loss")
    assert len(holders(*others)) == 1
    engine.remove([lost])
    # Some request may have been on its way to the one that is lost.
    retry = ("--retry", "1", "--retry-all-errors")
    assert on("worker-1", "curl", "--silent", "--insecure", "--fail", *retry, "https://127.0.0.1:8443/readyz") == "ok"

    stack.up("--refresh")

    assert lost in kubectl(stack).nodes()
    members = {one["name"]: one["ID"] for one in etcdctl("member", "list")["members"]}
    assert sorted(members) == names("control-plane-1", "control-plane-2", "control-plane-3")
    assert members[lost] != before
    (health,) = {one["health"] for one in etcdctl("endpoint", "health", "--cluster")}
    assert health
    assert on("control-plane-1", "systemctl", "is-active", TIMER) == "active\n"


def test_control_planes_leave_etcd_before_they_go(stack, kubectl, etcdctl, ask):
    stack.set(controlPlanes=1, workers=1)
    stack.up()

    assert list(kubectl(stack).nodes()) == names("control-plane-1", "worker-1")
    assert [one["name"] for one in etcdctl("member", "list")["members"]] == names("control-plane-1")
    assert ask("worker-1") == "ok"


def test_an_up_that_was_killed_wherever_it_was_is_finished_by_the_next_one(slipway, machine_image, kubectl):
    stack = slipway(KILLED, of="dev-kubeadm", workers=0, machines={"driver": "container", "cidr": "10.88.0.0/24"})
    WatchedUp(stack, f"{KILLED}-control-plane-1 creating").kill()
    WatchedUp(stack, "kubeadm-init").kill()

    stack.up()

    assert list(kubectl(stack).nodes()) == [f"{KILLED}-control-plane-1"]
    stack.destroy()


def test_a_step_that_cannot_succeed_is_told_with_its_log_long_before_the_limit(slipway, machine_image):
    stack = slipway(KILLED, of="dev-kubeadm", workers=0, machines={"driver": "container", "cidr": "10.88.0.0/24"})
    components = stack.project / "components"
    own = components.resolve()
    components.unlink()  # else it is everybody's
    shutil.copytree(own, components)
    (components / "bootstrap/files/steps/prepare-host.sh").write_text("echo this machine has no wheels; exit 1\n")

    run = stack.fails("up")

    [error] = [one for one in run.errors if "NodeError" in one]
    assert f"{KILLED}-control-plane-1: the step prepare-host failed 3 times; its log ends with" in error
    assert "this machine has no wheels" in error
    stack.destroy()


def test_a_container_that_is_not_ours_is_left_alone(slipway, machine_image, engine):
    stack = slipway(KILLED, of="dev-kubeadm", workers=0, machines={"driver": "container", "cidr": "10.88.0.0/24"})
    theirs = f"{KILLED}-control-plane-1"
    engine.run("create", "--name", theirs, "--entrypoint", "/bin/true", machine_image)
    try:
        run = stack.fails("preview")
        assert f"there is a container {theirs} already, not made by this stack, and it is not touched" in run.output
        labels = json.loads(engine.run("inspect", "--format", "{{json .Config.Labels}}", theirs))
        assert CLAIM not in labels
    finally:
        engine.remove([theirs])
        stack.destroy()
