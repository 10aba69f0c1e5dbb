import pytest

from components.network import cidr_faults, prefix_for


def test_networks_that_share_no_address_are_fine():
    assert cidr_faults({"podCidr": "10.244.0.0/16", "serviceCidr": "10.96.0.0/16", "nodeCidr": "10.0.0.0/20"}) == []


@pytest.mark.parametrize(
    ("networks", "faults"),
    [
        (
            {"podCidr": "10.0.0.0/8", "serviceCidr": "10.96.0.0/16"},
            ["podCidr: 10.0.0.0/8 overlaps serviceCidr 10.96.0.0/16; choose networks that share no address"],
        ),
        (
            {"podCidr": "10.96.0.0/16", "serviceCidr": "10.96.0.0/16"},
            ["podCidr: 10.96.0.0/16 overlaps serviceCidr 10.96.0.0/16; choose networks that share no address"],
        ),
        (
            {"podCidr": "10.244.0.1/16"},
            ["podCidr: '10.244.0.1/16' is no network; write 10.244.0.0/16"],
        ),
        (
            {"podCidr": "10.244.0.0"},
            ["podCidr: '10.244.0.0' is the address of one machine; write a network like 10.244.0.0/16"],
        ),
        (
            {"podCidr": "10.244.0.0/255.255.0.0"},
            ["podCidr: '10.244.0.0/255.255.0.0' is no network; write 10.244.0.0/16"],
        ),
        (
            {"podCidr": "10.244.0.0/33"},
            ["podCidr: '10.244.0.0/33' is no network; write it like 10.244.0.0/16"],
        ),
        *(
            (
                {"podCidr": cidr},
                [f"podCidr: {cidr} is never routed between machines; write a network like 10.244.0.0/16"],
            )
            for cidr in ("127.0.0.0/16", "169.254.0.0/16", "224.0.0.0/16", "240.0.0.0/8")
        ),
        (
            {"podCidr": "fe80::%\n/64"},
            ["podCidr: 'fe80::%\\n/64' is IPv6, which no target offers yet; choose an IPv4 network"],
        ),
        (
            {"podCidr": "fd00::/64", "serviceCidr": "10.96.0.0/16"},
            ["podCidr: 'fd00::/64' is IPv6, which no target offers yet; choose an IPv4 network"],
        ),
    ],
)
def test_a_plan_that_cannot_work_is_refused_in_one_line(networks, faults):
    assert list(map(str, cidr_faults(networks))) == faults


def test_every_pair_that_overlaps_is_told():
    faults = cidr_faults({"a": "10.0.0.0/8", "b": "10.1.0.0/16", "c": "10.1.2.0/24", "d": "192.168.0.0/16"})
    assert [(fault.key, fault.message.split(" overlaps ")[1].split()[0]) for fault in faults] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]


@pytest.mark.parametrize(
    ("addresses", "prefix"), [(1, 32), (2, 31), (3, 30), (4, 30), (5, 29), (65536, 16), (65537, 15)]
)
def test_the_smallest_network_that_holds_so_many_addresses(addresses, prefix):
    assert prefix_for(addresses) == prefix
