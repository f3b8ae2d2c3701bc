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

const GOOD_IMPORTS: readonly (readonly [path: string, source: string])[] = [
  ["src/cli/commands/send.ts", `import { NotifierCore } from "../../notifier/core.ts";`],
  ["src/cli/main.ts", `import { parseArguments } from "./arguments.ts";`],
  ["src/cli/commands/queue.ts", `import { request } from "../../matrix/request.ts";`],
  ["src/cli/commands/demo.ts", `import { LoopbackHomeserver } from "../../testing/mod.ts";`],
  ["src/cli/main.ts", `import { denoRuntime, type Runtime } from "../runtime/runtime.ts";`],
  ["src/cli/command.ts", `import type { Runtime } from "../runtime/runtime.ts";`],
  [
    "src/notifier/core.ts",
    `import { Queue } from "../queue/queue.ts"; import { route } from "../routing/route.ts";`,
  ],
  ["src/notifier/background/main.ts", `import { denoRuntime } from "../../runtime/runtime.ts";`],
  ["src/notifier/core.ts", `import { denoRuntime } from "../runtime/runtime.ts";`],
  [
    "src/delivery/courier.ts",
    `import { Queue } from "../queue/queue.ts"; import { HttpError } from "../base/errors.ts";`,
  ],
  ["src/delivery/courier.ts", `import type { Channel } from "../channels/channel.ts";`],
  ["src/matrix/request.ts", `import { exchange } from "../runtime/http.ts"; import "../base/errors.ts";`],
  ["src/matrix/request.ts", `import type { Runtime } from "../runtime/runtime.ts";`],
  ["src/queue/queue.ts", `import { FileLock } from "../runtime/file_lock.ts"; import "../runtime/files.ts";`],
  ["src/channels/kind.ts", `type Clock = import("../runtime/runtime.ts").Runtime["now"];`],
  [
    "src/testing/server.ts",
    `import { parseJsonObject } from "../base/fields.ts"; import { Faults } from "./faults.ts";`,
  ],
  ["src/channels/matrix/channel.ts", `import "../../matrix/events.ts"; import "../../notification/render.ts";`],
  ["src/channels/message.ts", `const module: typeof import("../markup/html.ts") = load();`],
  ["src/ingest/http.ts", `import { Notifier } from "../notifier/notifier.ts";`],
  ["src/markup/html.ts", `import { parse } from "npm:parse5@8.0.1";`],
  ["src/markup/markdown.ts", `import { reduce } from "./html.ts";`],
  ["src/channels/email/smtp.ts", `import SMTPConnection from "npm:nodemailer@10.6.0/lib/smtp-connection";`],
  ["src/channels/email/smtp.ts", `import { createSecureContext } from "node:tls";`],
  ["src/cli/program_name.ts", `await import("node:process");`],
  ["src/base/version.ts", `import config from "../../deno.json" with { type: "json" };`],
  ["src/main.ts", `const { runDeliverer } = await import("./notifier/background/main.ts");`],
  [
    "mod.ts",
    `export { Notifier } from "./src/notifier/notifier.ts"; export { ConfigError } from "./src/base/errors.ts";`,
  ],
  ["mod.ts", `export type { Envelope } from "./src/channels/channel.ts";`],
  ["mod.ts", `export { type EntryState } from "./src/queue/entry.ts";`],
  ["mod.ts", `const { main } = await import("./src/main.ts");`],
  ["tests/cli/main_test.ts", `import { main } from "../../src/cli/main.ts"; import "jsr:@std/assert";`],
];

const BAD_IMPORTS: readonly (readonly [path: string, source: string])[] = [
  ["mod.ts", `import { main } from "./src/cli/main.ts";`],
  ["mod.ts", `await import("./src/cli/main.ts");`],
  ["mod.ts", `import { parseArguments } from "./src/cli/arguments.ts";`],
  ["mod.ts", `import { assert } from "@std/assert";`],
  ["mod.ts", `export { sendEvent } from "./src/matrix/events.ts";`],
  ["mod.ts", `export type { MatrixClient } from "./src/matrix/request.ts";`],
  ["mod.ts", `export type { Markup } from "./src/markup/markup.ts";`],
  ["mod.ts", `export { LoopbackHomeserver } from "./src/testing/mod.ts";`],
  ["mod.ts", `export { Queue } from "./src/queue/queue.ts";`],
  ["mod.ts", `export { CHANNEL_KINDS } from "./src/channels/registry.ts";`],
  ["mod.ts", `export * from "./src/delivery/classify.ts";`],
  ["mod.ts", `export { denoRuntime } from "./src/runtime/runtime.ts";`],
  ["src/notifier/notifier.ts", `import { main } from "../cli/main.ts";`],
  ["src/notifier/notifier.ts", `import type { Fault } from "../testing/faults.ts";`],
  ["src/matrix/rooms.ts", `import { Queue } from "../queue/queue.ts";`],
  ["src/matrix/rooms.ts", `import type { Queue } from "../queue/queue.ts";`],
  ["src/matrix/rooms.ts", `export * from "../channels/channel.ts";`],
  ["src/matrix/events.ts", `import type { Notification } from "../notification/notification.ts";`],
  ["src/matrix/events.ts", `type Said = import("../notification/notification.ts").Notification;`],
  ["src/matrix/request.ts", `import { denoRuntime } from "../runtime/runtime.ts";`],
  ["src/matrix/request.ts", `import type { Account } from "../accounts/account.ts";`],
  ["src/accounts/store.ts", `import { Channel } from "../channels/channel.ts";`],
  ["src/queue/queue.ts", `import { exchange } from "../runtime/http.ts";`],
  ["src/queue/queue.ts", `import type { HttpRuntime } from "../runtime/http.ts";`],
  ["src/queue/entry.ts", `import type { Notification } from "../notification/notification.ts";`],
  ["src/queue/entry.ts", `export type { Notification } from "../notification/notification.ts";`],
  ["src/queue/queue.ts", `export { request } from "../matrix/request.ts";`],
  ["src/queue/queue.ts", `import { Courier } from "../delivery/courier.ts";`],
  ["src/delivery/courier.ts", `import type { Plan } from "../routing/route.ts";`],
  ["src/delivery/courier.ts", `type Route = import("../routing/route.ts").Plan;`],
  ["src/delivery/courier.ts", `import { denoRuntime } from "../runtime/runtime.ts";`],
  ["src/runtime/http.ts", `import { denoRuntime } from "./runtime.ts";`],
  ["src/runtime/http.ts", `export * from "./runtime.ts";`],
  ["src/notifier/background/spawn.ts", `import { denoRuntime } from "../../runtime/runtime.ts";`],
  ["src/channels/kind.ts", `import * as runtime from "../runtime/runtime.ts";`],
  ["src/cli/commands/send.ts", `import { denoRuntime } from "../../runtime/runtime.ts";`],
  ["src/channels/matrix/channel.ts", `import { LoopbackHomeserver } from "../../testing/mod.ts";`],
  ["src/runtime/http.ts", `await import("../testing/mod.ts");`],
  ["src/channels/message.ts", `import { reduce } from "../markup/html.ts";`],
  ["src/channels/message.ts", `await import("../markup/html.ts");`],
  ["src/channels/email/channel.ts", `import nodemailer from "npm:nodemailer@10.6.0";`],
  ["src/channels/email/channel.ts", `await import("npm:nodemailer@7");`],
  ["src/channels/email/channel.ts", `import { sendMail } from "./smtp.ts";`],
  ["src/cli/login_methods.ts", `import { drawQrCode } from "./qr_code.ts";`],
  ["src/cli/main.ts", `import { encode } from "npm:uqr@0.1.3";`],
  ["src/config/load.ts", `import { Notifier } from "../notifier/notifier.ts";`],
  ["src/testing/server.ts", `import { Queue } from "../queue/queue.ts";`],
  ["src/notification/render.ts", `import { fakeRuntime } from "../../tests/fakes/runtime.ts";`],
  ["src/cli/main.ts", `import { parseArgs } from "jsr:@std/cli@^1.0.0/parse-args";`],
  ["src/cli/main.ts", `import { parseArgs } from "@std/cli/parse-args";`],
  ["src/runtime/files.ts", `import { open } from "node:fs";`],
  ["src/markup/html.ts", `import { parse } from "https://example.org/parse.ts";`],
  ["src/loose.ts", `import "./base/errors.ts";`],
  ["src/base/errors.ts", `import "../loose.ts";`],
  ["src/elsewhere/file.ts", `import "../base/errors.ts";`],
];

Deno.test("layers accepts all allowed imports", () => {
  for (const [place, source] of GOOD_IMPORTS) expectGood("layers", place, source);
});

Deno.test("layers reports each import that is not allowed, in every form", () => {
  for (const [place, source] of BAD_IMPORTS) expectBad("layers", place, source);
});

Deno.test("layers names both files", () => {
  const [message] = lint("layers", "src/matrix/rooms.ts", `import "../queue/queue.ts";`);
  assertStringIncludes(message, "src/matrix/rooms.ts must not import src/queue/queue.ts");
});

const AMBIENT: readonly (readonly [source: string, allowed: string])[] = [
  ["const at = Date.now();", "src/runtime/runtime.ts"],
  ["const { now = Date.now } = options;", "src/testing/server.ts"],
  ["const at = new Date();", "src/runtime/runtime.ts"],
  ["const at = Date();", "src/runtime/runtime.ts"],
  ["const x = Math.random();", "src/runtime/runtime.ts"],
  [`const x = Math["random"]();`, "src/runtime/runtime.ts"],
  ["await fetch(url);", "src/runtime/runtime.ts"],
  ["await globalThis.fetch(url);", "src/runtime/runtime.ts"],
  ["setTimeout(run, 5);", "src/testing/server.ts"],
  ["setInterval(run, 5);", "src/testing/server.ts"],
  ["const id = crypto.randomUUID();", "src/runtime/runtime.ts"],
  ["const signal = AbortSignal.timeout(5);", "src/runtime/runtime.ts"],
  [`Deno.env.get("A");`, "src/runtime/runtime.ts"],
  ["run(Deno.args);", "mod.ts"],
  ["Deno.exit(1);", "mod.ts"],
  ["console.error(1);", "src/runtime/runtime.ts"],
  ["Deno.readTextFileSync(path);", "src/config/load.ts"],
  ["Deno.openSync(path);", "src/runtime/files.ts"],
  ["Deno.listen({ port: 0 });", "src/testing/tcp_relay.ts"],
  ["Deno.serve(handle);", "src/server/http.ts"],
  ["new Deno.Command(path);", "src/notifier/background/spawn.ts"],
  ["Deno.addSignalListener(signal, stop);", "src/notifier/background/main.ts"],
  ["const isRoot = Deno.uid() === 0;", "src/runtime/runtime.ts"],
];

Deno.test("ambient reports each effect outside its place, and accepts it there and in tests", () => {
  for (const [source, allowed] of AMBIENT) {
    expectBad("ambient", "src/delivery/courier.ts", source);
    expectBad("ambient", "src/notification/render.ts", source);
    expectGood("ambient", allowed, source);
    expectGood("ambient", "tests/delivery/courier_test.ts", source);
  }
});

Deno.test("ambient reports effects in folders that do not need them", () => {
  expectBad("ambient", "src/notifier/background/spawn.ts", "Deno.writeTextFileSync(path, text);");
  expectBad("ambient", "src/notifier/background/main.ts", "Deno.writeTextFileSync(path, text);");
  expectGood("ambient", "src/runtime/file_lock.ts", "const file = Deno.openSync(path);");
  expectGood("ambient", "src/runtime/files.ts", "Deno.writeTextFileSync(path, text);");
  expectBad("ambient", "src/runtime/output.ts", "setTimeout(run, 5);");
});

Deno.test("ambient ignores names that only look like effects", () => {
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

Deno.test("error-message reports a lower-case letter at the beginning and a full stop at the end", () => {
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
      `new StorageError("io-error", "cannot write it")`,
    ]
  ) {
    expectBad("error-message", "src/config/load.ts", `throw ${expression};`);
    expectBad("error-message", "src/config/load.ts", `const fail = () => ${expression};`);
  }
});

Deno.test("error-message reports 'Cannot' without a state after a colon", () => {
  for (
    const expression of [
      `new ConfigError("Cannot read it")`,
      `new ConfigError("Cannot read it: ")`,
      `new ConfigError("Cannot read it, permission is denied", { cause })`,
      "new ConfigError(`Cannot read ${path}`)",
      "new ConfigError(`Cannot read ${path}:${line}`)",
      `new ConfigError("Cannot read " + path)`,
      `new ConfigError(missing ? "It is missing" : "Cannot read it")`,
      `new StorageError("io-error", "Cannot write it")`,
    ]
  ) expectBad("error-message", "src/config/load.ts", `throw ${expression};`);
});

Deno.test("error-message accepts well-formed and unknown messages", () => {
  for (
    const expression of [
      `new ConfigError("Cannot read it: permission is denied")`,
      "new ConfigError(`${path}: must be a number`)",
      "new ConfigError(`Cannot read ${path}: it ends with ${rest}`)",
      "new ConfigError(`Cannot read ${path}: ${state}`)",
      `new ConfigError("Cannot read it: " + state)`,
      `new StorageError("io-error", "Cannot write it: the disk broke")`,
      `new StorageError("io-error", "The disk broke")`,
      "new ResponseError(`${host} answered ${status}`)",
      `new TransportError("connect", message, { cause })`,
      "new ConfigError(describe(problem))",
      `new ConfigError(missing ? "Cannot read it: it is missing" : "It is empty", "see the manual.")`,
      `new Range("small letters")`,
      "new Error()",
    ]
  ) expectGood("error-message", "src/config/load.ts", `throw ${expression};`);
  expectGood(
    "error-message",
    "src/notifier/background/main.ts",
    "controller.abort(new Error(`stopped by ${signal}`));",
  );
  expectGood("error-message", "tests/a_test.ts", `throw new Error("no.");`);
});
