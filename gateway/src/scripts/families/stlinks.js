// ---- Sametime Links without the applet (browser-side.md 2, docs/pages.md) -----------------------------

// Pages load the script more than once; what they have set stays.
if (window.setSTLinksURL?.livename) return;

const { currentScript } = document;
/** Status numbers of the community protocol, which Sametime Links hands to pages. */
const NUMBERS = { active: 32, idle: 64, away: 96, dnd: 128, meeting: 8, offline: 0, unknown: 0x8000 };
const EVENTS = ["STLinksLoggedIn", "STLinksLoggedOut", "STLinksUserStatusChanged", "STLinkClicked"];

const listeners = new Map(EVENTS.map((event) => [event, new Set([event])]));
let base = currentScript?.src.replace(/\/[^/]*$/, "") ?? "";
let language = "";
let presence = null;
let signedIn = false;

/** Calls the page's function of the event's name, and those that were added. */
function raise(event, ...values) {
  for (const name of listeners.get(event)) {
    const listener = typeof name === "function" ? name : window[name];
    if (typeof listener === "function") listener(...values);
  }
}

/** The gateway: what stands before `/sametime/stlinks`, on the host that the page forces. */
function gateway() {
  const url = new URL(base, location.href);
  if (typeof window.STHost === "string" && window.STHost) url.host = window.STHost;
  return url.origin + url.pathname.replace(/\/(sametime\/)?stlinks\/?$/i, "").replace(/\/$/, "");
}

/** `login`: the answer to a log-in with the page's own password or token, for when no cookie comes of it. */
function start(login) {
  if (presence) return;
  presence = new Presence({ url: `${gateway()}/livename/v1/events` });
  presence.addEventListener("state", ({ detail: { state, reason } }) => {
    const other = login?.sid && (state === "ended" || (state === "open" && !isOf(login, presence.me)));
    if (other) {
      // The cookie is nobody's, or somebody else's.
      const own = login;
      login = null;
      presence.continueAs(own);
    } else if (state === "open" && !signedIn) {
      signedIn = true;
      raise("STLinksLoggedIn", presence.me?.id ?? "", commonName(presence.me?.id ?? ""));
    } else if (state === "ended") {
      signedIn = false;
      if (reason) console.warn(`Live names have stopped: ${reason}`);
      raise("STLinksLoggedOut", reason);
    }
  });
  presence.addEventListener("presence", ({ detail }) => {
    for (const { id, name, status, text } of detail) raise("STLinksUserStatusChanged", id, name || commonName(id), NUMBERS[status], text, "");
  });
  new LiveNames(presence, {
    marker: "data-stlink",
    language,
    click: ({ id, name, status }, event) => raise("STLinkClicked", id, name, NUMBERS[status], event),
  });
}

function escape(text) {
  return String(text ?? "").replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

Object.assign(window, {
  STHost: window.STHost ?? "",
  // Read by pages and set by administrators; there is no applet that would use them.
  ll_proxyName: window.ll_proxyName ?? "",
  ll_AffinityId: window.ll_AffinityId ?? "",
  isTAM_env: window.isTAM_env ?? false,
  racingConnTimeout: window.racingConnTimeout ?? 0,

  setSTLinksURL(url, lang) {
    if (url) base = String(url);
    language = lang ?? "";
  },

  writeSTLinksApplet(user, key, byToken) {
    if (!user || !key) return start();
    signIn(gateway(), { user, secret: key, method: byToken ? "byToken" : "byPassword" }).then(start, ({ message }) => {
      // The browser's own cookie may still do.
      console.warn(`Sametime Links: ${message}`);
      start();
    });
  },

  /** HTML of one live name, for the page to place. */
  prepareSametimeLink(name, display, _resolve, options) {
    const wanted = Object.fromEntries([...String(options ?? "").matchAll(/(\w+)\s*:\s*(\w+)/g)].map(([, key, value]) => [key, value]));
    const hidden = ["icon", "text"].filter((part) => wanted[part] === "no").map((part) => ` data-${part}="no"`);
    return `<span class="livename" data-stlink="${escape(name)}"${hidden.join("")}>${escape(display || commonName(String(name ?? "")))}</span>`;
  },

  writeSametimeLink(...link) {
    const html = window.prepareSametimeLink(...link);
    if (document.readyState === "loading") document.write(html);
    else if (document.currentScript) document.currentScript.insertAdjacentHTML("beforebegin", html);
  },

  STLinksAddListener(event, listener) {
    listeners.get(event)?.add(listener);
  },
});

window.setSTLinksURL.livename = true;

// Pages that place links but never write the applet.
addEventListener("DOMContentLoaded", () => document.querySelector("[data-stlink]") && start());
