// What the page says of itself: "works", or why not.
window.outcome = "";
window.STLinksLoggedIn = () => (window.outcome = "works");
window.STLinksLoggedOut = (reason) => (window.outcome = reason);
setSTLinksURL(new URLSearchParams(location.search).get("gateway") + "/sametime/stlinks", "en");
writeSTLinksApplet("", "", false);
window.addRow = (name, display) => {
  const row = document.createElement("li");
  row.innerHTML = prepareSametimeLink(name, display ?? name, true, "icon:yes;");
  document.getElementById("rows").append(row);
};
