// ---- live names: an icon whose shape tells the status, the name, and a card --------------------------
//
// Everything that people write (names, status texts) goes into the page as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const SHOW_CARD = 350;
const HIDE_CARD = 200;
const SWEEP = 250;
const UNKNOWN = { status: "unknown", text: "", mobile: false };

/** `Ann Example` of `CN=Ann Example/O=Acme` or `uid=ann,o=acme`; other names as they are. */
function commonName(id) {
  return /^[a-z]+=([^/,]+)/i.exec(id)?.[1] ?? id;
}

/**
 * Draws the names of a page and keeps them current. A name is an element with the marker attribute, whose
 * value is the person; it may be there already or come later. A person is watched while a name of theirs is on
 * the page.
 *
 * `click(person, event)` is called when somebody chooses a name, `painted(element, person)` when one is drawn anew.
 */
class LiveNames {
  #presence;
  #marker;
  #language;
  #click;
  #painted;
  // Person → elements; element → its parts.
  #shown = new Map();
  #drawn = new WeakMap();
  #fresh = new Set();
  #sweeping = 0;
  #card = null;
  #cardTimer = 0;

  constructor(presence, { marker = "data-livename", language = "", click = null, painted = null } = {}) {
    this.#presence = presence;
    this.#marker = marker;
    this.#language = language;
    this.#click = click;
    this.#painted = painted;
    wearStyle();
    presence.addEventListener("presence", ({ detail }) => detail.forEach((person) => this.#refresh(person)));
    presence.addEventListener("state", ({ detail }) => (document.documentElement.dataset.livenameState = detail.state));
    new MutationObserver((records) => this.#changed(records)).observe(document, {
      childList: true,
      subtree: true,
      attributeFilter: [marker],
    });
    document.addEventListener("keydown", ({ key }) => key === "Escape" && this.#closeCard());
    document.addEventListener("DOMContentLoaded", () => this.#adopt(document.documentElement));
    this.#adopt(document.documentElement);
  }

  /** A new live name, to be put into the page. */
  element(id, name = "", { icon = true, note = false } = {}) {
    const element = make("span", "livename", name);
    element.setAttribute(this.#marker, id);
    if (!icon) element.dataset.icon = "no";
    if (note) element.dataset.note = "yes";
    this.#draw(element);
    return element;
  }

  icon(person) {
    const icon = document.createElementNS(SVG, "svg");
    icon.setAttribute("class", "livename-icon");
    icon.setAttribute("viewBox", "0 0 16 16");
    icon.setAttribute("role", "img");
    icon.append(document.createElementNS(SVG, "path"));
    icon.firstChild.setAttribute("fill-rule", "evenodd");
    this.#shape(icon, person);
    return icon;
  }

  word(person) {
    return statusWord(person, this.#language);
  }

  #shape(icon, person) {
    icon.dataset.status = person.status;
    icon.setAttribute("aria-label", this.word(person));
    icon.firstChild.setAttribute("d", SHAPES[person.status] + (person.mobile ? SHAPES.mobile : ""));
    icon.setAttribute("viewBox", person.mobile ? "0 0 22 16" : "0 0 16 16");
  }

  // ---- what is on the page

  #changed(records) {
    for (const { type, target, addedNodes, removedNodes } of records) {
      if (type === "attributes") this.#adopt(target);
      addedNodes.forEach((node) => node.nodeType === 1 && this.#adopt(node));
      if (removedNodes.length) this.#sweepSoon();
    }
  }

  #adopt(root) {
    // The parser may be in the middle of a name.
    if (document.readyState === "loading") return;
    const marked = `[${this.#marker}]`;
    if (root.matches(marked)) this.#show(root);
    root.querySelectorAll(marked).forEach((element) => this.#show(element));
  }

  #show(element) {
    const id = element.getAttribute(this.#marker);
    const before = this.#drawn.get(element);
    if (before && before.id !== id) this.#hide(before.id, element);
    if (before?.id !== id) this.#draw(element);
    if (!id || !element.isConnected) return;
    if (!this.#shown.has(id)) {
      this.#shown.set(id, new Set());
      this.#watchSoon(id);
    }
    this.#shown.get(id).add(element);
  }

  #hide(id, element) {
    const elements = this.#shown.get(id);
    if (!elements?.delete(element) || elements.size) return;
    this.#shown.delete(id);
    if (!this.#fresh.delete(id)) this.#presence.unwatch([id], this);
  }

  /** One command for all the names of a redraw. */
  #watchSoon(id) {
    if (!this.#fresh.size) {
      queueMicrotask(() => {
        const ids = [...this.#fresh];
        this.#fresh.clear();
        this.#presence.watch(ids, this);
      });
    }
    this.#fresh.add(id);
  }

  #sweepSoon() {
    // A row that is only moved leaves and comes back.
    this.#sweeping ||= setTimeout(() => {
      this.#sweeping = 0;
      this.#shown.forEach((elements, id) => elements.forEach((element) => element.isConnected || this.#hide(id, element)));
      if (this.#card && !this.#card.owner.isConnected) this.#closeCard();
    }, SWEEP);
  }

  // ---- drawing

  #draw(element) {
    const id = element.getAttribute(this.#marker);
    const { icon, text, note } = element.dataset;
    element.classList.add("livename");
    let parts = this.#drawn.get(element);
    if (!parts) {
      const name = make("span", "livename-name", element.textContent.trim());
      element.replaceChildren();
      parts = { given: name.textContent, name };
      if (icon !== "no") element.append((parts.icon = this.icon(UNKNOWN)));
      if (text !== "no") element.append(name);
      if (note) element.append((parts.note = make("span", "livename-note")));
      this.#behave(element);
    }
    parts.id = id;
    this.#drawn.set(element, parts);
    this.#paint(element, this.#presence.people.get(id) ?? UNKNOWN);
  }

  #refresh(person) {
    this.#shown.get(person.asked)?.forEach((element) => this.#paint(element, person));
    if (this.#card?.id === person.asked) this.#fillCard();
  }

  #paint(element, person) {
    const { id, given, name, icon, note } = this.#drawn.get(element);
    element.dataset.status = person.status;
    name.textContent = given || person.name || commonName(id);
    if (icon) this.#shape(icon, person);
    if (note) note.textContent = person.text;
    this.#painted?.(element, person);
  }

  #behave(element) {
    const person = () => {
      const { id, name } = this.#drawn.get(element);
      return { ...UNKNOWN, id, ...this.#presence.people.get(id), asked: id, name: name.textContent };
    };
    // Inside a link or a button the outer one has the keyboard.
    if (!element.closest("a[href], button, [role=button], [tabindex]")) {
      element.tabIndex = 0;
      if (this.#click) element.setAttribute("role", "button");
    }
    const choose = (event) => this.#click?.(person(), event);
    element.addEventListener("click", choose);
    element.addEventListener("keydown", (event) => {
      if (event.target !== element || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      choose(event);
    });
    element.addEventListener("mouseenter", () => this.#cardSoon(() => this.#openCard(element, person), SHOW_CARD));
    element.addEventListener("mouseleave", () => this.#cardSoon(() => this.#closeCard(), HIDE_CARD));
    element.addEventListener("focus", () => element.matches(":focus-visible") && this.#openCard(element, person));
    element.addEventListener("blur", () => this.#closeCard());
  }

  // ---- the card

  #cardSoon(what, wait) {
    clearTimeout(this.#cardTimer);
    this.#cardTimer = setTimeout(what, wait);
  }

  #openCard(owner, person) {
    this.#closeCard();
    const box = make("div", "livename-card");
    box.id = `livename-card-${Math.random().toString(36).slice(2)}`;
    box.setAttribute("role", "tooltip");
    // The pointer may go over to it.
    box.addEventListener("mouseenter", () => clearTimeout(this.#cardTimer));
    box.addEventListener("mouseleave", () => this.#cardSoon(() => this.#closeCard(), HIDE_CARD));
    owner.setAttribute("aria-describedby", box.id);
    this.#card = { owner, box, person, id: person().asked };
    this.#fillCard();
    document.body.append(box);
    const name = owner.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = box;
    const below = name.bottom + 6 + height < innerHeight;
    box.style.left = `${Math.max(8, Math.min(name.left, innerWidth - width - 8))}px`;
    box.style.top = `${below ? name.bottom + 6 : Math.max(8, name.top - height - 6)}px`;
  }

  #fillCard() {
    const person = this.#card.person();
    const status = make("p", "livename-card-status");
    status.append(this.icon(person), this.word(person));
    const lines = [make("p", "livename-card-name", person.name), status];
    if (person.text && person.text !== this.word(person)) lines.push(make("p", "livename-card-text", person.text));
    if (person.id !== person.name) lines.push(make("p", "livename-card-id", person.id.replace(/\b(CN|OU|O|C)=/gi, "")));
    this.#card.box.replaceChildren(...lines);
  }

  #closeCard() {
    clearTimeout(this.#cardTimer);
    this.#card?.owner.removeAttribute("aria-describedby");
    this.#card?.box.remove();
    this.#card = null;
  }
}

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** A constructed sheet needs no exception in a content security policy. */
function wearStyle() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
