"""What a cloud would refuse minutes into an `up` is refused at preview."""

from collections.abc import Callable
from typing import Any

import pytest

from components.managed.aks.args import faults_of as aks_faults
from components.managed.doks.args import faults_of as doks_faults
from components.managed.eks.args import faults_of as eks_faults
from components.managed.gke.args import faults_of as gke_faults
from components.managed.kapsule.args import faults_of as kapsule_faults

Check = Callable[[Any], list[Any]]

POOL = {"name": "general", "min_nodes": 1, "max_nodes": 2}
CLUSTER = {
    "name": "demo",
    "version": "1.34",
    "api_access": {"authorized_cidrs": ["203.0.113.0/24"]},
    "admins": ["00000000-0000-0000-0000-000000000000"],
}


def keys_of(check: Check, region: str, machine: str, *, pool: Any = None, tags: Any = None) -> list[str]:
    asked = {**POOL, "machine_type": machine, **(pool or {})}
    return [fault.key for fault in check({**CLUSTER, "region": region, "node_pools": [asked], "tags": tags or {}})]


@pytest.mark.parametrize(("count", "refused"), [(16, False), (17, True), (10**9, True)])
def test_gke_takes_no_more_gpus_than_a_machine_has(count: int, refused: bool) -> None:
    gpu = {"gpu": {"type": "nvidia-l4", "count": count}}
    keys = keys_of(gke_faults, "europe-west1", "a2-megagpu-16g", pool=gpu)
    assert ("nodePools[0].gpu.count" in keys) is refused


@pytest.mark.parametrize(
    ("check", "region", "good", "bad"),
    [
        (aks_faults, "westeurope", "Standard_D4s_v5", "Standard_"),
        (doks_faults, "fra1", "s-4vcpu-8gb", "s"),
        (doks_faults, "fra1", "so1_5-2vcpu-16gb", "s-"),
    ],
)
def test_half_a_machine_is_no_machine(check: Check, region: str, good: str, bad: str) -> None:
    assert "nodePools[0].machineType" in keys_of(check, region, bad)
    assert "nodePools[0].machineType" not in keys_of(check, region, good)


@pytest.mark.parametrize(
    ("check", "region", "machine"),
    [
        (gke_faults, "europe-west1", "e2-standard-4"),
        (eks_faults, "eu-west-1", "m7i.large"),
        (aks_faults, "westeurope", "Standard_D4s_v5"),
        (doks_faults, "fra1", "s-4vcpu-8gb"),
        (kapsule_faults, "fr-par", "POP2-4C-16G"),
    ],
)
def test_a_tag_has_a_name_in_every_cloud(check: Check, region: str, machine: str) -> None:
    assert {"tags", "tags."} & set(keys_of(check, region, machine, tags={"": "x"}))
    assert not [key for key in keys_of(check, region, machine, tags={"team": "x"}) if key.startswith("tags")]


@pytest.mark.parametrize(
    ("check", "region", "machine", "largest"),
    [(aks_faults, "westeurope", "Standard_D4s_v5", 2048), (kapsule_faults, "fr-par", "POP2-4C-16G", 10_000)],
)
def test_a_nodes_disk_is_no_larger_than_the_cloud_makes_one(
    check: Check, region: str, machine: str, largest: int
) -> None:
    assert "nodePools[0].diskGb" not in keys_of(check, region, machine, pool={"disk_gb": largest})
    assert "nodePools[0].diskGb" in keys_of(check, region, machine, pool={"disk_gb": largest + 1})
