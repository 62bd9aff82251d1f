// The card "Who gets in": knocks at a socket that is for members alone, and says what came of it.

import { explain } from "./close-codes.js";
import { $, base, show } from "./page.js";

const PATH = "/ws/members/";
const UNAUTHORIZED = 4401; // 4000 and the status: Members.denial is Denial.CLOSE

/** @returns {{expect: function(?string): void}} to be told who is logged in */
export function bindMembers(log) {
  const door = $("#door");
  let user; // undefined until the server has said who it is
  let knocking = false;

  function tell({ family, code = "", title, text }) {
    door.dataset.family = family;
    $("#door-code").hidden = code === "";
    $("#door-advice").hidden = code !== UNAUTHORIZED;
    show("door-code", code);
    show("door-title", title);
    show("door-text", text);
  }

  function knock() {
    if (knocking) return;
    knocking = true;
    let welcome = null;
    tell({ family: "idle", title: "Knocking…", text: `Opening ${PATH}` });
    const socket = new WebSocket(base + PATH);
    // Not in "open": that comes before a refusal by a close code, too.
    socket.addEventListener("message", ({ data }) => {
      log.add("in", `${PATH} ${data}`);
      welcome = JSON.parse(data);
    });
    socket.addEventListener("close", ({ code }) => {
      knocking = false;
      const { name, meaning } = explain(code);
      log.add(welcome ? "state" : "bad", `${PATH} closed with ${code} ${name}`);
      if (welcome) tell({ family: "good", code, title: `Welcome, ${welcome.user}!`, text: `You were let in and greeted. Then it was closed: ${name}.` });
      else tell({ family: "bad", code, title: name, text: meaning });
    });
  }

  $("#knock").addEventListener("click", knock);

  return {
    expect(now) {
      if (now === user) return;
      const known = user !== undefined;
      user = now;
      if (!known || knocking) return;
      if (user) tell({ family: "idle", title: `Now you are ${user}`, text: "Knock again, and see." });
      else tell({ family: "idle", title: "You have logged out", text: "Knock again, and see." });
    },
  };
}
