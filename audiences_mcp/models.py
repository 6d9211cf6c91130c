"""What the tools take and give, as their JSON schemas say it.

Field names are the contract with clients. Fields that are None or not set are left out of an answer, so that no
client meets a null that it did not expect. Every result begins with `summary` and ends with `next_step`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, NewType

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

MAX_PROBLEMS = 50
"""How many problems an answer holds; list_check_rows has the rest."""

MAX_MEMBERS = 10_000
"""How many members an audience may have (Atoms' limit)."""

E164 = NewType("E164", str)
"""A phone number that passed every rule: `+`, country code, national number. Made in `contacts.phones` alone."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be called: the only thing that can be sent to Atoms.

    Args:
        number: The checked number.
        fields: Texts for the columns after the phone column, in their order.
    """

    number: E164
    fields: tuple[str, ...] = ()


class Member(NamedTuple):
    """A stored member: its id and its columns, phone column included, as stored."""

    member_id: str
    data: Mapping[str, str]


def _as_text(value: Any) -> Any:  # noqa: ANN401 - whatever a client sent
    """Read whole numbers as text: several clients send digits unquoted. A float has lost digits and is refused."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else "" if value is None else value


Text = Annotated[str, BeforeValidator(_as_text)]


class Contact(BaseModel):
    """One person typed in chat."""

    model_config = ConfigDict(extra="forbid")

    phone_number: Text
    first_name: Text = ""
    last_name: Text = ""
    region: Text = Field("", description="ISO code of their country, e.g. IN")
    variables: dict[str, Text] = Field(default_factory=dict, description="Other columns, e.g. {city: Pune}")


class Counts(BaseModel):
    """The row accounting: `rows` is the sum of the others."""

    rows: int
    ready: int
    invalid: int
    duplicate: int
    suppressed: int
    already_member: int
    filtered_out: int


class ReasonCount(BaseModel):
    """How many rows were left out for one reason."""

    reason: str
    count: int


class Problem(BaseModel):
    """A row that will not be called, and what to do about it."""

    row: int
    label: str
    value: str
    reason: str
    hint: str
    duplicate_of: int | None = None


class Sample(BaseModel):
    """A ready row: what was written, what will be dialled."""

    row: int
    value: str
    phone_number: str
    region: str
    line_type: str
    fields: dict[str, str]


class DefaultRegion(BaseModel):
    """Which region numbers without a country code were read in, and whence it came."""

    region: str | None = None
    source: Literal["argument", "setting", "none"]


class ColumnInfo(BaseModel):
    """A column that is sent: its header in the list, its name in Atoms, its blank cells among the ready rows."""

    source: str
    name: str
    blank: int


class RegionCount(BaseModel):
    """Ready rows of one region code."""

    region: str
    count: int


class LineTypeCount(BaseModel):
    """Ready rows of one line type."""

    line_type: str
    count: int


class ZoneCount(BaseModel):
    """Ready rows of one time zone."""

    zone: str
    count: int


class CallingHours(BaseModel):
    """How many ready numbers are inside 08:00-21:00 of their local time now."""

    inside: int
    outside: int
    unknown: int


class Figures(BaseModel):
    """What a list of numbers is made of."""

    by_country: list[RegionCount]
    by_line_type: list[LineTypeCount]
    time_zones: list[ZoneCount]
    calling_hours_now: CallingHours


class CheckReport(BaseModel):
    """What a commit of the list would do, row by row; what matters most first, since some clients show only the start."""

    summary: str
    check_id: str
    counts: Counts
    by_reason: list[ReasonCount]
    problems: list[Problem]
    sample: list[Sample]
    default_region: DefaultRegion
    phone_columns: list[str]
    columns: list[ColumnInfo]
    dropped_columns: list[str]
    by_country: list[RegionCount]
    by_line_type: list[LineTypeCount]
    time_zones: list[ZoneCount]
    calling_hours_now: CallingHours
    audiences_needed: int
    warnings: list[str]
    next_step: str


class ListedRow(BaseModel):
    """One row of a check or an audit."""

    row: int
    label: str
    value: str
    phone_number: str | None = None
    status: str
    reason: str | None = None
    hint: str | None = None
    member_id: str | None = None


class CheckRows(BaseModel):
    """A page of the rows of a check."""

    summary: str
    rows: list[ListedRow]
    total: int
    next_page: int | None = None
    next_step: str


class StoredAudience(BaseModel):
    """An audience as it stands in Atoms after a commit."""

    audience_id: str
    name: str
    member_count: int
    phone_column: str
    columns: list[str]


# A commit repeats parts of its check; check_contacts describes them in full, and each byte of a schema costs on
# every turn of a conversation.
_SameObject = WithJsonSchema({"type": "object"})
_SameList = WithJsonSchema({"type": "array", "items": {"type": "object"}})


class Commit(BaseModel):
    """What a commit did."""

    summary: str
    check_id: str
    audiences: list[StoredAudience]
    counts: Annotated[Counts, _SameObject]
    by_reason: Annotated[list[ReasonCount], _SameList]
    problems: Annotated[list[Problem], _SameList]
    verified: bool
    already_done: bool
    warnings: list[str]
    next_step: str


class Addition(Commit):
    """What adding to an audience did."""

    audiences: Annotated[list[StoredAudience], _SameList]
    added: int
    skipped_by_atoms: int
    member_count: int


class CampaignInfo(BaseModel):
    """A campaign that uses an audience."""

    id: str
    name: str
    status: str
    created_at: str | None = None


class AudienceInfo(BaseModel):
    """A stored audience."""

    audience_id: str
    name: str
    description: str
    member_count: int
    phone_column: str
    campaigns: list[CampaignInfo]
    created_at: str | None = None
    updated_at: str | None = None


class AudienceList(BaseModel):
    """A page of the stored audiences, newest first."""

    summary: str
    audiences: list[AudienceInfo]
    total: int
    next_page: int | None = None
    next_step: str


class AudienceDetail(AudienceInfo):
    """One stored audience with its columns and the room left."""

    summary: str
    columns: list[str]
    capacity_left: int
    can_be_deleted: bool
    blocking_campaigns: Annotated[list[CampaignInfo], _SameList]
    next_step: str


class MemberInfo(BaseModel):
    """One stored member; `fields` are its columns without the phone column."""

    member_id: str
    phone_number: str
    fields: dict[str, str]


class MemberList(BaseModel):
    """A page of the members of an audience."""

    summary: str
    members: list[MemberInfo]
    total: int
    next_page: int | None = None
    omitted: int | None = None
    next_step: str


class MemberSearch(BaseModel):
    """The members of an audience that match."""

    summary: str
    members: Annotated[list[MemberInfo], _SameList]
    limit_reached: bool
    omitted: int | None = None
    next_step: str


class BlankColumn(BaseModel):
    """A column that is blank for some of the people who would be called."""

    column: str
    blank: int


class AuditProblem(Problem):
    """A stored member who should not, or cannot, be called."""

    member_id: str


class Audit(BaseModel):
    """Whether a stored audience is ready to dial, and what is in the way."""

    summary: str
    check_id: str
    audience_id: str
    name: str
    ready_to_dial: bool
    counts: Annotated[Counts, _SameObject]
    by_reason: Annotated[list[ReasonCount], _SameList]
    problems: list[AuditProblem]
    blank_columns: list[BlankColumn]
    by_country: Annotated[list[RegionCount], _SameList]
    by_line_type: Annotated[list[LineTypeCount], _SameList]
    time_zones: Annotated[list[ZoneCount], _SameList]
    calling_hours_now: Annotated[CallingHours, _SameObject]
    warnings: list[str]
    next_step: str


class Export(BaseModel):
    """The file that an audience was written into."""

    summary: str
    audience_id: str
    name: str
    file_path: str
    rows: int
    phone_column: str
    columns: list[str]
    verified: bool
    warnings: list[str]
    next_step: str


class PossibleMember(BaseModel):
    """A member who may be meant."""

    member_id: str
    phone_number: str


class Removal(BaseModel):
    """Who was removed, or would be."""

    summary: str
    audience_id: str
    name: str
    removed: int
    to_remove: int | None = None
    member_count: int
    not_found: list[str]
    not_found_count: int
    possible: list[PossibleMember]
    undo_check_id: str | None = None
    confirm_token: str | None = None
    warnings: list[str]
    next_step: str


class Deletion(BaseModel):
    """What was deleted, or what would be."""

    summary: str
    audience_id: str
    name: str
    member_count: int
    campaigns: Annotated[list[CampaignInfo], _SameList]
    deleted: bool
    already_done: bool
    confirm_token: str | None = None
    next_step: str
