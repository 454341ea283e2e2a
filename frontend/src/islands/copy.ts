/** A button that copies the text of the element named by `data-copy`, and then says so in the words of `data-done`. */
export function mount(button: HTMLElement): void {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy ?? "");
    await navigator.clipboard.writeText(source?.textContent?.trim() ?? "");
    button.textContent = button.dataset.done ?? label;
    setTimeout(() => {
      button.textContent = label;
    }, 2000);
  });
}
