// ---- sign in: for pages that bring a name and a password or a token ------------------------------------

/**
 * Logs in at the gateway (browser-side.md 3.3); the answer's cookies are what the event channel is opened with.
 * `again` repeats it: a session does not outlive a restart of the gateway.
 */
async function signIn(gateway, credentials) {
  const { user, secret, method } = credentials;
  const form = new URLSearchParams({ loginMethod: method, username: user ?? "" });
  if (secret && method !== "anonymous") form.set("password", secret);
  // The interface's public description has no name for a token that is no cookie.
  if (secret && method !== "byPassword") form.set("token", secret);
  const answer = await fetch(`${gateway}/stwebapi/user/connect`, { method: "POST", credentials: "include", body: form }).catch(() => {
    throw failure(3, "the gateway cannot be reached");
  });
  const login = await answer.json().catch(() => ({}));
  if (!answer.ok) throw failure(answer.status === 401 ? 12 : (login.code ?? 3), answer.status === 401 ? "wrong name, password or token" : "the gateway does not log in this way");
  return { ...login, again: () => signIn(gateway, credentials) };
}

/** Whether a connection is that of whoever has logged in. Directory ids are written with slashes or with commas. */
function isOf(login, me) {
  const [one, other] = [login.person, me].map((person) => (person?.id ?? "").replace(/,/g, "/").toLowerCase());
  return one === other;
}
