from components.bootstrap import controls
from components.managed.controls import Resource, Verdict

SECTIONS = {
    "1.1": 21, "1.2": 30, "1.3": 7, "1.4": 2, "2": 7, "3.1": 3, "3.2": 2, "4.1": 10, "4.2": 14, "4.3": 1, "5.1": 13,
    "5.2": 12, "5.3": 2, "5.4": 2, "5.5": 1, "5.6": 4,
}  # fmt: skip
"""Section of the benchmark → how many items it has."""


def verdicts(kind, **inputs):
    lines = controls.report_of([Resource(f"measured:{kind}", "one", inputs)])
    return {line.id.removeprefix("CIS "): line.verdict for line in lines}


def test_every_item_of_the_benchmark_is_looked_at_or_left_to_a_person():
    looked_at = {control.id for control in controls.CONTROLS}

    assert looked_at | set(controls.FOR_A_PERSON) == {
        f"CIS {section}.{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)
    }
    assert not looked_at & set(controls.FOR_A_PERSON)
    assert set(controls.REASONS) <= looked_at


def test_what_is_declared_keeps_every_item_or_says_why_not():
    lines = controls.compliance()

    assert [line for line in lines if line.verdict is Verdict.FAILED] == []
    assert {line.id for line in lines if line.verdict is Verdict.WAIVED} <= set(controls.REASONS)


def test_a_file_that_others_may_read_or_own_fails():
    manifest = {"what": "etcd's manifest", "mode": "600", "owner": "root:root"}

    assert verdicts("File", **manifest)["1.1.7"] is verdicts("File", **manifest)["1.1.8"] is Verdict.PASSED
    assert verdicts("File", **{**manifest, "mode": "640"})["1.1.7"] is Verdict.FAILED
    assert verdicts("File", **{**manifest, "owner": "root:adm"})["1.1.8"] is Verdict.FAILED
    assert verdicts("File", **{**manifest, "mode": "400"})["1.1.7"] is Verdict.PASSED


def test_lists_of_plugins_modes_and_ciphers_are_read_word_by_word():
    weak = {"authorization-mode": "RBAC,AlwaysAllow", "tls-cipher-suites": "TLS_RSA_WITH_RC4_128_SHA"}
    found = verdicts("ApiServer", **weak, **{"disable-admission-plugins": "ServiceAccount", "audit-log-maxage": "29"})

    assert {found[item] for item in ("1.2.6", "1.2.7", "1.2.12", "1.2.17", "1.2.29")} == {Verdict.FAILED}
    assert (found["1.2.8"], found["1.2.13"]) == (Verdict.PASSED, Verdict.PASSED)


def test_what_is_absent_fails_where_the_default_is_unsafe():
    assert verdicts("Kubelet")["4.2.1"] is Verdict.FAILED
    assert verdicts("Kubelet")["4.2.4"] is Verdict.PASSED
    assert verdicts("Kubelet", readOnlyPort=10255)["4.2.4"] is Verdict.FAILED
    assert verdicts("EncryptionConfiguration", provider="identity")["1.2.28"] is Verdict.FAILED
