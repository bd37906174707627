// Presence for a page, over the gateway's event channel (docs/events.md).
//
//   import { Presence } from "/livename/v1/events.js";
//   const presence = new Presence();
//   presence.watch(["CN=Bo Example/O=Acme"]);
//   presence.addEventListener("presence", (event) => event.detail.forEach(draw));
//
// Events: "presence" (an array of people), "me", "state" ("open", "waiting", "ended"), "problem".
// It reconnects by itself with jitter and asks only for what changed meanwhile.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
const WATCHES_IN_ONE_COMMAND = 500;
// Mail servers renew the cookie while a user works: look for the new one so long before the old one ends.
const RENEW_BEFORE = 120;
const RENEW_AGAIN = 20;

export class Presence extends EventTarget {
  #url;
  #transport = null;
  #failures = 0;
  #cursor = null;
  #timer = 0;
  #nextId = 1;
  #answers = new Map();
  #useSse;
  #channel = null;
  #renewal = 0;

  constructor({ url = "/livename/v1/events", transport = "auto" } = {}) {
    super();
    this.#url = new URL(url, location.href);
    this.#useSse = transport === "sse";
    this.me = null;
    this.people = new Map();
    this.watched = new Set();
    this.state = "waiting";
    // A page that comes back from the back-forward cache or from sleep must not wait out its timer.
    addEventListener("pageshow", (event) => event.persisted && this.#reconnectNow());
    addEventListener("online", () => this.#reconnectNow());
    addEventListener("pagehide", () => this.#transport?.close());
    this.#connect();
  }

  watch(ids) {
    const fresh = ids.filter((id) => !this.watched.has(id));
    fresh.forEach((id) => this.watched.add(id));
    if (this.state === "open") this.#sendWatches(fresh, null);
  }

  unwatch(ids) {
    const gone = ids.filter((id) => this.watched.delete(id));
    gone.forEach((id) => this.people.delete(id));
    if (this.state === "open" && gone.length) this.#send({ op: "unwatch", ids: gone });
  }

  /** Resolves when the gateway has taken the status, rejects with its error message. */
  setStatus(status, text = "") {
    return this.#ask({ op: "status", status, text });
  }

  logout() {
    return this.#ask({ op: "logout" });
  }

  close() {
    clearTimeout(this.#timer);
    clearTimeout(this.#renewal);
    this.#changeState("ended", "closed by the page");
    this.#transport?.close();
  }

  #connect() {
    clearTimeout(this.#timer);
    const events = {
      message: (message) => this.#receive(message),
      closed: (everOpen) => this.#closed(everOpen),
    };
    this.#transport = this.#useSse ? new SseTransport(this.#url, events) : new SocketTransport(this.#url, events);
  }

  #reconnectNow() {
    if (this.state === "waiting" && !this.#transport) this.#connect();
  }

  #closed(everOpen) {
    this.#transport = null;
    this.#answers.forEach(({ reject }) => reject(new Error("the connection was lost")));
    this.#answers.clear();
    if (this.state === "ended") return;
    this.#changeState("waiting");
    this.#failures += 1;
    // Some middle boxes let no WebSocket through: a socket that never opened is tried as SSE next time.
    if (!everOpen && this.#failures % 2 === 0) this.#useSse = !this.#useSse;
    const ceiling = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(this.#failures, 8));
    this.#timer = setTimeout(() => this.#connect(), ceiling * (0.5 + Math.random() / 2));
  }

  #receive(message) {
    switch (message.type) {
      case "hello":
        this.#failures = 0;
        this.#channel = message.channel;
        this.#renewSoon(message.expires_in);
        this.#setMe(message.me);
        this.#changeState("open");
        this.#sendWatches([...this.watched], this.#cursor);
        break;
      case "presence": {
        const news = message.people.filter((person) => this.watched.has(person.id));
        news.forEach((person) => this.people.set(person.id, person));
        if (message.cursor) this.#cursor = message.cursor;
        this.#tell("presence", news);
        break;
      }
      case "me":
        this.#setMe(message.me);
        break;
      case "ok":
        this.#answers.get(message.id)?.resolve();
        this.#answers.delete(message.id);
        break;
      case "error":
        this.#answers.get(message.id)?.reject(new Error(message.message));
        this.#answers.delete(message.id);
        this.#tell("problem", message);
        break;
      case "end":
        if (!message.retry) this.#changeState("ended", message.message);
        this.#tell("problem", message);
        break;
    }
  }

  #renewSoon(expiresIn) {
    clearTimeout(this.#renewal);
    if (expiresIn === null) return;
    const wait = Math.max(expiresIn - RENEW_BEFORE, Math.min(RENEW_AGAIN, expiresIn / 2), 1);
    // Timers do not go beyond 24 days.
    this.#renewal = setTimeout(() => this.#renew(), Math.min(wait, 2_000_000) * 1000);
  }

  /** The request carries the cookie that the browser has now; a socket keeps the one of its beginning. */
  async #renew() {
    if (this.state !== "open") return;
    const [answer] = await post(this.#url, this.#channel, { op: "renew" }).catch(() => [{ expires_in: RENEW_AGAIN }]);
    if (answer) this.#renewSoon(answer.expires_in);
  }

  #sendWatches(ids, since) {
    for (let start = 0; start < ids.length; start += WATCHES_IN_ONE_COMMAND) {
      const command = { op: "watch", ids: ids.slice(start, start + WATCHES_IN_ONE_COMMAND) };
      if (since) command.since = since;
      this.#send(command);
    }
  }

  #ask(command) {
    if (this.state !== "open") return Promise.reject(new Error("not connected at the moment"));
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#answers.set(id, { resolve, reject });
      this.#send({ ...command, id });
    });
  }

  #send(command) {
    this.#transport?.send(command);
  }

  #setMe(me) {
    this.me = me;
    this.#tell("me", me);
  }

  #changeState(state, reason = "") {
    if (this.state === state) return;
    this.state = state;
    this.#tell("state", { state, reason });
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Commands beside the channel; resolves to their answers. */
async function post(url, channel, command) {
  const response = await fetch(new URL(`${url.pathname}/${channel}`, url), {
    method: "POST",
    credentials: "include",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(command),
  });
  return response.ok ? response.json() : [];
}

class SocketTransport {
  #socket;

  constructor(url, events) {
    const address = new URL(url);
    address.protocol = address.protocol.replace("http", "ws");
    this.#socket = new WebSocket(address);
    let open = false;
    this.#socket.onmessage = ({ data }) => {
      open = true;
      events.message(JSON.parse(data));
    };
    this.#socket.onclose = () => events.closed(open);
  }

  send(command) {
    this.#socket.send(JSON.stringify(command));
  }

  close() {
    this.#socket.close();
  }
}

class SseTransport {
  #source;
  #url;
  #events;
  #channel = null;
  // Commands in order: the next POST waits for the one before.
  #last = Promise.resolve();

  constructor(url, events) {
    this.#url = url;
    this.#events = events;
    this.#source = new EventSource(url, { withCredentials: true });
    this.#source.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "hello") this.#channel = message.channel;
      events.message(message);
    };
    this.#source.onerror = () => {
      // Its own retry would not know the watch list; ours does.
      this.#source.close();
      events.closed(this.#channel !== null);
    };
  }

  send(command) {
    this.#last = this.#last
      .then(() => post(this.#url, this.#channel, command))
      .then((answers) => answers.forEach((answer) => this.#events.message(answer)))
      .catch(() => {});
  }

  close() {
    this.#source.close();
  }
}
