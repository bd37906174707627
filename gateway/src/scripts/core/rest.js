// ---- rest: the interface of the Sametime Proxy (browser-side.md 3.2 to 3.6), loaded when it is needed -----
//
// For what the event channel does not have (find people, business cards, contact list, privacy), and as the last
// transport where neither a WebSocket nor a stream gets through.

const CLIENT_TYPE = 5291;
// A poll that is answered so soon with nothing was taken over by another window.
const SOON = 5000;
const LONGEST_PAUSE = 10_000;
const ANSWER_IN = 20_000;
// Addresses have an end (browser-side.md 3.2).
const LONGEST_LIST = 1500;
const NAMES = { 0: "offline", 1: "active", 2: "away", 3: "dnd", 4: "idle", 5: "meeting", 6: "active", 7: "away", 8: "dnd", 10: "meeting" };
const NUMBERS = { active: 1, away: 2, dnd: 3, idle: 4, meeting: 5 };

/** What pages call by its name: verb, path, action of the answer (without one the acknowledgement is it), parameters. */
const CALLS = {
  "buddylist.get": ["GET", "/buddylist", "buddylist get"],
  "buddylist.getUsers": ["GET", "/buddylist/users", "buddylist users"],
  "buddylist.getGroups": ["GET", "/buddylist/groups", "buddylist groups"],
  "buddylist.addUser": ["POST", "/buddylist/user", "buddylist addUser", "userId", "groupId", "newUserDisplayName"],
  "buddylist.removeUser": ["DELETE", "/buddylist/user", "buddylist removeUser", "userId", "groupId"],
  "buddylist.renameUser": ["PUT", "/buddylist/user", "buddylist renameUser", "userId", "newUserDisplayName"],
  "buddylist.addGroup": ["POST", "/buddylist/group", "buddylist addGroup", "groupId", "isPrivate"],
  "buddylist.removeGroup": ["DELETE", "/buddylist/group", "buddylist removeGroup", "groupId"],
  "buddylist.renameGroup": ["PUT", "/buddylist/group", "buddylist renameGroup", "oldGroupId", "newGroupId"],
  "watchlist.addGroup": ["POST", "/presence", "watchlist addGroup", "groupId"],
  "watchlist.removeGroup": ["DELETE", "/presence", "watchlist removeGroup", "groupId"],
  "quickfind.get": ["GET", "/quickfind", "quickfind find", "searchString"],
  "quickfind.getUsers": ["GET", "/quickfind?isUser=true", "quickfind find", "searchString"],
  "quickfind.getGroups": ["GET", "/quickfind?isUser=false", "quickfind find", "searchString"],
  "person.getUserInfo": ["GET", "/userinfo", "user info", "userId"],
  "privacy.get": ["GET", "/user/privacy", "privacy get"],
  "privacy.add": ["POST", "/user/privacy", "privacy set", "list", "isExcluding"],
  "attributes.add": ["POST", "/presence/attributes", "", "attributes"],
  "attributes.remove": ["DELETE", "/presence/attributes", "", "attributes"],
};

function problem(code, message, lost = false) {
  return Object.assign(new Error(message), { code, lost });
}

function pause(milliseconds) {
  return new Promise((over) => setTimeout(over, milliseconds * (0.5 + Math.random() / 2)));
}

const sessions = new Map();

/**
 * The session of this page: a log-in within its grace time is the same session again, and two polls would take
 * each other's answers. `base` is what stands before `/stwebapi`; `hear` is told every value that comes over the poll;
 * `login` is a log-in that the page has made itself (`signIn`).
 */
export function sessionOf(base, hear, login) {
  const key = login ?? base;
  if (!sessions.has(key)) sessions.set(key, new RestSession(key, base, login));
  const session = sessions.get(key);
  if (hear) session.listeners.add(hear);
  return session;
}

/** A session of the REST interface with its long poll. */
class RestSession {
  #key;
  #base;
  #login;
  #nonce = "";
  #sid = "";
  #opening = null;
  // Action → the call that waits for it, and the last call in line.
  #waiting = new Map();
  #line = new Map();
  #over = new AbortController();
  listeners = new Set();
  person = null;

  constructor(key, base, login) {
    this.#key = key;
    this.#base = `${base}/stwebapi`;
    this.#login = login;
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
    if (this.#login) {
      await this.#join(this.#login).catch(async (error) => {
        // The page's session is over, as after a restart of the gateway: its log-in is repeated.
        if (!error.lost) throw error;
        this.#sid = this.#nonce = "";
        await this.#join(Object.assign(this.#login, await this.#login.again()));
      });
    } else {
      await this.#join(await this.#send("POST", "/user/connect", { loginType: CLIENT_TYPE, loginMethod: "byToken" }));
    }
    this.#poll();
  }

  async #join({ sid, sessionid, person, rtc4webNonce, loginName }) {
    this.#sid = sid ?? sessionid ?? "";
    this.person = person ?? null;
    this.#nonce = rtc4webNonce ?? "";
    const joined = await this.#send("POST", `/RTCServlet/${encodeURIComponent(this.#sid)}/user`, { userName: loginName ?? "", method: "put" });
    this.#nonce = joined["Rtc4web-Nonce"] ?? this.#nonce;
  }

  async #poll() {
    let empty = 0;
    while (!this.#over.signal.aborted) {
      const begun = Date.now();
      try {
        const { update = [] } = await this.#send("GET", "/RTCServlet", { format: "json" });
        for (const { value } of update) if (value) this.#hear(value);
        empty = !update.length && Date.now() - begun < SOON ? empty + 1 : 0;
        if (empty) await pause(Math.min(LONGEST_PAUSE, 1000 * 2 ** empty));
      } catch (error) {
        this.#end({ action: ["session", "ended"], code: error.code });
      }
    }
  }

  #hear(value) {
    const action = [].concat(value.action ?? []).join(" ");
    if (action === "session ended") return this.#end(value);
    const asked = this.#waiting.get(action);
    const code = value.returnCode ?? 200;
    if (code >= 200 && code < 300) asked?.resolve(value);
    else asked?.reject(problem(value.code ?? code, value.message ?? value.reason ?? "the server refuses"));
    this.#tell(value);
  }

  #tell(value) {
    this.listeners.forEach((hear) => hear(value));
  }

  #end(value) {
    if (this.#over.signal.aborted) return;
    this.#waiting.forEach(({ reject }) => reject(problem(value.code ?? 3, "the session was over", true)));
    this.close();
    this.#tell(value);
  }

  /** A call of the table above. */
  call(name, values) {
    const [verb, path, action, ...parameters] = CALLS[name];
    return this.command(verb, path, Object.fromEntries(parameters.map((parameter, index) => [parameter, values[index]])), action);
  }

  /** A command; `action` names the answer that comes over the poll, without it the acknowledgement is the answer. */
  async command(verb, path, parameters, action) {
    await this.open();
    if (!action) return this.#command(verb, path, parameters);
    // Answers do not say to which call they belong: of each kind one is under way.
    const before = this.#line.get(action) ?? Promise.resolve();
    const answer = before.then(() => this.#ask(verb, path, parameters, action));
    this.#line.set(action, answer.catch(() => {}));
    return answer;
  }

  #ask(verb, path, parameters, action) {
    return new Promise((resolve, reject) => {
      const done = (settle) => (value) => {
        clearTimeout(timer);
        this.#waiting.delete(action);
        settle(value);
      };
      const timer = setTimeout(() => done(reject)(problem(3, "no answer")), ANSWER_IN);
      this.#waiting.set(action, { resolve: done(resolve), reject: done(reject) });
      this.#command(verb, path, parameters).catch(done(reject));
    });
  }

  /** A request of the session; one that the server does not know any more is over. */
  #command(verb, path, parameters) {
    return this.#send(verb, path, parameters).catch((error) => {
      if (error.lost) this.#end({ action: ["session", "ended"], code: error.code });
      throw error;
    });
  }

  async #send(verb, path, parameters) {
    const url = new URL(this.#base + path);
    // Cookies do not say which of the browser's sessions is this page's.
    const given = this.#sid ? { ...parameters, sid: this.#sid } : parameters;
    for (const [name, value] of Object.entries(given ?? {})) if (value !== undefined && value !== null) url.searchParams.set(name, value);
    const headers = this.#nonce ? { "Rtc4web-Nonce": this.#nonce } : {};
    const answer = await fetch(url, { method: verb, credentials: "include", cache: "no-store", headers, signal: this.#over.signal }).catch(() => {
      throw problem(3, "the server cannot be reached");
    });
    const body = await answer.json().catch(() => ({}));
    if (answer.ok) return body;
    const { status } = answer;
    const known = { 400: 14, 401: 11, 403: 11, 404: 3, 409: 3, 410: 11 }[status] ?? 4;
    throw problem(body.code ?? (status >= 500 ? 3 : known), body.message ?? body.reason ?? "the server refuses", [401, 403, 410].includes(status));
  }

  close() {
    this.#over.abort();
    this.#waiting.forEach(({ reject }) => reject(problem(3, "the session has ended")));
    if (sessions.get(this.#key) === this) sessions.delete(this.#key);
  }
}

/** The same face as the other transports of an event channel. */
export class PollTransport {
  #session;
  #message;
  #closed;

  constructor(url, { message, closed, login }) {
    this.#message = message;
    this.#closed = closed;
    this.#session = sessionOf(url.replace(/\/livename\/v1\/events$/, ""), this.#hear, login);
    this.#session.open().then(
      () => {
        const { id = "", status = -1, statusMessage: text = "" } = this.#session.person ?? {};
        this.#message({ type: "hello", channel: null, expires_in: null, me: { id, status: NAMES[status] ?? "unknown", text, login: "up" } });
      },
      // A password or a token of the page that is not taken again will not be taken later.
      ({ code, message }) => this.#left(false, login && [2, 12].includes(code) ? { code: "login_refused", message: `Log in again: ${message}.` } : null),
    );
  }

  #left(everOpen, cause) {
    this.#session.listeners.delete(this.#hear);
    this.#closed(everOpen, cause);
  }

  #hear = (value) => {
    const [group, what] = [].concat(value.action ?? []);
    const { userId, displayName: name = "", message: text = "", code } = value;
    const notice = (kind, more) => this.#message({ type: "notice", notice: kind, from: userId, name, ...more });
    if (group === "session") {
      // What the server has ended for good is not begun again.
      if (value.end) this.#message({ type: "end", code: value.end, message: text, retry: value.retry });
      return this.#left(true);
    }
    if (group === "chat") {
      if (what === "refused") notice("chat_refused");
      else if (what === "opened") notice("chat_opened");
      else if (what === "data") notice("chat", { text: value.msg ?? "" });
      else if (what === "isTyping") notice("chat_typing", { typing: value.typing });
      else if (what === "closed") notice("chat_closed", { reason: text });
      return;
    }
    if (group === "announcement" && what === "received") return notice("announcement", { text, may_reply: value.isAllowed });
    if (group === "admin") return notice("admin", { text });
    if (group === "MY_STATUS_CHANGED" && value.person) return this.#message({ type: "me", me: { ...this.#state(value.person), login: "up" } });
    if (group !== "watchlist") return;
    if (what === "addUser" && userId) {
      const failed = (value.returnCode ?? 200) >= 300;
      const error = code === 7 || value.returnCode === 404 ? "nobody" : "unavailable";
      this.#message({ type: "names", names: [failed ? { asked: userId, error } : { asked: userId, id: value.id ?? userId, name }] });
    }
    const people = value.watchlist ?? [];
    if (people.length) this.#message({ type: "presence", people: people.map((person) => ({ ...this.#state(person), name: person.displayName ?? "", revision: 0 })) });
  };

  #state({ id, status, statusMessage = "" }) {
    return { id, status: NAMES[status] ?? "unknown", text: statusMessage, mobile: status > 5 };
  }

  send({ op, ids = [], names = [], status, text, id }) {
    const people = (verb) => Promise.all(lists([...ids, ...names]).map((users) => this.#session.command(verb, "/presence", { users })));
    const done = {
      watch: () => people("POST"),
      unwatch: () => people("DELETE"),
      status: () => this.#session.command("POST", "/user/status", { status: NUMBERS[status], statusMessage: text }),
      logout: () => this.#session.command("DELETE", "/user/connect"),
    }[op];
    (done?.() ?? Promise.resolve()).then(
      () => {
        this.#message({ type: "ok", id });
        if (op === "logout") this.#end();
      },
      (error) => this.#message({ type: "error", id, code: "refused", message: error.message }),
    );
  }

  #end() {
    this.#message({ type: "end", code: "logged_out", message: "logged out", retry: false });
    this.#session.close();
    this.#left(true);
  }

  close() {
    this.#message = this.#closed = () => {};
    this.#session.listeners.delete(this.#hear);
    this.#session.close();
  }
}

/** As many names as an address has room for, and again. */
function lists(names) {
  const all = [];
  for (const name of names) {
    const longer = `${all.at(-1)}|${name}`;
    if (all.length && encodeURIComponent(longer).length <= LONGEST_LIST) all[all.length - 1] = longer;
    else all.push(name);
  }
  return all;
}
