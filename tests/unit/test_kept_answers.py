from components.managed.kept_answers_provider import KeptAnswersProvider

OLD = {
    "questions": {"coredns": "1.36", "kube-proxy": "1.36"},
    "answers": {"coredns": "v1", "kube-proxy": "v1"},
    "kept": {"coredns": "v1", "kube-proxy": "v1"},
}


def test_a_new_answer_to_an_old_question_is_no_change():
    news = {**OLD, "answers": {"coredns": "v2", "kube-proxy": "v2"}}

    assert KeptAnswersProvider().diff("id", OLD, news).changes is False


def test_the_first_answers_are_kept():
    assert (KeptAnswersProvider().create({"questions": {"a": "b"}, "answers": {"a": "c"}}).outs or {})["kept"] == {
        "a": "c"
    }


def test_only_what_is_asked_anew_gets_the_new_answer_and_what_is_asked_no_more_is_forgotten():
    news = {
        "questions": {"coredns": "1.37", "vpc-cni": "1.37"},
        "answers": {"coredns": "v2", "vpc-cni": "v2"},
    }
    provider = KeptAnswersProvider()

    assert provider.diff("id", OLD, news).changes is True
    assert (provider.update("id", OLD, news).outs or {})["kept"] == {"coredns": "v2", "vpc-cni": "v2"}
    news = {"questions": {**OLD["questions"], "kube-proxy": "1.37"}, "answers": {"coredns": "v2", "kube-proxy": "v2"}}
    assert (provider.update("id", OLD, news).outs or {})["kept"] == {"coredns": "v1", "kube-proxy": "v2"}
