/** Correcting a joint's region: drag, touch or keys move, turn and resize it; its form holds the numbers. */
import { decimal } from "../../language";
import { corners, inRegion, type Region } from "./geometry";
import { ARROWS, wireHandle } from "./pointer";
import type { Editor } from "./stage";
import { path, set, svg } from "./svg";
import type { FilmView, Point } from "./view";

const STEP_MM = 0.2;
const TURN_DEG = 1;
const RESIZE_MM = 0.5;
const HANDLE_PX = 12;
const STEM_PX = 26;

export interface Frame {
  uuid: string;
  columns: number;
  rows: number;
  spacing_mm: number | null;
  roi_range_mm: [number, number];
}

export class RegionEditor implements Editor {
  readonly group = svg("g", { class: "region-editor" });
  private readonly box = svg("path", { class: "box" });
  private readonly axis = svg("path", { class: "axis" });
  private readonly turner = svg("circle", { class: "handle turn", r: HANDLE_PX });
  private readonly sizers = [0, 1, 2, 3].map(() => svg("rect", { class: "handle size" }));
  private readonly spacing: number;
  region: Region;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly view: FilmView,
    private readonly frame: Frame,
    stage: HTMLElement,
    label: string,
    private readonly say: (text: string) => void,
  ) {
    this.spacing = frame.spacing_mm ?? 1;
    this.region = this.read();
    this.group.append(this.box, this.axis, ...this.sizers, this.turner);
    set(this.group, { tabindex: 0, role: "application", "aria-label": label });
    wireHandle(this.box, stage, (to, from) => {
      const [a, b] = [view.toFilm(from), view.toFilm(to)];
      this.change({ x: this.region.x + b[0] - a[0], y: this.region.y + b[1] - a[1] });
    });
    wireHandle(this.turner, stage, (to) => {
      const [x, y] = view.toFilm(to);
      this.change({ angle: (Math.atan2(x - this.region.x, this.region.y - y) * 180) / Math.PI });
    });
    for (const sizer of this.sizers)
      wireHandle(sizer, stage, (to) => {
        const [x, y] = view.toFilm(to);
        this.change({ size: Math.hypot(x - this.region.x, y - this.region.y) * Math.SQRT2 });
      });
    form.addEventListener("input", this.reread);
  }

  /** A key of the editor; whether it was one. */
  key(event: KeyboardEvent): boolean {
    const arrow = ARROWS[event.key];
    const many = event.shiftKey ? 10 : 1;
    if (arrow) {
      const step = (STEP_MM / this.spacing) * many;
      this.change({ x: this.region.x + arrow[0] * step, y: this.region.y + arrow[1] * step });
    } else if (event.key === "[" || event.key === "]")
      this.change({ angle: this.region.angle + (event.key === "]" ? TURN_DEG : -TURN_DEG) });
    else if (event.key === "<" || event.key === "," || event.key === ">" || event.key === ".")
      this.change({
        size: this.region.size + (">.".includes(event.key) ? RESIZE_MM : -RESIZE_MM) / this.spacing,
      });
    else return false;
    return true;
  }

  moveTo([x, y]: Point): void {
    this.change({ x, y });
  }

  point(at: Point): void {
    this.moveTo(at);
  }

  save(): void {
    this.form.requestSubmit();
  }

  remove(): void {
    this.form.removeEventListener("input", this.reread);
    this.group.remove();
  }

  place(): void {
    const on = (u: number, v: number) => this.view.toScreen(inRegion(this.region, [u, v]));
    const [top, middle] = [on(0, -0.5), on(0, 0)];
    const length = Math.hypot(top[0] - middle[0], top[1] - middle[1]) || 1;
    const stem: Point = [
      top[0] + ((top[0] - middle[0]) / length) * STEM_PX,
      top[1] + ((top[1] - middle[1]) / length) * STEM_PX,
    ];
    set(this.box, { d: path(corners(this.region).map((corner) => this.view.toScreen(corner))) });
    set(this.axis, {
      d: `${path([stem, on(0, -0.08)], false)}${path([on(0, 0.08), on(0, 0.5)], false)}${path([on(-0.08, 0), on(0.08, 0)], false)}`,
    });
    set(this.turner, { cx: stem[0], cy: stem[1] });
    corners(this.region).forEach((corner, index) => {
      const [x, y] = this.view.toScreen(corner);
      const half = HANDLE_PX;
      set(this.sizers[index] as SVGRectElement, {
        x: x - half,
        y: y - half,
        width: 2 * half,
        height: 2 * half,
      });
    });
  }

  private readonly reread = (): void => {
    this.region = this.read();
    this.place();
  };

  private read(): Region {
    const value = (name: string) => Number((this.form.elements.namedItem(name) as HTMLInputElement).value);
    return {
      x: value("x_px"),
      y: value("y_px"),
      angle: value("angle_deg"),
      size: value("size_mm") / this.spacing,
    };
  }

  private change(change: Partial<Region>): void {
    const [smallest, largest] = this.frame.roi_range_mm;
    const next = { ...this.region, ...change };
    this.region = {
      x: Math.min(this.frame.columns - 1, Math.max(0, next.x)),
      y: Math.min(this.frame.rows - 1, Math.max(0, next.y)),
      angle: ((((next.angle + 180) % 360) + 360) % 360) - 180,
      size: Math.min(largest / this.spacing, Math.max(smallest / this.spacing, next.size)),
    };
    const write = (name: string, value: number) => {
      (this.form.elements.namedItem(name) as HTMLInputElement).value = String(Number(value.toFixed(2)));
    };
    write("x_px", this.region.x);
    write("y_px", this.region.y);
    write("angle_deg", this.region.angle);
    write("size_mm", this.region.size * this.spacing);
    this.place();
    const { x, y, angle, size } = this.region;
    this.say(
      `${x.toFixed(0)}, ${y.toFixed(0)} px; ${angle.toFixed(0)}°; ${decimal(size * this.spacing, 1)} mm`,
    );
  }
}
