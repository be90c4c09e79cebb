// What a page gains with a script: values of a chart's points (pointer, touch, arrow keys), a stretch of it drawn to look at it
// alone, series hidden without a new page, keys, and a page that follows the lake while its span ends now. All else works without.
"use strict";
const MINUTE = 60000, HOUR = 60 * MINUTE;
const main = document.getElementById("main");
const writes = (element) => Boolean(element) && /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);

// -- the page anew, in place: what is open stays open, what is scrolled to stays ---------------------------------------------
const page = {
  number: 0,
  async take(address, { quiet = false } = {}) {
    const own = ++page.number;
    if (!quiet) main.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { headers: { "X-Live": "1" } });
      if (!answer.ok || own !== page.number) return false;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (own !== page.number) return false;
      page.put(fresh);
      return true;
    } finally { if (own === page.number) main.removeAttribute("aria-busy"); }
  },
  put(fresh) {
    const body = fresh.getElementById("main");
    if (!body) return;
    const open = [...main.querySelectorAll("details")].map((one, n) => [one.id || n, one.open]);
    const aside = [...main.querySelectorAll(".scroll")].map((one) => [one.closest("section")?.id, one.scrollLeft]);
    const active = document.activeElement;
    const focus = main.contains(active) ? page.place(active) : null;
    const state = document.getElementById("live")?.dataset.state;
    const at = [scrollX, scrollY];
    charts.leave();
    main.replaceChildren(...body.childNodes);
    document.title = fresh.title;
    const tongue = fresh.querySelector(".tongue");
    if (tongue) document.querySelector(".tongue").href = tongue.href;
    const found = [...main.querySelectorAll("details")];
    for (const [name, was] of open) {
      const one = typeof name === "number" ? found[name] : document.getElementById(name);
      if (one) one.open = was;
    }
    for (const [id, left] of aside) if (left) document.querySelector(`#${CSS.escape(id || "none")} .scroll`)?.scrollTo(left, 0);
    if (focus) main.querySelector(focus)?.focus({ preventScroll: true });
    scrollTo(...at);
    live.show(state);
    main.dataset.at = String(Date.now());
  },
  // where the focus is, so that it can be found again
  place(element) {
    if (element.id) return `#${CSS.escape(element.id)}`;
    const section = element.closest("section");
    const root = section ? `#${CSS.escape(section.id)} ` : "";
    const line = element.closest("li");
    if (line?.parentNode.classList.contains("legend")) return `${root}.legend li:nth-child(${[...line.parentNode.children].indexOf(line) + 1}) a`;
    return element.classList.contains("plot") ? `${root}.plot` : null;
  },
};

// -- charts over time --------------------------------------------------------------------------------------------------------
const charts = {
  now: null, // the plot that is read: { plot, figure, at, from }
  data: new WeakMap(),
  read(plot) {
    if (!charts.data.has(plot)) {
      const told = JSON.parse(plot.dataset.values);
      told.names = told.names.split("|");
      charts.data.set(plot, told);
    }
    return charts.data.get(plot);
  },
  figure: (plot) => [...plot.querySelectorAll(".figure[data-left]")].find((one) => one.offsetWidth),
  // 0 to 1 along the axis of time
  part(figure, x) {
    const box = figure.getBoundingClientRect(), scale = box.width / figure.dataset.width;
    const left = figure.dataset.left * scale, right = figure.dataset.right * scale;
    return Math.min(1, Math.max(0, (x - box.left - left) / (right - left)));
  },
  px(figure, part) {
    const scale = figure.offsetWidth / figure.dataset.width, left = figure.dataset.left * scale;
    return left + part * (figure.dataset.right * scale - left);
  },
  index: (plot, part) => Math.min(charts.read(plot).names.length - 1, Math.floor(part * charts.read(plot).names.length)),
  // a step's beginning; steps are as long as the axis says, to the hour, or to the minute where they are shorter
  moment(figure, part, count) {
    const start = Date.parse(figure.dataset.start), end = Date.parse(figure.dataset.end);
    const unit = end - start < count * HOUR ? MINUTE : HOUR;
    return new Date(Math.round((start + part * (end - start)) / unit) * unit);
  },
  // the row of a heat map, from a height in the window
  row(plot, figure, y) {
    const box = figure.getBoundingClientRect(), scale = box.width / figure.dataset.width;
    const at = Math.floor(((y - box.top) / scale - figure.dataset.top) / figure.dataset.high);
    return Math.min(charts.read(plot).series.length - 1, Math.max(0, at || 0));
  },
  show(plot, at, from = null, row = null) {
    const figure = charts.figure(plot);
    if (!figure) return;
    const { names, series, sum, cells } = charts.read(plot);
    const count = names.length;
    at = Math.min(count - 1, Math.max(0, at));
    if (charts.now?.plot !== plot) charts.leave();
    if (cells) row = Math.min(series.length - 1, Math.max(0, row ?? 0));
    charts.now = { plot, figure, at, from, row };
    const hair = charts.part_of(figure, cells ? "cell" : "hair"), middle = charts.px(figure, (at + 0.5) / count);
    hair.style.left = `${cells ? charts.px(figure, at / count) : middle}px`;
    if (cells) {
      const scale = figure.offsetWidth / figure.dataset.width;
      hair.style.width = `${charts.px(figure, (at + 1) / count) - charts.px(figure, at / count)}px`;
      hair.style.top = `${(Number(figure.dataset.top) + row * figure.dataset.high) * scale}px`;
      hair.style.height = `${figure.dataset.high * scale - 2}px`;
    }
    const brush = figure.querySelector(".brush");
    if (from !== null && from !== at) {
      const mark = brush || charts.part_of(figure, "brush");
      const low = charts.px(figure, Math.min(from, at) / count), high = charts.px(figure, (Math.max(from, at) + 1) / count);
      mark.style.left = `${low}px`; mark.style.width = `${high - low}px`;
    } else if (from === null && !charts.begun) brush?.remove();
    const tip = plot.querySelector(".tip") || plot.appendChild(Object.assign(document.createElement("div"), { className: "tip" }));
    tip.setAttribute("role", "status");
    const table = document.createElement("table");
    table.createCaption().textContent = from !== null && from !== at ? `${names[Math.min(from, at)]} – ${names[Math.max(from, at)]}` : names[at];
    const said = (value) => value === null ? plot.dataset.gap : value.toLocaleString("en-US", { maximumSignificantDigits: value % 1 ? 3 : 15 });
    const low = Math.min(at, from ?? at), high = Math.max(at, from ?? at);
    const over = (values) => values.slice(low, high + 1).reduce((a, b) => (a === null ? b : b === null ? a : a + b), null);
    const rows = (cells ? [series[row]] : series).map(([name, paint, values]) => [name, paint, sum ? over(values) : values[at]]);
    // as they lie upon one another
    for (const [name, paint, value] of sum ? rows.toReversed?.() ?? [...rows].reverse() : rows) {
      const row = table.insertRow(), head = row.appendChild(document.createElement("th")), box = document.createElement("i");
      if (paint) { box.style.background = paint; head.append(box); }
      head.append(name);
      row.insertCell().textContent = said(value);
    }
    if (sum && rows.length > 1) {
      const row = table.insertRow();
      row.className = "sum";
      row.appendChild(document.createElement("th")).textContent = plot.dataset.sum;
      row.insertCell().textContent = said(rows.reduce((a, [, , v]) => (v === null ? a : (a ?? 0) + v), null));
    }
    tip.replaceChildren(table);
    // beside the hair, on the side that has room
    const wide = plot.clientWidth, own = tip.offsetWidth;
    tip.style.left = `${Math.max(0, middle < wide / 2 ? Math.min(middle + 14, wide - own) : middle - own - 14)}px`;
  },
  part_of(figure, name) {
    return figure.querySelector(`.${name}`) || figure.appendChild(Object.assign(document.createElement("div"), { className: name }));
  },
  leave() {
    if (!charts.now) return;
    const { plot } = charts.now;
    plot.querySelectorAll(".hair, .cell, .brush, .tip").forEach((one) => one.remove());
    charts.now = null;
  },
  // that stretch becomes from and to of the address
  zoom(plot, low, high) {
    const figure = charts.figure(plot), count = charts.read(plot).names.length;
    const start = charts.moment(figure, low / count, count), end = charts.moment(figure, (high + 1) / count, count);
    if (end - start < MINUTE) return;
    const address = new URL(location.href);
    for (const name of ["period", "after"]) address.searchParams.delete(name);
    address.searchParams.set("from", start.toISOString().slice(0, 16) + "Z");
    address.searchParams.set("to", end.toISOString().slice(0, 16) + "Z");
    address.hash = "";
    busy();
    location.assign(address);
  },
  begun: null,
};

document.addEventListener("pointerdown", (event) => {
  const figure = event.target.closest?.(".figure[data-left]"), plot = figure?.closest(".plot[data-values]");
  if (!plot) { if (charts.now && event.pointerType !== "mouse") charts.leave(); return; }
  if (event.button) return;
  const at = charts.index(plot, charts.part(figure, event.clientX));
  const row = charts.row(plot, figure, event.clientY);
  if (figure.dataset.start) charts.begun = { plot, figure, x: event.clientX, at, row, id: event.pointerId, drawn: false };
  charts.show(plot, at, null, row);
});
document.addEventListener("pointermove", (event) => {
  const begun = charts.begun;
  if (begun && begun.id === event.pointerId) {
    const at = charts.index(begun.plot, charts.part(begun.figure, event.clientX));
    if (!begun.drawn && Math.abs(event.clientX - begun.x) < (event.pointerType === "mouse" ? 6 : 14)) return;
    if (!begun.drawn) { begun.drawn = true; begun.figure.setPointerCapture?.(event.pointerId); }
    charts.show(begun.plot, at, begun.at, begun.row);
    event.preventDefault();
    return;
  }
  if (event.pointerType !== "mouse") return;
  const figure = event.target.closest?.(".figure[data-left]"), plot = figure?.closest(".plot[data-values]");
  if (plot) charts.show(plot, charts.index(plot, charts.part(figure, event.clientX)), null, charts.row(plot, figure, event.clientY));
  else if (charts.now && document.activeElement !== charts.now.plot) charts.leave();
});
document.addEventListener("pointerup", (event) => {
  const begun = charts.begun;
  if (!begun || begun.id !== event.pointerId) return;
  charts.begun = null;
  if (!begun.drawn) return;
  const at = charts.index(begun.plot, charts.part(begun.figure, event.clientX));
  const [low, high] = [begun.at, at].sort((a, b) => a - b);
  charts.leave();
  if (high > low) charts.zoom(begun.plot, low, high);
});
// the page was scrolled instead
document.addEventListener("pointercancel", () => { charts.begun = null; charts.leave(); });
document.addEventListener("focusout", (event) => { if (event.target.classList?.contains("plot")) charts.leave(); });
addEventListener("resize", () => charts.leave());

document.addEventListener("keydown", (event) => {
  const active = document.activeElement;
  if (event.ctrlKey || event.metaKey || event.altKey || writes(active) || event.defaultPrevented) {
    if (event.key === "Escape" && writes(active)) active.blur();
    return;
  }
  const plot = active?.closest?.(".plot[data-values]");
  if (plot && charts.keys(plot, event)) { event.preventDefault(); return; }
  if (event.key === "Escape") { charts.begun = null; charts.leave(); return; }
  const link = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (link) { link.click(); event.preventDefault(); return; }
  const opens = { "?": "keys", f: "filters" }[event.key];
  const shown = opens && document.getElementById(opens);
  if (shown) {
    shown.open = !shown.open;
    shown.querySelector("summary").focus();
    shown.scrollIntoView({ block: "nearest" });
    event.preventDefault();
  } else if (event.key === "/") {
    document.querySelector("[type=search]")?.focus();
    event.preventDefault();
  }
});
charts.keys = (plot, event) => {
  const count = charts.read(plot).names.length, now = charts.now?.plot === plot ? charts.now : null;
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -24, PageDown: 24, Home: -count, End: count }[event.key];
  if (steps !== undefined) {
    const at = now ? now.at + steps : steps < 0 ? count - 1 : 0;
    charts.show(plot, event.key === "Home" ? 0 : at, event.shiftKey ? now?.from ?? now?.at ?? null : null, now?.row ?? 0);
    return true;
  }
  if (now && now.row !== null && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    charts.show(plot, now.at, null, now.row + (event.key === "ArrowUp" ? -1 : 1));
    return true;
  }
  if (event.key === "Enter" && now && now.figure.dataset.start) {
    const [low, high] = [now.from ?? now.at, now.at].sort((a, b) => a - b);
    charts.zoom(plot, low, high);
    return true;
  }
  return false;
};

// -- series hidden and shown: the server draws, the page stays ---------------------------------------------------------------
document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || link.target) return;
  if (link.origin !== location.origin || link.hasAttribute("download")) return;
  if (!link.hasAttribute("data-toggle")) {
    if (link.pathname !== location.pathname || link.search !== location.search) busy();
    return;
  }
  event.preventDefault();
  link.focus();
  const address = new URL(link.href);
  address.hash = "";
  history.replaceState(history.state, "", address);
  if (!(await page.take(address))) location.assign(address);
});
document.addEventListener("submit", () => busy());
// the next page takes its time: say so, once that can be felt
let waiting = 0;
const busy = () => { clearTimeout(waiting); waiting = setTimeout(() => main?.setAttribute("aria-busy", "true"), 250); };
const idle = () => { clearTimeout(waiting); main?.removeAttribute("aria-busy"); };

// -- a page that follows the lake --------------------------------------------------------------------------------------------
const live = {
  events: null, last: 0, again: null, going: false,
  show(state) {
    const mark = document.getElementById("live");
    if (!mark || !state) return;
    mark.hidden = false;
    mark.dataset.state = state;
    mark.textContent = mark.dataset[state];
  },
  async refresh() {
    if (live.going || document.hidden) return;
    // a page that tells of a moment ago is soon drawn anew
    const wait = (document.getElementById("held") ? 1500 : 8000) - (Date.now() - live.last);
    // who is reading a selection or a point, or writing, is not disturbed
    const disturbed = writes(document.activeElement) || String(getSelection()) || charts.now || document.querySelector("#filters[open]");
    if (wait > 0 || disturbed) { clearTimeout(live.again); live.again = setTimeout(live.refresh, Math.max(wait, disturbed ? 2000 : 0)); return; }
    live.going = true; live.last = Date.now();
    try { await page.take(location.href, { quiet: true }); } catch { /* the next news comes */ } finally { live.going = false; }
  },
  listen() {
    idle();
    const bar = document.querySelector("header nav ul"), here = bar?.querySelector("[aria-current]");
    if (here && bar.scrollWidth > bar.clientWidth) bar.scrollLeft = here.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;
    if (live.events || !main || main.dataset.live !== "true" || !window.EventSource) return;
    live.events = new EventSource("/live");
    live.events.addEventListener("lake", live.refresh);
    live.events.onopen = () => live.show("on");
    live.events.onerror = () => live.show("off");
  },
  // a page that is left gives its connection back: a browser has six for a host
  leave() { live.events?.close(); live.events = null; },
};
addEventListener("pagehide", live.leave);
addEventListener("pageshow", live.listen);
document.addEventListener("visibilitychange", () => { if (!document.hidden && live.events) live.refresh(); });
