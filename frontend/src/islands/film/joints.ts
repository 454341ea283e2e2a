/** The joints as live annotations: box, axis and name, in the colour and sign of their result. */
import { corners, inRegion, type Region } from "./geometry";
import { path, set, svg } from "./svg";
import type { FilmView } from "./view";

export interface Joint {
  joint: string;
  x_px: number;
  y_px: number;
  angle_deg: number;
  size_px: number;
  status: string;
  by_person: boolean;
  label: string;
  url: string;
}

export interface JointData {
  selected: string;
  joints: Joint[];
}

const SIGNS: Record<string, string> = {
  reliable: "✓",
  review: "?",
  unreliable: "×",
  flagged: "⚑",
  measuring: "…",
  none: "–",
};

export function region(joint: Joint): Region {
  return { x: joint.x_px, y: joint.y_px, angle: joint.angle_deg, size: joint.size_px };
}

export class Joints {
  private readonly group = svg("g");
  private drawn: { joint: Joint; box: SVGPathElement; axis: SVGPathElement; name: SVGTextElement }[] = [];

  constructor(
    overlay: SVGSVGElement,
    private readonly view: FilmView,
  ) {
    overlay.append(this.group);
  }

  set hidden(hidden: boolean) {
    this.group.toggleAttribute("hidden", hidden);
    set(this.group, { visibility: hidden ? "hidden" : "visible" });
  }

  /** Draw these joints anew; the one that is being corrected is left to its editor. */
  show({ joints, selected }: JointData, editing: boolean): void {
    this.drawn = joints
      .filter(({ joint }) => !(editing && joint === selected))
      .map((joint) => ({ joint, box: svg("path"), axis: svg("path", { class: "axis" }), name: svg("text") }));
    this.group.replaceChildren(
      ...this.drawn.map(({ joint, box, axis, name }) => {
        name.textContent = `${joint.joint} ${SIGNS[joint.status] ?? ""}`;
        const open = joint.joint === selected ? " open" : "";
        return svg(
          "a",
          {
            href: joint.url || `?joint=${joint.joint}`,
            class: `film-joint ${joint.status}${open}`,
            "aria-label": joint.label,
            "data-joint-link": joint.joint,
          },
          svg("title", {}, joint.label),
          box,
          axis,
          name,
        );
      }),
    );
    this.place();
  }

  place(): void {
    for (const { joint, box, axis, name } of this.drawn) {
      const where = region(joint);
      const on = (u: number, v: number) => this.view.toScreen(inRegion(where, [u, v]));
      set(box, { d: path(corners(where).map((corner) => this.view.toScreen(corner))) });
      set(axis, {
        d: `${path([on(0, -0.5), on(0, -0.12)], false)}${path([on(0, 0.12), on(0, 0.5)], false)}`,
      });
      const [x, y] = on(0, 0.5); // off the joint space
      set(name, { x, y: y + 4 });
    }
  }
}
