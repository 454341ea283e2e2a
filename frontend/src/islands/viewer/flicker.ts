/** Baseline and follow-up in turn: both are drawn already, a change is one attribute on one frame of the display. */
export type Shown = "fixed" | "followup";

export class Flicker {
  shown: Shown = "fixed";
  private frame = 0;

  /** `show` is told what to show; while `alive` it may go on. */
  constructor(
    private readonly show: (shown: Shown) => void,
    private readonly alive: () => boolean,
  ) {}

  get running(): boolean {
    return this.frame !== 0;
  }

  flip(): void {
    this.shown = this.shown === "fixed" ? "followup" : "fixed";
    this.show(this.shown);
  }

  /** `rate()` changes a second, at most 6: no more than three flashes (WCAG 2.3.1). */
  start(rate: () => number): void {
    this.stop();
    let last = performance.now();
    const tick = (now: number) => {
      if (!this.alive()) return this.stop();
      const period = 1000 / Math.min(6, rate());
      if (now - last >= period) {
        // the beat stays even, whatever the display's own; after a pause of the tab it starts anew
        last = now - last > 2 * period ? now : last + period;
        this.flip();
      }
      this.frame = requestAnimationFrame(tick);
    };
    this.frame = requestAnimationFrame(tick);
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }
}
