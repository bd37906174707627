// ---- rest: the interface of the Sametime Proxy (browser-side.md 3.2 to 3.6), loaded when it is needed -----
//
// For what the event channel does not have (find people, business cards, contact list, privacy), and as the last
// transport where neither a WebSocket nor a stream gets through.

const CLIENT_TYPE = 5291;
const POLL_PAUSE = 3000;
const ANSWER_IN = 20_000;
const NAMES = { 0: "offline", 1: "active", 2: "away", 3: "dnd", 4: "idle", 5: "meeting", 6: "active", 7: "away", 8: "dnd", 10: "meeting" };
const NUMBERS = { active: 1, away: 2, dnd: 3, idle: 4, meeting: 5 };

function problem(code, message) {
  return Object.assign(new Error(message), { code });
}

const sessions = new Map();

/**
 * The session of this page: a log-in within its grace time is the same session again, and two polls would take
 * each other's answers. `base` is what stands before `/stwebapi`; `hear` is told every value that comes over the poll;
 * `login` is the answer to a log-in that the page has made itself.
 */
export function sessionOf(base, hear, login) {
  if (!sessions.has(base)) sessions.set(base, new RestSession(base, login));
  const session = sessions.get(base);
  if (hear) session.listeners.add(hear);
  return session;
}

/** A session of the REST interface with its long poll. */
class RestSession {
  #base;
  #nonce = "";
  #opening = null;
  #waiting = new Map();
  #closed = false;
  #place;
  #login;
  listeners = new Set();
  sid = "";
  person = null;

  constructor(base, login) {
    this.#place = base;
    this.#login = login;
    this.#base = `${base}/stwebapi`;
  }

  /** Logs in with the browser's cookie, unless the page has logged in, and begins to poll. */
  open() {
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  async #open() {
    const login = this.#login ?? (await this.#send("POST", "/user/connect", { loginType: CLIENT_TYPE, loginMethod: "byToken" }));
    this.sid = login.sid ?? login.sessionid ?? "";
    this.person = login.person ?? null;
    this.#nonce = login.rtc4webNonce ?? "";
    const joined = await this.#send("POST", `/RTCServlet/${encodeURIComponent(this.sid)}/user`, { userName: login.loginName ?? "", method: "put" });
    this.#nonce = joined["Rtc4web-Nonce"] ?? this.#nonce;
    this.#poll();
  }

  async #poll() {
    while (!this.#closed) {
      try {
        const { update = [] } = await this.#send("GET", "/RTCServlet", { format: "json" });
        for (const { value } of update) if (value) this.#hear(value);
      } catch (error) {
        if (this.#closed) return;
        if ([4, 11, 16, 17].includes(error.code)) return this.#end(error);
        await new Promise((over) => setTimeout(over, POLL_PAUSE * (0.5 + Math.random())));
      }
    }
  }

  #hear(value) {
    const action = [].concat(value.action ?? []).join(" ");
    const asked = this.#waiting.get(action)?.shift();
    if (asked && (value.returnCode ?? 200) >= 200 && value.returnCode < 300) asked.resolve(value);
    else asked?.reject(problem(value.code ?? value.returnCode, value.message ?? value.reason ?? "the server refuses"));
    this.#tell(value);
  }

  #tell(value) {
    this.listeners.forEach((hear) => hear(value));
  }

  #end(error) {
    this.close();
    this.#waiting.forEach((all) => all.forEach(({ reject }) => reject(error)));
    this.#waiting.clear();
    this.#tell({ action: ["session", "ended"], reason: error.message });
  }

  /** A command; `action` names the answer that comes over the poll, without it the acknowledgement is the answer. */
  async command(verb, path, parameters, action) {
    await this.open();
    if (!action) return this.#send(verb, path, parameters);
    const answer = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(problem(3, "no answer")), ANSWER_IN);
      const settle = (then) => (value) => (clearTimeout(timer), then(value));
      if (!this.#waiting.has(action)) this.#waiting.set(action, []);
      this.#waiting.get(action).push({ resolve: settle(resolve), reject: settle(reject) });
    });
    // Whichever fails first is the answer.
    answer.catch(() => {});
    await this.#send(verb, path, parameters);
    return answer;
  }

  async #send(verb, path, parameters) {
    const query = new URLSearchParams(Object.entries(parameters ?? {}).filter(([, value]) => value !== undefined && value !== null));
    const headers = this.#nonce ? { "Rtc4web-Nonce": this.#nonce } : {};
    const answer = await fetch(`${this.#base}${path}?${query}`, { method: verb, credentials: "include", cache: "no-store", headers }).catch(() => {
      throw problem(3, "the server cannot be reached");
    });
    const body = await answer.json().catch(() => ({}));
    if (answer.ok) return body;
    const known = { 400: 14, 401: 11, 403: 11, 404: 3, 409: 3, 410: 11 }[answer.status] ?? 4;
    throw problem(body.code ?? (answer.status >= 500 ? 3 : known), body.message ?? body.reason ?? "the server refuses");
  }

  close() {
    this.#closed = true;
    if (sessions.get(this.#place) === this) sessions.delete(this.#place);
  }
}

/** The same face as the other transports of an event channel. */
export class PollTransport {
  #session;
  #message;

  constructor(url, { message, closed, login }) {
    this.#message = message;
    this.#session = sessionOf(url.replace(/\/livename\/v1\/events$/, ""), (value) => this.#hear(value, closed), login);
    this.#session.open().then(
      () => {
        const { id = "", status = -1, statusMessage: text = "" } = this.#session.person ?? {};
        message({ type: "hello", channel: null, expires_in: null, me: { id, status: NAMES[status] ?? "unknown", text, login: "up" } });
      },
      () => closed(false),
    );
  }

  #hear(value, closed) {
    const [group, what] = [].concat(value.action ?? []);
    if (group === "session") closed(true);
    const people = value.watchlist ?? (what === "userStatus" ? [{ id: value.userId, ...value.userStatus }] : []);
    if (group !== "watchlist" || !people.length) return;
    this.#message({
      type: "presence",
      people: people.map(({ id, status, statusMessage = "", displayName = "" }) => ({
        id,
        status: NAMES[status] ?? "unknown",
        text: statusMessage,
        name: displayName,
        mobile: status > 5,
        revision: 0,
      })),
    });
  }

  send({ op, ids = [], names = [], status, text, id }) {
    const users = [...ids, ...names].join("|");
    const done = {
      // Names are watched as they are; the server looks them up.
      watch: () => (this.#message({ type: "names", names: names.map((asked) => ({ asked, id: asked })) }), this.#session.command("POST", "/presence", { users })),
      unwatch: () => this.#session.command("DELETE", "/presence", { users }),
      status: () => this.#session.command("POST", "/user/status", { status: NUMBERS[status], statusMessage: text }),
      logout: () => this.#session.command("DELETE", "/user/connect"),
    }[op];
    (done?.() ?? Promise.resolve()).then(
      () => this.#message({ type: "ok", id }),
      (error) => this.#message({ type: "error", id, code: "refused", message: error.message }),
    );
  }

  close() {
    this.#session.close();
  }
}
