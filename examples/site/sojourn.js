// What docs/sdk.md has as a snippet, except that the key and the server come from the address the first time, so that
// this page can be opened without editing it: /?key=sjk_…&host=http://127.0.0.1:8080
(() => {
  const given = new URLSearchParams(location.search);
  for (const name of ["key", "host"]) if (given.has(name)) sessionStorage.setItem(name, given.get(name));
  const apiKey = sessionStorage.getItem("key");
  const host = sessionStorage.getItem("host") ?? "http://127.0.0.1:8080";

  const calls = [];
  window.Sojourn = { calls };
  for (const name of ["init", "identify", "track", "page", "reset", "startJourney", "on", "off"])
    window.Sojourn[name] = (...given) => calls.push([name, ...given]);

  // What the SDK tells the page, for everybody to see in the console.
  window.told = [];
  for (const name of [
    "ready",
    "identify",
    "journey:start",
    "journey:complete",
    "content:shown",
    "content:completed",
    "content:dismissed",
    "error",
  ])
    Sojourn.on(name, (detail) => {
      window.told.push({ name, ...detail });
      console.log("sojourn", name, detail);
    });

  Sojourn.init({ apiKey, host });
  const script = document.createElement("script");
  script.src = `${host}/sdk.js`;
  script.async = true;
  document.head.append(script);
})();
