// What a page gains with a script: it follows the lake while its span ends now, and a stretch of a chart can be drawn to look at
// it alone. Everything else works without.
"use strict";
(() => {
  // a stretch drawn over a chart becomes from and to of the address
  let begun = null;
  const at = (figure, x) => {
    const box = figure.getBoundingClientRect(), scale = box.width / figure.dataset.width;
    const left = figure.dataset.left * scale, right = figure.dataset.right * scale;
    return Math.min(1, Math.max(0, (x - box.left - left) / (right - left)));
  };
  const moment = (figure, part) => {
    const start = Date.parse(figure.dataset.start), end = Date.parse(figure.dataset.end);
    return new Date(Math.round((start + part * (end - start)) / 3600000) * 3600000);
  };
  document.addEventListener("pointerdown", (event) => {
    const figure = event.target.closest?.(".figure[data-start]");
    if (!figure || event.button) return;
    const mark = document.createElement("div");
    mark.className = "brush";
    begun = { figure, x: event.clientX, mark };
  });
  document.addEventListener("pointermove", (event) => {
    if (!begun || Math.abs(event.clientX - begun.x) < 6) return;
    const box = begun.figure.getBoundingClientRect();
    if (!begun.mark.parentNode) begun.figure.append(begun.mark);
    begun.mark.style.left = `${Math.min(event.clientX, begun.x) - box.left}px`;
    begun.mark.style.width = `${Math.abs(event.clientX - begun.x)}px`;
    event.preventDefault();
  });
  document.addEventListener("pointerup", (event) => {
    if (!begun) return;
    const { figure, x, mark } = begun;
    begun = null;
    mark.remove();
    if (Math.abs(event.clientX - x) < 6) return;
    const [low, high] = [at(figure, x), at(figure, event.clientX)].sort((a, b) => a - b).map((part) => moment(figure, part));
    if (high - low < 3600000) return;
    const address = new URL(location.href);
    address.searchParams.delete("period");
    address.searchParams.set("from", low.toISOString().slice(0, 16) + "Z");
    address.searchParams.set("to", high.toISOString().slice(0, 16) + "Z");
    location.assign(address);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && begun) { begun.mark.remove(); begun = null; }
    if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName)) {
      document.querySelector("[type=search]")?.focus();
      event.preventDefault();
    }
  });
})();
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
  // a page that is left gives its connection back: a browser has six for a host
  let events = null;
  const listen = () => {
    if (events) return;
    events = new EventSource("/live");
    events.addEventListener("lake", refresh);
    events.onopen = () => { if (status) status.dataset.state = "on"; };
    events.onerror = () => { if (status) status.dataset.state = "off"; };
  };
  const leave = () => { events?.close(); events = null; };
  addEventListener("pagehide", leave);
  addEventListener("pageshow", listen);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
})();
