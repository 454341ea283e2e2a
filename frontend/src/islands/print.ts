/** A button that opens the browser's print dialog. */
export function mount(button: HTMLElement): void {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
