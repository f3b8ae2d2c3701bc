/**
 * Checks and prints the structure of `src/`: `deno task structure`. Folders import only from rows
 * below, imports make no cycles (type imports count too), no file is too long, and no small file
 * has a single importer.
 *
 * @module
 */

import { walk } from "@std/fs";
import manifest from "../deno.json" with { type: "json" };
import { LATE_MODULES } from "../src/base/late_modules.ts";
import { FOLDER_ROWS, folderOf, importProblem, pathOf } from "./lint/folders.ts";

/** A longer file contains more than one idea. */
const MAX_LINES = 500;

/** A shorter file with a single importer belongs into its importer. */
const MIN_LINES = 80;

/** Entry points of the package, however short they are. */
const ENTRY_POINTS: readonly string[] = Object.values(manifest.exports).map((path) => path.slice("./".length));

/** Files that every channel kind may have, however short they are. */
const KIND_FILES = ["kind.ts", "channel.ts", "checks.ts", "apprise.ts"];

/** A source file of the product. */
export interface SourceFile {
  /** The path from the root of the repository. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly SourceImport[];
}

/** An import of another source file. */
export interface SourceImport {
  readonly path: string;
  /** Whether it is an `import()` in code, which loads the file when it is needed. */
  readonly isLate: boolean;
}

const IMPORT_REGEXP = /(?:(\bimport\()|\bfrom |\bimport )\s*"(\.{1,2}\/[^"]+\.ts)"/g;

/**
 * Parses the imports of a source. Comments are ignored, because their examples contain imports too.
 */
export function parseImports(path: string, source: string): SourceFile {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const imports = Array.from(code.matchAll(IMPORT_REGEXP), ([text, late, specifier]) => ({
    path: pathOf(new URL(specifier, new URL(`../${path}`, import.meta.url))) ?? specifier,
    isLate: late !== undefined && !code.includes(`typeof ${text}`),
  }));
  return { path, lines: source.split("\n").length - 1, imports };
}

/** Finds all cycles, each as the files that import one another. */
export function findCycles(files: readonly SourceFile[]): string[][] {
  const graph = new Map(files.map(({ path, imports }) => [path, imports.map((each) => each.path)]));
  const seen = new Map<string, { index: number; low: number }>();
  const stack: string[] = [], cycles: string[][] = [];
  function visit(path: string): { index: number; low: number } {
    const node = { index: seen.size, low: seen.size };
    seen.set(path, node);
    stack.push(path);
    for (const next of graph.get(path) ?? []) {
      const known = seen.get(next);
      if (known === undefined) node.low = Math.min(node.low, visit(next).low);
      else if (stack.includes(next)) node.low = Math.min(node.low, known.index);
    }
    if (node.low === node.index) {
      const members = stack.splice(stack.indexOf(path));
      if (members.length > 1 || graph.get(path)?.includes(path)) cycles.push(members);
    }
    return node;
  }
  for (const path of graph.keys()) if (!seen.has(path)) visit(path);
  return cycles;
}

/** Lists all problems of the structure, one line each. */
export function structureProblems(files: readonly SourceFile[]): string[] {
  const product = files.filter(({ path }) => path.startsWith("src/"));
  const known = FOLDER_ROWS.flat();
  return [
    ...product.filter(({ path }) => folderOf(path) === undefined && path !== "src/main.ts")
      .map(({ path }) => `${path} is in no folder`),
    ...new Set(
      product.map(({ path }) => folderOf(path)).filter((folder) => folder !== undefined && !known.includes(folder))
        .map((folder) => `src/${folder}/ is not in the rows of scripts/lint/folders.ts`),
    ),
    ...files.flatMap(({ path, imports }) =>
      imports.flatMap((target) => {
        const problem = importProblem({ from: path, to: target.path, isType: true });
        return problem === undefined ? [] : [`${path} must not import ${target.path}: ${problem}`];
      })
    ),
    ...findCycles(files).map((cycle) => `These files import one another: ${cycle.join(", ")}`),
    ...product.filter(({ lines }) => lines > MAX_LINES).map(({ path, lines }) => `${path} has ${lines} lines`),
    ...findFragments(product).map(({ file, importer }) =>
      `${file.path} has ${file.lines} lines and only ${importer} imports it`
    ),
  ];
}

/** Finds small files with a single importer, which could contain them. */
function findFragments(files: readonly SourceFile[]) {
  return files.flatMap((file) => {
    if (file.lines >= MIN_LINES || ENTRY_POINTS.includes(file.path)) return [];
    if (LATE_MODULES.some((path) => file.path === `src/${path}`)) return [];
    if (file.path.startsWith("src/channels/") && KIND_FILES.some((name) => file.path.endsWith(`/${name}`))) return [];
    const importers = files.filter(({ imports }) => imports.some(({ path }) => path === file.path));
    const isLate = importers.some(({ imports }) => imports.some(({ path, isLate }) => path === file.path && isLate));
    return importers.length === 1 && !isLate ? [{ file, importer: importers[0].path }] : [];
  });
}

/** Formats the folder graph from the top down: one line per folder with its direct imports. */
export function folderGraph(files: readonly SourceFile[]): string[] {
  return FOLDER_ROWS.flat().flatMap((folder) => {
    const own = files.filter(({ path }) => folderOf(path) === folder);
    if (own.length === 0) return [];
    const targets = new Set(own.flatMap(({ imports }) => imports.map(({ path }) => folderOf(path))));
    const below = FOLDER_ROWS.flat().filter((name) => name !== folder && targets.has(name));
    return [`${folder.padEnd(12)} -> ${below.join(", ") || "(nothing)"}`];
  });
}

/** Formats the number of files and lines, the median and the longest file. */
function sizeLine(files: readonly SourceFile[]): string {
  const sorted = files.toSorted((a, b) => a.lines - b.lines);
  const total = sorted.reduce((sum, { lines }) => sum + lines, 0);
  const longest = sorted[sorted.length - 1];
  return `${files.length} files, ${total} lines, median ${sorted[Math.floor(sorted.length / 2)].lines}, ` +
    `longest ${longest.lines} (${longest.path})`;
}

async function readSources(): Promise<SourceFile[]> {
  const root = new URL("..", import.meta.url);
  const paths = ["mod.ts"];
  for await (const { path } of walk(new URL("src", root).pathname, { exts: [".ts"], includeDirs: false })) {
    paths.push(path.slice(root.pathname.length));
  }
  return await Promise.all(
    paths.toSorted().map(async (path) => parseImports(path, await Deno.readTextFile(new URL(path, root)))),
  );
}

if (import.meta.main) {
  const files = await readSources();
  console.log([...folderGraph(files), sizeLine(files)].join("\n"));
  const problems = structureProblems(files);
  for (const problem of problems) console.error(problem);
  Deno.exit(problems.length === 0 ? 0 : 1);
}
