def test_a_second_up_changes_nothing(slipway):
    stack = slipway("prod-gke")

    first = stack.up()
    second = stack.up()
    print(first.output, first.changes)
    print(second.output, second.changes)
    assert first.changes == {"create": 10}
    assert second.changes == {"same": 10}
