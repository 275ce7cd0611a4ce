// The try tab: photos that are dropped, pasted, chosen or taken go to a model, one after another.
import { $, ask, make, photoAddress } from "./review.js";

const SHOWN = 20; // results
const NONE_NEAREST = "No nearest training photos: the model has no backbone, or its file was written before it named them.";
let isLoaded = false;
let work = Promise.resolve();

function act(text, action) {
  work = work.then(() => { $("status").textContent = text; }).then(action).catch((error) => {
    $("status").textContent = text.replace(" …", " failed");
    console.error(error);
  });
}

const chosen = (model) => new URLSearchParams({ model, rev: $("revision").value.trim() });

async function loadModels() {
  const { models, best } = await ask(`models?${chosen("")}`);
  const described = (name) => (name === best ? `${name} (best on validation)` : name);
  $("model").replaceChildren(...models.map((name) => make("option", { value: name, textContent: described(name) })));
  if (best) $("model").value = best;
  $("status").textContent = best ? `${best} is ready` : "choose a model";
}

async function classify(file, name) {
  const result = await ask(`classify?${chosen($("model").value)}`, { method: "POST", body: file });
  const [[label, probability]] = result.classes;
  const article = $("result").content.firstElementChild.cloneNode(true);
  const find = (selector) => article.querySelector(selector);
  find(".seen").src = result.photo;
  find(".seen").alt = name;
  find(".heat").src = result.heat;
  find("figcaption").textContent = `${name}, ${result.model}, ${result.milliseconds} ms`;
  find("h2").textContent = `${label}, ${probability.toFixed(3)}`;
  find(".note").textContent = result.note;
  find(".show-heat").onchange = (event) => { find(".heat").hidden = !event.target.checked; };
  for (const [each, share] of result.classes) {
    const cells = [each, make("meter", { value: share }), share.toFixed(3)];
    find("tbody").append(make("tr", {}, ...cells.map((cell) => make("td", {}, cell))));
  }
  if (!result.nearest.length) find(".nearest").textContent = NONE_NEAREST;
  for (const { path, label: of, cosine } of result.nearest) {
    const picture = of === null ? "" : make("img", { src: photoAddress(path, "small"), alt: path });
    const caption = make("figcaption", { textContent: of === null ? `${path}: no longer listed` : `${of}, ${cosine.toFixed(2)}` });
    find(".thumbs").append(make("figure", { title: path }, picture, caption));
  }
  $("results").prepend(article);
  while ($("results").childElementCount > SHOWN) $("results").lastElementChild.remove();
  $("status").textContent = `${name}: ${label}, ${probability.toFixed(3)}`;
}

function classifyAll(files) {
  for (const file of files) act(`classifying ${file.name} …`, () => classify(file, file.name));
}

$("model-choice").onsubmit = (event) => {
  event.preventDefault();
  act("loading the model …", loadModels);
};
$("files").onchange = (event) => classifyAll(event.target.files);
for (const name of ["dragover", "dragleave", "drop"])
  document.addEventListener(name, (event) => {
    event.preventDefault(); // or the browser would open the photo in place of the page
    $("drop").classList.toggle("over", name === "dragover");
    if (name === "drop" && !$("try-tab").hidden) classifyAll(event.dataTransfer.files);
  });
document.addEventListener("paste", (event) => $("try-tab").hidden || classifyAll(event.clipboardData.files));

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
  const canvas = make("canvas", { width: $("video").videoWidth, height: $("video").videoHeight });
  canvas.getContext("2d").drawImage($("video"), 0, 0);
  canvas.toBlob((blob) => classifyAll([new File([blob], "camera.jpg")]), "image/jpeg", 0.95);
};

function openTab() {
  if (isLoaded || location.hash !== "#try") return;
  isLoaded = true;
  act("loading the model …", loadModels);
}
window.addEventListener("hashchange", openTab);
openTab();
