/** Window and level of the film: presets, sliders, inversion, and dragging. */
import { type FilmPixels, presets, type Window } from "./pixels";
import type { FilmView } from "./view";

export interface KeptTones {
  window: Window;
  preset: string;
  invert: boolean;
}

export class Tones {
  private readonly windows: Record<string, Window>;
  private readonly auto: Window;
  private readonly level: HTMLInputElement;
  private readonly width: HTMLInputElement;
  private readonly inverter: HTMLElement;
  state: KeptTones;

  constructor(
    private readonly root: HTMLElement,
    private readonly view: FilmView,
    pixels: FilmPixels,
  ) {
    const find = <T extends HTMLElement>(selector: string) => root.querySelector<T>(selector) as T;
    this.windows = presets(pixels);
    this.auto = this.windows.auto as Window;
    this.state = { window: { ...this.auto }, preset: "auto", invert: false };
    this.level = find("[data-level]");
    this.width = find("[data-width]");
    this.inverter = find('[data-toggle="invert"]');
    for (const slider of [this.level, this.width])
      slider.addEventListener("input", () =>
        this.set({
          centre: this.auto.centre + Number(this.level.value) * this.auto.width,
          width: this.auto.width * 2 ** Number(this.width.value),
        }),
      );
    for (const radio of this.radios())
      radio.addEventListener("change", () =>
        this.set({ ...(this.windows[radio.value] as Window) }, radio.value),
      );
    this.inverter.addEventListener("click", () => {
      this.state.invert = !this.state.invert;
      this.show();
    });
  }

  /** Shares of the stage: to the right = more contrast range, down = darker. */
  drag(dx: number, dy: number): void {
    const { centre, width } = this.state.window;
    this.set({
      width: Math.max(this.auto.width / 64, width * 2 ** (2 * dx)),
      centre: centre + dy * this.auto.width,
    });
  }

  show(): void {
    const { window, preset, invert } = this.state;
    this.view.window(window, invert);
    this.level.value = String((window.centre - this.auto.centre) / this.auto.width);
    this.width.value = String(Math.log2(window.width / this.auto.width));
    this.inverter.setAttribute("aria-pressed", String(invert));
    for (const radio of this.radios()) radio.checked = radio.value === preset;
  }

  private set(window: Window, preset = ""): void {
    this.state = { ...this.state, window, preset };
    this.show();
  }

  private radios(): NodeListOf<HTMLInputElement> {
    return this.root.querySelectorAll<HTMLInputElement>("input[name=preset]");
  }
}
