"""Snapshots at regular times: what control planes are given, what is told of them, and what a stack may say."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components import progress
from components.bootstrap import schedule, schedule_rules
from components.bootstrap.schedule import PROGRAM, SETTINGS, Sight
from components.bootstrap.schedule_provider import ScheduleProvider
from components.bootstrap.snapshots import CERTIFICATE, SnapshotError
from components.machines import ssh_provider
from components.machines.reach import Reach, ReachError

FOLDER = "/usr/local/lib/slipway/snapshots"
NAMES = ("cp-1", "cp-2", "cp-3")
NOW = 1_800_000_000.0
HOUR = 3600


def control_planes(*names, machine="1"):
    ways = {name: {"machine": name, "prefix": ["docker", "exec", name]} for name in names}
    return {name: {"machine": machine, "reach": reach} for name, reach in ways.items()}


PROPS: Any = {
    "control_planes": control_planes(*NAMES),
    "cluster": "demo",
    "schedule": "hourly",
    "bucket": "https://s3.example.org/kept/prod",
    "region": "eu-west-1",
    "certificate": "-----BEGIN CERTIFICATE-----",
    "access_key": "AKIDEXAMPLE",
    "secret_key": "treasure",
    "files": None,
    "last": None,
    "drift": None,
}
MADE = schedule.digests("hourly")


class Machines:
    """Control planes, by name: their files, and what was run on each."""

    def __init__(self):
        self.files: dict[str, dict[str, tuple[int, str]]] = {name: {} for name in NAMES}
        self.ran: list[tuple[str, ...]] = []
        self.away: set[str] = set()
        self.refuses = ""
        self.next = "    Next elapse: Sat 2026-11-28 00:00:00 UTC"

    def put(self, name, files):
        self._ask(name)
        self.files[name] |= files

    def run(self, name, words, stdin):
        self._ask(name)
        self.ran.append((name, *words))
        match words:
            case ["systemd-analyze", "calendar", _]:
                return self.next
            case ["python3", "-", *paths]:
                assert stdin == schedule.LOOK
                held = self.files[name]
                told = {"timer": "active", "due": NOW, "files": {path: MADE[path] for path in paths if path in held}}
                sent = {"sent": {"at": NOW, "name": "demo-v1.37.2-20270115T080000Z.etcd.cms"}} if name == "cp-1" else {}
                return json.dumps({**told, **sent})
            case ["bash", "-s"]:
                assert stdin == schedule.REMOVE
                self.files[name] = {}
            case ["python3", program, "now"] if program == PROGRAM and self.refuses:
                raise ReachError(f"{name}: `python3` failed: {self.refuses}")
        return ""

    def _ask(self, name):
        if name in self.away:
            raise ReachError(f"{name}: `docker` failed: no such container")


@pytest.fixture
def machines(monkeypatch):
    machines = Machines()
    monkeypatch.setattr(Reach, "run", lambda self, *words, stdin="", **_: machines.run(self.machine, words, stdin))
    monkeypatch.setattr(Reach, "put", lambda self, files: machines.put(self.machine, files))
    return machines


def test_every_control_plane_gets_a_timer_and_one_of_them_proves_the_bucket(machines):
    made = ScheduleProvider().create(dict(PROPS)).outs

    for name in NAMES:
        files = machines.files[name]
        assert {*MADE, SETTINGS, CERTIFICATE} == files.keys()
        assert "OnCalendar=hourly\n" in files["/etc/systemd/system/slipway-snapshots.timer"][1]
        assert (name, "sh", "-c", schedule.START) in machines.ran
    assert [words for words in machines.ran if words[1:] == ("python3", PROGRAM, "now")] == [
        ("cp-1", "python3", PROGRAM, "now")
    ]
    assert made is not None
    assert (made["files"], made["drift"]) == (MADE, [])
    assert made["last"] == "demo-v1.37.2-20270115T080000Z.etcd.cms"


def test_the_key_of_the_bucket_is_in_one_file_for_root_and_in_no_command(machines):
    ScheduleProvider().create(dict(PROPS))

    holding = {path: mode for path, (mode, text) in machines.files["cp-2"].items() if PROPS["secret_key"] in text}
    assert holding == {SETTINGS: 0o600}
    assert not any(PROPS["secret_key"] in word for words in machines.ran for word in words)


def test_what_the_bucket_refuses_ends_the_run_and_nothing_of_it_stays(machines):
    machines.refuses = "https://s3.example.org/kept was refused: 403 AccessDenied: Access Denied"

    with pytest.raises(SnapshotError, match=r"no snapshot of etcd came into the bucket: cp-1: .*403 AccessDenied"):
        ScheduleProvider().create(dict(PROPS))

    assert machines.files == {name: {} for name in NAMES}


def test_a_time_that_never_comes_is_refused_before_anything_is_put_anywhere(machines):
    machines.next = "    Next elapse: never"

    with pytest.raises(SnapshotError, match=r"snapshots\.schedule: 'hourly' never comes again"):
        ScheduleProvider().create(dict(PROPS))

    assert not any(machines.files.values())


def test_a_control_plane_that_is_none_any_more_sends_nothing_and_one_that_is_gone_is_in_nobodys_way(machines):
    ScheduleProvider().create(dict(PROPS))
    machines.away.add("cp-3")

    ScheduleProvider().update("snapshots", PROPS, {**PROPS, "control_planes": control_planes("cp-1")})

    assert machines.files["cp-2"] == {}
    assert SETTINGS in machines.files["cp-1"]


def test_without_a_schedule_no_machine_keeps_anything_of_it(machines):
    ScheduleProvider().create(dict(PROPS))

    ScheduleProvider().delete("snapshots", PROPS)

    assert machines.files == {name: {} for name in NAMES}


def test_a_machine_that_is_left_finds_what_removes_all_of_it_there(machines):
    ScheduleProvider().create(dict(PROPS))
    leave = (Path(ssh_provider.__file__).parent / "files/leave.sh").read_text()

    [script] = re.findall(r"then bash (\S+); fi", leave)
    text = machines.files["cp-1"][script][1]
    assert f"rm -rf {FOLDER} {Path(SETTINGS).parent}\n" in text
    assert [path for path in MADE if path not in text and FOLDER not in path] == []


def test_a_machine_that_cannot_be_cleared_is_told(machines):
    machines.away.add("cp-2")

    with pytest.raises(ReachError, match="cp-2"):
        ScheduleProvider().delete("snapshots", PROPS)


@pytest.mark.parametrize(
    "change",
    [
        {"schedule": "daily"},
        {"bucket": "https://s3.example.org/other"},
        {"region": "us-east-1"},
        {"secret_key": "another"},
        {"certificate": "another"},
        {"control_planes": control_planes("cp-1")},
        # One of the same name that is another machine.
        {"control_planes": control_planes(*NAMES, machine="2")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_time_place_key_or_machine_is_a_change(change):
    old = {**PROPS, "files": MADE, "last": "x", "drift": []}

    assert ScheduleProvider().diff("snapshots", old, dict(PROPS)).changes is False
    assert ScheduleProvider().diff("snapshots", old, {**PROPS, **change}).changes


def test_what_a_newer_slipway_brings_is_a_change():
    old = {**PROPS, "files": {**MADE, PROGRAM: "older"}, "drift": []}

    assert ScheduleProvider().diff("snapshots", old, dict(PROPS)).changes


def test_what_is_wrong_is_warned_of_and_tried_again(monkeypatch):
    warned = []
    monkeypatch.setattr(progress, "warn", warned.append)

    found = ScheduleProvider().diff("snapshots", {**PROPS, "files": MADE, "drift": ["the timer is away"]}, dict(PROPS))

    assert found.changes
    assert warned == ["snapshots of etcd: the timer is away; `make up` brings all anew and sends one, or says why not"]


def test_a_look_that_reaches_nobody_changes_nothing(machines):
    machines.away.update(NAMES)
    before = {**PROPS, "files": MADE, "last": "one", "drift": ["something"]}

    assert ScheduleProvider().read("snapshots", before).outs == before


# What is told of them

WELL = Sight(files=MADE, timer="active", due=NOW - 10, sent=0, name="", failed=0, reason="")
SENT = replace(WELL, sent=NOW - 5, name="one")
EARLIER = replace(WELL, sent=NOW - 10 - HOUR, name="one")
TIMER = "/etc/systemd/system/slipway-snapshots.timer"


@pytest.mark.parametrize(
    ("seen", "now", "found"),
    [
        ((SENT, WELL, WELL), NOW, []),
        # One of another clock.
        ((replace(SENT, sent=NOW - 60), WELL, WELL), NOW + 1000, []),
        # One that still runs.
        ((EARLIER, WELL, WELL), NOW + 60, []),
        # A failure that was made up for.
        ((replace(SENT, failed=NOW - 8, reason="403"), WELL, WELL), NOW, []),
        # Another one has sent it.
        ((SENT, replace(WELL, failed=NOW + 300, reason="etcd has no leader"), WELL), NOW + 400, []),
        (
            (replace(EARLIER, failed=NOW, reason="https://… was refused: 403"), WELL, WELL),
            NOW,
            ["none has come since 2027-01-15 06:59 UTC; cp-1: https://… was refused: 403"],
        ),
        (
            (EARLIER, WELL, WELL),
            NOW + 1000,
            ["none has come since 2027-01-15 06:59 UTC, and one was due 2027-01-15 07:59 UTC"],
        ),
        # What failed was another one.
        (
            (replace(EARLIER, failed=NOW - 2 * HOUR, reason="403"), WELL, WELL),
            NOW + 1000,
            ["none has come since 2027-01-15 06:59 UTC, and one was due 2027-01-15 07:59 UTC"],
        ),
        ((WELL,), NOW + 1000, ["none has come yet, and one was due 2027-01-15 07:59 UTC"]),
        ((SENT, replace(WELL, timer="inactive"), WELL), NOW, ["the timer on cp-2 is inactive"]),
        ((SENT, WELL, replace(WELL, files={**MADE, TIMER: "0"})), NOW, [f"{TIMER} was changed on cp-3"]),
        (
            (SENT, WELL, replace(WELL, files={key: one for key, one in MADE.items() if key != TIMER})),
            NOW,
            [f"{TIMER} was removed on cp-3"],
        ),
    ],
)
def test_snapshots_that_do_not_come_as_they_should_are_told_and_others_are_not(seen, now, found):
    assert schedule.faults(MADE, dict(zip(NAMES, seen, strict=False)), now) == found


def test_a_machine_tells_how_it_goes_there(tmp_path):
    (tmp_path / "here").write_text("text")
    told, stamp = tmp_path / "told.json", tmp_path / "stamp"
    told.write_text('{"sent": {"at": 5, "name": "one"}, "failed": {"at": 6, "reason": "403"}}')
    stamp.touch()
    script = schedule.LOOK.replace('"systemctl", "is-active", "slipway-snapshots.timer"', '"echo", "active"')
    for name, own in (("TOLD", told), ("STAMP", stamp)):
        script = re.sub(f'^{name} = Path\\(".*"\\)', f"{name} = Path({str(own)!r})", script, flags=re.MULTILINE)

    words = [sys.executable, "-", str(tmp_path / "here"), str(tmp_path / "away")]
    seen = schedule.parse(subprocess.run(words, input=script, capture_output=True, text=True, check=True).stdout)

    assert list(seen.files) == [str(tmp_path / "here")]
    assert replace(seen, files={}) == Sight({}, "active", stamp.stat().st_mtime, 5, "one", 6, "403")


# What a stack may say

BUCKET = "https://s3.eu-west-1.amazonaws.com/kept/prod"


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"schedule": "Daily"},
        {"schedule": "*-*-* 00/6:30:00 UTC"},
        {"schedule": "Mon..Fri *-*-* 03:00 Europe/Berlin"},
        {"bucket": "http://10.0.0.7:9000/kept", "region": "us-east-1"},
        {"bucket": "https://kept.s3.eu-west-1.amazonaws.com"},
    ],
)
def test_what_works_is_taken(wanted):
    assert faults(**wanted) == []


def faults(**wanted):
    args: Any = {"snapshots": {"schedule": "hourly", "bucket": BUCKET, **wanted}}
    return list(map(str, schedule_rules.faults_of(args)))


NO_BUCKET = (
    "snapshots.bucket: is no URL of a bucket; write one like https://s3.eu-west-1.amazonaws.com/BUCKET/FOLDER, with "
    "neither a key in it nor a / at its end"
)


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ({"schedule": "hourley"}, "snapshots.schedule: 'hourley' is no such time; did you mean hourly?"),
        (
            {"schedule": "6 h"},
            "snapshots.schedule: '6 h' is no time of systemd's calendar; write one like hourly, or *-*-* 03:00:00 UTC",
        ),
        (
            {"schedule": "*:0\nExecStart=x"},
            "snapshots.schedule: '*:0\\nExecStart=x' is no time of systemd's calendar; write one like hourly, or "
            "*-*-* 03:00:00 UTC",
        ),
        *(
            ({"bucket": bucket}, NO_BUCKET)
            for bucket in ("kept", "s3://kept/prod", f"{BUCKET}/", "https://key:treasure@s3.example.org/kept", "")
        ),
        ({"region": "EU West"}, "snapshots.region: 'EU West' is no region; write one like eu-west-1, or drop the key"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_with_the_fix(wanted, fault):
    assert faults(**wanted) == [fault]


def test_snapshots_of_an_etcd_that_is_not_the_clusters_own_are_refused():
    args: Any = {"snapshots": {"schedule": "hourly", "bucket": BUCKET}, "etcd": {}}

    assert list(map(str, schedule_rules.faults_of(args))) == [
        "snapshots: etcd is not the cluster's own, and its owner takes snapshots of it; drop the key"
    ]
