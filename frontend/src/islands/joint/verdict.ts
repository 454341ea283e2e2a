/** Accept, flag, undo: sent in the background; the page moves on only once the server has it. */

export interface Ways {
  /** to the next joint of the list */
  on(): Promise<void>;
  /** the same joint again, with what was said */
  stay(): Promise<void>;
  /** to the joint whose verdict was taken back */
  back(href: string): Promise<void>;
}

/** The last verdict after which the page moved on: what Undo takes back. `said` is the server's own sentence. */
let last: { text: string; title: string; href: string; action: string } | null = null;
let said = "";
/** How long after a verdict the next joint takes none, ms: a key struck twice must not judge a joint unseen. */
const UNSEEN_MS = 400;
let movedOn = -UNSEEN_MS;

export function wireVerdicts(grid: HTMLElement, ways: Ways): void {
  const wait = movedOn + UNSEEN_MS - performance.now();
  setTimeout(() => grid.toggleAttribute("data-armed", true), Math.max(0, wait));
  for (const form of grid.querySelectorAll<HTMLFormElement>("form[data-verdict]"))
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void send(grid, form, ways);
    });
}

/** What was said on the joint before (with Undo), or on this one. */
export function showLast(grid: HTMLElement): void {
  const sentence = grid.querySelector<HTMLElement>("[data-said]");
  if (sentence) sentence.textContent = said;
  said = "";
  const place = grid.querySelector<HTMLElement>("[data-last]");
  const here = grid.querySelector<HTMLFormElement>("form[data-verdict=on]")?.action;
  if (!place || !last || last.action === here) return;
  place.hidden = false;
  (place.querySelector("[data-last-text]") as HTMLElement).textContent = last.text;
  const link = place.querySelector("[data-last-link]") as HTMLAnchorElement;
  Object.assign(link, { textContent: last.title, href: last.href });
  (place.querySelector("form") as HTMLFormElement).action = last.action;
}

async function send(grid: HTMLElement, form: HTMLFormElement, ways: Ways): Promise<void> {
  const button = form.querySelector<HTMLButtonElement>("button[type=submit]");
  if (button?.disabled || (form.dataset.verdict === "on" && !grid.hasAttribute("data-armed"))) return;
  if (button) button.disabled = true;
  const answer = await post(form);
  if (answer.refusal !== null) {
    if (button) button.disabled = false;
    return refuse(grid, answer.refusal);
  }
  const moved = form.dataset.verdict === "on" && grid.dataset.list !== undefined;
  if (moved) {
    last = {
      text: form.dataset.done ?? "",
      title: grid.dataset.title ?? "",
      href: location.href,
      action: form.action,
    };
    movedOn = performance.now();
    return ways.on();
  }
  said = answer.message;
  const back = form.dataset.verdict === "back" ? last?.href : undefined;
  last = null;
  return back ? ways.back(back) : ways.stay();
}

/** `refusal` is null where the server took it, "" where it did not say why. */
async function post(form: HTMLFormElement): Promise<{ message: string; refusal: string | null }> {
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "application/json" },
      credentials: "same-origin",
    });
    const answer = (await response.json()) as { message: string };
    return { message: answer.message, refusal: response.ok ? null : answer.message };
  } catch {
    return { message: "", refusal: "" }; // no network, or a page instead of an answer: signed out
  }
}

function refuse(grid: HTMLElement, reason: string): void {
  const place = grid.querySelector<HTMLElement>("[data-refusal]");
  if (!place) return;
  place.textContent = reason || (place.dataset.unreachable ?? "");
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
}
