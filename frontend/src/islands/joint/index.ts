/**
 * From joint to joint without leaving the page: the neighbours are fetched ahead, only `<main>` changes, and the way of
 * looking stays. Verdicts are recorded before the next joint shows. Without script all of it works as plain links and
 * forms.
 */
import { mountIslands } from "../../islands";
import { withSettings } from "../viewer/settings";
import { fetchAhead, forgetPages, pageAt } from "./pages";
import { showLast, wireVerdicts } from "./verdict";

/** Counts journeys: of several keys pressed quickly, the last one decides. */
let journey = 0;
let listening = false;

/** Shows the joint at `href`. */
export async function go(href: string, { push = true } = {}): Promise<void> {
  journey += 1;
  const mine = journey;
  const text = await pageAt(href).catch(() => "");
  if (mine !== journey) return;
  const page = new DOMParser().parseFromString(text, "text/html");
  const [from, to] = [document.querySelector("main"), page.querySelector("main")];
  if (!from || !to?.querySelector(".joint-page")) return location.assign(href);
  if (push) history.pushState(null, "", withSettings(href));
  document.title = page.title;
  from.replaceWith(to);
  mountIslands(to);
  to.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  // what was further down (a flag's reasons) must not hide the next pictures
  const top = to.querySelector(".joint-pictures")?.getBoundingClientRect().top ?? 0;
  if (top < 0) window.scrollBy({ top });
}

/** Progress and neighbours as they are after a verdict, in the page that is shown already. */
async function refreshSteps(): Promise<void> {
  const here = location.href;
  const page = new DOMParser().parseFromString(await pageAt(here).catch(() => ""), "text/html");
  const [old, fresh] = [document.querySelector(".joint-steps"), page.querySelector(".joint-steps")];
  if (!old || !fresh || location.href !== here) return;
  for (const button of fresh.querySelectorAll<HTMLElement>("[data-opens]")) button.remove();
  for (const button of old.querySelectorAll("[data-opens]")) fresh.append(button);
  old.replaceWith(fresh);
  lookAhead();
}

function lookAhead(): void {
  const wanted = ["[rel=next]", "[data-key~='[']", "[data-key~=']']", "[rel=prev]"];
  const links = wanted.map((selector) => document.querySelector<HTMLAnchorElement>(`a${selector}`));
  void fetchAhead(links.filter((link) => link !== null));
}

export function mount(grid: HTMLElement): void {
  if (!listening) {
    listening = true;
    window.addEventListener("popstate", () => {
      if (!location.hash) void go(location.href, { push: false }); // "#main" is the skip link
    });
  }
  grid.addEventListener("click", (event) => {
    const link = (event.target as HTMLElement).closest<HTMLAnchorElement>("a[data-step]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void go(link.href);
  });
  wireVerdicts(grid, {
    async on() {
      const next = grid.querySelector<HTMLAnchorElement>(".joint-steps a[rel=next]");
      if (!next) return location.assign(grid.dataset.list ?? location.href);
      await go(next.href); // fetched ahead: at once
      forgetPages();
      await refreshSteps();
    },
    async stay() {
      forgetPages();
      await go(location.href, { push: false });
    },
    async back(href) {
      forgetPages();
      await go(href);
    },
  });
  showLast(grid);
  // the pictures of this joint first
  "requestIdleCallback" in window
    ? requestIdleCallback(lookAhead, { timeout: 500 })
    : setTimeout(lookAhead, 200); // Safari
}
