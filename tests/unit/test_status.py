"""Waiting for a machine: how often it is asked."""

import pytest

from components.bootstrap import status
from tests.unit.fake_node import Clock


@pytest.mark.parametrize(("took", "pause"), [(0.01, 0.5), (1, 3), (20, 10)])
def test_looking_takes_a_fourth_of_the_time_of_a_slow_machine_and_no_pause_is_long(took, pause, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(status, "time", clock)
    begun = []
    for _ in status.looks(clock.now + 100):
        begun.append(clock.now)
        clock.now += took
    assert begun[1] - begun[0] == pytest.approx(took + pause)
    assert len(begun) > 1 and begun[-1] < 1100 <= clock.now


def test_nothing_is_looked_at_once_time_is_up(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(status, "time", clock)
    assert list(status.looks(clock.now)) == []
