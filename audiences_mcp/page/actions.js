// Actions: what the person can do from here, through the tools and the guards that the agent has too.

/** What the result says should come next; in read-only mode, or where a commit would be refused, it says neither. */
function nextOf(result) {
  const target = /call add_contacts with this check_id and audience_id ([0-9a-f]{24})/.exec(result.next_step)?.[1];
  const creates = /call create_audience with this check_id/.test(result.next_step);
  return given.readOnly || !host.can.tools || !(target || creates) ? null : { target };
}

function commitSection(result) {
  const next = nextOf(result);
  if (!next) return null;
  const people = several(result.counts.ready, "person", "people");
  const many = result.audiences_needed > 1;
  const words = next.target ? `Add ${people} to the audience`
    : many ? `Create ${number(result.audiences_needed)} audiences with ${people}` : `Create the audience with ${people}`;
  const name = next.target ? null : nameField(many);
  const agreed = agreedField(/which was not checked/.test(result.next_step));
  const told = outcome();
  const place = make("div");
  const go = button(words, async () => {
    const missing = [name, agreed].find((field) => field && !field.good());
    if (missing) return;
    told.tell(next.target ? "Adding …" : "Creating …");
    try {
      const values = next.target ? { audience_id: next.target } : { name: name.value(), ...(many && { split: true }) };
      done(await host.call(next.target ? "add_contacts" : "create_audience", { check_id: result.check_id, ...values }), place);
      told.tell("");
    } catch (error) {
      told.tell(failure(error), true);
    }
  }, "main");
  name?.input.addEventListener("keydown", (event) => event.key === "Enter" && go.click());
  place.append(...[name?.element, agreed.element, make("p", {}, go), told].filter(Boolean));
  const made = section(next.target ? "Add them to the audience" : many ? "Create the audiences" : "Create the audience", place);
  made.classList.add("noprint");
  return made;
}

function failure(error) {
  const [first] = error.message.split("\n");
  if (!error.byHost) return first;
  return `The chat did not carry this out (${first.slice(0, 300)}). It can be tried again: the same list is never sent twice to the same audience.`;
}

/** A field that says what is wrong with it beside it. */
function field(input, label, wrong, isGood) {
  const id = newId();
  const fault = make("p", { class: "fault", id: `${id}f`, role: "alert" });
  input.id = id;
  input.setAttribute("aria-describedby", fault.id);
  const good = () => {
    const fine = isGood();
    input.setAttribute("aria-invalid", String(!fine));
    fault.textContent = fine ? "" : wrong;
    if (!fine) input.focus();
    return fine;
  };
  const words = make("label", { for: id }, label);
  const inFront = input.type === "checkbox";
  return { input, good, value: () => input.value.trim(), element: make("div", { class: inFront ? "field tick" : "field" }, inFront ? [input, words] : [words, input], fault) };
}

function nameField(many) {
  const input = make("input", { type: "text", maxlength: 150, autocomplete: "off" });
  const label = many ? "Name; each audience gets (1 of 3) and so on behind it" : "Name of the audience";
  return field(input, label, "Give the audience a name.", () => input.value.trim());
}

function agreedField(unchecked) {
  const input = make("input", { type: "checkbox" });
  const also = unchecked ? ", and nobody of them is on a do-not-call list, which was not checked" : "";
  return field(input, `Everyone who will be called agreed to it${also}.`, "Confirm this first: Atoms calls everyone in an audience.", () => input.checked);
}

/** Show what a commit did in the place of its form, and let the agent know of it. */
function done(result, place) {
  if (!result) throw new Error("The answer could not be read. Ask in the chat to look with list_audiences before trying again.");
  const heading = make("h3", { tabindex: -1 }, result.summary);
  place.replaceChildren(heading, audiencesSection(result), ...(result.warnings.length ? [warningsSection(result)] : []));
  heading.focus();
  if (!host.can.context) return;
  const ids = result.audiences.map((made) => made.audience_id).join(", ");
  const text = `The person did this from the report's page, with check_id ${result.check_id}: ${result.summary} audience_id: ${ids}.`;
  host.ask("ui/update-model-context", { content: [{ type: "text", text }] }).catch(() => {});
}

// --- rows to be mended ---------------------------------------------------------------------------------------------

/** Put a message into the chat; nothing of a cell is in it, since a cell may say what no person would. */
function mendButton(result, kind, reason, count, heading) {
  const wanted = kind === "check" ? !NOT_MENDED.has(reason) : kind === "audit";
  if (!wanted || given.readOnly || !host.can.message) return null;
  const them = several(count, "row");
  const text = kind === "audit"
    ? `Of audience ${result.audience_id} look at the ${them} with the reason ${reason} (list_check_rows with check_id ${result.check_id}) and ask me what is to become of each.`
    : `Leave the ${them} with the reason ${reason} to be mended: list them with list_check_rows (check_id ${result.check_id}), tell me what each needs, and check the list again once they are mended.`;
  const told = outcome();
  const put = button(kind === "audit" ? "Go through these in the chat" : "Mend these in the chat", async () => {
    try {
      const answer = await host.ask("ui/message", { role: "user", content: [{ type: "text", text }] });
      told.tell(answer?.isError ? "The chat did not take the message." : "The message is in the chat.", Boolean(answer?.isError));
    } catch (error) {
      told.tell(`The chat did not take the message (${error.message.slice(0, 300)}).`, true);
    }
  }, "slight");
  put.setAttribute("aria-describedby", heading);
  return make("div", { class: "noprint" }, put, told);
}

/** As `check --rejected` names them, so that the last ones are left out when the file is checked again. */
const CSV_HEADS = ["name", "phone", "row", "reason", "hint"];

/** A cell of a file that a spreadsheet opens: nothing in it is run as a formula, as in every file of this project. */
function csvCell(text) {
  const guarded = /^[\s']*[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

function csvOf(found) {
  const lines = found.map((row) => [row.label, row.value, String(row.row), row.reason ?? "", row.hint ?? ""]);
  return "\ufeff" + [CSV_HEADS, ...lines].map((line) => line.map(csvCell).join(",") + "\r\n").join("");
}

function saveRefused(result, kind) {
  const count = result.counts.invalid;
  if (!count || kind === "audit" || given.readOnly || !host.can.download || !host.can.tools) return null;
  const told = outcome();
  const save = button(`Save the ${several(count, "row")} to be mended as CSV`, async () => {
    try {
      const found = await rows.all(result.check_id, { status: "invalid" }, (had, total) => told.tell(`${number(had)} of ${number(total)} …`));
      const resource = { uri: "file:///rows-to-be-mended.csv", mimeType: "text/csv", text: csvOf(found) };
      const answer = await host.ask("ui/download-file", { contents: [{ type: "resource", resource }] });
      const all = found.length < count ? `${number(found.length)} of them were` : "They were";
      told.tell(answer?.isError ? "The chat did not save the file." : `${all} handed to the chat as rows-to-be-mended.csv.`, Boolean(answer?.isError));
    } catch (error) {
      told.tell(`The file was not saved. ${error.message.split("\n")[0].slice(0, 300)}`, true);
    }
  });
  return make("div", { class: "noprint" }, save, told);
}
