import re
import subprocess
from pathlib import Path

import pytest
import yaml

from components.bootstrap.cloud_init import steps
from components.bootstrap.plan import Machine, Plan, Role
from components.targets import TARGETS, read

PROJECT = Path(__file__).parents[2]
PAGES = sorted([PROJECT / "README.md", *PROJECT.glob("docs/*.md"), *PROJECT.glob("examples/*/README.md")])


def ids(path):
    return str(path.relative_to(PROJECT))


def test_the_readme_lists_every_target_and_no_other():
    rows = re.findall(r"^\| \[`(\w+)`\]\((\S+)\) \| (.*?) \| `(\S+)` \|$", (PROJECT / "README.md").read_text(), re.M)
    assert [(name, summary) for name, _, summary, _ in rows] == [(t.name, t.summary) for t in TARGETS.values()]
    for name, _, _, stack in rows:
        assert yaml.safe_load((PROJECT / stack).read_text())["config"]["slipway:target"] == name


def test_the_stack_file_shown_in_the_readme_is_the_one_in_the_repository():
    shown = re.search(r"^```yaml\n(.*?)^```", (PROJECT / "README.md").read_text(), re.M | re.S)
    assert shown is not None
    assert shown[1] == (PROJECT / "stacks/Pulumi.dev-kind.yaml").read_text()


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_to_a_file_leads_to_one(page):
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_make_command_in_the_docs_is_one(page):
    known = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.M))
    used = set(
        re.findall(
            r"\bmake (?:-s )?([a-z][a-z-]*)",
            " ".join(re.findall(r"`[^`]+`|^    .*$|^make .*$", page.read_text(), re.M)),
        )
    )
    assert used - known == set()


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_whole_stack_file_in_the_docs_is_accepted(page):
    for shown in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S):
        config = (yaml.safe_load(shown) or {}).get("config", {})
        settings = {key.removeprefix("slipway:"): value for key, value in config.items() if key.startswith("slipway:")}
        if "target" in settings:
            component, _ = read(settings, "shown")
            assert component is TARGETS[settings["target"]].cluster()


def test_the_pages_of_the_clouds_have_the_same_sections():
    sections = {
        name: re.findall(r"^## (.*)$", (PROJECT / f"docs/{name}.md").read_text(), re.M)
        for name, target in TARGETS.items()
        if target.extra
    }
    assert [name for name in sections if sections[name] != sections["gke"]] == []


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.extra])
def test_the_page_of_a_cloud_tells_what_its_stacks_cost_and_how_to_get_its_report(name):
    page = " ".join((PROJECT / f"docs/{name}.md").read_text().split())
    assert re.search(
        rf"`prod-{name}` with its \w+ nodes? comes to about [$€][0-9.]+ an hour.*`dev-{name}`.* to about [$€]", page
    )
    assert f"`make compliance STACK=prod-{name}` reports" in page


def test_make_help_tells_every_command():
    phony = re.search(r"^\.PHONY: (.*)$", (PROJECT / "Makefile").read_text(), re.M)
    assert phony is not None
    told = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout
    assert re.findall(r"^  make ([a-z-]+)", told, re.M) == phony[1].split()


def test_the_steps_that_the_docs_tell_by_role_are_those_that_run():
    machines = [Machine(role, f"10.0.0.{place}", role) for place, role in enumerate(Role)]
    plan = Plan("c", "v1.37.2", machines, "10.244.0.0/16", "10.96.0.0/16", endpoint="10.0.0.0")
    rows = re.findall(r"^\| `([a-z-]+)` \|(.*?)\|(.*?)\|(.*?)\|", (PROJECT / "docs/kubeadm.md").read_text(), re.M)
    for column, machine in enumerate(machines, start=1):
        assert [row[0] for row in rows if "yes" in row[column]] == steps(plan, machine)
