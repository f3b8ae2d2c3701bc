import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import airgap from "../../scripts/airgap/deno.json" with { type: "json" };
import manifest from "../../deno.json" with { type: "json" };
import { AIRGAP_CONFIG } from "../../scripts/std/argv.ts";
import { OIDC_PROVIDER } from "../../scripts/synapse/oauth/package.ts";
import { type FakePackage, NpmRegistry } from "../fakes/npm_registry.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const EVIL = "console.log('EVIL');";

/**
 * A package with one indirect dependency, of which version 1.0.0 exists when the lock is written.
 */
const DIRECT: FakePackage = {
  name: "direct",
  version: "2.0.0",
  dependencies: { indirect: "^1.0.0" },
  source: "export * from 'indirect';",
};
const INDIRECT: FakePackage = { name: "indirect", version: "1.0.0", source: "console.log('indirect 1.0.0');" };
const NEWER: FakePackage = { ...INDIRECT, version: "1.0.1", source: EVIL };

/** A folder with a program, the lock settings of this repository, and a new cache for each run. */
class Project implements Disposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly #registry: NpmRegistry;

  constructor(registry: NpmRegistry) {
    this.#registry = registry;
    Deno.writeTextFileSync(`${this.#folder}/deno.json`, JSON.stringify({ lock: manifest.lock }));
    Deno.writeTextFileSync(`${this.#folder}/main.ts`, `await import(${JSON.stringify("npm:direct@2.0.0")});`);
  }

  get lock(): string {
    return Deno.readTextFileSync(`${this.#folder}/deno.lock`);
  }

  async run(...options: readonly string[]) {
    return await deno(["run", "-A", ...options, `${this.#folder}/main.ts`], this.#registry);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** Runs Deno with an empty cache and with this registry. */
async function deno(args: readonly string[], registry: NpmRegistry) {
  const cache = Deno.makeTempDirSync();
  try {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...args],
      cwd: ROOT,
      env: { DENO_DIR: cache, NPM_CONFIG_REGISTRY: registry.url, NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } finally {
    Deno.removeSync(cache, { recursive: true });
  }
}

Deno.test("the lock file keeps an indirect package when the registry offers a newer one", async () => {
  await using registry = NpmRegistry.start([DIRECT, INDIRECT]);
  using project = new Project(registry);
  assertEquals((await project.run("--frozen=false")).stdout, "indirect 1.0.0\n");
  const { lock } = project;
  registry.publish(NEWER);
  assertEquals((await project.run("--no-lock")).stdout, "EVIL\n");
  const locked = await project.run();
  assertEquals({ stdout: locked.stdout, lock: project.lock }, { stdout: "indirect 1.0.0\n", lock }, locked.stderr);
});

Deno.test("the lock file refuses a package whose content has changed", async () => {
  await using registry = NpmRegistry.start([DIRECT, INDIRECT]);
  using project = new Project(registry);
  assertEquals((await project.run("--frozen=false")).stdout, "indirect 1.0.0\n");
  registry.publish({ ...INDIRECT, source: EVIL });
  const { success, stdout, stderr } = await project.run();
  assertEquals({ success, stdout }, { success: false, stdout: "" });
  assertMatch(stderr, /integrity|checksum/i);
});

Deno.test("the lock file refuses a package that it does not contain", async () => {
  await using registry = NpmRegistry.start([DIRECT, INDIRECT]);
  using project = new Project(registry);
  const { success, stdout, stderr } = await project.run();
  assertEquals({ success, stdout }, { success: false, stdout: "" });
  assertStringIncludes(stderr, "The lockfile is out of date");
});

Deno.test("the program loads no package that a registry has changed, and asks only for locked versions", async () => {
  const other: FakePackage = { name: "entities", version: "8.999.0", source: EVIL };
  const evil = Object.keys(await locked("deno.lock")).map((key) => {
    const [, name, version] = /^(.+)@(.+)$/.exec(key) ?? [];
    return { name, version, source: EVIL };
  });
  await using registry = NpmRegistry.start([...evil, other]);
  for (const module of ["markup/html.ts", "markup/markdown.ts", "channels/email/smtp.ts", "cli/qr_code.ts"]) {
    const { success, stdout } = await deno(["run", "-A", `${ROOT}src/${module}`], registry);
    assertEquals({ module, success, stdout }, { module, success: false, stdout: "" });
  }
  const tarballs = registry.requests.filter((path) => path.endsWith(".tgz"));
  assert(tarballs.length > 0);
  assertEquals(tarballs.filter((path) => path.includes("8.999.0")), []);
});

Deno.test("loadLate() downloads nothing under the options of deno task matrix-notify, and says how to install the library", async () => {
  await using registry = NpmRegistry.start([]);
  const options = manifest.tasks["matrix-notify"].command.split(" ").slice(2, -1);
  const script = Deno.makeTempFileSync({ suffix: ".ts" });
  Deno.writeTextFileSync(
    script,
    `import { loadLate } from "${ROOT}src/base/late_modules.ts";
    await loadLate("markup/html.ts").catch(({ name, hint }) => console.log(name, hint));`,
  );
  try {
    const { stdout, stderr } = await deno(["run", "--config", `${ROOT}deno.json`, ...options, script], registry);
    assertEquals(stdout, `Error run once as this user: deno cache ${ROOT}src/\n`, stderr);
    assertEquals(registry.requests, []);
  } finally {
    Deno.removeSync(script);
  }
});

Deno.test("every task and every program of ours uses a frozen lock file", () => {
  assertEquals(manifest.lock, { path: "deno.lock", frozen: true });
  assertEquals(airgap.lock, manifest.lock);
  for (const [name, { command }] of Object.entries(manifest.tasks)) {
    assertEquals(/--no-lock|--frozen=false|--no-config/.test(command) && name !== "lock", false, command);
  }
});

Deno.test("the lock files contain only npm packages, and pin the packages that the source names", async () => {
  const [program, tools] = await Promise.all([readLock("deno.lock"), readLock("scripts/airgap/deno.lock")]);
  for (const lock of [program, tools]) {
    assertEquals([lock.jsr, lock.remote, lock.redirects], [undefined, undefined, undefined]);
    for (const [key, { integrity }] of Object.entries(lock.npm)) assertMatch(integrity, /^sha512-/, key);
  }
  const used = await specifiersIn(["src"]);
  // From a URL, no lock file applies: only the specifiers pin the packages.
  for (const specifier of used) assertMatch(specifier, /@\d+\.\d+\.\d+$/);
  assertEquals(Object.keys(program.specifiers).toSorted(), used);
  const all = await specifiersIn(["src", "tests", "scripts"]);
  assertEquals(Object.keys(tools.specifiers).toSorted(), [...new Set([...all, OIDC_PROVIDER])].toSorted());
  for (const [key, pinned] of Object.entries(program.npm)) assertEquals(tools.npm[key], pinned, key);
});

Deno.test("the standard library is pinned to the versions of its stand-ins", () => {
  assertEquals(airgap.imports, { ...airgap.imports, ...manifest.imports });
  for (const [name, specifier] of Object.entries(manifest.imports)) {
    const path = `${AIRGAP_CONFIG.replace(/deno\.json$/, "")}std/${name.replace("@std/", "")}/deno.json`;
    const { version } = JSON.parse(Deno.readTextFileSync(path));
    assertEquals(specifier, `jsr:${name}@${version}`);
    assertNotEquals(version, undefined);
  }
});

interface Lock {
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<Record<string, { readonly integrity: string }>>;
  readonly jsr?: unknown;
  readonly remote?: unknown;
  readonly redirects?: unknown;
}

async function readLock(path: string): Promise<Lock> {
  return JSON.parse(await Deno.readTextFile(`${ROOT}${path}`));
}

async function locked(path: string): Promise<Lock["npm"]> {
  return (await readLock(path)).npm;
}

/** The packages that the import statements in these folders name, with their versions, sorted. */
async function specifiersIn(folders: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const folder of folders) {
    for await (const path of filesIn(`${ROOT}${folder}`)) {
      for (const [, name] of (await Deno.readTextFile(path)).matchAll(IMPORT_REGEXP)) found.add(name);
    }
  }
  return [...found].toSorted();
}

const IMPORT_REGEXP = /^(?:import|export|\}).* from "(npm:(?:@[^/"]+\/)?[^/"]+)/gm;

async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* filesIn(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}
