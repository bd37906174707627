// The inbox with Sametime Links: names are HTML from prepareSametimeLink, as in pages of 2003.
import { Presence } from "/livename/v1/events.js";

/** What mail.js needs of a family. */
export function open() {
  // One icon in the corner shows the own status; Sametime Links has no call for it. The connection is shared.
  const presence = new Presence();
  return {
    presence,
    element(id, name) {
      const place = document.createElement("span");
      place.innerHTML = prepareSametimeLink(id, name, false, "icon:yes");
      return place;
    },
  };
}
