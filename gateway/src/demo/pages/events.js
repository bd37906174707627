// The inbox with the events API, for new pages.
import { LiveNames, Presence } from "/livename/v1/events.js";

/** What mail.js needs of a family. */
export function open() {
  const presence = new Presence({ transport: new URLSearchParams(location.search).get("transport") ?? "auto" });
  const names = new LiveNames(presence);
  return { presence, element: (id, name) => names.element(id, name, { note: true }) };
}
