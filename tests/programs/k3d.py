"""k3d's command line, as far as Slipway uses it: its log, its configuration and its names."""

import os
import sys
from typing import Any

import yaml

from tests.programs.machine import CA, Machine, called, fail, machine, option


def log(level: str, message: str) -> None:
    # Warnings and worse go to stderr, all else to stdout: cmd/root.go.
    quoted = message.replace('"', '\\"')
    stream = sys.stdout if level == "info" else sys.stderr
    print(f'time="2026-11-28T07:00:00Z" level={level} msg="{quoted}"', file=stream, flush=True)


def fatal(message: str) -> None:
    log("fatal", message)
    sys.exit(1)


def main() -> None:
    words = called("k3d")
    with machine() as there:
        if not there.answers:
            fatal("runtime failed to list nodes: docker failed to get containers: error during connect: EOF")
        match words:
            case ["cluster", "create", "--config", "-"]:
                create(there, yaml.safe_load(sys.stdin))
            case ["cluster", "start", name, *_]:
                for node, container in of(there, name).items():
                    if lost := set(container.get("ports", [])) - set(there.containers):
                        log("error", f"Failed to start helper node '{node}': host not found in upstream {lost}")
                        fatal("Failed Cluster Start: Failed to add one or more helper nodes")
                    container["status"] = "running"
                log("info", f"Started cluster '{name}'")
            case ["cluster", "delete", name]:
                delete(there, name)
            case ["node", "create", name, *_]:
                cluster = option(words, "--cluster")
                if not of(there, cluster):
                    fatal(f"failed to add 1 node(s) to the runtime local cluster '{cluster}': No nodes found")
                key, _, value = option(words, "--runtime-label").partition("=")
                add(there, cluster, f"k3d-{name}-0", "agent", {key: value})
                log("info", "Successfully created 1 node(s)!")
            case ["node", "delete", name]:
                if name not in there.containers:
                    fatal(f"failed to get node '{name}'")
                del there.containers[name]
                log("info", "Successfully deleted 1 node(s)!")
            case ["kubeconfig", "get", name]:
                if not any(container["labels"]["k3d.role"] == "server" for container in of(there, name).values()):
                    fatal("No nodes found for given cluster")
                print(f"---\n{kubeconfig(name)}", end="")
            case _:
                fail(f"k3d is asked: {words}", 125)


def of(there: Machine, name: str) -> dict[str, dict[str, Any]]:
    found = there.containers.items()
    return {each: container for each, container in found if container["labels"].get("k3d.cluster") == name}


def add(there: Machine, cluster: str, name: str, role: str, labels: dict[str, str]) -> None:
    own = {"app": "k3d", "k3d.cluster": cluster, "k3d.role": role, "k3d.cluster.network": f"k3d-{cluster}"}
    there.containers[name] = {"labels": {**own, **labels}, "status": "running", "files": []}


def create(there: Machine, config: dict[str, Any]) -> None:
    assert (config["apiVersion"], config["kind"]) == ("k3d.io/v1alpha5", "Simple")
    assert config["options"]["kubeconfig"] == {"updateDefaultKubeconfig": False, "switchCurrentContext": False}
    name = config["metadata"]["name"]
    log("info", "Using config file - (k3d.io/v1alpha5#simple)")
    if of(there, name):
        fatal(f"Failed to create cluster '{name}' because a cluster with that name already exists")
    log("info", "Prep: Network")
    there.networks.append(f"k3d-{name}")
    log("info", f"Created network 'k3d-{name}'")
    there.volumes.append(f"k3d-{name}-images")
    labels = dict(each["label"].split("=") for each in config["options"]["runtime"]["labels"])
    for index in range(config["servers"]):
        log("info", f"Creating node 'k3d-{name}-server-{index}'")
        add(there, name, f"k3d-{name}-server-{index}", "server", labels)
        if there.dies_at == "k3d cluster create":
            there.dies_at = ""
            sys.exit(137)
    if port := os.environ.get("STAND_IN_PORT_TAKEN"):
        log("error", "Failed Cluster Start: Failed to add one or more helper nodes: driver failed programming external "
            f"connectivity: Bind for 127.0.0.1:{port} failed: port is already allocated")  # fmt: skip
        log("error", "Failed to create cluster >>> Rolling Back")
        delete(there, name)
        fatal("Cluster creation FAILED, all changes have been rolled back!")
    for index in range(config["agents"]):
        add(there, name, f"k3d-{name}-agent-{index}", "agent", labels)
    add(there, name, balancer := f"k3d-{name}-serverlb", "loadbalancer", labels)
    # `TransformPorts` of pkg/client/ports.go; what is chosen by `loadbalancer` leads to all nodes.
    filters = {each for port in config["ports"] for each in port["nodeFilters"]}
    roles = {role for role in ("server", "agent") if {"loadbalancer", f"{role}:*:proxy"} & filters}
    there.containers[balancer]["ports"] = [
        node for node, container in of(there, name).items() if container["labels"]["k3d.role"] in roles
    ]
    log("info", f"Cluster '{name}' created successfully!")
    print(f"export KUBECONFIG=$(k3d kubeconfig write {name})\nkubectl cluster-info")


def delete(there: Machine, name: str) -> None:
    gone = of(there, name)
    if not gone:
        log("info", f"No nodes found for cluster '{name}', nothing to delete.")
        return
    for each in gone:
        del there.containers[each]
    there.networks.remove(f"k3d-{name}")
    there.volumes.remove(f"k3d-{name}-images")
    log("info", "Removing cluster details from default kubeconfig...")
    log("info", f"Successfully deleted cluster {name}!")


def kubeconfig(name: str) -> str:
    return f"""apiVersion: v1
kind: Config
clusters: [{{name: k3d-{name}, cluster: {{server: "https://127.0.0.1:40123", certificate-authority-data: {CA}}}}}]
contexts: [{{name: k3d-{name}, context: {{cluster: k3d-{name}, user: admin@k3d-{name}}}}}]
users: [{{name: admin@k3d-{name}, user: {{client-key-data: c2VjcmV0}}}}]
current-context: k3d-{name}
"""


if __name__ == "__main__":
    main()
