"""Numbers that are known already are found in whatever spelling they were stored."""
# Look-alike characters are what people write.

import pytest

from audiences_mcp.contacts.known import KnownNumbers
from audiences_mcp.models import E164


@pytest.mark.parametrize(
    ("stored", "number"),
    [
        ("+919876543210", "+919876543210"),
        ("919876543210", "+919876543210"),
        ("+91 98765 43210", "+919876543210"),
        ("0091-98765-43210", "+919876543210"),
        ("'+919876543210", "+919876543210"),
        ("tel:+91-98765-43210", "+919876543210"),
        ("919876543210.0", "+919876543210"),
        ("+९१ ९८७६५ ४३२१०", "+919876543210"),
        # what cannot be read matches by its last digits
        ("98765 43210", "+919876543210"),
        ("(202) 555-0143", "+12025550143"),
        ("020 7946 0958", "+442079460958"),
        ("555-0143", "+12025550143"),
        ("8 912 345 67 89", "+79123456789"),
        ("0919876543210", "+919876543210"),
        # extensions and second numbers
        ("+1 202 555 0143 ext. 5", "+12025550143"),
        ("202 555 0143 x5", "+12025550143"),
        ("+12025550143; +13035550143", "+13035550143"),
        ("2025550143 / 3035550143", "+13035550143"),
        # as spreadsheets and people spoil them
        ("9876543210.0", "+919876543210"),
        ("09876543210.0", "+919876543210"),
        ("9876543210.00", "+919876543210"),
        # national numbers that are also real with a plus in front
        ("2015539753.0", "+12015539753"),
        ("2015539753.000", "+12015539753"),
        ("'2015539753.0", "+12015539753"),
        ("tel:201-553-9753.0", "+12015539753"),
        ("٢٠١٥٥٣٩٧٥٣.٠", "+12015539753"),
        ("15123456789.0", "+4915123456789"),
        ("０９８７６５４３２１０", "+919876543210"),
        ("+91 98765 43210 / 43211", "+919876543210"),
        ("+9198765-43210 (opted out 2024)", "+919876543210"),
        ("98765 43210 Mr Rao", "+919876543210"),
        ("07911123460-07911123461", "+447911123460"),
        ("07911123460-07911123461", "+447911123461"),
        # the last digits of a second number
        ("98765-43211/10", "+919876543210"),
        ("98765 43211 / 10", "+919876543210"),
        ("+91 98765 43212/11/10", "+919876543210"),
        # trunk prefixes of countries that dial 8, and Argentine mobiles
        ("8 029 123 45 67", "+375291234567"),
        ("8 612 34567", "+37061234567"),
        ("011 15 2345-6789", "+5491123456789"),
        ("0351 15-234-5678", "+5493512345678"),
        ("351 15 234 5678", "+5493512345678"),
        ("54 351 15 2345678", "+5493512345678"),
        ("54 9 351 15 2345678", "+5493512345678"),
        ("03492 15 412345", "+5493492412345"),
        ("011 15 2345-6789 (no llamar)", "+5491123456789"),
        ("+91 98765 4321O", "+919876543210"),
        # old forms
        ("+52 1 55 1234 5678", "+525512345678"),
        ("+55 11 8765 4321", "+5511987654321"),
        ("0055 11 8765 4321", "+5511987654321"),
        # numbers that are never called may still be stored
        ("+49 900 1234567", "+499001234567"),
    ],
)
def test_a_number_is_found_in_any_spelling(stored: str, number: str) -> None:
    assert KnownNumbers({stored: "somebody"}).find(E164(number)) == "somebody"


@pytest.mark.parametrize(
    ("stored", "number"),
    [
        ("+919876543211", "+919876543210"),
        ("+14792345678", "+4792345678"),
        ("555014", "+12025550143"),  # fewer than seven digits
        ("0555014", "+12025550143"),
        ("Ann", "+12025550143"),
        ("", "+12025550143"),
        ("5550144", "+12025550143"),
    ],
)
def test_another_number_is_not_found(stored: str, number: str) -> None:
    assert KnownNumbers({stored: "somebody"}).find(E164(number)) is None


def test_what_cannot_be_read_is_counted_once_and_kept_where_it_has_digits() -> None:
    known = KnownNumbers([("+12025550143", "a"), ("(303) 555-0143 / 555-0199", "b"), ("Ann", "c"), ("", "d")])

    assert (known.unreadable, known.lost, len(known)) == (1, 0, 2)
    assert bool(known)
    assert not KnownNumbers()


def test_the_first_of_two_entries_for_one_number_counts() -> None:
    known = KnownNumbers(
        [("+12025550143", "first"), ("12025550143", "second"), ("555 0199", "third"), ("5550199", "x")]
    )

    assert known.find(E164("+12025550143")) == "first"
    assert known.find(E164("+13035550199")) == "third"


def test_an_empty_mark_is_still_found() -> None:
    known = KnownNumbers({"+12025550143": "", "555 0199": ""})

    assert known.find(E164("+12025550143")) == ""
    assert known.find(E164("+13035550199")) == ""


def test_the_digits_of_a_long_entry_are_not_taken_for_a_whole_number() -> None:
    known = KnownNumbers({"999 2025550143": ""})

    assert known.find(E164("+12025550143")) == ""
    assert known.find(E164("+2025550143")) == ""  # rather one person too many is left out
    assert known.find(E164("+25550143")) is None


def test_entries_of_which_nothing_can_be_compared_are_counted_apart() -> None:
    known = KnownNumbers((text, "") for text in ["+919876543210", "98765 43210", "9.87654E+11", "12345", "n/a", ""])

    assert (known.unreadable, known.lost) == (3, 2)


def test_a_long_entry_takes_no_long_time() -> None:
    known = KnownNumbers((text, "") for text in [f"1{' ' * 200_000}1", "1;" * 100_000, "+1" * 100_000])

    assert known.lost == 3
