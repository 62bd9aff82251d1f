async function openSocket(url) {
  const response = await fetch("/ticket/");
  const { token } = await response.json();
  return new WebSocket(url, ["chat.v1", `bearer.${token}`]);
}
