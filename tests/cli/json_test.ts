/** Compares docs/json.md with the output of the commands. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { main } from "../../src/cli/main.ts";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

const PAGE = Deno.readTextFileSync(new URL("../../docs/json.md", import.meta.url));

interface Field {
  readonly type: string;
  readonly isOptional: boolean;
}

/** The fields of each documented object, by the heading of the object. */
const OBJECTS = new Map(
  PAGE.split(/^##+ /m).slice(1).map((section): [string, Map<string, Field>] => {
    const [heading] = section.split("\n", 1);
    // The first table of a section lists the fields.
    const table = section.split(/\n\n/).find((part) => part.startsWith("| field")) ?? "";
    const rows = table.matchAll(/^\| `(\w+)` +\| ([^|]+?) +\|/gm);
    return [
      heading,
      new Map(Array.from(rows, ([, name, type]) => {
        return [name, { type: type.replace(", optional", ""), isOptional: type.endsWith(", optional") }];
      })),
    ];
  }),
);

/**
 * Asserts that an object has exactly the documented fields, and that the values have the documented
 * types.
 */
function assertDocumented(heading: string, object: Readonly<Record<string, unknown>>): void {
  const fields = OBJECTS.get(heading);
  assert(fields !== undefined && fields.size > 0, `docs/json.md has no fields for ${heading}`);
  for (const name of Object.keys(object)) {
    const field = fields.get(name);
    assert(field !== undefined, `docs/json.md does not list ${heading}.${name}`);
    assertType(`${heading}.${name}`, field.type, object[name]);
  }
  for (const [name, { isOptional }] of fields) {
    assert(isOptional || name in object, `${heading}.${name} is missing: ${JSON.stringify(object)}`);
  }
}

function assertType(what: string, type: string, value: unknown): void {
  if (type === "any") return;
  if (type.startsWith("list of ")) {
    assert(Array.isArray(value), what);
    for (const item of value) assertType(what, type.slice("list of ".length), item);
  } else if (type.startsWith("[")) {
    const anchor = /#([\w-]+)\)/.exec(type)?.[1];
    const heading = [...OBJECTS.keys()].find((name) => name.toLowerCase().replaceAll(" ", "-") === anchor) ?? "";
    assertDocumented(heading, value as Record<string, unknown>);
  } else if (type === "time") assertMatch(String(value), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$/, what);
  else assertEquals(typeof value, type === "text" ? "string" : type, what);
}

/** A homeserver, a directory and a clock for the tested command lines. */
class Desk implements AsyncDisposable {
  readonly directory = Deno.makeTempDirSync({ prefix: "json-" });
  readonly #homeserver: LoopbackHomeserver;
  readonly #env: Record<string, string>;
  #time: number | undefined;

  private constructor(homeserver: LoopbackHomeserver) {
    this.#homeserver = homeserver;
    const { userId, accessToken } = homeserver.addUser("bot");
    homeserver.addUser("alice");
    this.#env = {
      HOME: this.directory,
      MATRIX_HOMESERVER: homeserver.url,
      MATRIX_ACCESS_TOKEN: accessToken,
      MATRIX_ROOM: homeserver.createRoom({ members: [userId], alias: "#alerts:loopback.test" }),
      MATRIX_NOTIFY_STATE_DIR: `${this.directory}/state`,
    };
  }

  static async open(): Promise<Desk> {
    return new Desk(await LoopbackHomeserver.start());
  }

  get homeserver(): LoopbackHomeserver {
    return this.#homeserver;
  }

  /** Runs a command with `--json`, and compares each printed object with the documentation. */
  async run(
    argv: readonly string[],
    heading: string | ((object: Readonly<Record<string, unknown>>) => string),
    { stdin }: { readonly stdin?: string } = {},
  ): Promise<Readonly<Record<string, unknown>>[]> {
    using runtime = fakeRuntime({ env: this.#env, stdin, now: this.#time, realIds: true });
    await main(argv, runtime);
    this.#time = runtime.time;
    const objects = runtime.out().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    for (const object of objects) assertDocumented(typeof heading === "string" ? heading : heading(object), object);
    return objects;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#homeserver[Symbol.asyncDispose]();
    Deno.removeSync(this.directory, { recursive: true });
  }
}

Deno.test("docs/json.md describes the output of send, run, sendmail and the queue commands", async () => {
  await using desk = await Desk.open();
  const send = ["send", "--json", "--no-background"];
  const [delivered] = await desk.run([...send, "One", "Body"], "Outcome");
  assertEquals(delivered.state, "delivered");
  assertEquals((await desk.run(["run", "--json", "--", "true"], "Outcome")).length, 1);
  assertEquals((await desk.run(["sendmail", "--json", "-t"], "Outcome", { stdin: "Subject: Two\n\ntwo\n" })).length, 1);
  await Deno.writeTextFile(`${desk.directory}/report.txt`, "report");
  const planned = await desk.run(
    [
      ...[...send, "-n", "-p", "error", "-k", "disk", "-l", "https://example.org", "--mention", "@alice:loopback.test"],
      ...["--origin", "backup", "-a", `${desk.directory}/report.txt`, "Three", "three"],
    ],
    "Envelope",
  );
  assertEquals(planned.length, 1);

  assertEquals(await desk.run(["queue", "list", "--json"], "Entry"), []);
  await desk.homeserver.stop();
  const attach = ["-a", `${desk.directory}/report.txt`, "-k", "disk"];
  const [queued] = await desk.run([...send, ...attach, "Four", "four"], "Outcome");
  assert(queued.state === "queued" && queued.next !== undefined);
  await desk.run([...send, "Five", "five"], "Outcome");
  await desk.run(["status", "--json"], "Status");
  const entries = await desk.run(["queue", "list", "--json"], "Entry");
  assertEquals(entries.length, 3);
  assertEquals((await desk.run(["queue", "export"], "Entry")).length, 3);
  assertEquals((await desk.run(["queue", "show", "--json", String(queued.id)], "Entry")).length, 1);
  assertEquals((await desk.run(["queue", "retry", "--json", "--no-background", "--all"], "Outcome")).length, 3);
  assertEquals((await desk.run(["queue", "drop", "--json", String(queued.id)], "Dropped entry")).length, 1);
  assert((await desk.run(["queue", "purge", "--json", "--yes"], "Dropped entry")).length > 0);
  assertEquals(await desk.run(["queue", "purge", "--json", "--yes"], "Dropped entry"), []);
  await desk.homeserver.restart();
  await desk.run([...send, "--wait", "0", "Six", "six"], "Outcome");
  assertEquals((await desk.run(["flush", "--json", "--no-background"], "Outcome")).length, 1);
  assertEquals(await desk.run(["flush", "--json", "--no-background"], "Outcome"), []);
});

Deno.test("docs/json.md describes the entries of batches, fallbacks and dead letters", async () => {
  await using desk = await Desk.open();
  const write = (name: string, config: unknown) => {
    Deno.writeTextFileSync(`${desk.directory}/${name}.json`, JSON.stringify(config), { mode: 0o600 });
    return ["--config", `${desk.directory}/${name}.json`];
  };
  desk.homeserver.fault("too-large", { times: 1 });
  const [dead] = await desk.run(["send", "--json", "--no-background", "Zero", ""], "Outcome");
  assertEquals(dead.state, "dead");
  assertEquals((await desk.run(["queue", "list", "--json", "--dead"], "Entry"))[0].state, "dead");
  await desk.run(["queue", "purge", "--json", "--yes"], "Dropped entry");

  const send = ["send", "--json", "--no-background", "--wait", "0"];
  await desk.homeserver.stop();
  for (const subject of ["One", "Two", "Three"]) await desk.run([...send, subject, ""], "Outcome");
  const flush = ["flush", "--json", "--no-background", "--wait", "0"];
  await desk.run(flush, "Outcome");
  await desk.homeserver.restart();
  desk.homeserver.fault("503", { times: 1 });
  await desk.run([...flush, ...write("batch", { batch: { over: 2 } })], "Outcome");
  await desk.homeserver.stop();
  const [batch] = await desk.run(["queue", "list", "--json"], "Entry");
  assertEquals((batch.members as unknown[]).length, 3);
  assertEquals((await desk.run(["queue", "drop", "--json", String(batch.id)], "Dropped entry")).length, 3);

  const fallback = { channels: ["two"], after: "10m" };
  const channels = {
    matrix: { user: "@bot:loopback.test", room: "!a", fallback },
    two: { kind: "exec", command: ["/bin/true"] },
  };
  const config = write("fallback", { channels });
  await desk.run([...send, ...config, "Four", ""], "Outcome");
  const entries = await desk.run(["queue", "list", "--json", ...config], "Entry");
  assert(entries.some((entry) => entry.fallbackFor !== undefined));
  await desk.run(["queue", "purge", "--json", "--yes"], "Dropped entry");
});

Deno.test("docs/json.md describes the output of status, doctor, route and config", async () => {
  await using desk = await Desk.open();
  const [empty] = await desk.run(["status", "--json"], "Status");
  assertEquals(empty.queued, 0);
  assert((await desk.run(["doctor", "--json", "--send", "--no-background"], "Finding")).length > 5);
  const config = `${desk.directory}/config.json`;
  const one = { kind: "exec", command: ["/bin/true"], fallback: { channels: ["two"], after: "10m" } };
  const two = { kind: "exec", command: ["/bin/false"] };
  const routes = [{ when: { key: "mute" }, channels: [] }, { when: { key: "loud" }, severity: "critical" }];
  Deno.writeTextFileSync(config, JSON.stringify({ channels: { one, two }, routes }), {
    mode: 0o600,
  });
  const part = (object: Readonly<Record<string, unknown>>) =>
    "rule" in object ? "Rule" : "mutedBy" in object ? "Muted" : "Destination";
  const routed = await desk.run(["route", "explain", "--json", "--config", config, "-k", "loud", "Hot"], part);
  assertEquals(routed.map(part), ["Rule", "Rule", "Destination", "Destination", "Destination"]);
  const muted = await desk.run(["route", "explain", "--json", "--config", config, "-k", "mute", "Hum"], part);
  assertEquals(muted.map(part), ["Rule", "Rule", "Muted"]);
  assertEquals((await desk.run(["config", "check", "--json"], "Check")).length, 1);
  const [broken] = await desk.run(["config", "check", "--json", "--config", `${config}.none`], "Check");
  assertEquals((broken.problems as unknown[]).length, 1);
  assert((await desk.run(["config", "show", "--json"], "Value")).length > 3);
});

Deno.test("docs/json.md describes the output of setup and of the account and room commands", async () => {
  await using desk = await Desk.open();
  const user = "@bot:loopback.test";
  Deno.writeTextFileSync(`${desk.directory}/password`, "password-of-bot", { mode: 0o600 });
  const password = ["--homeserver", desk.homeserver.url, "--password-file", `${desk.directory}/password`];
  assertEquals((await desk.run(["login", "--json", "--no-background", user, ...password], "Account")).length, 1);
  assertEquals((await desk.run(["whoami", "--json"], "Account")).length, 2);
  assertEquals((await desk.run(["join", "--json", "#alerts:loopback.test"], "Joined room")).length, 1);
  const alice = ["--invite", "@alice:loopback.test"];
  assertEquals((await desk.run(["room", "create", "--json", "Doors", ...alice], "Joined room")).length, 1);
  assertEquals((await desk.run(["room", "list", "--json"], "Room")).length, 2);
  const [set] = await desk.run(
    [
      "setup",
      "--json",
      "--no-background",
      "--yes",
      "--channel",
      "doors",
      "--user",
      user,
      "--create-room",
      "Doors",
      ...alice,
      ...password,
    ],
    "Setup",
  );
  assert(set.test !== undefined);
  assertEquals((await desk.run(["logout", "--json", user], "Logout")).length, 1);
});

Deno.test("docs/json.md mentions every command that has the option --json", async () => {
  for (const { name, load } of COMMANDS) {
    const hasJson = (await load()).options.some((option) => option.name === "json");
    if (hasJson) assert(PAGE.includes(`\`${name}\``) || PAGE.includes(`\`${name} `), name);
  }
});

Deno.test("queue export prints a notification that it cannot read as it is", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "unreadable-" });
  const notification = { subject: "A", message: "", format: "text", severity: "info", silent: false, time: 1 };
  const lane = { channel: "ntfy", destination: "a" };
  const line = encodeRecord({ t: "enq", id: "id 1", time: 1e306, expires: 9e15, ...lane, notification });
  Deno.mkdirSync(`${directory}/queue`, { mode: 0o700 });
  Deno.writeFileSync(`${directory}/queue/queue.jsonl`, line, { mode: 0o600 });
  using runtime = fakeRuntime({ env: { HOME: directory, MATRIX_NOTIFY_STATE_DIR: directory } });
  for (
    const command of [["queue", "export"], ["queue", "list", "--json"], ["queue", "list"], ["queue", "show", "id 1"]]
  ) {
    assertEquals(await main(command, runtime), 0, runtime.err());
  }
  const [exported] = runtime.out().split("\n");
  assertEquals(JSON.parse(exported).notification, notification);
  Deno.removeSync(directory, { recursive: true });
});
