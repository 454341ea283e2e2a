import * as shortcuts from "./islands/shortcuts";

/** Parts of a page that need more script than htmx: each is loaded when an element asks for it by name. */
type Mount = (element: HTMLElement) => void | Promise<void>;

const islands: Record<string, () => Promise<{ mount: Mount }>> = {
  copy: () => import("./islands/copy"),
  film: () => import("./islands/film"),
  joint: () => import("./islands/joint"),
  print: () => import("./islands/print"),
  // small, and a key pressed at once must not be lost
  shortcuts: async () => shortcuts,
  trend: () => import("./islands/trend"),
  upload: () => import("./islands/upload"),
  viewer: () => import("./islands/viewer"),
  worklist: () => import("./islands/worklist"),
};

/** Mount every `data-island` in and under `root`, each once. */
export function mountIslands(root: HTMLElement): void {
  const found = [...root.querySelectorAll<HTMLElement>("[data-island]")];
  if (root.matches("[data-island]")) found.unshift(root);
  for (const element of found) {
    const load = islands[element.dataset.island ?? ""];
    if (!load || element.dataset.mounted) continue;
    element.dataset.mounted = "loading";
    void load()
      .then(({ mount }) => mount(element))
      .then(() => {
        element.dataset.mounted = "ready";
      })
      .catch((error: unknown) => {
        element.dataset.mounted = "failed";
        console.error(`island ${element.dataset.island} failed`, error);
      });
  }
}
