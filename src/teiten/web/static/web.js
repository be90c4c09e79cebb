// What a page gains with a script: it follows the lake while its span ends now. Everything else works without.
"use strict";
(() => {
  const main = document.getElementById("main");
  if (!main || main.dataset.live !== "true" || !window.EventSource) return;
  const status = document.getElementById("live");
  let busy = false, last = 0, again = null;
  const refresh = async () => {
    if (busy || document.hidden) return;
    const wait = 8000 - (Date.now() - last);
    if (wait > 0) { clearTimeout(again); again = setTimeout(refresh, wait); return; }
    // who is reading a selection, or writing, is not disturbed
    const active = document.activeElement;
    if ((active && /^(INPUT|TEXTAREA|SELECT)$/.test(active.tagName)) || String(getSelection())) return;
    busy = true; last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
      const focus = active && active.id;
      if (fresh) { main.innerHTML = fresh.innerHTML; if (focus) document.getElementById(focus)?.focus(); main.dataset.at = String(Date.now()); }
    } finally { busy = false; }
  };
  const events = new EventSource("/live");
  events.addEventListener("lake", refresh);
  events.onopen = () => { if (status) status.dataset.state = "on"; };
  events.onerror = () => { if (status) status.dataset.state = "off"; };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
})();
