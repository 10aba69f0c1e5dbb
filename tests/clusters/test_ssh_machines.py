"""A cluster on machines that exist, for real: systemd, sshd and cloud-init know nothing of Slipway, which logs in.

The machines are containers, reached through their engine, by a real ssh and a real sshd at both ends.
"""

import json
import shutil
import socket
import subprocess
import time
from datetime import timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from components.bootstrap import encryption, pki
from components.machines.container_provider import ENTRY_POINT, SEED
from tests.clusters.conftest import VERSION, said_by_a_pod
from tests.clusters.runs import WatchedUp
from tools import bundle

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh client on this machine")

NETWORK = "slipway-test-ssh"
HOSTS = {"10.86.0.11": "control-plane", "10.86.0.32": "worker"}
BUSYBOX = "slipway.local/busybox:1"
BOOT_SECONDS = 120
VIRTUAL_IP = "10.86.0.5"
ETCD = "10.86.0.6"
PATHS = (
    "/etc/slipway/claim",
    "/etc/slipway/plan.env",
    "/etc/systemd/system/slipway-virtual-ip.service",
    "/etc/kubernetes/kubelet.conf",
    "/var/lib/etcd/member",
    "/usr/local/lib/slipway/bootstrap.py",
    "/etc/systemd/system/slipway-approver.timer",
    "/etc/systemd/system/timers.target.wants/slipway-approver.timer",
)


@pytest.fixture(scope="module")
def port():
    """Where the API of the control plane is reached on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """A private key to log in with, as a file."""
    file = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    return file


@pytest.fixture(scope="module")
def hosts(slipway, engine, machine_image, key, port, tmp_path_factory):
    """Two machines of somebody's, each with its public key: address → line of its host key."""
    seed = tmp_path_factory.mktemp("seed")
    engine.run("network", "create", "--subnet", "10.86.0.0/24", NETWORK)
    admin = {"name": "admin", "sudo": "ALL=(ALL) NOPASSWD:ALL", "ssh_authorized_keys": [_public(key)]}
    data = {"disable_root": False, "users": [{"name": "root", "ssh_authorized_keys": [_public(key)]}, admin]}
    for address, role in HOSTS.items():
        publish = ["--publish", f"127.0.0.1:{port}:6443"] if role == "control-plane" else []
        engine.run(
            "create", "--name", _container(address), "--hostname", "somebody", "--tty", "--init=false",
            "--network", NETWORK, "--ip", address, *publish,
            "--privileged", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
            "--cgroupns=private", "--tmpfs", "/tmp", "--tmpfs", "/run",  # noqa: S108 - paths inside the container
            "--volume", "/var", "--volume", "/lib/modules:/lib/modules:ro", "--entrypoint", ENTRY_POINT, machine_image,
        )  # fmt: skip
        for name, content in {
            "user-data": f"#cloud-config\n{json.dumps(data)}",
            "meta-data": f"instance-id: {address}",
        }.items():
            (seed / name).write_text(content)
            engine.run("cp", str(seed / name), f"{_container(address)}:{SEED}/{name}")
        engine.run("start", _container(address))
    yield {address: _host_key(engine, address) for address in HOSTS}
    engine.remove([_container(address) for address in HOSTS])
    engine.run("network", "rm", NETWORK)


@pytest.fixture(scope="module")
def machines(hosts, engine):
    """What a stack says of them: root is logged in on the one, and on the other somebody who may run sudo."""
    return {
        "driver": "ssh",
        "proxyCommand": f"{engine.cli} exec --interactive {_container('%h')} /usr/sbin/sshd -i",
        "hosts": [
            {"address": one, "role": role, "hostKey": hosts[one], "user": "admin" if role == "worker" else "root"}
            for one, role in HOSTS.items()
        ],
    }


@pytest.fixture(scope="module")
def stack_of(slipway, machines, machine_image, port, key):
    """A stack of the machines, which logs in with a secret of its own: `stack_of("name")`."""

    def make(name):
        stack = slipway(
            name, of="dev-kubeadm", machines=machines, version=machine_image.rpartition(":v")[2],
            packages="installed", endpoint=f"127.0.0.1:{port}", controlPlanes=None, workers=None, virtualIp=VIRTUAL_IP,
        )  # fmt: skip
        stack.set_secret("slipway:sshPrivateKey", key.read_text())
        return stack

    return make


@pytest.fixture(scope="module")
def stack(stack_of):
    return stack_of(NETWORK)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"hostKey": "ssh-ed25519 " + "A" * 68}, "its host key is not the one that `hostKey` tells"),
        ({"user": "nobody"}, "it does not let nobody in with the key that is used"),
        ({"address": "10.86.0.33"}, "it is not reached at 10.86.0.33, port 22"),
    ],
)
def test_a_machine_that_is_not_as_the_stack_says_is_refused_at_preview_in_one_line(stack, machines, change, fault):
    first, last = machines["hosts"]
    stack.set(machines={**machines, "hosts": [first, {**last, **change}]})

    run = stack.fails("preview")

    stack.set(machines=machines)
    assert [line for line in run.output.splitlines() if fault in line], run.output


def test_who_may_not_run_sudo_is_refused_at_preview_in_one_line(stack, engine):
    worker, allowed = _container(list(HOSTS)[1]), "/etc/sudoers.d/90-cloud-init-users"
    engine.run("exec", worker, "mv", allowed, "/root/allowed")

    run = stack.fails("preview")

    engine.run("exec", worker, "mv", "/root/allowed", allowed)
    assert "admin may not run everything by sudo without a password there" in run.output


def test_machines_that_exist_become_nodes_though_the_first_run_is_killed(stack, kubectl):
    WatchedUp(stack, "kubeadm-init").kill()

    stack.up()

    assert sorted(kubectl(stack).nodes()) == [f"{NETWORK}-{one.replace('.', '-')}" for one in HOSTS]
    assert set(stack.up().changes) == {"same"}


def test_the_key_to_the_machines_is_in_no_plain_text(stack, engine, key):
    secret = key.read_text().splitlines()[2]

    assert secret not in stack.state_file().read_text()
    for address in HOSTS:
        found = engine.run("exec", _container(address), "sh", "-c", f"grep -rlF {secret} /etc /root /home || true")
        assert found == ""


def test_a_machine_of_one_cluster_is_not_taken_for_another(stack, stack_of):
    run = stack_of(f"{NETWORK}-other").fails("preview")

    assert f"of a cluster {NETWORK} already; take another one, or have it leave that one" in run.output


def test_machines_are_what_they_were_once_the_cluster_is_gone(stack, engine):
    control_plane, _ = map(_container, HOSTS)
    assert VIRTUAL_IP in engine.run("exec", control_plane, "hostname", "-I").split()

    stack.destroy()

    for address in HOSTS:
        found = engine.run("exec", _container(address), "sh", "-c", f"ls -d {' '.join(PATHS)} 2>/dev/null || true")
        assert found == ""
        assert engine.run("exec", _container(address), "hostname").strip() == "somebody"
        assert engine.run("exec", _container(address), "hostname", "-I").split() == [address]


# The same machines again, with an etcd of somebody's


@pytest.fixture(scope="module")
def etcd(hosts, engine, machine_image, tmp_path_factory):
    """An etcd beside the machines, as a stack says it, and the key of its certificate."""
    folder, now = tmp_path_factory.mktemp("etcd"), pki.now()
    authority = pki.make(now)["etcd"]
    certificate, key = _serving(authority, ETCD)
    for name, content in {"ca.crt": authority["certificate"], "own.crt": certificate, "own.key": key}.items():
        (folder / name).write_text(content)
    container = _container(ETCD)
    engine.run(
        "create", "--name", container, "--network", NETWORK, "--ip", ETCD, "--entrypoint", "/etcd", machine_image,
        "--data-dir=/data", "--listen-client-urls=https://0.0.0.0:2379", f"--advertise-client-urls=https://{ETCD}:2379",
        "--trusted-ca-file=/ca.crt", "--client-cert-auth", "--cert-file=/own.crt", "--key-file=/own.key",
    )  # fmt: skip
    for file in (bundle.ensure(VERSION).folder / "bin/etcd", *folder.iterdir()):
        engine.run("cp", str(file), f"{container}:/{file.name}")
    engine.run("start", container)
    client = pki.client(authority, "slipway", [], now, timedelta(days=1))
    said = {
        "endpoints": [f"https://{ETCD}:2379"],
        "caCertificate": authority["certificate"],
        "certificate": client["certificate"],
    }
    yield said, client["key"]
    engine.remove([container])


@pytest.fixture
def on_control_plane(engine):
    container = _container(next(iter(HOSTS)))
    return lambda *words, stdin="": engine.run("exec", "--interactive", container, *words, stdin=stdin)


def test_a_cluster_is_made_again_of_the_same_machines_with_an_etcd_that_is_not_its_own(
    stack, etcd, kubectl, on_control_plane
):
    said, key = etcd
    stack.set(etcd=said)
    stack.set_secret("slipway:etcdKey", key)

    stack.up()

    ask = kubectl(stack)
    assert len(ask.nodes()) == 2
    assert "etcd" not in on_control_plane("ls", "/etc/kubernetes/manifests")
    assert "etcd/ca" not in on_control_plane("find", "/etc/kubernetes/pki", "-name", "*.key")
    assert said_by_a_pod(ask, BUSYBOX, "echo", "here") == "here\n"
    assert set(stack.up().changes) == {"same"}


def test_secrets_are_looked_for_in_that_etcd(stack, kubectl, on_control_plane):
    kubectl(stack)("create", "secret", "generic", "treasure", "--from-literal=where=under-the-tree")

    told = on_control_plane("python3", "-", "key2", stdin=encryption.OLDER_KEYS)

    assert "default/treasure" in told.split()


def test_another_cluster_does_not_begin_in_that_etcd(stack, on_control_plane):
    look = "/usr/local/lib/slipway/etcd-is-ours.sh"
    on_control_plane("bash", look)
    # As it would look at it with an authority of its own.
    on_control_plane("mkdir", "/run/other")
    on_control_plane("cp", "/etc/slipway/plan.env", "/run/other")
    on_control_plane("tee", "/run/other/ca.crt", stdin=pki.make(pki.now())["cluster"]["certificate"])

    told = on_control_plane("sh", "-c", f"sed 's#/etc/slipway#/run/other#' {look} | bash 2>&1 || true")

    assert f"another cluster writes to https://{ETCD}:2379" in told
    stack.destroy()


def _serving(authority, address):
    """A certificate of an authority for whoever serves at an address, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "etcd")])
    issuer = x509.load_pem_x509_certificate(authority["certificate"].encode())
    alternatives = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    certificate = x509.CertificateBuilder(
        issuer_name=issuer.subject,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=issuer.not_valid_before_utc,
        not_valid_after=pki.now() + timedelta(days=1),
        extensions=[x509.Extension(alternatives.oid, critical=False, value=alternatives)],
    )
    signer = load_pem_private_key(authority["key"].encode(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    signed = certificate.sign(signer, hashes.SHA256())
    return signed.public_bytes(Encoding.PEM).decode(), key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ).decode()


def _container(address):
    return f"{NETWORK}-{address}"


def _public(key):
    return key.with_suffix(".pub").read_text().strip()


def _host_key(engine, address):
    """The host key of a machine, once its first boot has made one and lets root in."""
    end = time.monotonic() + BOOT_SECONDS
    ask = "test -e /var/lib/cloud/instance/boot-finished && mkdir -p /run/sshd && cat /etc/ssh/ssh_host_ed25519_key.pub"
    while time.monotonic() < end:
        done = subprocess.run(
            [engine.cli, "exec", _container(address), "sh", "-c", ask], capture_output=True, text=True
        )
        if done.returncode == 0:
            return done.stdout.strip()
        time.sleep(0.5)
    raise AssertionError(f"{address} has not booted: {done.stderr}")
