/** The JSON that the page carries under this id. */
export function data<T>(id: string | undefined): T | null {
  const text = document.getElementById(id ?? "")?.textContent;
  return text ? (JSON.parse(text) as T) : null;
}
