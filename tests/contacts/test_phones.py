"""Every phone rule, over one number and over a whole list."""
# Look-alike characters are what people write.

import pytest

from audiences_mcp.contacts.phones import BareDigits, Phone, read_number, read_numbers, renewed
from audiences_mcp.contacts.reasons import Note, Reason, Refusal
from audiences_mcp.contacts.regions import region_code, time_zones
from audiences_mcp.errors import InvalidInput

INTERNATIONAL: BareDigits = "international"
NATIONAL: BareDigits = "national"


def told(reading: Phone | Refusal) -> str:
    """Return the number, or the reason why there is none."""
    return reading.number if isinstance(reading, Phone) else reading.reason.value


# --- rule 1: written with + ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("+12025550143", "+12025550143"),
        ("+44 20 7946 0958", "+442079460958"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+44 020 7946 0958", "+442079460958"),
        ("+7 8 912 345 67 89", "+79123456789"),
        ("+36 06 1 234 5678", "+3612345678"),
        ("+39 06 698 12345", "+390669812345"),  # in Italy the zero belongs to the number
        ("+54 9 11 2345-6789", "+5491123456789"),
        ("+54 11 15 2345-6789", "+5491123456789"),
        ("+447911123456", "+447911123456"),
        ("p:+46701234567", "+46701234567"),
        ("tel:+1-202-555-0143", "+12025550143"),
        ("tel:555-0143;phone-context=+1-202", "+12025550143"),
        ("whatsapp:+14155238886", "+14155238886"),
        ("+٩٧١ ٥٠ ١٢٣ ٤٥٦٧", "+971501234567"),
    ],
)
@pytest.mark.parametrize("region", [None, "US", "GB", "DE", "RU"])
def test_a_plus_means_international_whatever_the_region(cell: str, number: str, region: str | None) -> None:
    assert told(read_number(cell, region)) == number


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("+0791112345", Reason.UNKNOWN_COUNTRY_CODE),
        ("+999 123 456 789", Reason.UNKNOWN_COUNTRY_CODE),
        ("+0044 20 7946 0958", Reason.UNKNOWN_COUNTRY_CODE),
        ("+1 202 555 014", Reason.TOO_SHORT),
        ("+1 555 0143", Reason.TOO_SHORT),  # without its area code
        ("+1 202 555 01433", Reason.TOO_LONG),
        ("+1 2", Reason.TOO_SHORT),
        ("+4", Reason.TOO_SHORT),
        ("+" + "1" * 45, Reason.TOO_LONG),
        ("+1 999 555 0143", Reason.INVALID_NUMBER),
        ("+91 5000000000", Reason.INVALID_NUMBER),
        ("+44 112", Reason.SHORT_CODE),
        ("+1 911", Reason.SHORT_CODE),
        ("+1 900 555 0143", Reason.PREMIUM_RATE),
        ("+44 909 879 0123", Reason.PREMIUM_RATE),
        ("+44 843 123 4567", Reason.PREMIUM_RATE),  # shared cost
        ("+44 7640 123456", Reason.INVALID_NUMBER),  # a pager
        ("+861791113800138000", Reason.INVALID_NUMBER),  # a carrier's code
    ],
)
def test_an_international_number_that_no_line_can_have_is_refused(cell: str, reason: Reason) -> None:
    assert told(read_number(cell)) == reason


@pytest.mark.parametrize(
    ("cell", "region", "hint"),
    [
        ("+2025550143", "US", "The plus looks glued on: without it this is a number of US."),
        ("+07911123456", "GB", "The plus looks glued on: without it this is a number of GB."),
        ("+52 1 55 1234 5678", None, "This is an old form (Mexico no longer dials the 1 after +52); today"),
        ("+55 11 8765 4321", None, "This is an old form (Brazilian mobiles now have a 9 after the area code); today"),
        ("+229 97 12 34 56", None, "This is an old form (numbers in Benin now begin with 01); today"),
        ("+44 7640 123456", None, "This is a pager, which cannot talk: give another number."),
        ("+1 999 555 0143", None, "No line can have this number in its country: check it with the person."),
    ],
)
def test_the_hint_says_what_may_have_happened(cell: str, region: str | None, hint: str) -> None:
    refusal = read_number(cell, region)

    assert isinstance(refusal, Refusal)
    assert refusal.hint.startswith(hint)


@pytest.mark.parametrize(
    ("digits", "today"),
    [
        ("5215512345678", "+525512345678"),
        ("551187654321", "+5511987654321"),
        ("22997123456", "+2290197123456"),
        ("521000000000", None),
        ("5210000000000", None),
        ("12025550143", None),
    ],
)
def test_old_forms_are_known_with_what_they_are_today(digits: str, today: str | None) -> None:
    found = renewed(digits)
    assert (found and found[0]) == today


@pytest.mark.parametrize(
    ("cell", "region", "answer"),
    [
        *((cell, "DE", "not_a_number") for cell in ("Tel.2 01512 3411173", "2) 01512 3411173", "(2) 01512 3411173")),
        *((cell, "DE", "not_a_number") for cell in ("1. 01512 3411173", "2 - 01512 3411173", "12) 01512 3411173")),
        *((cell, "DE", "not_a_number") for cell in ("030 193493 (2)", "0664 154182 ( 2 )", "+49 30 193493 (2)")),
        ("0664 1541821 (2)", "AT", "not_a_number"),
        ("2) 701234567", "SE", "not_a_number"),
        # an area code, a trunk prefix, a country code
        ("(2) 21234567", "CL", "+56221234567"),
        ("02)123-4567", "KR", "+8221234567"),
        ("8 029 123 45 67", "BY", "+375291234567"),
        ("49 0151 23411173", "DE", "+4915123411173"),
        ("(44) 020 7946 0958", "GB", "+442079460958"),
    ],
)
def test_a_digit_that_counts_the_phones_is_no_part_of_the_number(cell: str, region: str, answer: str) -> None:
    assert told(read_number(cell, region)) == answer


GLUED = ["+2025550143", "+2125550143", "+3035550143", "+4045550143"]  # US numbers; the plus makes none of them valid


def test_where_a_spreadsheet_glued_the_plus_on_every_row_that_could_be_national_is_ambiguous() -> None:
    egypt = "+20 2 2792 0000".replace(" ", "")  # and 202-279-2000 with a zero more, so not national
    rows = [*GLUED, "+4792345678", "+12025550143", "+919876543210", egypt]

    read = read_numbers(rows)

    assert [told(reading) for reading in read] == [*["ambiguous_country"] * 5, *rows[5:]]
    assert isinstance(read[0], Refusal)
    assert "national numbers (of US, perhaps) with a plus glued on" in read[0].hint


@pytest.mark.parametrize(
    ("glued", "proper", "ambiguous"),
    [
        (2, 2, False),  # fewer than three rows
        (3, 2, True),
        (3, 26, True),  # 3 of the 30 with the Norwegian number
        (3, 27, False),  # fewer than one in ten
        (4, 35, True),
        (4, 36, False),
    ],
)
def test_a_glued_plus_needs_three_rows_and_one_in_ten(glued: int, proper: int, ambiguous: bool) -> None:  # noqa: FBT001
    rows = [*GLUED[:glued], *["+919876543210"] * proper, "+4792345678"]

    assert told(read_numbers(rows)[-1]) == ("ambiguous_country" if ambiguous else "+4792345678")


@pytest.mark.parametrize("wrong", ["+91987654321", "+9198765432100", "+911234567890"])
def test_typing_errors_of_one_country_are_not_taken_for_glued_rows_of_another(wrong: str) -> None:
    rows = [*["+919876543210"] * 20, *[wrong] * 8]

    assert [told(reading) for reading in read_numbers(rows)][:20] == ["+919876543210"] * 20


def test_glued_rows_of_a_country_whose_numbers_have_many_lengths_are_found() -> None:
    rows = ["+15123456789", "+3012345678", "+015123456789", "+08912345678", "+0301234567", "+4915123456789"]

    read = [told(reading) for reading in read_numbers(rows)]

    assert read[0] == "ambiguous_country"  # a mobile of Germany, and Austin in Texas
    assert read[-1] == "ambiguous_country"  # it reads as a German number without its plus, too


# Mobiles as people in Germany and China have them; the plus makes numbers of Texas and Illinois of two in three.
GLUED_MOBILES = {"DE": ["+15111234567", "+15123456780"], "CN": ["+13812345678", "+13123986390"]}


@pytest.mark.parametrize("region", GLUED_MOBILES)
@pytest.mark.parametrize("named", [True, False])
def test_glued_mobiles_are_found_though_most_of_them_are_american_numbers(region: str, named: bool) -> None:  # noqa: FBT001 - a case
    wrong, right = GLUED_MOBILES[region]
    rows = [*[wrong] * 3, *[right] * 7, *["+14155552671"] * 20]

    read = [told(reading) for reading in read_numbers(rows, [region if named else None] * len(rows))]

    assert read[:10] == ["ambiguous_country"] * 10


@pytest.mark.parametrize(
    "wrong",
    [
        ["+91 98765 4321", "+52 1 55 1234 5678", "+44 7911 12345", "+55 11 8123 4567"],
        ["+52 1 55 1234 5678", "+52 1 55 1234 5679", "+52 1 55 1234 5670"],
        ["+1 555 123 4567", "+1 123 456 7890", "+1 111 111 1111"],
    ],
    ids=["of several countries", "old forms", "made up"],
)
def test_three_mistakes_are_no_sign_of_glued_rows_of_a_country_in_which_nearly_any_digits_are_a_number(
    wrong: list[str],
) -> None:
    right = ["+14155552671", "+919876543210", "+447911123456", "+33612345678", "+4915112345678"]

    read = read_numbers([*right, *wrong])

    assert [told(reading) for reading in read] == [*right, *["invalid_number"] * len(wrong)]


def test_american_numbers_that_nobody_has_are_no_sign_of_glued_mobiles() -> None:
    rows = [*["+15551234567", "+15559876543"] * 3, *["+15123456789", "+13125550143"] * 9]

    assert {told(reading) for reading in read_numbers(rows)} == {"invalid_number", "+15123456789", "+13125550143"}


def test_a_long_list_is_sampled_evenly_for_glued_rows() -> None:
    rows = [f"+202555{number:04}" for number in range(1_300)] + ["+4792345678"]

    assert told(read_numbers(rows)[-1]) == "ambiguous_country"


# --- rule 2: a region is known ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "region", "number"),
    [
        ("(202) 555-0143", "US", "+12025550143"),
        ("2025550143", "US", "+12025550143"),
        ("1 202 555 0143", "US", "+12025550143"),
        ("2025550143.0", "US", "+12025550143"),
        ("'2025550143", "US", "+12025550143"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("20 7946 0958", "GB", "+442079460958"),
        ("442079460958", "GB", "+442079460958"),
        ("07911 123456", "GB", "+447911123456"),
        ("030/1234567", "DE", "+49301234567"),
        ("98765 43210", "IN", "+919876543210"),
        ("098765 43210", "IN", "+919876543210"),
        ("919876543210", "IN", "+919876543210"),
        ("8 912 345 67 89", "RU", "+79123456789"),
        ("06 1 234 5678", "HU", "+3612345678"),
        ("06 698 12345", "IT", "+390669812345"),
        ("011 15 2345-6789", "AR", "+5491123456789"),
        ("(11) 91234-5678", "BR", "+5511912345678"),
        ("٠٥٠ ١٢٣ ٤٥٦٧", "AE", "+971501234567"),
        ("011 44 20 7946 0958", "US", "+442079460958"),
        ("0011 44 20 7946 0958", "AU", "+442079460958"),
        ("010 44 20 7946 0958", "JP", "+442079460958"),
        ("8~10 44 20 7946 0958", "RU", "+442079460958"),
        ("810 44 20 7946 0958", "RU", "+442079460958"),
        ("00 44 20 7946 0958", "DE", "+442079460958"),
        ("0043 664 1234567", "DE", "+436641234567"),
        ("0049 1512 3456789", "DE", "+4915123456789"),
        ("00 44 20 7946 0958", "US", "+442079460958"),  # 00, though the exit code there is 011
        ("00 44 20 7946 0958", "JP", "+442079460958"),
        ("00 55 11 91234 5678", "BR", "+5511912345678"),
        ("0043 664 1234567", "BR", "+436641234567"),
        ("00971 50 123 4567", "NG", "+971501234567"),  # where 009 is an exit code
        ("0086 138 0013 8000", "HK", "+8613800138000"),  # where 008 is one
    ],
)
def test_with_a_region_the_national_reading_counts(cell: str, region: str, number: str) -> None:
    assert told(read_number(cell, region)) == number


@pytest.mark.parametrize(
    ("cell", "region", "reason"),
    [
        ("442079460958", "US", Reason.TOO_LONG),  # a lost plus is not put back
        ("919876543210", "GB", Reason.TOO_LONG),
        ("555-0143", "US", Reason.TOO_SHORT),
        ("7946 0958", "GB", Reason.TOO_SHORT),  # local only
        ("460 1234", "AG", Reason.TOO_SHORT),  # also where the whole country has one area code
        ("1 243 9792", "BM", Reason.TOO_SHORT),  # so that a truncated number is not one of the neighbourhood
        ("456789", "GG", Reason.TOO_SHORT),
        ("202555014", "US", Reason.TOO_SHORT),
        ("20255501433", "US", Reason.TOO_LONG),
        ("0999 123 4567", "GB", Reason.INVALID_NUMBER),
        ("12", "US", Reason.TOO_SHORT),
        ("911", "US", Reason.SHORT_CODE),
        ("112", "DE", Reason.SHORT_CODE),
        ("999", "GB", Reason.SHORT_CODE),
        ("010", "ES", Reason.SHORT_CODE),
        ("86753", "US", Reason.SHORT_CODE),
        ("0900 1234567", "DE", Reason.PREMIUM_RATE),
        ("1 900 555 0143", "US", Reason.PREMIUM_RATE),
        ("0 31 11 91234 5678", "BR", Reason.INVALID_NUMBER),  # dialled through carrier 31
        ("043 664 1234567", "BR", Reason.INVALID_NUMBER),  # Austria as some write it, or through carrier 43
        ("081 3 1234 5678", "KR", Reason.INVALID_NUMBER),  # Japan as some write it, or through carrier 81
        ("1831 2 6180 1234", "AU", Reason.INVALID_NUMBER),  # hides the caller
        ("0919876543210", "IN", Reason.INVALID_NUMBER),
        ("800-FLOWERS", "GB", Reason.NOT_A_NUMBER),
        ("8 8101257774", "BY", Reason.INVALID_NUMBER),  # +375 8101257774 would be dialled without its 8
        ("2025550143", "XX", Reason.UNKNOWN_COUNTRY_CODE),
        ("2025550143", "001", Reason.UNKNOWN_COUNTRY_CODE),
    ],
)
def test_what_is_no_number_of_the_region_is_refused(cell: str, region: str, reason: Reason) -> None:
    assert told(read_number(cell, region)) == reason


def test_the_refusal_says_how_to_write_a_number_that_is_abroad() -> None:
    refusal = read_number("442079460958", "US")

    assert isinstance(refusal, Refusal)
    assert refusal.hint == "It is no number of US: correct it, or write it with + and its country code."


def test_a_short_fixed_line_beside_others_with_their_area_code_may_lack_its_own() -> None:
    proper = ["0221 1234567", "030 123456", "0151 23456789"]

    read = read_numbers([*proper, "4567890", "54321098", "30123456", "+4930123457"], ["DE"] * 7)

    assert [told(reading) for reading in read[3:]] == ["too_short", "too_short", "+4930123456", "+4930123457"]
    assert isinstance(read[3], Refusal)
    assert read[3].hint == (
        "It may lack its area code, which other numbers of DE in this list have: write it with that, beginning with 0."
    )


@pytest.mark.parametrize(
    ("dialled", "cell", "region"), [("09 373 1234", "9 373 1235", "NZ"), ("01-4412345", "1 4412346", "NP")]
)
def test_a_number_as_long_as_all_fixed_lines_of_its_region_has_its_area_code(
    dialled: str, cell: str, region: str
) -> None:
    first, second = read_numbers([dialled, cell], [region] * 2)

    assert isinstance(first, Phone)
    assert isinstance(second, Phone)
    assert Note.MAYBE_LOCAL not in second.notes


@pytest.mark.parametrize(
    ("cell", "region", "noted"),
    [
        ("4567890", "DE", True),
        ("30123456", "DE", True),
        ("0304567890", "DE", False),
        ("2212345678", "DE", False),
        ("2165789", "AT", True),
        ("93731234", "NZ", False),
        ("0123456789", "FR", False),
        ("20 7946 0958", "GB", False),
        ("2025550143", "US", False),
    ],
)
def test_where_no_row_has_its_area_code_short_fixed_lines_are_noted(cell: str, region: str, noted: bool) -> None:  # noqa: FBT001 - a column of the table
    reading = read_number(cell, region)

    assert isinstance(reading, Phone)
    assert (Note.MAYBE_LOCAL in reading.notes) == noted


@pytest.mark.parametrize(
    ("cell", "region", "number"),
    [
        ("4915123456789", "DE", "+4915123456789"),
        ("841992000", "VN", "+841992000"),  # also +84 841992000, a mobile
        ("62812345678", "ID", "+62812345678"),
        ("468123456", "SE", "+468123456"),
    ],
)
def test_a_national_number_that_may_begin_with_its_country_code_is_ambiguous_until_the_person_says(
    cell: str, region: str, number: str
) -> None:
    assert told(read_number(cell, region)) == "ambiguous_country"
    assert told(read_number(cell, region, INTERNATIONAL)) == number
    assert told(read_number(cell, region, NATIONAL)) not in {number, "ambiguous_country"}
    assert told(read_number(f"+{cell}", region)) == number


@pytest.mark.parametrize(
    ("cell", "region", "number", "abroad"),
    [
        ("8224717850", "BR", "+558224717850", "+8224717850"),  # a line in Maceió, and one in Seoul
        ("6591234567", "IN", "+916591234567", "+6591234567"),  # and a mobile of Singapore
    ],
)
def test_a_plain_fixed_line_without_trunk_prefix_that_also_reads_abroad_is_ambiguous(
    cell: str, region: str, number: str, abroad: str
) -> None:
    assert told(read_number(cell, region)) == "ambiguous_country"
    assert told(read_number(f"0{cell}", region)) == number
    assert told(read_number(cell, region, NATIONAL)) == number
    assert told(read_number(cell, region, INTERNATIONAL)) == abroad


@pytest.mark.parametrize(
    ("cell", "region", "number"),
    [
        ("2015766906", "US", "+12015766906"),  # and Cairo
        ("4792345678", "US", "+14792345678"),  # and a Norwegian mobile
        ("4797263529", "MX", "+524797263529"),  # and a Norwegian mobile
    ],
)
def test_other_numbers_that_also_read_abroad_are_taken_nationally_and_noted(
    cell: str, region: str, number: str
) -> None:
    reading = read_number(cell, region)

    assert isinstance(reading, Phone)
    assert reading.number == number
    assert Note.ALSO_ABROAD in reading.notes
    assert Note.ALSO_ABROAD not in getattr(read_number(cell, region, NATIONAL), "notes", [])


@pytest.mark.parametrize(
    ("cell", "region"),
    [
        ("0091 94161 23456", "KR"),  # India by 00, Florida by Korea's 009
        ("0055 82 2471 7850", "BR"),  # Brazil by 00, Korea through carrier 55
        ("0065 3222 1564", "HK"),  # Singapore by 00, Cuba by Hong Kong's 006
        ("995 32 648 1874", "FI"),  # Georgia without its plus, New Zealand by Finland's 99532
        ("0015125972344", "DE"),  # Texas, or a German mobile with one zero too many
        ("002033072542", "NG"),  # Egypt, or a Nigerian line with one zero too many
        ("00508809394", "AE"),  # Saint-Pierre, or a mobile of the Emirates with one zero too many
        ("0098389310", "JP"),  # Iran, or a Japanese mobile with a digit missing
        ("01049301234", "JP"),  # Berlin, or a Japanese mobile with 010 for 090
    ],
)
def test_what_only_looks_like_an_exit_code_is_ambiguous(cell: str, region: str) -> None:
    assert told(read_number(cell, region)) == "ambiguous_country"


# --- rule 3: no region -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "answer"),
    [
        ("00 44 20 7946 0958", "+442079460958"),
        ("0049 1512/3456789", "+4915123456789"),
        ("919876543210", "+919876543210"),
        ("447911123456", "+447911123456"),
        ("1 202 555 0143", "+12025550143"),
        ("1-800-FLOWERS", "+18003569377"),
        ("2025550143", "missing_country_code"),
        ("(202) 555-0143", "missing_country_code"),
        ("020 7946 0958", "missing_country_code"),
        ("555-0143", "missing_country_code"),
        ("800-FLOWERS", "missing_country_code"),
        ("911", "missing_country_code"),
        ("00", "too_short"),
        ("0", "missing_country_code"),
        ("4792345678", "ambiguous_country"),  # Arkansas and Norway
        ("6591234567", "+6591234567"),  # 659 is no area code of North America
        ("00 999 1234567", "unknown_country_code"),
        ("202 555 0143/4", "multiple_numbers"),  # with its digits joined, a number in Cairo
        ("491512/3456789", "+4915123456789"),
    ],
)
def test_without_a_region_only_what_cannot_be_mistaken_is_read(cell: str, answer: str) -> None:
    assert told(read_number(cell)) == answer


@pytest.mark.parametrize("shown", ["+919123456780", "0091 91234 56780", "p:+919123456780"])
def test_bare_digits_that_also_read_in_a_country_the_list_shows_are_ambiguous(shown: str) -> None:
    assert told(read_numbers(["6591234567", shown])[0]) == "ambiguous_country"


def test_a_country_named_by_a_row_is_shown_too() -> None:
    assert told(read_numbers(["6591234567", "98765 43210"], [None, "IN"])[0]) == "ambiguous_country"
    assert told(read_numbers(["6591234567", "020 7946 0958"], [None, "GB"])[0]) == "+6591234567"


@pytest.mark.parametrize(
    ("wrong", "answer"),
    [(0, "+919876543210"), (1, "+919876543210"), (2, "ambiguous_country")],
)
def test_bare_digits_are_trusted_when_nine_in_ten_of_their_length_read_internationally(wrong: int, answer: str) -> None:
    rows = [*["919876543210"] * (10 - wrong), *["910000000000"] * wrong, "6591234567"]

    read = [told(reading) for reading in read_numbers(rows)]

    assert read[0] == answer
    assert read[10 - wrong : 10] == ["missing_country_code"] * wrong
    assert read[-1] == "+6591234567"  # of another length


def test_in_a_list_of_national_numbers_one_with_a_digit_too_many_is_not_dialled_abroad() -> None:
    rows = [*["(202) 555-0143"] * 9, "202 555 01433"]  # which is a number in Cairo

    assert [told(reading) for reading in read_numbers(rows)] == [*["missing_country_code"] * 9, "ambiguous_country"]


def test_in_a_list_of_national_numbers_several_with_a_country_code_are_read() -> None:
    rows = [f"202555011{number}" for number in range(6)] + [f"3361234567{number}" for number in range(3)]

    answers = ["missing_country_code"] * 6
    assert [told(reading) for reading in read_numbers(rows)] == [*answers, *(f"+{row}" for row in rows[6:])]
    read = read_numbers(rows[:-1])
    assert [told(reading) for reading in read] == [*answers, "ambiguous_country", "ambiguous_country"]
    assert isinstance(read[-1], Refusal)
    assert read[-1].hint.startswith("Too many rows like it have no country code in front")


def test_in_a_list_of_national_numbers_one_that_is_two_digits_longer_is_no_typing_error() -> None:
    national = ["2025550123", "(202) 555-0124", "9876543210", "5552671", "07911123456"]

    read = read_numbers([*national, "919876543210", "447911123456"])

    assert [told(reading) for reading in read] == ["missing_country_code"] * 5 + ["+919876543210", "+447911123456"]


# --- rule 4: bare_digits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "region", "bare_digits", "answer"),
    [
        ("4792345678", None, INTERNATIONAL, "+4792345678"),
        ("4792345678", None, NATIONAL, "missing_country_code"),
        ("919876543210", None, NATIONAL, "missing_country_code"),
        ("2025550143", None, INTERNATIONAL, "invalid_number"),
        ("4792345678", "US", INTERNATIONAL, "+4792345678"),
        ("4792345678", "US", NATIONAL, "+14792345678"),
        ("020 7946 0958", "GB", INTERNATIONAL, "+442079460958"),  # no country code begins with 0
        ("020 7946 0958", None, INTERNATIONAL, "missing_country_code"),
        ("00 44 20 7946 0958", None, INTERNATIONAL, "+442079460958"),
        ("00 44 20 7946 0958", "DE", INTERNATIONAL, "+442079460958"),
        ("00 44 20 7946 0958", None, NATIONAL, "+442079460958"),
        ("919876543210", "IN", NATIONAL, "too_long"),
        ("12025550143", "US", NATIONAL, "+12025550143"),  # there 1 is the trunk prefix, too
        ("98765 43210", "IN", NATIONAL, "+919876543210"),
        ("+4792345678", "US", NATIONAL, "+4792345678"),
        ("8224717850", "BR", NATIONAL, "+558224717850"),
    ],
)
def test_bare_digits_settles_what_is_unsure(
    cell: str, region: str | None, bare_digits: BareDigits, answer: str
) -> None:
    assert told(read_number(cell, region, bare_digits)) == answer


# --- rules 5 to 8 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "region", "resolved", "line_type"),
    [
        ("+1 202 555 0143", None, "US", "fixed_line_or_mobile"),
        ("(416) 555-0143", "US", "CA", "fixed_line_or_mobile"),
        ("07781 123456", "GB", "GG", "mobile"),
        ("+39 06 9845 6789", None, "IT", "fixed_line"),
        ("+39 06 698 12345", None, "VA", "fixed_line"),
        ("+91 98765 43210", None, "IN", "mobile"),
        ("+800 1234 5678", None, "001", "toll_free"),
        ("+44 56 1234 5678", None, "GB", "voip"),
    ],
)
def test_the_region_and_the_line_type_come_along(cell: str, region: str | None, resolved: str, line_type: str) -> None:
    reading = read_number(cell, region)

    assert isinstance(reading, Phone)
    assert (reading.region, reading.line_type) == (resolved, line_type)


@pytest.mark.parametrize(
    ("cell", "region", "international"),
    [
        ("+442079460958", None, True),
        ("00442079460958", None, True),
        ("011442079460958", "US", True),
        ("442079460958", None, False),
        ("02079460958", "GB", False),
        ("442079460958", "GB", False),
    ],
)
def test_it_is_known_whether_the_country_code_was_written(cell: str, region: str | None, international: bool) -> None:  # noqa: FBT001
    reading = read_number(cell, region)

    assert isinstance(reading, Phone)
    assert reading.international is international


@pytest.mark.parametrize(
    ("cell", "region", "reason"),
    [
        ("030 1234567/57", "DE", Reason.MULTIPLE_NUMBERS),
        ("030/1234567/57", "DE", Reason.MULTIPLE_NUMBERS),
        ("+49 30 1234567/57", None, Reason.MULTIPLE_NUMBERS),
        ("0049 30 1234567/57", None, Reason.MULTIPLE_NUMBERS),
        ("03-1234-5678～9", "JP", Reason.MULTIPLE_NUMBERS),
        ("0664123456 4567890", "AT", Reason.MULTIPLE_NUMBERS),
        ("2025550143 3035550143", "US", Reason.MULTIPLE_NUMBERS),
        ("202 555 0143 303 555 0143", "US", Reason.MULTIPLE_NUMBERS),
        ("+1 202 555 0143 303 555 0143", None, Reason.MULTIPLE_NUMBERS),
        ("+12025550143 ext. 5", None, Reason.EXTENSION),
        ("9.19877E+11", "IN", Reason.EXCEL_DAMAGED),
        ("9.19877e+11", "IN", Reason.EXCEL_DAMAGED),
        ("2024-01-15", "DE", Reason.NOT_A_NUMBER),
        ("", "US", Reason.EMPTY),
    ],
)
def test_cells_that_do_not_hold_one_number_are_refused(cell: str, region: str | None, reason: Reason) -> None:
    assert told(read_number(cell, region)) == reason


@pytest.mark.parametrize(
    ("cell", "note"),
    [
        ("+1 800 356 9377", Note.TOLL_FREE),
        ("+1-800-FLOWERS", Note.VANITY),
        ("+1 202 555 0143", Note.FICTIONAL),
        ("+44 70 1234 5678", Note.PERSONAL),
        ("+44 55 1234 5678", Note.UAN),
        ("+55 800 123 4567", Note.TOLL_FREE),
        ("+881 6 1234 5678", Note.SATELLITE),
        ("+870 773 111 632", Note.SATELLITE),
        ("+39 33 1234 56789", None),
        ("'+442079460958", Note.APOSTROPHE),
        ("p:+442079460958", Note.LABEL),
        ("+442079460958.0", Note.TRAILING_ZERO),
        ("+٤٤٢٠٧٩٤٦٠٩٥٨", Note.OTHER_DIGITS),
        ("+44 20 7946 0958", None),
    ],
)
def test_what_is_mended_or_uncommon_is_noted(cell: str, note: Note | None) -> None:
    reading = read_number(cell)

    assert isinstance(reading, Phone) or note is None
    assert note is None or note in getattr(reading, "notes", ())


# --- several numbers in a cell ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "region", "answer"),
    [
        ("202555; (303) 555-0143", "US", "not_a_number"),
        ("2025550143; 3035550143", "US", "+12025550143"),
        ("2025550; 3035550143", "US", "+13035550143"),
        ("900 555 0143; 3035550143", "US", "+13035550143"),
        ("12345 / +14155552671", None, "+14155552671"),
        ("+1415 / +919876543210", None, "+919876543210"),
        ("2025550143 x5; 3035550143", "US", "+13035550143"),
        ("030 1234567/57; 030 7654321", "DE", "+49307654321"),
        ("0151 23456789 / 0171 2345679", "DE", "+4915123456789"),
        ("2025550143; 3035550143", None, "multiple_numbers"),
        ("+1 202 555 0143 +1 303 555 0143", None, "+12025550143"),
        ("13800138000、13900139000", "CN", "+8613800138000"),
        ("030 1234 5678 030 1234 5679", "DE", "multiple_numbers"),
        ("030 1234567/57", "DE", "multiple_numbers"),
        ("+12025550143 ext. 5", None, "extension"),
        ("2025550143", None, "missing_country_code"),
    ],
)
def test_the_first_usable_number_of_a_cell_is_taken_when_asked(cell: str, region: str | None, answer: str) -> None:
    assert told(read_numbers([cell], [region], take_first=True)[0]) == answer


def test_the_first_number_of_a_cell_is_judged_by_the_rules_over_the_whole_list() -> None:
    rows = [*GLUED, "+4792345678; +12025550143"]

    assert told(read_numbers(rows, take_first=True)[-1]) == "+12025550143"


def test_progress_is_told_and_may_stop_the_reading() -> None:
    class Stop(Exception):
        pass

    def stop(done: int) -> None:
        if done:
            raise Stop

    told_of: list[int] = []
    read_numbers(["+442079460958"] * 501, tick=told_of.append)

    assert told_of == [0, 125, 250, 250, 375, 500]
    with pytest.raises(Stop):
        read_numbers(["+442079460958"] * 501, tick=stop)


# --- regions and time zones ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("IN", "IN"),
        (" in ", "IN"),
        ("India", "IN"),
        ("GERMANY", "DE"),
        ("uk", "GB"),
        ("United Kingdom", "GB"),
        ("United States", "US"),
        ("USA", "US"),
        ("UAE", "AE"),
        ("Scotland", "GB"),
        ("Côte d’Ivoire", "CI"),
        ("Viet Nam", "VN"),
        ("Türkiye", "TR"),
        ("U.S.A.", "US"),
        ("91", "IN"),
        ("+91", "IN"),
        ("0091", "IN"),
        ("+1", "US"),
        ("7", "RU"),
        ("91.0", "IN"),
        ("IN (+91)", "IN"),
        ("India +91", "IN"),
        ("India - +91", "IN"),
        ("Canada (+1)", "CA"),
    ],
)
def test_a_region_is_known_by_code_name_or_country_code(text: str, region: str) -> None:
    assert region_code(text) == region


@pytest.mark.parametrize("text", ["", "XX", "N/A", "Atlantis", "800", "+881", "999", "9" * 5_000, "٩١", "TX", "Bayern"])
def test_what_names_no_country_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="ISO 3166 code of two letters"):
        region_code(text)


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+12025550143", ("America/New_York",)),
        ("+13126940000", ("America/Chicago",)),
        ("+18764123456", ("America/Jamaica",)),
        ("+442079460958", ("Europe/London",)),
        ("+919876543210", ("Asia/Calcutta",)),
        ("+525512345678", ("America/Mexico_City",)),
        ("+61291234567", ("Australia/Sydney",)),
        ("+881612345678", ()),
        ("+80012345678", ()),
    ],
)
def test_the_time_zones_of_a_number_are_told(number: str, zones: tuple[str, ...]) -> None:
    reading = read_number(number)

    assert isinstance(reading, Phone)
    assert time_zones(reading) == zones


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+79123456789", {"Europe/Moscow", "Asia/Vladivostok"}),
        ("+61412345678", {"Australia/Sydney", "Australia/Perth"}),
        ("+34612345678", {"Europe/Madrid", "Atlantic/Canary"}),
        ("+18003569377", {"America/New_York", "America/Los_Angeles"}),
    ],
)
def test_a_number_that_may_be_in_several_zones_has_them_all(number: str, zones: set[str]) -> None:
    reading = read_number(number)

    assert isinstance(reading, Phone)
    assert zones < set(time_zones(reading)) or zones == set(time_zones(reading))


# --- what is only noted ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["15123456701", "13612345678"])  # mobiles of Germany and China; lines of Texas
def test_bare_digits_that_may_have_lost_their_zero_are_read_with_their_country_code_and_noted(cell: str) -> None:
    reading = read_number(cell)

    assert isinstance(reading, Phone)
    assert (reading.number, reading.notes) == (f"+{cell}", (Note.ALSO_NATIONAL,))


@pytest.mark.parametrize("cell", ["919876543210", "447400123456", "12025550143", "33612345678"])
def test_bare_digits_that_can_hardly_be_national_are_not(cell: str) -> None:
    reading = read_number(cell)

    assert isinstance(reading, Phone)
    assert Note.ALSO_NATIONAL not in reading.notes


def test_where_bare_digits_really_decides_that_is_noted() -> None:
    cells = ["15123456701", "4915123456702", "+4915123456703", "015123456704"]

    international = read_numbers(cells, ["DE"] * 4, "international")
    national = read_numbers(cells, ["DE"] * 4, "national")

    assert [Note.SETTLED in reading.notes for reading in international if isinstance(reading, Phone)] == [
        True,
        True,
        False,
        False,
    ]
    assert [Note.SETTLED in reading.notes for reading in national if isinstance(reading, Phone)] == [
        True,
        True,
        False,
        False,
    ]


def test_a_national_number_that_another_country_of_the_list_has_too_is_noted() -> None:
    readings = read_numbers(["07400 123456", "+44 7400 123457", "98765 43210"], ["IN"] * 3)

    assert [reading.notes for reading in readings if isinstance(reading, Phone)] == [(Note.ALSO_SHOWN,), (), ()]


def test_where_rows_name_their_countries_no_other_is_thought_of() -> None:
    readings = read_numbers(["07400 123456", "+44 7400 123457", "030 1234567"], ["IN", None, "DE"])

    assert all(Note.ALSO_SHOWN not in reading.notes for reading in readings if isinstance(reading, Phone))
