// ---- presence: what a page uses; tabs of one browser share one line ------------------------------------

// How long a tab looks for others before it opens a line; wrong guesses mend themselves.
const LISTEN = 60;
const ASK_AGAIN = 15_000;
const SILENT_LEADER = 2_000;
const FORGOTTEN = 300_000;
const ANSWER_LIMIT = 25_000;
// A connection that is lost for longer shows nothing that may be wrong.
const STALE = 10_000;

/**
 * Events: "presence" (an array of people; `asked` is the name that the page watches, `id` who it is), "me", "state" ({state, code, reason}; "open", "waiting", "ended"), "problem", "notice".
 *
 * Tabs find each other over a BroadcastChannel. One leads and has the line; the others tell it what they want.
 */
class Presence extends EventTarget {
  #url;
  #wished;
  #transport;
  #login = null;
  #room = "";
  #id = Math.random().toString(36).slice(2) + Date.now().toString(36);
  #hall = null;
  #line = null;
  #leader = null;
  #members = new Map();
  #owners = new Map();
  #timer = 0;
  #stale = 0;
  #heartbeat = 0;
  #questions = new Map();
  #nextQuestion = 1;
  #closed = false;
  people = new Map();
  me = null;
  state = "waiting";
  code = "";
  reason = "";

  constructor({ url = "/livename/v1/events", transport = "auto", share = true } = {}) {
    super();
    this.#url = new URL(url, location.href).href;
    this.#transport = this.#wished = transport;
    this.share = share && transport === "auto" && typeof BroadcastChannel === "function";
    // The back-forward cache and frozen tabs: nothing is left open, and everything is asked for anew.
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", (event) => event.persisted && this.#join());
    document.addEventListener("freeze", () => this.#leave());
    document.addEventListener("resume", () => this.#join());
    const wake = () => document.hidden || this.wake();
    addEventListener("online", wake);
    addEventListener("focus", wake);
    document.addEventListener("visibilitychange", wake);
    this.#join();
  }

  /** Everybody that this page watches. */
  get watched() {
    return new Set(this.#owners.keys());
  }

  /** Whether this tab has the browser's connection. */
  get leads() {
    return this.#line !== null;
  }

  /** The same person can be watched by several owners, and is watched until none is left. */
  watch(ids, owner = this) {
    const fresh = ids.filter((id) => !this.#owners.has(id));
    ids.forEach((id) => this.#owners.set(id, (this.#owners.get(id) ?? new Set()).add(owner)));
    if (fresh.length) this.#want({ add: fresh });
  }

  unwatch(ids, owner = this) {
    const gone = ids.filter((id) => {
      const owners = this.#owners.get(id);
      return owners?.delete(owner) && !owners.size && this.#owners.delete(id);
    });
    gone.forEach((id) => this.people.delete(id));
    if (gone.length) this.#want({ drop: gone });
  }

  /** Resolves when the gateway has taken the status, rejects with its error. */
  setStatus(status, text = "") {
    return this.ask({ op: "status", status, text });
  }

  logout() {
    return this.ask({ op: "logout" });
  }

  ask(command) {
    if (this.#line) return this.#line.ask(command);
    if (!this.#leader) return Promise.reject(failure("offline", "not connected at the moment"));
    const question = this.#nextQuestion++;
    return new Promise((resolve, reject) => {
      this.#questions.set(question, { resolve, reject });
      setTimeout(() => this.#answered(question, null, { code: "offline", message: "no answer" }), ANSWER_LIMIT);
      this.#post({ to: this.#leader, question, command });
    });
  }

  /** Tries again without waiting; after an end only if that may help, or if the page is sure (`again`). */
  wake(again = false) {
    if (again && this.state === "ended") this.#take({ state: { state: "waiting", code: "", reason: "" } });
    if (this.#line) this.#line.hurry(again);
    else if (this.#hall) this.#hail(SILENT_LEADER, again ? "again" : "soon");
    else if (again) this.#join();
  }

  /**
   * Goes on as whoever a log-in of the page's own (`signIn`) has made it: no cookie proves that to an event channel.
   * Tabs that have logged in as the same person are one session, whose poll only one of them can have.
   */
  continueAs(login) {
    this.#leave();
    this.#goBy(login);
    this.#forget();
    this.#take({ me: null, state: { state: "waiting", code: "", reason: "" } });
    this.#join();
  }

  close() {
    this.#closed = true;
    this.#leave();
    this.#take({ state: { state: "ended", code: "closed", reason: "closed by the page" } });
  }

  // ---- joining and leaving

  #join() {
    if (this.#closed || this.#hall || this.#line) return;
    if (this.share) {
      try {
        this.#hall = new BroadcastChannel(`livename ${this.#url}${this.#room}`);
      } catch {
        this.share = false;
      }
    }
    if (!this.#hall) return this.#lead();
    this.#hall.onmessage = ({ data }) => this.#hear(data);
    this.#heartbeat = setInterval(() => this.#line || this.#hail(SILENT_LEADER), ASK_AGAIN);
    this.#hail(LISTEN);
  }

  #leave() {
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    this.#post({ bye: true });
    this.#hall?.close();
    this.#line?.close();
    this.#hall = this.#line = this.#leader = null;
    this.#members.clear();
  }

  /** Is anybody leading? If not, this tab does. */
  #hail(patience, hurry = "") {
    clearTimeout(this.#timer);
    this.#post({ hail: true, hurry });
    this.#timer = setTimeout(() => this.#lead(), patience * (1 + Math.random()));
  }

  #lead() {
    clearTimeout(this.#timer);
    if (this.#line) return;
    this.#leader = null;
    this.#line = new Line(this.#url, this.#transport, (news) => this.#spread(news), this.#login);
    this.#post({ lead: true });
    this.#want({ all: true, add: [...this.#owners.keys()] });
  }

  #follow(leader) {
    clearTimeout(this.#timer);
    this.#line?.close();
    this.#line = null;
    this.#members.clear();
    this.#leader = leader;
    this.#want({ all: true, add: [...this.#owners.keys()] });
  }

  // ---- what is said in the hall

  #post(message) {
    this.#hall?.postMessage({ ...message, from: this.#id });
  }

  #hear(data) {
    const { from, to } = data;
    if (to && to !== this.#id) return;
    if (this.#line && this.#members.has(from)) this.#members.get(from).heard = Date.now();
    if (data.hail && this.#line) {
      if (data.hurry) this.#line.hurry(data.hurry === "again");
      this.#forgetTheSilent();
      this.#post({ lead: true, to: from, known: this.#members.has(from) });
    } else if (data.lead) {
      this.#heardLeader(from, data.known);
    } else if (data.bye) {
      if (from === this.#leader) this.#hail(LISTEN);
      if (this.#line) this.#change(from, { all: true }, true);
    } else if (data.want && this.#line) {
      this.#change(from, data.want);
    } else if (data.news && from === this.#leader) {
      this.#take(data.news);
    } else if (data.command && this.#line) {
      this.#line.ask(data.command).then(
        (answer) => this.#post({ to: from, answered: data.question, answer }),
        ({ code, message }) => this.#post({ to: from, answered: data.question, error: { code, message } }),
      );
    } else if (data.answered) {
      this.#answered(data.answered, data.answer, data.error);
    }
  }

  #heardLeader(from, known) {
    if (this.#line) {
      // Two lead: the smaller name stays.
      if (from < this.#id) this.#follow(from);
      else this.#post({ lead: true, to: from });
    } else if (from !== this.#leader || known === false) {
      this.#follow(from);
    } else {
      clearTimeout(this.#timer);
    }
  }

  #answered(question, answer, error) {
    const waiting = this.#questions.get(question);
    this.#questions.delete(question);
    if (error) waiting?.reject(failure(error.code, error.message));
    else waiting?.resolve(answer);
  }

  // ---- wants and news

  #want(want) {
    if (this.#line) this.#change(this.#id, want);
    else if (this.#leader) this.#post({ to: this.#leader, want });
  }

  /** The leader's book of who wants whom. */
  #change(member, { all, add = [], drop = [] }, over = false) {
    const entry = this.#members.get(member) ?? { ids: new Set() };
    entry.heard = Date.now();
    const gone = all ? [...entry.ids] : drop;
    gone.forEach((id) => entry.ids.delete(id));
    add.forEach((id) => entry.ids.add(id));
    if (over) this.#members.delete(member);
    else this.#members.set(member, entry);
    const { people, me, state } = this.#line;
    this.#line.watch(add);
    const members = [...this.#members.values()];
    this.#line.unwatch(gone.filter((id) => !members.some(({ ids }) => ids.has(id))));
    if (over) return;
    const news = { people: add.map((id) => people.get(id)).filter(Boolean), me, state };
    if (member === this.#id) this.#take(news);
    else this.#post({ to: member, news });
  }

  #forgetTheSilent() {
    const long = Date.now() - FORGOTTEN;
    [...this.#members].forEach(([member, { heard }]) => member !== this.#id && heard < long && this.#change(member, { all: true }, true));
  }

  #spread(news) {
    this.#post({ news });
    this.#take(news);
  }

  #take({ people, me, state, problem, notice, rest }) {
    const news = people?.filter(({ asked }) => this.#owners.has(asked)) ?? [];
    news.forEach((person) => this.people.set(person.asked, person));
    if (news.length) this.#tell("presence", news);
    if (me !== undefined && JSON.stringify(me) !== JSON.stringify(this.me)) this.#tell("me", (this.me = me));
    if (problem) this.#tell("problem", problem);
    if (notice) this.#note(notice);
    if (rest) this.#tell("rest", rest);
    if (state && (state.state !== this.state || state.code !== this.code)) {
      Object.assign(this, state);
      clearTimeout(this.#stale);
      if (state.state !== "open") this.#stale = setTimeout(() => this.#forget(), state.state === "ended" ? 0 : STALE);
      // A log-in that is over is not repeated; whoever comes next may have a cookie.
      if (state.state === "ended" && this.#login) {
        this.#leave();
        this.#goBy(null);
      }
      this.#tell("state", state);
    }
  }

  /** A page may say it in a way of its own (`preventDefault`); otherwise a corner of it does. */
  #note(notice) {
    this.#tell("notice", notice);
    const event = new CustomEvent("livename-notice", { detail: notice, cancelable: true });
    if (document.dispatchEvent(event)) later(this.#url, "notice.js").then(({ show }) => show(notice), () => {});
  }

  #goBy(login) {
    this.#login = login;
    this.#transport = login ? "poll" : this.#wished;
    this.#room = login ? ` ${login.person?.id || login.sid}` : "";
  }

  /** What was known is not known any more. */
  #forget() {
    const people = [...this.people.values()].map((person) => ({ ...person, status: "unknown", text: "" }));
    people.forEach((person) => this.people.set(person.asked, person));
    this.#tell("presence", people);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
