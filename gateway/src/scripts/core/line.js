// ---- line: the one real connection, kept up ---------------------------------------------------------

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
const WATCHES_IN_ONE_COMMAND = 500;
// Mail servers renew the cookie while a user works: look for the new one so long before the old one ends.
const RENEW_BEFORE = 120;
const RENEW_AGAIN = 20;
const LOOK_UP_AGAIN = 30_000;
// Directory ids as Domino writes them; everything else is looked up.
const CANONICAL = /^CN=[^,]*\/O=[^,]*$/i;

class Line {
  #url;
  #tell;
  #transport = null;
  #session = null;
  #over = false;
  #login;
  #kind;
  #failures = 0;
  #cursor = null;
  #timer = 0;
  #nextId = 1;
  #answers = new Map();
  #channel = null;
  #renewal = 0;
  // The page's name for somebody → the directory id it stands for, and back.
  #ids = new Map();
  #askers = new Map();
  people = new Map();
  watched = new Set();
  me = null;
  state = { state: "waiting", code: "", reason: "" };

  /** `tell` hears of `{people}`, `{me}`, `{state}`, `{problem}`, `{notice}` and `{rest}`; `login`: a log-in of the page's own. */
  constructor(url, transport, tell, login) {
    this.#url = url;
    this.#login = login;
    this.#tell = (news) => this.#over || tell(news);
    this.#kind = Math.max(0, ["socket", "sse", "poll"].indexOf(transport));
    this.#connect();
  }

  watch(names) {
    const fresh = names.filter((name) => !this.watched.has(name));
    fresh.forEach((name) => {
      this.watched.add(name);
      if (CANONICAL.test(name)) this.#means(name, name);
    });
    if (this.#isOpen) this.#sendWatches(fresh);
  }

  unwatch(names) {
    const gone = [];
    for (const name of names) {
      if (!this.watched.delete(name)) continue;
      this.people.delete(name);
      const id = this.#ids.get(name);
      const askers = this.#askers.get(id);
      this.#ids.delete(name);
      if (askers?.delete(name) && !askers.size && this.#askers.delete(id)) gone.push(id);
    }
    if (this.#isOpen && gone.length) this.#transport.send({ op: "unwatch", ids: gone });
  }

  /** Resolves when the gateway has carried the command out, rejects with its error. */
  ask(command) {
    if (command.op === "rest") {
      const call = () => this.#rest().then((session) => session.call(command.call, command.values));
      // A session that was over is begun anew, once.
      return call().catch((error) => (error.lost ? call() : Promise.reject(error)));
    }
    if (!this.#isOpen) return Promise.reject(failure("offline", "not connected at the moment"));
    const asked = new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#answers.set(id, { resolve, reject });
      this.#transport.send({ ...command, id });
    });
    if (command.op !== "logout") return asked;
    // The end that it brings may be here before its answer.
    return asked.catch((error) => (this.state.code === "logged_out" ? undefined : Promise.reject(error)));
  }

  /** What only the REST interface has. Its script is loaded by the first who asks; one session serves all tabs. */
  async #rest() {
    const { sessionOf } = await later(this.#url, "rest.js");
    return (this.#session = sessionOf(this.#url.replace(/\/livename\/v1\/events$/, ""), this.#heard, this.#login));
  }

  #heard = (rest) => this.#tell({ rest });

  close() {
    this.#over = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#renewal);
    this.#transport?.close();
    this.#session?.close();
    this.#transport = this.#session = null;
    this.#giveUpAnswers();
  }

  /** Comes back without waiting: the page is looked at again, the network is there again, or somebody logs in. */
  hurry(again) {
    if (this.#transport) return;
    const { state, code } = this.state;
    // The mail server may have set a fresh cookie meanwhile. Other ends are final.
    if (state === "ended" && !again && !/^(token|cookie)/.test(code)) return;
    if (again) this.#changeState("waiting");
    this.#connect();
  }

  get #isOpen() {
    return this.state.state === "open";
  }

  #connect() {
    clearTimeout(this.#timer);
    if (this.#over) return;
    const events = {
      message: (message) => this.#receive(message),
      closed: (everOpen, cause) => this.#closed(everOpen, cause),
      login: this.#login,
    };
    try {
      this.#transport = this.#kind === 2 ? new LaterTransport(this.#url, events) : new [SocketTransport, StreamTransport][this.#kind](this.#url, events);
    } catch {
      this.#closed(false);
    }
  }

  async #closed(everOpen, cause) {
    this.#transport = null;
    clearTimeout(this.#renewal);
    this.#giveUpAnswers();
    if (this.state.state === "ended" && everOpen) return;
    this.#failures += 1;
    if (!everOpen) {
      // The page's own log-in has nothing to do with cookies.
      if (!this.#login) cause = await explain(this.#url);
      if (this.#transport) return;
      if (cause) return this.#changeState("ended", cause.code, cause.message);
      // Some middle boxes let no WebSocket through, some no stream: what never opens twice is tried as the next kind.
      if (!this.#login && this.#failures % 2 === 0) this.#kind = (this.#kind + 1) % 3;
    }
    this.#changeState("waiting");
    const ceiling = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(this.#failures, 8));
    this.#timer = setTimeout(() => this.#connect(), ceiling * (0.5 + Math.random() / 2));
  }

  #giveUpAnswers() {
    this.#answers.forEach(({ reject }) => reject(failure("offline", "the connection was lost")));
    this.#answers.clear();
  }

  #receive(message) {
    const answer = this.#answers.get(message.id);
    this.#answers.delete(message.id);
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
        if (message.cursor) this.#cursor = message.cursor;
        const known = ({ id }) => [...(this.#askers.get(id) ?? [])];
        this.#news(message.people.flatMap((person) => known(person).map((asked) => ({ ...person, asked }))));
        break;
      }
      case "notice":
        this.#tell({ notice: message });
        break;
      case "names":
        this.#named(message.names);
        break;
      case "me":
        this.#setMe(message.me);
        break;
      case "error":
        answer?.reject(failure(message.code, message.message));
        this.#tell({ problem: message });
        break;
      case "end":
        this.#tell({ problem: message });
        if (!message.retry) this.#changeState("ended", message.code, message.message);
        break;
      default:
        answer?.resolve(message);
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
    if (!this.#isOpen) return;
    const [answer] = await post(this.#url, this.#channel, { op: "renew" }).catch(() => [{ expires_in: RENEW_AGAIN }]);
    if (answer) this.#renewSoon(answer.expires_in);
  }

  #sendWatches(names, since) {
    for (let start = 0; start < names.length; start += WATCHES_IN_ONE_COMMAND) {
      const piece = names.slice(start, start + WATCHES_IN_ONE_COMMAND);
      const ids = piece.map((name) => this.#ids.get(name)).filter(Boolean);
      const unknown = piece.filter((name) => !this.#ids.has(name));
      const command = { op: "watch", ids };
      if (unknown.length) command.names = unknown;
      if (since) command.since = since;
      this.#transport.send(command);
    }
  }

  #means(name, id) {
    this.#ids.set(name, id);
    this.#askers.set(id, (this.#askers.get(id) ?? new Set()).add(name));
  }

  /** Who is meant by names. Whom nobody knows stays unknown. */
  #named(names) {
    const later = [];
    const news = [];
    const gone = [];
    for (const { asked, id, name = "", error } of names) {
      if (!this.watched.has(asked)) {
        // It has left the page while it was looked up.
        if (id && !this.#askers.has(id)) gone.push(id);
        continue;
      }
      if (error === "unavailable") later.push(asked);
      const twin = [...(this.#askers.get(id) ?? [])].map((other) => this.people.get(other)).find(Boolean);
      if (id) this.#means(asked, id);
      news.push({ id: id ?? asked, status: "unknown", text: "", name, mobile: false, ...twin, asked, error });
    }
    this.#news(news);
    if (gone.length) this.#transport.send({ op: "unwatch", ids: gone });
    if (later.length) setTimeout(() => this.#isOpen && this.#sendWatches(later.filter((name) => this.watched.has(name))), LOOK_UP_AGAIN);
  }

  #news(people) {
    people.forEach((person) => this.people.set(person.asked, person));
    this.#tell({ people });
  }

  #setMe(me) {
    this.me = me;
    this.#tell({ me });
  }

  #changeState(state, code = "", reason = "") {
    if (this.state.state === state && this.state.code === code) return;
    this.state = { state, code, reason };
    this.#tell({ state: this.state });
  }
}

function failure(code, message) {
  return Object.assign(new Error(message), { code });
}

/** Why a channel does not open, if waiting does not help: browsers do not tell, so it is asked for. */
async function explain(url) {
  const get = (mode) => fetch(url, { credentials: "include", cache: "no-store", mode }).catch(() => null);
  const answer = await get("cors");
  if (answer?.status === 401) {
    // Few pages need the words for it.
    const { why } = await later(url, "why.js").catch(() => ({}));
    return why ? why(url) : { code: "cookie_missing", message: "No cookie that the gateway takes reaches it." };
  }
  if (answer) return null;
  if (location.protocol === "https:" && url.startsWith("http:")) {
    return { code: "mixed_content", message: "Mixed content: an https page cannot reach an http gateway. Name the gateway with https." };
  }
  // A gateway that has come back meanwhile answers both.
  const refused = (await get("no-cors")) && !(await get("cors"));
  return refused && { code: "origin", message: `The gateway does not allow pages of ${location.origin} (sso.domain, sso.origins).` };
}

const scripts = new Map();
let missed = 0;

/** A script beside the channel. Browsers remember that one could not be loaded, so it is asked for by another name then. */
function later(url, name) {
  const address = url.replace(/events$/, name);
  if (!scripts.has(address)) {
    const script = import(address + (missed ? `?${missed}` : "")).catch((error) => {
      missed += 1;
      scripts.delete(address);
      throw error;
    });
    scripts.set(address, script);
  }
  return scripts.get(address);
}
