"""haproxy as machines have it, before stand-ins of API servers."""

import json
from pathlib import Path

from components.bootstrap.plan import Machine, Role
from components.bootstrap.proxy import proxy

SCRIPT = Path(__file__).with_name("ask_by_a_proxy.py")


def test_no_question_is_refused_twice_while_an_api_server_ends_or_none_is_ready_and_one_starts(engine, machine_image):
    addresses = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
    config = proxy(Machine(address, address, Role.CONTROL_PLANE) for address in addresses)
    in_a_machine = ("run", "--rm", "--network=none", "--entrypoint=python3", machine_image)

    told = json.loads(engine.run(*in_a_machine, "-c", SCRIPT.read_text(), config))

    assert told == {"one ended": [], "one ends": [], "none ready": []}
