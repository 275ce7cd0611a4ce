// The try tab: photos dropped, pasted, chosen or taken go to a model, one after another.
import { ask, make, photoAddress } from "./review.js";

const $ = (id) => document.getElementById(id);
const SHOWN = 20; // results
let loaded = false, work = Promise.resolve();

async function loadModels() {
  $("status").textContent = "loading the model …";
  try {
    const { models, best } = await ask(`models?${new URLSearchParams({ rev: $("revision").value.trim() })}`);
    $("model").replaceChildren(...models.map((name) => make("option", { value: name, textContent: name === best ? `${name} (best on validation)` : name })));
    $("model").value = best;
    $("status").textContent = `${best} is ready`;
  } catch {
    $("status").textContent = "";
  }
}

async function classify(file, name) {
  $("status").textContent = `classifying ${name} …`;
  const chosen = new URLSearchParams({ model: $("model").value, rev: $("revision").value.trim() });
  const result = await ask(`classify?${chosen}`, { method: "POST", body: file });
  const [[label, probability]] = result.classes;
  const article = $("result").content.firstElementChild.cloneNode(true);
  const find = (selector) => article.querySelector(selector);
  find(".seen").src = result.photo;
  find(".seen").alt = name;
  find(".heat").src = result.heat;
  find("figcaption").textContent = `${name}, ${result.model}, ${result.milliseconds} ms`;
  find("h2").textContent = `${label}, ${probability.toFixed(3)}`;
  find(".note").textContent = result.note;
  find(".note").hidden = !result.note;
  find("tbody").append(...result.classes.map(([each, share]) =>
    make("tr", {}, make("td", { textContent: each }), make("td", {}, make("meter", { value: share })), make("td", { textContent: share.toFixed(3) }))));
  find(".show-heat").onchange = (event) => { find(".heat").hidden = !event.target.checked; };
  if (!result.nearest.length)
    find(".nearest").textContent = "No nearest training photos: the model has no backbone, or was trained before its file named them.";
  find(".thumbs").append(...result.nearest.map(({ path, label: of, cosine }) =>
    make("figure", { title: path }, of === null ? "" : make("img", { src: photoAddress(path, "small"), alt: path }),
      make("figcaption", { textContent: of === null ? `${path}: no longer listed` : `${of}, ${cosine.toFixed(2)}` }))));
  $("results").prepend(article);
  while ($("results").childElementCount > SHOWN) $("results").lastElementChild.remove();
  $("status").textContent = `${name}: ${label}, ${probability.toFixed(3)}`;
}

function classifyAll(files) {
  for (const file of files)
    work = work.then(() => classify(file, file.name || "picture")).catch(() => { $("status").textContent = ""; });
}

$("model-choice").onsubmit = (event) => { event.preventDefault(); work = work.then(loadModels); };
$("files").onchange = (event) => { classifyAll(event.target.files); };
for (const name of ["dragover", "dragleave", "drop"])
  document.addEventListener(name, (event) => {
    event.preventDefault(); // or the browser would open the photo in place of the page
    $("drop").classList.toggle("over", name === "dragover");
    if (name === "drop" && !$("try").hidden) classifyAll(event.dataTransfer.files);
  });
document.addEventListener("paste", (event) => { if (!$("try").hidden) classifyAll(event.clipboardData.files); });

$("camera").onclick = async () => {
  try {
    $("video").srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
    await $("video").play();
    $("video").hidden = $("shoot").hidden = false;
    $("camera").hidden = true;
  } catch (error) {
    $("status").textContent = `no camera: ${error.message}`;
  }
};
$("shoot").onclick = () => {
  const video = $("video");
  const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => classifyAll([new File([blob], "camera.jpg")]), "image/jpeg", 0.95);
};

function openTab() {
  if ($("try").hidden || loaded) return;
  loaded = true;
  work = work.then(loadModels);
}
window.addEventListener("hashchange", openTab);
openTab();
