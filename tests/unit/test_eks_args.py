import re
from typing import Any

import pytest

from components.managed.eks.args import faults_of, is_arm, subnets

ADMIN = "arn:aws:iam::123456789012:role/Admin"
POOL: dict[str, Any] = {"name": "general", "machine_type": "m7i.large", "min_nodes": 2, "max_nodes": 5}
ARGS: dict[str, Any] = {"version": "1.37", "region": "eu-central-1", "admins": [ADMIN], "node_pools": [POOL]}
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd"


@pytest.fixture
def refused():
    """What an EKS cluster called `prod`, with `ARGS` changed, is refused for."""

    def make(**changes):
        args: Any = {"name": "prod", **ARGS, **changes}
        (fault,) = faults_of(args)
        return str(fault)

    return make


def pool(**changes):
    return {**POOL, **changes}


def test_a_vpc_is_divided_over_three_zones():
    assert subnets("10.0.0.0/16") == (
        ["10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18"],
        ["10.0.192.0/20", "10.0.208.0/20", "10.0.224.0/20"],
    )


@pytest.mark.parametrize(
    ("machine", "arm"),
    [
        *[(m, True) for m in ("m7g.large", "c7gn.xlarge", "r8gd.medium", "t4g.medium", "a1.large", "g5g.xlarge")],
        *[(m, True) for m in ("im4gn.large", "is4gen.large", "x2gd.large", "i8g.metal-24xl", "p6e-gb200.36xlarge")],
        *[(m, False) for m in ("m7i.large", "m7i-flex.large", "g6.xlarge", "g4dn.xlarge", "g6f.large", "gr6.4xlarge")],
        *[(m, False) for m in ("p5en.48xlarge", "p6-b200.48xlarge", "t3.micro", "u-6tb1.metal", "trn1.2xlarge")],
    ],
)
def test_the_image_of_a_node_is_for_its_processor(machine, arm):
    assert is_arm(machine) is arm


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"region": "eu-central-1a"}, "region: 'eu-central-1a' is a zone, .* write eu-central-1$"),
        ({"region": "Frankfurt"}, "region: 'Frankfurt' is no region of AWS; write one like eu-central-1$"),
        ({"region": "cn-north-1"}, "region: 'cn-north-1' is in a part of AWS with rules of its own"),
        ({"version": "1.37.2"}, "version: '1.37.2' is too exact: .* write the minor, \"1.37\"$"),
        ({"name": "prod.1"}, "name: 'prod.1' cannot name an EKS cluster; use letters"),
        ({"name": "a" * 37}, "name: .* has 37 letters, .* use 36 at most$"),
        ({"node_pools": [pool(name="a" * 51)]}, r"nodePools\[0\]\.name: .* has 51 letters; use 50 at most"),
        (
            {"node_pools": [pool(machine_type="e2-standard-4")]},
            r"machineType: 'e2-standard-4' is no type of EC2 instance",
        ),
        ({"node_pools": [pool(gpu={})]}, r"nodePools\[0\]\.gpu: m7i.large has no GPU; drop it, or write .* g6.xlarge$"),
        (
            {"node_pools": [pool(machine_type="g6.xlarge", gpu={"type": "nvidia-l4"})]},
            r"nodePools\[0\]\.gpu\.type: says nothing here: g6.xlarge tells .* write `gpu: {}`$",
        ),
        ({"node_pools": [pool(min_nodes=0)]}, "nodePools: have no node at first .* minNodes of 1 or more$"),
        (
            {"node_pools": [pool(taints=[{"key": "a", "effect": "NoSchedule"}])]},
            "nodePools: have no node at first for pods that tolerate nothing",
        ),
        (
            {"node_pools": [POOL, pool(name="b", taints=[{"key": f"a.b/{'c' * 60}", "effect": "NoSchedule"}])]},
            r"nodePools\[1\]\.taints\[0\]\.key: .* is too long; EKS takes 63 letters",
        ),
        ({"admins": []}, "admins: is required: .* nobody would be$"),
        (
            {"admins": ["arn:aws:sts::123456789012:assumed-role/Admin/ann"]},
            r"admins\[0\]: .* is one session of a role; write the role, arn:aws:iam::123456789012:role/Admin$",
        ),
        ({"admins": ["ann@example.com"]}, r"admins\[0\]: 'ann@example.com' is no role or user of IAM; write one like"),
        ({"admins": ["arn:aws:iam::123456789012:root"]}, r"admins\[0\]: .* is no role or user of IAM"),
        ({"admins": [ADMIN, ADMIN]}, r"admins\[1\]: .* is there twice; drop one$"),
        ({"node_cidr": "10.0.0.0/24"}, "nodeCidr: EKS takes no such size as 10.0.0.0/24; write one from /16 to /23$"),
        (
            {"node_cidr": "10.0.0.0/22"},
            "nodeCidr: 10.0.0.0/22 has 768 private addresses, .* 1024 .* write a /21 or larger",
        ),
        (
            {"node_pools": [pool(max_nodes=1000)]},
            "nodeCidr: 10.0.0.0/16 has 49152 private addresses, .* 170240 .*; lower maxNodes$",
        ),
        ({"service_cidr": "10.8.0.0/25"}, "serviceCidr: EKS takes no such size as 10.8.0.0/25; write .* /12 to /24$"),
        ({"service_cidr": "100.64.0.0/20"}, "serviceCidr: 100.64.0.0/20 is public; write a part of 10.0.0.0/8"),
        ({"service_cidr": "10.0.0.0/20"}, "nodeCidr: 10.0.0.0/16 overlaps serviceCidr 10.0.0.0/20"),
        (
            {"api_access": {"authorized_cidrs": ["10.0.0.0/8"]}},
            "authorizedCidrs: 10.0.0.0/8 is private, and nobody comes to the public address from there",
        ),
        (
            {"api_access": {"authorized_cidrs": [f"203.0.113.{n}/32" for n in range(41)]}},
            "authorizedCidrs: lists 41 networks, and EKS takes 40",
        ),
        ({"release_channel": "rapid"}, "releaseChannel: eks has no channel rapid; it has regular and extended"),
        ({"secrets_encryption": {"key": "my-key"}}, "secretsEncryption.key: 'my-key' is no key of KMS in eu-central-1"),
        (
            {"secrets_encryption": {"key": KEY.replace("eu-central-1", "us-east-1")}},
            "secretsEncryption.key: .* is no key of KMS in eu-central-1",
        ),
        (
            {"eks": {"log_retention_days": 100}},
            "eks.logRetentionDays: CloudWatch does not offer 100 days; choose one of 1,",
        ),
        (
            {"eks": {"addon_versions": {"corends": "v1.1.1-eksbuild.1"}}},
            r"addonVersions.corends: .* did you mean coredns\?",
        ),
        ({"eks": {"addon_versions": {"coredns": "1.12"}}}, "addonVersions.coredns: '1.12' is no version of an add-on"),
        ({"tags": {"aws:cost": "42"}}, "tags.aws:cost: .* is no tag of AWS"),
        ({"network": {"subnet_ids": ["subnet-1"]}}, "network.subnetIds: are too few; EKS wants two or more"),
        (
            {"network": {"subnet_ids": ["subnet-1", "subnet-2"]}, "node_cidr": "10.0.0.0/16"},
            "nodeCidr: is for a network that is made, and `network` gives one; drop it$",
        ),
        (
            {"network": {"subnet_ids": ["subnet-1", "subnet-2"]}, "highly_available": False},
            "highlyAvailable: is for a network that is made, .* drop it$",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line_with_the_fix(refused, changes, message):
    line = refused(**changes)

    assert "\n" not in line
    assert re.search(message, line), line
