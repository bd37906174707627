// What the page says of itself: "works", or why not.
window.outcome = "";
window.STLinksLoggedIn = (id) => ((window.user = id), (window.outcome = "works"));
window.STLinksLoggedOut = (reason) => (window.outcome = reason);
const wished = new URLSearchParams(location.search);
setSTLinksURL(wished.get("gateway") + "/sametime/stlinks", wished.get("lang") ?? "en");
writeSTLinksApplet(wished.get("user") ?? "", wished.get("token") ?? wished.get("password") ?? "", wished.has("token"));
window.addRow = (name, display) => {
  const row = document.createElement("li");
  row.innerHTML = prepareSametimeLink(name, display ?? name, true, "icon:yes;");
  document.getElementById("rows").append(row);
};
