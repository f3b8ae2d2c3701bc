import { assertEquals, assertRejects } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { postToSocket, prepareSocket, probeSocket, shareSocket } from "../../src/runtime/unix_socket.ts";

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

Deno.test("prepareSocket() creates a directory that only its group can enter", () =>
  withPath(async (path) => {
    assertEquals(await probeSocket(path), "absent");
    await prepareSocket({ path });
    const { mode } = await Deno.stat(path.replace("/socket", ""));
    assertEquals((mode ?? 0) & 0o777, 0o750);
    assertEquals(await probeSocket(path), "closed");
  }));

Deno.test("prepareSocket() removes the socket of a killed server", () =>
  withPath(async (path) => {
    await prepareSocket({ path });
    await leaveSocket(path);
    assertEquals(await probeSocket(path), "closed");
    await prepareSocket({ path });
    await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
  }));

Deno.test("prepareSocket() keeps a file, a link and a socket on which a process listens", () =>
  withPath(async (path) => {
    await prepareSocket({ path });
    await Deno.writeTextFile(path, "data");
    await assertRejects(() => prepareSocket({ path }), ConfigError, "another file is there");
    assertEquals(await Deno.readTextFile(path), "data");
    await Deno.remove(path);
    await Deno.symlink("/etc/passwd", path);
    await assertRejects(() => prepareSocket({ path }), ConfigError, "another file is there");
    await Deno.remove(path);
    using _listener = Deno.listen({ transport: "unix", path });
    await assertRejects(() => prepareSocket({ path }), ConfigError, "another process listens there");
    assertEquals(await probeSocket(path), "open");
  }));

Deno.test("prepareSocket() refuses a directory that other users can change", () =>
  withPath(async (path) => {
    await prepareSocket({ path });
    await Deno.chmod(path.replace("/socket", ""), 0o777);
    await assertRejects(() => prepareSocket({ path }), ConfigError, `Cannot create socket ${path}`);
  }));

Deno.test("shareSocket() lets the group connect, and without the group only this user", () =>
  withPath(async (path) => {
    await prepareSocket({ path });
    using _listener = Deno.listen({ transport: "unix", path });
    const modeOf = async () => ((await Deno.stat(path)).mode ?? 0) & 0o777;
    assertEquals(shareSocket({ path, group: String(Deno.gid()) }), undefined);
    assertEquals(await modeOf(), 0o660);
    await assertRejects(
      async () => await shareSocket({ path, group: "no-such-group" }),
      ConfigError,
      "there is no group",
    );
    assertEquals(await modeOf(), 0o600);
  }));

Deno.test("postToSocket() returns the answer, and undefined if there is none", () =>
  withPath(async (path) => {
    await prepareSocket({ path });
    const call = { body: new FormData(), signal: new AbortController().signal };
    assertEquals(await postToSocket(path, "/send", call), undefined);
    await using _server = Deno.serve({ path, onListen() {} }, ({ url }) => new Response(url, { status: 202 }));
    const response = await postToSocket(path, "/send", call);
    assertEquals([response?.status, await response?.text()], [202, "http://localhost/send"]);
  }));
