// The demo's mail page: a small webmail whose names are live.
//
// Which interface draws them is the family's choice: events.js, links.js or stproxy.js.
import { LiveNames, statusWord } from "/livename/v1/events.js";

const family = await import(`/demo/${document.documentElement.dataset.family}.js`);

const find = (id) => document.getElementById(id);
const json = async (path, options) => {
  const response = await fetch(path, options);
  if (!response.ok) throw new Error((await response.text()) || response.statusText);
  return response.json();
};
const make = (tag, attributes = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...children);
  return element;
};

const people = await json("/demo/people.json");
const byId = new Map(people.map((person) => [person.id, person]));
const me = await json("/demo/me.json");
if (me) showMail();
else showLogin();

// ---- log in -------------------------------------------------------------------------------------

function showLogin() {
  find("login").hidden = false;
  const who = find("who");
  const fill = () => {
    const wanted = who.value.trim().toLowerCase();
    const matches = people.filter((person) => `${person.display_name} ${person.short_name}`.toLowerCase().includes(wanted));
    find("who-list").replaceChildren(
      ...matches.slice(0, 8).map((person) =>
        make("li", {}, make("button", { type: "button", onclick: () => logIn(person) }, person.display_name, make("small", {}, person.short_name))),
      ),
    );
    return matches;
  };
  who.oninput = fill;
  fill();
  who.focus();
  find("login-form").onsubmit = (event) => {
    event.preventDefault();
    const [person] = fill().sort((a, b) => (b.short_name === who.value.trim()) - (a.short_name === who.value.trim()));
    if (person) logIn(person);
    else find("login-problem").textContent = "Nobody here has that name.";
  };
}

async function logIn(person) {
  try {
    await json("/demo/login", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ id: person.id }) });
    location.reload();
  } catch (error) {
    find("login-problem").textContent = error.message;
  }
}

// ---- mail ---------------------------------------------------------------------------------------

async function showMail() {
  find("mail").hidden = false;
  const { presence, element } = family.open();
  const names = { element: (id) => element(id, byId.get(id)?.display_name ?? id) };
  // For whoever looks over the page's shoulder: tests, and people with the developer tools open.
  window.livename = presence;

  showMe(presence);
  showConnection(presence);
  showEstate();
  const messages = await json("/demo/inbox.json");
  find("people-count").textContent = people.length;
  document.querySelectorAll("#families a").forEach((link) => link.dataset.family === document.documentElement.dataset.family && link.setAttribute("aria-current", "page"));
  document.querySelectorAll("nav button[data-view]").forEach((button) => {
    button.onclick = () => (location.hash = button.dataset.view);
  });
  const show = () => {
    const view = location.hash === "#people" ? "people" : "inbox";
    document.querySelectorAll("nav button[data-view]").forEach((button) => button.toggleAttribute("aria-current", button.dataset.view === view));
    if (view === "people") showPeople(names);
    else showInbox(messages, names);
  };
  addEventListener("hashchange", show);
  show();
}

function showInbox(messages, names) {
  find("unread").textContent = messages.filter((message) => message.unread).length || "";
  const rows = messages.map((message) => {
    const row = make(
      "button",
      { className: "row" + (message.unread ? " unread" : "") },
      names.element(message.from),
      make("time", { dateTime: message.time }, message.time),
      make("span", { className: "subject" }, message.subject),
      make("span", { className: "preview" }, message.body[0]),
    );
    row.onclick = () => {
      rows.forEach((other) => other.toggleAttribute("aria-current", other === row));
      message.unread = false;
      row.classList.remove("unread");
      find("unread").textContent = messages.filter((other) => other.unread).length || "";
      showMessage(message, names);
    };
    return row;
  });
  find("list").replaceChildren(...rows);
  rows[0]?.click();
}

function showMessage(message, names) {
  const all = (ids) => make("dd", {}, ...ids.map((id) => names.element(id)));
  find("reader").replaceChildren(
    make("h1", {}, message.subject),
    make("dl", {}, make("dt", {}, "From"), all([message.from]), make("dt", {}, "To"), all(message.to)),
    make("div", { className: "body" }, ...message.body.map((text) => make("p", {}, text))),
  );
}

function showPeople(names) {
  find("list").replaceChildren(...people.map((person) => make("div", { className: "person" }, names.element(person.id))));
  find("reader").replaceChildren(
    make("h1", {}, "Everybody"),
    make("p", { className: "quiet" }, "Each name on the left is watched by this page. Livename watches each person once upstream in trust mode, or through your own login in own mode."),
  );
}

// ---- my status ----------------------------------------------------------------------------------

function showMe(presence) {
  const drawing = new LiveNames(presence, { marker: "data-me" });
  const button = find("me-button");
  const menu = find("me-menu");
  find("me-choices").append(
    ...["active", "away", "dnd", "meeting"].map((status) => {
      const choice = make("label", {}, make("input", { type: "radio", name: "status", value: status }), drawing.icon({ status }), statusWord({ status }));
      return choice;
    }),
  );
  const open = (yes) => {
    menu.hidden = !yes;
    button.setAttribute("aria-expanded", yes);
  };
  button.onclick = () => open(menu.hidden);
  document.addEventListener("keydown", (event) => event.key === "Escape" && open(false));
  document.addEventListener("click", (event) => event.target.closest(".me") || open(false));
  const draw = () => {
    const own = presence.me;
    const status = own?.login === "up" ? own.status : "unknown";
    button.dataset.status = status;
    button.replaceChildren(drawing.icon({ status }), make("span", { className: "text" }, me.display_name), make("span", { className: "note" }, own?.text ?? ""));
    menu.elements.status.value = status;
  };
  presence.addEventListener("me", () => {
    draw();
    find("me-text").value = presence.me?.text ?? "";
  });
  draw();
  menu.onsubmit = async (event) => {
    event.preventDefault();
    const problem = find("me-problem");
    problem.textContent = "";
    try {
      await presence.setStatus(menu.elements.status.value || "active", find("me-text").value);
      open(false);
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  find("logout").onclick = async () => {
    await presence.logout().catch(() => {});
    await fetch("/demo/logout", { method: "POST" });
    location.reload();
  };
}

function showConnection(presence) {
  const banner = find("banner");
  const show = ({ state, reason }) => {
    banner.classList.toggle("alarm", state === "ended");
    banner.textContent = state === "open" ? "" : state === "ended" ? `Live names have stopped: ${reason}` : "Connecting to live names…";
    document.body.dataset.connection = state;
  };
  presence.addEventListener("state", (event) => show(event.detail));
  document.addEventListener("livename-notice", (event) => {
    event.preventDefault();
    const { detail } = event;
    const who = detail.name || detail.from;
    const said = {
      chat_refused: `${who} wanted to chat. This page has no chat, and ${who} was told so.`,
      chat: `${who}: ${detail.text}`,
      announcement: `${who}: ${detail.text}`,
      admin: `The administrators: ${detail.text}`,
    }[detail.notice];
    if (said) banner.textContent = said;
  });
  show({ state: presence.state });
}

async function showEstate() {
  const page = location.protocol.slice(0, -1);
  const other = page === "https" ? "http" : "https";
  const line = (title, text) => make("p", {}, make("strong", {}, title), text);
  find("estate").replaceChildren(line("This page", page));
  try {
    const answer = await json(`/st-${other}/echo`);
    find("estate").append(line("Sametime web server", `${answer.scheme ?? other}, bridged into this page`));
  } catch (error) {
    find("estate").append(line("Sametime web server", `not reached: ${error.message}`));
  }
}
