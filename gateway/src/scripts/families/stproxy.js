// ---- the stproxy object and sametime.LiveName (browser-side.md 3.7, docs/pages.md) ------------------

const BUILD = "livename";
// Pages load more than one of the entry points; what they have hooked stays.
if (window.stproxy?.getBuildNumber?.() === BUILD) return;

const { currentScript } = document;
const config = window.stproxyConfig ?? {};
const language = new URL(currentScript?.src ?? location.href).searchParams.get("lang") ?? "";
const gateway = gatewayOf(config.server || currentScript?.src || location.origin);
const MARKER = "data-stproxy-name";

/** Script codes of the statuses (browser-side.md 3.6). */
const CODES = { UNKNOWN: -1, OFFLINE: 0, AVAILABLE: 1, AWAY: 2, DND: 3, NOT_USING: 4, IN_MEETING: 5, AVAILABLE_MOBILE: 6, AWAY_MOBILE: 7, DND_MOBILE: 8, IN_MEETING_MOBILE: 10 };
const STATUS_OF = { 0: "offline", 1: "active", 2: "away", 3: "dnd", 4: "idle", 5: "meeting", 6: "active", 7: "away", 8: "dnd", 10: "meeting" };
const CODE_OF = { unknown: -1, offline: 0, active: 1, away: 2, dnd: 3, idle: 4, meeting: 5 };
const MOBILE = { 1: 6, 2: 7, 3: 8, 5: 10 };
/** Cookies that mean a single sign-on (browser-side.md 3.8). */
const TOKENS = ["LtpaToken", "LtpaToken2", "SametimeToken", "PD-H-SESSION-ID", "PD-S-SESSION-ID"];
const NOT_AVAILABLE = 3;
const FAILED = 4;
const NOBODY = 7;
const NOT_LOGGED_IN = 11;
const BAD_PARAMETERS = 14;

const REASONS = {
  nobody: "nobody has that name",
  ambiguous: "more than one person has that name",
  group: "a group has that name",
  outside: "people of that mail domain are not looked up",
  unavailable: "the community cannot be asked at the moment",
};

let presence = null;
let names = null;
const models = new Map();
/** The models of widgets, which are watched as long as their elements are on the page. */
const widgets = new WeakMap();
const watchlist = new Set();
const loaded = [];

function gatewayOf(address) {
  // Pages also write the host alone.
  const url = new URL(/^(\w+:)?\/|^$/.test(address) ? address : `//${address}`, location.href);
  return url.origin + url.pathname.replace(/\/st(webclient|baseapi|webapi)(\/.*)?$/i, "").replace(/\/$/, "");
}

function nothing() {}

function codeOf({ status, mobile }) {
  const code = CODE_OF[status] ?? -1;
  return mobile ? (MOBILE[code] ?? code) : code;
}

function list(ids) {
  const all = Array.isArray(ids) ? ids : String(ids ?? "").split("|");
  return all.map((id) => (typeof id === "object" ? id?.id : id)).filter(Boolean);
}

/** Callbacks come last and are told later, as answers from a server are. */
function answer(promise, ok, err) {
  promise.then(
    (value) => typeof ok === "function" && ok(value),
    (error) => {
      const code = typeof error.code === "number" ? error.code : ({ not_logged_in: NOT_LOGGED_IN, offline: NOT_AVAILABLE }[error.code] ?? FAILED);
      stproxy.error.onError(error.message, code);
      if (typeof err === "function") err(error.message, code);
    },
  );
}

/** Success and error callback among the arguments; the first may be left out as `null`. */
function callbacksOf(values) {
  const at = values.findIndex((value) => typeof value === "function");
  const onlyError = at > 0 && values[at - 1] == null && values[at + 1] === undefined;
  return onlyError ? [null, values[at]] : [values[at], values[at + 1]];
}

/** What is not offered says so at once. */
function unsupported(...values) {
  answer(Promise.reject(failure(NOT_AVAILABLE, "not offered by this gateway")), null, callbacksOf(values)[1]);
}

// ---- the connection

function connect() {
  if (presence) return presence;
  presence = new Presence({ url: `${gateway}/livename/v1/events` });
  names = new LiveNames(presence, {
    marker: MARKER,
    language,
    click: ({ id }) => stproxy.openChat(id),
    painted: (element, person) => tellModel(widgets.get(element), person),
  });
  presence.addEventListener("presence", ({ detail }) => detail.forEach(tellPerson));
  presence.addEventListener("me", ({ detail }) => detail && stproxy.status.onUpdate({ id: detail.id, status: codeOf(detail), statusMessage: detail.text }));
  presence.addEventListener("state", ({ detail }) => tellState(detail));
  presence.addEventListener("rest", ({ detail }) => detail.action?.[0] === "attributes" && stproxy.attributes.onUpdate(detail));
  presence.addEventListener("notice", ({ detail }) => detail.notice === "admin" && stproxy.onServerAdminMessage(detail.text));
  presence.addEventListener("problem", ({ detail }) => {
    if (detail.type === "end" && detail.code === "logged_in_elsewhere") stproxy.error.onForceLogout(detail.message, 16);
    if (detail.type === "end" && detail.code === "token_expired") stproxy.error.onSessionExpired(detail.message, NOT_LOGGED_IN);
  });
  return presence;
}

function tellPerson(person) {
  const { asked: id, text } = person;
  const status = codeOf(person);
  if (watchlist.has(id)) stproxy.watchlist.onUpdate({ id, status, statusMessage: text, displayName: person.name || commonName(id) });
  models.get(id)?.forEach((model) => tellModel(model, person));
}

function modelOf(id, person) {
  return {
    id,
    status: person ? codeOf(person) : CODES.UNKNOWN,
    statusMessage: person?.text ?? "",
    displayName: person?.name || commonName(id),
    isExternal: String(id).startsWith("@E "),
    onUpdate: nothing,
  };
}

function tellModel(model, person) {
  if (!model) return;
  Object.assign(model, { status: codeOf(person), statusMessage: person.text, displayName: person.name || commonName(model.id) });
  model.onUpdate(model);
}

function tellState({ state, code, reason }) {
  if (state === "waiting" && stproxy.isLoggedIn) stproxy.error.onServerDown("the connection was lost; it is tried again", 1);
  if (state === "open" && stproxy.isLoggedIn) stproxy.error.onNodeUp("the connection is back", 200);
  if (state !== "ended") return;
  const was = stproxy.isLoggedIn;
  stproxy.isLoggedIn = false;
  if (code.startsWith("cookie") || code === "token_refused") stproxy.onUnauthorizedResponse(401, reason);
  if (was) stproxy.login.onLogout(reason);
}

/** Waits for the connection and for the community. */
function open() {
  connect().wake(true);
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const done = (settle, value) => {
      over.abort();
      clearTimeout(timer);
      settle(value);
    };
    const timer = setTimeout(() => done(reject, failure(1, "the community does not answer")), 30_000);
    const look = () => {
      if (presence.state === "ended") done(reject, failure(NOT_LOGGED_IN, presence.reason));
      else if (presence.state === "open" && presence.me?.login !== "connecting") done(resolve, presence.me);
    };
    presence.addEventListener("state", look, over);
    presence.addEventListener("me", look, over);
    look();
  });
}

/** The channel says good-bye after the answer; a log-in before that would meet the old one. */
function ended() {
  return new Promise((resolve) => {
    const look = () => presence.state === "ended" && resolve();
    presence.addEventListener("state", look);
    setTimeout(resolve, 3000);
    look();
  });
}

/** `first`: a log-in of the page's own. Without one the browser's cookie says who it is. */
async function logIn(first) {
  const login = await first;
  let me = await open().catch((error) => {
    if (!login?.sid) throw error;
  });
  if (login?.sid && !(me && isOf(login, me))) {
    // The cookie is nobody's, or somebody else's.
    stproxy.isLoggedIn = false;
    presence.continueAs(login);
    me = await open();
  }
  const person = { id: me?.id ?? "", displayName: commonName(me?.id ?? ""), status: me ? codeOf(me) : -1, statusMessage: me?.text ?? "" };
  stproxy.isLoggedIn = true;
  stproxy.login.onLogin(person, "");
  return person;
}

/**
 * A log-in call: user, secret if the method has one, status, text, callbacks. The status is accepted without effect: a
 * login adopts the one that the user has.
 */
function logInBy(method, takesSecret) {
  return (...values) => {
    const hasSecret = takesSecret && typeof values[1] === "string";
    const credentials = { method, user: values[0], secret: hasSecret ? values[1] : "" };
    const done = logIn(method && signIn(gateway, credentials)).catch((error) => {
      stproxy.login.onError(error.message, error.code);
      throw error;
    });
    // Public pages call the same function with and without a token.
    const at = values.findIndex((value) => typeof value === "function");
    const onlyError = at > (hasSecret ? 4 : 3);
    answer(done, ...(onlyError ? [null, values[at]] : [values[at], values[at + 1]]));
  };
}

// ---- what pages call

const stproxy = {
  isLoggedIn: false,
  awareness: { ...CODES },
  status: {
    ...CODES,
    set(code, text, ok, err) {
      const status = STATUS_OF[code];
      const asked = status && status !== "offline" ? connect().setStatus(status, text ?? "") : Promise.reject(failure(BAD_PARAMETERS, "no such status"));
      answer(asked.then(() => ({ status: code, statusMessage: text ?? "" })), ok, err);
    },
    onUpdate: nothing,
  },
  login: {
    loginByToken: logInBy(""),
    loginByPassword: logInBy("byPassword", true),
    loginWithToken: logInBy("byToken", true),
    loginAsAnon: logInBy("anonymous"),
    loginAsAnonWithToken: logInBy("anonymous", true),
    async hasToken(callback, name) {
      const arrived = async () => (await (await fetch(`${gateway}/livename/v1/arrival`, { credentials: "include" })).json()).arrived;
      const wanted = (cookie) => !name || name === cookie;
      const cookies = document.cookie.split(";").map((cookie) => cookie.split("=")[0].trim());
      // An HttpOnly cookie is seen by the gateway alone.
      callback?.(TOKENS.some((token) => wanted(token) && cookies.includes(token)) || (await arrived().catch(() => null))?.some(wanted) === true);
    },
    logout(_real, ok, err) {
      const done = presence ? presence.logout().then(ended) : Promise.resolve();
      answer(
        done.then(() => {
          if (stproxy.isLoggedIn) stproxy.login.onLogout("");
          stproxy.isLoggedIn = false;
        }),
        ok,
        err,
      );
    },
    onLogin: nothing,
    onLogout: nothing,
    onError: nothing,
  },
  watchlist: {
    add(ids, ok, err) {
      const all = list(ids);
      all.forEach((id) => watchlist.add(id));
      connect().watch(all, watchlist);
      all.map((id) => presence.people.get(id)).forEach((person) => person && queueMicrotask(() => tellPerson(person)));
      answer(Promise.resolve(all), ok, err);
    },
    remove(ids, ok, err) {
      const all = list(ids);
      all.forEach((id) => watchlist.delete(id));
      connect().unwatch(all, watchlist);
      answer(Promise.resolve(all), ok, err);
    },
    clear(ok, err) {
      stproxy.watchlist.remove([...watchlist], ok, err);
    },
    suspend(ok, err) {
      connect().unwatch([...watchlist], watchlist);
      answer(Promise.resolve(), ok, err);
    },
    resume(ok, err) {
      stproxy.watchlist.add([...watchlist], ok, err);
    },
    getStatus(ids, ok, err) {
      answer(Promise.all(list(ids).map((id) => statusOf(id, true))).then((all) => (Array.isArray(ids) ? all : all[0])), ok, err);
    },
    addGroup: (...values) => watchGroup("addGroup", stproxy.watchlist.add, values),
    removeGroup: (...values) => watchGroup("removeGroup", stproxy.watchlist.remove, values),
    onUpdate: nothing,
    onLocation: nothing,
  },
  getLiveNameModel(id, _options) {
    const model = modelOf(id, connect().people.get(id));
    models.set(id, (models.get(id) ?? new Set()).add(model));
    presence.watch([id], model);
    return model;
  },
  resolveUser(name, ok, err) {
    answer(statusOf(name).then(({ id, displayName }) => ({ resolvedName: displayName, id })), ok, err);
  },
  getIconURL: (code) => `${gateway}/stwebclient/images/${STATUS_OF[code] ?? "unknown"}.svg`,
  getBuildNumber: () => BUILD,
  addOnLoad(callback) {
    if (loaded) loaded.push(callback);
    else callback();
  },
  openChat: (...values) => unsupported(...values),
  openGroupChat: (...values) => unsupported(...values),
  getChatModel: () => null,
  buddylist: rest("buddylist", "get", "getUsers", "getGroups", "addUser", "removeUser", "renameUser", "addGroup", "removeGroup", "renameGroup"),
  quickfind: rest("quickfind", "get", "getUsers", "getGroups"),
  person: rest("person", "getUserInfo"),
  privacy: rest("privacy", "get", "add"),
  attributes: { ...rest("attributes", "add", "remove"), onUpdate: nothing },
  error: Object.fromEntries(
    ["ForceLogout", "SessionExpired", "ServerDown", "CommunityServerDown", "NodeDown", "NodeUp", "ApplicationDown", "Error"].map((event) => [`on${event}`, nothing]),
  ),
  onUnauthorizedResponse: nothing,
  onServerAdminMessage: nothing,
};

/** Calls that go over the REST interface; its script knows what they are there. */
function rest(group, ...members) {
  return Object.fromEntries(members.map((member) => [member, (...values) => answer(askRest(`${group}.${member}`, values), ...callbacksOf(values))]));
}

async function askRest(call, all) {
  const values = all.filter((value) => typeof value !== "function");
  await open();
  return presence.ask({ op: "rest", call, values: values.map((value) => (value && typeof value === "object" ? list(value).join("|") : value)) });
}

/** The people of a group are watched as others are. */
function watchGroup(member, change, values) {
  const done = askRest(`watchlist.${member}`, values).then((told) => {
    change((told.children ?? []).map(({ contactId, id }) => contactId ?? id));
    return told;
  });
  answer(done, ...callbacksOf(values));
}

/** The newest state of a person, watched for it if need be; `current`: not before the community has told it. */
function statusOf(id, current = false) {
  connect();
  const shape = (person) => ({ id: person.id, status: codeOf(person), statusMessage: person.text, displayName: person.name || commonName(person.id) });
  return new Promise((resolve, reject) => {
    const owner = {};
    const over = new AbortController();
    const done = (settle, value) => {
      clearTimeout(timer);
      over.abort();
      settle(value);
      presence.unwatch([id], owner);
    };
    const timer = setTimeout(() => done(reject, failure(NOBODY, "nobody of that name")), 15_000);
    const look = (person) => {
      if (person?.asked !== id) return;
      if (person.error) done(reject, failure(person.error === "unavailable" ? NOT_AVAILABLE : NOBODY, REASONS[person.error] ?? person.error));
      // Who somebody is, is known before how they are.
      else if (!current || person.revision !== undefined) done(resolve, shape(person));
    };
    presence.addEventListener("presence", ({ detail }) => detail.forEach(look), over);
    presence.watch([id], owner);
    look(presence.people.get(id));
  });
}

// ---- the widget

/** `new sametime.LiveName({userId, displayName}, node)`, as Dojo's parser calls it too. */
class LiveName {
  constructor(parameters = {}, node = null) {
    const { userId = "", displayName = "" } = parameters;
    connect();
    this.userId = userId;
    this.displayName = displayName;
    this.model = userId ? modelOf(userId, presence.people.get(userId)) : null;
    this.domNode = (typeof node === "string" ? document.getElementById(node) : node) ?? names.element(userId, displayName);
    if (this.model) widgets.set(this.domNode, this.model);
    declare(this.domNode, userId, displayName);
  }

  placeAt(place) {
    const target = typeof place === "string" ? document.getElementById(place) : (place?.domNode ?? place);
    target?.append(this.domNode);
    return this;
  }

  startup() {}

  destroy() {
    widgets.delete(this.domNode);
    this.domNode.remove();
  }

  destroyRecursive() {
    this.destroy();
  }
}
// Dojo's parser hands over the attributes that the prototype has.
Object.assign(LiveName.prototype, { declaredClass: "sametime.LiveName", userId: "", displayName: "" });

function declare(node, userId, displayName) {
  connect();
  if (node.hasAttribute(MARKER)) return;
  if (displayName) node.textContent = displayName;
  node.setAttribute(MARKER, userId);
}

/** Markup: `<div dojoType="sametime.LiveName" userId="…">`, with or without Dojo on the page. */
function declareAll(root) {
  const marked = '[dojotype="sametime.LiveName" i], [data-dojo-type="sametime.LiveName" i], [data-dojo-type="sametime/LiveName" i]';
  const all = root.matches?.(marked) ? [root] : [...(root.querySelectorAll?.(marked) ?? [])];
  for (const node of all) {
    const read = (name) => node.getAttribute(name) ?? new RegExp(`${name}\\s*:\\s*["']([^"']*)`, "i").exec(node.dataset.dojoProps ?? "")?.[1] ?? "";
    declare(node, read("userId"), read("displayName"));
  }
}

window.stproxy = stproxy;
window.sametime = Object.assign(window.sametime ?? {}, { LiveName });

function ready() {
  declareAll(document);
  new MutationObserver((records) => records.forEach(({ addedNodes }) => addedNodes.forEach(declareAll))).observe(document, { childList: true, subtree: true });
  loaded.splice(0).forEach((callback) => callback());
  stproxy.addOnLoad = (callback) => callback();
}
if (document.readyState === "loading") addEventListener("DOMContentLoaded", ready);
else ready();
