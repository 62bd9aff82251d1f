// A websocket that comes back: with jittered, growing waits, so that a restarted server is not stormed.

import { shouldRetry } from "./close-codes.js";

const FIRST_WAIT = 500; // milliseconds
const LONGEST_WAIT = 8000;
const STEADY = 5000; // open for so long, the waits start over

const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];

/**
 * Events: `change` (state or plan), `message` (detail: the decoded JSON), `sent` (detail: what went out),
 * `closed` (detail: code, reason, wasOpen).
 */
export class Connection extends EventTarget {
  #url;
  #socket = null;
  #attempts = 0;
  #openedAt = null;
  #retryAt = null;
  #timer = null;
  #stay = false; // closed by the user: stay so
  #again = false; // closing in order to open anew

  constructor(url) {
    super();
    this.#url = url;
    window.addEventListener("online", () => this.#retryAt && this.connect());
  }

  /** CONNECTING, OPEN, CLOSING or CLOSED, as in the RFC. */
  get state() {
    return STATES[this.#socket?.readyState ?? WebSocket.CLOSED];
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** When it was opened; null unless it is open. */
  get openedAt() {
    return this.isOpen ? this.#openedAt : null;
  }

  /** When the next attempt is made; null if none is planned. */
  get retryAt() {
    return this.#retryAt;
  }

  get attempts() {
    return this.#attempts;
  }

  /** Open it now, unless it is open or about to be. */
  connect() {
    clearTimeout(this.#timer);
    this.#retryAt = null;
    this.#stay = this.#again = false;
    if (this.state === "OPEN" || this.state === "CONNECTING") return;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#openedAt = null;
    socket.addEventListener("open", () => {
      this.#openedAt = Date.now();
      this.#emit("change");
    });
    socket.addEventListener("message", (event) => this.#emit("message", JSON.parse(event.data)));
    socket.addEventListener("close", (event) => this.#closed(event));
    this.#emit("change");
  }

  /** Close it, and stay away. */
  disconnect() {
    clearTimeout(this.#timer);
    this.#retryAt = null;
    this.#stay = true;
    this.#socket?.close(1000, "Disconnected by the user");
    this.#emit("change");
  }

  /** Close it if need be, and open it anew: a new handshake, with the cookies of now. */
  reconnect() {
    this.#attempts = 0;
    if (this.state === "CLOSED") return this.connect();
    this.#again = true;
    this.#socket.close(1000, "Reconnecting");
    this.#emit("change");
  }

  /** Send an object as JSON, or a string or bytes as they are. */
  send(message) {
    if (!this.isOpen) return false;
    const raw = typeof message === "string" || message instanceof Uint8Array;
    this.#socket.send(raw ? message : JSON.stringify(message));
    this.#emit("sent", message);
    return true;
  }

  #closed({ code, reason }) {
    const openedAt = this.#openedAt;
    const wasOpen = openedAt !== null;
    if (wasOpen && Date.now() - openedAt > STEADY) this.#attempts = 0;
    const again = this.#again;
    if (!again && !this.#stay && shouldRetry(code)) {
      const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#attempts) * (0.5 + Math.random() / 2);
      this.#attempts += 1;
      this.#retryAt = Date.now() + wait;
      this.#timer = setTimeout(() => this.connect(), wait);
    }
    this.#emit("closed", { code, reason, wasOpen });
    this.#emit("change");
    if (again) this.connect();
  }

  #emit(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
