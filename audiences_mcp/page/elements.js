// Elements: the only place where something gets onto the screen. Text is text here, whatever it holds.

/** Make an element; `on…` are listeners, `style` is an object, false and undefined leave an attribute out. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, item] of Object.entries(value)) element.style.setProperty(key, item);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** A cell of somebody's list: its own direction of writing changes nothing around it. */
const cell = (text) => make("bdi", {}, String(text ?? ""));
/** A number as it goes out, and a name as a machine knows it: from left to right in every script. */
const dialled = (text) => make("bdi", { class: "dialled", dir: "ltr" }, String(text ?? ""));
const code = (text) => make("bdi", { class: "code", dir: "ltr" }, String(text ?? ""));

let lastId = 0;
const newId = () => `e${(lastId += 1)}`;

/** A part of the page under a heading of its own. */
function section(title, ...children) {
  const id = newId();
  return make("section", { "aria-labelledby": id }, make("h2", { id }, title), ...children);
}

/**
 * A table. On a narrow screen each row becomes a block (`stack`), so the roles are said once more.
 * @param {string} caption For those who do not see it.
 * @param {{name: string, number?: boolean}[]} heads
 * @param {(string|Node)[][]} rows
 * @param {"stack"|"bare"|"narrow"} kind Whether rows become blocks, have no visible heads, or are short enough as they are.
 */
function table(caption, heads, rows, kind = "stack") {
  const look = (head) => (head.number ? "number" : undefined);
  return make(
    "table",
    { role: "table", class: kind },
    make("caption", { class: "unseen" }, caption),
    make(
      "thead",
      { role: "rowgroup" },
      make("tr", { role: "row" }, heads.map((head) =>
        make("th", { role: "columnheader", scope: "col", class: look(head) }, head.name))),
    ),
    make(
      "tbody",
      { role: "rowgroup" },
      rows.map((row) => make("tr", { role: "row" }, row.map((item, place) =>
        make("td", { role: "cell", class: look(heads[place]), "data-head": heads[place].name }, item)))),
    ),
  );
}

/** A bar whose length is a share, for the eye alone: the figure stands beside it. */
const shareBar = (part, whole) =>
  make("span", { class: "share", "aria-hidden": "true" }, make("span", { style: { width: `${whole ? (part / whole) * 100 : 0}%` } }));

/** A button that keeps the focus while it cannot be used. */
function button(words, click, look) {
  const made = make("button", { type: "button", class: look }, words);
  made.addEventListener("click", async () => {
    if (made.getAttribute("aria-disabled") === "true") return;
    made.setAttribute("aria-disabled", "true");
    try {
      await click();
    } finally {
      made.removeAttribute("aria-disabled");
    }
  });
  return made;
}

/** Say something to those who cannot see what has changed. */
function say(text) {
  document.getElementById("said").textContent = text;
}

/** A line that says how an action went; it is read aloud too. */
function outcome() {
  const line = make("p", { class: "outcome", role: "status" });
  line.tell = (text, failed = false) => {
    line.textContent = text;
    line.classList.toggle("failed", failed);
  };
  return line;
}
