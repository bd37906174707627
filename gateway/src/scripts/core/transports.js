// ---- transports: JSON messages both ways, and whether the channel ever opened -------------------------

/** Commands beside the channel; resolves to their answers. */
async function post(url, channel, command) {
  const response = await fetch(`${url}/${channel}`, {
    method: "POST",
    credentials: "include",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(command),
  });
  return response.ok ? response.json() : [];
}

class SocketTransport {
  #socket;

  constructor(url, { message, closed }) {
    // Throws when an https page names an http gateway.
    this.#socket = new WebSocket(url.replace(/^http/, "ws"));
    let open = false;
    this.#socket.onmessage = ({ data }) => {
      open = true;
      message(JSON.parse(data));
    };
    this.#socket.onclose = () => closed(open);
  }

  send(command) {
    this.#socket.send(JSON.stringify(command));
  }

  close() {
    this.#socket.onclose = this.#socket.onmessage = null;
    this.#socket.close();
  }
}

class StreamTransport {
  #source;
  #url;
  #message;
  #channel = null;
  // Commands in order: the next POST waits for the one before.
  #last = Promise.resolve();

  constructor(url, { message, closed }) {
    this.#url = url;
    this.#message = message;
    this.#source = new EventSource(url, { withCredentials: true });
    this.#source.onmessage = ({ data }) => {
      const news = JSON.parse(data);
      if (news.type === "hello") this.#channel = news.channel;
      message(news);
    };
    this.#source.onerror = () => {
      // Its own retry would not know the watch list; ours does.
      this.close();
      closed(this.#channel !== null);
    };
  }

  send(command) {
    this.#last = this.#last
      .then(() => post(this.#url, this.#channel, command))
      .then((answers) => answers.forEach((answer) => this.#message(answer)))
      .catch(() => {});
  }

  close() {
    this.#source.onerror = this.#source.onmessage = null;
    this.#source.close();
  }
}

/** The long poll, whose script is loaded only when nothing else works. */
class LaterTransport {
  #real = null;
  #closed = false;

  constructor(url, events) {
    later(url, "rest.js").then(
      ({ PollTransport }) => this.#closed || (this.#real = new PollTransport(url, events)),
      () => this.#closed || events.closed(false),
    );
  }

  send(command) {
    this.#real?.send(command);
  }

  close() {
    this.#closed = true;
    this.#real?.close();
  }
}
