// The map: its points (map_points.js), names and marks on a canvas above them, lists beside them, and whoever points at them. Places
// come once from /v1/map; titles are asked for when somebody wants to read them.

import { Places } from "./map_places.js";
import { Points } from "./map_points.js";
import { View } from "./map_view.js";

const atlas = document.querySelector("[data-atlas]");
const $ = (name) => atlas.querySelector(`[data-${name}]`);
const [stage, marks, card, side] = ["stage", "marks", "card", "side"].map($);
const words = atlas.dataset;
const counted = (text, number) => text.replace("{n}", number.toLocaleString(document.documentElement.lang));

const NONE = -1;
const REACH = 9;
const LISTED = 24;
const TAKEN = 1000;

// What there is to see.
let map = null;
let size = 0;
let places = null;
let points = null;
// The class of each point, the classes, and which one somebody looks at.
let by = "tag";
let classes = [];
let classOf = new Uint8Array(0);
let only = NONE;
let lit = null;
let chosen = null;
let target = NONE;
let hovered = NONE;

const view = new View();
const onScreen = (at) => view.onScreen(map.x[at], map.y[at]);

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

// Classes of points: tags as the server chose them, or spans of years with about as many papers each.
const spans = () => {
  const known = map.years.filter((year) => year !== 0).sort((one, two) => one - two);
  const starts = [...new Set([0, 1, 2, 3, 4, 5, 6].map((at) => known[Math.floor((at * known.length) / 7)]))];
  const named = known.length === 0 ? [] : starts.map((start, at) => {
    const end = at + 1 < starts.length ? starts[at + 1] - 1 : known[known.length - 1];
    const shade = starts.length > 1 ? Math.floor((at * 6) / (starts.length - 1)) : 6;
    return { name: start === end ? `${start}` : `${start}–${end}`, ink: `--year-${shade}` };
  });
  const place = (year) => (year === 0 ? named.length : starts.findLastIndex((start) => start <= year));
  return [[...named, { name: words.noYear, ink: "--rest" }], map.years.map(place)];
};
const tags = () => {
  const named = map.tags.map((tag, at) => ({ name: tag.value, ink: `--tag-${at}` }));
  const rest = { name: words.other, ink: "--rest" };
  return [[...named, rest], map.tag.map((tag) => (tag < 0 ? named.length : tag))];
};
const classify = () => {
  const [named, of] = by === "tag" ? tags() : spans();
  classes = named.map((one) => ({ ...one, papers: 0 }));
  classOf = Uint8Array.from(of);
  for (const one of classOf) classes[one].papers += 1;
  only = NONE;
  legend();
  colour();
};
const colour = () => {
  const inks = classes.map((one) => rgb(style(one.ink)));
  const colours = new Uint8Array(size * 4);
  const marked = chosen ?? lit;
  for (let at = 0; at < size; at += 1) {
    const behind = (only !== NONE && classOf[at] !== only) || (marked && !marked.has(at));
    colours.set(inks[classOf[at]], at * 4);
    colours[at * 4 + 3] = behind ? 46 : 215;
  }
  points.colour(colours);
  redraw();
};
const legend = () => {
  const rows = classes.map((one, at) => {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    dot.setAttribute("viewBox", "0 0 2 2");
    dot.setAttribute("class", "atlas-dot");
    dot.setAttribute("aria-hidden", "true");
    dot.append(document.createElementNS("http://www.w3.org/2000/svg", "circle"));
    for (const name of ["cx", "cy", "r"]) dot.firstChild.setAttribute(name, "1");
    dot.style.color = `var(${one.ink})`;
    button.append(dot, text("bdi", one.name), text("span", one.papers.toLocaleString(), "number"));
    button.addEventListener("click", () => {
      only = only === at ? NONE : at;
      for (const [other, row] of [...$("legend").children].entries()) {
        row.firstChild.setAttribute("aria-pressed", String(other === only));
      }
      colour();
    });
    row.append(button);
    return one.papers > 0 ? row : null;
  });
  $("legend").replaceChildren(...rows.filter(Boolean));
  for (const button of atlas.querySelectorAll("[data-by]")) {
    button.setAttribute("aria-pressed", String(button.dataset.by === by));
  }
};
const text = (element, said, kind) => {
  const made = document.createElement(element);
  made.textContent = said;
  if (kind) made.className = kind;
  return made;
};

// Marks above the points.
const pen = marks.getContext("2d");
let rope = null;
const drawMarks = () => {
  pen.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  pen.clearRect(0, 0, view.width, view.height);
  if (!map) return;
  const [ink, page, accent] = ["--ink", "--page", "--accent"].map(style);
  const ring = (at, reach, line) => {
    const [x, y] = onScreen(at);
    if (x < -20 || y < -20 || x > view.width + 20 || y > view.height + 20) return;
    pen.beginPath();
    pen.arc(x, y, reach, 0, 7);
    pen.lineWidth = line + 2;
    pen.strokeStyle = page;
    pen.stroke();
    pen.lineWidth = line;
    pen.strokeStyle = accent;
    pen.stroke();
  };
  drawNames(ink, page);
  for (const at of lit ?? []) {
    const [x, y] = onScreen(at);
    pen.beginPath();
    pen.arc(x, y, points.radius + 1.5, 0, 7);
    pen.fillStyle = style(classes[classOf[at]].ink);
    pen.fill();
    ring(at, points.radius + 4, 2);
  }
  if (target !== NONE) ring(target, points.radius + 6, 3);
  if (hovered !== NONE) ring(hovered, points.radius + 3, 2);
  if (rope && rope.length > 1) {
    pen.beginPath();
    for (const [x, y] of rope) pen.lineTo(x, y);
    pen.closePath();
    pen.fillStyle = `color-mix(in srgb, ${accent} 14%, transparent)`;
    pen.fill();
    pen.lineWidth = 1.5;
    pen.strokeStyle = accent;
    pen.stroke();
  }
};
const drawNames = (ink, page) => {
  const { width, height } = view;
  const room = Math.max(6, Math.round((width * height) / 26000));
  const taken = [];
  pen.font = `600 ${width < 600 ? 12 : 13.5}px ${getComputedStyle(document.body).fontFamily}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  for (const region of map.regions) {
    if (taken.length >= room) break;
    const [x, y] = view.onScreen(region.x, region.y);
    const half = pen.measureText(region.name).width / 2 + 8;
    if (x - half < 0 || x + half > width || y < 12 || y > height - 12) continue;
    if (taken.some((other) => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < 24)) continue;
    taken.push({ x, y, half });
    pen.globalAlpha = lit || chosen ? 0.6 : 0.92;
    pen.lineWidth = 4;
    pen.strokeStyle = page;
    pen.strokeText(region.name, x, y);
    pen.fillStyle = ink;
    pen.fillText(region.name, x, y);
    pen.globalAlpha = 1;
  }
};

let waits = false;
const redraw = () => {
  if (waits || !map) return;
  waits = true;
  requestAnimationFrame(() => {
    waits = false;
    points.draw(redraw);
    drawMarks();
  });
};
const resize = () => {
  const fits = !map || view.isWhole;
  ({ clientWidth: view.width, clientHeight: view.height } = stage);
  marks.width = Math.round(view.width * view.ratio);
  marks.height = Math.round(view.height * view.ratio);
  if (fits) view.scale = view.fitting;
  points?.resize();
  redraw();
};

/** Changes the view: what stood under the pointer does not any more. */
const look = (change) => {
  change();
  hover(NONE);
  redraw();
};

const nearest = (x, y, reach = REACH) => {
  let [best, least] = [NONE, reach * reach];
  places.within(...view.onMap(x - reach, y - reach), ...view.onMap(x + reach, y + reach), (at) => {
    if (only !== NONE && classOf[at] !== only) return;
    const [px, py] = onScreen(at);
    const away = (px - x) ** 2 + (py - y) ** 2;
    if (away < least) [best, least] = [at, away];
  });
  return best;
};

// Papers, asked for once.
const papers = new Map();
const paper = (at) => {
  const id = map.ids[at];
  if (!papers.has(id)) {
    const asked = fetch(`/v1/papers/${encodeURIComponent(id)}`).then((answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    });
    asked.catch(() => papers.delete(id));
    papers.set(id, asked);
  }
  return papers.get(id);
};
const address = (at) => `/paper?${new URLSearchParams({ id: map.ids[at] })}`;
const about = (at) => {
  const tag = map.tag[at] >= 0 ? map.tags[map.tag[at]].value : null;
  return [map.years[at] || null, tag].filter(Boolean).join(" · ");
};
let pause;
const hover = (at, held = false) => {
  if (at === hovered && !held) return;
  hovered = at;
  clearTimeout(pause);
  card.hidden = true;
  marks.classList.toggle("pointing", at !== NONE);
  redraw();
  if (at === NONE) return;
  const show = async () => {
    const known = await paper(at).catch(() => null);
    if (hovered !== at || !known) return;
    card.replaceChildren(text("bdi", known.title), text("small", about(at)));
    card.href = address(at);
    card.classList.toggle("held", held);
    card.hidden = false;
    const [x, y] = onScreen(at);
    const left = Math.min(Math.max(x + 14, 8), view.width - card.offsetWidth - 8);
    const top = y + 16 + card.offsetHeight > view.height ? y - 14 - card.offsetHeight : y + 14;
    card.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  };
  pause = setTimeout(show, papers.has(map.ids[at]) ? 0 : 110);
};

// The list of what was chosen.
const choose = async (all) => {
  chosen = all.length > 0 ? new Set(all) : null;
  colour();
  const section = $("chosen-section");
  section.hidden = chosen === null;
  if (chosen === null) return;
  all.sort((one, two) => map.years[two] - map.years[one] || one - two);
  $("chosen-heading").textContent = counted(words.chosen, all.length);
  const some = all.slice(0, TAKEN).map((at) => ["id", map.ids[at]]);
  $("take-away").href = `/basket?${new URLSearchParams(some)}`;
  $("list").replaceChildren();
  $("chosen-tags").hidden = true;
  side.scrollTop = 0;
  $("chosen-heading").focus({ preventScroll: innerWidth > 960 });
  await list(all, chosen, 0);
};
const list = async (all, mine, from) => {
  const some = all.slice(from, from + LISTED);
  const more = $("show-more");
  const left = all.length - from - some.length;
  more.hidden = left <= 0;
  more.textContent = counted(words.more, left);
  more.onclick = () => list(all, mine, from + LISTED);
  const rows = some.map((at) => {
    const row = document.createElement("li");
    const link = text("a", map.ids[at]);
    link.href = address(at);
    link.dir = "auto";
    row.append(link, text("small", about(at)));
    for (const [entered, place] of [["pointerenter", at], ["focusin", at], ["pointerleave", NONE], ["focusout", NONE]]) {
      row.addEventListener(entered, () => {
        card.hidden = true;
        hovered = place;
        redraw();
      });
    }
    return row;
  });
  $("list").append(...rows);
  const known = await Promise.all(some.map((at) => paper(at).catch(() => null)));
  if (chosen !== mine) return;
  for (const [at, row] of rows.entries()) if (known[at]) row.firstChild.textContent = known[at].title;
  if (from > 0) return;
  const counts = new Map();
  for (const tag of known.flatMap((one) => one?.tags ?? [])) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  const common = [...counts].sort((one, two) => two[1] - one[1]).slice(0, 5);
  const links = common.map(([tag]) => {
    const link = text("a", tag, "tag");
    link.href = `/?${new URLSearchParams({ tag })}`;
    link.dir = "auto";
    return link;
  });
  $("chosen-tags").replaceChildren($("chosen-tags").firstChild, ...links);
  $("chosen-tags").hidden = links.length === 0;
};
const around = (corners) => places.around(corners).filter((at) => only === NONE || classOf[at] === only);

// Pointers: one drags or draws, two pinch.
const held = new Map();
let lasso = false;
let moved = 0;
let apart = 0;
const at = (event) => {
  const box = marks.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};
const span = () => {
  const [[ax, ay], [bx, by]] = [...held.values()];
  return [Math.hypot(ax - bx, ay - by), (ax + bx) / 2, (ay + by) / 2];
};
marks.addEventListener("pointerdown", (event) => {
  if (!map || event.button > 0) return;
  marks.setPointerCapture(event.pointerId);
  held.set(event.pointerId, at(event));
  moved = 0;
  rope = held.size === 1 && (lasso || event.shiftKey) ? [at(event)] : null;
  if (held.size === 2) [apart] = span();
  if (!rope) marks.classList.add("dragging");
});
marks.addEventListener("pointermove", (event) => {
  if (!map) return;
  const [x, y] = at(event);
  const before = held.get(event.pointerId);
  if (!before) {
    if (event.pointerType === "mouse") hover(nearest(x, y));
    return;
  }
  held.set(event.pointerId, [x, y]);
  moved += Math.abs(x - before[0]) + Math.abs(y - before[1]);
  if (held.size === 2) {
    const [now, ...middle] = span();
    look(() => view.zoom(now / apart, ...middle));
    look(() => view.move((x - before[0]) / 2, (y - before[1]) / 2));
    apart = now;
  } else if (rope) {
    rope.push([x, y]);
    redraw();
  } else if (moved > 3) {
    look(() => view.move(x - before[0], y - before[1]));
  }
});
const release = (event) => {
  if (!held.delete(event.pointerId)) return;
  marks.classList.remove("dragging");
  if (rope && event.type === "pointerup") {
    const corners = rope.map(([x, y]) => view.onMap(x, y));
    rope = null;
    if (moved > 12) choose(around(corners));
    encircle(false);
    redraw();
  } else if (moved <= 3 && event.type === "pointerup" && held.size === 0) {
    const mouse = event.pointerType === "mouse";
    const found = nearest(...at(event), mouse ? REACH : 22);
    // A finger cannot hover: the first touch tells, the card leads on.
    if (found === NONE) hover(NONE);
    else if (mouse) open(found, event);
    else hover(found, true);
  }
  rope = null;
};
marks.addEventListener("pointerup", release);
marks.addEventListener("pointercancel", release);
marks.addEventListener("pointerleave", (event) => {
  // A finger that is lifted leaves too; what it touched stays told.
  if (event.pointerType === "mouse" && held.size === 0) hover(NONE);
});
marks.addEventListener("wheel", (event) => {
  if (!map) return;
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 16 : 1;
  look(() => view.zoom(Math.exp(-Math.min(Math.max(event.deltaY * lines, -240), 240) * (event.ctrlKey ? 0.01 : 0.0022)), ...at(event)));
}, { passive: false });
marks.addEventListener("dblclick", (event) => map && look(() => view.zoom(2, ...at(event))));
const open = (found, event) => {
  const to = address(found);
  if (event.ctrlKey || event.metaKey) window.open(to, "_blank", "noopener");
  else location.assign(to);
};
const encircle = (is) => {
  lasso = is;
  $("lasso").setAttribute("aria-pressed", String(is));
  marks.classList.toggle("encircling", is);
};

// Keys, while the map has the focus.
const step = 60;
const keys = {
  ArrowLeft: () => look(() => view.move(step, 0)),
  ArrowRight: () => look(() => view.move(-step, 0)),
  ArrowUp: () => look(() => view.move(0, step)),
  ArrowDown: () => look(() => view.move(0, -step)),
  "+": () => look(() => view.zoom(1.4)),
  "=": () => look(() => view.zoom(1.4)),
  "-": () => look(() => view.zoom(1 / 1.4)),
  0: () => look(() => view.showAll()),
  Enter: () => choose(inTheMiddle()),
  Escape: () => { encircle(false); light(null); choose([]); },
};
const inTheMiddle = () => {
  const reach = Math.min(view.width, view.height) / 6;
  const corners = Array.from({ length: 24 }, (_, at) => {
    const angle = (at * Math.PI) / 12;
    return view.onMap(view.width / 2 + Math.cos(angle) * reach, view.height / 2 + Math.sin(angle) * reach);
  });
  return around(corners);
};
marks.addEventListener("keydown", (event) => {
  if (!map || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});

// A question lights up its answers: the first few, and all that are not unlikely.
const FEW = 5;
const ANSWERS = 0.2;
const light = (numbers) => {
  lit = numbers;
  colour();
};
const find = async (question) => {
  const told = $("found-count");
  const said = new URLSearchParams(location.search);
  if (question) said.set("q", question);
  else said.delete("q");
  history.replaceState(null, "", said.size > 0 ? `/map?${said}` : "/map");
  if (!question) {
    told.textContent = "";
    light(null);
    return;
  }
  const answer = await fetch(`/v1/search?${new URLSearchParams({ q: question, limit: "50" })}`).catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (!answer?.ok) {
    told.textContent = body?.error?.message ?? words.gone;
    return;
  }
  const numbers = new Map(map.ids.map((id, number) => [id, number]));
  // What hardly answers is left in the dark; what filters alone list has no score.
  const answers = body.hits.filter((hit, at) => body.listed || at < FEW || hit.score >= ANSWERS);
  const found = answers.map((hit) => numbers.get(hit.id)).filter((number) => number !== undefined);
  told.textContent = found.length > 0 ? counted(words.found, found.length) : words.nothingFound;
  light(found.length > 0 ? new Set(found) : null);
};
$("find").addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopPropagation();
  find(event.target.elements.q.value.trim());
});
$("find").addEventListener("search", (event) => {
  if (!event.target.value) find("");
});

atlas.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches("[data-nearer]")) look(() => view.zoom(1.6));
  else if (button?.matches("[data-farther]")) look(() => view.zoom(1 / 1.6));
  else if (button?.matches("[data-whole]")) look(() => view.showAll());
  else if (button?.matches("[data-lasso]")) encircle(!lasso);
  else if (button?.matches("[data-close]")) choose([]);
  else if (button?.matches("[data-copy-ids]")) button.dataset.copy = Array.from(chosen, (number) => map.ids[number]).join("\n");
  else if (button?.matches("[data-by]") && by !== button.dataset.by) {
    by = button.dataset.by;
    classify();
  }
});

// Where the map comes from.
const notice = (said, done = null) => {
  $("notice").hidden = said === null;
  $("notice-text").textContent = said ?? "";
  $("progress").hidden = done === null;
  if (done !== null) $("progress").value = done;
};
let rest = 5_000;
const load = async () => {
  const answer = await fetch("/v1/map").catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (!answer || answer.status === 503) {
    if (!map) notice(body?.error?.message ?? words.gone);
    setTimeout(load, 2_000);
  } else if (answer.status === 202) {
    const percent = Math.round(body.done * 100);
    // The page says already that the library is empty, and goes on saying so.
    if (words.isEmpty === undefined) notice(counted(words.computing, percent), percent);
    else notice(words.empty);
    setTimeout(load, 700);
  } else if (answer.ok && body) {
    if (!map || body.revision !== map.revision || body.ids.length !== map.ids.length) take(body);
    if (body.unplaced > 0) {
      setTimeout(load, rest);
      rest = Math.min(rest * 2, 120_000);
    }
  } else {
    notice(`${words.failed}: ${body?.error?.message ?? answer.status}`);
  }
};
const take = (body) => {
  const first = map === null;
  map = body;
  size = map.ids.length;
  notice(size === 0 && map.unplaced === 0 ? words.empty : null);
  for (const part of [$("find"), $("tools"), side]) part.hidden = size === 0;
  $("count").textContent = [
    counted(words.shown, size),
    map.unplaced > 0 ? counted(words.unplaced, map.unplaced) : "",
  ].join(" ");
  resize();
  points ??= new Points($("points"), view);
  const pairs = new Uint16Array(size * 2);
  for (let at = 0; at < size; at += 1) pairs.set([map.x[at], map.y[at]], at * 2);
  points.place(pairs);
  places = new Places(map.x, map.y);
  [lit, chosen, target, hovered] = [null, null, NONE, NONE];
  regions();
  classify();
  const said = new URLSearchParams(location.search);
  if (said.has("paper")) {
    target = map.ids.indexOf(said.get("paper"));
    if (target === NONE) $("found-count").textContent = words.notThere;
    else if (first) look(() => view.centre(map.x[target], map.y[target], 5));
  }
  if (said.get("q")) {
    $("find").elements.q.value = said.get("q");
    find(said.get("q"));
  }
  redraw();
};
const regions = () => {
  $("regions-part").hidden = map.regions.length === 0;
  const rows = map.regions.map((region) => {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.append(text("bdi", region.name), text("span", region.papers.toLocaleString(), "number"));
    button.addEventListener("click", () => {
      look(() => view.centre(region.x, region.y, 5));
      choose(inTheMiddle());
    });
    row.append(button);
    return row;
  });
  $("regions").replaceChildren(...rows);
};

new ResizeObserver(resize).observe(stage);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => map && colour());
load();
