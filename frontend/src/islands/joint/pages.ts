/** The pages of neighbouring joints, fetched ahead, so that the next one is there when its key is pressed. */
import { layersAt } from "../viewer/layers";

/** How long a page fetched ahead may be shown, ms. A verdict makes all of them old. */
const FRESH_MS = 60_000;

const pages = new Map<string, { asked: number; text: Promise<string> }>();

/** The page at `href` as text; an answer that leads elsewhere (signed out) is "". */
export function pageAt(href: string): Promise<string> {
  const known = pages.get(href);
  if (known && performance.now() - known.asked < FRESH_MS) return known.text;
  const text = load(href);
  pages.set(href, { asked: performance.now(), text });
  text.catch(() => pages.delete(href));
  return text;
}

export function forgetPages(): void {
  pages.clear();
}

async function load(href: string): Promise<string> {
  const response = await fetch(href, { credentials: "same-origin", headers: { Accept: "text/html" } });
  return response.ok && !response.redirected ? response.text() : "";
}

/** Pages and pictures of the links, one after the other, as long as they are in the page. */
export async function fetchAhead(links: HTMLAnchorElement[]): Promise<void> {
  for (const link of links) {
    if (!link.isConnected) return;
    const pictures = link.dataset.layers;
    await Promise.allSettled([pageAt(link.href), pictures ? layersAt(pictures, "low") : null]);
  }
}
