"""docker's command line, as far as development clusters use it."""

import json

from tests.programs.machine import called, fail, machine, option


def main() -> None:
    words = called("docker")
    with machine() as there:
        if not there.answers:
            fail("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
        match words:
            case ["info", *_]:
                print("2")
            case ["ps", *_]:
                key, _, value = option(words, "--filter").removeprefix("label=").partition("=")
                for name, container in there.containers.items():
                    if key in container["labels"] and value in ("", container["labels"][key]):
                        print(name)
            case ["inspect", *names] | ["container", "inspect", *names]:
                for name in names:
                    if name not in there.containers:
                        fail(f"Error: No such object: {name}")
                print(json.dumps([told(name, there.containers[name]) for name in names]))
            case ["network", "inspect", name]:
                if name not in there.networks:
                    fail(f"Error response from daemon: network {name} not found")
            case [("network" | "volume") as kind, "rm", name]:
                found = there.networks if kind == "network" else there.volumes
                if name not in found:
                    fail(f"Error response from daemon: {kind} {name} not found")
                if any(
                    container["labels"].get("k3d.cluster.network") == name for container in there.containers.values()
                ):
                    fail(
                        f"Error response from daemon: error while removing network: network {name} has active endpoints"
                    )
                found.remove(name)
            case ["exec", name, *command]:
                container = there.containers.get(name)
                if container is None or container["status"] != "running":
                    fail(f"Error response from daemon: container {name} is not running")
                inside(container, command)
            case _:
                fail(f"docker is asked: {words}", 125)


def told(name, container):
    return {
        "Name": f"/{name}",
        "Config": {"Labels": container["labels"]},
        "State": {"Status": container["status"]},
        "Mounts": [],
    }


def inside(container, command: list[str]) -> None:
    match command:
        case ["touch", file]:
            container["files"].append(file)
        case ["test", "-e", file]:
            if file not in container["files"]:
                fail("", 1)
        case ["k3s", "--version"]:
            print("k3s version v1.37.2+k3s1 (0123abcd)\ngo version go1.26.5")
        case ["kubectl", "get", "node", node, *_]:
            if node not in container["files"]:  # none is forgotten here but what a test forgets so
                print(f"node/{node}")
        case ["kubectl", ("drain" | "delete"), *_]:
            print("node/x drained")
        case _:
            fail(f"docker exec is asked: {command}", 125)


if __name__ == "__main__":
    main()
