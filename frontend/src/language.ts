/**
 * Words and numbers in the language of the page. Words come from the server, which has the translations: as JSON in the
 * page or as `data-` attributes. What goes back to it, or into SVG and CSS, is never written with these.
 */
export const language = document.documentElement.lang || "en";

/** With so many decimals. */
export function decimal(value: number, digits: number): string {
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A day, of its ISO 8601 date. */
export function day(date: string): string {
  return new Date(date).toLocaleDateString(language, { dateStyle: "medium", timeZone: "UTC" });
}

/** A text with its gaps, `%(name)s`, filled; `%%` is a per cent sign. */
export function filled(text: string, values: Record<string, string | number>): string {
  return text.replace(/%%|%\((\w+)\)s/g, (gap, name?: string) => (name ? String(values[name] ?? gap) : "%"));
}
