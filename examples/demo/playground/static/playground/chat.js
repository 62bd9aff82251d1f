// The card "Chat room": what is said in one tab is heard in all, whichever process serves them.

import { explain } from "./close-codes.js";
import { Connection } from "./connection.js";
import { $, base, show } from "./page.js";

const ROOM = "lobby";
const KEPT = 100; // messages on the page
const ANIMALS = ["badger", "crane", "dormouse", "finch", "gecko", "heron", "ibex", "lynx", "marten", "newt", "otter", "puffin"];

/** @returns {{expect: function(?string): void}} to be told who is logged in */
export function bindChat(log) {
  // A name for as long as the page is open: it stays the same when the connection is made anew.
  const guest = `${ANIMALS[Math.floor(Math.random() * ANIMALS.length)]}-${10 + Math.floor(Math.random() * 90)}`;
  const path = `/ws/rooms/${ROOM}/`;
  const connection = new Connection(`${base}${path}?guest=${guest}`);
  const list = $("#chat-messages");
  const scroller = list.parentElement;
  const text = $("#chat-text");
  const form = $("#chat-form");
  let me = null; // null while out of the room
  let user; // undefined until the server has said who it is
  let worker = null; // the process that serves this tab
  let away = false; // the connection was lost, and is to come back
  let lastClose = "";

  connection.addEventListener("change", render);
  connection.addEventListener("message", ({ detail: event }) => {
    log.add("in", `${path} ${JSON.stringify(event)}`);
    EVENTS[event.type]?.(event);
  });
  connection.addEventListener("sent", ({ detail }) => log.add("out", `${path} ${JSON.stringify(detail)}`));
  connection.addEventListener("closed", ({ detail: { code, reason, wasOpen } }) => {
    const { name } = explain(code);
    const lost = me !== null && connection.retryAt !== null;
    me = null;
    lastClose = `${code} ${name}${reason ? `, “${reason}”` : ""}`;
    log.add("bad", `${path} ${wasOpen ? "closed with" : "no connection,"} ${lastClose}`);
    if (lost) {
      away = true;
      add(note("gap", `Out of the room: ${lastClose}.`));
    }
  });

  const EVENTS = {
    welcome(event) {
      me = event.who;
      worker = event.worker;
      if (away) add(note("gap", "Back in the room. What was said meanwhile is not here."));
      away = false;
      render();
    },
    said(event) {
      const item = row("said");
      item.toggleAttribute("data-mine", event.who === me);
      const head = part("p", "chat-who");
      head.append(part("strong", "", event.who), badge(event.worker, event.by));
      item.append(head, part("p", "chat-bubble", event.text));
      add(item, event.who === me);
    },
    joined: ({ who, worker: at }) => add(note("", `${who} joined`, badge(at))),
    left: ({ who, worker: at }) => add(note("", `${who} left`, badge(at))),
    unsaid(event) {
      complain("Not said: the engine is away. Try again when it is back.", event.text);
    },
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = text.value.trim();
    if (!said || me === null) return;
    text.value = "";
    complain("");
    if (event.submitter?.value !== "view") connection.send({ type: "say", text: said });
    else complain(await post(said), said);
    text.focus();
  });

  // To the view, as any form of a page is: it publishes from sync code.
  async function post(said) {
    const body = new FormData(form);
    body.set("text", said);
    body.set("guest", guest);
    body.set("csrfmiddlewaretoken", document.cookie.match(/csrftoken=([^;]+)/)?.[1] ?? "");
    const response = await fetch(form.action, { method: "POST", body }).catch(() => null);
    log.add("out", `POST ${new URL(form.action).pathname} ${response?.status ?? "no answer"}`);
    if (response?.ok) return "";
    if (!response) return "The server does not answer.";
    return response.status === 503 ? "Not said: the engine is away. Try again when it is back." : `The view answered with ${response.status}.`;
  }

  function complain(why, unsaid = "") {
    $("#chat-error").textContent = why;
    if (why && !text.value) text.value = unsaid;
  }

  function render() {
    for (const button of form.querySelectorAll("button")) button.disabled = me === null;
    $("#chat").classList.toggle("inside", me !== null);
    show("chat-worker", me === null ? "–" : worker);
    show("chat-status", status());
  }

  function status() {
    const { state, retryAt } = connection;
    if (me !== null) return `You are ${me}.`;
    if (retryAt) return `${lastClose}. Coming back in ${Math.max(0, (retryAt - Date.now()) / 1000).toFixed(1)} s…`;
    if (state === "CLOSED" && lastClose) return `Closed: ${lastClose}.`;
    return "Entering the room…";
  }

  function add(item, follow = false) {
    const atEnd = scroller.scrollTop + scroller.clientHeight > scroller.scrollHeight - 32;
    $("#chat-empty").hidden = true;
    list.append(item);
    while (list.children.length > KEPT) list.firstElementChild.remove();
    if (atEnd || follow) scroller.scrollTop = scroller.scrollHeight;
  }

  // The process that published it: that of this tab, or another one.
  function badge(at, by = "socket") {
    const element = part("span", "worker", `${by === "view" ? "view, " : ""}worker ${at}`);
    element.toggleAttribute("data-other", at !== worker);
    return element;
  }

  setInterval(render, 200);
  connection.connect();

  return {
    expect(now) {
      if (now === user) return;
      const known = user !== undefined;
      user = now;
      if (known) connection.reconnect(); // as somebody else
    },
  };
}

function row(className) {
  return part("li", className);
}

function note(className, text, ...more) {
  const item = row(`chat-note ${className}`.trim());
  item.append(part("span", "", text), ...more);
  return item;
}

function part(tag, className, text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}
