const gateway = new URLSearchParams(location.search).get("gateway");
const { LiveNames, Presence } = await import(`${gateway}/livename/v1/events.js`);
const presence = new Presence({ url: `${gateway}/livename/v1/events` });
const names = new LiveNames(presence);
window.outcome = "";
const look = () => (window.outcome = presence.state === "open" ? "works" : presence.reason);
presence.addEventListener("state", look);
look();
window.livename = presence;
window.addRow = (name, display) => {
  const row = document.createElement("li");
  row.append(names.element(name, display ?? name, { note: true }));
  document.getElementById("rows").append(row);
};
