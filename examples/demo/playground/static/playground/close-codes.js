// What a close code means: RFC 6455 section 7.4.1, the IANA WebSocket registry, and what django-ws sends.

const CODES = {
  1000: ["Normal Closure", "The connection has done what it was for."],
  1001: ["Going Away", "The page was left, or the server goes down."],
  1002: ["Protocol Error", "A frame broke the rules of the protocol."],
  1003: ["Unsupported Data", "A kind of frame, text or binary, that this socket does not take."],
  1005: ["No Status Received", "The other side closed without saying why."],
  1006: ["Abnormal Closure", "The connection broke, or was never made: no close frame came."],
  1007: ["Invalid Frame Payload Data", "The message was not what it should be, such as text that is no JSON."],
  1008: ["Policy Violation", "Against this socket’s rules: PermissionDenied in a hook, or too many messages."],
  1009: ["Message Too Big", "More bytes than this socket takes. It was not even parsed."],
  1010: ["Mandatory Extension", "The server lacks an extension that the client needs."],
  1011: ["Internal Error", "A fault in the server’s code. It was logged there, and hit this connection alone."],
  1012: ["Service Restart", "The server restarts. Come back after a random wait."],
  1013: ["Try Again Later", "The server is overloaded. Come back later."],
  1014: ["Bad Gateway", "A gateway got an answer that it could not use."],
  1015: ["TLS Handshake", "The encrypted connection could not be made."],
  3008: ["Timeout", "Nothing came from this side for too long. Come back when there is something to send."],
  // 4000 and the HTTP status that refused the handshake.
  4401: ["Unauthorized", "Nobody is logged in, and this socket wants to know who is there."],
  4403: ["Forbidden", "The server knows who it is, and that they may not: PermissionDenied."],
  4404: ["Not Found", "No such route, or what it names is not there: Http404."],
  4429: ["Too Many Requests", "Too many connections are open. Come back later."],
  4503: ["Service Unavailable", "The server could not answer now. Come back later."],
};

/** After these, what was meant to end may go on a little later. */
const BUSY = [4429, 4500, 4503];

/** @returns {{name: string, meaning: string}} */
export function explain(code) {
  const [name, meaning] = CODES[code] ?? [];
  if (name) return { name, meaning };
  if (code >= 4300 && code < 4600) {
    return { name: "Handshake Refused", meaning: `The server’s answer was the HTTP status ${code - 4000}: 4000 was added.` };
  }
  if (code >= 4000) return { name: "Application Code", meaning: "4000 to 4999 are yours to give a meaning to." };
  return { name: "Registered Code", meaning: "3000 to 3999 belong to libraries and frameworks." };
}

/** Whether it makes sense to come back: not when the server meant it. */
export function shouldRetry(code) {
  return BUSY.includes(code) || (code !== 1000 && code !== 3008 && code < 4000);
}
