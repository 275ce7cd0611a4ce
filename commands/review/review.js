// The review tab: one photo at a time or a grid, and one key a decision. All text is set as textContent.
const $ = (id) => document.getElementById(id);
const PAGE = 60; // rows asked for at a time
const COMMANDS = { k: "keep", x: "remove", s: "skip", b: "back", u: "undo", a: "for-all", g: "as-grid" };
const KEYS = [..."123456789cdefhijlmnopqrtvwyz0"]; // of classes: those that no command has
const NAMES = { suspects: "labels that look wrong", mistakes: "mistakes", unsure: "unsure", all: "all", decided: "decided" };
const undoable = []; // decisions before each change
let project, rows, total, decided, at, work = Promise.resolve();

export async function ask(address, options) {
  let text = "the server does not answer: start it again; all decisions so far are in corrections.csv";
  try {
    const answer = await fetch(address, options);
    const content = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    text = content.error ?? (answer.ok ? "" : `${answer.status}: ${await answer.text()}`);
    if (answer.ok) return content;
  } catch (error) {
    if (!(error instanceof TypeError)) text = String(error);
  } finally {
    $("error").textContent = text;
    $("error").hidden = !text;
  }
  throw new Error(text);
}

export const photoAddress = (path, size) => `photo?${new URLSearchParams({ path, size })}`;
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
const fileName = (path) => path.split("/").at(-1);
const named = (label) => (label === project.remove ? "removed" : label);

function query() {
  const fields = ["queue", "class", "split", "search"].map((id) => [id, $(id).value]);
  return new URLSearchParams(fields);
}

async function load(start) {
  const page = await ask(`photos?${query()}&start=${start}&count=${PAGE}`);
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
  $("grid").firstElementChild.replaceChildren();
  await show(first);
  if (!$("grid").hidden) await fillGrid();
}

async function show(index) {
  at = Math.max(0, Math.min(index, total));
  const photo = at < total ? await row(at) : null;
  const isEnd = !photo;
  $("single").hidden = isEnd || !$("grid").hidden;
  $("status").textContent = total ? `${decided} of ${total} decided` : "no photos here";
  $("progress").max = total || 1;
  $("progress").value = decided;
  $("undo").disabled = !undoable.length;
  if (isEnd) return showSummary();
  $("summary").hidden = true;
  $("photo").src = photoAddress(photo.path, "large");
  $("photo").alt = `${fileName(photo.path)}, labelled ${photo.label || "twice"}`;
  $("path").textContent = `${photo.path} (${photo.split}), ${at + 1} of ${total}`;
  const contradicted = photo.predicted && photo.predicted !== photo.label;
  $("facts").replaceChildren("labelled ", make("b", { textContent: photo.label || "differently than its copy" }));
  if (photo.probability !== null)
    $("facts").append(
      `, of which the probability is ${photo.probability.toFixed(2)}`,
      ...(contradicted ? ["; predicted ", make("b", { textContent: photo.predicted })] : []),
    );
  $("decision").textContent = photo.decision ? `decided: ${named(photo.decision)}` : "";
  $("keep").disabled = !photo.label;
  $("class-search").value = "";
  showClasses(photo);
  showRelated(photo);
  for (let next = at + 1; next < Math.min(at + 4, total); next++)
    if (rows.has(next)) new Image().src = photoAddress(rows.get(next).path, "large");
}

function showClasses(photo) {
  const all = project.classes;
  const typed = $("class-search").value.trim().toLowerCase();
  const few = all.length <= KEYS.length;
  $("class-search-label").hidden = few;
  const likely = [...new Set([photo.predicted, photo.label, ...recent])].filter((name) => all.includes(name));
  const starts = all.filter((name) => name.toLowerCase().startsWith(typed));
  const matching = [...starts, ...all.filter((name) => !starts.includes(name) && name.toLowerCase().includes(typed))];
  const shown = few ? all : (typed ? matching : likely).slice(0, 9);
  const buttons = shown.map((name, index) => {
    const button = make("button", { type: "button" }, make("kbd", { textContent: KEYS[index] }), ` ${name}`);
    button.dataset.label = name;
    button.setAttribute("aria-pressed", photo.decision === name);
    button.onclick = () => act(() => decide(name));
    return button;
  });
  $("classes").replaceChildren(...buttons);
}
const recent = [];

function showRelated(photo) {
  const count = photo.related.length;
  $("related").hidden = !count;
  $("for-all").checked = photo.related_are_copies;
  const what = photo.related_are_copies ? "more of the same picture" : "more of its group, copies or not";
  $("related").querySelector("legend").textContent = `${count} ${what}`;
  const pictures = photo.related.map((path) => make("img", { src: photoAddress(path, "small"), alt: path, title: path, loading: "lazy" }));
  $("related").querySelector(".thumbs").replaceChildren(...pictures);
}

async function send(labels) {
  return ask("decide", { method: "POST", body: JSON.stringify(labels), headers: { "Content-Type": "application/json" } });
}

async function decide(label) {
  const photo = await row(at);
  if (!photo || !label) return;
  const paths = [photo.path, ...($("for-all").checked ? photo.related : [])];
  const before = await send(Object.fromEntries(paths.map((path) => [path, label])));
  undoable.push({ before, index: at });
  recent.unshift(label);
  apply(Object.fromEntries(paths.map((path) => [path, label])));
  await show(at + 1);
}

async function undo() {
  const last = undoable.pop();
  if (!last) return;
  await send(last.before);
  apply(last.before);
  await show(last.index);
}

function apply(labels) {
  for (const photo of rows.values()) {
    if (!(photo.path in labels)) continue;
    decided += Boolean(labels[photo.path]) - Boolean(photo.decision);
    photo.decision = labels[photo.path];
  }
}

async function showSummary() {
  const { steps, without_photos: lost, ...counts } = await ask("rerun");
  const changes = Object.entries(counts).filter(([, count]) => count).map(([name, count]) => `${count} ${name}`);
  const [text, list] = [$("summary").querySelector("p"), $("summary").querySelector("ul")];
  text.textContent = steps.length ? `Since the last run: ${changes.join(", ")}.` : "Nothing: no decision is new since the last run.";
  if (lost.length) text.textContent += ` It would stop, as no photo is left of: ${lost.join(", ")}.`;
  list.replaceChildren(...steps.map((step) => make("li", {}, make("code", { textContent: step }))));
  $("summary").hidden = false;
  if (at === total && total) $("status").textContent = `end of the list, ${decided} of ${total} decided`;
}

async function fillGrid() {
  const holder = $("grid").firstElementChild;
  const start = holder.childElementCount;
  for (let index = start; index < Math.min(start + PAGE, total); index++) {
    const photo = await row(index);
    const picture = make("img", { src: photoAddress(photo.path, "small"), alt: "", loading: "lazy" });
    const cell = make("button", { type: "button", title: photo.path }, picture, photo.decision ? named(photo.decision) : photo.label);
    cell.classList.toggle("decided", Boolean(photo.decision));
    cell.onclick = () => act(async () => { setGrid(false); await show(index); });
    holder.append(cell);
  }
  $("grid-end").textContent = holder.childElementCount < total ? "…" : "";
}
new IntersectionObserver(([seen]) => seen.isIntersecting && rows && act(fillGrid), { rootMargin: "400px" }).observe($("grid-end"));

function setGrid(shown) {
  $("as-grid").setAttribute("aria-pressed", shown);
  $("grid").hidden = !shown;
  $("single").hidden = shown;
}

async function toggleGrid() {
  setGrid($("grid").hidden);
  $("grid").firstElementChild.replaceChildren();
  await ($("grid").hidden ? show(at) : fillGrid());
}

const actions = {
  keep: async () => decide((await row(at))?.label),
  remove: () => decide(project.remove),
  skip: () => show(at + 1),
  back: () => show(at - 1),
  undo,
  "for-all": () => $("for-all").toggleAttribute("checked") ?? 0,
  "as-grid": toggleGrid,
  "show-summary": showSummary,
};

function act(action) { // one after another, also where keys come faster than answers
  work = work.then(action).catch(() => {});
}

for (const id of Object.keys(actions)) if (id !== "for-all") $(id).onclick = () => act(actions[id]);
actions["for-all"] = () => { $("for-all").checked = !$("for-all").checked; };
for (const id of ["queue", "class", "split"]) $(id).onchange = () => act(restart);
$("search").oninput = () => act(restart);
$("filters").onsubmit = (event) => event.preventDefault();
$("class-search").oninput = async () => showClasses(await row(at));
$("class-search").onkeydown = (event) => {
  if (event.key === "Enter") $("classes").querySelector("button")?.click();
  if (event.key === "Enter" || event.key === "Escape") event.target.blur();
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input:not([type=checkbox]), select");
  if (location.hash === "#try" || isTyping || event.altKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  const name = event.ctrlKey ? { z: "undo" }[key] : COMMANDS[key] ?? { arrowright: "skip", arrowleft: "back", delete: "remove" }[key];
  const inGrid = !$("grid").hidden;
  if (name && (!inGrid || name === "as-grid")) act(actions[name]);
  else if (key === "/" && !event.ctrlKey) $("class-search").focus();
  else if (!event.ctrlKey && !inGrid && !$("single").hidden && KEYS.includes(key))
    act(() => decide($("classes").children[KEYS.indexOf(key)]?.dataset.label)); // of the photo shown by then
  else return;
  event.preventDefault();
});

function showTab() {
  const tab = location.hash === "#try" ? "try" : "review";
  for (const name of ["review", "try"]) $(name).hidden = name !== tab;
  for (const link of document.querySelectorAll("nav a"))
    link.toggleAttribute("aria-current", link.hash === `#${tab}`);
  document.title = tab === "try" ? "Try" : "Review";
  if (tab === "review" && !project) act(start);
}

async function start() {
  project = await ask("project");
  for (const [name, count] of Object.entries(project.queues))
    $("queue").append(make("option", { value: name, textContent: `${NAMES[name]} (${count})` }));
  $("queue").value = Object.keys(project.queues).find((name) => project.queues[name]);
  $("class").append(...project.classes.map((name) => make("option", { value: name, textContent: name })));
  await restart();
}
window.addEventListener("hashchange", showTab);
showTab();
