"""What is made of minikube's answers, and what it gets to see and to hold."""

import json
import subprocess

import pytest

from components.local import command, minikube_cli
from components.local.minikube_cli import MinikubeError
from tests.programs.machine import environments
from tests.programs.playing import play

FLAGS = ["--driver=kvm2", "--kubernetes-version=v1.35.1", "--nodes=1"]


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """The home of a cluster, on a machine of its own."""
    play(monkeypatch, tmp_path)
    return tmp_path / "state/slipway/minikube/abc"


@pytest.mark.parametrize(
    ("driver", "held"), [("docker", True), ("kvm2", True), ("none", True), ("podman", False), ("qemu2", False)]
)
def test_a_machine_that_minikube_leaves_behind_is_never_given_the_lock_to_hold(driver, held):
    with minikube_cli.only_one("demo", driver) as lock:
        assert (lock is not None) is held


def test_no_setting_of_the_users_shell_reaches_minikube(monkeypatch, home):
    monkeypatch.setenv("MINIKUBE_CPUS", "16")
    monkeypatch.setenv("MINIKUBE_EXISTING_DOCKER_HOST", "unix:///var/run/docker.sock")
    minikube_cli.start(home, "demo", FLAGS, None)

    assert environments()
    assert not any("MINIKUBE_CPUS" in seen for seen in environments())
    assert all("MINIKUBE_EXISTING_DOCKER_HOST" in seen for seen in environments())


@pytest.mark.parametrize("why", ["Cannot connect to the Docker daemon", 'exec: "docker": executable file not found'])
def test_whatever_keeps_minikube_from_asking_for_a_node_never_makes_it_gone(monkeypatch, home, why):
    minikube_cli.start(home, "demo", FLAGS, None)

    def ask(words, **_):
        if words[1] != "status":
            return played(words, **_)
        told = json.dumps({"Name": "demo", "Host": "Nonexistent", "Worker": False})
        return subprocess.CompletedProcess(words, 7, told, f"E1128 1 status.go:1] status error: host: {why}\n")

    played = command.ask
    monkeypatch.setattr(command, "ask", ask)
    with pytest.raises(MinikubeError, match=f"minikube cannot ask for demo: host: {why}; mend that"):
        minikube_cli.nodes(home, "demo")


def test_a_home_lets_virtual_machines_through_and_nobody_list_it(home):
    minikube_cli.make_home(home)

    assert home.stat().st_mode & 0o777 == 0o711


KUBEADMS = """wait: sudo kubeadm init: Process exited with status 1
stdout:
[preflight] Running pre-flight checks
stderr:
\t[WARNING Service-kubelet]: kubelet service is not enabled
[preflight] Some fatal errors occurred:
\t[ERROR ImagePull]: failed to pull one: no such host
\t[ERROR ImagePull]: failed to pull two
[preflight] If you know what you are doing, you can make a check non-fatal
To see the stack trace of this error execute with --v=5 or higher"""


def failed(name, message):
    """An event of a failure, as `--output=json` tells it."""
    data = {"message": message, "advice": "", **({"name": name, "exitcode": "80"} if name else {})}
    return json.dumps({"specversion": "1.0", "type": "io.k8s.sigs.minikube.error", "data": data})


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            [failed("RSRC_DOCKER_CORES", "Too few CPUs.\n  Two.")],
            "Too few CPUs. Two (RSRC_DOCKER_CORES)",
        ),
        (
            [failed("GUEST_START", "failed to start node: it was never well"), failed("", "╭──╮\n│ Report! │\n╰──╯")],
            "failed to start node: it was never well (GUEST_START)",
        ),
        (
            [failed("INET_LOOKUP_HOST", KUBEADMS)],
            "kubeadm refuses the node: failed to pull one: no such host (ImagePull, and 1 more) (INET_LOOKUP_HOST)",
        ),
        (["* Adding node", "X Exiting due to GUEST_NODE_ADD: no room"], "GUEST_NODE_ADD: no room"),
        (["one", "last"], "last"),
        ([], "it printed nothing"),
    ],
)  # fmt: skip
def test_a_failure_is_told_in_one_line(lines, told):
    assert minikube_cli.explain("demo", lines) == f"the cluster demo: minikube failed: {told}"


def test_an_image_that_cannot_be_pulled_is_told_without_all_that_minikube_did_for_it():
    # As minikube 1.38.1 said it.
    message = (
        "Failed to start host: recreate: creating host: create: creating: setting up container node: preparing volume "
        "for demo container: docker run --rm --name demo-preload-sidecar --entrypoint /usr/bin/test -v demo:/var "
        "gcr.io/k8s-minikube/kicbase:v0.0.50@sha256:eb4f -d /var/lib: exit status 125\nstdout:\n\nstderr:\n"
        "Unable to find image 'gcr.io/k8s-minikube/kicbase:v0.0.50@sha256:eb4f' locally\n"
        "docker: Error response from daemon: "
        "Get \"https://gcr.io/v2/\": dial tcp: lookup gcr.io: no such host.\nSee 'docker run --help'"
    )
    event = {
        "type": "io.k8s.sigs.minikube.error",
        "data": {"message": message, "advice": "Verify your proxy", "name": "INET"},
    }
    assert minikube_cli.explain("demo", [json.dumps(event)]) == (
        "the cluster demo: minikube failed: its image gcr.io/k8s-minikube/kicbase:v0.0.50 cannot be pulled: "
        'Get "https://gcr.io/v2/": dial tcp: lookup gcr.io: no such host; have the engine reach its registry (INET)'
    )
