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
  ["src/cli/queue.ts", `import { request } from "../matrix/request.ts";`],
  ["src/cli/matrix_client.ts", `import { clientField } from "../channels/matrix_client.ts";`],
  ["src/cli/queue.ts", `import type { Entry } from "../queue/entry.ts";`],
  ["src/cli/queue.ts", `import { type Entry, type State } from "../queue/entry.ts";`],
  ["src/cli/commands/demo.ts", `import { LoopbackHomeserver } from "../../testing/mod.ts";`],
  ["src/cli/main.ts", `import { denoRuntime, type Runtime } from "../runtime.ts";`],
  ["src/cli/command.ts", `import type { Runtime } from "../runtime.ts";`],
  ["src/notifier.ts", `import { Queue } from "./queue/queue.ts"; import { runDeliverer } from "./deliverer.ts";`],
  ["src/notifier.ts", `import { denoRuntime, type Runtime } from "./runtime.ts";`],
  ["src/deliverer.ts", `import { denoRuntime } from "./runtime.ts";`],
  ["src/send.ts", `import { denoRuntime } from "./runtime.ts";`],
  ["src/report.ts", `import type { Runtime } from "./runtime.ts";`],
  [
    "src/notifier.ts",
    `import { Courier } from "./delivery/courier.ts"; import { route } from "./channels/routing.ts";`,
  ],
  ["src/delivery/courier.ts", `import { Queue } from "../queue/queue.ts"; import { HttpError } from "../errors.ts";`],
  ["src/delivery/courier.ts", `import type { Channel } from "../channels/channel.ts";`],
  ["src/matrix/rooms.ts", `import { request } from "./request.ts"; import { MatrixError } from "./errors.ts";`],
  ["src/matrix/request.ts", `import { exchange } from "../http.ts"; import { ResponseError } from "../errors.ts";`],
  ["src/matrix/request.ts", `import type { Runtime } from "../runtime.ts";`],
  ["src/queue/record.ts", `import { crc32 } from "../crc32.ts"; import { QueueError } from "../errors.ts";`],
  ["src/queue/queue.ts", `import { Journal } from "./journal.ts"; import { type Runtime } from "../runtime.ts";`],
  ["src/http.ts", `import { TransportError } from "./errors.ts"; import type { Runtime } from "./runtime.ts";`],
  ["src/channels/kind.ts", `type Clock = import("../runtime.ts").Runtime["now"];`],
  ["src/testing/server.ts", `import { parseJsonObject } from "../http.ts"; import { Faults } from "./faults.ts";`],
  ["src/channels/matrix.ts", `import { sendEvent } from "../matrix/events.ts"; import "../render.ts";`],
  ["src/channels/message.ts", `const module: typeof import("../markup/html.ts") = load();`],
  ["src/config/config.ts", `import { CHANNELS } from "../channels/registry.ts";`],
  ["src/ingest/http.ts", `import { Notifier } from "../notifier.ts";`],
  ["src/markup/html.ts", `import { parse } from "npm:parse5@8.0.1";`],
  ["src/channels/smtp.ts", `import SMTPConnection from "npm:nodemailer@10.6.0/lib/smtp-connection";`],
  ["src/cli/qr_code.ts", `import { encode } from "npm:uqr@0.1.3";`],
  ["src/markup/markdown.ts", `import { reduce } from "./html.ts";`],
  ["src/deps.ts", `export { parseArgs } from "jsr:@std/cli@^1.0.0/parse-args";`],
  ["src/version.ts", `import config from "../deno.json" with { type: "json" };`],
  ["src/render.ts", `export type { Notification } from "./notification.ts";`],
  ["mod.ts", `export { Notifier } from "./src/notifier.ts"; export { QueueError } from "./src/errors.ts";`],
  ["mod.ts", `export type { Envelope } from "./src/channels/channel.ts";`],
  ["mod.ts", `export { type EntryState } from "./src/queue/entry.ts";`],
  ["mod.ts", `export type { Runtime } from "./src/runtime.ts";`],
  ["mod.ts", `const { runDeliverer } = await import("./src/deliverer.ts");`],
  ["mod.ts", `await import(new URL("./src/cli/main.ts", import.meta.url).href);`],
  ["tests/cli/main_test.ts", `import { main } from "../../src/cli/main.ts"; import "jsr:@std/assert";`],
];

const BAD_IMPORTS: readonly (readonly [place: string, source: string])[] = [
  ["src/cli/queue.ts", `import { clientField } from "../channels/matrix_client.ts";`],
  ["mod.ts", `import { main } from "./src/cli/main.ts";`],
  ["mod.ts", `await import("./src/cli/main.ts");`],
  ["mod.ts", `import { parseArgs } from "./src/deps.ts";`],
  ["mod.ts", `import { assert } from "@std/assert";`],
  ["mod.ts", `export { sendEvent } from "./src/matrix/events.ts";`],
  ["mod.ts", `export type { MatrixClient } from "./src/matrix/request.ts";`],
  ["mod.ts", `export type { Markup } from "./src/markup/markup.ts";`],
  ["mod.ts", `export { LoopbackHomeserver } from "./src/testing/mod.ts";`],
  ["mod.ts", `export type { Fault } from "./src/testing/faults.ts";`],
  ["mod.ts", `export { Queue } from "./src/queue/queue.ts";`],
  ["mod.ts", `export { CHANNEL_KINDS } from "./src/channels/registry.ts";`],
  ["mod.ts", `export * from "./src/delivery/classify.ts";`],
  ["mod.ts", `export { denoRuntime } from "./src/runtime.ts";`],
  ["src/notifier.ts", `import { main } from "./cli/main.ts";`],
  ["src/notifier.ts", `import { parseArgs } from "./deps.ts";`],
  ["src/notifier.ts", `import type { Fault } from "./testing/faults.ts";`],
  ["src/matrix/rooms.ts", `import { Queue } from "../queue/queue.ts";`],
  ["src/matrix/rooms.ts", `import type { Queue } from "../queue/queue.ts";`],
  ["src/matrix/rooms.ts", `export * from "../channels/matrix.ts";`],
  ["src/matrix/events.ts", `import { createNotification } from "../notification.ts";`],
  ["src/matrix/events.ts", `import type { Notification } from "../notification.ts";`],
  ["src/matrix/events.ts", `import { renderPlain } from "../render.ts";`],
  ["src/matrix/events.ts", `import type { RenderOptions } from "../render.ts";`],
  ["src/matrix/events.ts", `type Said = import("../notification.ts").Notification;`],
  ["src/matrix/request.ts", `import { denoRuntime } from "../runtime.ts";`],
  ["src/matrix/request.ts", `import { Secret } from "../secret.ts";`],
  ["src/accounts/store.ts", `import { Queue } from "../queue/queue.ts";`],
  ["src/channels/matrix.ts", `import { openSession } from "../accounts/session.ts";`],
  ["src/matrix/request.ts", `import type { Account } from "../accounts/account.ts";`],
  ["src/queue/queue.ts", `import { exchange } from "../http.ts";`],
  ["src/queue/queue.ts", `import type { HttpRuntime } from "../http.ts";`],
  ["src/queue/entry.ts", `import { DEFAULT_TTL_MS } from "../notification.ts";`],
  ["src/queue/entry.ts", `import type { Notification } from "../notification.ts";`],
  ["src/queue/entry.ts", `export type { Notification } from "../notification.ts";`],
  ["src/queue/lock.ts", `import { denoRuntime, type Runtime } from "../runtime.ts";`],
  ["src/queue/queue.ts", `export { request } from "../matrix/request.ts";`],
  ["src/queue/queue.ts", `import { Courier } from "../delivery/courier.ts";`],
  ["src/delivery/courier.ts", `import { Channel } from "../channels/channel.ts";`],
  ["src/delivery/courier.ts", `import { type Channel, open } from "../channels/channel.ts";`],
  ["src/delivery/courier.ts", `import type { Route } from "../channels/routing.ts";`],
  ["src/delivery/courier.ts", `type Route = import("../channels/routing.ts").Route;`],
  ["src/delivery/courier.ts", `import { CHANNEL_KINDS } from "../channels/registry.ts";`],
  ["src/delivery/courier.ts", `await import("../channels/channel.ts");`],
  ["src/delivery/courier.ts", `import { denoRuntime } from "../runtime.ts";`],
  ["src/http.ts", `import { denoRuntime } from "./runtime.ts";`],
  ["src/http.ts", `export * from "./runtime.ts";`],
  ["src/background.ts", `import { denoRuntime } from "./runtime.ts";`],
  ["src/report.ts", `import { denoRuntime } from "./runtime.ts";`],
  ["src/channels/kind.ts", `import * as runtime from "../runtime.ts";`],
  ["src/config/load.ts", `import { denoRuntime } from "../runtime.ts";`],
  ["src/testing/server.ts", `import { denoRuntime } from "../runtime.ts";`],
  ["src/cli/commands/send.ts", `import { denoRuntime } from "../../runtime.ts";`],
  ["src/cli/commands/send.ts", `import { LoopbackHomeserver } from "../../testing/mod.ts";`],
  ["src/cli/main.ts", `import type { Fault } from "../testing/faults.ts";`],
  ["src/channels/matrix.ts", `import { LoopbackHomeserver } from "../testing/mod.ts";`],
  ["src/http.ts", `await import("./testing/mod.ts");`],
  ["src/channels/matrix.ts", `import { Queue } from "../queue/queue.ts";`],
  ["src/channels/message.ts", `import { reduce } from "../markup/html.ts";`],
  ["src/channels/message.ts", `await import("../markup/html.ts");`],
  ["src/channels/email.ts", `import nodemailer from "npm:nodemailer@10.6.0";`],
  ["src/channels/email.ts", `import { sendMail } from "./smtp.ts";`],
  ["src/cli/device_prompt.ts", `import { drawQrCode } from "./qr_code.ts";`],
  ["src/cli/send.ts", `import nodemailer from "npm:nodemailer@7";`],
  ["src/config/load.ts", `import { Notifier } from "../notifier.ts";`],
  ["src/ingest/http.ts", `import { Queue } from "../queue/queue.ts";`],
  ["src/testing/server.ts", `import { Queue } from "../queue/queue.ts";`],
  ["src/cli/queue.ts", `import { Queue } from "../queue/queue.ts";`],
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

Deno.test("layers lets through whatever is permitted", () => {
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
  ["const isRoot = Deno.uid() === 0;", "src/runtime.ts"],
];

Deno.test("ambient refuses each effect outside its place, and allows it there and in tests", () => {
  for (const [source, allowed] of AMBIENT) {
    expectBad("ambient", "src/delivery/courier.ts", source);
    expectBad("ambient", "src/render.ts", source);
    expectGood("ambient", allowed, source);
    expectGood("ambient", "tests/delivery/courier_test.ts", source);
  }
});

Deno.test("ambient keeps effects out of where they are not needed", () => {
  expectBad("ambient", "src/runtime.ts", "Deno.readTextFileSync(path);");
  expectBad("ambient", "src/background.ts", "Deno.writeTextFileSync(path, text);");
  expectBad("ambient", "src/deliverer.ts", "Deno.writeTextFileSync(path, text);");
  expectBad("ambient", "src/queue/lock.ts", "const owner = Deno.pid;");
  expectGood("ambient", "src/queue/lock.ts", "const file = Deno.openSync(path);");
  expectGood("ambient", "src/log.ts", "Deno.writeTextFileSync(path, text);");
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
      `new ConfigError("It is empty.")`,
      `new ConfigError("It is empty!", { cause })`,
      `new ConfigError("Cannot read it: it is empty.")`,
      "new ConfigError(`cannot read ${path}`)",
      "new ConfigError(`No token is in ${path}.`)",
      `new ConfigError("cannot read " + path)`,
      `new ConfigError(missing ? "It is missing" : "wrong")`,
      `new QueueError("io", "cannot write it")`,
    ]
  ) {
    expectBad("error-message", "src/config/load.ts", `throw ${expression};`);
    expectBad("error-message", "src/config/load.ts", `const fail = () => ${expression};`);
  }
});

Deno.test("error-message refuses to say what cannot be done without the state after a colon", () => {
  for (
    const expression of [
      `new ConfigError("Cannot read it")`,
      `new ConfigError("Cannot read it: ")`,
      `new ConfigError("Cannot read it, permission is denied", { cause })`,
      "new ConfigError(`Cannot read ${path}`)",
      "new ConfigError(`Cannot read ${path}:${line}`)",
      `new ConfigError("Cannot read " + path)`,
      `new ConfigError(missing ? "It is missing" : "Cannot read it")`,
      `new QueueError("io", "Cannot write it")`,
    ]
  ) expectBad("error-message", "src/config/load.ts", `throw ${expression};`);
});

Deno.test("error-message lets through sentences as they should be, and what it cannot know", () => {
  for (
    const expression of [
      `new ConfigError("Cannot read it: permission is denied")`,
      "new ConfigError(`${path}: must be a number`)",
      "new ConfigError(`Cannot read ${path}: it ends with ${rest}`)",
      "new ConfigError(`Cannot read ${path}: ${state}`)",
      `new ConfigError("Cannot read it: " + state)`,
      `new QueueError("io", "Cannot write it: the disk broke")`,
      `new QueueError("io", "The disk broke")`,
      "new ResponseError(`${host} answered ${status}`)",
      `new TransportError("connect", message, { cause })`,
      "new ConfigError(describe(problem))",
      `new ConfigError(missing ? "Cannot read it: it is missing" : "It is empty", "see the manual.")`,
      `new Range("small letters")`,
      "new Error()",
    ]
  ) expectGood("error-message", "src/config/load.ts", `throw ${expression};`);
  expectGood("error-message", "src/deliverer.ts", "controller.abort(new Error(`stopped by ${signal}`));");
  expectGood("error-message", "tests/a_test.ts", `throw new Error("no.");`);
});
