"""Third-party text is made safe to show without harming how people spell their names."""
# ruff: noqa: RUF001
# Look-alike characters are what people write.

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiences_mcp.text import clean, clip, line, several


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ann O'Neill",
        "Zoë Müller-Łukasz",
        "Doe, Ann \N{EM DASH} “Annie”",
        "two\nlines\tand a tab\r\n",
        "می\u200cخواهم",  # Persian: a non-joiner inside a word
        "क्\u200dष",  # Hindi: a half form
        "ශ්\u200dරී",  # Sinhala: Sri
        "姓名",
        "葛\U000e0100城",  # the form of a character that a Japanese name has
        "❤\ufe0f",
        "1\ufe0f\u20e3",
        "\u06dd١",  # an Arabic sign that is drawn around a number
        "🙂",
    ],
)
def test_what_is_spelling_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x00b\x07c\x1b[31md\x7f\x85e", "abc[31mde"),
        ("\u202aabc\u202c\u202eevil\u2066x\u2069\u200f\u061c", "abcevilx"),
        ("a\u200bb\u2060c\ufeffd\u00ade", "abcde"),
        ("Ann\U000e0049\U000e0067\U000e006e\U000e007f", "Ann"),  # tags spell a message that nobody sees
        ("Ann\ufe00\U000e0121\U000e0122\U000e0123", "Ann\ufe00"),  # so do variation selectors in a row
        ("\ufe0fAnn \ufe0fBob", "Ann Bob"),
        ("a\u034fb\u034f\ufe0f", "ab"),
        ("\ud800Ann\udfff", "Ann"),
        ("\u200dAnn\u200c", "Ann"),
        ("Ann \u200dBob", "Ann Bob"),
        ("👩\u200d💻", "👩💻"),
        ("ا\u200c\u200cب", "اب"),
        ("\ufff9x\ufffb", "x"),
    ],
)
def test_what_cannot_be_seen_or_turns_the_text_goes(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(
    st.text(st.characters(codec=None), max_size=30)
    | st.text("a ب\u200c\u200d\u034f\ufe0f\u200b\U000e0100👩", max_size=12)
)
@settings(max_examples=400)
def test_cleaning_twice_changes_nothing_and_leaves_text_that_can_be_sent(text: str) -> None:
    cleaned = clean(text)

    assert clean(cleaned) == cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    ("text", "most", "clipped"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("", 1, ""), ("ab", 1, "…")],
)
def test_a_text_is_cut_with_an_ellipsis(text: str, most: int, clipped: str) -> None:
    assert clip(text, most) == clipped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two\n\nlines \t\u2028 here ", "two lines here"),
        ("x" * 200, "x" * 119 + "…"),
        ("\u202e", ""),
    ],
)
def test_a_line_is_one_short_clean_line(text: str, shown: str) -> None:
    assert line(text) == shown


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (several(1, "row"), "1 row"),
        (several(0, "row"), "0 rows"),
        (several(12_400, "row"), "12,400 rows"),
        (several(1, "person", "people"), "1 person"),
        (several(2, "person", "people"), "2 people"),
    ],
)
def test_a_count_is_told_with_its_noun(told: str, words: str) -> None:
    assert told == words
