"""Machines that exist, from the list in a stack file to the end of a node, with machines that only remember."""

import pickle
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from components import progress
from components.bootstrap.kubeadm import KubeadmCluster
from components.bootstrap.kubeadm_rules import faults_of
from components.bootstrap.plan import Role
from components.machines import drivers, ssh_provider
from components.machines.reach import Reach, ReachError, Unreachable
from components.machines.ssh_provider import LEAVE, SshMachineProvider
from tests.examples.kubeadm import outputs

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIq67ky0S7lZ846Y7kmhIKdX9wCl5L8iWibkuYt1n9OO"


def host(place: int, role: str = "worker", **more: Any) -> dict[str, Any]:
    return {"address": f"192.168.7.{place}", "role": role, "host_key": HOST_KEY, **more}


HOSTS = [host(32), host(11, "control-plane")]
ARGS: Any = {
    "version": "1.37.2",
    "name": "demo",
    "endpoint": "api.example.org",
    "machines": {"driver": "ssh", "hosts": HOSTS},
}


def args_with(**machines: Any) -> Any:
    return {**ARGS, "machines": {**ARGS["machines"], **machines}}


def faults(args: Any) -> list[str]:
    return list(map(str, faults_of(args)))


# What a stack says


@pytest.mark.parametrize(
    "args",
    [
        ARGS,
        {**ARGS, "endpoint": "192.168.7.10:8443"},
        {**ARGS, "virtual_ip": "192.168.7.10"},
        {**{key: value for key, value in ARGS.items() if key != "endpoint"}, "virtual_ip": "192.168.7.10"},
        {**ARGS, "packages": "mirror", "mirror": "https://mirror.example.org/all"},
        {**ARGS, "packages": "installed", "distribution": "rocky-9"},
        args_with(user="admin", port=2222, proxy_jump="admin@bastion", identity_file="~/.ssh/id_ed25519"),
        args_with(hosts=[host(11, "control-plane", name="rack1-a", user="admin", port=2222)]),
    ],
)
def test_what_works_is_taken(args):
    assert faults(args) == []


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (
            {**ARGS, "version": "1.37"},
            'version: 1.37 is a minor, and packages are of a patch; write it whole, like "1.37.2"',
        ),
        (
            {key: value for key, value in ARGS.items() if key != "endpoint"},
            "endpoint: is required: host name or address under which people reach the API, a load balancer's or that "
            "of an only control plane; or write `virtualIp`, an address that control planes hold among themselves",
        ),
        *(
            (
                {**ARGS, "endpoint": endpoint},
                f"endpoint: {endpoint!r} is no host; write one like api.example.org or 192.168.10.10:6443",
            )
            for endpoint in ("", "https://api", "api:0", "api:65536", "-api", "a b")
        ),
        (
            {**ARGS, "virtual_ip": "192.168.7.32"},
            "virtualIp: 192.168.7.32 is the address of demo-192-168-7-32; write one that no machine has",
        ),
        (
            {**ARGS, "api_port": 6443},
            "apiPort: is for driver container; write a port at the end of `endpoint`, or drop the key",
        ),
        *(
            ({**ARGS, key: 1}, f"{camel}: with driver ssh there are as many machines as hosts; drop the key")
            for key, camel in (("workers", "workers"), ("control_planes", "controlPlanes"))
        ),
        (
            {**ARGS, "packages": "mirror"},
            "mirror: `packages: mirror` needs the URL of one, without a / at its end, like https://mirror.example.org",
        ),
        (
            {**ARGS, "packages": "mirror", "mirror": "https://somebody:secret@mirror.example.org"},
            "mirror: names somebody with a password, which all machines would show; use a mirror that asks for none",
        ),
        (
            {**ARGS, "mirror": "https://mirror.example.org"},
            "mirror: nothing is taken from it; write `packages: mirror` too, or drop the key",
        ),
        (
            args_with(cidr="10.0.0.0/24"),
            "machines.cidr: says nothing to driver ssh; drop it, or choose the driver that it is for",
        ),
        (
            {**ARGS, "machines": {"driver": "ssh"}},
            "machines.hosts: is required with driver ssh: The machines, with `driver: ssh`. The first control plane of "
            "the list starts the cluster.",
        ),
        (
            args_with(hosts=[host(32)]),
            "machines.hosts: of control planes 0 is no odd number, and etcd needs a majority; write 1",
        ),
        (
            args_with(hosts=[host(11, "control-plane"), host(12, "control-plane")]),
            "machines.hosts: of control planes 2 is no odd number, and etcd needs a majority; write 1 or 3",
        ),
        (
            args_with(hosts=[host(11, "control-plane"), host(11)]),
            "machines.hosts[1].address: 192.168.7.11 is that of machines.hosts[0] too; each machine has one of its own",
        ),
        (
            args_with(hosts=[host(11, "control-plane", name="a"), host(12, name="a")]),
            "machines.hosts[1].name: a is that of machines.hosts[0] too; each machine has one of its own",
        ),
        (
            args_with(hosts=[host(11, "control-plane", name="A_b")]),
            "machines.hosts[0].name: 'A_b' is no host name; use at most 63 small letters, digits and hyphens inside",
        ),
        (
            args_with(hosts=[{**host(11, "control-plane"), "address": "rack1"}]),
            "machines.hosts[0].address: 'rack1' is no IPv4 address; write the one by which other nodes reach it",
        ),
        (
            args_with(hosts=[{**host(11, "control-plane"), "address": "10.244.3.4"}]),
            "machines.hosts[0].address: 10.244.3.4 is in podCidr 10.244.0.0/16; choose another network there",
        ),
        (
            args_with(hosts=[{**host(11, "control-plane"), "host_key": "SHA256:abc"}]),
            "machines.hosts[0].hostKey: is no public key; write the line of /etc/ssh/ssh_host_ed25519_key.pub on the "
            "machine",
        ),
        (
            args_with(hosts=[{**host(11, "control-plane"), "host_key": f"{HOST_KEY}\nevil"}]),
            "machines.hosts[0].hostKey: is no public key; write the line of /etc/ssh/ssh_host_ed25519_key.pub on the "
            "machine",
        ),
        (args_with(user="$(id)"), "machines.user: '$(id)' is no user; write the one that may run sudo there"),
        (args_with(port=0), "machines.port: 0 is no port; write one from 1 to 65535"),
        (
            args_with(proxy_jump="bastion", proxy_command="nc"),
            "machines.proxyCommand: is left out where there is `proxyJump`; drop one of them",
        ),
    ],
)
def test_what_no_cluster_can_be_made_of_is_refused_in_one_line_with_the_fix(args, fault):
    assert faults(args) == [fault]


@pytest.mark.parametrize("key", ["distribution", "packages", "mirror", "endpoint"])
def test_machines_that_bring_all_are_told_nothing_of_it(key):
    (fault,) = faults({"version": "1.37", "name": "demo", "machines": {"driver": "container"}, key: "debian-12"})

    assert fault.startswith(f"{key}: ")
    assert fault.endswith("; drop the key")


def test_control_planes_come_first_and_the_first_one_starts_the_cluster():
    listed = [host(32), host(13, "control-plane"), host(11, "control-plane"), host(12, "control-plane", name="third")]

    machines = drivers.of("demo", args_with(hosts=listed)).machines()

    assert [(machine.name, machine.role) for machine in machines] == [
        ("demo-192-168-7-13", Role.FIRST),
        ("demo-192-168-7-11", Role.CONTROL_PLANE),
        ("third", Role.CONTROL_PLANE),
        ("demo-192-168-7-32", Role.WORKER),
    ]


def test_a_machine_keeps_its_name_when_others_go():
    few = {machine.name for machine in drivers.of("demo", args_with(hosts=[HOSTS[1], host(40)])).machines()}
    many = {machine.name for machine in drivers.of("demo", args_with(hosts=[*HOSTS, host(33), host(40)])).machines()}

    assert few < many


# What is asked of the engine


@pytest.fixture
def made(deploy, monkeypatch):
    def make(**machines: Any) -> Any:
        return deploy(lambda: KubeadmCluster("demo", args_with(**machines)), outputs=outputs())

    return make


def test_each_host_is_a_machine_that_is_reached_with_its_own_key_and_account(made):
    machines = {
        one.name: one.inputs for one in made(hosts=[HOSTS[1], host(32, user="admin", port=2222)]).of("SshMachine")
    }

    assert machines["demo-192-168-7-11"]["login"] == {
        "address": "192.168.7.11", "host_key": HOST_KEY, "user": "root", "port": 22,
    }  # fmt: skip
    assert machines["demo-192-168-7-32"]["login"] == {
        "address": "192.168.7.32", "host_key": HOST_KEY, "user": "admin", "port": 2222,
    }  # fmt: skip


def test_what_is_secret_of_a_machine_is_secret_in_the_state(made):
    for machine in made().of("SshMachine"):
        assert "user_data" in machine.secrets
        assert "reach" in machine.additional_secret_outputs


def test_people_reach_the_api_where_the_stack_says_and_its_certificate_holds_there(made):
    deployment = made()

    assert deployment.the("KubeadmCluster").outputs["endpoint"] == "https://api.example.org:6443"
    [first] = [one for one in deployment.of("SshMachine") if one.name == "demo-192-168-7-11"]
    assert "api.example.org" in first.inputs["user_data"]


def test_people_reach_the_api_by_the_address_that_control_planes_share_where_the_stack_says_nothing_else(deploy):
    args: Any = {**{key: value for key, value in ARGS.items() if key != "endpoint"}, "virtual_ip": "192.168.7.10"}

    deployment = deploy(lambda: KubeadmCluster("demo", args), outputs=outputs())

    assert deployment.the("KubeadmCluster").outputs["endpoint"] == "https://192.168.7.10:6443"
    assert deployment.the("Claim").inputs["fixed"] == {
        **deployment.the("Claim").inputs["fixed"],
        "endpoint": "192.168.7.10",
        "virtualIp": "192.168.7.10",
    }


# What is done on a machine

USER_DATA = "#cloud-config\n" + yaml.safe_dump(
    {
        "hostname": "demo-192-168-7-32",
        "write_files": [{"path": "/etc/slipway/plan.env", "permissions": "0640", "content": "A=1\n"}],
        "runcmd": [["systemctl", "daemon-reload"]],
    }
)
PROPS: Any = {
    "name": "demo-192-168-7-32",
    "address": "192.168.7.32",
    "cluster": "demo",
    "claim": "claim-1",
    "control_plane": False,
    "distribution": "debian-12",
    "login": {"address": "192.168.7.32", "host_key": HOST_KEY, "user": "root", "port": 22.0},
    "user_data": USER_DATA,
}
"""As the engine passes them on: what is None is left out."""


@dataclass
class Remote:
    """A machine, as far as its claim and its files go."""

    claim: str = ""
    state: str = ""
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    ran: list[tuple[str, ...]] = field(default_factory=list)
    fails: ReachError | None = None

    def run(self, *words: str, stdin: str = "", seconds: float = 60) -> str:
        if self.fails:
            raise self.fails
        match words:
            case ["sh", "-s", mine]:
                self.claim = self.claim or mine
                return f"{self.claim}\n"
            case ["sh", "-s"]:
                return self.looks()
            case ["sh", "-c", script]:
                return f"{self.claim}\n" if "claim" in script else self.state
        self.ran.append(words)
        return ""

    def looks(self) -> str:
        told = "system=debian-12\ntime=1000\naddresses=192.168.7.32 \nfree=20000\n"
        return told + (f"claim={self.claim}\n" if self.claim else "")

    def put(self, files: Any, seconds: float = 60) -> None:
        self.files |= files


@pytest.fixture(autouse=True)
def remote(monkeypatch):
    remote = Remote()
    monkeypatch.setattr(Reach, "run", lambda _, *words, **more: remote.run(*words, **more))
    monkeypatch.setattr(Reach, "put", lambda _, files, **more: remote.put(files, **more))
    monkeypatch.setattr(ssh_provider.time, "time", lambda: 1000.0)
    return remote


@pytest.fixture(autouse=True)
def warnings(monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(progress, "warn", told.append)
    return told


def provider() -> SshMachineProvider:
    return SshMachineProvider()


def failures(**changes: Any) -> list[str]:
    return [failure.reason for failure in provider().check({}, {**PROPS, **changes}).failures]


def test_a_machine_is_looked_at_before_it_is_taken(remote):
    assert failures() == []

    remote.claim = "other claim-2 other-1 4711"
    assert failures() == [
        "demo-192-168-7-32: is the machine other-1 of a cluster other already; take another one, or have it leave that "
        "one (`sudo sh /usr/local/lib/slipway/leave.sh` there)"
    ]
    assert remote.ran == []
    assert remote.files == {}


def test_a_machine_that_is_not_reached_is_told_at_the_preview(remote):
    remote.fails = Unreachable("demo-192-168-7-32: it is not reached")

    assert failures() == ["demo-192-168-7-32: it is not reached"]


def pem(encryption: Any, form: PrivateFormat) -> str:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, form, encryption).decode()


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8])
def test_a_private_key_that_asks_for_nothing_is_taken(form):
    assert failures(private_key=pem(NoEncryption(), form)) == []


@pytest.mark.parametrize(
    "key", ["secret", HOST_KEY, pem(BestAvailableEncryption(b"1234"), PrivateFormat.PKCS8)], ids=range(3)
)
def test_a_private_key_that_cannot_be_used_is_refused_without_a_word_of_it(key):
    assert failures(private_key=key) == [
        "slipway:sshPrivateKey: is no private key in OpenSSH's format or PEM, or has a passphrase; use one without, "
        "which this configuration keeps encrypted, or drop it and have an agent hold yours"
    ]


def test_what_a_machine_was_made_with_stays(remote):
    checked = provider().check(PROPS, {**PROPS, "user_data": "newer"})

    assert checked.inputs["user_data"] == USER_DATA


def test_a_machine_is_claimed_and_gets_what_its_user_data_says(remote):
    made = provider().create(dict(PROPS))

    assert remote.claim == f"demo claim-1 demo-192-168-7-32 {made.id}"
    assert remote.files["/etc/slipway/plan.env"] == (0o640, "A=1\n")
    assert remote.files[ssh_provider.PATHS] == (0o600, "/etc/slipway/plan.env\n")
    assert remote.files[LEAVE][0] == 0o700
    assert remote.ran[-1] == ("systemctl", "daemon-reload")
    assert made.outs
    assert made.outs["reach"]["login"]["address"] == "192.168.7.32"


def test_a_create_that_was_killed_is_gone_on_with_on_the_same_machine(remote):
    remote.claim = "demo claim-1 demo-192-168-7-32 4711"

    assert provider().create(dict(PROPS)).id == "4711"
    assert "/etc/slipway/plan.env" in remote.files


def test_a_machine_that_cannot_be_given_everything_is_made_what_it_was(remote, monkeypatch):
    def refuses(files):
        remote.files |= files
        if "/etc/slipway/plan.env" in files:
            raise ReachError("demo-192-168-7-32: `tar` failed: no space left on device")

    monkeypatch.setattr(remote, "put", refuses)

    with pytest.raises(ReachError, match="no space left"):
        provider().create(dict(PROPS))

    # Which has to be there before it is needed.
    assert list(remote.files)[:1] == [LEAVE]
    assert remote.ran == [("sh", LEAVE)]


def test_a_machine_that_became_a_node_meanwhile_is_not_written_to(remote):
    remote.claim, remote.state = "demo claim-1 demo-192-168-7-32 4711", '{"state": "done"}'

    provider().create(dict(PROPS))

    assert (remote.files, remote.ran) == ({}, [])


def test_a_machine_that_somebody_else_has_claimed_since_is_left_alone(remote):
    remote.claim = "demo claim-2 demo-192-168-7-32 4711"

    with pytest.raises(ssh_provider.SshError, match=r"is the machine demo-192-168-7-32 of a cluster demo already"):
        provider().create(dict(PROPS))

    assert (remote.files, remote.ran) == ({}, [])


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({}, None),
        ({"address": "192.168.7.33"}, ["address"]),
        ({"claim": "claim-2"}, ["claim"]),
        ({"control_plane": True}, ["control_plane"]),
        ({"user_data": "newer"}, None),
        ({"private_key": "another"}, []),
        ({"login": {**PROPS["login"], "port": 2222.0}}, []),
    ],
)
def test_only_another_machine_replaces_one(change, replaces):
    diff = provider().diff("4711", PROPS, {**PROPS, **change})

    assert (diff.replaces if diff.changes else None) == replaces


def test_a_machine_of_an_older_slipway_keeps_what_it_is_from_then_on(remote):
    olds = {key: value for key, value in PROPS.items() if key != "control_plane"}

    diff = provider().diff("4711", olds, PROPS)

    assert (diff.changes, diff.replaces) == (True, [])


def test_another_way_to_the_same_machine_is_taken(remote):
    remote.claim = "demo claim-1 demo-192-168-7-32 4711"
    login = {**PROPS["login"], "user": "admin"}

    updated = provider().update("4711", PROPS, {**PROPS, "login": login})

    assert updated.outs
    assert updated.outs["reach"]["login"]["user"] == "admin"


def test_a_way_that_leads_to_another_machine_is_refused(remote):
    with pytest.raises(ssh_provider.SshError) as raised:
        provider().update("4711", PROPS, PROPS)

    assert str(raised.value) == (
        "demo-192-168-7-32: what is reached there now is not the machine that was made a node; write the `hostKey` of "
        "the one that was, or have this one take its place (`pulumi up --replace URN`)"
    )


@pytest.mark.parametrize(("claim", "known"), [("demo claim-1 demo-192-168-7-32 4711", "4711"), ("", "")])
def test_a_refresh_sees_whether_a_machine_is_ours_still(remote, claim, known):
    remote.claim = claim

    assert provider().read("4711", dict(PROPS)).id == known


def test_a_machine_that_does_not_answer_is_kept_and_told(remote, warnings):
    remote.fails = Unreachable("demo-192-168-7-32: it is not reached")

    assert provider().read("4711", dict(PROPS)).id == "4711"
    assert warnings == ["demo-192-168-7-32: it is not reached; it is taken for what it was"]


def test_a_machine_that_goes_is_made_what_it_was(remote):
    remote.claim = "demo claim-1 demo-192-168-7-32 4711"

    provider().delete("4711", dict(PROPS))

    assert remote.ran == [("sh", LEAVE)]


def test_a_machine_that_is_another_one_by_now_is_left_alone(remote):
    remote.claim = "demo claim-1 demo-192-168-7-32 4712"

    provider().delete("4711", dict(PROPS))

    assert remote.ran == []


def test_a_machine_that_is_gone_stops_nobody_from_destroying(remote, warnings):
    remote.fails = Unreachable("demo-192-168-7-32: it is not reached")

    provider().delete("4711", dict(PROPS))

    assert warnings == [
        f"demo-192-168-7-32: it is not reached; it is left as it is: run `sudo sh {LEAVE}` there if it comes back"
    ]


def test_a_machine_that_lets_nobody_in_is_not_forgotten(remote):
    remote.fails = ReachError("demo-192-168-7-32: it does not let root in")

    with pytest.raises(ReachError, match="does not let root in"):
        provider().delete("4711", dict(PROPS))


def test_only_the_name_of_the_class_is_in_the_state():
    assert len(pickle.dumps(provider())) < 100
