"""Which columns hold the phone number and the name, and what the others are called in Atoms."""

import json

import pytest

from audiences_mcp.contacts.columns import (
    Column,
    find_header,
    label_columns,
    number_columns,
    phone_cells,
    phone_columns,
    sent_columns,
    variable_name,
)
from audiences_mcp.contacts.headers import is_fax_kind, is_phone_header, names_other_digits, names_phones
from audiences_mcp.contacts.sources import table_from_csv
from audiences_mcp.contacts.tables import Row, Table
from audiences_mcp.errors import InvalidInput


def table(headers: str, *rows: str) -> Table:
    """Return a table of cells that are separated by bars."""
    return Table(
        tuple(headers.split("|")),
        [Row(number, tuple(cell.strip() for cell in row.split("|"))) for number, row in enumerate(rows, 2)],
    )


def found(listed: Table, region: str | None = None) -> list[str]:
    return [listed.headers[place] for place in phone_columns(listed, [], region)]


def refusal(listed: Table, region: str | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        phone_columns(listed, [], region)
    return str(caught.value)


# --- the phone column found in the data ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "headers", "rows"),
    [
        (None, "*|name", ["+442079460958|Ann", "+12025550143|Bob"]),
        (None, "name|*", ["Ann|442079460958"]),
        ("US", "id|*|pincode", ["1|(202) 555-0143|560001", "2|202.555.0199|560002"]),
        # half of the cells are in trouble
        (None, "name|*", ["Ann|+442079460958", "Bob|n/a", "Cem|", "Dan|+12025550143", "Eve|call office"]),
        ("US", "*|zip|joined", ["2025550143|20500|2024-01-31", "9.1E+11|20501|2024-02-28", "x|20502|2024-03-31"]),
        # numbers without a country code: no other column is like one
        (None, "name|*|amount", ["Ann|(202) 555-0143|1,200.00", "Bob|202-555-0199|950.50"]),
        (None, "name|*", ["Ann|2025550143 / 2025550199", "Bob|202 555 0199 x5"]),
        (None, "name|*", ["Ann|9.19877E+11", "Bob|9.19123E+11"]),
        # dates, ids, amounts, coordinates
        ("DE", "*|seen|due", ["030 1234567|2024-01-15|15.01.2024", "0151 23456789|2024-02-15 10:30|1/31/2024"]),
        ("US", "*|amount|lat", ["2025550143|1,234,567.00|38.8977", "2025550199|2,345,678.10|-77.0365"]),
        ("IN", "*|pincode|aadhaar", ["9876543210|560001|1234", "9123456780|560002|5678"]),
    ],
)
@pytest.mark.parametrize("header", ["kontakt", "Phone", "Телефон", "x"])
def test_the_phone_column_is_found_by_its_cells_whatever_its_header(
    region: str | None, headers: str, rows: list[str], header: str
) -> None:
    assert found(table(headers.replace("*", header), *rows), region) == [header]


def test_rows_that_name_their_country_are_read_in_it() -> None:
    listed = table("contact|land|code", "020 7946 0958|GB|1234567", "98765 43210|IN|2345678")

    assert phone_columns(listed, [], None, number_columns(listed, ["GB", "IN"])) == [0]


def test_a_long_list_is_looked_at_evenly() -> None:
    rows = [f"|{number}" for number in range(1_000)] + ["+442079460958|x"] * 1_000

    assert found(table("contact|n", *rows)) == ["contact"]


@pytest.mark.parametrize("rows", [200, 400, 501, 1_000, 3_000])
@pytest.mark.parametrize(("header", "every"), [("landline", 2), ("phone 2", 3), ("phone 2", 7)])
def test_numbers_in_every_second_row_or_in_some_rows_below_a_phone_header_are_found(
    rows: int, header: str, every: int
) -> None:
    cells = ["n/a" if number % every else f"+1415{2_000_000 + number}" for number in range(rows)]
    both = [(f"+4420794{index:05}", cell) for index, cell in enumerate(cells)]
    listed = Table(("mobile", header), [Row(index, pair) for index, pair in enumerate(both, 2)])

    assert number_columns(listed) == [0, 1]
    assert set(cells) < set(phone_cells(listed))


def test_two_columns_of_numbers_are_refused_with_both_and_a_ready_order() -> None:
    listed = table('home "1"|name|mobile', "|Ann|+442079460911", "+442079460958|Bob|+12025550143")

    message = refusal(listed)

    assert "More than one column holds phone numbers: 'home \"1\"' (such as …58); 'mobile' (such as …11)." in message
    assert json.loads(message[message.index("[") : message.index("]") + 1]) == [
        "mobile",
        'home "1"',
    ]  # mobiles are tried first
    assert "2079460" not in message  # only the last two digits are shown


@pytest.mark.parametrize(
    ("headers", "rows"),
    [
        # real numbers of another kind must not win over the column that is named for them
        ("Phone|Contact", ["n/a|+442079460958", "+44207946|+442079460911", "none|+442079460912"]),
        ("Mobile number|Kunde", ["020 7946 0958|442079460958", "x|442079460911", "x|442079460912"]),
        ("tel|fallback", ["(202) 555-0143|+442079460958", "(202) 555-0199|+442079460911"]),
    ],
)
def test_a_column_that_is_named_for_phones_is_never_passed_over(headers: str, rows: list[str]) -> None:
    assert "More than one column" in refusal(table(headers, *rows))


@pytest.mark.parametrize(
    "header",
    ["Order ID", "orderId", "order_id", "ID", "invoice no", "Account", "PIN code", "created_at", "Timestamp", "Fax"],
)
def test_a_single_column_that_is_named_for_other_digits_is_asked_about(header: str) -> None:
    message = refusal(table(f"name|{header}", "Ann|1712345678", "Bob|1723456789"), "DE")

    assert f"{header!r} (such as …78), which is named like something else." in message
    assert f'set phone_columns to ["{header}"]' in message


@pytest.mark.parametrize("header", ["Paid", "Video", "Pinterest", "Update", "Sprint"])
def test_only_whole_words_of_a_header_name_other_digits(header: str) -> None:
    assert found(table(f"name|{header}", "Ann|+442079460958")) == [header]


@pytest.mark.parametrize(
    ("headers", "rows"),
    [
        ("name|city", ["Ann|Pune", "Bob|Delhi"]),
        ("phone|name", ["n/a|Ann", "|Bob"]),
        ("phone|name", ["|Ann", "|Bob"]),
        ("id|joined|pincode", ["17|2024-01-31|560001", "18|31.01.2024|560002"]),
        ("phone|amount", ["12|1,234.50", "13|20.00"]),
    ],
)
def test_a_list_without_numbers_is_refused_with_its_columns(headers: str, rows: list[str]) -> None:
    message = refusal(table(headers, *rows))

    assert message.startswith("No column of the list holds phone numbers: name the right one in phone_columns.")
    assert repr(headers.split("|", maxsplit=1)[0]) in message


def test_only_the_first_columns_of_a_wide_list_are_named() -> None:
    assert "'c19' and 5 more." in refusal(table("|".join(f"c{n}" for n in range(25)), "|" * 24))


def test_the_source_may_know_its_phone_column() -> None:
    listed = Table(("a", "b"), [Row(1, ("+442079460958", ""))], phone_column="b")

    assert phone_columns(listed, [], None) == [1]


def test_named_columns_are_taken_in_their_order_and_once() -> None:
    listed = table("home|mobile|name", "1|2|Ann")

    assert phone_columns(listed, ["Mobile", " home ", "mobile"], None) == [1, 0]


# --- headers that the caller names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "place"), [("Phone", 0), ("phone", 1), (" phone ", 1), ("NAME", 2), ("İl", 3)])
def test_a_header_is_found_as_written_or_else_by_its_letters(wanted: str, place: int) -> None:
    assert find_header(table("Phone|phone|Name|İl", "|||"), wanted, "only_where") == place


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("phnoe", "phone_columns: the list has no column 'phnoe'; did you mean 'phone'?"),
        ("zzz", "phone_columns: the list has no column 'zzz'; it has 'phone', 'Name', 'NAME'."),
        ("name", "phone_columns: 'name' could be 'Name', 'NAME'."),
    ],
)
def test_a_header_that_is_not_there_or_not_clear_is_refused(wanted: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_header(table("phone|Name|NAME", "||"), wanted, "phone_columns")
    assert str(caught.value) == words


# --- the name of a row -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "labels"),
    [
        ("phone|Name", [1]),
        ("Full Name|first_name|phone", [0]),
        ("last name|phone|First-Name", [2, 0]),
        ("phone|firstName|lastName", [1, 2]),
        ("phone|Surname", [1]),
        ("phone|Contact Name|Name", [2]),
        ("phone|city", []),
        ("phone|Patient", [1]),
        ("Client|phone|Patient Name", [2]),
        ("Lead|phone|First name", [2]),
        ("phone|Lead", [1]),
        ("phone|Naam", [1]),
        ("電話番号|氏名", [1]),
        ("Телефон|Имя", [1]),
        ("फ़ोन|नाम", [1]),
        ("TÉLÉPHONE|PRÉNOM", [1]),
    ],
)
def test_a_row_is_known_by_its_name_cells(headers: str, labels: list[int]) -> None:
    assert label_columns(table(headers, "|" * headers.count("|"))) == labels


# --- the columns that are sent ---------------------------------------------------------------------------------------

LISTED = table("name|phone|city|plan", "Ann|+1|Pune|gold")


def test_all_columns_are_sent_with_the_phone_column_first() -> None:
    columns, dropped = sent_columns(LISTED, 1, None, {})

    assert columns == [Column("phone", "phone", 1), Column("name", "name", 0), *columns[2:]]
    assert [column.name for column in columns[2:]] == ["city", "plan"]
    assert dropped == []


@pytest.mark.parametrize(
    ("keep", "mapping", "names", "dropped"),
    [
        (["City"], {}, ["phone", "city"], ["name", "plan"]),
        ([], {}, ["phone"], ["name", "city", "plan"]),
        (["phone", "plan"], {}, ["phone", "plan"], ["name", "city"]),
        (None, {"City": "town"}, ["phone", "name", "town", "plan"], []),
        (["name"], {"city": "town"}, ["phone", "name", "town"], ["plan"]),
        (None, {"phone": "mobile"}, ["mobile", "name", "city", "plan"], []),
        (None, {"city": "plan"}, ["phone", "name", "plan", "plan_wfdvdu"], []),
    ],
)
def test_columns_are_kept_dropped_and_renamed_as_asked(
    keep: list[str] | None, mapping: dict[str, str], names: list[str], dropped: list[str]
) -> None:
    columns, left_out = sent_columns(LISTED, 1, keep, mapping)

    assert ([column.name for column in columns], left_out) == (names, dropped)


@pytest.mark.parametrize("mapping", [{"name": "x", "city": "x"}, {"City": "x", "city": "y"}])
def test_two_columns_cannot_get_one_name(mapping: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="column_mapping gives two columns one name"):
        sent_columns(LISTED, 1, None, mapping)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("first_name", "first_name"),
        ("First Name", "First_Name"),
        (" E-Mail (work)", "E_Mail_work"),
        ("prénom", "prenom"),
        ("Straßenname (größe)", "Strassenname_grosse"),
        ("soyadı", "soyadi"),
        ("姓名", "column_czvcpf"),
        ("Имя  1", "1_bmhqsh"),
        ("?", "column_ilyjfd"),
    ],
)
def test_a_header_becomes_the_name_of_a_call_variable(header: str, name: str) -> None:
    assert variable_name(header) == name


def test_names_stay_apart() -> None:
    listed = table("phone|a b|a-b|a_b|a_b_2|名", "|||||")

    columns, _ = sent_columns(listed, 0, None, {})

    assert [column.name for column in columns] == ["phone", "a_b_sasiop", "a_b_epugvq", "a_b", "a_b_2", "column_djgzna"]


def test_a_name_is_made_of_the_header_and_not_of_its_place() -> None:
    headers = [
        "Имя",
        "имя",
        "Город",
        "Имя 1",
        "Город 1",
        "First Name",
        "First-Name",
        "first_name",
        "first-name",
        "?",
        "#",
    ]

    def names(order: list[str]) -> dict[str, str]:
        columns, _ = sent_columns(Table(("phone", *order), []), 0, None, {})
        return {column.source: column.name for column in columns}

    assert names(headers) == names(headers[::-1])
    assert len(set(names(headers).values())) == len(headers) + 1
    assert names(headers)["first_name"] == "first_name"
    assert variable_name("Имя") == variable_name(" имя ")


def test_many_like_headers_take_no_long_time() -> None:
    listed = Table(("phone", *(f"{chr(0x4E00 + number)}?" for number in range(20_000))), [])
    same = Table(("phone", *(f"a{chr(0x4E00 + number)}" for number in range(20_000))), [])

    for each in (listed, same):
        names = {column.name for column in sent_columns(each, 0, None, {})[0]}
        assert len(names) == 20_001


def test_the_phone_column_of_a_csv_text_is_found() -> None:
    assert found(table_from_csv("Name;Handy\nAnn;030 1234567\n"), "DE") == ["Handy"]


@pytest.mark.parametrize(
    "header",
    [
        "Sales Rep Phone",
        "Old Phone (do not use)",
        "Customer No",
        "Fax",
        "Assistant's Phone",
        "Phone (DO NOT CALL)",
        "Card number",
    ],
)
def test_a_column_of_somebody_elses_numbers_is_asked_about(header: str) -> None:
    message = refusal(table(f"name|{header}", "Ann|+442079460911", "Bob|+12025550143"))

    assert "which is named like something else" in message


@pytest.mark.parametrize("header", ["Customer Phone", "Account Phone", "Phone No", "Mobile number", "Contact number"])
def test_a_column_that_names_whose_phone_it_is_is_taken(header: str) -> None:
    assert phone_columns(table(f"name|{header}", "Ann|+442079460911", "Bob|+12025550143"), [], None) == [1]


# --- what a header says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "region", "number"),
    [
        ("Kundennummer", "DE", "30123456"),
        ("Kunden-Nr.", "DE", "30123456"),
        ("Auftragsnummer", "DE", "30123456"),
        ("Mitgliedsnr", "DE", "30123456"),
        ("CPF", "BR", "11987654321"),
        ("SIREN", "FR", "612345678"),
        ("N° client", "FR", "612345678"),
        ("Número de documento", "CO", "3001234567"),
        ("Cédula", "CO", "3001234567"),
        ("Loan No", "IN", "9876543210"),
        ("Application Number", "IN", "9876543210"),
        ("Consumer no.", "IN", "9876543210"),
        ("UHID", "IN", "9876543210"),
        ("NHS No", "GB", "7911123456"),
        ("Klantnummer", "NL", "612345678"),
        ("Org.nr", "SE", "701234567"),
        ("Kundnummer", "SE", "701234567"),
        ("Número de póliza", "ES", "612345678"),
        ("Numer klienta", "PL", "512345678"),
        ("Müşteri No", "TR", "5321234567"),
        ("Номер договора", "RU", "9123456789"),
        ("顧客番号", "JP", "9012345678"),
        ("CVR", "DK", "20123456"),
        ("Counsellor number", "IN", "9876543210"),
        ("Assigned to", "IN", "9876543210"),
    ],
)
def test_a_column_named_for_another_number_is_never_taken_alone_or_beside_a_phone(
    header: str, region: str, number: str
) -> None:
    rows = [f"Ann|{number}|Berlin|{number[:-1]}4", f"Bob|{number[:-1]}1|Ulm|{number[:-1]}2"]

    assert "which is named like something else" in refusal(
        table(f"name|{header}|city|x", *(row[: -len(number)] for row in rows)), region
    )
    assert found(table(f"name|{header}|city|Mob. No.", *rows), region) == ["Mob. No."]


@pytest.mark.parametrize(
    "header",
    [
        "Number",
        "Número",
        "Nr",
        "Nº",
        "Nummer",
        "Patient contact no",
        "Client contact",
        "Durchwahl",
        "Your number, so that we can process your application",
    ],
)
def test_a_column_of_numbers_whose_header_says_no_more_is_taken(header: str) -> None:
    assert found(table(f"name|{header}", "Ann|+442079460911", "Bob|+12025550143")) == [header]


@pytest.mark.parametrize(
    "header",
    [
        *("TÉLÉPHONE", "MÓVIL", "TELÉFONO MÓVIL", "TÉL", "SĐT", "KOMÓRKA", "NÚMERO"),
        *("Natel", "Puh.", "Sími", "Farsími", "Tālrunis", "Namba ya simu", "Тел.", "Утас", "Nomor WA", "H/P No"),
        *("נייד", "رقم الموبايل", "تلفن همراه", "فون نمبر", "दूरध्वनी", "মোবাইল নম্বর", "கைபேசி", "ఫోన్ నంబర్"),
        *("ಮೊಬೈಲ್", "ഫോൺ", "મોબાઇલ", "ਫ਼ੋਨ", "ტელეფონი", "Հեռախոս", "លេខទូរស័ព្ទ", "มือถือ", "联系方式", "电话TEL"),
    ],
)
def test_a_phone_column_is_known_by_its_header_in_any_case_and_many_languages(header: str) -> None:
    assert is_phone_header(header)
    assert not names_other_digits(header)


@pytest.mark.parametrize(
    "header", ["Kaufpreis", "Rechnungsbetrag", "Importe", "AHV-Nr", "IC No", "N° CIN", "PÓLIZA Nº"]
)
def test_amounts_and_numbers_of_persons_are_no_second_phone_column(header: str) -> None:
    assert found(table(f"name|{header}|Telefon", "Ann|350.000|0151 12345678", "Bob|360.000|0151 12345679"), "DE") == [
        "Telefon"
    ]


@pytest.mark.parametrize(
    ("fax", "other"), [("Work Fax", "Fax machines"), ("Pager 2", "Pager rental"), ("Fax (home)", "Home")]
)
def test_a_kind_of_phone_is_a_fax_and_no_fax_machine(fax: str, other: str) -> None:
    assert is_fax_kind(fax)
    assert not is_fax_kind(other)


@pytest.mark.parametrize("header", ["Xyz", "Vorgang", "Код", "Nr", "Number"])
def test_bare_digits_that_no_header_calls_phones_are_no_second_phone_column(header: str) -> None:
    assert found(table(f"name|{header}|Telefon", "Ann|30123456|0151 12345678", "Bob|30123457|"), "DE") == ["Telefon"]


@pytest.mark.parametrize(
    ("headers", "rows", "ready"),
    [
        # somebody else's numbers are written with a plus, those of the person without
        ("Nom|Tél.|Conseiller|Ligne directe", ["A|06 12 34 56 78|B|+33612345679"], ["Tél."]),
        ("Name|Rufnummer|Berater|Durchwahl", ["A|0151 12345678|B|+4915112345679"], ["Rufnummer"]),
        ("Name|GSM|Line", ["A|0470 12 34 56|+32470123457"], ["GSM"]),
        ("Name|Puhelin|Linja", ["A|040 123 4567|+358401234568"], ["Puhelin"]),
        ("Name|Branch|Home", ["A|+32470123456|+32470123457"], ["Branch", "Home"]),
        ("Name|Alternate|Mob", ["A|98765 43210|98765 43211"], ["Mob", "Alternate"]),
        ("Name|Mob|Xyz", ["A|n/a|9876543210", "A|n/a|9876543212", "A|9876543213|9876543210"], ["Mob"]),
    ],
)
def test_only_columns_that_may_be_named_for_phones_are_offered_where_one_is(
    headers: str, rows: list[str], ready: list[str]
) -> None:
    message = refusal(table(headers, *rows), "IN" if "Mob" in headers else None)

    assert "More than one column holds phone numbers" in message
    assert json.loads(message[message.index("[") : message.index("]") + 1]) == ready


def test_bare_digits_are_not_taken_silently_beside_the_phones_of_somebody_else() -> None:
    listed = table("Patient|Doctor phone|File", "Ann|0151 12345678|30123456")

    assert "'File' (such as …56), whose header does not say so, while 'Doctor phone'" in refusal(listed, "DE")


def test_the_numbers_of_somebody_else_do_not_win_over_national_ones() -> None:
    assert found(table("Patient|Mob|Doctor|Doctor line", "A|9876543210|Rao|+919811122233")) == ["Mob"]
    kin = table("Patient|Doctor mobile|Next of kin phone", "A|+919811122233|+919811122234")
    assert "More than one column" in refusal(kin)


@pytest.mark.parametrize("nothing", ["", "n/a", "-"])
def test_a_column_named_for_phones_that_holds_none_lets_no_other_be_taken_silently(nothing: str) -> None:
    message = refusal(table("Lead|Mobile|Line", f"A|{nothing}|+919811122233", f"B|{nothing}|+919811122234"))

    assert "'Line' (such as …33), whose header does not say so, while 'Mobile' is named for phones" in message
    assert "'Mobile (WhatsApp)' is named for phones" in refusal(
        table("Lead|Mobile (WhatsApp)|Line", f"A|{nothing}|+919811122233")
    )
    assert found(table("Lead|Best time to phone|Line", "A|in the evening|+919811122233")) == ["Line"]
    assert found(table("Lead|Home|Mobile", f"A|+12025550143|{nothing}")) == ["Home"]
    assert found(table("Lead|Mobile|Phone", f"A|{nothing}|+919811122233", f"B|{nothing}|+919811122234")) == ["Phone"]


@pytest.mark.parametrize(("header", "cell"), [("Phone Type", "Cell"), ("Phone consent", "Yes"), ("Phone OK?", "Y")])
def test_a_column_that_tells_something_of_phones_is_none_of_them(header: str, cell: str) -> None:
    assert found(table(f"Name|Ring on|{header}", f"Ann|+919811122233|{cell}")) == ["Ring on"]


@pytest.mark.parametrize("letter", ["C", "P", "T", "M"])
def test_codes_of_a_letter_and_digits_are_no_phones_beside_others(letter: str) -> None:
    rows = [f"{letter}-{number}|Ann|0151 {number}" for number in ("30123456", "30123457")]

    assert found(table("Code|Name|Telefon", *rows), "DE") == ["Telefon"]


@pytest.mark.parametrize("header", ["Immobilien-Nr.", "Automobile No", "Loan #", "Policy #"])
def test_numbers_of_things_with_a_phone_in_their_name_are_none(header: str) -> None:
    rows = [f"{number}|Ann|0151 {number}" for number in ("30123456", "30123457")]

    assert not names_phones(header)
    assert found(table(f"{header}|Name|Telefon", *rows), "DE") == ["Telefon"]


@pytest.mark.parametrize(
    "headers",
    [
        *("Doctor Name|Doctor Mobile", "Owner name|Owner phone", "Student|Guardian Mobile"),
        *("Broker|Broker Phone", "Pet Name|Owner Name|Owner Phone"),
    ],
)
def test_a_phone_is_taken_where_the_list_is_of_those_whose_it_is(headers: str) -> None:
    cells = ["Ann" for _ in headers.split("|")[1:]]

    assert found(table(headers, "|".join([*cells, "+919811122233"]))) == [headers.rpartition("|")[2]]


@pytest.mark.parametrize(
    "headers",
    [
        "Patient|Doctor Mobile",
        "Patient name|Doctor name|Doctor Mobile",
        "Student|Mobile|Guardian Mobile",
        "Name|Next of kin phone",
        "Deal|Owner|Owner Phone",
    ],
)
def test_a_phone_of_somebody_else_is_asked_about(headers: str) -> None:
    cells = ["" for _ in headers.split("|")[1:]]

    assert "named like something else" in refusal(table(headers, "|".join([*cells, "+919811122233"])))
