/**
 * The folders of `src/`, and the allowed imports between them. `scripts/structure.ts` checks all
 * files, the lint rules check one file at a time.
 *
 * @module
 */

/**
 * The folders of `src/`, from the top down. A file imports from its own folder and from folders in
 * the rows below.
 */
export const FOLDER_ROWS: readonly (readonly string[])[] = [
  ["cli"],
  ["doctor", "server"],
  ["ingest"],
  ["notifier"],
  ["config"],
  ["delivery", "routing"],
  ["channels"],
  ["accounts", "notification", "markup"],
  ["queue", "matrix"],
  ["testing"],
  ["runtime"],
  ["base"],
];

/** Folders that only certain folders may import; tests may always. */
const ONLY_FOR: Readonly<Record<string, readonly string[]>> = { testing: ["cli"] };

/** Files in `runtime/` that `queue/` may import. The queue uses files and locks, but no network. */
const QUEUE_RUNTIME = ["runtime.ts", "files.ts", "file_lock.ts", "file_errors.ts", "trust.ts"];

/**
 * Entry points of programs and of the library. Only they create the real runtime; all other files
 * get a `Runtime` as an argument.
 */
const STARTS: readonly string[] = [
  "src/cli/main.ts",
  "src/notifier/background/main.ts",
  "src/notifier/core.ts",
];

/** Folders whose values the library exports. From all other folders it exports only types. */
const LIBRARY_VALUES = ["notifier", "base"];

const ROOT = new URL("../..", import.meta.url);

/** Returns the path of a file in the repository, with slashes; undefined for a file outside. */
export function pathOf(url: URL): string | undefined {
  return url.href.startsWith(ROOT.href) ? decodeURIComponent(url.href.slice(ROOT.href.length)) : undefined;
}

/** Returns the URL of a path as the linter names it. */
export function urlOf(filename: string): URL {
  return new URL(`file://${filename.replaceAll("\\", "/").replace(/^(?!\/)/, "/")}`);
}

/** Returns the folder of `src/` that contains a file; undefined for any other file. */
export function folderOf(path: string): string | undefined {
  const [src, folder, file] = path.split("/");
  return src === "src" && file !== undefined ? folder : undefined;
}

/** Whether a file is part of the running program. */
export function isProduct(path: string): boolean {
  return path === "mod.ts" || path.startsWith("src/");
}

/** An import of one product file by another. */
export interface ProductImport {
  /** Paths from the root of the repository. */
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
}

/** Returns why a file may not import another; undefined if it may. */
export function importProblem({ from, to, isType }: ProductImport): string | undefined {
  if (from === "mod.ts" && to === "src/main.ts" || from === "src/main.ts") return undefined;
  const [source, target] = [folderOf(from), folderOf(to)];
  if (target === undefined) return "it is not in a folder of src/";
  if (from === "mod.ts") {
    if (["cli", "doctor", "server", "ingest", "testing", "markup", "matrix"].includes(target)) {
      return "it does not belong to the library";
    }
    return isType || LIBRARY_VALUES.includes(target) ? undefined : "the library exports only types from there";
  }
  if (source === undefined || rowOf(source) === undefined) return `${source} is not in FOLDER_ROWS`;
  if (to === "src/runtime/runtime.ts" && !isType && !STARTS.includes(from)) return "take a Runtime as an argument";
  if (source === target) return undefined;
  if (!(ONLY_FOR[target]?.includes(source) ?? true)) return `only ${ONLY_FOR[target].join(", ")} may`;
  if ((rowOf(target) ?? -1) <= (rowOf(source) ?? Infinity)) return `${target} is not below ${source}`;
  if (source === "queue" && target === "runtime" && !QUEUE_RUNTIME.includes(to.replace("src/runtime/", ""))) {
    return "the queue must not use the network";
  }
}

function rowOf(folder: string): number | undefined {
  const row = FOLDER_ROWS.findIndex((folders) => folders.includes(folder));
  return row < 0 ? undefined : row;
}
