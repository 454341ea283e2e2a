/** Drawing a bone: corners that are dragged or moved by keys, and a brush that adds or takes away. */
import { filled } from "../../language";
import { distanceTo, inRegion, painted, type Region, simplified, traced } from "./geometry";
import { ARROWS, wireHandle } from "./pointer";
import type { Editor } from "./stage";
import { path, set, svg } from "./svg";
import type { FilmView, Point } from "./view";

export type Bone = "upper" | "lower";
export type Tool = "corners" | "add" | "erase";

export interface OutlineData {
  annotation: number;
  bones: Record<Bone, { version: number; polygon: Point[] }>;
  model: { url: string; x_px: number; y_px: number; angle_deg: number } | null;
}

const TOLERANCE_MM = 0.12;
const STEP_MM = 0.1;
const KEPT_STEPS = 50;
const FEWEST = 3;

/** The model's outlines of both bones in film pixels; null where this film has none. */
export async function modelOutlines(
  model: OutlineData["model"],
  filmSpacing: number,
): Promise<Record<Bone, Point[]> | null> {
  if (!model) return null;
  const response = await fetch(model.url, { credentials: "same-origin" });
  if (response.status !== 200) return null;
  const [height = 0, width = 0] = (response.headers.get("X-Shape") ?? "").split(",").map(Number);
  const step = Number(response.headers.get("X-Spacing-Mm")) / filmSpacing;
  const bytes = new Uint8Array(await response.arrayBuffer());
  const square: Region = { x: model.x_px, y: model.y_px, angle: model.angle_deg, size: 1 };
  const onFilm = ([x, y]: Point): Point =>
    inRegion(square, [(x - (width - 1) / 2) * step, (y - (height - 1) / 2) * step]);
  const bone = (index: number) => {
    const inside = bytes.subarray(index * width * height, (index + 1) * width * height);
    return simplified(traced(inside, width, height, 0.5).map(onFilm), TOLERANCE_MM / filmSpacing);
  };
  return { upper: bone(0), lower: bone(1) };
}

/** A bone's end as anyone would sketch it: above or below the middle of the region. */
export function sketch(region: Region, bone: Bone): Point[] {
  const shape: Point[] = [
    [-0.26, -0.48],
    [0.26, -0.48],
    [0.27, -0.2],
    [0.32, -0.08],
    [0.2, -0.03],
    [0, -0.02],
    [-0.2, -0.03],
    [-0.32, -0.08],
    [-0.27, -0.2],
  ];
  return shape.map(([u, v]) => inRegion(region, [u, bone === "upper" ? v : -v]));
}

interface Start {
  bone: Bone;
  polygon: Point[];
  /** the joint's other bone, shown for orientation */
  other: Point[];
  words: { corner: string; label: string };
  say: (text: string) => void;
}

export class OutlineEditor implements Editor {
  readonly group = svg("g", { class: "outline-editor" });
  private readonly other = svg("path", { class: "other" });
  private readonly line = svg("path", { class: "line" });
  private readonly hit = svg("path", { class: "hit" });
  private readonly dots = svg("g");
  private readonly brush = svg("circle", { class: "brush", visibility: "hidden" });
  private steps: Point[][] = [];
  private chosen = 0;
  private stroke: Point[] | null = null;
  private tool: Tool = "corners";
  radiusMm = 1.2;

  private readonly words: Start["words"];
  private readonly say: Start["say"];
  private readonly otherPolygon: Point[];
  private polygon: Point[];

  constructor(
    private readonly view: FilmView,
    private readonly stage: HTMLElement,
    private readonly spacing: number,
    private readonly form: HTMLFormElement,
    { bone, polygon, other, words, say }: Start,
  ) {
    this.polygon = polygon;
    this.otherPolygon = other;
    this.words = words;
    this.say = say;
    this.group.classList.add(bone);
    set(this.group, { tabindex: 0, role: "application", "aria-label": words.label });
    this.group.append(this.other, this.hit, this.line, this.dots, this.brush);
    this.hit.addEventListener("pointerdown", (event) => this.addCorner(event));
    this.hit.dataset.handle = "";
    stage.addEventListener("pointermove", this.follow);
    this.rebuild();
  }

  remove(): void {
    this.stage.removeEventListener("pointermove", this.follow);
    this.group.remove();
  }

  save(): void {
    this.form.requestSubmit();
  }

  get points(): Point[] {
    return this.polygon.map(([x, y]) => [Number(x.toFixed(2)), Number(y.toFixed(2))]);
  }

  setTool(tool: Tool): void {
    this.tool = tool;
    this.group.dataset.tool = tool;
    set(this.brush, { visibility: tool === "corners" ? "hidden" : "visible" });
  }

  undo(): void {
    const before = this.steps.pop();
    if (!before) return;
    this.polygon = before;
    this.rebuild();
  }

  /** A plain drag on the stage belongs to the brush. */
  take(at: Point): { move(at: Point): void; end(): void } | null {
    if (this.tool === "corners") return null;
    this.stroke = [this.view.toFilm(at)];
    return {
      move: (to) => {
        this.stroke?.push(this.view.toFilm(to));
        this.preview();
      },
      end: () => {
        const stroke = this.stroke ?? [];
        this.stroke = null;
        this.preview();
        this.change(painted(this.polygon, stroke, this.radiusMm / this.spacing, this.tool === "add"));
      },
    };
  }

  key(event: KeyboardEvent): boolean {
    const arrow = ARROWS[event.key];
    if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.undo();
    else if (event.ctrlKey || event.metaKey || event.altKey) return false;
    else if (arrow) {
      const step = (STEP_MM / this.spacing) * (event.shiftKey ? 10 : 1);
      const next = this.polygon.slice();
      const [x, y] = next[this.chosen] as Point;
      next[this.chosen] = [x + arrow[0] * step, y + arrow[1] * step];
      this.change(next);
    } else if (event.key === "n" || event.key === "p")
      this.choose(this.chosen + (event.key === "n" ? 1 : -1));
    else if (event.key === "Delete" || event.key === "Backspace") this.removeCorner();
    else if (event.key === "Insert") {
      const [a, b] = [
        this.polygon[this.chosen] as Point,
        this.polygon[(this.chosen + 1) % this.polygon.length] as Point,
      ];
      this.insert(this.chosen + 1, [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
    } else return false;
    return true;
  }

  place(): void {
    const screen = this.polygon.map((point) => this.view.toScreen(point));
    const d = path(screen);
    set(this.line, { d });
    set(this.hit, { d });
    set(this.other, { d: path(this.otherPolygon.map((point) => this.view.toScreen(point))) });
    for (const [index, dot] of [...this.dots.children].entries()) {
      const [x, y] = screen[index] ?? [0, 0];
      set(dot as SVGElement, { transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` });
    }
    set(this.brush, { r: (this.radiusMm / this.spacing) * this.view.scale });
  }

  private readonly follow = (event: PointerEvent): void => {
    const box = this.stage.getBoundingClientRect();
    set(this.brush, { cx: event.clientX - box.left, cy: event.clientY - box.top });
  };

  private preview(): void {
    const d = this.stroke
      ? path(
          this.stroke.map((point) => this.view.toScreen(point)),
          false,
        )
      : "";
    let trail = this.group.querySelector<SVGPathElement>(".trail");
    if (!trail) {
      trail = svg("path", { class: "trail" });
      this.group.insertBefore(trail, this.line);
    }
    set(trail, { d, "stroke-width": 2 * (this.radiusMm / this.spacing) * this.view.scale });
  }

  private change(polygon: Point[], remember = true): void {
    if (remember) this.keep();
    const rebuilt = polygon.length !== this.polygon.length;
    this.polygon = polygon;
    if (rebuilt) this.rebuild();
    else this.place();
  }

  private keep(): void {
    this.steps.push(this.polygon);
    if (this.steps.length > KEPT_STEPS) this.steps.shift();
  }

  private insert(index: number, point: Point): void {
    const next = this.polygon.slice();
    next.splice(index, 0, point);
    this.chosen = index % next.length;
    this.change(next);
  }

  private removeCorner(): void {
    if (this.polygon.length <= FEWEST) return;
    const next = this.polygon.filter((_, index) => index !== this.chosen);
    this.chosen = Math.min(this.chosen, next.length - 1);
    this.change(next);
  }

  private addCorner(event: PointerEvent): void {
    if (event.button !== 0 || this.tool !== "corners") return;
    const box = this.stage.getBoundingClientRect();
    const at = this.view.toFilm([event.clientX - box.left, event.clientY - box.top]);
    let nearest = 0;
    let least = Number.POSITIVE_INFINITY;
    this.polygon.forEach((start, index) => {
      const d = distanceTo(at, start, this.polygon[(index + 1) % this.polygon.length] as Point);
      if (d < least) [nearest, least] = [index, d];
    });
    this.insert(nearest + 1, at);
  }

  private rebuild(): void {
    this.chosen = Math.min(this.chosen, this.polygon.length - 1);
    this.dots.replaceChildren(
      ...this.polygon.map((_, index) => {
        const dot = svg(
          "g",
          { class: "corner" },
          svg("circle", { class: "target", r: 12 }),
          svg("circle", { r: 4.5 }),
        );
        let before: Point[] | null = null;
        wireHandle(
          dot,
          this.stage,
          (to) => {
            if (!before) {
              before = this.polygon;
              this.keep();
              this.choose(index);
            }
            const next = this.polygon.slice();
            next[index] = this.view.toFilm(to);
            this.change(next, false);
          },
          () => {
            before = null;
          },
        );
        dot.addEventListener("pointerdown", () => this.choose(index));
        return dot;
      }),
    );
    this.choose(this.chosen);
    this.place();
  }

  private choose(index: number): void {
    this.chosen = (index + this.polygon.length) % this.polygon.length;
    for (const [at, dot] of [...this.dots.children].entries())
      dot.classList.toggle("chosen", at === this.chosen);
    const corner = filled(this.words.corner, { number: this.chosen + 1, count: this.polygon.length });
    set(this.group, { "aria-label": `${this.words.label} ${corner}` });
    this.say(corner);
  }
}
