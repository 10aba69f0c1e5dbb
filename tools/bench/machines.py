"""Three control planes and two workers through `pulumi up`, against the same containers booted by hand.

By hand means: with the same image, user-data and configuration, all at the same second, until every node is Ready.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from components import kubeconfig
from components.bootstrap import pki
from components.bootstrap.boot import Boot
from components.bootstrap.kubectl import Kubectl
from components.bootstrap.plan import Plan
from components.bootstrap.proxy import balancer
from components.local.kind_config import POD_CIDR, SERVICE_CIDR
from components.machines.container_provider import BalancerProvider, MachineProvider, NetworkProvider
from tools.bench import compare, five, timed
from tools.bench.five import MACHINES

VERSION = "1.37"

MOST = 1.15
"""What `pulumi up` may take of the time of machines that are booted by hand."""


def run(rounds: int | None) -> None:
    """Compare, twice unless told otherwise; takes some five minutes a round."""
    five.prepare(VERSION)
    with tempfile.TemporaryDirectory() as folder, five.stack(Path(folder, "stack"), VERSION) as stack:

        def through_pulumi() -> float:
            seconds = timed(lambda: five.up(stack))
            stack.destroy()
            return seconds

        sides = {"booted by hand": _by_hand, "pulumi up": through_pulumi}
        compare("three control planes and two workers, until all are Ready", rounds or 2, sides, most=MOST)


def _by_hand() -> float:
    network = NetworkProvider()
    made = network.create({"name": f"{five.NAME}-network", "cidr": five.CIDR, "version": VERSION, "fixed": {}})
    place = {"claim": made.id, "network": f"{five.NAME}-network", "image": (made.outs or {})["image"]}
    version = (made.outs or {})["kubernetes_version"]
    keys = pki.make(pki.now())
    boot = Boot.made(Plan(five.NAME, version, MACHINES, POD_CIDR, SERVICE_CIDR, endpoint="127.0.0.1"), keys, 1)
    machines = [
        {**place, "name": one.name, "address": one.address, "user_data": boot.user_data(one), "release": version}
        for one in MACHINES
    ]

    def until_ready() -> None:
        front = {"name": f"{five.NAME}-api", "address": "10.86.0.2", "config": balancer(MACHINES)}
        told = BalancerProvider().create({**place, **front}).outs or {}
        with ThreadPoolExecutor() as pool:
            list(pool.map(MachineProvider().create, machines))
        with Kubectl.on(_kubeconfig(keys, told["port"])) as kubectl:
            five.await_ready(kubectl, version)

    try:
        return timed(until_ready)
    finally:
        network.delete(str(made.id), made.outs or {})


def _kubeconfig(keys: pki.Pki, port: int) -> str:
    admin = pki.admin(keys, pki.now())
    return kubeconfig.build(
        five.NAME,
        f"https://127.0.0.1:{port}",
        pki.base64_of(keys["cluster"]["certificate"]),
        {
            "client-certificate-data": pki.base64_of(admin["certificate"]),
            "client-key-data": pki.base64_of(admin["key"]),
        },
    )
