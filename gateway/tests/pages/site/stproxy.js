window.outcome = "";
window.updates = {};
stproxy.addOnLoad(() => {
  stproxy.login.onLogout = (reason) => (window.outcome = reason);
  stproxy.watchlist.onUpdate = (person) => (window.updates[person.id] = person);
  if (!new URLSearchParams(location.search).has("wait")) stproxy.login.loginByToken(null, stproxy.awareness.AVAILABLE, "", () => (window.outcome = "works"), (reason, code) => (window.outcome = `${code}: ${reason}`));
});
window.addRow = (userId, displayName) => {
  const row = document.createElement("li");
  row.append(new sametime.LiveName({ userId, displayName: displayName ?? userId }).domNode);
  document.getElementById("rows").append(row);
};
