/**
 * The drop zone of a timepoint: each file is its own request with its own progress bar, and each gets its
 * verdict as a row of one list. Without script the form around it posts all files at once.
 */
import htmx from "htmx.org";

const PARALLEL = 3;

function row(name: string): { item: HTMLLIElement; bar: HTMLProgressElement; note: HTMLElement } {
  const item = document.createElement("li");
  item.className = "verdict uploading";
  const title = document.createElement("strong");
  title.className = "name";
  title.textContent = name;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Upload of ${name}`);
  const note = document.createElement("span");
  note.className = "hint";
  note.textContent = "Waiting";
  item.append(title, bar, note);
  return { item, bar, note };
}

function send(form: HTMLFormElement, field: string, file: File, item: ReturnType<typeof row>): Promise<void> {
  return new Promise((resolve) => {
    const body = new FormData(form);
    body.set(field, file);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("HX-Request", "true");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      item.bar.value = total ? loaded / total : 0;
      item.note.textContent =
        loaded < total ? `${Math.round((100 * loaded) / total)} % sent` : "Checking the film";
    });
    const failed = (text: string) => {
      item.item.className = "verdict rejected";
      item.bar.remove();
      item.note.textContent = text;
      resolve();
    };
    request.addEventListener("load", () => {
      if (request.status !== 200) {
        failed(
          request.status === 413
            ? "The server refuses files of this size. Send the single radiograph, uncompressed archives are not read."
            : `Not uploaded: the server answered ${request.status}. Try this file again; if it repeats, tell your administrator.`,
        );
        return;
      }
      const holder = document.createElement("template");
      holder.innerHTML = request.responseText;
      item.item.replaceWith(holder.content);
      resolve();
    });
    request.addEventListener("error", () =>
      failed("Not uploaded: the connection was lost. Check the network and drop the file again."),
    );
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
  if (!input || !zone || !list) return;
  const status = form.querySelector<HTMLElement>("[role=status]");
  const submit = form.querySelector<HTMLButtonElement>("button[type=submit]");
  if (submit) submit.hidden = true; // choosing files is enough

  async function upload(files: File[]): Promise<void> {
    if (!input || !list || !(form instanceof HTMLFormElement)) return;
    const waiting = files.map((file) => ({ file, item: row(file.name) }));
    list.prepend(...waiting.map(({ item }) => item.item));
    list.parentElement?.removeAttribute("hidden");
    const total = waiting.length;
    let done = 0;
    const next = async (): Promise<void> => {
      const job = waiting.shift();
      if (!job) return;
      await send(form, input.name, job.file, job.item);
      done += 1;
      if (status) status.textContent = `${done} of ${total} ${total === 1 ? "file" : "files"} checked`;
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
