/**
 * Bundles the program: a few JavaScript files that contain all libraries and need no registry.
 *
 * - `matrix-notify.js` starts the program. The other files are in the folder `matrix-notify/`.
 * - `start.js` finds the command, and answers `--version` and `--help`.
 * - `send.js` contains everything else that a plain `send` to a Matrix room needs.
 * - The other files are loaded when they are needed.
 * - `url.js` starts the program from a URL. Deno downloads all files at the first start, so that
 *   later starts need no network.
 *
 * @module
 */

import { ensureDir } from "@std/fs";
import { basename, fromFileUrl, join, relative } from "@std/path";
import { type OutputBundle, type OutputChunk, type Plugin, rolldown } from "npm:rolldown@1.3.3";
import manifest from "../../deno.json" with { type: "json" };
import { LATE_MODULES } from "../../src/base/late_modules.ts";
import { BUNDLE, FOLDER, toAscii } from "./bundle_files.ts";
import { compileEagerly } from "./eager_functions.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/**
 * The modules that a plain `send` loads, in the order of loading. Their static imports are in the
 * same file, because one file loads faster than many.
 */
const FIRST_PARTS: Readonly<Record<string, readonly string[]>> = {
  start: ["src/main.ts", "src/cli/main.ts", "src/cli/help.ts"],
  send: ["src/cli/arguments.ts", "src/cli/commands/send.ts", "src/cli/notifier.ts", "src/channels/matrix/kind.ts"],
};

/**
 * The other parts of the bundle. The first pattern that matches a module decides its part. A part
 * loads all parts that it imports, so a part has only modules that the same commands need.
 */
const LATER_PARTS: readonly (readonly [part: string, pattern: RegExp])[] = [
  ["smtp", /\/node_modules\/.*nodemailer|^src\/channels\/email\/smtp\.ts$/],
  ["html", /\/node_modules\/.*(parse5|entities)|^src\/markup\/html\.ts$/],
  ["markdown", /\/node_modules\/.*marked|^src\/markup\/markdown\.ts$/],
  ["markup", /^src\/markup\//],
  ["accounts", /^src\/(accounts\/|matrix\/(oauth\/|session))/],
  ["qr_code", /\/node_modules\/.*uqr|^src\/cli\/qr_code/],
  ["router", /^scripts\/|^src\/cli\/setup\/router/],
  ["login", /^src\/cli\/(login|browser|prompt|matrix_|commands\/(log|join|room|whoami))/],
  ["setup", /^src\/cli\/(setup\/|commands\/setup)/],
  ["demo", /^src\/testing\/|^src\/cli\/commands\/demo/],
  ["storage", /^src\/(doctor\/(context|host|storage_checks)\.ts|channels\/check\.ts|notifier\/health)/],
  ["doctor", /^src\/doctor\/|^src\/cli\/commands\/doctor/],
  ["checks", /^src\/channels\/.*checks?\.ts$/],
  ["apprise", /^src\/channels\/.*apprise/],
  ["status_page", /^src\/server\/page\/|^src\/notifier\/overview\.ts$/],
  ["connections", /^src\/runtime\/(connect_errors|http_clients|proxy)/],
  ["unix_socket", /^src\/runtime\/unix_socket/],
  [
    "requests",
    /^src\/cli\/socket_sender|^src\/ingest\/(send\/|http\/(body|request|values)|mail\/(charset|headers|parts|transfer))/,
  ],
  ["mail", /^src\/ingest\/mail\/|^src\/cli\/commands\/sendmail/],
  ["serve", /^src\/(server|ingest)\/|^src\/cli\/commands\/serve/],
  ["config", /^src\/config\/|^src\/routing\/|^src\/cli\/commands\/(config|route)/],
  ["run", /^src\/cli\/(commands\/run|raw_command|supervise)|^src\/runtime\/argument_bytes/],
  ["permissions", /^src\/cli\/commands\/permissions/],
  ["service", /^src\/cli\/(service\/|commands\/service)/],
  ["attachments", /^src\/((notification|notifier|queue)\/.*attachment|channels\/matrix\/upload)/],
  ["deliver", /^src\/(base|delivery|matrix|notification|notifier|queue|runtime)\/|^src\/channels\/[^/]+\.ts$/],
  ["completions", /^src\/cli\/(completions\/|commands\/completions)/],
];

/**
 * Writes the bundle into a directory. Returns the paths of its files, relative to the directory.
 */
export async function bundleProgram(directory: string): Promise<readonly string[]> {
  const parts = new Map<string, string>();
  const packages = await installPackages();
  await using build = await rolldown({
    input: { [FOLDER]: join(ROOT, "src/main.ts") },
    cwd: ROOT,
    platform: "node",
    external: /^node:/,
    logLevel: "silent",
    // The scripts for routers are imported as texts.
    moduleTypes: { ".rsc": "text", ".sh": "text" },
    preserveEntrySignatures: "allow-extension",
    plugins: [npmPackages(packages), programFiles(), assignParts(parts)],
  });
  const { output } = await build.write({
    dir: directory,
    format: "esm",
    chunkFileNames: ({ moduleIds }) => `${FOLDER}/${moduleIds.length === 0 ? "facade-" : ""}[name].js`,
    comments: { legal: true, annotation: false, jsdoc: false },
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ name: (id) => parts.get(id) }],
    },
    plugins: [computedImports(), asciiFiles()],
  });
  const files = output.map(({ fileName }) => fileName);
  await compileEagerly(directory, files);
  const url = `${FOLDER}/url.js`;
  await Deno.writeTextFile(join(directory, url), urlEntry(files));
  return [...files, url].toSorted();
}

/** Installs the npm packages of the program. Returns the directory that contains `node_modules`. */
async function installPackages(): Promise<string> {
  const directory = join(ROOT, ".cache/bundle");
  await ensureDir(directory);
  const config = join(directory, "deno.json");
  const lock = { path: join(ROOT, "deno.lock"), frozen: true };
  await Deno.writeTextFile(config, JSON.stringify({ imports: manifest.imports, nodeModulesDir: "auto", lock }));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", "--config", config, ...LATE_MODULES.map((path) => join(ROOT, "src", path))],
    stdin: "null",
  }).output();
  if (success) return directory;
  throw new Error(`Cannot install the packages: ${new TextDecoder().decode(stderr).trim()}`);
}

/**
 * Finds npm packages in `node_modules` of a directory: `npm:marked@18.2.1` is the package `marked`.
 */
function npmPackages(directory: string): Plugin {
  return {
    name: "npm-packages",
    async resolveId(specifier) {
      const [, name, path = ""] = /^npm:(@?[^@]+)@[^/]+(\/.*)?$/.exec(specifier) ?? [];
      if (name !== undefined) return await this.resolve(name + path, join(directory, "package.json"));
    },
  };
}

/** Replaces `src/base/program_files.ts`: the bundle has other files, and needs no lock file. */
function programFiles(): Plugin {
  const loaders = LATE_MODULES.map((path) => `"${path}": () => import("../${path}")`);
  return {
    name: "program-files",
    load: {
      filter: { id: /\/src\/base\/program_files\.ts$/ },
      handler: () => `
        export const ENTRY = new URL("../${BUNDLE}", import.meta.url).href;
        export const LATE_DIRECTORY = new URL("./", import.meta.url).href;
        export const LOCK = undefined;
        const LOADERS = { ${loaders.join(", ")} };
        export const importModule = (path) => LOADERS[path]();
      `,
    },
  };
}

/** Assigns each module to a part of the bundle. */
function assignParts(parts: Map<string, string>): Plugin {
  return {
    name: "parts",
    buildEnd() {
      const assign = (id: string, part: string) => {
        if (parts.has(id)) return;
        parts.set(id, part);
        for (const imported of this.getModuleInfo(id)?.importedIds ?? []) assign(imported, part);
      };
      for (const [part, paths] of Object.entries(FIRST_PARTS)) for (const path of paths) assign(join(ROOT, path), part);
      for (const id of this.getModuleIds()) if (!parts.has(id)) parts.set(id, laterPart(relative(ROOT, id)));
      // The entry stays in its own file, because `import.meta.main` is true only there.
      parts.delete(join(ROOT, "src/main.ts"));
    },
  };
}

function laterPart(path: string): string {
  const [, kind] = /^src\/channels\/([^/]+)\//.exec(path) ?? [];
  return LATER_PARTS.find(([, pattern]) => pattern.test(path))?.[0] ?? kind ?? "more";
}

/**
 * Hides the paths in `import()` from Deno. Deno reads every file that it finds in a literal
 * `import()` when the program starts.
 */
function computedImports(): Plugin {
  return {
    name: "computed-imports",
    generateBundle(_, bundle) {
      const facades = removeFacades(bundle);
      for (const chunk of chunksOf(bundle)) {
        const code = chunk.code.replace(/\bimport\("(\.[^"]*\/)([^"/]+\.js)"\)/g, (_, folder, name) => {
          const { file, select } = facades.get(name) ?? { file: name, select: undefined };
          return `loadPart("${folder}${file}"${select === undefined ? "" : `, ${select}`})`;
        });
        if (code !== chunk.code) chunk.code = `${code}\n${LOAD_PART}`;
      }
    },
  };
}

/** The function that replaces `import()` in the bundle. */
const LOAD_PART = `function loadPart(path, select = (part) => part) {
	return import(path).then(select);
}
`;

/**
 * Escapes all characters outside of ASCII. V8 needs two bytes for each character of any other file.
 */
function asciiFiles(): Plugin {
  return {
    name: "ascii-files",
    generateBundle(_, bundle) {
      for (const chunk of chunksOf(bundle)) chunk.code = toAscii(chunk.code);
    },
  };
}

function chunksOf(bundle: OutputBundle): OutputChunk[] {
  return Object.values(bundle).filter((output) => output.type === "chunk");
}

/** A file of the bundle, and a function that selects the exports of one module from this file. */
interface Selection {
  readonly file: string;
  readonly select: string;
}

/**
 * Removes the files that only export names of another file. Returns the replacement of each file,
 * by its name.
 */
function removeFacades(bundle: OutputBundle): ReadonlyMap<string, Selection> {
  const facades = new Map<string, Selection>();
  for (const { fileName, code } of chunksOf(bundle)) {
    const [, names, file] = /^export \{ ([^}]+) \} from "\.\/([^"]+)";\s*$/.exec(code) ?? [];
    if (file === undefined) continue;
    const exports = names.split(", ").map((name) => name.split(" as ")).map(([from, to = from]) =>
      `${to}: part.${from}`
    );
    facades.set(basename(fileName), { file, select: `(part) => ({ ${exports.join(", ")} })` });
    delete bundle[fileName];
  }
  return facades;
}

/**
 * Returns the code of `url.js`. Its literal imports are never executed: Deno only downloads them.
 */
function urlEntry(files: readonly string[]): string {
  const parts = files.filter((file) => file !== BUNDLE).map((file) => `() => import("./${basename(file)}")`);
  return `import { main } from "../${BUNDLE}";
export const parts = [${parts.join(", ")}];
Deno.exit(await main(Deno.args));
`;
}
