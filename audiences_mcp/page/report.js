// Report: what a result looks like, from what matters most to what matters least.

const KINDS = {
  check: (result) => Array.isArray(result.sample),
  audit: (result) => "ready_to_dial" in result,
  commit: (result) => Array.isArray(result.audiences),
};

const kindOf = (result) => Object.keys(KINDS).find((kind) => KINDS[kind](result));

/** Every part that a result has something for. */
function parts(result) {
  const kind = kindOf(result);
  const ready = result.counts.ready;
  return [
    header(result, kind),
    kind === "commit" && result.audiences.length ? audiencesSection(result) : null,
    result.sample?.length ? sampleSection(result) : null,
    problemsSection(result, kind),
    result.warnings.length ? warningsSection(result) : null,
    ready && result.by_country ? make("div", { class: "pair" }, countriesSection(result, ready), hoursSection(result, ready)) : null,
    result.columns?.length ? columnsSection(result, ready) : null,
    result.blank_columns?.length ? blanksSection(result) : null,
    kind === "check" ? commitSection(result) : null,
  ].filter(Boolean);
}

// --- how many ------------------------------------------------------------------------------------------------------

function title(result, kind) {
  const { ready, rows: all } = result.counts;
  if (kind === "commit") return result.summary;
  if (kind === "audit") return result.ready_to_dial ? "Ready to dial" : "Not ready to dial as it is";
  if (!ready) return "No row can be called yet";
  return `${number(ready)} of ${several(all, "row")} will be called`;
}

function header(result, kind) {
  const name = result.name ?? given.name;
  const facts = kind === "audit" ? `${number(result.counts.ready)} of ${several(result.counts.rows, "member")} can be called.` : "";
  return make(
    "header",
    {},
    name ? make("p", { class: "quiet name" }, cell(name)) : null,
    make("h1", { tabindex: -1 }, title(result, kind)),
    facts ? make("p", {}, facts) : null,
    countsBar(result.counts, kind),
  );
}

function countsBar(counts, kind) {
  const words = kind === "commit" ? { ...STATUSES, ready: "sent" } : kind === "audit" ? { ...STATUSES, ready: "can be called" } : STATUSES;
  const there = Object.keys(STATUSES).filter((status) => counts[status]);
  if (!there.length) return null;
  return make(
    "div",
    {},
    make("div", { class: "bar", "aria-hidden": "true" }, there.map((status) =>
      make("span", { class: status, style: { "flex-grow": counts[status] } }))),
    make("ul", { class: "legend", "aria-label": `What becomes of ${several(counts.rows, "row")}` }, there.map((status) =>
      make("li", {}, make("span", { class: `swatch ${status}` }), make("b", {}, number(counts[status])), ` ${words[status]}`))),
  );
}

// --- what was read -------------------------------------------------------------------------------------------------

function sampleSection(result) {
  const heads = [{ name: "Row", number: true }, { name: "You wrote" }, { name: "Will be dialled" }, { name: "Country" }, { name: "Line" }];
  const { region, source } = result.default_region;
  const whence = { argument: "as asked for this list", setting: "as the server is set" }[source];
  return section(
    "You wrote → will be dialled",
    make("p", {}, `${several(result.sample.length, "row")} of the ${number(result.counts.ready)}, of different countries where there are several. Was each read as it was meant?`),
    table("A sample of the rows that will be called", heads, result.sample.map((row) =>
      [number(row.row), cell(row.value), dialled(row.phone_number), countryWords(row.region), lineWords(row.line_type)])),
    region ? make("p", { class: "quiet" }, `Numbers without a country code were read as numbers of ${countryWords(region)}, ${whence}.`) : null,
  );
}

// --- what was left out ---------------------------------------------------------------------------------------------

function problemsSection(result, kind) {
  const left = result.by_reason.reduce((sum, { count }) => sum + count, 0);
  const canSearch = rows.available && result.check_id && result.counts.rows;
  if (!left && !canSearch) return null;
  const shown = result.problems.length;
  return section(
    left ? `Not called, and why: ${several(left, "row")}` : "Find a row",
    result.by_reason.map((reason) => reasonGroup(result, kind, reason)),
    canSearch ? rowSearch(result.check_id, result.counts) : null,
    !canSearch && left > shown ? make("p", { class: "quiet" }, `${number(shown)} of them are shown here; ask in the chat for the others.`) : null,
    left ? saveRefused(result, kind) : null,
  );
}

const UNFOLDED = 3; // rows that are shown without being asked for

/** All rows of one reason: how many, what to do, which. */
function reasonGroup(result, kind, { reason, count }) {
  const heading = newId();
  const known = result.problems.filter((problem) => problem.reason === reason);
  const hints = [...new Set(known.map((problem) => problem.hint))];
  const heads = [{ name: "Row", number: true }, { name: "Who" }, { name: "You wrote" }, ...(hints.length > 1 ? [{ name: "What to do" }] : [])];
  const first = known.map((row) => [number(row.row), cell(row.label), cell(row.value), ...(hints.length > 1 ? [row.hint] : [])]);
  const holder = make("div", {}, known.length ? table(`Rows: ${reasonWords(reason)}`, heads, first, "bare") : null);
  const more = count > known.length && rows.available && result.check_id
    ? button(`Show all ${number(count)}`, () => showAll(result.check_id, reason, holder, more)) : null;
  const listed = [holder, more ? make("p", { class: "noprint" }, more) : null];
  const folded = make("details", {}, make("summary", {}, known.length < count ? `${number(known.length)} of the ${several(count, "row")}` : several(count, "row")), listed);
  return make(
    "div",
    { class: "reason" },
    make("div", {},
      make("h3", { id: heading }, reasonWords(reason), " ", make("span", { class: "count" }, several(count, "row"))),
      hints.length === 1 ? make("p", {}, hints[0]) : hints.length ? make("p", {}, "What to do differs from row to row.") : null,
      mendButton(result, kind, reason, count, heading)),
    make("div", {}, count <= UNFOLDED ? listed : folded),
  );
}

async function showAll(checkId, reason, holder, more) {
  const list = pages(checkId, () => ({ reason }), `Rows: ${reasonWords(reason)}`);
  holder.replaceChildren(list.element);
  await list.show();
  more.hidden = true;
  holder.querySelector("button:not([hidden])")?.focus();
}

const warningsSection = (result) =>
  section("To know before anybody is called", make("ul", { class: "warnings" }, result.warnings.map((text) => make("li", {}, cell(text)))));

// --- who they are --------------------------------------------------------------------------------------------------

const FIRST_COUNTRIES = 8;

function countriesSection(result, ready) {
  const heads = [{ name: "Country" }, { name: "People", number: true }, { name: "Share", number: true }];
  const of = (regions, caption) => table(caption, heads, regions.map(({ region, count }) =>
    [make("span", {}, countryWords(region), shareBar(count, ready)), number(count), percent(count, ready)]), "narrow");
  const [first, rest] = [result.by_country.slice(0, FIRST_COUNTRIES), result.by_country.slice(FIRST_COUNTRIES)];
  const lines = result.by_line_type.map(({ line_type: type, count }) => `${lineWords(type)} ${number(count)}`).join(", ");
  return section(
    "Countries",
    of(first, "Countries of those who will be called"),
    rest.length ? make("details", {}, make("summary", {}, `${number(rest.length)} more`), of(rest, "Further countries")) : null,
    make("p", { class: "quiet" }, `Kinds of line: ${lines}.`),
  );
}

// --- what the agent can say ----------------------------------------------------------------------------------------

function columnsSection(result, ready) {
  const heads = [{ name: "Column" }, { name: "Known to the agent as" }, { name: "Blank", number: true }, { name: "Share", number: true }];
  const [phone, ...columns] = result.columns;
  const dropped = result.dropped_columns;
  return section(
    "What the agent will know of them",
    columns.length
      ? table("Columns that are sent", heads, columns.map(({ source, name, blank }) =>
        [cell(source), code(name), number(blank), percent(blank, ready)]))
      : make("p", {}, "Their number alone: the list has no other column that is sent."),
    sentence(result, columns),
    make("p", { class: "quiet" }, "The number comes from the column ", result.phone_columns.map((name, place) => [place ? ", else " : "", make("b", {}, cell(name))]).flat(),
      phone.name === phone.source ? "" : [" and is stored as ", code(phone.name)],
      dropped.length ? ["; not sent: ", dropped.map((name, place) => [place ? ", " : "", make("b", {}, cell(name))]).flat()] : "", "."),
  );
}

/** A sentence with the values of the first row, as an agent would say it: what is odd to hear is seen. */
function sentence(result, columns) {
  const row = result.sample[0];
  if (!row || !columns.length) return null;
  const value = (name) => make("b", { class: row.fields[name] ? undefined : "blank" }, cell(row.fields[name] ?? "(blank)"));
  const greeted = columns.find(({ name }) => /name/i.test(name));
  const others = columns.filter((column) => column !== greeted).slice(0, 3);
  const said = others.flatMap(({ name, source }, place) =>
    [place === 0 ? " I have " : place === others.length - 1 ? " and " : ", ", value(name), " as your ", cell(source)]);
  return make("figure", {},
    make("blockquote", {}, "“Hello", greeted ? [" ", value(greeted.name)] : "", ".", said, said.length ? ".”" : "”"),
    make("figcaption", { class: "quiet" }, `As an agent would say it to row ${number(row.row)}.`));
}

const blanksSection = (result) =>
  section("Blank columns", table("Columns that are blank for some", [{ name: "Column" }, { name: "Blank", number: true }, { name: "Share", number: true }],
    result.blank_columns.map(({ column, blank }) => [cell(column), number(blank), percent(blank, result.counts.ready)]), "narrow"));

// --- what was done -------------------------------------------------------------------------------------------------

function audiencesSection(result) {
  const heads = [{ name: "Audience" }, { name: "Id" }, { name: "Members", number: true }];
  return section(
    result.audiences.length === 1 ? "The audience" : "The audiences",
    table("Audiences as they stand in Atoms", heads, result.audiences.map((made) =>
      [cell(made.name), code(made.audience_id), number(made.member_count)])),
    make("p", {}, result.verified ? "The stored count was read back and is as it should be." : "The stored count could not be confirmed: see the warnings.",
      // Whoever is added to an audience may be called at once by a campaign that uses it.
      "added" in result ? "" : " Nobody is called until a campaign uses it."),
  );
}
