/**
 * The drop zone of a timepoint: each file is its own request with its own progress bar, and each gets its
 * verdict as a row of one list. Without script the form around it posts all files at once.
 */
import htmx from "htmx.org";
import { data } from "../data";
import { filled } from "../language";

const PARALLEL = 3;

/** What is said, in the page's language (`UPLOAD` in `jsnsite/pages/words.py`). */
type Words = Record<
  | "upload_of"
  | "waiting"
  | "sent"
  | "checking"
  | "paused"
  | "too_large"
  | "refused"
  | "lost"
  | "one_checked"
  | "many_checked",
  string
>;

function row(
  name: string,
  words: Words,
): { item: HTMLLIElement; bar: HTMLProgressElement; note: HTMLElement } {
  const item = document.createElement("li");
  item.className = "verdict uploading";
  const title = document.createElement("strong");
  title.className = "name";
  title.textContent = name;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", filled(words.upload_of, { name }));
  const note = document.createElement("span");
  note.className = "hint";
  note.textContent = words.waiting;
  item.append(title, bar, note);
  return { item, bar, note };
}

/** Until when nobody sends, ms since the epoch: the server has asked for a pause. */
let pausedUntil = 0;

/** Longest pause at once, s, whatever the server says. */
const LONGEST_PAUSE = 300;

async function pause(item: ReturnType<typeof row>, words: Words): Promise<void> {
  for (let left = pausedUntil - Date.now(); left > 0; left = pausedUntil - Date.now()) {
    item.bar.value = 0;
    item.note.textContent = filled(words.paused, { seconds: Math.ceil(left / 1000) });
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, 1000)));
  }
}

/** Send one file. Told that there are too many (429), wait for as long as the server says, all files together, and send
 * it again: nothing is lost.
 */
async function sendPatiently(...[form, field, file, item, words]: Parameters<typeof send>): Promise<void> {
  for (;;) {
    await pause(item, words);
    const wait = await send(form, field, file, item, words);
    if (wait === 0) return;
    pausedUntil = Math.max(pausedUntil, Date.now() + 1000 * wait);
  }
}

/** The seconds to wait before the file is sent again, 0 where it has its verdict. */
function send(
  form: HTMLFormElement,
  field: string,
  file: File,
  item: ReturnType<typeof row>,
  words: Words,
): Promise<number> {
  return new Promise((resolve) => {
    const body = new FormData(form);
    body.set(field, file);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("HX-Request", "true");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      item.bar.value = total ? loaded / total : 0;
      item.note.textContent =
        loaded < total ? filled(words.sent, { percent: Math.round((100 * loaded) / total) }) : words.checking;
    });
    const failed = (text: string) => {
      item.item.className = "verdict rejected";
      item.bar.remove();
      item.note.textContent = text;
      resolve(0);
    };
    request.addEventListener("load", () => {
      if (request.status === 429) {
        const seconds = Number(request.getResponseHeader("Retry-After"));
        resolve(Math.min(Math.max(seconds || 1, 1), LONGEST_PAUSE));
        return;
      }
      if (request.status !== 200) {
        failed(request.status === 413 ? words.too_large : filled(words.refused, { status: request.status }));
        return;
      }
      const holder = document.createElement("template");
      holder.innerHTML = request.responseText;
      item.item.replaceWith(holder.content);
      resolve(0);
    });
    request.addEventListener("error", () => failed(words.lost));
    request.send(body);
  });
}

let refreshing = false;
let outdated = false;

/** Fetch the list of films. Asked meanwhile, it asks once more: htmx forgets what waits at an element it replaces. */
async function refreshFilms(): Promise<void> {
  outdated = true;
  if (refreshing) return;
  refreshing = true;
  try {
    while (outdated) {
      outdated = false;
      const films = document.getElementById("films");
      const address = films?.getAttribute("hx-get");
      if (films && address) await htmx.ajax("get", address, { target: films, swap: "outerHTML" });
    }
  } finally {
    refreshing = false;
  }
}

export function mount(form: HTMLElement): void {
  if (!(form instanceof HTMLFormElement)) return;
  const input = form.querySelector<HTMLInputElement>("input[type=file]");
  const zone = form.querySelector<HTMLElement>(".dropzone");
  const list = document.getElementById(form.dataset.verdicts ?? "");
  const words = data<Words>(form.dataset.words);
  if (!input || !zone || !list || !words) return;
  const status = form.querySelector<HTMLElement>("[role=status]");
  const submit = form.querySelector<HTMLButtonElement>("button[type=submit]");
  if (submit) submit.hidden = true; // choosing files is enough

  async function upload(files: File[]): Promise<void> {
    if (!input || !list || !words || !(form instanceof HTMLFormElement)) return;
    const waiting = files.map((file) => ({ file, item: row(file.name, words) }));
    list.prepend(...waiting.map(({ item }) => item.item));
    list.parentElement?.removeAttribute("hidden");
    const total = waiting.length;
    let done = 0;
    const next = async (): Promise<void> => {
      const job = waiting.shift();
      if (!job) return;
      await sendPatiently(form, input.name, job.file, job.item, words);
      done += 1;
      const checked = total === 1 ? words.one_checked : words.many_checked;
      if (status) status.textContent = filled(checked, { done, total });
      void refreshFilms();
      await next();
    };
    await Promise.all(Array.from({ length: PARALLEL }, next));
  }

  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    input.value = "";
    void upload(files);
  });
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    void upload([...(event.dataTransfer?.files ?? [])]);
  });
}
