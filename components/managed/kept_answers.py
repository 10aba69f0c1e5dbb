"""What a cloud would answer differently tomorrow, such as which build of a version is its default."""

from collections.abc import Mapping

import pulumi

from components.state import STASH, State, outputs_of


def keep_answers(
    parent: pulumi.Resource,
    name: str,
    state: State,
    questions: Mapping[str, str],
    answers: Mapping[str, pulumi.Input[str]],
) -> pulumi.Output[dict[str, str]]:
    """Each of `answers` as it was when its question, of the same name, was first asked.

    They are kept in the state, so that a stack that nobody changed asks for no change.

    Args:
        parent: The component.
        name: Name of what keeps them.
        state: What the last `up` left.
        questions: What is asked: a new answer is taken once the text here changes.
        answers: What the cloud says today.
    """
    last = outputs_of(state, STASH, name).get("input", {"questions": {}, "answers": {}})
    old = {key: answer for key, answer in last["answers"].items() if last["questions"][key] == questions.get(key)}
    stash = pulumi.Stash(
        name,
        input={"questions": dict(questions), "answers": {**answers, **old}},
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return stash.input.apply(lambda known: known["answers"])
