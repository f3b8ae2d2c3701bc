/**
 * Runs the scripts for RouterOS that `setup router` prints, in the interpreter of `routeros.ts`.
 * Their requests go to a real `serve`, with the bytes that `/tool/fetch` sends.
 */

import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { checkScript, type Router, runScript } from "./routeros.ts";
import { type CommandArguments, isTable, table, toText, UNSERIALIZABLE, type Value } from "./routeros_values.ts";
import { type RouterStage, setRouterStage } from "./stage.ts";

/** A router that ran the printed text. */
interface TestRouter extends Router {
  /** Runs commands, as in a terminal of the router. */
  run(commands: string): Promise<Value>;
  /** The names of the schedulers, with what they run. */
  readonly schedulers: Map<string, string>;
  /** The bodies of the requests that the host answered with 202. */
  readonly accepted: string[];
  /** Called before each request; it can throw the error of `/tool/fetch`, or lose the answer. */
  onFetch?: () => Promise<"lose the answer" | void> | void;
}

/**
 * Sends what `/tool/fetch` of the manual sends, and throws an error for a status that is not 2xx.
 */
async function fetchAsRouter({ named }: CommandArguments, port: number): Promise<string> {
  const url = new URL(toText(named.get("url"))), data = toText(named.get("http-data"));
  const fields = named.get("http-header-field");
  const headers = fields !== undefined && isTable(fields) ? fields.list.map(toText) : toText(fields).split(",");
  const hasType = headers.some((header) => header.startsWith("Content-Type:"));
  assertEquals([named.get("http-method"), named.get("output"), url.port], ["post", "none", `${port}`]);
  const head = [
    `POST ${url.pathname}${url.search} HTTP/1.1`,
    ...[`Host: ${url.host}`, "User-Agent: RouterOS 7.21", "Accept-Encoding: deflate, gzip"],
    ...headers,
    ...hasType ? [] : ["Content-Type: application/x-www-form-urlencoded"],
    ...[`Content-Length: ${data.length}`, "Connection: close", "", ""],
  ].join("\r\n");
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const bytes = Uint8Array.from(head + data, (unit) => unit.charCodeAt(0));
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  const answer = await new Response(connection.readable).text().catch(() => "");
  const [, status] = /^HTTP\/1\.1 (\d+ [^\r]*)/.exec(answer) ?? [];
  if (!status?.startsWith("202")) throw new Error(`failure: Status ${status}`);
  return data;
}

function createRouter(stage: RouterStage, options: Pick<Router, "keepsKeys"> = {}): TestRouter {
  const scripts = new Map<string, string>(), schedulers = new Map<string, string>();
  const text = (args: CommandArguments, name: string) => toText(args.named.get(name));
  const add = (items: Map<string, string>, source: string) => (args: CommandArguments) =>
    void items.set(text(args, "name"), text(args, source));
  const find = (items: Map<string, string>) => (args: CommandArguments) => {
    const name = text(args, "name");
    return { list: items.has(name) ? [name] : [], keyed: new Map() };
  };
  const remove = (items: Map<string, string>) => ({ unnamed: [found] }: CommandArguments) => {
    if (found !== undefined && isTable(found)) found.list.forEach((name) => items.delete(toText(name)));
    return undefined;
  };
  const router: TestRouter = {
    ...{ ...options, globals: new Map(), log: [], schedulers, accepted: [] },
    commands: {
      async "/tool/fetch"(args) {
        const outcome = await router.onFetch?.();
        const data = await fetchAsRouter(args, stage.port);
        router.accepted.push(data);
        if (outcome === "lose the answer") throw new Error("failure: idle timeout");
        return undefined;
      },
      "/system/script/add": add(scripts, "source"),
      "/system/script/find": find(scripts),
      "/system/script/remove": remove(scripts),
      "/system/script/run": async ({ unnamed: [name] }) => {
        await runScript(scripts.get(toText(name)) ?? "", router);
        return undefined;
      },
      "/system/scheduler/add": add(schedulers, "on-event"),
      "/system/scheduler/find": find(schedulers),
      "/system/scheduler/remove": remove(schedulers),
      "/system/identity/get": () => "core1",
      "/system/clock/get": ({ unnamed: [name] }) => name === "date" ? "2026-11-29" : "04:05:06",
    },
    run: (commands) => runScript(commands, router),
  };
  return router;
}

/** The scheduler runs, as it does each minute while the queue has entries. */
async function runScheduler(router: TestRouter): Promise<void> {
  for (const [name, source] of router.schedulers) if (name.startsWith("_Flush")) await router.run(source);
}

/** Calls the module as the collection of scripts calls it. */
async function notify(router: TestRouter, notification: Readonly<Record<string, Value>>): Promise<void> {
  router.globals.set("TestNotification", table(notification));
  await router.run(
    ":global NotificationFunctions; :global TestNotification; " +
      ':foreach FunctionName,Discard in=$NotificationFunctions do={ ($NotificationFunctions->$FunctionName) ("name") $TestNotification; }',
  );
}

const AWAY = () => {
  throw new Error("failure: connection refused");
};

Deno.test("the module sends the whole notification to the room, with any text", async () => {
  await using stage = await setRouterStage("routeros");
  await stage.start();
  const router = createRouter(stage);
  await router.run(stage.script);
  const hard = 'quotes " \\ \' $x ? {"a": [1]}\ttab\r\nnext\x01end';
  const utf8 = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));
  await notify(router, {
    ...{ origin: "netwatch-notify", subject: utf8("🔥 Link\u00e4"), message: hard, link: "https://router.lan/a?b=c" },
    silent: true,
  });
  await notify(router, { origin: "check-health", subject: "1234", message: "5678", link: undefined });
  await notify(router, { origin: "sms-forward", subject: "latin1 \xe4\xf6", message: "caf\xe9" });
  await notify(router, {
    origin: "log-forward",
    subject: `refused ${UNSERIALIZABLE}`,
    message: `a&b=c${UNSERIALIZABLE}`,
  });
  await router.run(
    ':global SendMatrixNotify2; $SendMatrixNotify2 ({ "subject"="Down"; "severity"="error"; "key"="ether1"; "custom"="x" });',
  );
  assertEquals(router.log, []);
  assertEquals([...router.schedulers.keys()], ["matrix-notify"]);
  const texts = await stage.texts();
  assertEquals(texts.length, 6, texts.join("\n---\n"));
  assertMatch(texts[0], /^\[jump\] \[core1\] Test message\n\nThis router sends through matrix-notify\./);
  assertStringIncludes(texts[1], "[core1] 🔥 Linkä\n\n" + 'quotes " \\ \' $x ? {"a": [1]}');
  assertStringIncludes(texts[1], "https://router.lan/a?b=c");
  assertStringIncludes(texts[2], "[core1] 1234\n\n5678");
  assertStringIncludes(texts[3], "latin1 äö\n\ncafé");
  assertStringIncludes(texts[4], "[core1] refused ");
  assertStringIncludes(texts[4], "a&b=c");
  assertStringIncludes(texts[5], "❌ [core1] Down\n\ncustom: x");
});

for (const keepsKeys of [false, true]) {
  Deno.test(`the module keeps the order and sends nothing twice while the host is away (unset keys stay: ${keepsKeys})`, async () => {
    await using stage = await setRouterStage("routeros");
    const router = createRouter(stage, { keepsKeys });
    router.onFetch = AWAY;
    await router.run(stage.script);
    for (const subject of ["a", "b"]) await notify(router, { subject, message: "text" });
    assertEquals([...router.schedulers.keys()], ["matrix-notify", "_FlushMatrixNotifyQueue"]);
    await runScheduler(router);
    await stage.start();
    // Nothing overtakes an entry that fails.
    let tries = 0;
    router.onFetch = () => tries++ === 0 ? AWAY() : undefined;
    await runScheduler(router);
    assertEquals(router.accepted, []);
    // The host has the first entry, but its answer is lost.
    tries = 0;
    router.onFetch = () => Promise.resolve(tries++ === 0 ? "lose the answer" : undefined);
    await runScheduler(router);
    await notify(router, { subject: "c", message: "text" });
    // Two scripts flush at the same time.
    await Promise.all([runScheduler(router), runScheduler(router)]);
    await notify(router, { subject: "d", message: "text" });
    assertEquals([...router.schedulers.keys()], ["matrix-notify"]);
    assertEquals(router.globals.get("MatrixNotifyQueue"), table({}));
    const texts = await stage.texts();
    assertEquals(texts.map((text) => text.split("\n")[0].replace("[jump] [core1] ", "")), [
      ...["Test message", "a", "b", "c", "d"],
    ]);
    assertStringIncludes(texts[1], "text\n\nQueued on the router since 2026-11-29 04:05:06");
    assertEquals(texts[4].includes("Queued"), false);
    assertEquals(router.accepted.length > texts.length, true);
  });
}

Deno.test("the module keeps 100 entries, and says how many it lost", async () => {
  await using stage = await setRouterStage("routeros");
  const router = createRouter(stage);
  router.onFetch = AWAY;
  await router.run(stage.script);
  for (let count = 1; count < 105; count++) await notify(router, { subject: `n${count}`, message: "" });
  await stage.start();
  router.onFetch = undefined;
  await runScheduler(router);
  await notify(router, { subject: "after", message: "" });
  const subjects = (await stage.texts()).flatMap((text) => text.match(/(?<=\[core1\] ).*/g) ?? []);
  assertEquals(subjects.length, 102, subjects.join("\n"));
  assertEquals(subjects.slice(0, 2), ["Test message", "n1"]);
  assertEquals(subjects.slice(99), ["n99", "The queue was full, lost notifications: 5", "after"]);
  assertEquals(router.log.filter((line) => line.includes("the queue is full, lost: n10")).length, 5);
});

Deno.test("the module cuts a message that is longer than /tool/fetch can send, and limits the bytes of its queue", async () => {
  await using stage = await setRouterStage("routeros");
  const router = createRouter(stage);
  router.onFetch = AWAY;
  await router.run(stage.script);
  for (let count = 0; count < 8; count++) {
    await notify(router, { subject: `long ${count}`, message: "\n".repeat(70_000) });
  }
  const queue = router.globals.get("MatrixNotifyQueue");
  const sizes = queue !== undefined && isTable(queue)
    ? [...queue.keyed.values()].map((body) => toText(body).length)
    : [];
  assertEquals(sizes.every((size) => size <= 60_000), true, sizes.join());
  assertEquals(sizes.reduce((sum, size) => sum + size) <= 262_144 + 1000, true, sizes.join());
  await stage.start();
  router.onFetch = undefined;
  await runScheduler(router);
  const texts = await stage.texts();
  assertStringIncludes(texts.join("\n"), "[cut: /tool/fetch sends at most 64 KB]");
  assertMatch(texts.at(-1) ?? "", /lost notifications: \d/);
});

Deno.test("the module stores nothing twice, and keeps its queue, if it is loaded again", async () => {
  await using stage = await setRouterStage("routeros");
  const router = createRouter(stage);
  router.onFetch = AWAY;
  await router.run(stage.script);
  await router.run(stage.script);
  await stage.start();
  router.onFetch = undefined;
  await runScheduler(router);
  assertEquals((await stage.texts()).length, 2);
});

Deno.test("a notification waits if the router has no right to add a scheduler, and goes with the next one", async () => {
  await using stage = await setRouterStage("routeros");
  const router = createRouter(stage);
  router.onFetch = AWAY;
  await router.run(stage.script);
  router.schedulers.clear();
  const { "/system/scheduler/add": add } = router.commands;
  Object.assign(router.commands, {
    "/system/scheduler/add"() {
      throw new Error("not allowed by device-mode");
    },
  });
  await notify(router, { subject: "first", message: "" });
  assertMatch(router.log.at(-1) ?? "", /^info: .*cannot add the scheduler: not allowed by device-mode$/);
  Object.assign(router.commands, { "/system/scheduler/add": add });
  await stage.start();
  router.onFetch = undefined;
  await notify(router, { subject: "second", message: "" });
  assertEquals((await stage.texts()).map((text) => /\[core1\] (.*)/.exec(text)?.[1]), [
    "Test message",
    "first",
    "second",
  ]);
});

Deno.test("the netwatch opens an incident and ends it, and repeats a request that fails", async () => {
  await using stage = await setRouterStage("netwatch");
  await stage.start();
  const router = createRouter(stage), scripts: string[] = [];
  Object.assign(router.commands, {
    "/tool/netwatch/add"({ named }: CommandArguments) {
      scripts.push(toText(named.get("down-script")), toText(named.get("up-script")));
    },
  });
  await router.run(stage.script);
  const outcomes = ["lose the answer", undefined, undefined] as const;
  let tries = 0;
  router.onFetch = () => Promise.resolve(outcomes[tries++]);
  for (const script of scripts) {
    await router.run(script);
    await stage.settle();
  }
  assertEquals(router.accepted.length, 3);
  const texts = await stage.texts();
  assertEquals(texts.length, 2, texts.join("\n---\n"));
  assertStringIncludes(texts[0], "❌ Uplink down");
  assertStringIncludes(texts[1], "✅ Resolved");
  router.onFetch = AWAY;
  await router.run(scripts[0]);
  assertEquals(router.log, ["warning: matrix-notify: cannot send: failure: connection refused"]);
});

Deno.test("checkScript() refuses what RouterOS refuses", () => {
  for (
    const [source, problem] of [
      [":put 1", "unknown command :put"],
      [":local A 1; :if ($B = 1) do={}", "variable B is not declared"],
      [":global A; :global F do={ :log info $A; }", "variable A is not declared"],
      [":local A do={ :log info $1;", "expected }"],
      [':local A "x', "the text does not end"],
      [':local A "\\q"', "expected a known escape"],
      [":local A ({})", "an empty array must be"],
      [":if (true) do = {}", "expected do="],
      [":local A ((1 + 2)", "expected )"],
    ]
  ) assertThrows(() => checkScript(source), SyntaxError, problem, source);
});
