/**
 * Keys for a page: an element with `data-key` is clicked (or opened, or focused) by one of its keys, unless someone
 * is typing. `data-key="n j"` names two; digits with Shift are `Shift+1`. A switch turns them off for good (WCAG 2.1.4).
 */
const OFF = "keys-off";

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return !["checkbox", "radio", "range", "submit"].includes(target.type);
  return target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName);
}

/** Digits by their place on the keyboard, so that Shift does not turn them into signs. */
function keyOf(event: KeyboardEvent): string {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  if (digit) return event.shiftKey ? `Shift+${digit}` : digit;
  return event.key === " " ? "Space" : event.key;
}

/** Whether the element can be acted on: seen, or a dialog, or inside closed details that are seen. */
function within(element: HTMLElement): boolean {
  if (element.checkVisibility() || element instanceof HTMLDialogElement) return true;
  const details = element.closest<HTMLDetailsElement>("details:not([open])");
  if (!details?.checkVisibility()) return false;
  details.open = true;
  return element.checkVisibility();
}

function act(element: HTMLElement): void {
  if (element instanceof HTMLTextAreaElement) {
    element.focus();
  } else if (element instanceof HTMLDialogElement) {
    element.open ? element.close() : element.showModal();
  } else if (element instanceof HTMLInputElement && element.type === "radio") {
    element.click();
    if (element.form) element.focus(); // Enter then sends the form
  } else if (element instanceof HTMLDetailsElement) {
    element.open = true;
    element.querySelector<HTMLElement>("input:not([type=hidden]), textarea, button")?.focus();
  } else {
    element.click();
  }
}

/** Whether the script that gives the element its meaning is still on its way: its key must not do half of it. */
function early(element: HTMLElement, scope: HTMLElement): boolean {
  const island = element.closest<HTMLElement>("[data-island]");
  return !!island && island !== scope && !["ready", "failed"].includes(island.dataset.mounted ?? "");
}

function press(scope: HTMLElement, event: KeyboardEvent): void {
  if (event.altKey) return;
  if (event.ctrlKey || event.metaKey) {
    // Ctrl + Enter sends what is being written
    const writing = event.key === "Enter" && event.target instanceof HTMLTextAreaElement && event.target.form;
    if (writing) writing.requestSubmit();
    return;
  }
  if (typing(event.target)) {
    if (event.key === "Escape") (event.target as HTMLElement).blur(); // back to the keys
    return;
  }
  // a key held down zooms on; it must not accept one joint after the other
  if (event.repeat && !"+-=".includes(event.key)) return;
  // Space keeps its native meaning on a focused control that it would change
  if (event.key === " " && (event.target as HTMLElement).matches("button, summary, input:not(:checked)"))
    return;
  const element = target(scope, CSS.escape(keyOf(event)));
  if (!element || (localStorage.getItem(OFF) && !(element instanceof HTMLDialogElement))) return;
  event.preventDefault();
  act(element);
}

/** What a key means now: what is open to be written into before all else, only the dialog while one is open. */
function target(scope: HTMLElement, key: string): HTMLElement | undefined {
  const open = scope.querySelector<HTMLDialogElement>("dialog[open]");
  const found = [...scope.querySelectorAll<HTMLElement>(`[data-key~="${key}"]`)].filter(
    (element) => (!open || element === open) && !element.matches(":disabled") && !early(element, scope),
  );
  return found.find((e) => e instanceof HTMLTextAreaElement && e.checkVisibility()) ?? found.find(within);
}

export function mount(scope: HTMLElement): void {
  const listening = new AbortController();
  document.addEventListener(
    "keydown",
    (event) => (scope.isConnected ? press(scope, event) : listening.abort()),
    { signal: listening.signal },
  );
  for (const button of scope.querySelectorAll<HTMLElement>("[data-opens]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const dialog = document.getElementById(button.dataset.opens ?? "");
      if (dialog instanceof HTMLDialogElement) dialog.showModal();
    });
  }
  for (const box of scope.querySelectorAll<HTMLInputElement>("[data-keys-switch]")) {
    box.checked = !localStorage.getItem(OFF);
    box.addEventListener("change", () =>
      box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1"),
    );
  }
}
