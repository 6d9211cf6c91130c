// Rows: any rows of the list, searched and turned page by page, through the chat or out of the file itself.

const PAGE_SIZE = 20; // short enough for one answer, however long its rows are
const MOST_SAVED = 5000; // each hundred or so is a call of its own

const rows = {
  get available() {
    return Boolean(given.rows) || host.can.tools;
  },

  /** One page, as `list_check_rows` gives it. */
  ask(checkId, query, page, size) {
    if (given.rows) return rows.inside(query, page, size);
    return host.call("list_check_rows", { check_id: checkId, ...query, page, page_size: size });
  },

  inside({ status, reason, contains }, page, size) {
    const wanted = contains?.toLowerCase();
    const found = given.rows.filter((row) =>
      (!status || row.status === status) && (!reason || row.reason === reason) &&
      (!wanted || [row.label, row.value, row.phone_number].some((text) => text?.toLowerCase().includes(wanted))));
    return { rows: found.slice((page - 1) * size, page * size), total: found.length };
  },

  /** All rows, up to so many; a page may end early where its rows are long. */
  async all(checkId, query, tell) {
    const found = [];
    for (let page = 1, size = 200, total = 1; found.length < Math.min(total, MOST_SAVED);) {
      const answer = await rows.ask(checkId, query, page, size);
      total = answer.total;
      const fresh = answer.rows.slice(found.length - (page - 1) * size);
      if (!fresh.length) break;
      found.push(...fresh);
      size = Math.min(size, answer.rows.length);
      page = Math.floor(found.length / size) + 1;
      tell(found.length, total);
    }
    return found.slice(0, MOST_SAVED);
  },
};

const ROW_HEADS = [{ name: "Row", number: true }, { name: "Who" }, { name: "You wrote" }, { name: "Outcome" }];

function listedRow(row) {
  const becomes = row.reason || row.status !== "ready" ? reasonWords(row.reason ?? STATUSES[row.status]) : dialled(row.phone_number);
  return [number(row.row), cell(row.label), cell(row.value), becomes];
}

/** A list of rows that can be turned; `show` asks for its first page. */
function pages(checkId, query, caption) {
  const told = outcome();
  const body = make("div");
  const place = make("span", { class: "quiet" });
  let page = 1;
  let total = 0;

  async function turn(to) {
    try {
      const answer = await rows.ask(checkId, query(), to, PAGE_SIZE);
      page = to;
      total = answer.total;
      draw(answer.rows, (to - 1) * PAGE_SIZE);
    } catch (error) {
      told.tell(`The rows could not be had. ${error.message}`, true);
    }
  }

  function draw(found, before) {
    told.tell(found.length ? "" : "No row matches.");
    body.replaceChildren(found.length ? table(caption, ROW_HEADS, found.map(listedRow)) : "");
    place.textContent = `${number(before + 1)} to ${number(before + found.length)} of ${number(total)}`;
    buttons.hidden = total <= found.length;
    earlier.hidden = page === 1;
    later.hidden = before + found.length >= total;
    say(found.length ? `Rows ${place.textContent} are shown.` : "No row matches.");
  }

  const earlier = button("Earlier rows", () => turn(page - 1).then(() => earlier.hidden && later.focus()));
  const later = button("Further rows", () => turn(page + 1).then(() => later.hidden && earlier.focus()));
  const buttons = make("p", { class: "turn" }, earlier, later, place);
  buttons.hidden = true;
  return { element: make("div", {}, told, body, buttons), show: () => turn(1) };
}

/** A search through all rows of a check. */
function rowSearch(checkId, counts) {
  const id = newId();
  const words = make("input", { id, type: "search", maxlength: 100, autocomplete: "off" });
  const statuses = Object.keys(STATUSES).filter((status) => counts[status]);
  const kind = make(
    "select",
    { "aria-label": "Which rows" },
    make("option", { value: "" }, "all rows"),
    statuses.map((status) => make("option", { value: status }, STATUSES[status])),
  );
  const query = () => ({ ...(words.value.trim() && { contains: words.value.trim() }), ...(kind.value && { status: kind.value }) });
  const list = pages(checkId, query, "Rows that match");
  const search = button("Search", list.show);
  words.addEventListener("keydown", (event) => event.key === "Enter" && search.click());
  const short = given.rows && given.rows.length < counts.rows &&
    make("p", { class: "quiet" }, `This file holds ${number(given.rows.length)} of the ${number(counts.rows)} rows, those that are left out first.`);
  return make(
    "div",
    { class: "noprint" },
    make("div", { class: "search", role: "search" },
      make("label", { for: id }, "Find a row by name, cell or number"), words, kind, search),
    short || null,
    list.element,
  );
}
