"""The columns of a list go into an audience that has columns of its own."""

import pytest

from audiences_mcp.contacts.check import Check, KnownLists, Options, check_table
from audiences_mcp.contacts.fit import Fit, fit_columns
from audiences_mcp.contacts.sources import table_from_csv


def checked(text: str, **mapping: str) -> Check:
    options = Options(phone_columns=["mobile"], column_mapping=mapping)
    return check_table(table_from_csv(text), options, KnownLists())


LIST = "mobile,First Name,city\n+442079460958,Ann,Pune\n"


def test_columns_of_the_same_name_fit_in_the_order_of_the_audience() -> None:
    fit = fit_columns(checked(LIST), ["phone", "city", "First_Name"], empty=False)

    assert fit == Fit(("phone", "city", "First_Name"), (1, 0), (), (), {})


def test_a_column_of_an_audience_made_elsewhere_fits_by_its_header() -> None:
    assert fit_columns(checked(LIST), ["phone", "First Name", "city"], empty=False).places == (0, 1)


def test_what_the_list_lacks_is_sent_blank_and_what_the_audience_lacks_is_told_with_what_was_meant() -> None:
    fit = fit_columns(checked(LIST), ["phone", "first_name", "town", "plan"], empty=False)

    assert fit.places == (None, None, None)
    assert fit.missing == ("first_name", "town", "plan")
    assert fit.unmatched == ("First Name", "city")
    assert fit.mapping == {"First Name": "first_name"}


def test_a_column_without_a_header_fits_only_where_the_caller_says_so() -> None:
    text = "mobile,,city\n+442079460958,Ann,Pune\n"

    fit = fit_columns(checked(text), ["phone", "column_2", "city"], empty=False)
    mapped = fit_columns(checked(text, column_2="column_2"), ["phone", "column_2", "city"], empty=False)

    assert (fit.places, fit.unmatched, fit.mapping) == ((None, 1), ("column_2",), {})
    assert mapped.places == (0, 1)
    assert fit_columns(checked(text), ["phone"], empty=True).places == (0, 1)


def test_a_column_that_is_blank_throughout_need_not_fit() -> None:
    fit = fit_columns(checked("mobile,note\n+442079460958, \n"), ["phone"], empty=False)

    assert fit == Fit(("phone",), (), (), (), {})


def test_an_empty_audience_takes_any_columns() -> None:
    fit = fit_columns(checked(LIST), ["phone", "old"], empty=True)

    assert fit == Fit(("phone", "First_Name", "city"), (0, 1), (), (), {})


@pytest.mark.parametrize("empty", [False, True])
def test_a_column_with_the_name_of_the_phone_column_has_no_place(empty: bool) -> None:  # noqa: FBT001
    fit = fit_columns(checked("mobile,phone\n+442079460958,+12025550143\n"), ["phone"], empty=empty)

    assert fit == Fit(("phone",), (), (), ("phone",), {})


def test_names_count_before_headers() -> None:
    check = checked("mobile,b,a\n+442079460958,of b,of a\n", a="b", b="c")

    assert fit_columns(check, ["phone", "b", "c"], empty=False).places == (1, 0)
    assert fit_columns(check, ["phone", "b"], empty=False).places == (1,)
