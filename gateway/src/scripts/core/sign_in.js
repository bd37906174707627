// ---- sign in: for pages that bring a name and a password or a token ------------------------------------

/** Logs in at the gateway (browser-side.md 3.3); the answer's cookies are what the event channel is opened with. */
async function signIn(gateway, { user, secret, method }) {
  const form = new URLSearchParams({ loginMethod: method, username: user ?? "" });
  if (secret) form.set("password", secret);
  // The interface's public description has no name for a token that is no cookie.
  if (secret && method === "byToken") form.set("token", secret);
  const answer = await fetch(`${gateway}/stwebapi/user/connect`, { method: "POST", credentials: "include", body: form });
  const person = await answer.json().catch(() => ({}));
  if (!answer.ok) throw failure(answer.status === 401 ? 12 : 3, answer.status === 401 ? "wrong name, password or token" : "the gateway does not log in this way");
  return person;
}
