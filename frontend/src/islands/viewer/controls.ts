/** The controls in the page, bound to the settings both ways. */
import type { Settings, Toggle } from "./settings";

type Choice = "mode" | "layer" | "window";

export class Controls {
  constructor(
    readonly root: HTMLElement,
    private readonly settings: Settings,
    changed: (name: keyof Settings) => void,
  ) {
    for (const radio of this.all<HTMLInputElement>("input[type=radio]"))
      radio.addEventListener("change", () => {
        Object.assign(settings, { [radio.name]: radio.value });
        changed(radio.name as Choice);
      });
    for (const button of this.all("[data-toggle]"))
      button.addEventListener("click", () => {
        const name = button.dataset.toggle as Toggle;
        settings[name] = !settings[name];
        this.show();
        changed(name);
      });
    for (const range of this.all<HTMLInputElement>("[data-setting]"))
      range.addEventListener("input", () => {
        const name = range.dataset.setting as "opacity" | "rate";
        settings[name] = Number(range.value);
        changed(name);
      });
    this.show();
  }

  get<T extends HTMLElement>(selector: string): T {
    const found = this.root.querySelector<T>(selector);
    if (!found) throw new Error(`the viewer lacks ${selector}`);
    return found;
  }

  all<T extends HTMLElement>(selector: string): NodeListOf<T> {
    return this.root.querySelectorAll<T>(selector);
  }

  /** The page as the settings have it. */
  show(): void {
    const { settings, root } = this;
    for (const radio of this.all<HTMLInputElement>("input[type=radio]"))
      radio.checked = settings[radio.name as Choice] === radio.value;
    for (const button of this.all("[data-toggle]"))
      button.setAttribute("aria-pressed", String(settings[button.dataset.toggle as Toggle]));
    for (const range of this.all<HTMLInputElement>("[data-setting]"))
      range.value = String(settings[range.dataset.setting as "opacity" | "rate"]);
    root.dataset.mode = settings.mode;
    root.dataset.layer = settings.layer;
    root.classList.toggle("with-outlines", settings.outlines);
    root.classList.toggle("with-motion", settings.motion);
    for (const label of this.all("[data-registered]"))
      label.textContent = (settings.before ? label.dataset.taken : label.dataset.registered) ?? "";
  }
}
