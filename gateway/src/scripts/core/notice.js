// ---- notice: what others want of the user, in a corner of pages that do not say it themselves; loaded with the first

const MOST = 20;
const AGAIN = 1000;
/** `%` is who wanted to chat. */
const REFUSED = {
  en: "% wanted to chat. This page has no chat, and % was told so.",
  de: "% wollte chatten. Diese Seite hat keinen Chat, und % weiß das.",
  fr: "% voulait discuter. Cette page n’a pas de messagerie, et % le sait.",
  es: "% quería chatear. Esta página no tiene chat, y % lo sabe.",
  it: "% voleva chattare. Questa pagina non ha una chat, e % lo sa.",
  nl: "% wilde chatten. Deze pagina heeft geen chat, en % weet dat.",
  pt: "% queria conversar. Esta página não tem chat, e % sabe disso.",
  ja: "%さんがチャットを希望しました。このページにチャットがないことは%さんに伝わっています。",
};
const STYLE = `
.livename-notices { position: fixed; z-index: 2147483000; right: 1rem; bottom: 1rem; display: grid; gap: .5rem; width: min(24rem, calc(100vw - 2rem)); font: 14px/1.4 system-ui, "Segoe UI", Arial, "Noto Sans", sans-serif; }
.livename-notice { display: flex; gap: .75rem; align-items: start; margin: 0; padding: .75rem .9rem; border: 1px solid color-mix(in srgb, CanvasText 18%, Canvas); border-radius: 10px; background: Canvas; color: CanvasText; box-shadow: 0 8px 28px rgb(0 0 0 / .2); overflow-wrap: anywhere; white-space: pre-wrap; }
.livename-notice span { flex: 1; }
`;

let box = null;
const before = { said: "", at: 0 };

/** Stays until somebody has read it. What others write goes into the page as text, never as markup. */
export function show({ notice, from, name, text }) {
  const who = name || from;
  const said = { chat_refused: refused(who), chat: `${who}: ${text}`, announcement: `${who}: ${text}`, admin: text }[notice];
  // A page with two families hears everything twice.
  if (!said || (said === before.said && Date.now() - before.at < AGAIN)) return;
  Object.assign(before, { said, at: Date.now() });
  if (!box) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    box = document.createElement("div");
    box.className = "livename-notices";
    box.setAttribute("role", "log");
  }
  if (!box.isConnected) document.body.append(box);
  const [line, words, button] = ["p", "span", "button"].map((tag) => document.createElement(tag));
  line.className = "livename-notice";
  words.textContent = said;
  button.textContent = "OK";
  button.type = "button";
  button.addEventListener("click", () => line.remove());
  line.append(words, button);
  box.append(line);
  if (box.children.length > MOST) box.firstChild.remove();
}

function refused(who) {
  const tags = [document.documentElement.lang, navigator.language].map((tag) => tag.slice(0, 2).toLowerCase());
  return REFUSED[tags.find((tag) => Object.hasOwn(REFUSED, tag)) ?? "en"].replaceAll("%", () => who);
}
