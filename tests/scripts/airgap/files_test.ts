/**
 * Tests what we use of `@std/path` and `@std/fs`: in the library itself or in its stand-in,
 * depending on the configuration of Deno.
 */

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { ensureDir, exists, walk } from "@std/fs";
import { ensureDir as ensureDirAlone } from "@std/fs/ensure-dir";
import { exists as existsAlone } from "@std/fs/exists";
import { walk as walkAlone, type WalkOptions } from "@std/fs/walk";
import { basename, dirname, extname, fromFileUrl, join, relative, resolve, toFileUrl } from "@std/path";
import { join as joinAlone } from "@std/path/join";

const posix = Deno.build.os !== "windows";

Deno.test({
  name: "join(), dirname(), basename(), extname(), relative() and resolve() work like the originals",
  ignore: !posix,
  fn() {
    assertEquals(join("/a", "b", "..", "c.ts"), "/a/c.ts");
    assertEquals(join("a", "", "./b/"), "a/b/");
    assertEquals(join(new URL("file:///a/b"), "c"), "/a/b/c");
    assertEquals(dirname("/a/b/c.ts"), "/a/b");
    assertEquals(dirname("c.ts"), ".");
    assertEquals(basename("/a/b/c.ts"), "c.ts");
    assertEquals(basename("/a/b/c.ts", ".ts"), "c");
    assertEquals(extname("/a/b.d/c.test.ts"), ".ts");
    assertEquals(extname("/a/.profile"), "");
    assertEquals(resolve("/a", "b", "../c"), "/a/c");
    assertEquals(resolve("x"), `${Deno.cwd()}/x`);
    assertEquals(relative("/a/b", "/a/c/d"), "../c/d");
    assertEquals(relative("/a", "/a"), "");
  },
});

Deno.test({
  name: "toFileUrl() and fromFileUrl() convert paths with spaces",
  ignore: !posix,
  fn() {
    assertEquals(fromFileUrl("file:///a%20b/%C3%A4"), "/a b/ä");
    assertEquals(fromFileUrl(new URL("file:///a")), "/a");
    assertEquals(toFileUrl("/a b/ä#?%").href, "file:///a%20b/%C3%A4%23%3F%25");
    assertThrows(() => fromFileUrl("https://a/b"), TypeError);
    assertThrows(() => toFileUrl("a/b"), TypeError);
  },
});

Deno.test("@std/fs and @std/path export the same functions under their subpaths", () => {
  assertStrictEquals<unknown>(joinAlone, join);
  assertStrictEquals<unknown>(walkAlone, walk);
  assertStrictEquals<unknown>(existsAlone, exists);
  assertStrictEquals<unknown>(ensureDirAlone, ensureDir);
});

Deno.test("ensureDir() creates missing directories, and rejects a file", async () => {
  await inTree(async (root) => {
    await ensureDir(join(root, "new/deep"));
    await ensureDir(join(root, "new/deep"));
    assert((await Deno.stat(join(root, "new/deep"))).isDirectory);
    await assertRejects(() => ensureDir(join(root, "a.ts")));
  });
});

Deno.test("exists() checks the existence and the type", async () => {
  await inTree(async (root) => {
    assertEquals(await exists(join(root, "a.ts")), true);
    assertEquals(await exists(join(root, "none")), false);
    assertEquals(await exists(join(root, "a.ts"), { isFile: true }), true);
    assertEquals(await exists(join(root, "a.ts"), { isDirectory: true }), false);
    assertEquals(await exists(toFileUrl(join(root, "sub")), { isDirectory: true }), true);
  });
});

Deno.test("walk() lists files, directories and links, and does not follow links", async () => {
  await inTree(async (root) => {
    assertEquals(await walked(root), ["", "a.ts", "b.md", "link", "sub", "sub/c.ts", "sub/deep", "sub/deep/d.ts"]);
    assertEquals(await walked(root, { includeDirs: false, includeSymlinks: false, exts: [".ts"] }), [
      "a.ts",
      "sub/c.ts",
      "sub/deep/d.ts",
    ]);
    assertEquals(await walked(root, { maxDepth: 1, includeFiles: false }), ["", "link", "sub"]);
    assertEquals(await walked(root, { includeDirs: false, match: [/c\.ts$/, /\.md$/] }), ["b.md", "sub/c.ts"]);
    assertEquals(await walked(root, { skip: [/sub$/], includeDirs: false }), ["a.ts", "b.md", "link"]);
  });
});

Deno.test("walk() rejects if the directory does not exist", async () => {
  await inTree(async (root) => {
    await assertRejects(() => walked(join(root, "none")), Deno.errors.NotFound);
  });
});

async function walked(root: string, options?: WalkOptions): Promise<string[]> {
  const entries = await Array.fromAsync(walk(root, options));
  for (const { path, name } of entries) assertEquals(name, basename(path));
  return entries.map(({ path }) => path.slice(root.length + 1).replaceAll("\\", "/")).sort();
}

async function inTree(test: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(root, "sub/deep"), { recursive: true });
    for (const file of ["a.ts", "b.md", "sub/c.ts", "sub/deep/d.ts"]) await Deno.writeTextFile(join(root, file), "");
    await Deno.symlink("sub", join(root, "link"));
    await test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
