import { assertEquals, assertGreater, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { ConfigError, StorageError } from "../../src/base/errors.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import type { CoreOptions } from "../../src/notifier/wiring.ts";
import { FileLock } from "../../src/runtime/file_lock.ts";
import { denoFiles } from "../../src/runtime/files.ts";
import { denoRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import { postToSocket, probeSocket } from "../../src/runtime/unix_socket.ts";
import { serve } from "../../src/server/serve.ts";
import { LoopbackNtfy } from "../../src/testing/mod.ts";
import { tlsFile } from "../fakes/tls.ts";

/** A `serve` in this process. */
async function startServe(
  channel: Readonly<Record<string, unknown>>,
  {
    adapt = (real: Runtime) => real,
    more = {},
    change = (notifier: NotifierCore) => notifier,
  }: {
    readonly adapt?: (real: Runtime) => Runtime;
    readonly change?: (notifier: NotifierCore) => NotifierCore;
    readonly more?: object;
  } = {},
) {
  const directory = await Deno.makeTempDir();
  const real = denoRuntime();
  const pauses: number[] = [];
  const sleep: typeof real.sleep = (ms, signal) => {
    pauses.push(ms);
    return real.sleep(ms, signal);
  };
  const runtime = adapt({ ...real, sleep });
  const [configFile, path] = [`${directory}/config.json`, `${directory}/run/socket`];
  const write = (value: unknown) => Deno.writeTextFile(configFile, JSON.stringify(value), { mode: 0o600 });
  const config = { channels: { phone: channel }, serve: { sockets: { socket: { path } } }, ...more };
  await write(config);
  const log: string[] = [], stop = new AbortController();
  const ready: PromiseWithResolvers<void>[] = [
    Promise.withResolvers(),
    Promise.withResolvers(),
    Promise.withResolvers(),
    Promise.withResolvers(),
  ];
  let count = 0, reload = () => {};
  const options = {
    configFile,
    stateDir: `${directory}/state`,
    runtime,
    open: async (given: Pick<CoreOptions, "onEvent" | "onWarning">) => {
      const common = { runtime, configFile, stateDir: `${directory}/state`, role: "deliverer" } as const;
      return change(await NotifierCore.open({ ...given, ...common }));
    },
    log: (text: string) => void log.push(text),
    stop: stop.signal,
    stopMs: 200,
    onReload: (run: () => void) => void (reload = run),
    onReady: () => ready[count++].resolve(),
  };
  const served = serve(options);
  await Promise.race([served, ready[0].promise]);
  const send = async (fields: Record<string, string>) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    const response = await postToSocket(path, "/send", { body, signal: new AbortController().signal });
    return response && { status: response.status, ...await response.json() };
  };
  return {
    ...{ path, log, pauses, config, write, send, options },
    async reload() {
      reload();
      await ready[count].promise;
    },
    async stop() {
      stop.abort();
      await served;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await served;
      real[Symbol.dispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test("serve() delivers what it received, and waits for the delivery if the sender wants it", async () => {
  await using ntfy = await LoopbackNtfy.start();
  await using server = await startServe({ kind: "ntfy", server: ntfy.url, topic: "alerts" });
  const { status, outcomes } = await server.send({ subject: "Disk full", wait: "10s" });
  assertEquals([status, outcomes[0].state], [200, "delivered"]);
  assertEquals(ntfy.messages("alerts").length, 1);
});

Deno.test("serve() uses a new configuration after a reload, and keeps the old one if the new one is wrong", async () => {
  await using ntfy = await LoopbackNtfy.start();
  const phone = { kind: "ntfy", server: ntfy.url, topic: "alerts" };
  await using server = await startServe(phone);
  await server.write({ ...server.config, channels: { phone: { ...phone, topic: "other" } } });
  await server.reload();
  await server.send({ subject: "new", wait: "10s" });
  assertEquals(ntfy.messages("other").length, 1);
  await server.write({ ...server.config, serve: { sockets: { socket: { pth: "/x" } } } });
  await server.reload();
  const problem = server.log.find((line) => line.startsWith("the new configuration is not used, the old one stays: "));
  assertStringIncludes(problem ?? "", '(did you mean "path"?)');
  await server.send({ subject: "old", wait: "10s" });
  assertEquals(ntfy.messages("other").length, 2);
  await server.write({ ...server.config, channels: {} });
  await server.reload();
  assertEquals(
    server.log.at(-1),
    "no channel is configured, so every notification is refused (run: matrix-notify setup)",
  );
});

Deno.test("serve() closes a removed channel, but completes its attempt in flight first", async () => {
  await using ntfy = await LoopbackNtfy.start();
  const [asked, gate] = [Promise.withResolvers<AbortSignal | undefined>(), Promise.withResolvers<void>()];
  const phone = { kind: "ntfy", server: ntfy.url, topic: "alerts", caFile: tlsFile("authority.pem") };
  await using server = await startServe(phone, {
    adapt: (real) => ({
      ...real,
      async fetch(url, init, connection) {
        asked.resolve(connection?.closed);
        await gate.promise;
        return await real.fetch(url, init, connection);
      },
    }),
  });
  using cleanup = new DisposableStack();
  cleanup.defer(gate.resolve);
  const sent = server.send({ subject: "old", wait: "10s" });
  const closed = await asked.promise;
  await server.write({ ...server.config, channels: { other: phone } });
  await server.reload();
  assertEquals((await sent)?.status, 202);
  const lock = cleanup.use(new FileLock(denoFiles, `${server.options.stateDir}/queue/deliver.lock`).tryAcquire());
  assertEquals([closed?.aborted, lock], [false, undefined]);
  gate.resolve();
  await server.send({ subject: "new", wait: "10s" });
  assertEquals([closed?.aborted, ntfy.messages("alerts").length], [true, 2]);
});

Deno.test("serve() logs each mistake in the configuration once, at the start and at a reload", async () => {
  await using ntfy = await LoopbackNtfy.start();
  const phone = { kind: "ntfy", server: ntfy.url, topic: "alerts" };
  const wrong = { ...phone, tpic: "x" };
  await using server = await startServe(phone, { more: { channels: { phone, old: wrong } } });
  const mistakes = () => server.log.splice(0).filter((line) => line.includes("there is no such key"));
  const old = /^Cannot use channels\.old\.tpic: there is no such key \(.*\) \(did you mean "topic"\?\)$/;
  const start = mistakes();
  assertEquals([start.length, old.test(start[0])], [1, true]);

  await server.write({ ...server.config, channels: { phone, next: wrong, old: wrong } });
  await server.reload();
  const [shown, refused, ...others] = mistakes();
  assertMatch(shown, old);
  assertMatch(
    refused,
    /^the new configuration is not used, the old one stays: Cannot use channels\.next\.tpic: .*"\?\)$/,
  );
  assertEquals(others, []);

  await server.write({ ...server.config, channels: { phone, old: { ...wrong, topic: "other" } } });
  await server.reload();
  const reloaded = mistakes();
  assertEquals([reloaded.length, old.test(reloaded[0])], [1, true]);

  await server.write({ channels: { phone }, serve: { sockets: { socket: { pth: "/x" } } } });
  await server.reload();
  assertEquals(mistakes().length, 1);
  await assertRejects(() => serve(server.options), ConfigError, "serve.sockets.socket.pth");
  assertEquals(mistakes(), [], "the command line prints this mistake");
});

Deno.test("serve() names the receiver and the sender in each warning about a notification", async () => {
  await using ntfy = await LoopbackNtfy.start();
  const phone = { kind: "ntfy", server: ntfy.url, topic: "alerts" };
  await using server = await startServe(phone);
  const http = { port: 0, senders: { nas: { token: "tk-nas" } } };
  await server.write({ ...server.config, serve: { ...server.config.serve, http } });
  await server.reload();
  const address = /http:[\w.:/]+/.exec(server.log.splice(0).join("\n"))?.[0];
  assertEquals((await server.send({ message: "/dev/sda1 98 %" }))?.status, 202);
  const post = async (body: string) => {
    const headers = { Authorization: "Bearer tk-nas" };
    const response = await fetch(`${address}/notify`, { method: "POST", headers, body });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(
    await post(JSON.stringify({ subject: "x", link: "no link" })),
    202,
  );
  assertEquals((await server.send({ subject: "x", problem: "no disk\nhttp nas: forged" }))?.status, 202);
  assertEquals(server.log, [
    "socket socket: The subject is empty: the first line of the body is used",
    'http nas: Cannot use "no link" as a link: it is not an absolute URL such as https://example.org/',
    "socket socket: no disk http nas: forged",
  ]);
});

Deno.test("serve() gathers notifications that come at the same time, so that they share a sync", async () => {
  await using ntfy = await LoopbackNtfy.start();
  await using server = await startServe({ kind: "ntfy", server: ntfy.url, topic: "alerts" });
  const gathered = () => server.pauses.filter((ms) => ms === 5).length;
  await server.send({ subject: "alone" });
  assertEquals(gathered(), 0);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => server.send({ subject: `${at}` })));
  assertEquals(answers.map((answer) => answer?.status), Array(20).fill(202));
  assertGreater(gathered(), 0);
});

Deno.test("serve() refuses to start twice for a queue, and with a mistake in its settings", async () => {
  await using ntfy = await LoopbackNtfy.start();
  await using server = await startServe({ kind: "ntfy", server: ntfy.url, topic: "alerts" });
  await assertRejects(() => serve(server.options), StorageError, "another matrix-notify serve uses the queue");
  await server.write({ ...server.config, serve: { sockets: 5 } });
  await assertRejects(() => serve(server.options), ConfigError, "serve.sockets");
  await server.write({ ...server.config, serve: { http: { senders: { core1: { token: "tk-0123456789" } } } } });
  await Deno.chmod(server.options.configFile, 0o644);
  await assertRejects(() => serve(server.options), ConfigError, "serve.http.senders.core1: it contains a secret");
});

Deno.test("serve() answers a waiting sender, cancels the attempt and ends after a stop", async () => {
  // This server accepts connections, and never answers.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const server = await startServe({ kind: "ntfy", server: `http://127.0.0.1:${listener.addr.port}`, topic: "alerts" });
  const answer = server.send({ subject: "Disk full", wait: "60s" });
  using _connection = await listener.accept();
  await server.stop();
  assertEquals((await answer)?.status, 202);
  assertEquals(await probeSocket(server.path), "closed");
  await server[Symbol.asyncDispose]();
});

/** A runtime under systemd, whose watchdog has a period of 3 ms. It records the reports. */
function underSystemd() {
  const reports: string[] = [];
  const variables = new Map([["NOTIFY_SOCKET", "/run/systemd/notify"], ["WATCHDOG_USEC", "3000"]]);
  const adapt = (real: Runtime): Runtime => ({
    ...real,
    env: (name) => variables.get(name) ?? real.env(name),
    run: ({ args }) => {
      reports.push(args.join(" "));
      return Promise.resolve({ code: 0, stdout: "", stderr: "" });
    },
  });
  return { adapt, alive: () => reports.filter((report) => report === "WATCHDOG=1").length };
}

Deno.test("serve() reports progress to systemd when the deliverer has read the queue", async () => {
  const systemd = underSystemd();
  await using ntfy = await LoopbackNtfy.start();
  await using server = await startServe({ kind: "ntfy", server: ntfy.url, topic: "alerts" }, systemd);
  for (let left = 3; left > 0; left--) await server.send({ subject: "Disk full", wait: "10s" });
  assertGreater(systemd.alive(), 0);
});

Deno.test("serve() reports no progress to systemd while the deliverer hangs, although it still accepts notifications", async () => {
  const systemd = underSystemd();
  // This deliverer never reads the queue.
  const hang: NotifierCore["deliverUntilStopped"] = ({ leave }) =>
    new Promise((resolve) => leave.addEventListener("abort", () => resolve()));
  await using server = await startServe({ kind: "ntfy", server: "http://127.0.0.1:9", topic: "alerts" }, {
    ...systemd,
    change: (notifier) => Object.assign(notifier, { deliverUntilStopped: hang }),
  });
  for (let left = 3; left > 0; left--) assertEquals((await server.send({ subject: "Disk full" }))?.status, 202);
  assertEquals(systemd.alive(), 0);
});
