/**
 * Which part of the house a file belongs to.
 *
 * @module
 */

/** A folder of `src/`, or a group of the files directly in it. */
export type Layer =
  | "leaf"
  | "top"
  | "deps"
  | "door"
  | "accounts"
  | "attachments"
  | "channels"
  | "cli"
  | "config"
  | "delivery"
  | "doctor"
  | "ingest"
  | "markup"
  | "matrix"
  | "queue"
  | "testing";

/** The files directly in `src/` that wire the parts. All others there, but deps.ts, are leaves, which know none of the parts. */
const TOP_FILES: readonly string[] = [
  "background.ts",
  "deliverer.ts",
  "drafts.ts",
  "health.ts",
  "left_behind.ts",
  "log.ts",
  "memory.ts",
  "notifier.ts",
  "notifier_options.ts",
  "report.ts",
  "send.ts",
  "status.ts",
  "taken_files.ts",
  "unqueued.ts",
  "wiring.ts",
];

const FOLDERS: readonly Layer[] = [
  "accounts",
  "attachments",
  "channels",
  "cli",
  "config",
  "delivery",
  "doctor",
  "ingest",
  "markup",
  "matrix",
  "queue",
  "testing",
];

const ROOT = new URL("../..", import.meta.url);

/** Returns a file's path inside the repository, with slashes; undefined for a file outside. */
export function placeOf(url: URL): string | undefined {
  return url.href.startsWith(ROOT.href) ? decodeURIComponent(url.href.slice(ROOT.href.length)) : undefined;
}

/** Returns the URL of a file that the linter names by its path. */
export function urlOf(filename: string): URL {
  return new URL(`file://${filename.replaceAll("\\", "/").replace(/^(?!\/)/, "/")}`);
}

/** Returns the layer of a file by its path inside the repository; undefined when it is no part of the running program. */
export function layerOf(place: string): Layer | undefined {
  if (place === "mod.ts") return "door";
  const [src, name, ...rest] = place.split("/");
  if (src !== "src" || name === undefined) return undefined;
  if (rest.length > 0) return FOLDERS.find((folder) => folder === name);
  if (name === "deps.ts") return "deps";
  return TOP_FILES.includes(name) ? "top" : "leaf";
}
