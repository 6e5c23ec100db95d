// Niceties for the keyboard. The page works without this file; nothing here fetches or draws an answer.
"use strict";

const box = document.getElementById("q");
const hits = Array.from(document.querySelectorAll("[data-hit]"));

const current = () => hits.findIndex((hit) => hit.contains(document.activeElement));

const enter = (hit) => hit && hit.querySelector("h3 a").focus();

const back = () => {
  box.focus();
  box.select();
};

// Before the first hit is the box; after the last there is nothing.
const move = (step) => {
  const at = current() + step;
  if (at < 0) back();
  else enter(hits[at]);
};

const keys = {
  "/": back,
  Escape: back,
  j: () => move(1),
  k: () => move(-1),
  r: () => (hits[current()] ?? document).querySelector("[data-related]")?.click(),
};

document.addEventListener("keydown", (event) => {
  // While a syllable is being composed, keys belong to the input method.
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const inBox = event.target === box;
  const arrow = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  // Arrows move only where moving has begun; elsewhere they scroll, as everywhere.
  if (arrow && hits.length > 0 && (inBox ? arrow > 0 : current() >= 0)) {
    event.preventDefault();
    move(arrow);
  } else if (!inBox && Object.hasOwn(keys, event.key)) {
    event.preventDefault();
    keys[event.key]();
  }
});

// Say that something goes on until the next page is there; a page from the history is not busy any more.
const busy = (is) => document.body.setAttribute("aria-busy", String(is));
document.addEventListener("submit", () => busy(true));
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/']");
  if (link && !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.shiftKey) busy(true);
});
window.addEventListener("pageshow", () => busy(false));

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

document.querySelector(".keys").hidden = false;

// The box has the focus when the page comes: typing goes on where the question ends.
if (document.activeElement === box) box.setSelectionRange(box.value.length, box.value.length);
