// What a close code means: RFC 6455 section 7.4.1 and the IANA WebSocket registry.

const CODES = {
  1000: ["Normal Closure", "The connection has done what it was for."],
  1001: ["Going Away", "The page was left, or the server goes down."],
  1002: ["Protocol Error", "A frame broke the rules of the protocol."],
  1003: ["Unsupported Data", "A kind of frame, text or binary, that this socket does not take."],
  1005: ["No Status Received", "The other side closed without saying why."],
  1006: ["Abnormal Closure", "The connection broke, or was never made: no close frame came."],
  1007: ["Invalid Frame Payload Data", "The message was not what it should be, such as text that is no JSON."],
  1008: ["Policy Violation", "Refused: in Django’s terms, PermissionDenied."],
  1009: ["Message Too Big", "More bytes than this socket takes. It was not even parsed."],
  1010: ["Mandatory Extension", "The server lacks an extension that the client needs."],
  1011: ["Internal Error", "A fault in the server’s code. It was logged there, and hit this connection alone."],
  1012: ["Service Restart", "The server restarts. Come back after a random wait."],
  1013: ["Try Again Later", "The server is overloaded. Come back later."],
  1014: ["Bad Gateway", "A gateway got an answer that it could not use."],
  1015: ["TLS Handshake", "The encrypted connection could not be made."],
};

/** @returns {{name: string, meaning: string}} */
export function explain(code) {
  const [name, meaning] = CODES[code] ?? [];
  if (name) return { name, meaning };
  if (code >= 4000) return { name: "Application Code", meaning: "4000 to 4999 are yours to give a meaning to." };
  return { name: "Registered Code", meaning: "3000 to 3999 belong to libraries and frameworks." };
}

/** Whether it makes sense to come back: not when the server meant it. */
export function shouldRetry(code) {
  return code !== 1000 && code < 4000;
}
