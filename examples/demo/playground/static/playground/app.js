// The page: binds the cards to one connection.

import { bindChat } from "./chat.js";
import { explain } from "./close-codes.js";
import { Connection } from "./connection.js";
import { bindFlood } from "./flood.js";
import { Log } from "./log.js";
import { bindMembers } from "./members.js";
import { $, base, post, show } from "./page.js";
import { Sparkline } from "./sparkline.js";

const PING_SECONDS = 5; // Playground.ping_interval

const clock = (date) => date.toLocaleTimeString("en-GB");
const address = `${base}/ws/playground/`;

const log = new Log($("#log"));
const connection = new Connection(address);
const members = bindMembers(log);
const chat = bindChat(log);
bindFlood(log);

// --- connection ----------------------------------------------------------------------------------

let lastState = null;
let lastFailure = null;

connection.addEventListener("change", () => {
  const { state } = connection;
  if (state !== lastState) {
    lastState = state;
    show("state", state);
    document.body.dataset.state = state.toLowerCase();
    for (const step of document.querySelectorAll("[data-step]")) {
      const current = step.dataset.step === state.toLowerCase();
      current ? step.setAttribute("aria-current", "step") : step.removeAttribute("aria-current");
    }
    if (state !== "CLOSED") log.add("state", state);
    if (state === "OPEN") opened();
    if (state === "OPEN" || (state === "CLOSED" && !connection.retryAt)) {
      $("#announcer").textContent = `The connection is ${state.toLowerCase()}.`;
    }
  }
  render();
});

connection.addEventListener("closed", ({ detail: { code, reason, wasOpen } }) => {
  const { name, meaning } = explain(code);
  log.add("bad", `${wasOpen ? "CLOSED" : "No connection"} ${code} ${name}${reason ? `: ${reason}` : ""}`);
  $("#announcer").textContent = `Closed with ${code}, ${name}. ${meaning}`;
  lastFailure = wasOpen ? null : code;
  if (wasOpen) {
    show("close-code", code);
    show("close-name", name);
    show("close-reason", reason);
    show("close-meaning", meaning);
    show("close-time", `Last close, ${clock(new Date())}`);
    $("#last-close").dataset.family = code === 1000 || code === 1001 || code === 1005 ? "good" : "bad";
    $("#last-close").hidden = false;
  }
  closed();
});

connection.addEventListener("sent", ({ detail }) => {
  const text = detail instanceof Uint8Array ? `${detail.length} bytes, binary` : detail;
  log.add("out", typeof text === "string" ? text : JSON.stringify(text));
});

connection.addEventListener("message", ({ detail: message }) => {
  const chatter = "ping" in message || message.type === "weather";
  log.add("in", JSON.stringify(message), { chatter });
  if ("ping" in message) pinged(new Date(message.ping));
  else HANDLERS[message.type]?.(message);
});

$("#reconnect").addEventListener("click", () => connection.reconnect());
$("#disconnect").addEventListener("click", () => connection.disconnect());

function opened() {
  lastFailure = null;
  if (weatherWanted) connection.send({ type: "weather", on: true });
}

function closed() {
  pingedAt = null;
  show("user", "not connected");
  show("avatar", "?");
  waiting.clear();
}

function statusText() {
  const { state, openedAt, retryAt, attempts } = connection;
  if (state === "OPEN") return `Open for ${duration(Date.now() - openedAt)}.`;
  if (state === "CONNECTING") return attempts ? `Connecting, attempt ${attempts + 1}…` : "Connecting…";
  if (state === "CLOSING") return "Closing…";
  const because = lastFailure ? "No answer from the server. " : "";
  if (retryAt) return `${because}Reconnecting in ${Math.max(0, (retryAt - Date.now()) / 1000).toFixed(1)} s…`;
  return "Closed, and meant so: press Reconnect to come back.";
}

function duration(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const pad = (number) => String(number).padStart(2, "0");
  return `${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}`;
}

function render() {
  const open = connection.isOpen;
  show("status", statusText());
  for (const button of document.querySelectorAll("[data-needs-open]")) button.disabled = !open;
  $("#weather-start").disabled = !open || weatherWanted;
  $("#weather-stop").disabled = !weatherWanted;
  $("#disconnect").disabled = connection.state === "CLOSED" && !connection.retryAt;
  $("#weather").classList.toggle("running", open && weatherWanted);
  const since = (Date.now() - (pingedAt ?? connection.openedAt ?? Date.now())) / 1000;
  if (!open) show("ping-age", "No connection");
  else if (!pingedAt) show("ping-age", "The first comes soon");
  else show("ping-age", `${Math.floor(since)} s ago. The time is the server’s.`);
  $("#ping-meter").style.transform = `scaleX(${Math.min(1, since / PING_SECONDS)})`;
}

// --- echo ----------------------------------------------------------------------------------------

const waiting = new Map(); // number of a message -> when it was sent
let number = 0;

$("#echo-form").addEventListener("submit", (event) => {
  event.preventDefault();
  number += 1;
  waiting.set(number, performance.now());
  connection.send({ type: "echo", id: number, text: $("#echo-text").value });
  $("#echo-text").select();
});

function echoed({ id, text }) {
  show("echo-reply", text);
  if (waiting.has(id)) show("echo-latency", `${(performance.now() - waiting.get(id)).toFixed(1)} ms`);
  waiting.delete(id);
}

// --- who am I ------------------------------------------------------------------------------------

function introduced({ user }) {
  show("user", user ?? "anonymous");
  show("avatar", user ? user[0].toUpperCase() : "?");
  $("#login-form").hidden = user !== null;
  $("#logout-form").hidden = user === null;
  members.expect(user);
  chat.expect(user);
}

// Posts the form and reconnects: the new handshake brings the new session.
async function enter(form) {
  const response = await post(form);
  if (!response) return "The server does not answer.";
  if (!response.ok) return `The server answered with ${response.status}. Its log says why.`;
  if (!response.redirected) return "That name and password do not match.";
  connection.reconnect();
  return "";
}

for (const form of [$("#login-form"), $("#logout-form")]) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    $("#login-error").textContent = "";
    $("#login-error").textContent = await enter(form);
    button.disabled = false;
  });
}

// --- weather -------------------------------------------------------------------------------------

const sparkline = new Sparkline($("#sparkline"));
let weatherWanted = false; // started again after a reconnect

$("#weather-start").addEventListener("click", () => switchWeather(true));
$("#weather-stop").addEventListener("click", () => switchWeather(false));

function switchWeather(on) {
  weatherWanted = on;
  connection.send({ type: "weather", on });
  render();
}

function reported({ celsius }) {
  sparkline.add(celsius);
  show("celsius", celsius.toFixed(1));
  const { values } = sparkline;
  show("weather-range", `Lowest ${Math.min(...values).toFixed(1)} °C, highest ${Math.max(...values).toFixed(1)} °C. Simulated.`);
}

// --- ping ----------------------------------------------------------------------------------------

let pingedAt = null; // by our clock
let pings = 0;

function pinged(date) {
  pingedAt = Date.now();
  pings += 1;
  show("ping-time", clock(date));
  show("ping-count", pings);
  const heart = $("#heart");
  heart.classList.remove("beating");
  void heart.offsetWidth; // restarts the animation
  heart.classList.add("beating");
  render();
}

// --- the ways to an end --------------------------------------------------------------------------

const ENDS = {
  1000: () => ({ type: "close", code: 1000 }),
  1003: () => new Uint8Array([1, 2, 3]),
  1007: () => '{"this is": no JSON',
  1008: () => ({ type: "forbidden" }),
  1009: () => ({ type: "echo", id: 0, text: "x".repeat(20_000) }),
  1011: () => ({ type: "fault" }),
  1013: () => ({ type: "close", code: 1013 }),
  4001: () => ({ type: "close", code: 4001 }),
};

for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => connection.send(ENDS[button.dataset.close]()));
}

// --- countdown -----------------------------------------------------------------------------------

$("#countdown-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const button = $("#countdown-form button");
  const path = `/ws/countdown/${$("#countdown-start").value}/`;
  const socket = new WebSocket(base + path);
  button.disabled = true;
  show("countdown-status", `Connected to ${path}`);
  socket.addEventListener("message", ({ data }) => {
    show("countdown", data);
    log.add("in", `${path} ${data}`);
  });
  socket.addEventListener("close", ({ code }) => {
    button.disabled = false;
    show("countdown-status", `Closed with ${code}, ${explain(code).name}.`);
    log.add("state", `${path} closed with ${code}`);
  });
});

// --- log -----------------------------------------------------------------------------------------

$("#log-clear").addEventListener("click", () => log.clear());
$("#log-quiet").addEventListener("change", ({ target }) => $("#log").classList.toggle("quiet", target.checked));

const HANDLERS = { echo: echoed, whoami: introduced, weather: reported };

show("address", address);
setInterval(render, 200);
connection.connect();
