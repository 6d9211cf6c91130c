// Start: with the data inside, or with what the chat sends.

const given = JSON.parse(document.getElementById("given").textContent);

function show(...elements) {
  document.getElementById("page").replaceChildren(...elements);
}

function message(heading, text) {
  show(make("header", {}, make("h1", { tabindex: -1 }, heading), make("p", { class: "lines" }, cell(text))));
}

function draw(result) {
  try {
    show(...parts(result));
    say(result.summary);
  } catch {
    message("The report cannot be shown", result?.summary ?? "Ask in the chat what came out of it.");
  }
}

function drawAnswer(answer) {
  const result = dataOf(answer);
  if (answer.isError) refused(result, answer);
  else if (result && kindOf(result)) draw(result);
  else message("The report cannot be shown", textOf(answer).slice(0, 2000));
}

/** Show why nothing was done, with the rows that are in the way where the answer has them. */
function refused(result, answer) {
  message("Not done", result?.summary ?? textOf(answer));
  const rest = result?.counts?.rows ? problemsSection(result, "refused") : null;
  if (rest) document.getElementById("page").append(rest);
}

host.heard = {
  "ui/notifications/tool-result": drawAnswer,
  "ui/notifications/tool-cancelled": () => message("Cancelled", "The call was cancelled before it had a result."),
  "ui/notifications/host-context-changed": (context) => host.dress(context),
};

window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});

if (given.result) {
  if (given.name) document.title = `${given.name}: contact list report`;
  draw(given.result);
} else if (window.parent !== window) {
  host.connect().catch(() => message("Not connected", "The chat did not accept the page; its answer stands in the conversation."));
} else {
  message("Nothing to show", "This page shows a report inside a chat.");
}
