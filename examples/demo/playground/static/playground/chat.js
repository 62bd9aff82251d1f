// The card "Chat room": what is said in one tab is heard in all, whichever process serves them.

import { explain } from "./close-codes.js";
import { Connection } from "./connection.js";
import { $, base, post, show } from "./page.js";

const PATH = "/ws/rooms/lobby/";
const KEPT = 100; // messages on the page
const ANIMALS = ["badger", "crane", "dormouse", "finch", "gecko", "heron", "ibex", "lynx", "marten", "newt", "otter", "puffin"];

/** @returns {{expect: function(?string): void}} to be told who is logged in */
export function bindChat(log) {
  // A name for as long as the page is open: it stays the same when the connection is made anew.
  const guest = `${ANIMALS[Math.floor(Math.random() * ANIMALS.length)]}-${10 + Math.floor(Math.random() * 90)}`;
  const connection = new Connection(`${base}${PATH}?guest=${guest}`);
  const form = $("#chat-form");
  const input = $("#chat-text");
  const list = $("#chat-messages");
  const scroller = list.parentElement;
  let me = null; // null while out of the room
  let worker = null; // the process that serves this page
  let user; // undefined until the server has said who it is
  let lastSaid = "";
  let lastClose = null; // since when something may have been missed

  const EVENTS = {
    welcome(event) {
      ({ who: me, worker } = event);
      if (lastClose && list.children.length) add(note("gap", "Back in the room. What was said meanwhile is not shown."));
      lastClose = null;
      render();
    },
    said({ who, text, worker: at, by }) {
      const item = part("li", "said");
      item.toggleAttribute("data-mine", who === me);
      const head = part("p", "chat-who");
      head.append(part("strong", "", who), badge(at, by));
      item.append(head, part("p", "chat-bubble", text));
      add(item, who === me);
    },
    joined: ({ who, worker: at }) => add(note("", `${who} joined`, badge(at))),
    left: ({ who, worker: at }) => add(note("", `${who} left`, badge(at))),
    unsaid: ({ why }) => refused(why),
  };

  connection.addEventListener("change", render);
  connection.addEventListener("message", ({ detail: event }) => {
    log.add("in", `${PATH} ${JSON.stringify(event)}`);
    EVENTS[event.type](event);
  });
  connection.addEventListener("sent", ({ detail }) => log.add("out", `${PATH} ${JSON.stringify(detail)}`));
  connection.addEventListener("closed", ({ detail: { code, reason, wasOpen } }) => {
    lastClose = `${code} ${explain(code).name}${reason && `, “${reason}”`}`;
    log.add("bad", `${PATH} ${wasOpen ? "closed with" : "no connection,"} ${lastClose}`);
    if (me) add(note("gap", `Out of the room: ${lastClose}.`));
    me = null;
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!me) return;
    refused("");
    lastSaid = input.value;
    input.value = "";
    input.focus();
    if (event.submitter?.value === "view") refused(await postToView());
    else if (!connection.send({ type: "say", text: lastSaid })) refused("the connection is closing");
  });

  // As a form of any page does; the view publishes from sync code.
  async function postToView() {
    const response = await post(form, { text: lastSaid, guest });
    log.add("out", `POST ${new URL(form.action).pathname} ${response?.status ?? "no answer"}`);
    if (response?.ok) return "";
    if (response?.headers.get("content-type").startsWith("text/plain")) return response.text();
    return response ? `the view answered with ${response.status}` : "the server does not answer";
  }

  // Says why, and gives the text back, unless another has been begun.
  function refused(why) {
    $("#chat-error").textContent = why && `Not said: ${why}.`;
    if (why && !input.value) input.value = lastSaid;
  }

  function render() {
    for (const button of form.querySelectorAll("button")) button.disabled = !me;
    show("chat-worker", me ? worker : "–");
    show("chat-status", status());
  }

  function status() {
    const { state, retryAt } = connection;
    if (me) return `You are ${me}.`;
    if (retryAt) return `${lastClose}. Coming back in ${Math.max(0, (retryAt - Date.now()) / 1000).toFixed(1)} s…`;
    return state === "CLOSED" && lastClose ? `${lastClose}.` : "Entering the room…";
  }

  function add(item, follow = false) {
    const atEnd = scroller.scrollTop + scroller.clientHeight > scroller.scrollHeight - 32;
    $("#chat-empty").hidden = true;
    list.append(item);
    while (list.children.length > KEPT) list.firstElementChild.remove();
    if (atEnd || follow) scroller.scrollTop = scroller.scrollHeight;
  }

  // The process that published it: that of this page, or another one.
  function badge(at, by = "socket") {
    const element = part("span", "worker", `${by === "view" ? "view, " : ""}worker ${at}`);
    element.toggleAttribute("data-other", at !== worker);
    return element;
  }

  setInterval(render, 200);
  connection.connect();

  return {
    expect(now) {
      if (user !== undefined && user !== now) connection.reconnect(); // as somebody else
      user = now;
    },
  };
}

function note(className, text, ...more) {
  const item = part("li", `chat-note ${className}`);
  item.append(part("span", "", text), ...more);
  return item;
}

function part(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
