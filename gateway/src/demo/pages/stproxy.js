// The inbox with the stproxy object of the Sametime Proxy: names are sametime.LiveName widgets.
import { Presence } from "/livename/v1/events.js";

/** What mail.js needs of a family. */
export function open() {
  stproxy.addOnLoad(() => stproxy.login.loginByToken(null, stproxy.awareness.AVAILABLE, "", null, (reason) => console.warn(reason)));
  return {
    presence: new Presence(),
    element: (userId, displayName) => new sametime.LiveName({ userId, displayName }).domNode,
  };
}
