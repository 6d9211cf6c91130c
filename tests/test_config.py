"""Settings: what the environment and the command line say, and what they may not say."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from audiences_mcp.config import DEFAULT_URL, Settings, is_set, settings_from
from audiences_mcp.errors import NotConfigured

KEY = "sk_0123456789abcdef"
FLAGS = {"AUDIENCES_MCP_SANDBOX": "sandbox", "AUDIENCES_MCP_READ_ONLY": "read_only"}
SWITCHES = {**FLAGS, "AUDIENCES_MCP_MASK_NUMBERS": "mask_numbers"}
UNSET = ["", " ", "\t\n", "${user_config.x}", " ${user_config.api_key} ", "${input:atoms-key}", "${}", "a${env.HOME}b"]


def test_without_any_setting_the_defaults_hold() -> None:
    assert settings_from({}) == Settings(
        api_key=None,
        api_url="https://api.smallest.ai/atoms/v1",
        sandbox=False,
        default_region=None,
        read_only=False,
    )


def test_the_environment_of_the_process_is_read_when_the_call_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ATOMS_API_URL", "ATOMS_API_KEY", *SWITCHES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SMALLEST_API_KEY", KEY)
    assert settings_from().api_key == KEY
    assert settings_from() == settings_from(os.environ)


def test_settings_cannot_be_changed_later() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().api_key = KEY  # type: ignore[misc]


@pytest.mark.parametrize("value", UNSET)
def test_an_empty_or_unsubstituted_value_counts_as_unset(value: str) -> None:
    names = ("SMALLEST_API_KEY", "ATOMS_API_KEY", "ATOMS_API_URL", "AUDIENCES_MCP_DEFAULT_REGION", *SWITCHES)
    assert settings_from(dict.fromkeys(names, value)) == Settings()
    assert not is_set(value)


def test_a_value_that_says_something_is_set() -> None:
    assert not is_set(None)
    assert all(map(is_set, ["x", " x ", "off", "0", "null", "$HOME", "{x}", "${unclosed"]))


# The key


@pytest.mark.parametrize("name", ["SMALLEST_API_KEY", "ATOMS_API_KEY"])
def test_the_key_is_taken_under_either_name_without_the_spaces_around_it(name: str) -> None:
    assert settings_from({name: f" {KEY}\n"}).api_key == KEY


@pytest.mark.parametrize("value", UNSET)
def test_the_second_name_counts_when_the_first_is_unset(value: str) -> None:
    assert settings_from({"SMALLEST_API_KEY": value, "ATOMS_API_KEY": KEY}).api_key == KEY


def test_of_both_names_the_first_counts() -> None:
    assert settings_from({"SMALLEST_API_KEY": KEY, "ATOMS_API_KEY": "sk_other"}).api_key == KEY


def test_no_representation_of_the_settings_shows_the_key() -> None:
    settings = settings_from({"SMALLEST_API_KEY": KEY, "AUDIENCES_MCP_DEFAULT_REGION": "IN"})
    for text in (repr(settings), str(settings), f"{settings}", f"{[settings]}"):
        assert KEY not in text
        assert "api_url='https://api.smallest.ai/atoms/v1'" in text
        assert "default_region='IN'" in text


# Switches


@pytest.mark.parametrize(("name", "field"), SWITCHES.items())
@pytest.mark.parametrize(
    ("value", "on"),
    [
        *[(text, True) for text in ("1", "true", "yes", "on", "ON", "True", " yes ")],
        *[(text, False) for text in ("0", "false", "no", "off", "Off", "NO", " false ")],
    ],
)
def test_a_switch_is_on_or_off(name: str, field: str, value: str, *, on: bool) -> None:
    assert getattr(settings_from({name: value}), field) is on


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("value", ["2", "maybe", "tru", "none", KEY])
def test_a_switch_that_is_neither_is_refused_without_its_value(name: str, value: str) -> None:
    with pytest.raises(NotConfigured) as error:
        settings_from({name: value})
    assert str(error.value) == f"{name} must be on or off."


@pytest.mark.parametrize(("name", "field"), FLAGS.items())
def test_a_flag_of_the_command_line_turns_a_switch_on_whatever_the_environment_says(name: str, field: str) -> None:
    flag: Any = {field: True}
    assert getattr(settings_from({name: "off"}, **flag), field) is True
    assert getattr(settings_from({name: "on"}), field) is True
    others = [other for other in FLAGS.values() if other != field]
    assert [getattr(settings_from({}, **flag), other) for other in others] == [False]


def test_folders_come_from_the_environment_and_the_command_line_without_repeats(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    listed = os.pathsep.join([" /lists ", "~/leads", "", "relative"])

    found = settings_from({"AUDIENCES_MCP_FOLDERS": listed}, folders=["/lists", "${user_config.x}", "", "/more lists"])

    assert found.folders == (Path("/lists"), tmp_path / "leads", tmp_path / "relative", Path("/more lists"))
    assert settings_from({"AUDIENCES_MCP_FOLDERS": "${user_config.folders}"}).folders == ()


@pytest.mark.parametrize("unset", UNSET)
def test_of_several_folders_those_that_are_unset_take_none_of_the_others_along(unset: str) -> None:
    listed = os.pathsep.join(["/lists", unset, "/leads"])

    assert settings_from({"AUDIENCES_MCP_FOLDERS": listed}).folders == (Path("/lists"), Path("/leads"))


def test_a_client_that_does_not_know_where_home_is_leaves_that_to_the_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    names = ("AUDIENCES_MCP_FOLDERS", "AUDIENCES_MCP_SUPPRESSION_FILE", "AUDIENCES_MCP_AUDIT_LOG")

    found = settings_from(dict.fromkeys(names, "${HOME}/given"), folders=["${HOME}/Downloads"])

    assert found.folders == (tmp_path / "given", tmp_path / "Downloads")
    assert found.suppression_file == found.audit_log == tmp_path / "given"


def test_the_suppression_file_is_an_absolute_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    found = settings_from({"AUDIENCES_MCP_SUPPRESSION_FILE": "never.csv"})

    assert found.suppression_file == tmp_path / "never.csv"
    assert settings_from({"AUDIENCES_MCP_SUPPRESSION_FILE": " "}).suppression_file is None


def test_the_default_region_is_kept_as_written() -> None:
    assert settings_from({"AUDIENCES_MCP_DEFAULT_REGION": " in "}).default_region == "in"


# The URL, to which the key is sent


@pytest.mark.parametrize(
    "url",
    [
        DEFAULT_URL,
        "https://atoms-api.smallest.ai/api/v1",
        "https://localhost",
        "https://10.0.0.7:8443/a_b/~c-d.e/%20",
        "https://[2001:db8::1]:65535/v1",
        "HTTPS://API.SMALLEST.AI/atoms/v1",
        "https://atoms_proxy:0",
        "http://localhost",
        "http://LOCALHOST:8000/atoms/v1",
        "http://127.0.0.1:41829/atoms/v1",
        "http://127.255.255.254/",
        "http://[::1]",
        "http://[::1]:8000/atoms/v1",
        "HTTP://[0:0:0:0:0:0:0:1]/atoms/v1",
    ],
)
def test_https_anywhere_and_http_on_this_machine_are_taken(url: str) -> None:
    assert settings_from({"ATOMS_API_URL": url}).api_url == url.rstrip("/")
    assert settings_from({"ATOMS_API_URL": f" {url.rstrip('/')}/ "}).api_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        # http, but not to this machine
        "http://api.smallest.ai/atoms/v1",
        "http://0.0.0.0",
        "http://[::]",
        "http://10.0.0.7",
        "http://169.254.169.254/latest",
        "http://localhost.example.com",
        "http://localhost.",
        "http://127.0.0.1.example.com",
        "http://127.1",
        "http://2130706433",
        "http://0x7f000001",
        # no HTTP
        "file:///etc/passwd",
        "ftp://example.com",
        "ws://localhost",
        "javascript:alert(1)",
        "httpss://example.com",
        "api.smallest.ai",
        "//api.smallest.ai",
        "/atoms/v1",
        "https:/api.smallest.ai",
        "https:api.smallest.ai",
        "https://",
        "https:///atoms/v1",
        "https://:443",
        # a user, which hides the host and is a secret of its own
        "https://user@api.smallest.ai",
        "https://user:secret@api.smallest.ai/atoms/v1",
        "https://api.smallest.ai@example.com",
        "http://localhost@example.com",
        "http://localhost:80@example.com",
        "http://example.com#@localhost",
        "http://example.com\\@localhost",
        "http://localhost\\.example.com",
        "https://@api.smallest.ai",
        # query and fragment, which would swallow the path
        "https://api.smallest.ai/atoms/v1?",
        "https://api.smallest.ai/atoms/v1?key=secret",
        "https://api.smallest.ai?x",
        "https://api.smallest.ai/atoms/v1#",
        "https://api.smallest.ai/atoms/v1#secret",
        # what two parsers could read in two ways
        "https://api.smallest.ai:65536",
        "https://api.smallest.ai:port",
        "https://api.smallest.ai:",
        "https://api.smallest.ai:-1",
        "https://api.smallest.ai:٤٤٣",
        "https://[::1",
        "https://::1",
        "https://[::1]x",
        "https://[localhost]",
        "https://api smallest.ai",
        "https://api.\nsmallest.ai",
        "https://api.smallest.ai/atoms\r\nX-Key: secret",
        "https://api.smallest.ai/\x00",
        "https://bücher.example",
        "http://\uff4cocalhost",
        "http\u017f://example.com",
        "https://api.\u017fmallest.ai",
        "https://api.smallest.ai/ä",
    ],
)
def test_every_other_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(NotConfigured) as error:
        settings_from({"ATOMS_API_URL": url})
    assert str(error.value) == (
        "ATOMS_API_URL must begin with https:// (or http:// on this machine) and have no user, query or fragment, as in "
        "https://api.smallest.ai/atoms/v1: the key is sent to it."
    )
