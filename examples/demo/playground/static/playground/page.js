// What every card needs: to find its elements, to write into them, and the address of the server.

export const $ = (selector) => document.querySelector(selector);

/** Write into every element with this `data-text`; what stays the same is not announced again. */
export function show(name, text) {
  for (const element of document.querySelectorAll(`[data-text="${name}"]`)) {
    if (element.textContent !== String(text)) element.textContent = text;
  }
}

export const base = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;

/** Post a form of Django's own, with these fields besides. @returns {Promise<?Response>} null without an answer */
export function post(form, fields = {}) {
  const body = new FormData(form);
  // Django changes the token at a login, so the one in the page may be old.
  const token = document.cookie.match(/csrftoken=([^;]+)/)?.[1] ?? "";
  for (const [name, value] of Object.entries({ ...fields, csrfmiddlewaretoken: token })) body.set(name, value);
  return fetch(form.action, { method: "POST", body }).catch(() => null);
}
