"""What a cloud would answer differently tomorrow, such as which build of a version is its default."""

from collections.abc import Mapping

import pulumi
from pulumi import dynamic

from components.managed.kept_answers_provider import KeptAnswersProvider


class _KeptAnswers(dynamic.Resource, module="slipway", name="KeptAnswers"):
    """Makes nothing: keeps answers in the state, so that a stack that nobody changed asks for no change."""

    kept: pulumi.Output[dict[str, str]]


def keep_answers(
    parent: pulumi.Resource, name: str, questions: Mapping[str, str], answers: Mapping[str, pulumi.Input[str]]
) -> pulumi.Output[dict[str, str]]:
    """Each of `answers` as it was when its question, of the same name, was first asked.

    Args:
        parent: The component.
        name: Name of the resource that keeps them.
        questions: What is asked: a new answer is taken once the text here changes.
        answers: What the cloud says today.
    """
    inputs = {"questions": dict(questions), "answers": dict(answers), "kept": None}
    return _KeptAnswers(KeptAnswersProvider(), name, inputs, pulumi.ResourceOptions(parent=parent)).kept
