const COME_BACK = new Set([1001, 1006, 1011, 1012, 1013]);

function stayConnected(url, onMessage) {
  let attempt = 0;

  function open() {
    const socket = new WebSocket(url);
    socket.onmessage = (event) => {
      attempt = 0;
      onMessage(event, socket);
    };
    socket.onclose = ({ code }) => {
      if (COME_BACK.has(code)) {
        const most = 1000 * Math.min(30, 2 ** attempt++);
        setTimeout(open, most * Math.random());
      }
    };
  }

  open();
}
