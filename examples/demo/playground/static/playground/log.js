// The event log: what went out, what came in, what became of the connection.

const KEPT = 200;
const ARROWS = { out: "↑", in: "↓", state: "•", bad: "×" };
const WORDS = { out: "sent", in: "received", state: "connection", bad: "closed" };

export class Log {
  #list;
  #scroller;

  constructor(list) {
    this.#list = list;
    this.#scroller = list.parentElement;
  }

  /** @param {"out"|"in"|"state"|"bad"} kind */
  add(kind, text, { chatter = false } = {}) {
    const atEnd = this.#scroller.scrollTop + this.#scroller.clientHeight > this.#scroller.scrollHeight - 24;
    const row = document.createElement("li");
    row.className = `log-${kind}`;
    if (chatter) row.dataset.chatter = "";
    row.append(
      part("time", new Date().toLocaleTimeString("en-GB"), "log-time"),
      part("span", ARROWS[kind], "log-arrow", WORDS[kind]),
      part("span", text.length > 160 ? `${text.slice(0, 160)}… (${text.length} characters)` : text, "log-text"),
    );
    this.#list.append(row);
    while (this.#list.children.length > KEPT) this.#list.firstElementChild.remove();
    if (atEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  clear() {
    this.#list.replaceChildren();
  }
}

function part(tag, text, className, label = null) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  if (label) {
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", label);
  }
  return element;
}
