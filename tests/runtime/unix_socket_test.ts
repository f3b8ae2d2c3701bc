import { assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { sleep } from "../../src/runtime/timers.ts";
import { maxServerSocketBytes, maxSocketBytes } from "../../src/runtime/paths.ts";
import {
  openSocket,
  postToSocket,
  probeSocket,
  shareSocket,
  type SocketAddress,
} from "../../src/runtime/unix_socket.ts";

/** Runs a test with the path of a socket in a new directory. */
async function withPath(test: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(`${directory}/run/socket`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Leaves the socket of a server that was killed. */
async function leaveSocket(path: string): Promise<void> {
  const code = `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} }); Deno.kill(Deno.pid, "SIGKILL")`;
  await new Deno.Command(Deno.execPath(), { args: ["eval", "-q", code] }).output();
  assertEquals((await Deno.lstat(path)).isSocket, true);
}

/** Opens a server that answers with the path of each request. */
async function open(address: SocketAddress, pause: (ms: number) => Promise<void> = sleep) {
  const { server, file, unshared } = await openSocket(
    address,
    (path) => Deno.serve({ path, onListen() {} }, ({ url }) => new Response(new URL(url).pathname, { status: 202 })),
    { sleep: pause },
  );
  return {
    ...{ file, unshared, server },
    async [Symbol.asyncDispose]() {
      file.remove();
      await server.shutdown();
    },
  };
}

function modeOf(path: string): number {
  return (Deno.statSync(path).mode ?? 0) & 0o777;
}

/** Returns the names in the directory of a socket. */
function namesAt(path: string): string[] {
  return [...Deno.readDirSync(path.replace("/socket", ""))].map(({ name }) => name);
}

Deno.test("openSocket() creates a socket, and a directory that only its group can enter", () =>
  withPath(async (path) => {
    assertEquals(await probeSocket(path), "absent");
    {
      await using server = await open({ path, group: String(Deno.gid()) });
      assertEquals(server.unshared, undefined);
      assertEquals([modeOf(path.replace("/socket", "")), modeOf(path)], [0o750, 0o660]);
      assertEquals([await probeSocket(path), namesAt(path)], ["open", ["socket"]]);
    }
    assertEquals([await probeSocket(path), namesAt(path)], ["closed", []]);
  }));

Deno.test("openSocket() replaces the socket of a killed server", () =>
  withPath(async (path) => {
    await (await open({ path }))[Symbol.asyncDispose]();
    await leaveSocket(path);
    assertEquals(await probeSocket(path), "closed");
    await using _server = await open({ path });
    assertEquals([await probeSocket(path), namesAt(path)], ["open", ["socket"]]);
  }));

/** Creates the directory of a socket, with the temporary name that a killed server left. */
async function leaveTemporaryName(path: string): Promise<void> {
  await (await open({ path }))[Symbol.asyncDispose]();
  await leaveSocket(`${path}.0123ab`);
}

Deno.test("openSocket() removes the temporary names of killed servers", () =>
  withPath(async (path) => {
    await leaveTemporaryName(path);
    await leaveSocket(path);
    await leaveSocket(`${path}.fedcba`);
    await using _server = await open({ path });
    assertEquals([await probeSocket(path), namesAt(path)], ["open", ["socket"]]);
  }));

Deno.test("openSocket() keeps names that are not left by its own killed servers", () =>
  withPath(async (path) => {
    await leaveTemporaryName(path);
    await Deno.rename(`${path}.0123ab`, `${path}2.0123ab`);
    await Deno.writeTextFile(`${path}.file12`, "");
    await Deno.symlink(`${path}2.0123ab`, `${path}.link12`);
    await leaveSocket(`${path}.short`);
    using _listener = Deno.listen({ transport: "unix", path: `${path}.open12` });
    const before = namesAt(path).sort();
    {
      await using _server = await open({ path });
      assertEquals(namesAt(path).sort(), ["socket", ...before]);
    }
    assertEquals(namesAt(path).sort(), before);
  }));

Deno.test(
  "openSocket() keeps the temporary name of another user",
  { ignore: Deno.uid() !== 0 },
  () =>
    withPath(async (path) => {
      await leaveTemporaryName(path);
      await Deno.chown(`${path}.0123ab`, 1, null);
      await using _server = await open({ path });
      assertEquals(namesAt(path).sort(), ["socket", "socket.0123ab"]);
    }),
);

Deno.test("openSocket() waits while another server creates a socket in the directory", () =>
  withPath(async (path) => {
    await leaveTemporaryName(path);
    const other = Deno.openSync(path.replace("/socket", ""));
    other.lockSync(true);
    await using _server = await open({ path }, () => {
      assertEquals(namesAt(path), ["socket.0123ab"]);
      other[Symbol.dispose]();
      return Promise.resolve();
    });
    assertEquals(namesAt(path), ["socket"]);
  }));

Deno.test("openSocket() opens a socket, but removes no temporary name, if a user keeps the lock", () =>
  withPath(async (path) => {
    await leaveTemporaryName(path);
    using other = Deno.openSync(path.replace("/socket", ""));
    other.lockSync(true);
    let waitedMs = 0;
    await using _server = await open({ path }, (ms) => Promise.resolve(void (waitedMs += ms)));
    assertEquals([waitedMs, namesAt(path).sort()], [2_000, ["socket", "socket.0123ab"]]);
  }));

Deno.test("openSocket() keeps a file, a link and a socket on which a process listens", () =>
  withPath(async (path) => {
    await Deno.mkdir(path.replace("/socket", ""), { mode: 0o750 });
    await Deno.writeTextFile(path, "data");
    await assertRejects(() => open({ path }), ConfigError, "another file is there");
    assertEquals(await Deno.readTextFile(path), "data");
    await Deno.remove(path);
    await Deno.symlink("/etc/passwd", path);
    await assertRejects(() => open({ path }), ConfigError, "another file is there");
    await Deno.remove(path);
    using _listener = Deno.listen({ transport: "unix", path });
    await assertRejects(() => open({ path }), ConfigError, "another process listens there");
    assertEquals([await probeSocket(path), namesAt(path)], ["open", ["socket"]]);
  }));

Deno.test("openSocket() keeps a datagram socket on which a process listens, and replaces it afterwards", () =>
  withPath(async (path) => {
    await Deno.mkdir(path.replace("/socket", ""), { mode: 0o750 });
    const code = `Deno.listenDatagram({ transport: "unixpacket", path: ${JSON.stringify(path)} }); console.log(1); ` +
      "setInterval(() => {}, 1e9)";
    const args = ["eval", "-q", "--unstable-net", code];
    const other = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped" }).spawn();
    try {
      for await (const _ of other.stdout.values({ preventCancel: true })) break;
      const { ino } = await Deno.lstat(path);
      await assertRejects(() => open({ path }), ConfigError, "another process listens there");
      assertEquals([(await Deno.lstat(path)).ino, namesAt(path)], [ino, ["socket"]]);
    } finally {
      other.kill("SIGKILL");
      await other.stdout.cancel();
      await other.status;
    }
    await using server = await open({ path });
    assertEquals([server.file.isThere(), await probeSocket(path)], [true, "open"]);
  }));

Deno.test("openSocket() refuses a directory that other users can change", () =>
  withPath(async (path) => {
    await Deno.mkdir(path.replace("/socket", ""));
    await Deno.chmod(path.replace("/socket", ""), 0o777);
    await assertRejects(() => open({ path }), ConfigError, `Cannot create socket ${path}`);
  }));

Deno.test("openSocket() lets one of two servers listen that start at the same time", () =>
  withPath(async (path) => {
    const opened = await Promise.allSettled([open({ path }), open({ path })]);
    const servers = opened.filter((result) => result.status === "fulfilled");
    assertEquals(servers.length, 1);
    await using _server = servers[0].value;
    const refused = opened.find((result) => result.status === "rejected");
    assertEquals(refused?.reason.message, `Cannot create socket ${path}: another process listens there`);
    assertEquals([await probeSocket(path), namesAt(path)], ["open", ["socket"]]);
  }));

Deno.test("openSocket() creates no socket if the settings name an unknown group", () =>
  withPath(async (path) => {
    await assertRejects(
      () => open({ path, group: "no-such-group" }),
      ConfigError,
      `Cannot share socket ${path}: there is no group no-such-group`,
    );
    assertEquals(namesAt(path), []);
  }));

Deno.test("openSocket() opens a socket whose path has the largest length of this system", async () => {
  const directory = await Deno.makeTempDir({ dir: "/tmp" });
  const path = `${directory}/`.padEnd(maxServerSocketBytes(), "x");
  {
    await using _server = await open({ path });
    assertEquals(await probeSocket(path), "open");
  }
  await assertRejects(() => open({ path: `${path}x` }), TypeError, "SUN_LEN");
  await Deno.remove(directory);
});

Deno.test("maxSocketBytes() returns the limit of this system", async () => {
  const path = "/tmp/".padEnd(maxSocketBytes(), "x");
  assertEquals([await probeSocket(path), await probeSocket(`${path}x`)], ["closed", "impossible"]);
});

Deno.test("probeSocket() returns impossible if a part of the path is a file", async () => {
  assertEquals(await probeSocket("/etc/passwd/socket"), "impossible");
});

Deno.test("openSocket() keeps a socket whose server accepts no more connections", () =>
  withPath(async (path) => {
    await Deno.mkdir(path.replace("/socket", ""), { mode: 0o750 });
    using _listener = Deno.listen({ transport: "unix", path });
    using waiting = new DisposableStack();
    await assertRejects(async () => {
      for (;;) waiting.use(await Deno.connect({ transport: "unix", path }));
    }, Deno.errors.WouldBlock);
    assertEquals(await probeSocket(path), "open");
    await assertRejects(() => open({ path }), ConfigError, "another process listens there");
    assertEquals(namesAt(path), ["socket"]);
  }));

Deno.test("SocketFile.remove() keeps the socket of another server", () =>
  withPath(async (path) => {
    const old = await open({ path });
    assertEquals(old.file.isThere(), true);
    await Deno.remove(path);
    await using next = await open({ path });
    assertEquals([old.file.isThere(), next.file.isThere()], [false, true]);
    // Deno removes the temporary name of the old server when it closes.
    assertNotEquals(old.server.addr, next.server.addr);
    await old[Symbol.asyncDispose]();
    assertEquals([await probeSocket(path), next.file.isThere()], ["open", true]);
  }));

Deno.test("shareSocket() lets the group connect, and changes nothing for an unknown group", () =>
  withPath(async (path) => {
    await using _server = await open({ path });
    assertEquals(shareSocket({ path, group: String(Deno.gid()) }), undefined);
    assertEquals(modeOf(path), 0o660);
    assertThrows(() => shareSocket({ path, group: "no-such-group" }), ConfigError, "there is no group");
    assertEquals(modeOf(path), 0o660);
  }));

Deno.test("postToSocket() returns the answer, and undefined if there is none", () =>
  withPath(async (path) => {
    const call = { body: new FormData(), signal: new AbortController().signal };
    assertEquals(await postToSocket(path, "/send", call), undefined);
    await using _server = await open({ path });
    const response = await postToSocket(path, "/send", call);
    assertEquals([response?.status, await response?.text()], [202, "/send"]);
  }));
