"""How the benchmarks judge; what they measure is for a quiet machine."""

import pytest

from tools.bench import compare, preview


def test_a_preview_may_take_a_third_more_than_a_bare_one_and_ten_milliseconds_a_resource():
    assert preview.limit(2.0, 30) == pytest.approx(2.9)


def test_growth_in_a_line_keeps_the_limit_and_growth_by_the_square_does_not():
    line = {count: 3 + 0.02 * count for count in preview.POOLS}
    square = {count: 3 + 0.0004 * count**2 for count in preview.POOLS}

    early, late = preview.seconds_per_pool(line)
    assert early == pytest.approx(late) == pytest.approx(0.02)
    early, late = preview.seconds_per_pool(square)
    assert late > preview.STEEPER * early


def test_a_comparison_tells_the_medians_of_its_sides_in_their_order():
    taken = iter([1.0, 10.0, 3.0, 30.0, 2.0, 20.0])

    medians = compare("two sides", 3, {"a": lambda: next(taken), "b": lambda: next(taken)})

    assert list(medians.items()) == [("a", 2.0), ("b", 20.0)]


@pytest.mark.parametrize(("most", "verdict"), [(0.7, "is NOT kept"), (0.8, "is kept")])
def test_a_comparison_with_a_limit_tells_whether_the_last_side_keeps_it(capsys, most, verdict):
    compare("two sides", 1, {"a": lambda: 10.0, "b": lambda: 7.5}, most=most)

    assert f"the limit, {most:.2f} of the first, {verdict}" in capsys.readouterr().err
