// ---- why: which cookie, or which of its flags, keeps a page out; loaded where the gateway has answered 401 -----

/** What the page is told, or nothing if the gateway does not say what it expects. */
export async function why(url) {
  const answer = await fetch(url.replace(/events$/, "arrival"), { credentials: "include", cache: "no-store" }).catch(() => null);
  const { expected, arrived } = (await answer?.json().catch(() => null)) ?? {};
  if (!expected) return null;
  if (arrived.length) return { code: "token_refused", message: `The gateway refuses the ${arrived[0]}: it has expired or was made with another key.` };
  const [page, gateway] = [location.protocol, new URL(url).protocol].map((scheme) => scheme.slice(0, -1));
  const name = expected.join(" or ");
  const seen = expected.some((name) => document.cookie.includes(`${name}=`));
  if (page !== gateway) {
    return {
      code: "cookie_withheld",
      message: `${name} does not reach the gateway: an ${page} page and an ${gateway} gateway are different sites, where SameSite=Lax cookies are not sent, SameSite=None needs Secure, and an http page cannot set Secure cookies. Serve the page with https.`,
    };
  }
  if (seen) return { code: "cookie_withheld", message: `${name} is on this page but does not reach the gateway: its Domain must cover both hosts, and SameSite must allow it.` };
  const flags = page === "http" ? "marked Secure, which http pages cannot use, or SameSite=None without Secure" : "marked SameSite=None without Secure, which browsers drop";
  return { code: "cookie_missing", message: `No ${name} reaches the gateway. Nobody is logged in, the cookie's Domain does not cover the gateway, or it is ${flags}.` };
}
