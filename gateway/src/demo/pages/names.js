// Live names: an icon whose shape tells the status, the name, and the status text.

const SVG = "http://www.w3.org/2000/svg";

export const words = {
  active: "Available",
  idle: "Not at the computer",
  away: "Away",
  dnd: "Do not disturb",
  meeting: "In a meeting",
  offline: "Offline",
  unknown: "Status unknown",
};

/** Draws names and keeps them current; a person is watched while at least one name of theirs is on the page. */
export class LiveNames {
  #presence;
  #displayName;
  #elements = new Map();
  #fresh = [];

  constructor(presence, displayName) {
    this.#presence = presence;
    this.#displayName = displayName;
    presence.addEventListener("presence", (event) => event.detail.forEach((person) => this.#refresh(person)));
    // Names come and go with the page's content.
    new MutationObserver(() => this.#sweep()).observe(document.body, { childList: true, subtree: true });
  }

  element(id) {
    const known = this.#presence.people.get(id) ?? { status: "unknown", text: "" };
    const element = this.draw(this.#displayName(id), known, id, "person");
    if (!this.#elements.has(id)) {
      this.#elements.set(id, new Set());
      this.#watchSoon(id);
    }
    this.#elements.get(id).add(element);
    return element;
  }

  draw(name, { status, text }, id, kind) {
    const element = document.createElement("span");
    element.className = "live-name";
    element.dataset[kind] = id;
    const label = document.createElement("span");
    label.className = "text";
    label.textContent = name;
    const note = document.createElement("span");
    note.className = "note";
    element.append(this.icon(status), label, note);
    paint(element, status, text);
    return element;
  }

  icon(status) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("role", "img");
    svg.append(document.createElementNS(SVG, "use"));
    svg.firstChild.setAttribute("href", `#status-${status}`);
    svg.setAttribute("aria-label", words[status]);
    return svg;
  }

  /** One command for all the names of a redraw. */
  #watchSoon(id) {
    if (!this.#fresh.length) {
      queueMicrotask(() => {
        this.#presence.watch(this.#fresh);
        this.#fresh = [];
      });
    }
    this.#fresh.push(id);
  }

  #refresh({ id, status, text }) {
    this.#elements.get(id)?.forEach((element) => paint(element, status, text));
  }

  #sweep() {
    const gone = [];
    for (const [id, elements] of this.#elements) {
      for (const element of elements) if (!element.isConnected) elements.delete(element);
      if (!elements.size) gone.push(id);
    }
    gone.forEach((id) => this.#elements.delete(id));
    if (gone.length) this.#presence.unwatch(gone);
  }
}

function paint(element, status, text) {
  element.dataset.status = status;
  element.title = text ? `${words[status]}: ${text}` : words[status];
  element.querySelector("svg").setAttribute("aria-label", words[status]);
  element.querySelector("use").setAttribute("href", `#status-${status}`);
  element.querySelector(".note").textContent = text;
}
