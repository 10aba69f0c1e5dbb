"""Which build of a Kubernetes version a DOKS cluster runs.

DigitalOcean knows builds, by slugs like `1.37.2-do.0`. One is looked up when a cluster is made, and again when the
stack asks for a version that does not run yet. In between DigitalOcean brings patches by itself, and its provider takes
what the program says for a step back and would replace the cluster
(https://github.com/digitalocean/terraform-provider-digitalocean/blob/main/digitalocean/kubernetes/resource_kubernetes_cluster.go,
CustomizeDiff), so whatever build runs is then left alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components import versions
from components.managed.doks.args import POD_CIDR, DoksArgs, has_public_nodes
from components.managed.doks.resource import SDK
from components.managed.managed_args import NODE_CIDR, SERVICE_CIDR, is_exact
from components.managed.slim import answer
from components.spec import Fault, SpecError
from components.state import State, outputs_of

VPC = "digitalocean:index/vpc:Vpc"
CLUSTER = "digitalocean:index/kubernetesCluster:KubernetesCluster"


@dataclass(frozen=True)
class Version:
    """What a cluster runs, or will."""

    slug: str
    """The newest build of what the stack asks for."""

    runs: bool
    """Whether some build of it runs already, so that `slug` is not for that cluster."""


def offered_versions(parent: pulumi.Resource) -> Sequence[str]:
    """The slugs of all builds that a cluster can be made with."""
    function = "digitalocean:index/getKubernetesVersions:getKubernetesVersions"
    return answer(SDK, function, {}, parent, "validVersions")


def version_of(parent: pulumi.Resource, name: str, args: DoksArgs, state: State, offered: Sequence[str]) -> Version:
    """Which build the cluster `name` gets.

    Raises:
        SpecError: The stack asks for less than what runs, and a control plane never goes back.
    """
    wanted = args["version"]
    slug = newest(offered, wanted)
    last = outputs_of(state, CLUSTER, f"{name}-cluster")
    if not last or _is_replaced(state, name, args):
        return Version(slug, runs=False)
    running = plain(last["version"])
    if _numbers(running)[: len(_numbers(wanted))] > _numbers(wanted):
        instead = running if is_exact(wanted) else versions.minor_of(running)
        fault = f'{wanted} is older than {running}, which runs, and a control plane never goes back; write "{instead}"'
        raise SpecError([Fault("version", fault)])
    _warn_of_patches(parent, last["version"], offered, wanted)
    return Version(slug, runs=versions.same(wanted, running))


def _warn_of_patches(parent: pulumi.Resource, running: str, slugs: Sequence[str], wanted: str) -> None:
    """Say what DigitalOcean may refuse an upgrade for. The patch may have come since the state was written.

    https://docs.digitalocean.com/products/kubernetes/how-to/upgrade-cluster/
    """
    minor = versions.minor_of(plain(running))
    last = newest(slugs, minor)
    if minor != versions.minor_of(wanted) and _numbers(last) > _numbers(running):
        pulumi.log.warn(
            f"version: DigitalOcean goes on to {wanted} only from the last patch of {minor}, {last}, and {running} "
            f'runs as far as the state tells; if it refuses, write "{plain(last)}" first',
            parent,
        )


def _is_replaced(state: State, name: str, args: DoksArgs) -> bool:
    """Whether the stack now asks for another cluster, which the build of the old one is nothing to."""
    asked = {
        "region": args["region"],
        "clusterSubnet": args.get("pod_cidr", POD_CIDR),
        "serviceSubnet": args.get("service_cidr", SERVICE_CIDR),
        "isolatedWorkers": not has_public_nodes(args),
    }
    cluster, vpc = outputs_of(state, CLUSTER, f"{name}-cluster"), outputs_of(state, VPC, f"{name}-network")
    nodes = args.get("node_cidr", NODE_CIDR)
    has_its_own = "network" not in args
    return (
        any(cluster.get(key) != value for key, value in asked.items())
        or has_its_own != bool(vpc)
        or (has_its_own and vpc["ipRange"] != nodes)
    )


def newest(slugs: Sequence[str], wanted: str) -> str:
    """The newest of `slugs` that is a build of `wanted`; `wanted` where there is none, which the guard refuses."""
    builds = [slug for slug in slugs if _SLUG.fullmatch(slug) and versions.same(wanted, plain(slug))]
    return max(builds, key=_numbers, default=wanted)


_SLUG = re.compile(r"\d+\.\d+\.\d+-do\.\d+")


def plain(slug: str) -> str:
    """What Kubernetes calls a build: `1.37.2` for `1.37.2-do.0`."""
    return slug.partition("-")[0]


def _numbers(slug: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", slug)]
