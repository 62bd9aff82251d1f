// What every card needs: to find its elements, to write into them, and the address of the server.

export const $ = (selector) => document.querySelector(selector);

/** Write into every element with this `data-text`; what stays the same is not announced again. */
export function show(name, text) {
  for (const element of document.querySelectorAll(`[data-text="${name}"]`)) {
    if (element.textContent !== String(text)) element.textContent = text;
  }
}

export const base = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;
