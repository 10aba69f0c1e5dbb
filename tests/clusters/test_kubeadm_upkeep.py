"""What becomes of a cluster's machines between upgrades: somebody changes a file, certificates grow old."""

import json
import time
from datetime import timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.bootstrap import approver, drift, pki, serving
from components.local.container_engine import EngineError
from tests.clusters.conftest import Kubectl
from tools import snapshots

CONTROL_PLANE = "slipway-test-pair-control-plane-1"
WORKER = "slipway-test-pair-worker-1"
MANIFEST = "/etc/kubernetes/manifests/kube-scheduler.yaml"
PKI = "/etc/kubernetes/pki"

KUBELET_SECONDS = 120
"""How long a kubelet, which looks every 20 s, may take to do what a manifest says."""

APPROVAL_SECONDS = 180
"""How long a control plane, which looks each minute, may take to approve."""

AS_KUBELET = ("kubectl", "--kubeconfig=/etc/kubernetes/kubelet.conf")


@pytest.fixture
def on(engine):
    """Run something on a machine."""
    return lambda machine, *words, stdin="": engine.run("exec", "--interactive", machine, *words, stdin=stdin)


@pytest.fixture
def seen(on):
    """What a machine is like."""
    return lambda machine: drift.parse(on(machine, "python3", "-", stdin=drift.LOOK))


@pytest.fixture
def told(pair):
    """What the state has of a node."""

    def outputs(machine):
        (node,) = (one for one in pair.state() if one["urn"].endswith(f"::{machine}-node"))
        return node["outputs"]

    return outputs


def test_what_somebody_changes_on_a_machine_is_told_with_the_way_to_mend_it(pair, on, told):
    on(CONTROL_PLANE, "sed", "--in-place", "s/--profiling=false/--profiling=true/", MANIFEST)
    fault = f"{MANIFEST} was changed on the machine"
    warning = f"{CONTROL_PLANE}: {fault}; {drift.mending(fault)}, then `make refresh`"

    assert warning in pair.refresh().output
    assert told(CONTROL_PLANE)["drift"] == [fault]
    run = pair.up()

    assert (warning in run.output, set(run.changes)) == (True, {"same"})


def test_mending_it_that_way_ends_the_warning(pair, on, told, tmp_path):
    # kubeadm waits for the kubelet to take another manifest than the one that it has: the changed one must be that.
    asked = ("get", "pod", f"kube-scheduler-{CONTROL_PLANE}", "--namespace=kube-system", "--ignore-not-found")
    end = time.monotonic() + KUBELET_SECONDS
    while "--profiling=true" not in Kubectl(pair, tmp_path)(*asked, "--output=jsonpath={.spec.containers[0].command}"):
        assert time.monotonic() < end, "the kubelet has not taken the changed manifest"
        time.sleep(0.5)

    on(CONTROL_PLANE, "kubeadm", "upgrade", "node", "phase", "control-plane")

    assert "was changed" not in pair.refresh().output
    assert told(CONTROL_PLANE)["drift"] == []


def test_old_certificates_are_renewed_by_an_up_and_are_in_use_at_once(pair, on, seen, told, tmp_path):
    address = json.loads(Kubectl(pair, tmp_path)("get", "node", CONTROL_PLANE, "--output=json"))["status"]["addresses"]
    (host,) = (one["address"] for one in address if one["type"] == "InternalIP")
    served_before = on(WORKER, "readlink", "/var/lib/kubelet/pki/kubelet-server-current.pem")
    _age(on, "apiserver")
    pair.refresh()
    due = pair.preview()
    assert f"{CONTROL_PLANE}: its certificates, the first of which ends" in due.output
    assert [step.name for step in due.steps if step.operation == "update"] == [f"{CONTROL_PLANE}-node"]

    pair.up()

    later = pki.now() + timedelta(days=300)
    assert seen(CONTROL_PLANE).ends > later
    presented = on(WORKER, "python3", "-c", f"import ssl; print(ssl.get_server_certificate(('{host}', 6443)))")
    assert x509.load_pem_x509_certificate(presented.encode()).not_valid_after_utc > later
    assert told(CONTROL_PLANE)["certificates_expire"] > later.isoformat()
    assert told(CONTROL_PLANE)["drift"] == []
    assert on(WORKER, "readlink", "/var/lib/kubelet/pki/kubelet-server-current.pem") == served_before
    assert set(pair.up().changes) == {"same"}
    assert sorted(Kubectl(pair, tmp_path).nodes()) == [CONTROL_PLANE, WORKER]


def test_certificates_that_have_ended_are_renewed_though_the_api_cannot_be_asked(pair, on, seen, tmp_path):
    _age(on, "apiserver")
    pair.refresh()
    for name in ("apiserver", "apiserver-etcd-client", "apiserver-kubelet-client"):
        _age(on, name, ends=timedelta(minutes=-1))
    on(CONTROL_PLANE, "pkill", "--full", "^kube-apiserver ")

    pair.up()

    assert seen(CONTROL_PLANE).ends > pki.now() + timedelta(days=300)
    assert sorted(Kubectl(pair, tmp_path).nodes()) == [CONTROL_PLANE, WORKER]
    # The API shows its new certificate to kubelets, and they theirs.
    assert Kubectl(pair, tmp_path)("logs", "--namespace=kube-system", f"kube-scheduler-{CONTROL_PLANE}", "--tail=1")


def test_control_planes_approve_what_a_kubelet_may_serve_with_while_nobody_runs_anything(pair, on, tmp_path):
    kubectl = Kubectl(pair, tmp_path)
    label = f"jsonpath={{.metadata.labels.{approver.ADDRESS.replace('.', chr(92) + '.')}}}"
    address = kubectl("get", "node", WORKER, f"--output={label}")
    before = on(WORKER, "readlink", serving.CERTIFICATE)
    # With whatever a kubelet may do, in its name.
    for name, asked in {"own": address, "foreign": "10.96.0.1"}.items():
        on(WORKER, *AS_KUBELET, "create", "--filename=-", stdin=_request(name, asked))
    on(WORKER, "rm", serving.CERTIFICATE)

    on(WORKER, "systemctl", "restart", "kubelet")
    on(WORKER, "timeout", f"{APPROVAL_SECONDS}", "sh", "-c", f"until test -e {serving.CERTIFICATE}; do sleep 0.5; done")

    assert on(WORKER, "readlink", serving.CERTIFICATE) != before
    status = "--output=jsonpath={.status.conditions[*].type}"
    assert kubectl("get", "certificatesigningrequest", "own", status) == "Approved"
    assert kubectl("get", "certificatesigningrequest", "foreign", status) == ""
    told = on(CONTROL_PLANE, "journalctl", "--output=cat", f"--unit={serving.UNITS[0]}")
    assert f"foreign of system:node:{WORKER} is not approved: it is for other names or addresses than its own" in told
    assert "Starting" not in told
    assert kubectl("logs", "--namespace=kube-system", "--selector=k8s-app=kube-proxy", "--tail=1")


def test_a_kubelet_cannot_tell_control_planes_another_address(pair, on):
    with pytest.raises(EngineError, match="is not allowed to modify labels"):
        on(WORKER, *AS_KUBELET, "label", "node", WORKER, f"{approver.ADDRESS}=10.96.0.1", "--overwrite")


def test_all_machines_get_new_authorities_by_a_restore_and_go_on_with_what_was_there(pair, commands_of, tmp_path):
    commands = commands_of(pair)
    (tmp_path / "before").mkdir()
    before, old = Kubectl(pair, tmp_path / "before"), pair.outputs()["ca_certificate"]
    before("create", "secret", "generic", "hidden", "--from-literal=word=treasure")
    snapshot = snapshots.take(commands)
    pair.set(authorityGeneration=2)
    assert "authorityGeneration: a cluster that stands takes no new CAs" in pair.fails("preview").output

    snapshots.restore(commands, snapshot)

    new, ask = pair.outputs()["ca_certificate"], Kubectl(pair, tmp_path)
    assert new != old
    assert sorted(ask.nodes()) == [CONTROL_PLANE, WORKER]
    assert ask("get", "secret", "hidden", "--output=jsonpath={.data.word}") == "dHJlYXN1cmU="
    # Pods believe nobody else, and are believed.
    ask("rollout", "status", "deployment/coredns", "--namespace=kube-system", "--timeout=180s")
    assert ask("get", "configmap", "kube-root-ca.crt", "--output=jsonpath={.data.ca\\.crt}") == new
    with pytest.raises(AssertionError, match="certificate signed by unknown authority"):
        before("get", "nodes")
    assert set(pair.up().changes) == {"same"}


def _request(name, address):
    """What the worker's kubelet asks for, with another address perhaps."""
    user = [(NameOID.ORGANIZATION_NAME, "system:nodes"), (NameOID.COMMON_NAME, f"system:node:{WORKER}")]
    names = x509.SubjectAlternativeName([x509.DNSName(WORKER), x509.IPAddress(ip_address(address))])
    asked = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(*one) for one in user]))
        .add_extension(names, critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    spec = {
        "signerName": approver.SIGNER,
        "usages": ["digital signature", "server auth"],
        "request": pki.base64_of(asked.public_bytes(serialization.Encoding.PEM).decode()),
    }
    about = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name}}
    return json.dumps({**about, "spec": spec})


def _age(on, name, ends=timedelta(minutes=10)):
    """Put another certificate into the place of one, alike but for its life, which ends soon."""
    authority = f"{PKI}/etcd/ca" if "etcd" in name else f"{PKI}/ca"
    old = x509.load_pem_x509_certificate(on(CONTROL_PLANE, "cat", f"{PKI}/{name}.crt").encode())
    key = serialization.load_pem_private_key(on(CONTROL_PLANE, "cat", f"{authority}.key").encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    again = x509.CertificateBuilder(
        issuer_name=old.issuer,
        subject_name=old.subject,
        public_key=old.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=pki.now() - timedelta(hours=2),
        not_valid_after=pki.now() + ends,
        extensions=list(old.extensions),
    ).sign(key, hashes.SHA256())
    on(CONTROL_PLANE, "tee", f"{PKI}/{name}.crt", stdin=again.public_bytes(serialization.Encoding.PEM).decode())
