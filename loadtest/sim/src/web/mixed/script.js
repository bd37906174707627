// What a Sametime page does by script: addresses of its own server in every spelling.
(function () {
  var base = "{escaped}\/sametime\/mixed";
  var who = decodeURIComponent("{encoded}%2Fsametime%2Fmixed%2Fwho.json");
  var read = function (answer) { return answer.ok ? answer.json() : Promise.reject(answer.status); };
  var picture = function (address) {
    return new Promise(function (good, bad) {
      var image = new Image();
      image.onload = good;
      image.onerror = bad;
      image.src = address;
    });
  };
  var loads = {
    plain: new Promise(function (good, bad) {
      var ask = new XMLHttpRequest();
      ask.open("GET", "{origin}/sametime/mixed/names.json");
      ask.onload = good;
      ask.onerror = bad;
      ask.send();
    }),
    escaped: fetch(base + "/names.json").then(read).then(function (names) { return picture(names.picture); }),
    redirect: fetch("{origin}/redirect?to=/sametime/mixed/names.json").then(read),
    // The page has set it.
    cookie: fetch(who).then(read).then(function (seen) {
      return seen.cookie.indexOf("STMixed=kept") >= 0 || Promise.reject(seen.cookie);
    }),
    frame: new Promise(function (good) { addEventListener("message", good); }),
    picture: new Promise(function (good, bad) {
      addEventListener("load", function () {
        document.querySelector("#picture").naturalWidth > 0 ? good() : bad();
      });
    }),
    style: new Promise(function (good, bad) {
      addEventListener("load", function () {
        var style = getComputedStyle(document.querySelector("#styled"));
        style.width === "11px" && style.height === "13px" ? good() : bad(style.width + style.height);
      });
    }),
  };
  var failed = [];
  Promise.all(Object.keys(loads).map(function (name) {
    return loads[name].catch(function () { failed.push(name); });
  })).then(function () {
    window.outcome = failed.length ? "failed: " + failed.sort().join(" ") : "works";
  });
})();
