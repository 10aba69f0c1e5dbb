"""minikube's command line, as far as Slipway uses it: its events, its answers in JSON and its exit codes."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, NoReturn

from tests.programs.machine import CA, Machine, called, fail, machine, option

CREATED = "created_by.minikube.sigs.k8s.io"
KNOWN = ["v1.36.0-alpha.1", "v1.35.1", "v1.35.0", "v1.34.4", "v1.33.8"]


def event(kind: str, **data: str) -> None:
    """A line of `--output json`: pkg/minikube/out/register."""
    told = {"specversion": "1.0", "id": "0", "source": "https://minikube.sigs.k8s.io/", "data": data}
    print(json.dumps({**told, "type": f"io.k8s.sigs.minikube.{kind}"}), flush=True)


def step(name: str) -> None:
    event("step", currentstep="0", totalsteps="19", name=name, message=f"{name} ...")


def error(code: int, name: str, message: str, advice: str = "") -> NoReturn:
    event("error", exitcode=str(code), name=name, message=message, advice=advice, url="", issues="")
    sys.stderr.write(f"\nX Exiting due to {name}: {message}\n")
    sys.exit(code)


def home() -> Path:
    chosen = Path(os.environ.get("MINIKUBE_HOME") or Path.home())
    return chosen if chosen.name == ".minikube" else chosen / ".minikube"


def main() -> None:
    words = called("minikube")
    for folder in ("", "certs", "machines", "cache", "config", "addons", "files", "logs"):
        (home() / folder).mkdir(parents=True, exist_ok=True)
    name = option(words, "--profile", "minikube")
    with machine() as there:
        match words:
            case ["start", *_]:
                start(there, name, words)
            case ["status", *_]:
                status(there, name, option(words, "--node"))
            case ["profile", "list", *_]:
                profiles(there, light="--light" in words)
            case ["update-context", *_]:
                Path(os.environ["KUBECONFIG"]).write_text(kubeconfig(name))
                print(f'* "{name}" context has been updated to point to 127.0.0.1:32769')
            case ["node", "add", *_]:
                known_context(name, "GUEST_NODE_ADD", "failed to add node: wait 6m0s for node: kubernetes client")
                config = load(name)
                last = config["Nodes"][-1]["Name"]
                node = f"m{int(last[1:]) + 1 if last else 2:02}"
                config["Nodes"].append({"Name": node, "ControlPlane": False, "Worker": True})
                save(name, config)
                made(there, f"{name}-{node}")
                print(f"* Adding node {node} to cluster {name} as [worker]")
            case ["node", "delete", node, *_]:
                known_context(name, "GUEST_NODE_DELETE", "deleting node")
                config = load(name)
                config["Nodes"] = [each for each in config["Nodes"] if each["Name"] != node]
                save(name, config)
                del there.containers[f"{name}-{node}"]
                print(f"* Node {node} was successfully deleted.")
            case ["delete", *_]:
                step("Deleting")
                for container in [each for each in there.containers if each == name or each.startswith(f"{name}-m0")]:
                    del there.containers[container]
                shutil.rmtree(home() / "profiles" / name, ignore_errors=True)
                # It forgets which profile the user has chosen.
                (home() / "config/config.json").write_text("{}")
            case ["config", "defaults", "kubernetes-version", "--output=json"]:
                print(json.dumps(KNOWN))
            case _:
                fail(f"minikube is asked: {words}", 14)


def known_context(name: str, code: str, what: str) -> None:
    """It asks the API by the kubeconfig of whoever calls it."""
    file = Path(os.environ["KUBECONFIG"])
    if not file.exists() or f"contexts: [{{name: {name}," not in file.read_text():
        sys.stderr.write(f'\nX Exiting due to {code}: {what}: client config: context "{name}" does not exist\n')
        sys.exit(80)


def start(there: Machine, name: str, words: list[str]) -> None:
    if os.geteuid() == 0 and option(words, "--driver") == "docker" and "--force" not in words:
        error(57, "DRV_AS_ROOT", 'The "docker" driver should not be used with root privileges.')
    step("Initial Minikube Setup")
    if not there.answers:
        error(
            55,
            "DRV_DOCKER_NOT_RUNNING",
            "Found docker, but the docker service isn't healthy.",
            "Start the Docker service",
        )
    if "--dry-run" in words:
        step("Selecting Driver")
        return
    version = option(words, "--kubernetes-version")
    config: dict[str, Any] | None = load(name) if (home() / "profiles" / name / "config.json").exists() else None
    if config is None:
        control_planes = 3 if "--ha" in words else 1
        nodes = [
            {"Name": "" if n == 1 else f"m{n:02}", "ControlPlane": n <= control_planes, "Worker": True}
            for n in range(1, int(option(words, "--nodes")) + 1)
        ]
        config = {"Name": name, "Driver": option(words, "--driver"), "Nodes": nodes, "KubernetesConfig": {}}
    config["KubernetesConfig"]["KubernetesVersion"] = version
    save(name, config)
    event("download.progress", currentstep="2", totalsteps="19", artifact="preloaded.tar", progress="0.5")
    for node in config["Nodes"]:
        step("Creating Container")
        made(there, machine_name(name, node))
        if there.dies_at == "minikube start":
            there.dies_at = ""
            sys.exit(137)
    Path(os.environ["KUBECONFIG"]).write_text(kubeconfig(name))
    step("Done")


def machine_name(name: str, node: dict[str, Any]) -> str:
    return f"{name}-{node['Name']}" if node["Name"] else name


def made(there: Machine, name: str) -> None:
    there.containers[name] = {"labels": {CREATED: "true"}, "status": "running", "files": []}


def status(there: Machine, name: str, only: str) -> None:
    if not (home() / "profiles" / name / "config.json").exists():
        event("step", message=f'Profile "{name}" not found. Run "minikube profile list" to view all profiles.')
        sys.exit(85)
    told: list[dict[str, Any]] | None = []
    for node in load(name)["Nodes"]:
        container = there.containers.get(each := machine_name(name, node))
        if only not in ("", each, node["Name"]):
            continue
        word = "Nonexistent"
        if container and there.answers:
            word = {"running": "Running", "exited": "Stopped"}[container["status"]]
        else:
            why = f"No such container: {each}" if there.answers else "Cannot connect to the Docker daemon"
            sys.stderr.write(
                f'E1128 07:00:00.0 1 status.go:124] status error: host: state: unknown state "{each}": '
                f"docker container inspect: exit status 1\nstdout:\n\n\nstderr:\nError response from daemon: {why}\n"
            )
            if not only:
                told = None  # `GetStatus` of pkg/minikube/cluster tells of no node where one of them is gone
                break
        told.append({"Name": each, "Host": word, "Kubelet": word, "APIServer": word,
                     "Kubeconfig": "Misconfigured", "Worker": not node["ControlPlane"]})  # fmt: skip
    print(json.dumps(told[0] if told and len(told) == 1 else told), end="")
    # A kubeconfig that does not know the cluster counts as well: ours never does.
    sys.exit(4 if told and all(each["Host"] == "Running" for each in told) else 7)


def profiles(there: Machine, *, light: bool) -> None:
    folder = home() / "profiles"
    names = [each.name for each in folder.iterdir()] if folder.exists() else []
    if folder.exists() and not light:
        names += [each for each, container in there.containers.items() if CREATED in container["labels"]]
    valid = [
        {"Name": each, "Status": "OK", "Config": load(each)}
        for each in names
        if (folder / each / "config.json").exists()
    ]
    known = {each["Name"] for each in valid}
    invalid = [{"Name": each, "Status": "", "Config": None} for each in names if each not in known]
    print(json.dumps({"valid": valid, "invalid": invalid}), end="")


def load(name: str) -> dict[str, Any]:
    return json.loads((home() / "profiles" / name / "config.json").read_text())


def save(name: str, config: dict[str, Any]) -> None:
    folder = home() / "profiles" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))


def kubeconfig(name: str) -> str:
    return f"""apiVersion: v1
kind: Config
clusters: [{{name: {name}, cluster: {{server: "https://127.0.0.1:32769", certificate-authority-data: {CA}}}}}]
contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}, namespace: default}}}}]
users: [{{name: {name}, user: {{client-key-data: c2VjcmV0}}}}]
current-context: {name}
"""


if __name__ == "__main__":
    main()
