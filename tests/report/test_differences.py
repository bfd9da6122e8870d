"""Word diffs mark what differs and lose nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tetrad.report.differences import DiffPiece, word_diff

WORDY = st.text(st.sampled_from("ab, .\n"), max_size=80)


@given(WORDY, WORDY)
def test_the_pieces_of_each_side_are_that_sides_text(before: str, after: str) -> None:
    left, right = word_diff(before, after)

    assert "".join(piece.text for piece in left) == before
    assert "".join(piece.text for piece in right) == after


@given(WORDY, WORDY)
def test_what_is_not_marked_is_the_same_on_both_sides(before: str, after: str) -> None:
    left, right = word_diff(before, after)

    kept = ["".join(piece.text for piece in side if not piece.differs) for side in (left, right)]
    assert kept[0] == kept[1]


def test_a_changed_word_is_marked_on_both_sides() -> None:
    left, right = word_diff("24 days of leave", "25 days of leave")

    assert left == (DiffPiece("24", differs=True), DiffPiece(" days of leave", differs=False))
    assert right == (DiffPiece("25", differs=True), DiffPiece(" days of leave", differs=False))


def test_texts_that_say_one_word_for_ever_are_shown_without_marks() -> None:
    left, right = word_diff("a " * 1_000, "a b " * 500)

    assert [piece.differs for piece in left + right] == [False, False]


def test_many_changed_words_in_a_long_text_are_marked() -> None:
    before = [f"word{n}" for n in range(1_000)]
    after = [f"{word}s" if n % 7 == 0 else word for n, word in enumerate(before)]
    left, right = word_diff(" ".join(before), " ".join(after))

    assert [f"word{n}s" for n in range(0, 1_000, 7)] == [p.text for p in right if p.differs]
    assert sum(piece.differs for piece in left) == 143


def test_texts_too_long_to_compare_are_shown_without_marks() -> None:
    left, right = word_diff("a " * 50_000, "b " * 50_000)

    assert [piece.differs for piece in left + right] == [False, False]
