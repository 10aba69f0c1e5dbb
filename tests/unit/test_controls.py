from components.managed.controls import (
    Control,
    Resource,
    Verdict,
    at_least,
    field_of,
    is_off,
    is_set,
    lists_networks,
    report,
)

PRIVATE = Control("CIS X 1", "nodes are private", "Cluster", "network.privateNodes", True)
LOGGED = Control("CIS X 2", "logs are kept", "Cluster", "logs", at_least("audit"))
POOLS = Control("CIS X 3", "nodes are repaired", "NodePool", "repair", True, built_in="auto")


def cluster(**inputs):
    return Resource("x:index/cluster:Cluster", "prod", inputs)


def verdicts(*resources, waivers=()):
    return {line.id: (line.verdict, line.why) for line in report((PRIVATE, LOGGED, POOLS), resources, dict(waivers))}


def test_a_rule_is_kept_broken_or_about_nothing_that_is_declared():
    kept = verdicts(cluster(network={"privateNodes": True}, logs=["api", "audit"]))
    broken = verdicts(cluster(logs=["api"]))

    assert kept["CIS X 1"] == kept["CIS X 2"] == (Verdict.PASSED, "")
    assert broken["CIS X 1"] == broken["CIS X 2"] == (Verdict.FAILED, "")
    assert broken["CIS X 3"] == (Verdict.NOT_APPLICABLE, "")


def test_a_rule_that_needs_a_resource_is_broken_without_one_unless_it_is_waived():
    needed = Control("CIS X 4", "logs are sent", "LogSink", "logs", at_least("audit"), required=True)

    assert [line.verdict for line in report((needed,), [cluster()], {})] == [Verdict.FAILED]
    assert [(line.verdict, line.why) for line in report((needed,), [cluster()], {"CIS X 4": "later"})] == [
        (Verdict.WAIVED, "later")
    ]


def test_a_broken_rule_that_is_waived_tells_why_and_a_kept_one_does_not():
    waivers = [("CIS X 1", "a bastion is in front"), ("CIS X 2", "not needed")]
    found = verdicts(cluster(logs=["audit"]), waivers=waivers)

    assert found["CIS X 1"] == (Verdict.WAIVED, "a bastion is in front")
    assert found["CIS X 2"] == (Verdict.PASSED, "")


def test_what_the_target_lacks_and_a_stack_waives_stands_in_the_report():
    assert verdicts(cluster(), waivers=[("spot-nodes", "later")])["spot-nodes"] == (Verdict.WAIVED, "later")


def test_each_resource_of_a_kind_has_a_line_and_what_is_built_in_passes():
    pools = [Resource("x:index/nodePool:NodePool", name, {"auto": auto}) for name, auto in (("a", True), ("b", False))]
    lines = report((POOLS,), pools, {})

    assert [(line.resource, line.verdict) for line in lines] == [("a", Verdict.PASSED), ("b", Verdict.FAILED)]


def test_a_field_is_found_through_mappings_and_lists_or_is_none():
    inputs = {"disks": [{"encrypted": True}], "name": "x"}

    assert field_of(inputs, "disks.0.encrypted") is True
    assert field_of(inputs, "disks.1.encrypted") is None
    assert field_of(inputs, "name.deeper") is None


def test_the_words_for_what_is_wanted():
    assert at_least("a")(["b", "a"])
    assert not at_least("a", "c")(["b", "a"])
    assert not at_least("a")("a")
    assert lists_networks(["203.0.113.0/24"])
    assert not any(map(lists_networks, (None, [], ["0.0.0.0/0"], ["203.0.113.0/24", "::/0"], [None])))
    assert (is_off(None), is_off(False), is_off(True)) == (True, True, False)
    assert (is_set("x"), is_set(None), is_set({})) == (True, False, False)
