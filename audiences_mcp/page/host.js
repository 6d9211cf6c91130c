// Host: the chat around the page, and its messages (MCP Apps, 2026-01-26: JSON-RPC by postMessage).

const PROTOCOL = "2026-01-26";

/** What the chat lets us style, and what it may be here. */
const STYLES = [
  "--color-background-primary", "--color-background-secondary", "--color-text-primary", "--color-text-secondary",
  "--color-border-primary", "--font-sans", "--font-mono",
];

const host = {
  can: { tools: false, message: false, download: false, context: false },
  timeZone: undefined,
  heard: {}, // what to do at a notification, by its method
  waiting: new Map(),
  lastId: 0,

  post(message) {
    // Who is around us cannot be known; what is said is no secret from a chat that shows the answer already.
    window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  },

  tell(method, params = {}) {
    host.post({ method, params });
  },

  ask(method, params) {
    const id = (host.lastId += 1);
    host.post({ id, method, params });
    return new Promise((resolve, reject) => host.waiting.set(id, { resolve, reject }));
  },

  /** Call a tool of the server; a failure of the tool, or a chat that refuses, is an error that says why. */
  async call(name, values) {
    const result = await host.ask("tools/call", { name, arguments: values });
    if (result?.isError) throw new Error(textOf(result) || "The tool failed and did not say why.");
    return dataOf(result);
  },

  receive(event) {
    const message = event.data;
    if (event.source !== window.parent || message?.jsonrpc !== "2.0") return;
    if (message.method !== undefined && message.id !== undefined) host.answer(message);
    else if (message.method !== undefined) host.heard[message.method]?.(message.params ?? {});
    else host.settle(message);
  },

  answer({ id, method }) {
    const known = method === "ping" || method === "ui/resource-teardown";
    host.post(known ? { id, result: {} } : { id, error: { code: -32601, message: "The page does not know this." } });
  },

  settle({ id, result, error }) {
    const waiting = host.waiting.get(id);
    host.waiting.delete(id);
    if (error) waiting?.reject(Object.assign(new Error(String(error.message ?? "no reason given")), { byHost: true }));
    else waiting?.resolve(result);
  },

  /** Shake hands; only then does the chat send anything. */
  async connect() {
    window.addEventListener("message", host.receive);
    const welcome = await host.ask("ui/initialize", {
      protocolVersion: PROTOCOL,
      appInfo: { name: "audiences-mcp", version: given.version },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    });
    const able = welcome?.hostCapabilities ?? {};
    host.can = {
      tools: Boolean(able.serverTools),
      message: Boolean(able.message),
      download: Boolean(able.downloadFile),
      context: Boolean(able.updateModelContext),
    };
    host.dress(welcome?.hostContext ?? {});
    host.tell("ui/notifications/initialized");
    host.watchSize();
  },

  /** Look like the chat around us. */
  dress(context) {
    const root = document.documentElement;
    if (context.theme) root.dataset.theme = context.theme;
    for (const name of STYLES) {
      const value = context.styles?.variables?.[name];
      if (value) root.style.setProperty(name, value);
    }
    for (const [side, size] of Object.entries(context.safeAreaInsets ?? {})) root.style.setProperty(`--inset-${side}`, `${size}px`);
    if (context.timeZone) host.timeZone = context.timeZone;
  },

  watchSize() {
    let told = "";
    const tell = () => {
      const height = Math.ceil(document.body.getBoundingClientRect().height);
      const size = `${window.innerWidth} ${height}`;
      if (size !== told) host.tell("ui/notifications/size-changed", { width: window.innerWidth, height });
      told = size;
    };
    new ResizeObserver(tell).observe(document.body);
    tell();
  },
};

const textOf = (result) =>
  (result?.content ?? []).filter((block) => block.type === "text").map((block) => block.text).join("\n");

/** What a tool answered: some chats hand on the text alone, which says the same. */
function dataOf(result) {
  if (result?.structuredContent) return result.structuredContent;
  try {
    return JSON.parse(textOf(result));
  } catch {
    return null;
  }
}
