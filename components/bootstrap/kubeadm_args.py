"""What a stack says about a cluster on own machines."""

from typing import NotRequired

from typing_extensions import TypedDict

from components.bootstrap.plan import Distribution, Packages, PodNetwork
from components.cluster import ClusterArgs
from components.machines.machine_args import Machines

BOOTSTRAP_MINUTES = 15


class ExternalEtcd(TypedDict):
    """An etcd that is not the cluster's own. No other cluster writes to it."""

    endpoints: list[str]
    """Where it answers: URLs such as https://192.168.10.31:2379."""

    ca_certificate: str
    """Certificate of the authority that its own certificates are of, in PEM."""

    certificate: str
    """Certificate that API servers show to it, in PEM. Its key is a secret: `slipway:etcdKey`."""


class Snapshots(TypedDict):
    """Snapshots of etcd that the control planes take by themselves, and send to a bucket.

    Needs the secrets `slipway:snapshotAccessKey` and `slipway:snapshotSecretKey`.
    """

    schedule: str
    """When: `hourly`, `daily` or another time of systemd's calendar, such as `*-*-* 00/6:30:00 UTC`."""

    bucket: str
    """URL of the S3 bucket that they are sent to, as one on the node is no backup, perhaps with a folder, such as
    `https://s3.eu-west-1.amazonaws.com/BUCKET/FOLDER`. Nothing is ever deleted there."""

    region: NotRequired[str]
    """The bucket's region. Default: us-east-1, which stores that have no regions take."""


class KubeadmArgs(ClusterArgs):
    """A cluster on machines of your own, made by cloud-init and kubeadm."""

    machines: Machines
    """Where the machines come from."""

    control_planes: NotRequired[int]
    """How many control planes, an odd number. Default: 1."""

    workers: NotRequired[int]
    """How many workers. Default: 1."""

    pod_cidr: NotRequired[str]
    """Addresses of pods. Default: 10.244.0.0/16."""

    service_cidr: NotRequired[str]
    """Addresses of Services. Default: 10.96.0.0/16."""

    cni: NotRequired[PodNetwork]
    """The pod network. `calico` and `cilium` come as charts of their makers, and have network policies; with `none`,
    nodes are Ready once you install one. Default: flannel."""

    endpoint: NotRequired[str]
    """Host name or address under which people reach the API, perhaps with a port: a load balancer's, or that of an only
    control plane. Default: `virtualIp`; with `driver: container`, which brings its own, it is left out. Its port's
    default: 6443."""

    virtual_ip: NotRequired[str]
    """IPv4 address of the API that control planes hold among themselves: whoever has it gives it up once its own API
    server is not ready. It is of their own network, and no machine's. Default: none."""

    etcd: NotRequired[ExternalEtcd]
    """An etcd that you have. Default: control planes run one among themselves."""

    distribution: NotRequired[Distribution]
    """What the machines run. Default: debian-12."""

    packages: NotRequired[Packages]
    """Where containerd and Kubernetes come from: `upstream` (the projects' own repositories), `mirror` (the same, all
    images and charts from a mirror of your own) or `installed` (the machines have them already). Default: upstream."""

    mirror: NotRequired[str]
    """URL of the mirror, with `packages: mirror`: packages below the name of the host that has them first
    (`URL/pkgs.k8s.io/…`), images below that of their registry (`URL/v2/registry.k8s.io/…`), charts below that of their
    repository (`URL/helm.cilium.io/index.yaml`)."""

    api_port: NotRequired[int]
    """Port of the API on 127.0.0.1, with `driver: container`. Default: a free one."""

    bootstrap_minutes: NotRequired[int]
    """How long a machine may take to become a node. Default: 15."""

    snapshot_folder: NotRequired[str]
    """Where snapshots of etcd are kept, encrypted: one is taken before each upgrade. On the machine that runs Pulumi,
    and best on a disk of another one's. Default: .slipway/snapshots"""

    snapshots: NotRequired[Snapshots]
    """Snapshots of etcd at regular times. Default: none are taken but before upgrades."""

    encryption_key_generation: NotRequired[int]
    """Raise it by one for a new key of Secrets in etcd: all of them are written again with it. Default: 1."""

    authority_generation: NotRequired[int]
    """Raise it by one, then run `make restore`, for new CAs and another key of service accounts: all machines are made
    anew with them. For when the CAs end, or somebody may have seen a key of theirs. Default: 1."""
