// The console with a script: Ctrl+Enter asks, views are searched, what was asked is kept in this browser and nowhere else.
"use strict";
(() => {
  const area = document.getElementById("q"), form = document.getElementById("query");
  if (!area || !form) return;
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
  });

  // the views: what is typed must be in a column's name or meaning
  const find = document.getElementById("of-views");
  if (find) {
    find.hidden = false;
    const shelves = [...document.querySelectorAll(".views details")], opened = shelves.map((one) => one.open);
    find.addEventListener("input", () => {
      const text = find.value.trim().toLowerCase();
      shelves.forEach((shelf, at) => {
        const named = shelf.querySelector("summary").textContent.toLowerCase().includes(text);
        let any = named;
        for (const row of shelf.querySelectorAll("dl > div")) {
          row.hidden = Boolean(text) && !named && !row.textContent.toLowerCase().includes(text);
          any ||= !row.hidden;
        }
        shelf.hidden = !any;
        shelf.open = text ? any : opened[at];
      });
    });
  }

  // a column's name goes to where the query is being written
  document.querySelector(".views")?.addEventListener("dblclick", (event) => {
    const name = event.target.closest("dt")?.querySelector("code")?.textContent;
    if (name) { area.setRangeText(name, area.selectionStart, area.selectionEnd, "end"); area.focus(); }
  });

  // what was asked from this browser
  const KEY = "teiten.sql", MOST = 30, shelf = document.getElementById("history");
  let asked = [];
  try { asked = JSON.parse(localStorage.getItem(KEY) || "[]").filter((one) => typeof one === "string"); } catch { asked = []; }
  const keep = () => { try { localStorage.setItem(KEY, JSON.stringify(asked)); } catch { /* a browser that keeps nothing */ } };
  if (area.value.trim() && document.getElementById("answer") && form.method === "get") {
    asked = [area.value, ...asked.filter((one) => one !== area.value)].slice(0, MOST);
    keep();
  }
  const show = () => {
    const list = shelf.querySelector("ul");
    list.replaceChildren();
    shelf.hidden = !asked.length;
    for (const query of asked) {
      const link = document.createElement("a"), item = document.createElement("li");
      link.href = "/sql?" + new URLSearchParams({ q: query });
      link.textContent = query.replace(/\s+/g, " ").slice(0, 120);
      item.append(link);
      list.append(item);
    }
    const button = document.createElement("button"), last = document.createElement("li");
    button.type = "button";
    button.textContent = shelf.dataset.forget;
    button.addEventListener("click", () => { asked = []; keep(); show(); });
    last.append(button);
    if (asked.length) list.append(last);
  };
  if (shelf) show();
})();
