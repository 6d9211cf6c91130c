"""What people ask for. Each task prepares the sandbox, tells the script what the person wants, and looks at both ends.

A task is done when the sandbox holds what the person wanted, and the person was told what they need to know.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from tests.agents.figures import Figures
from tests.agents.model import Model
from tests.agents.person import AGREED, Audience, Person, Reply
from tests.conftest import Organisation
from tests.tools.conftest import Clock, Wire, failed_before

ANN, BEN, CAS, DEE, EVE = "+14155552671", "+14155552672", "+14155552673", "+14155552674", "+14155552675"

Meet = Callable[[Person], Awaitable[Model]]


@dataclass
class Scene:
    """Where a task happens.

    Args:
        organisation: What is stored.
        folder: Where the person keeps files.
        clock: The server's.
        wire: The network between the server and the sandbox.
        meet: Connects a script that serves a person.
        person: Whom it serves.
        figures: What it took.
    """

    organisation: Organisation
    folder: Path
    clock: Clock
    wire: Wire
    meet: Meet
    person: Person = field(default_factory=lambda: Person({}))
    figures: Figures = field(default_factory=Figures)

    async def script(self, **answers: Reply | Callable[[], Reply]) -> Model:
        """Return a script for a person with these answers; the words of a question are the names, `_` any letters."""
        own = {words.replace("_", ".*"): reply for words, reply in answers.items()}
        self.person = Person({**own, **AGREED})
        model = await self.meet(self.person)
        self.figures = model.figures
        return model

    def late(self, reply: Reply, *, minutes: float) -> Callable[[], Reply]:
        """Return a reply that takes its time when it is first asked for."""
        waits = [minutes]

        def replied() -> Reply:
            self.clock.forward(minutes=waits.pop() if waits else 0)
            return reply

        return replied

    def file(self, name: str, text: str) -> str:
        """Write a file of the person."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def audience(self, name: str, text: str) -> str:
        """Make an audience whose first column has the numbers."""
        return self.organisation.audience(name, text, text.partition("\n")[0].partition(",")[0])

    def numbers(self, name: str) -> set[str]:
        """Return the numbers that are stored in an audience."""
        return {member[self.stored(name)["phoneNumberColumnName"]] for member in self.members(name)}

    def members(self, name: str) -> list[dict[str, str]]:
        """Return what is stored in an audience."""
        return self.organisation.members(self.stored(name)["_id"])

    def stored(self, name: str) -> dict[str, Any]:
        """Return a stored audience."""
        return next(each for each in self.organisation.audiences() if each["name"] == name)

    @property
    def names(self) -> set[str]:
        """The names of the stored audiences."""
        return {each["name"] for each in self.organisation.audiences()}


Task = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Listed:
    """A task as it is run: what the person wants, how, and with which settings of the server."""

    wanted: str
    play: Task
    settings: dict[str, Any]


TASKS: list[Listed] = []


def task(wanted: str, **settings: Any) -> Callable[[Task], Task]:
    """Put a task on the list."""

    def listed(play: Task) -> Task:
        TASKS.append(Listed(wanted, play, settings))
        return play

    return listed


def people(count: int, start: int = 0) -> list[str]:
    """Return valid numbers."""
    return [f"+1415{2_000_000 + each}" for each in range(start, start + count)]


def csv(*numbers: str, column: str = "phone") -> str:
    """Return numbers as a file with names."""
    return "\n".join([f"{column},name", *(f"{number},P{place}" for place, number in enumerate(numbers))]) + "\n"


# --- new audiences -------------------------------------------------------------------------------------------------


@task("Make an audience from this messy file, but leave out last month's")
async def _messy(scene: Scene) -> None:
    scene.audience("April leads", csv(ANN))
    scene.organisation.do_not_call(CAS)
    messy = f"Name,Mobile\nAnn,{ANN}\nBen,(415) 555-2672\nCas,{CAS}\nBen again,{BEN}\nDee,98765 43210\nEve,12\n,\n"
    model = await scene.script(which_country="America", no_number_of_US="leave it out")

    await model.wish(
        "Create a new audience",
        file=scene.file("may.csv", messy),
        called="May leads",
        leave_out=Audience("April leads"),
    )

    assert scene.numbers("May leads") == {BEN}
    assert scene.person.was_told("1 of 6 rows is ready")
    assert scene.person.was_told("Eve.*too_short")
    assert scene.person.was_told("Cas.*do_not_call")
    assert scene.person.was_told("Made 1 audience with 1 person")


@task("The file has two phone columns: try the mobile first, then the one at home")
async def _two_columns(scene: Scene) -> None:
    rows = f"Name,Home phone,Mobile\nAnn,{ANN},{BEN}\nCas,{CAS},\n"
    model = await scene.script(which_to_call="Mobile, and where there is none Home phone")

    await model.wish("Create a new audience", file=scene.file("two.csv", rows), called="Two")

    assert scene.numbers("Two") == {BEN, CAS}
    assert scene.person.was_asked("More than one column")


@task("Upload these 12,400 rows")
async def _many(scene: Scene) -> None:
    model = await scene.script()

    await model.wish("Create a new audience", file=scene.file("many.csv", csv(*people(12_400))), called="Many")

    assert [len(scene.members(f"Many ({part} of 2)")) for part in (1, 2)] == [10_000, 2_400]
    assert scene.person.was_told("Made 2 audiences with 12,400 people")


@task("A name that is taken: add to what is there")
async def _taken(scene: Scene) -> None:
    scene.audience("May leads", csv(ANN))
    model = await scene.script(exists_already="extend it")

    await model.wish("Create a new audience", file=scene.file("may.csv", csv(ANN, BEN)), called="May leads")

    assert scene.names == {"May leads"}
    assert scene.numbers("May leads") == {ANN, BEN}
    assert scene.person.was_told("Added 1 person")


@task("A name that is taken: choose another")
async def _another_name(scene: Scene) -> None:
    scene.audience("May leads", csv(ANN))
    model = await scene.script(exists_already={"say": "choose another name", "name": "May leads 2"})

    await model.wish("Create a new audience", file=scene.file("may.csv", csv(ANN, BEN)), called="May leads")

    assert scene.numbers("May leads") == {ANN}
    assert scene.numbers("May leads 2") == {ANN, BEN}


@task("A pasted list")
async def _pasted(scene: Scene) -> None:
    model = await scene.script(which_country="America")

    await model.wish("Create a new audience", pasted=f"name;phone\nAnn;415 555 2671\nBen;{BEN}\n", called="Pasted")

    assert scene.numbers("Pasted") == {ANN, BEN}


@task("A pasted list without a header")
async def _headless(scene: Scene) -> None:
    model = await scene.script()

    await model.wish("Create a new audience", pasted=f"{ANN},Ann\n{BEN},Ben\n", called="Pasted")

    assert scene.members("Pasted") == [{"phone": ANN, "first_name": "Ann"}, {"phone": BEN, "first_name": "Ben"}]


@task("A list of which half said no")
async def _consent(scene: Scene) -> None:
    rows = f"Name,Phone,Opted in\nAnn,{ANN},yes\nBen,{BEN},no\nCas,{CAS},yes\nDee,{DEE},no\n"
    model = await scene.script(said_no="yes, leave them out")

    await model.wish("Create a new audience", file=scene.file("fair.csv", rows), called="Fair")

    assert scene.numbers("Fair") == {ANN, CAS}
    assert scene.person.was_told("2 ready rows say no")


@task("Excel damaged the numbers, and a second file has them right")
async def _damaged(scene: Scene) -> None:
    scene.file("leads.csv", csv("9.19877E+11", "1.41556E+10"))
    with xlsxwriter.Workbook(scene.folder / "leads.xlsx") as book:
        sheet = book.add_worksheet("Leads")
        for row, cells in enumerate((["phone", "name"], [14155552671, "Ann"], [919876543210, "Asha"])):
            sheet.write_row(row, 0, cells)
    model = await scene.script(excel_damaged={"say": "give the .xlsx file", "file": "leads.xlsx"})

    await model.wish("Create a new audience", file="leads.csv", called="Leads")

    assert scene.numbers("Leads") == {ANN, "+919876543210"}
    assert scene.person.was_told("excel_damaged")


@task("A check_id that expired, since the person went to lunch")
async def _expired(scene: Scene) -> None:
    model = await scene.script()
    await model.wish("Check a contact list", file=scene.file("may.csv", csv(ANN, BEN)))
    scene.clock.forward(minutes=61)

    await model.wish("Create a new audience", called="May leads")

    assert scene.numbers("May leads") == {ANN, BEN}
    assert scene.person.was_told("has expired")


@task("Atoms is down for a while")
async def _down(scene: Scene) -> None:
    scene.wire.fail("POST audience", failed_before, times=1)
    model = await scene.script()

    await model.wish("Create a new audience", file=scene.file("may.csv", csv(ANN, BEN)), called="May leads")

    assert scene.numbers("May leads") == {ANN, BEN}
    assert len(scene.names) == 1


@task("Everyone in A and B who is not in C")
async def _union(scene: Scene) -> None:
    for name, numbers in {"A": (ANN, BEN), "B": (BEN, CAS), "C": (CAS, DEE)}.items():
        scene.audience(name, csv(*numbers))
    model = await scene.script()

    await model.wish(
        "Create a new audience",
        members_of=[Audience("A"), Audience("B")],
        leave_out=Audience("C"),
        called="A and B",
    )

    assert scene.numbers("A and B") == {ANN, BEN}
    assert scene.person.was_told("2 of 4 rows are ready")


@task("The workbook has a sheet for each month: take May")
async def _sheets(scene: Scene) -> None:
    with xlsxwriter.Workbook(scene.folder / "year.xlsx") as book:
        for name, number in {"April": ANN, "May": BEN}.items():
            book.add_worksheet(name).write_column(0, 0, ["phone", number])
    model = await scene.script(several_sheets="May, please")

    await model.wish("Create a new audience", file="year.xlsx", called="May")

    assert scene.numbers("May") == {BEN}


@task("The file has a column of countries")
async def _countries(scene: Scene) -> None:
    rows = "Name,Phone,Country\nAsha,98765 43210,India\nAnn,415 555 2671,USA\nDee,0151 23456789,Germany\n"
    model = await scene.script(which_country="it is in the column")

    await model.wish("Create a new audience", file=scene.file("world.csv", rows), called="World")

    assert scene.numbers("World") == {"+919876543210", ANN, "+4915123456789"}


@task("The name of the file is misspelt")
async def _misspelt(scene: Scene) -> None:
    scene.file("leads_may.csv", csv(ANN))
    model = await scene.script(Did_you_mean="yes")

    await model.wish("Create a new audience", file="leads-mai.csv", called="May leads")

    assert scene.numbers("May leads") == {ANN}


@task("A server that may not read files yet", folders=())
async def _no_folder(scene: Scene) -> None:
    model = await scene.script(may_not_read_files={"say": "pass the list as text", "pasted": csv(ANN)})

    await model.wish("Create a new audience", file="may.csv", called="May leads")

    assert scene.numbers("May leads") == {ANN}
    assert scene.person.was_told("Set AUDIENCES_MCP_FOLDERS")


@task("The person cannot say that everyone agreed, so nothing is sent")
async def _not_agreed(scene: Scene) -> None:
    model = await scene.script(everyone_agreed="no, not all of them")

    await model.wish("Create a new audience", file=scene.file("may.csv", csv(ANN, BEN)), called="May leads")

    assert scene.names == set()
    assert scene.wire.writes == []


# --- more people ---------------------------------------------------------------------------------------------------


@task("Add these five people: two are in already, one has no country code (India)")
async def _five(scene: Scene) -> None:
    scene.audience("VIP", f"phoneNumber,firstName,lastName\n{ANN},Ann,A\n14155552672,Ben,B\n")
    model = await scene.script(missing_country="India")
    typed = [{"phone_number": number} for number in (ANN, BEN, CAS, DEE, "98765 43210")]

    await model.wish("Add people to an audience", typed=typed, meant_for=Audience("VIP"))

    assert scene.numbers("VIP") == {ANN, "14155552672", CAS, DEE, "+919876543210"}
    assert scene.person.was_told("Added 3 people; the audience has 5 members")


@task("An audience without room for them")
async def _no_room(scene: Scene) -> None:
    scene.audience("VIP", csv(*people(9_999)))
    model = await scene.script(has_room={"say": "make another audience", "name": "VIP 2"}, room_left="yes")

    await model.wish("Add people to an audience", file=scene.file("new.csv", csv(ANN, BEN)), meant_for=Audience("VIP"))

    assert scene.numbers("VIP 2") == {ANN, BEN}
    assert len(scene.members("VIP")) == 9_999
    assert scene.person.was_told("they do not fit")


@task("The list has columns that the audience does not have")
async def _columns(scene: Scene) -> None:
    scene.audience("VIP", f"phone,first_name\n{ANN},Ann\n")
    rows = f"Tel,First Name,Shoe size\n{BEN},Ben,43\n"
    model = await scene.script()

    await model.wish("Add people to an audience", file=scene.file("new.csv", rows), meant_for=Audience("VIP"))

    assert scene.members("VIP")[-1] == {"phone": BEN, "first_name": "Ben"}
    assert scene.person.was_told("no column for 'First Name', 'Shoe size'")


@task("Typed people with a variable that the audience does not have")
async def _variables(scene: Scene) -> None:
    scene.audience("VIP", f"phoneNumber,firstName,city\n{ANN},Ann,Pune\n")
    model = await scene.script()
    typed = [{"phone_number": BEN, "first_name": "Ben", "variables": {"City": "Goa"}}]

    await model.wish("Add people to an audience", typed=typed, meant_for=Audience("VIP"))

    assert scene.members("VIP")[-1] == {"phoneNumber": BEN, "firstName": "Ben", "city": "Goa"}


@task("A campaign is calling the audience: add them all the same")
async def _active(scene: Scene) -> None:
    scene.organisation.campaign(scene.audience("VIP", csv(ANN)), "May calls", "running")
    model = await scene.script(campaign_may_call="yes, allow it")

    await model.wish("Add people to an audience", file=scene.file("new.csv", csv(BEN)), meant_for=Audience("VIP"))

    assert scene.numbers("VIP") == {ANN, BEN}
    assert scene.person.was_asked("May calls")


# --- what is stored ------------------------------------------------------------------------------------------------


@task("Is this audience ready to dial? Mend what can be mended")
async def _ready(scene: Scene) -> None:
    scene.audience("VIP", csv(ANN, "1 415 555 2671", BEN, CAS, "+14155550"))
    scene.organisation.do_not_call(BEN)
    vip = Audience("VIP")
    model = await scene.script(right_number=EVE, reasons_agrees="the duplicate and the do not call ones")

    audit = await model.wish("Audit: is it ready to dial?", audience=vip)
    await model.correct(audit["problems"], vip)
    await model.wish("Audit: is it ready to dial?", audience=vip)
    await model.wish("Take some people out")
    again = await model.wish("Audit: is it ready to dial?", audience=vip)

    assert (audit["ready_to_dial"], again["ready_to_dial"]) == (False, True)
    assert {member["name"]: member["phone"] for member in scene.members("VIP")} == {"P0": ANN, "P3": CAS, "P4": EVE}
    assert scene.person.was_told("is not ready to dial as it is: 2 of 5")


@task("Take everyone in unsubscribes.csv off VIP; then put them back")
async def _unsubscribes(scene: Scene) -> None:
    scene.audience("VIP", csv(ANN, BEN, CAS))
    rows = csv("415-555-2671", BEN, EVE)
    model = await scene.script(which_country="America")

    await model.wish("Remove them from the audience", file=scene.file("unsubscribes.csv", rows), off=Audience("VIP"))

    assert scene.numbers("VIP") == {CAS}
    assert scene.person.was_told("Removed 2 members")

    await model.wish("Undo it")

    assert scene.numbers("VIP") == {ANN, BEN, CAS}
    assert {member["name"] for member in scene.members("VIP")} == {"P0", "P1", "P2"}


@task("Ann of VIP has a new number")
async def _new_number(scene: Scene) -> None:
    scene.audience("VIP", f"phoneNumber,firstName,city\n{ANN},Ann,Pune\n{BEN},Ben,Goa\n")
    model = await scene.script()

    await model.change("the number", of="Ann", to=EVE, audience=Audience("VIP"))

    assert sorted(member["phoneNumber"] for member in scene.members("VIP")) == [BEN, EVE]
    assert {"phoneNumber": EVE, "firstName": "Ann", "city": "Pune"} in scene.members("VIP")


@task("Remove more than 100")
async def _hundred(scene: Scene) -> None:
    scene.audience("VIP", csv(*people(150)))
    model = await scene.script(whether_to_remove="yes")

    await model.wish(
        "Remove them from the audience", file=scene.file("gone.csv", csv(*people(120))), off=Audience("VIP")
    )

    assert scene.numbers("VIP") == set(people(30, 120))
    assert scene.person.was_asked("120 members of 150")


@task("Take everybody out: no, rather delete the audience")
async def _empty(scene: Scene) -> None:
    scene.audience("Old", csv(ANN, BEN))
    model = await scene.script(these_are_all="delete the audience", whether_to_delete="yes")

    await model.wish("Remove them from the audience", file=scene.file("old.csv", csv(ANN, BEN)), off=Audience("Old"))

    assert scene.names == set()
    assert scene.person.was_told("Deleted: the audience with 2 members")


@task("Delete the test audiences, not the one that a campaign uses")
async def _delete(scene: Scene) -> None:
    for name in ("Test 1", "Test 2", "Test 3", "VIP"):
        scene.audience(name, csv(ANN))
    scene.organisation.campaign(scene.stored("Test 2")["_id"], "May calls", "running")
    model = await scene.script(whether_to_delete="yes")

    found = await model.wish("List audiences", name="test", that_a_campaign_uses=False)
    for each in found["audiences"]:
        await model.wish("Delete an audience for good", audience=Audience(each["name"]))

    assert scene.names == {"Test 2", "VIP"}
    assert len(scene.person.asked) == 2


@task("Delete the audience; the person answers only after the token has expired")
async def _late(scene: Scene) -> None:
    scene.audience("Old", csv(ANN))
    model = await scene.script(whether_to_delete=scene.late("yes", minutes=6))

    await model.wish("Delete an audience for good", audience=Audience("Old"))

    assert scene.names == set()
    assert len(scene.person.asked) == 2
    assert scene.person.was_told("has expired.*Nothing was deleted")


@task("Delete an audience that a campaign uses")
async def _blocked(scene: Scene) -> None:
    scene.organisation.campaign(scene.audience("VIP", csv(ANN)), "May calls", "running")
    model = await scene.script()

    await model.wish("Delete an audience for good", audience=Audience("VIP"))

    assert scene.names == {"VIP"}
    assert scene.person.was_told("Finish or delete the campaign in Atoms first")


@task("Everybody in an audience, whose pages are too long for one answer")
async def _pages(scene: Scene) -> None:
    rows = "".join(f"{number},{'x' * 900}\n" for number in people(90))
    scene.audience("Notes", f"phone,note\n{rows}")
    model = await scene.script()

    await model.wish("List the people stored in an audience", audience=Audience("Notes"))

    assert all(scene.person.was_told(number[1:]) for number in people(90))


@task("How much room is left in VIP, and for what is it used?")
async def _room(scene: Scene) -> None:
    scene.organisation.campaign(scene.audience("VIP", csv(ANN, BEN)), "May calls", "draft")
    model = await scene.script()

    found = await model.wish("Get one audience: the room left and its campaigns", audience=Audience("VIP"))

    assert (found["capacity_left"], found["campaigns"][0]["name"]) == (9_998, "May calls")
    assert scene.person.was_told("2 members and 1 campaign")


# --- questions -----------------------------------------------------------------------------------------------------


@task("Why was this contact left out?")
async def _why(scene: Scene) -> None:
    rows = csv(*people(60), "12", "13")
    model = await scene.script(which_country="leave them out", not_a_number="leave it out")
    await model.wish("Check a contact list", file=scene.file("may.csv", rows + "by mail,Rao\n"))

    await model.wish("Why was one contact left out of the list?", name_text="Rao")

    assert scene.person.was_told("label Rao.*reason not_a_number.*hint This is not a phone number")


@task("Who of these is on do-not-call?")
async def _on_do_not_call(scene: Scene) -> None:
    scene.organisation.do_not_call(BEN)
    model = await scene.script()
    typed = [{"phone_number": ANN, "first_name": "Ann"}, {"phone_number": "1 415 555 2672", "first_name": "Ben"}]

    found = await model.wish("Who is on do-not-call?", typed=typed, left_out_for_reason="do_not_call")

    assert [row["label"] for row in found["rows"]] == ["Ben"]
    assert scene.names == set()


@task("Numbers are masked: make an audience, then take Ann off it", mask_numbers=True)
async def _masked(scene: Scene) -> None:
    model = await scene.script()

    await model.wish("Create a new audience", file=scene.file("may.csv", csv(ANN, BEN)), called="May leads")
    found = await model.wish("Search a person stored in an audience", text="P0", audience=Audience("May leads"))
    await model.wish("Remove them from the audience", ids=[found["members"][0]["member_id"]], off=Audience("May leads"))

    assert scene.numbers("May leads") == {BEN}
    assert not scene.person.was_told(r"415.?555")


@task("A server that may only read", read_only=True)
async def _read_only(scene: Scene) -> None:
    model = await scene.script()

    report = await model.wish("Check a contact list", file=scene.file("may.csv", csv(ANN, BEN)))

    assert "read-only" in report["next_step"]
    assert scene.person.was_told("2 of 2 rows are ready")
