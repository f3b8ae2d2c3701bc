/** Names of files, of which nothing is trusted: they are shown to people and given to servers, and name no file of ours. */

/** The longest name, in UTF-8 bytes: what file systems take. */
const MAX_NAME_BYTES = 200;

/** A longer ending is none. */
const MAX_ENDING_CHARS = 12;

/**
 * A name that is nothing but one: without folders, and without what cannot be seen or turns the direction of what follows it. One that is too long keeps its
 * ending.
 */
export function safeFileName(name: string): string {
  const last = name.toWellFormed().split(/[/\\]/).findLast((part) => part.trim() !== "") ?? "";
  const visible = last.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").replace(/\s+/g, " ").trim();
  if (/^\.*$/.test(visible)) return "unnamed";
  const ending = new RegExp(`\\.[A-Za-z0-9]{1,${MAX_ENDING_CHARS}}$`).exec(visible)?.[0] ?? "";
  return cut(visible.slice(0, visible.length - ending.length), MAX_NAME_BYTES - ending.length) + ending;
}

function cut(text: string, maxBytes: number): string {
  const { read, written } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  if (read === text.length) return text;
  const room = maxBytes - new TextEncoder().encode("…").length;
  return `${text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(Math.min(written, room))).read)}…`;
}
