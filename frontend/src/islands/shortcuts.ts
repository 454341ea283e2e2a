/** Keys for a page: every element with `data-key` is clicked (or focused) by its key, unless someone is typing. */
function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return !["checkbox", "radio", "range", "submit"].includes(target.type);
  return target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName);
}

function act(element: HTMLElement): void {
  if (element instanceof HTMLDialogElement) {
    element.open ? element.close() : element.showModal();
  } else if (element instanceof HTMLInputElement && element.type === "radio") {
    element.click();
    if (element.form) element.focus(); // Enter then sends the form
  } else if (element instanceof HTMLDetailsElement) {
    element.open = true;
    element.querySelector<HTMLElement>("input, textarea, button")?.focus();
  } else {
    element.click();
  }
}

export function mount(scope: HTMLElement): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    // Space keeps its native meaning on a focused control that it would change
    if (event.key === " " && (event.target as HTMLElement).matches("button, summary, input:not(:checked)"))
      return;
    const key = event.key === " " ? "Space" : event.key;
    const element = scope.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
    if (!element?.checkVisibility() && !(element instanceof HTMLDialogElement)) return;
    event.preventDefault();
    act(element);
  });
  for (const button of scope.querySelectorAll<HTMLElement>("[data-opens]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const dialog = document.getElementById(button.dataset.opens ?? "");
      if (dialog instanceof HTMLDialogElement) dialog.showModal();
    });
  }
}
