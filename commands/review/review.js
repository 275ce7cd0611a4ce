// The review tab: one photo at a time or a grid, and one key a decision. Names are set as text, never as markup.
const PAGE = 60; // rows asked for at a time
const COMMANDS = { k: "keep", x: "remove", s: "skip", b: "back", u: "undo", a: "for-all", g: "as-grid" };
const ARROWS = { arrowright: "skip", arrowleft: "back", delete: "remove" };
const KEYS = [..."123456789cdefhijlmnopqrtvwyz0"]; // of classes: those that no command has
const NAMES = { suspects: "labels that look wrong", mistakes: "mistakes", unsure: "unsure", all: "all", decided: "decided" };
const undoable = []; // the labels before each decision
const recent = []; // labels decided on, the last one first
let project, rows, total, decided, at;
let work = Promise.resolve();

export const $ = (id) => document.getElementById(id);
export const photoAddress = (path, size) => `photo?${new URLSearchParams({ path, size })}`;

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export async function ask(address, options) {
  let problem = "The server does not answer: start it again. All decisions so far are in corrections.csv.";
  try {
    const answer = await fetch(address, options);
    const text = await answer.text();
    problem = answer.ok ? "" : `${answer.status}: ${text}`;
    const content = answer.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : {};
    problem = content.error ?? problem;
    if (!problem) return content;
  } catch {} finally {
    $("error").textContent = problem;
    $("error").hidden = !problem;
  }
  throw new Error(problem);
}

function act(action) { // one after another, also where keys come faster than answers
  work = work.then(action).catch(console.error);
}

async function load(start) {
  const fields = ["queue", "class", "split", "search"].map((id) => [id, $(id).value]);
  const page = await ask(`photos?${new URLSearchParams([...fields, ["start", start], ["count", PAGE]])}`);
  page.photos.forEach((photo, index) => rows.set(start + index, photo));
  ({ total, decided } = page);
  return page;
}

async function row(index) {
  if (!rows.has(index)) await load(index - (index % PAGE));
  return rows.get(index);
}

async function restart() {
  rows = new Map();
  const { first } = await load(0);
  await show(first);
  if (!$("grid").hidden) await setGrid(true);
}

async function show(index) {
  at = Math.max(0, Math.min(index, total));
  const photo = at < total ? await row(at) : null;
  $("single").hidden = !photo || !$("grid").hidden;
  $("status").textContent = total ? `${photo ? "" : "end of the list, "}${decided} of ${total} decided` : "no photos here";
  $("progress").max = total || 1;
  $("progress").value = decided;
  if (!photo) return showSummary();
  $("summary").hidden = true;
  $("photo").src = photoAddress(photo.path, "large");
  $("photo").alt = `${photo.path.split("/").at(-1)}, labelled ${photo.label || "twice"}`;
  $("path").textContent = `${at + 1}: ${photo.path} (${photo.split})`;
  $("facts").replaceChildren("labelled ", make("b", { textContent: photo.label || "differently than its copy" }));
  if (photo.probability !== null) $("facts").append(`, probability ${photo.probability.toFixed(3)}`);
  if (photo.predicted && photo.predicted !== photo.label)
    $("facts").append("; predicted ", make("b", { textContent: photo.predicted }));
  $("decision").textContent = photo.decision ? `decided: ${described(photo.decision)}` : "";
  $("keep").disabled = !photo.label;
  $("undo").disabled = !undoable.length && !photo.decision;
  $("class-search").value = "";
  showClasses(photo);
  $("related").hidden = !photo.related;
  $("for-all").checked = photo.related && photo.are_copies;
  const what = photo.are_copies ? "more of the same picture" : "more of its group, copies or not";
  $("related").firstElementChild.textContent = `${photo.related} ${what}`;
  $("related").lastElementChild.replaceChildren(...photo.shown.map(thumbnail));
  for (let next = at + 1; next < at + 4; next++)
    if (rows.has(next)) new Image().src = photoAddress(rows.get(next).path, "large");
}

const described = (label) => (label === project.remove ? "removed" : label);
const thumbnail = (path) => make("img", { src: photoAddress(path, "small"), alt: path, title: path, loading: "lazy" });

function showClasses(photo) { // all of them, or of many those that a search finds, or else the likely ones
  const all = project.classes;
  const typed = $("class-search").value.trim().toLowerCase();
  $("class-search").parentElement.hidden = all.length <= KEYS.length;
  const likely = [...new Set([photo.predicted, photo.label, ...recent])].filter((name) => all.includes(name));
  const matching = all.filter((name) => name.toLowerCase().includes(typed));
  matching.sort((one, other) => other.toLowerCase().startsWith(typed) - one.toLowerCase().startsWith(typed));
  const shown = all.length <= KEYS.length ? all : (typed ? matching : likely).slice(0, 9);
  $("classes").replaceChildren(...shown.map((name, index) => {
    const onclick = () => act(() => decide(name));
    const button = make("button", { type: "button", onclick }, make("kbd", { textContent: KEYS[index] }), name);
    button.dataset.label = name;
    button.setAttribute("aria-pressed", photo.decision === name);
    return button;
  }));
}

async function write(labels, query = "") {
  const before = await ask(`decide${query}`, { method: "POST", body: JSON.stringify(labels) });
  for (const photo of rows.values()) {
    if (!(photo.path in before)) continue;
    const label = photo.path in labels ? labels[photo.path] : Object.values(labels)[0];
    decided += Boolean(label) - Boolean(photo.decision);
    photo.decision = label;
  }
  return before;
}

async function decide(label) {
  const photo = rows.get(at);
  if (!photo || !label) return;
  undoable.push({ before: await write({ [photo.path]: label }, $("for-all").checked ? "?related" : ""), index: at });
  recent.unshift(label);
  await show(at + 1);
}

async function undo() { // the last decision, or else that on this photo
  const { before, index } = undoable.at(-1) ?? { before: { [rows.get(at)?.path]: null }, index: at };
  await write(before);
  undoable.pop();
  if ($("queue").value === "decided") { // the photos behind it have moved up
    rows = new Map();
    await load(0);
  }
  await show(index);
  if (!$("grid").hidden) await refreshGrid();
}

async function showSummary() {
  $("new-decisions").textContent = (await ask("project")).new;
  $("summary").hidden = false;
  $("summary").scrollIntoView({ block: "nearest" });
}

async function setGrid(shown) {
  $("as-grid").setAttribute("aria-pressed", shown);
  $("grid").hidden = !shown;
  $("grid").firstElementChild.replaceChildren();
  await (shown ? fillGrid() : show(at));
  $("single").hidden = shown || at >= total;
}

async function refreshGrid() {
  const cells = $("grid").firstElementChild;
  const [count, top] = [cells.childElementCount, scrollY];
  cells.replaceChildren();
  while (cells.childElementCount < Math.min(count, total)) await fillGrid();
  scrollTo(0, top);
}

async function fillGrid() {
  const cells = $("grid").firstElementChild;
  const start = cells.childElementCount;
  for (let index = start; index < Math.min(start + PAGE, total); index++) {
    const photo = await row(index);
    const onclick = () => act(() => { at = index; return setGrid(false); });
    cells.append(make("button", { type: "button", onclick }, thumbnail(photo.path), described(photo.decision ?? photo.label)));
    cells.lastElementChild.classList.toggle("decided", Boolean(photo.decision));
  }
}

const ACTIONS = {
  keep: () => decide(rows.get(at)?.label),
  remove: () => decide(project.remove),
  skip: () => show(at + 1),
  back: () => show(at - 1),
  undo,
  "as-grid": () => setGrid($("grid").hidden),
  "show-summary": showSummary,
};
for (const [id, action] of Object.entries(ACTIONS)) $(id).onclick = () => act(action);
for (const id of ["queue", "class", "split", "search"]) $(id).oninput = () => act(restart);
$("filters").onsubmit = (event) => event.preventDefault();
$("class-search").oninput = () => showClasses(rows.get(at));
$("class-search").onkeydown = (event) => {
  if (event.key === "Enter") $("classes").firstElementChild?.click();
  if (event.key === "Enter" || event.key === "Escape") event.target.blur();
};
new IntersectionObserver(([end]) => end.isIntersecting && act(fillGrid), { rootMargin: "400px" }).observe($("grid-end"));

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input:not([type=checkbox]), select");
  if ($("review-tab").hidden || isTyping || event.altKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  const name = event.ctrlKey ? { z: "undo" }[key] : COMMANDS[key] ?? ARROWS[key];
  const isClass = KEYS.includes(key) && !event.ctrlKey;
  if (event.repeat && !["skip", "back"].includes(name)) return; // a key held down decides on no photo unseen
  if ($("single").hidden && !["as-grid", "back", "undo"].includes(name)) return;
  if (name === "for-all") act(() => $("for-all").click());
  else if (name) act(ACTIONS[name]);
  else if (isClass) act(() => decide($("classes").children[KEYS.indexOf(key)]?.dataset.label)); // of the photo shown then
  else if (key === "/") $("class-search").focus();
  else return;
  event.preventDefault();
});

async function openTab() {
  const tab = location.hash === "#try" ? "try" : "review";
  document.title = tab;
  for (const name of ["review", "try"]) $(`${name}-tab`).hidden = name !== tab;
  for (const link of document.querySelectorAll("nav a"))
    link.setAttribute("aria-current", link.hash === `#${tab}` ? "page" : "false");
  if (tab === "try" || project) return;
  project = await ask("project");
  const options = Object.entries(project.queues).map(([value, count]) => ({ value, textContent: `${NAMES[value]} (${count})` }));
  $("queue").append(...options.map((option) => make("option", option)));
  $("queue").value = Object.keys(project.queues).find((name) => project.queues[name]);
  $("class").append(...project.classes.map((name) => make("option", { value: name, textContent: name })));
  await restart();
}
window.addEventListener("hashchange", () => act(openTab));
act(openTab);
