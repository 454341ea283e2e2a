/** The panel beside the film: its forms hold what is saved, its buttons open the editors that fill them. */
import { data } from "../../data";
import { decimal, filled } from "../../language";
import { area } from "./geometry";
import { region } from "./joints";
import { type Bone, modelOutlines, type OutlineData, OutlineEditor, sketch, type Tool } from "./outline";
import { RegionEditor } from "./region";
import type { Stage } from "./stage";
import type { Point } from "./view";

/** Share of the stage that a region fills when its bones are drawn, and at least when it is moved. */
const CLOSE = 0.85;
const NEAR = 0.3;

/** Wire the open joint's panel; what it gives puts the panel back to rest. */
export function wirePanel(section: HTMLElement, stage: Stage): () => void {
  const all = (selector: string) => section.querySelectorAll<HTMLElement>(selector);
  const part = <T extends HTMLElement>(selector: string) => section.querySelector<T>(selector);
  const form = part<HTMLFormElement>("[data-region-form]");
  const outlineForm = part<HTMLFormElement>("[data-outline-form]");
  const outlines = data<OutlineData>("film-outlines");
  const name = section.dataset.joint ?? "";
  const { view, element } = stage;
  let outliner: OutlineEditor | null = null;

  function editRegion(): void {
    if (!form) return;
    stage.leave();
    const label = filled(stage.words.move ?? "", { joint: name });
    const editor = new RegionEditor(form, view, stage.frame, element, label, (text) => stage.say(text));
    const size = editor.region.size * view.scale;
    stage.begin(editor);
    if (!stage.joints.joints.some(({ joint }) => joint === name)) editor.moveTo(view.middle);
    else if (size < element.clientWidth * NEAR)
      view.lookAt([editor.region.x, editor.region.y], (view.scale * element.clientWidth * NEAR) / size);
    for (const each of all("[data-while='region']")) each.hidden = false;
  }

  async function draw(bone: Bone): Promise<void> {
    const spot = stage.joints.joints.find(({ joint }) => joint === name);
    if (!spot || !outlines || !outlineForm) return;
    stage.leave();
    const square = region(spot);
    const model = await modelOutlines(outlines.model, stage.spacing).catch(() => null);
    const start = (which: Bone): Point[] => {
      const drawn = outlines.bones[which].polygon;
      if (drawn.length) return drawn;
      const found = model?.[which] ?? [];
      return area(found) > 0 ? found : sketch(square, which);
    };
    const label = `${name}, ${stage.words[bone] ?? ""}.`;
    outliner = new OutlineEditor(view, element, stage.spacing, outlineForm, {
      bone,
      polygon: start(bone),
      other: start(bone === "upper" ? "lower" : "upper"),
      words: { corner: stage.words.corner ?? "", label },
      say: (text) => stage.say(text),
    });
    field("bone").value = bone;
    field("version").value = String(outlines.bones[bone].version);
    stage.begin(outliner);
    const side = Math.min(element.clientWidth, element.clientHeight);
    view.lookAt([square.x, square.y], (side * CLOSE) / square.size);
    part("[data-drawing]")?.removeAttribute("hidden");
    part(`[data-draw="${bone}"]`)?.setAttribute("aria-pressed", "true");
    part("[data-give-back]")?.toggleAttribute("hidden", outlines.bones[bone].polygon.length === 0);
    const note = part("[data-drawing-note]");
    if (note) {
      note.textContent = stage.words.no_model ?? "";
      note.hidden = outlines.bones[bone].polygon.length > 0 || model !== null;
    }
    chooseTool("corners");
    chooseBrush();
  }

  function field(key: string): HTMLInputElement {
    return outlineForm?.elements.namedItem(key) as HTMLInputElement;
  }

  function chooseTool(tool: Tool): void {
    for (const radio of section.querySelectorAll<HTMLInputElement>("input[name=tool]"))
      radio.checked = radio.value === tool;
    outliner?.setTool(tool);
    part("[data-brush]")?.toggleAttribute("hidden", tool === "corners");
  }

  function chooseBrush(): void {
    const radius = Number(part<HTMLInputElement>("[data-brush] input")?.value);
    const output = part("[data-brush-words]");
    if (output) output.textContent = `${decimal(radius, 1)} mm`;
    if (outliner) outliner.radiusMm = radius;
    outliner?.place();
  }

  const opener = part("[data-edit='region']");
  if (opener) opener.hidden = false;
  opener?.addEventListener("click", editRegion);
  if (outlineForm) outlineForm.hidden = false;
  for (const button of all("[data-draw]"))
    button.addEventListener("click", () => void draw(button.dataset.draw as Bone));
  for (const radio of section.querySelectorAll<HTMLInputElement>("input[name=tool]"))
    radio.addEventListener("change", () => chooseTool(radio.value as Tool));
  part("[data-brush] input")?.addEventListener("input", chooseBrush);
  part("[data-undo]")?.addEventListener("click", () => outliner?.undo());
  for (const button of all("[data-leave]")) button.addEventListener("click", () => stage.leave());
  outlineForm?.addEventListener("submit", (event) => {
    const givenBack = event.submitter?.hasAttribute("data-give-back") ?? false;
    field("polygon").value = JSON.stringify(givenBack ? [] : (outliner?.points ?? []));
  });

  return () => {
    outliner = null;
    form?.reset();
    for (const each of all("[data-while], [data-drawing]")) each.hidden = true;
    for (const button of all("[data-draw]")) button.setAttribute("aria-pressed", "false");
  };
}
