import { assertEquals } from "@std/assert";
import { findCycles, folderGraph, parseImports, type SourceFile, structureProblems } from "../../scripts/structure.ts";

/** A file with the paths that it imports. */
function file(path: string, imports: readonly string[] = [], lines = 100): SourceFile {
  return { path, lines, imports: imports.map((path) => ({ path, isLate: false })) };
}

Deno.test("parseImports() finds each form of import, and none in comments", () => {
  const source = [
    '/**\n * import { a } from "./comment.ts";\n */',
    '// import "./line.ts";',
    'import { b } from "./b.ts";',
    'export type { C } from "../c/c.ts";',
    'import "./d.ts";',
    'const e = await import("./e.ts");',
    'type F = typeof import("./f.ts");',
    'import { assert } from "@std/assert";',
  ].join("\n");
  assertEquals(parseImports("src/queue/a.ts", source).imports, [
    { path: "src/queue/b.ts", isLate: false },
    { path: "src/c/c.ts", isLate: false },
    { path: "src/queue/d.ts", isLate: false },
    { path: "src/queue/e.ts", isLate: true },
    { path: "src/queue/f.ts", isLate: false },
  ]);
});

Deno.test("findCycles() lists the files of each cycle, and no others", () => {
  const files = [file("a", ["b"]), file("b", ["c"]), file("c", ["b"]), file("d", ["a"]), file("e", ["e"])];
  assertEquals(findCycles(files).map((cycle) => cycle.toSorted()), [["b", "c"], ["e"]]);
});

Deno.test("structureProblems() reports violations of each rule", () => {
  const problems = (...files: SourceFile[]) => structureProblems(files);
  assertEquals(problems(file("src/queue/a.ts", ["src/base/b.ts"]), file("src/base/b.ts")), []);
  assertEquals(problems(file("src/loose.ts")), ["src/loose.ts is in no folder"]);
  assertEquals(problems(file("src/new/a.ts")), ["src/new/ is not in the rows of scripts/lint/folders.ts"]);
  assertEquals(problems(file("src/base/b.ts", ["src/queue/a.ts"])), [
    "src/base/b.ts must not import src/queue/a.ts: queue is not below base",
  ]);
  assertEquals(problems(file("src/queue/a.ts", [], 501)), ["src/queue/a.ts has 501 lines"]);
});

Deno.test("structureProblems() reports a small file with one importer, unless it is loaded late, an entry point or a standard file of a kind", () => {
  const small = (path: string, importer: SourceFile) => structureProblems([file(path, [], 79), importer]);
  assertEquals(small("src/queue/a.ts", file("src/queue/b.ts", ["src/queue/a.ts"])), [
    "src/queue/a.ts has 79 lines and only src/queue/b.ts imports it",
  ]);
  const late = { ...file("src/queue/b.ts"), imports: [{ path: "src/queue/a.ts", isLate: true }] };
  assertEquals(small("src/queue/a.ts", late), []);
  assertEquals(small("src/testing/mod.ts", file("src/cli/demo.ts", ["src/testing/mod.ts"])), []);
  assertEquals(small("src/channels/x/checks.ts", file("src/channels/x/y.ts", ["src/channels/x/checks.ts"])), []);
});

Deno.test("folderGraph() lists the folders from the top down with what they import", () => {
  const files = [file("src/base/b.ts"), file("src/queue/a.ts", ["src/base/b.ts", "src/queue/c.ts"])];
  assertEquals(folderGraph(files), ["queue        -> base", "base         -> (nothing)"]);
});
