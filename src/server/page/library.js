// Files that are dropped or chosen are sent one after another, as they are; each tells what was read of it, what was not and why, and
// when all of it can be found.
"use strict";

const drop = document.querySelector("[data-drop]");
const uploads = document.querySelector("[data-uploads]");
const words = drop.dataset;

const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

// One file's entry: its name, how far it is, what was refused.
const entry = (name) => {
  const item = element("li", "upload");
  const label = element("bdi", "file", name);
  const told = element("span", "told", words.sending);
  const bar = element("progress");
  bar.setAttribute("aria-label", name);
  const refused = element("ul", "refused");
  item.append(label, bar, told, refused);
  uploads.prepend(item);
  return { item, told, bar, refused };
};

const counted = (counts) =>
  [["new", "new"], ["changed", "changed"], ["unchanged", "unchanged"], ["removed", "removed"], ["refused", "refused"]]
    .filter(([key]) => counts[key] > 0)
    .map(([key, word]) => `${counts[key]} ${words[word]}`)
    .join(" · ");

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// Looks after the task until it ends.
const follow = async (shown, id, summary) => {
  for (;;) {
    const answer = await fetch(`/v1/tasks/${encodeURIComponent(id)}`);
    if (!answer.ok) break;
    const task = await answer.json();
    const { total, done } = task.passages;
    if (total) {
      shown.bar.max = total;
      shown.bar.value = done;
    }
    if (task.state === "done") break;
    if (task.state === "failed" || task.state === "stopped") {
      shown.bar.remove();
      shown.told.textContent = `${summary} · ${task.error ?? task.state}`;
      return;
    }
    shown.told.textContent = `${summary} · ${words.reading}`;
    await pause(400);
  }
  shown.bar.max = 1;
  shown.bar.value = 1;
  shown.told.textContent = `${summary} · ${words.found}`;
};

// What is in it is the server's to tell.
const recount = async () => {
  const answer = await fetch("/library");
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of ["[aria-labelledby='contents']", ".lists"]) {
    document.querySelector(part)?.replaceWith(fresh.querySelector(part) ?? "");
  }
};

const refuse = (shown, text) => {
  shown.bar.remove();
  shown.item.classList.add("failed");
  shown.told.textContent = `${words.notRead}: ${text}`;
};

const send = async (file) => {
  const shown = entry(file.name);
  if (file.size > Number(words.most) * 1e6) return refuse(shown, `> ${words.most} MB`);
  try {
    const name = encodeURIComponent(Array.from(file.name).slice(-200).join(""));
    const answer = await fetch(`/v1/papers?name=${name}`, { method: "POST", body: file });
    const told = await answer.json();
    // An empty file needs no advice on how to send one.
    if (!answer.ok) return refuse(shown, file.size > 0 ? `${told.error.message}; ${told.error.hint}` : told.error.message);
    for (const { line, why } of told.refused) {
      shown.refused.append(element("li", "", `${words.line} ${line}: ${why}`));
    }
    await follow(shown, told.task.id, counted(told.counts));
    await recount().catch(() => {});
  } catch (error) {
    refuse(shown, error.message);
  }
};

// One at a time: the library is written by one.
let queue = Promise.resolve();
const take = (files) => {
  for (const file of files) queue = queue.then(() => send(file));
};

drop.querySelector("[data-files]").addEventListener("change", (event) => {
  take(Array.from(event.target.files));
  event.target.value = "";
});
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  drop.classList.remove("over");
  take(Array.from(event.dataTransfer.files));
});
