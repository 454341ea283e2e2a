/** What the film, the joints over it and the two editors share. */
import type { JointData } from "./joints";
import type { Frame } from "./region";
import type { FilmView, Point } from "./view";

export interface Stage {
  readonly view: FilmView;
  readonly frame: Frame;
  readonly element: HTMLElement;
  /** what the script says, by key */
  readonly words: Record<string, string>;
  readonly joints: JointData;
  /** mm per pixel of the film */
  readonly spacing: number;
  /** Put an editor over the film, alone, and give it the keys. */
  begin(editor: Editor): void;
  /** Tell those who do not see the film. */
  say(text: string): void;
  /** Back to looking. */
  leave(): void;
}

export interface Editor {
  readonly group: SVGGElement;
  place(): void;
  /** Whether the key was one of the editor's. */
  key(event: KeyboardEvent): boolean;
  /** A press on the film without a drag. */
  point?(at: Point): void;
  /** Takes a plain drag on the film over. */
  take?(at: Point): { move(at: Point): void; end(): void } | null;
  save(): void;
  remove(): void;
}
