// The pages work without this file. It asks while one types, moves by keys, remembers a basket and a tray, and draws nothing itself:
// every answer is the page that the server renders.
"use strict";

const box = document.getElementById("q");
const status = document.querySelector("[data-status]");
const main = document.getElementById("main");

const say = (text) => {
  status.textContent = text;
};
const busy = (is) => document.body.setAttribute("aria-busy", String(is));

// What a browser remembers. Where it may not, nothing is remembered and all else works.
const memory = (store, name, empty) => ({
  read: () => {
    try {
      return JSON.parse(store().getItem(name)) ?? empty;
    } catch {
      return empty;
    }
  },
  write: (value) => {
    try {
      store().setItem(name, JSON.stringify(value));
    } catch {
      // A full or forbidden store.
    }
  },
});
const basket = memory(() => localStorage, "paperkin.basket", []);
const tray = memory(() => sessionStorage, "paperkin.tray", { related: [], unlike: [] });

// The basket is a page whose address names what is in it.
const basketAddress = () => {
  const ids = new URLSearchParams(basket.read().map((key) => ["id", key]));
  return ids.size > 0 ? `/basket?${ids}` : "/basket";
};

const showBasket = () => {
  const kept = new Set(basket.read());
  for (const link of document.querySelectorAll("[data-basket]")) {
    link.href = basketAddress();
    const count = link.querySelector("[data-basket-count]");
    count.textContent = String(kept.size);
    count.hidden = kept.size === 0;
  }
  for (const button of document.querySelectorAll("[data-keep]")) {
    const key = button.closest("[data-key]").dataset.key;
    button.setAttribute("aria-pressed", String(kept.has(key)));
  }
};

const keep = (button) => {
  const key = button.closest("[data-key]").dataset.key;
  const kept = basket.read();
  const without = kept.filter((own) => own !== key);
  basket.write(without.length < kept.length ? without : [...kept, key]);
  showBasket();
  if (without.length === kept.length) say(status.dataset.kept);
};

const copy = async (button) => {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure context there is no clipboard but the selection's.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  say(status.dataset.copied);
  // Only what is seen changes, and a second click changes it no further.
  const label = button.firstChild;
  button.dataset.label ??= label.data;
  label.data = status.dataset.copied;
  setTimeout(() => {
    label.data = button.dataset.label;
  }, 1500);
};

// The papers that a list is steered by stay with the reader from page to page.
const rememberTray = () => {
  if (!document.querySelector("[data-tray]")) return;
  const said = new URLSearchParams(location.search);
  tray.write({ related: said.getAll("related"), unlike: said.getAll("unlike") });
};

const steered = (name, key) => {
  const known = tray.read();
  const others = (list) => list.filter((own) => own !== key);
  const said = new URLSearchParams();
  for (const id of others(known.related)) said.append("related", id);
  for (const id of others(known.unlike)) said.append("unlike", id);
  said.append(name, key);
  // There is no list that is only unlike something.
  return said.has("related") ? `/?${said}` : null;
};

const steerPaper = () => {
  const paper = document.querySelector("[data-paper]");
  if (!paper) return;
  for (const [selector, name] of [["[data-more-like]", "related"], ["[data-less-like]", "unlike"]]) {
    const link = paper.querySelector(selector);
    const href = tray.read().related.length > 0 ? steered(name, paper.dataset.key) : null;
    link.hidden = href === null;
    if (href) link.href = href;
  }
};

// What only works with this file appears with it.
const dress = () => {
  unfold();
  for (const part of document.querySelectorAll("[data-scripted]")) part.hidden = false;
  steerPaper();
  showBasket();
  rememberTray();
};

// As one types, after a pause: the same page as after Enter, of which only the content is exchanged.
const PAUSE = 300;
let pause;
let asking;
const ask = async (address) => {
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  busy(true);
  try {
    const answer = await fetch(address, { signal: mine.signal, headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("main");
    if (mine.signal.aborted || !fresh) return;
    main.replaceChildren(...fresh.childNodes);
    document.title = page.title;
    history.replaceState(null, "", address);
    dress();
    say(main.querySelector(".count")?.textContent ?? "");
  } catch {
    // Aborted by the next letter, or the service is gone: Enter will tell.
  } finally {
    if (asking === mine) busy(false);
  }
};

const typed = () => {
  clearTimeout(pause);
  const said = new URLSearchParams(new FormData(box.form));
  for (const [name, value] of [...said]) if (!value.trim()) said.delete(name, value);
  const address = said.size > 0 ? `/?${said}` : "/";
  // Elsewhere a question begins with Enter: nobody's paper is to vanish under a stray letter.
  if (location.pathname !== "/" || document.querySelector("[data-tray]")) return;
  pause = setTimeout(() => ask(address), PAUSE);
};
box.addEventListener("input", typed);
box.form.addEventListener("submit", () => {
  clearTimeout(pause);
  asking?.abort();
});

// Keys.
const hits = () => Array.from(document.querySelectorAll("[data-hit]"));
const current = (all = hits()) => all.findIndex((hit) => hit.contains(document.activeElement));
const back = () => {
  box.focus();
  box.select();
};
// Before the first hit is the box; after the last there is nothing.
const move = (step) => {
  const all = hits();
  const at = current(all) + step;
  if (at < 0) back();
  else all[at]?.querySelector("h3 a").focus();
};
const within = (selector) => {
  const found = (hits()[current()] ?? main).querySelector(selector);
  return found && !found.hidden ? found : null;
};
const keys = {
  "/": back,
  Escape: back,
  j: () => move(1),
  k: () => move(-1),
  r: () => within("[data-related]")?.click(),
  "+": () => within("[data-more-like]")?.click(),
  "-": () => within("[data-less-like]")?.click(),
  b: () => within("[data-keep]")?.click(),
  "?": () => document.querySelector("dialog.keys").showModal(),
};
const places = { s: "/", d: "/days", m: "/map", l: "/library", b: basketAddress };
let goes = false;

document.addEventListener("keydown", (event) => {
  // While a syllable is being composed, keys belong to the input method.
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("dialog, textarea, select, canvas, [contenteditable]")) return;
  const inBox = event.target.matches("input");
  // Arrows move only where moving has begun; elsewhere they scroll, as everywhere.
  const arrow = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (arrow && (inBox ? arrow > 0 && event.target === box : current() >= 0) && hits().length > 0) {
    event.preventDefault();
    move(arrow);
    return;
  }
  if (inBox) return;
  if (goes && Object.hasOwn(places, event.key)) {
    const place = places[event.key];
    location.assign(typeof place === "function" ? place() : place);
  } else if (Object.hasOwn(keys, event.key)) {
    event.preventDefault();
    keys[event.key]();
  }
  goes = event.key === "g";
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches("[data-keep]")) keep(button);
  else if (button?.matches("[data-copy]")) copy(button);
  else if (button?.matches("[data-keys]")) keys["?"]();
  else if (button?.matches("[data-empty]")) {
    basket.write([]);
    location.assign("/basket");
  }
  const link = event.target.closest("a[href^='/']");
  const opens = link && !link.hasAttribute("download") && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (opens && !event.defaultPrevented) busy(true);
});
document.addEventListener("submit", (event) => {
  if (event.target.method !== "dialog") busy(true);
});
// A page from the history is not busy any more, and may be behind the basket.
window.addEventListener("pageshow", () => {
  busy(false);
  showBasket();
});
window.addEventListener("storage", showBasket);

// While the model loads: look again every second, and lose nothing that is being typed.
if (document.querySelector("[data-waiting]")) {
  const look = async () => {
    const ready = await fetch("/readyz").then((answer) => answer.ok, () => false);
    if (!ready) setTimeout(look, 1000);
    else if (box.value === box.defaultValue) location.reload();
    else box.form.requestSubmit();
  };
  setTimeout(look, 1000);
}

// The basket's page without names shows what this browser remembers.
if (document.querySelector("[data-basket-page]") && !location.search && basket.read().length > 0) {
  location.replace(basketAddress());
}

// Beside the answers there is room for what narrows them down; above them it is folded.
const wide = matchMedia("(min-width: 60.01rem)");
const unfold = () => {
  for (const sides of document.querySelectorAll(".sides > details")) sides.open = wide.matches;
};
wide.addEventListener("change", unfold);
document.documentElement.classList.add("scripted");

dress();
// The box has the focus when the start page comes: typing goes on where the question ends.
if (document.activeElement === box) box.setSelectionRange(box.value.length, box.value.length);
