"""kind for real: what a stack makes, changes, survives and leaves. Tests of one stack follow each other."""

import socket
import time

import psutil
import pytest
import yaml

from components.local.container_engine import CLUSTER_LABEL, ROLE_LABEL
from components.local.kind_config import OFFLINE_REPOSITORY
from tests.clusters.conftest import ASK_A_SERVICE, said_by_a_pod
from tests.clusters.runs import WatchedUp

pytestmark = pytest.mark.timeout(600)

FIRST, SECOND = "slipway-test", "slipway-test-two"

WEB = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: web
      image: IMAGE
      command: [sh, -c, "echo it-works > /tmp/index.html && exec httpd -f -p 8080 -h /tmp"]
      readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
"""


VOLUME = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: store}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: store}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
    - name: store
      image: IMAGE
      command: [sh, -c, "echo kept > /store/file && cat /store/file"]
      volumeMounts: [{name: store, mountPath: /store}]
  volumes: [{name: store, persistentVolumeClaim: {claimName: store}}]
"""


@pytest.fixture(scope="module")
def host_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def made(slipway, host_port):
    """The stack that most tests share, with the run that made it: a control plane and a worker."""
    stack = slipway(FIRST, workers=1, portMappings=[{"containerPort": 30080, "hostPort": host_port}])
    yield stack, stack.up()
    stack.destroy()


@pytest.fixture(scope="module")
def first(made):
    return made[0]


@pytest.fixture(scope="module")
def second(slipway):
    """A stack beside the first one, not yet up, of a control plane alone."""
    stack = slipway(SECOND, workers=0)
    yield stack
    stack.destroy()


@pytest.fixture(scope="module")
def busybox(engine):
    """A small image that pods can run: nodes of the offline bundle have one."""
    node = f"{FIRST}-control-plane"
    image = engine.run("inspect", "--format", "{{.Config.Image}}", node)
    offline = image.startswith(OFFLINE_REPOSITORY)
    return "slipway.local/busybox:1" if offline else "docker.io/library/busybox:1.37"


def answer_of(port, seconds=60):
    """What this machine's port answers, once every kube-proxy has heard of the Service: some seconds after its pod."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return b"".join(iter(lambda: connection.recv(4096), b""))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_the_first_up_makes_a_cluster_and_shows_the_steps_of_kind(made, kubectl):
    stack, run = made
    assert run.changes == {"create": 3}
    for step in ("Ensuring node image", "Preparing nodes", "Starting control-plane", "Joining worker nodes"):
        assert step in run.output
    assert list(kubectl(stack).nodes()) == [f"{FIRST}-control-plane", f"{FIRST}-worker"]


def test_a_pod_runs_and_answers_through_a_service(first, kubectl, busybox, host_port):
    run = kubectl(first)
    run.nodes()
    run("apply", "--filename=-", stdin=WEB.replace("IMAGE", busybox))
    run("wait", "pod/web", "--for=condition=Ready", "--timeout=120s")

    answer = said_by_a_pod(run, busybox, "sh", "-c", ASK_A_SERVICE)
    address = run("get", "service", "web", "--output=jsonpath={.spec.clusterIP}")
    assert f"Address: {address}" in answer
    assert answer.endswith("it-works\n")
    assert answer_of(host_port).endswith(b"it-works\n")


def test_a_volume_that_a_pod_claims_is_made(first, kubectl, busybox):
    run = kubectl(first)
    run("apply", "--filename=-", stdin=VOLUME.replace("IMAGE", busybox))

    run("wait", "pod/store", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s")
    assert run("logs", "store") == "kept\n"
    run("delete", "pod/store", "pvc/store")


def test_the_kubeconfig_is_in_the_state_as_a_secret_only(first):
    kubeconfig = yaml.safe_load(first.outputs(show_secrets=True)["kubeconfig"])
    key = kubeconfig["users"][0]["user"]["client-key-data"]

    assert key not in first.state_file().read_text()
    assert first.outputs()["kubeconfig"] == "[secret]"
    assert first.outputs()["kubernetes_version"].startswith("v1.37.")


def test_a_second_up_changes_nothing(first):
    assert first.up().changes == {"same": 3}


def test_labels_taints_and_mirrors_change_in_the_running_cluster(first, kubectl, engine):
    taint = {"key": "dedicated", "value": "gpu", "effect": "PreferNoSchedule"}
    mirrors = {"docker.io": ["https://mirror.example.org"]}
    first.set(labels={"workers": {"tier": "app"}}, taints={"workers": [taint]}, registryMirrors=mirrors)
    assert first.up().changes == {"same": 2, "update": 1}

    worker = kubectl(first).nodes()[f"{FIRST}-worker"]
    assert worker["metadata"]["labels"]["tier"] == "app"
    assert worker["spec"]["taints"] == [taint]
    hosts = engine.run("exec", f"{FIRST}-worker", "cat", "/etc/containerd/certs.d/docker.io/hosts.toml")
    assert 'host."https://mirror.example.org"' in hosts

    first.set(labels=None, taints=None, registryMirrors=None)
    assert first.up().changes == {"same": 2, "update": 1}
    worker = kubectl(first).nodes()[f"{FIRST}-worker"]
    assert "tier" not in worker["metadata"]["labels"]
    assert "taints" not in worker["spec"]


def test_stopped_nodes_show_up_at_a_refresh_and_the_next_up_starts_them(first, kubectl, engine):
    engine.run("stop", f"{FIRST}-worker", f"{FIRST}-control-plane")

    assert first.refresh().changes == {"same": 2, "update": 1}
    preview = first.preview()
    assert preview.changes == {"same": 2, "update": 1}
    assert f"{FIRST}-control-plane, {FIRST}-worker stopped" in preview.output
    assert first.up().changes == {"same": 2, "update": 1}
    assert len(kubectl(first).nodes()) == 2
    assert kubectl(first)("get", "service", "web", "--output=name") == "service/web\n"
    assert first.up().changes == {"same": 3}


def test_a_cluster_that_somebody_else_made_is_not_touched(slipway, engine):
    labels = [f"--label={CLUSTER_LABEL}=slipway-test-foreign", f"--label={ROLE_LABEL}=control-plane"]
    image = engine.run("inspect", "--format", "{{.Image}}", f"{FIRST}-control-plane").strip()
    foreign = engine.run("create", "--name=slipway-test-foreign-control-plane", *labels, image).strip()
    try:
        stack = slipway("slipway-test-foreign")
        for command in ("preview", "up"):
            [error] = stack.fails(command).errors[:1]
            assert "there is a kind cluster slipway-test-foreign already, not made by Slipway" in error
            assert "\n" not in error
        stack.destroy()
        assert engine.run("inspect", "--format", "{{.Id}}", foreign).strip() == foreign
    finally:
        engine.run("rm", foreign)


def test_a_port_that_is_taken_is_named_and_nothing_half_made_stays(slipway, engine, host_port):
    stack = slipway("slipway-test-port", workers=0, portMappings=[{"containerPort": 30080, "hostPort": host_port}])

    [error] = [error for error in stack.fails("up").errors if error != "update failed"]
    assert f"a port that it publishes is taken ({host_port})" in error
    assert "\n" not in error
    assert engine.nodes("slipway-test-port") == []
    stack.destroy()


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({"version": "1.33"}, "version: Kubernetes 1.33 is out of support"),
        ({"version": "1.37.99"}, "version: kind publishes no node image of 1.37.99"),
        ({"wrokers": 1}, "wrokers: unknown key; did you mean workers?"),
    ],
)
def test_what_cannot_be_made_is_refused_at_preview(slipway, wanted, complaint):
    stack = slipway("slipway-test-refused", **wanted)

    errors = stack.fails("preview").errors

    assert [error for error in errors if complaint in error], errors
    assert "Traceback" not in "".join(errors)


def test_a_run_that_is_killed_half_way_is_finished_by_the_next_one(second, kubectl, engine):
    second.set(workers=1)
    up = WatchedUp(second, "Preparing nodes")
    for child in up.children():
        child.kill()
    up.kill()

    # Killed alone, Pulumi takes kind with it: the next run need not wait for it.
    up = WatchedUp(second, "Installing CNI")
    kind = [child for child in up.children() if child.name() == "kind"]
    up.kill()
    assert len(kind) == 1
    assert psutil.wait_procs(kind, timeout=30)[1] == []

    run = second.up()

    assert run.changes == {"same": 2, "create": 1}
    assert [node.container for node in engine.nodes(SECOND)] == [f"{SECOND}-control-plane", f"{SECOND}-worker"]
    assert len(kubectl(second).nodes()) == 2
    assert second.up().changes == {"same": 3}


def test_a_cluster_deleted_behind_its_back_is_gone_at_a_refresh_and_its_neighbour_stays(first, second, kubectl, engine):
    engine.remove([node.container for node in engine.nodes(SECOND)])

    assert second.refresh().changes == {"same": 2, "delete": 1}
    assert second.preview().changes == {"same": 2, "create": 1}
    second.destroy()
    assert len(kubectl(first).nodes()) == 2


def test_a_node_that_was_removed_and_a_worker_more_make_the_cluster_anew_with_a_reason(first, kubectl, engine):
    engine.remove([f"{FIRST}-worker"])
    assert first.refresh().changes == {"same": 2, "update": 1}
    preview = first.preview()
    assert preview.reasons(f"{FIRST}-nodes") == ["nodes"]
    assert f"{FIRST}-worker is gone" in preview.output

    first.set(workers=2)
    preview = first.preview()
    assert sorted(preview.reasons(f"{FIRST}-nodes")) == ["nodes", "workers"]
    assert "workers 1 → 2, and kind cannot add a node to a running cluster" in preview.output
    run = first.up()

    assert run.changes["same"] == 2
    assert sorted(kubectl(first).nodes()) == [f"{FIRST}-control-plane", f"{FIRST}-worker", f"{FIRST}-worker2"]
    assert first.up().changes == {"same": 3}
