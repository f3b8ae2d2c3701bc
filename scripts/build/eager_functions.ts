/**
 * Prepares the functions of a plain `send` for the code cache of Deno.
 *
 * The cache contains the functions that V8 compiles when it loads a file. V8 compiles most
 * functions later, at their first call. It compiles a function in parentheses when it loads the
 * file (https://v8.dev/blog/preparser#pife). So the build runs `send`, and puts the functions that
 * ran into parentheses. A method of an object becomes a function in parentheses. V8 has no such
 * rule for methods of classes, so they stay as they are.
 *
 * @module
 */

import { join, toFileUrl } from "@std/path";
import { parseSync, Visitor } from "npm:rolldown@1.3.3/utils";
import { BUNDLE } from "./bundle_files.ts";

/** The place of a function in the code of its file, in UTF-16 code units. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** Changes files of a bundle. `files` are relative to the directory. */
export async function compileEagerly(directory: string, files: readonly string[]): Promise<void> {
  const functions = await functionsOfSend(directory);
  for (const file of files) {
    const path = join(directory, file);
    const ran = functions.get(toFileUrl(path).href);
    if (ran !== undefined) await Deno.writeTextFile(path, withParentheses(await Deno.readTextFile(path), ran));
  }
}

/**
 * Runs a plain `send` twice: the first one creates the queue, the second one reads it.
 *
 * @returns the functions that ran, by the URL of their file
 * @throws {Error} if `send` fails
 */
async function functionsOfSend(directory: string): Promise<ReadonlyMap<string, readonly Range[]>> {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  await using server = Deno.serve(options, () => Response.json({ event_id: "$event:example.org" }));
  const home = await Deno.makeTempDir();
  try {
    const env = {
      HOME: home,
      MATRIX_ACCESS_TOKEN: "synapse-token",
      MATRIX_HOMESERVER: `http://127.0.0.1:${server.addr.port}`,
      MATRIX_NOTIFY_STATE_DIR: join(home, "state"),
      MATRIX_ROOM: "!room:example.org",
    };
    const flags = ["-A", "--quiet", "--no-config", `--coverage=${home}/coverage`];
    for (const subject of ["First", "Second"]) {
      const args = ["run", ...flags, join(directory, BUNDLE), "send", subject, "Body"];
      const command = new Deno.Command(Deno.execPath(), { args, env, clearEnv: true, stdin: "null" });
      const { success, stderr } = await command.output();
      if (!success) throw new Error(`Cannot run send of the bundle: ${new TextDecoder().decode(stderr).trim()}`);
    }
    return readCoverage(join(home, "coverage"));
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** The parts of V8's coverage of a file that are used here. */
interface ScriptCoverage {
  readonly url: string;
  /** The first range is the whole function. */
  readonly functions: readonly {
    readonly ranges: readonly { startOffset: number; endOffset: number; count: number }[];
  }[];
}

function readCoverage(directory: string): ReadonlyMap<string, readonly Range[]> {
  const functions = new Map<string, Range[]>();
  for (const { name } of Deno.readDirSync(directory)) {
    const script: ScriptCoverage = JSON.parse(Deno.readTextFileSync(join(directory, name)));
    const ran = script.functions.map(({ ranges }) => ranges[0]).filter(({ count }) => count > 0);
    const known = functions.get(script.url) ?? [];
    functions.set(script.url, [...known, ...ran.map((range) => ({ start: range.startOffset, end: range.endOffset }))]);
  }
  return functions;
}

/**
 * Puts functions in parentheses. Declared functions become variables at the top of the file, so
 * that they exist before other code runs.
 *
 * @param ran the functions that ran; methods of classes among them are ignored
 */
function withParentheses(code: string, ran: readonly Range[]): string {
  const ranges = new Set(ran.map(({ start, end }) => `${start}-${end}`));
  const { program } = parseSync("bundle.js", code);
  const parentheses: (readonly [at: number, text: string])[] = [];
  new Visitor({
    ArrowFunctionExpression({ start, end }) {
      if (ranges.has(`${start}-${end}`)) parentheses.push([start, "("], [end, ")"]);
    },
    // `read(fields) {}` becomes `read: (function(fields) {})`.
    Property({ start, end, method, value }) {
      if (!method || value.type !== "FunctionExpression" || value.async || value.generator) return;
      if (ranges.has(`${start}-${end}`)) parentheses.push([value.start, ": (function"], [end, ")"]);
    },
  }).visit(program);
  parentheses.sort(([one], [other]) => one - other);
  const textOf = ({ start, end }: Range) => insert(code, parentheses, { start, end });
  const variables: string[] = [];
  let [rest, at] = ["", 0];
  for (const node of program.body) {
    if (node.type !== "FunctionDeclaration" || !ranges.has(`${node.start}-${node.end}`)) continue;
    variables.push(`var ${node.id?.name} = (${textOf(node)});\n`);
    rest += textOf({ start: at, end: node.start });
    at = node.end;
  }
  return variables.join("") + rest + textOf({ start: at, end: code.length });
}

/**
 * Returns a part of the code with texts inserted. The texts are sorted by their place in the code.
 */
function insert(code: string, texts: readonly (readonly [at: number, text: string])[], { start, end }: Range): string {
  let [result, at] = ["", start];
  for (const [place, text] of texts.filter(([place]) => place >= start && place < end)) {
    result += code.slice(at, place) + text;
    at = place;
  }
  return result + code.slice(at, end);
}
