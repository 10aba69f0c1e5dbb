"""How a machine is logged in to, with an `ssh` that only tells what it was given."""

from pathlib import Path
from typing import Any

import pytest

from components.machines.reach import Reach, ReachError, Unreachable

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIq67ky0S7lZ846Y7kmhIKdX9wCl5L8iWibkuYt1n9OO"
LOGIN: Any = {"address": "10.0.0.5", "host_key": HOST_KEY, "user": "root", "port": 22.0}

FAKE = r"""#!/bin/sh
# Keeps its arguments, a line each, and the files that they name.
printf '%s\n' "$@" >"$KEPT/arguments"
cat >"$KEPT/stdin"
for argument in "$@"; do
  case $argument in
    -oUserKnownHostsFile=*) cp -p "${argument#*=}" "$KEPT/known_hosts"; echo "${argument#*=}" >"$KEPT/where" ;;
    -oIdentityFile=*) cp -p "${argument#*=}" "$KEPT/identity" ;;
  esac
done
echo "$SAYS" >&2
echo answer
exit "$CODE"
"""


class Ssh:
    """What the program in the place of ssh was given."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        program = folder / "ssh"
        program.write_text(FAKE)
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        monkeypatch.setenv("KEPT", str(folder))
        self.ends()

    def ends(self, code: int = 0, says: str = "") -> None:
        """Let it end so."""
        self._monkeypatch.setenv("CODE", str(code))
        self._monkeypatch.setenv("SAYS", says)

    def told(self, file: str) -> str:
        """What it has kept."""
        return (self.folder / file).read_text()

    @property
    def options(self) -> dict[str, str]:
        """Its options, by name."""
        pairs = (line[2:].partition("=") for line in self.told("arguments").splitlines() if line.startswith("-o"))
        return {name: value for name, _, value in pairs}


@pytest.fixture
def ssh(tmp_path, monkeypatch):
    return Ssh(tmp_path, monkeypatch)


def reach(**login: Any) -> Reach:
    return Reach.of({"machine": "demo-10-0-0-5", "login": {**LOGIN, **login}})


def test_a_command_is_read_by_the_shell_there_as_it_was_meant(ssh):
    assert reach().run("echo", "a b", "$HOME", stdin="in") == "answer\n"

    *_, address, command = ssh.told("arguments").splitlines()
    assert (address, command) == ("10.0.0.5", "echo 'a b' '$HOME'")
    assert ssh.told("stdin") == "in"


def test_only_the_machine_with_the_known_key_is_logged_in_to(ssh):
    reach().run("true")

    assert ssh.told("known_hosts") == f"slipway {HOST_KEY}\n"
    assert ssh.options["StrictHostKeyChecking"] == "yes"
    assert ssh.options["HostKeyAlias"] == "slipway"
    assert ssh.options["GlobalKnownHostsFile"] == "/dev/null"


def test_nobody_is_ever_asked(ssh):
    reach().run("true")

    assert ssh.options["BatchMode"] == "yes"


def test_a_private_key_is_in_a_file_of_its_owner_s_for_as_long_as_ssh_runs_and_nowhere_else(ssh):
    reach(private_key=KEY).run("true")

    assert ssh.told("identity") == f"{KEY}\n"
    assert (ssh.folder / "identity").stat().st_mode & 0o777 == 0o600
    assert "c2VjcmV0" not in ssh.told("arguments")
    assert not Path(ssh.told("where").strip()).parent.exists()


def test_with_a_key_of_the_stack_s_no_other_one_is_tried(ssh):
    reach(private_key=KEY).run("true")

    assert (ssh.options["IdentitiesOnly"], ssh.options["IdentityAgent"]) == ("yes", "none")


def test_without_one_ssh_finds_what_it_finds(ssh):
    reach().run("true")

    assert not {"IdentityFile", "IdentitiesOnly", "IdentityAgent"} & ssh.options.keys()


def test_somebody_who_is_not_root_becomes_it_without_being_asked_for_a_password(ssh):
    reach(user="admin").run("cat", "/etc/shadow")

    assert ssh.told("arguments").splitlines()[-1] == "sudo --non-interactive -- cat /etc/shadow"
    assert "-ladmin" in ssh.told("arguments").splitlines()


def test_a_way_through_other_hosts_is_taken(ssh):
    reach(proxy_command="nc %h %p", port=2222.0).run("true")
    assert ssh.options["ProxyCommand"] == "nc %h %p"
    assert "-p2222" in ssh.told("arguments").splitlines()

    reach(proxy_jump="admin@bastion").run("true")
    assert ssh.options["ProxyJump"] == "admin@bastion"


def test_a_connection_is_shared_by_those_alone_who_log_in_alike(ssh):
    sockets = set()
    for login in ({}, {"user": "admin"}, {"private_key": KEY}, {"host_key": HOST_KEY.replace("OO", "O0")}, {}):
        reach(**login).run("true")
        sockets.add(ssh.options["ControlPath"])

    assert len(sockets) == 4
    assert {Path(socket).parent.stat().st_mode & 0o777 for socket in sockets} == {0o700}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (
            "@@@@\nREMOTE HOST IDENTIFICATION HAS CHANGED\nHost key verification failed.",
            "demo-10-0-0-5: its host key is not the one that `hostKey` tells: it is another machine, or was installed "
            "anew; see which (`cat /etc/ssh/ssh_host_ed25519_key.pub` there), and write its key if it is the right one",
        ),
        (
            "ssh: connect to host 10.0.0.5 port 22: Connection refused",
            "demo-10-0-0-5: it is not reached at 10.0.0.5, port 22: ssh: connect to host 10.0.0.5 port 22: Connection "
            "refused",
        ),
        ("", "demo-10-0-0-5: it is not reached at 10.0.0.5, port 22: ssh printed nothing"),
    ],
)
def test_a_machine_that_is_not_there_or_is_another_one_is_told_in_one_line(ssh, said, fault):
    ssh.ends(255, said)

    with pytest.raises(Unreachable) as raised:
        reach().run("true")

    assert str(raised.value) == fault


def test_a_key_that_is_not_let_in_is_told_in_one_line_and_the_machine_counts_as_there(ssh):
    ssh.ends(255, "root@10.0.0.5: Permission denied (publickey).")

    with pytest.raises(ReachError) as raised:
        reach(private_key=KEY).run("true")

    assert not isinstance(raised.value, Unreachable)
    assert str(raised.value) == (
        "demo-10-0-0-5: it does not let root in with the key that is used; add its public half to "
        "~root/.ssh/authorized_keys there, or see slipway:sshPrivateKey, `identityFile` and `user`"
    )


def test_whoever_may_not_run_sudo_is_told_so(ssh):
    ssh.ends(1, "sudo: a password is required")

    with pytest.raises(ReachError) as raised:
        reach(user="admin").run("cat", "/etc/shadow")

    assert str(raised.value) == (
        "demo-10-0-0-5: admin may not run everything by sudo without a password there (sudo: a password is required); "
        "allow it in /etc/sudoers.d, or log in as root"
    )
