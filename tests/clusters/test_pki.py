"""What kubeadm itself makes of keys that were made beforehand."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import yaml
from cryptography import x509

from components.bootstrap import pki
from tools import bundle

SIGNED = {
    "apiserver": "ca",
    "apiserver-kubelet-client": "ca",
    "apiserver-etcd-client": "etcd/ca",
    "etcd/server": "etcd/ca",
    "etcd/peer": "etcd/ca",
    "etcd/healthcheck-client": "etcd/ca",
    "front-proxy-client": "front-proxy-ca",
}
"""Certificate → the authority that must have signed it."""


def test_kubeadm_takes_the_authorities_as_they_are_and_signs_everything_else_from_them(tmp_path: Path) -> None:
    folder, settings = tmp_path / "pki", tmp_path / "kubeadm.yaml"
    given = pki.files(pki.make(datetime.now(UTC).replace(microsecond=0)))
    for name, content in given.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    cluster = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "kubernetesVersion": "v1.37.0",  # without one, kubeadm asks the internet
        "certificatesDir": str(folder),
        "controlPlaneEndpoint": "127.0.0.1:8443",
        "encryptionAlgorithm": "ECDSA-P256",
    }
    node = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": "192.0.2.10"},
        "nodeRegistration": {"name": "control-plane-1"},
    }
    settings.write_text(yaml.safe_dump_all([cluster, node]))

    run = subprocess.run(
        [bundle.ensure("1.37").folder / "bin/kubeadm", "init", "phase", "certs", "all", "--config", settings],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.returncode == 0, run.stderr
    assert {name: (folder / name).read_text() for name in given} == given
    for certificate, authority in SIGNED.items():
        signed, signer = (
            x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes()) for name in (certificate, authority)
        )
        signed.verify_directly_issued_by(signer)
    made = {str(path.relative_to(folder)) for path in folder.rglob("*.*")}
    assert made - set(given) == {f"{name}.{end}" for name in SIGNED for end in ("crt", "key")}
