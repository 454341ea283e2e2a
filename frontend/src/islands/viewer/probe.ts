/** The numbers under the pointer: colour is never the only way to read a value. */
import { language } from "../../language";
import type { Image } from "./layers";
import type { Scene } from "./scene";
import type { Settings } from "./settings";

export class Probe {
  private readonly line: HTMLElement;

  constructor(root: HTMLElement) {
    this.line = root.querySelector<HTMLElement>("[data-probe]") as HTMLElement;
  }

  /** `at`: pixels from the image's centre, which is the joint centre; null clears the line. */
  show(at: { x: number; y: number } | null, scene: Scene, settings: Settings): void {
    this.line.classList.toggle("idle", !at);
    if (!at) return;
    const { layers } = scene;
    const value = (image: Image | null, digits: number) => written(image && sample(image, at), digits);
    this.write("x", signed(at.x * layers.spacingMm));
    this.write("y", signed(at.y * layers.spacingMm));
    this.write("fixed", value(layers.fixed, 4));
    this.write("followup", value(scene.followup(settings), 4));
    this.write("loss", value(settings.before ? layers.lossBefore : layers.loss, 2));
  }

  private write(name: string, text: string): void {
    const place = this.line.querySelector(`[data-probe-${name}]`);
    if (place) place.textContent = text;
  }
}

function sample({ width, height, values }: Image, at: { x: number; y: number }): number | null {
  const [x, y] = [Math.round(at.x + (width - 1) / 2), Math.round(at.y + (height - 1) / 2)];
  if (x < 0 || y < 0 || x >= width || y >= height) return null;
  return values[y * width + x] ?? null;
}

function written(value: number | null, digits: number): string {
  if (value === null || !Number.isFinite(value)) return "–";
  return value.toLocaleString(language, { maximumSignificantDigits: digits });
}

function signed(mm: number): string {
  const options = { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" } as const;
  return mm.toLocaleString(language, options);
}
