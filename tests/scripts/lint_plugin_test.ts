import { assertEquals, assertStringIncludes } from "@std/assert";
import plugin from "../../scripts/lint_plugin.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Returns what one rule says of a source at a place of the repository. */
function lint(rule: string, place: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, `${ROOT}${place}`, source)
    .filter(({ id }) => id === `house/${rule}`)
    .map(({ message }) => message);
}

function expectGood(rule: string, place: string, source: string): void {
  assertEquals(lint(rule, place, source), [], `${place}: ${source}`);
}

function expectBad(rule: string, place: string, source: string): void {
  assertEquals(lint(rule, place, source).length, 1, `${place}: ${source}`);
}

const GOOD_IMPORTS: readonly (readonly [place: string, source: string])[] = [
  ["src/cli/commands/send.ts", `import { Notifier } from "../../notifier.ts";`],
  ["src/cli/args.ts", `import { parseArgs } from "../deps.ts";`],
  ["src/cli/queue.ts", `import type { Entry } from "../queue/entry.ts";`],
  ["src/cli/queue.ts", `import { type Entry, type State } from "../queue/entry.ts";`],
  ["src/cli/demo.ts", `import { LoopbackHomeserver } from "../testing/mod.ts";`],
  ["src/notifier.ts", `import { Queue } from "./queue/queue.ts"; import { runDeliverer } from "./deliverer.ts";`],
  [
    "src/notifier.ts",
    `import { Courier } from "./delivery/courier.ts"; import { route } from "./channels/routing.ts";`,
  ],
  ["src/delivery/courier.ts", `import { Queue } from "../queue/queue.ts"; import { HttpError } from "../errors.ts";`],
  ["src/delivery/courier.ts", `import type { Channel } from "../channels/channel.ts";`],
  ["src/channels/matrix.ts", `import { sendEvent } from "../matrix/events.ts"; import "../render.ts";`],
  ["src/channels/message.ts", `const module: typeof import("../markup/html.ts") = load();`],
  ["src/config/config.ts", `import { CHANNELS } from "../channels/registry.ts";`],
  ["src/ingest/http.ts", `import { Notifier } from "../notifier.ts";`],
  ["src/markup/html.ts", `import { parse } from "npm:parse5@8.0.1";`],
  ["src/markup/markdown.ts", `import { reduce } from "./html.ts";`],
  ["src/deps.ts", `export { parseArgs } from "jsr:@std/cli@^1.0.0/parse-args";`],
  ["src/version.ts", `import config from "../deno.json" with { type: "json" };`],
  ["src/render.ts", `export type { Notification } from "./notification.ts";`],
  ["mod.ts", `export { Notifier } from "./src/notifier.ts";`],
  ["mod.ts", `await import(new URL("./src/cli/main.ts", import.meta.url).href);`],
  ["tests/cli/main_test.ts", `import { main } from "../../src/cli/main.ts"; import "jsr:@std/assert";`],
];

const BAD_IMPORTS: readonly (readonly [place: string, source: string])[] = [
  ["mod.ts", `import { main } from "./src/cli/main.ts";`],
  ["mod.ts", `await import("./src/cli/main.ts");`],
  ["mod.ts", `import { parseArgs } from "./src/deps.ts";`],
  ["mod.ts", `import { assert } from "@std/assert";`],
  ["src/notifier.ts", `import { main } from "./cli/main.ts";`],
  ["src/notifier.ts", `import { parseArgs } from "./deps.ts";`],
  ["src/notifier.ts", `import type { Fault } from "./testing/faults.ts";`],
  ["src/matrix/rooms.ts", `import { Queue } from "../queue/queue.ts";`],
  ["src/matrix/rooms.ts", `import type { Queue } from "../queue/queue.ts";`],
  ["src/matrix/rooms.ts", `export * from "../channels/matrix.ts";`],
  ["src/queue/queue.ts", `export { request } from "../matrix/request.ts";`],
  ["src/queue/queue.ts", `import { Courier } from "../delivery/courier.ts";`],
  ["src/delivery/courier.ts", `import { Channel } from "../channels/channel.ts";`],
  ["src/delivery/courier.ts", `import { type Channel, open } from "../channels/channel.ts";`],
  ["src/delivery/courier.ts", `import type { Route } from "../channels/routing.ts";`],
  ["src/delivery/courier.ts", `type Route = import("../channels/routing.ts").Route;`],
  ["src/channels/matrix.ts", `import { Queue } from "../queue/queue.ts";`],
  ["src/channels/message.ts", `import { reduce } from "../markup/html.ts";`],
  ["src/channels/message.ts", `await import("../markup/html.ts");`],
  ["src/config/load.ts", `import { Notifier } from "../notifier.ts";`],
  ["src/ingest/http.ts", `import { Queue } from "../queue/queue.ts";`],
  ["src/testing/server.ts", `import { Queue } from "../queue/queue.ts";`],
  ["src/cli/queue.ts", `import { Queue } from "../queue/queue.ts";`],
  ["src/cli/queue.ts", `import { request } from "../matrix/request.ts";`],
  ["src/render.ts", `import { Notifier } from "./notifier.ts";`],
  ["src/render.ts", `import { Queue } from "./queue/queue.ts";`],
  ["src/render.ts", `import { fakeRuntime } from "../tests/fakes/runtime.ts";`],
  ["src/cli/args.ts", `import { parseArgs } from "jsr:@std/cli@^1.0.0/parse-args";`],
  ["src/cli/args.ts", `import { parseArgs } from "@std/cli/parse-args";`],
  ["src/queue/files.ts", `import { open } from "node:fs";`],
  ["src/channels/email.ts", `import nodemailer from "npm:nodemailer@7";`],
  ["src/channels/email.ts", `await import("npm:nodemailer@7");`],
  ["src/markup/html.ts", `import { parse } from "https://example.org/parse.ts";`],
];

Deno.test("layers lets through whatever MAY_IMPORT allows", () => {
  for (const [place, source] of GOOD_IMPORTS) expectGood("layers", place, source);
});

Deno.test("layers refuses each import across the layers, in whichever form", () => {
  for (const [place, source] of BAD_IMPORTS) expectBad("layers", place, source);
});

Deno.test("layers names both files", () => {
  const [message] = lint("layers", "src/matrix/rooms.ts", `import "../queue/queue.ts";`);
  assertStringIncludes(message, "src/matrix/rooms.ts must not import src/queue/queue.ts");
});

const AMBIENT: readonly (readonly [source: string, allowed: string])[] = [
  ["const at = Date.now();", "src/runtime.ts"],
  ["const { now = Date.now } = options;", "src/testing/server.ts"],
  ["const at = new Date();", "src/runtime.ts"],
  ["const at = Date();", "src/runtime.ts"],
  ["const x = Math.random();", "src/runtime.ts"],
  [`const x = Math["random"]();`, "src/runtime.ts"],
  ["await fetch(url);", "src/runtime.ts"],
  ["await globalThis.fetch(url);", "src/runtime.ts"],
  ["setTimeout(run, 5);", "src/testing/server.ts"],
  ["setInterval(run, 5);", "src/runtime.ts"],
  ["const id = crypto.randomUUID();", "src/runtime.ts"],
  ["const signal = AbortSignal.timeout(5);", "src/runtime.ts"],
  [`Deno.env.get("A");`, "src/runtime.ts"],
  ["run(Deno.args);", "mod.ts"],
  ["Deno.exit(1);", "mod.ts"],
  ["console.error(1);", "src/runtime.ts"],
  ["Deno.readTextFileSync(path);", "src/config/load.ts"],
  ["Deno.openSync(path);", "src/queue/files.ts"],
  ["Deno.listen({ port: 0 });", "src/testing/front.ts"],
  ["Deno.serve(handle);", "src/ingest/http.ts"],
  ["new Deno.Command(path);", "src/background.ts"],
  ["Deno.addSignalListener(signal, stop);", "src/deliverer.ts"],
];

Deno.test("ambient refuses each effect outside its place, and allows it there and in tests", () => {
  for (const [source, allowed] of AMBIENT) {
    expectBad("ambient", "src/delivery/courier.ts", source);
    expectBad("ambient", "src/render.ts", source);
    expectGood("ambient", allowed, source);
    expectGood("ambient", "tests/delivery/courier_test.ts", source);
  }
});

Deno.test("ambient leaves alone what only looks alike", () => {
  for (
    const source of [
      "const at = new Date(runtime.now());",
      "await runtime.fetch(url, {});",
      "if (error instanceof Deno.errors.NotFound) stop();",
      "const x = Math.max(1, 2); const id = runtime.uuid();",
      "const file: Deno.FsFile = open(); const log = logger.console;",
      "const timers = { setTimeout: 1 }; timers.constructor;",
    ]
  ) expectGood("ambient", "src/delivery/courier.ts", source);
});

Deno.test("error-message refuses a small letter at the beginning and a full stop at the end", () => {
  for (
    const expression of [
      `new ConfigError("cannot read it")`,
      `new ConfigError("Cannot read it.")`,
      `new ConfigError("Cannot read it!", { cause })`,
      "new ConfigError(`cannot read ${path}`)",
      "new ConfigError(`Cannot read ${path}.`)",
      `new ConfigError("cannot read " + path)`,
      `new ConfigError(missing ? "Cannot read it" : "wrong")`,
      `new QueueError("io", "cannot write it")`,
    ]
  ) {
    expectBad("error-message", "src/config/load.ts", `throw ${expression};`);
    expectBad("error-message", "src/config/load.ts", `const fail = () => ${expression};`);
  }
});

Deno.test("error-message lets through sentences as they should be, and what it cannot know", () => {
  for (
    const expression of [
      `new ConfigError("Cannot read it: permission is denied")`,
      "new ConfigError(`${path}: must be a number`)",
      "new ConfigError(`Cannot read ${path}: it ends with ${rest}`)",
      `new QueueError("io", "Cannot write it")`,
      `new TransportError("connect", message, { cause })`,
      "new ConfigError(describe(problem))",
      `new ConfigError(missing ? "Cannot read it" : "Cannot use it", "see the manual.")`,
      `new Range("small letters")`,
      "new Error()",
    ]
  ) expectGood("error-message", "src/config/load.ts", `throw ${expression};`);
  expectGood("error-message", "src/deliverer.ts", "controller.abort(new Error(`stopped by ${signal}`));");
  expectGood("error-message", "tests/a_test.ts", `throw new Error("no.");`);
});
