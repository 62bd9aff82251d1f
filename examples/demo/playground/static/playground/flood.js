// The card "Flood": more messages at once than a socket takes, and what becomes of each.

import { explain } from "./close-codes.js";
import { $, base, show } from "./page.js";

const MESSAGES = 200;

export function bindFlood(log) {
  const picture = $("#flood-picture");
  const buttons = document.querySelectorAll("[data-flood]");
  const cells = Array.from({ length: MESSAGES }, () => document.createElement("i"));
  picture.append(...cells);
  let running = false;

  function run(path) {
    if (running) return;
    setRunning(true);
    let back = 0;
    let inOrder = true;
    let startedAt = null;
    count(0);
    delete picture.dataset.ended;
    for (const cell of cells) cell.className = "";
    show("flood-status", `Connecting to ${path}`);

    const socket = new WebSocket(base + path);
    socket.addEventListener("open", () => {
      startedAt = performance.now();
      for (let number = 1; number <= MESSAGES; number += 1) socket.send(String(number));
      log.add("out", `${path} ${MESSAGES} messages at once`);
      show("flood-status", "All are sent. The first row comes back at once, each of the others takes a second.");
    });
    socket.addEventListener("message", ({ data }) => {
      inOrder &&= data === String(back + 1);
      cells[back].className = "back";
      back += 1;
      count(back);
      if (back === MESSAGES) socket.close(1000);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      const order = inOrder ? "in order" : "out of order";
      const { name } = explain(code);
      const because = reason ? `${name}, “${reason}”` : name;
      if (back === MESSAGES) show("flood-status", `All ${MESSAGES} came back, ${order}, in ${seconds} s. None was lost.`);
      else show("flood-status", `Closed with ${code}: ${because}. ${back} of ${MESSAGES} had come back.`);
      log.add(back === MESSAGES ? "in" : "bad", `${path} closed with ${code}, ${back} of ${MESSAGES} came back, ${order}`);
      picture.dataset.ended = "";
      setRunning(false);
    });
  }

  function count(back) {
    show("flood-count", back);
    picture.setAttribute("aria-label", `${back} of ${MESSAGES} messages have come back`);
  }

  // Not `disabled`, which would take the focus away.
  function setRunning(now) {
    running = now;
    for (const button of buttons) button.setAttribute("aria-disabled", now);
  }

  for (const button of buttons) button.addEventListener("click", () => run(button.dataset.flood));
}
