/** The worklist's rows by keyboard: j and k or the arrows go down and up, Enter opens. The first joint is fetched ahead. */
const DOWN = ["j", "ArrowDown"];
const UP = ["k", "ArrowUp"];

function move(links: HTMLAnchorElement[], key: string): boolean {
  const at = links.indexOf(document.activeElement as HTMLAnchorElement);
  if (at < 0 && key.startsWith("Arrow")) return false; // arrows scroll the page until a row is reached
  const to = DOWN.includes(key) ? Math.min(at + 1, links.length - 1) : Math.max(at - 1, 0);
  links[to]?.focus();
  links[to]?.closest("tr")?.scrollIntoView({ block: "nearest" });
  return true;
}

export function mount(section: HTMLElement): void {
  const links = [...section.querySelectorAll<HTMLAnchorElement>(".row-link")];
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input, select, textarea")) return;
    if (localStorage.getItem("keys-off") && !event.key.startsWith("Arrow")) return;
    if ([...DOWN, ...UP].includes(event.key) && move(links, event.key)) event.preventDefault();
  });
  // so that the first picture comes at once
  if (links.length) void import("./viewer");
}
