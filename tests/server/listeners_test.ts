import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { denoRuntime } from "../../src/runtime/runtime.ts";
import { probeSocket } from "../../src/runtime/unix_socket.ts";
import { Listeners } from "../../src/server/listeners.ts";
import type { ListenAddress, Receiver } from "../../src/server/receiver.ts";
import { tlsFile } from "../fakes/tls.ts";

type TcpAddress = ListenAddress & { readonly transport: "tcp" };

const LOOPBACK = { transport: "tcp", hostname: "127.0.0.1", port: 0 } as const;

function receiverAt(address: ListenAddress, name: string): Receiver {
  return { name, address, handle: () => Promise.resolve(new Response(name)) };
}

/** Returns a certificate of the tests and its key. */
function certificate(name: string) {
  return { cert: Deno.readTextFileSync(tlsFile(`${name}.pem`)), key: Deno.readTextFileSync(tlsFile(`${name}.key`)) };
}

/** Listeners, and a directory for sockets. */
async function openListeners() {
  const runtime = denoRuntime();
  const directory = await Deno.makeTempDir();
  const log: string[] = [];
  const listeners = new Listeners((receiver, request, peer) => receiver.handle(request, peer, {} as never), (text) => {
    log.push(text);
  }, runtime);
  return {
    ...{ directory, listeners, log },
    /** Opens a TCP listener, and returns its address with the port that the system chose. */
    async open(address: TcpAddress, name: string): Promise<TcpAddress> {
      await listeners.replace([receiverAt(address, name)]);
      return { ...address, port: Number(new URL(listeners.addresses()[0]).port) };
    },
    async [Symbol.asyncDispose]() {
      await listeners.close();
      runtime[Symbol.dispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** Returns the answer of a server, or `untrusted` if its certificate is not from our authority. */
async function ask({ hostname, port, cert }: TcpAddress): Promise<string> {
  using client = Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(tlsFile("authority.pem"))] });
  try {
    const response = await fetch(`${cert === undefined ? "http" : "https"}://${hostname}:${port}`, { client });
    return await response.text();
  } catch (error) {
    return /certificate/.test(String((error as Error).cause)) ? "untrusted" : String((error as Error).cause);
  }
}

Deno.test("Listeners.replace() uses a new certificate at the same port", async () => {
  await using scene = await openListeners();
  const old = await scene.open({ ...LOOPBACK, ...certificate("impostor") }, "old");
  assertEquals(await ask(old), "untrusted");
  const renewed = { ...old, ...certificate("server") };
  await scene.listeners.replace([receiverAt(renewed, "new")]);
  assertEquals([await ask(renewed), scene.listeners.addresses()], ["new", [`https://127.0.0.1:${old.port}`]]);
});

Deno.test("Listeners.replace() answers the requests of a listener that it closes for a new certificate", async () => {
  await using scene = await openListeners();
  const [asked, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const address = await scene.open({ ...LOOPBACK, ...certificate("server") }, "slow");
  await scene.listeners.replace([{
    ...receiverAt(address, "slow"),
    handle: () => (asked.resolve(), end.promise.then(() => new Response("slow"))),
  }]);
  const answer = ask(address);
  await asked.promise;
  await scene.listeners.replace([receiverAt({ ...address, ...certificate("impostor") }, "new")]);
  assertEquals(await ask(address), "untrusted");
  end.resolve();
  assertEquals(await answer, "slow");
});

for (
  const [what, wrong] of [
    ["a key of another certificate", { cert: certificate("server").cert, key: certificate("impostor").key }],
    ["an empty certificate", { ...certificate("server"), cert: "" }],
    ["a text as its key", { ...certificate("server"), key: "text" }],
  ] as const
) {
  Deno.test(`Listeners.replace() keeps the old certificate if the new one has ${what}`, async () => {
    await using scene = await openListeners();
    const old = await scene.open({ ...LOOPBACK, ...certificate("server") }, "old");
    await assertRejects(() => scene.listeners.replace([receiverAt({ ...old, ...wrong }, "new")]), ConfigError);
    assertEquals([await ask(old), scene.log], ["old", []]);
  });
}

Deno.test("Listeners.replace() changes from http to https, and to another host, at the same port", async () => {
  await using scene = await openListeners();
  const plain = await scene.open(LOOPBACK, "plain");
  const secure = { ...plain, ...certificate("server") };
  await scene.listeners.replace([receiverAt(secure, "secure")]);
  assertEquals(await ask(secure), "secure");
  await scene.listeners.replace([receiverAt({ ...plain, hostname: "0.0.0.0" }, "everywhere")]);
  assertEquals(await ask(plain), "everywhere");
});

Deno.test("Listeners.replace() opens closed listeners again if another one cannot be opened", async () => {
  await using scene = await openListeners();
  const path = `${scene.directory}/run/socket`;
  await Deno.writeTextFile(`${scene.directory}/file`, "");
  await Deno.chmod(scene.directory, 0o700);
  const old = { ...await scene.open({ ...LOOPBACK, ...certificate("server") }, "old") };
  const unix = { transport: "unix", path } as const;
  await scene.listeners.replace([receiverAt(old, "old"), receiverAt(unix, "socket")]);
  const wrong = { transport: "unix", path: `${scene.directory}/file` } as const;
  await assertRejects(
    () => scene.listeners.replace([receiverAt({ ...old, ...certificate("impostor") }, "new"), receiverAt(wrong, "x")]),
    ConfigError,
    "another file is there",
  );
  assertEquals(await ask(old), "old");
  assertEquals(await probeSocket(path), "open");
  assertEquals(scene.listeners.addresses().toSorted(), [path, `https://127.0.0.1:${old.port}`]);
});

Deno.test("Listeners.replace() opens a socket again whose file was removed, and keeps its new file", async () => {
  await using scene = await openListeners();
  const receiver = receiverAt({ transport: "unix", path: `${scene.directory}/socket` }, "socket");
  await scene.listeners.replace([receiver]);
  await Deno.remove(`${scene.directory}/socket`);
  await scene.listeners.replace([receiver]);
  await scene.listeners.replace([receiver]);
  assertEquals(await probeSocket(`${scene.directory}/socket`), "open");
});

Deno.test("Listeners.close() removes the file of a socket, but not the file of another process", async () => {
  await using scene = await openListeners();
  const path = `${scene.directory}/socket`;
  const receivers = [receiverAt({ transport: "unix", path }, "socket")];
  await scene.listeners.replace(receivers);
  await scene.listeners.close();
  assertEquals([...Deno.readDirSync(scene.directory)], []);
  await scene.listeners.replace(receivers);
  await Deno.remove(path);
  using _other = Deno.listen({ transport: "unix", path });
  await scene.listeners.close();
  assertEquals(await probeSocket(path), "open");
});

Deno.test({
  name: "Listeners.replace() gives an open socket its group and mode",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using scene = await openListeners();
    const path = `${scene.directory}/socket`;
    const at = (group: string) => receiverAt({ transport: "unix", path, group }, group);
    await scene.listeners.replace([at("7001")]);
    await scene.listeners.replace([at("7002")]);
    assertEquals((await Deno.lstat(path)).gid, 7002);
    await assertRejects(() => scene.listeners.replace([at("no-such-group")]), ConfigError, "no-such-group");
    const stateOf = ({ gid, mode }: Deno.FileInfo) => [gid, (mode ?? 0) & 0o777];
    assertEquals([stateOf(await Deno.lstat(path)), await probeSocket(path)], [[7002, 0o660], "open"]);
    await Deno.chmod(path, 0o600);
    await scene.listeners.replace([at("7002")]);
    assertEquals(stateOf(await Deno.lstat(path)), [7002, 0o660]);
  },
});

/** Connects to a socket as a member of group 7001 until its input ends. Prints the results. */
const CLIENT = `
import errno, os, select, socket, sys
os.chdir(sys.argv[1])
os.setgroups([])
os.setgid(7001)
os.setuid(7009)
results = set()
os.write(1, b"started\\n")
while not select.select([0], [], [], 0)[0]:
  client = socket.socket(socket.AF_UNIX)
  results.add(errno.errorcode.get(client.connect_ex("run/socket"), "OK"))
  client.close()
print(*sorted(results))
`;

/** Returns the results of a client of the group that connects again and again during `test`. */
async function connectDuring(directory: string, test: () => Promise<void>): Promise<string[]> {
  const streams = { stdin: "piped", stdout: "piped" } as const;
  const client = new Deno.Command("python3", { args: ["-c", CLIENT, directory], ...streams }).spawn();
  const output = client.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await output.read()).value, "started\n");
  try {
    await test();
  } finally {
    await client.stdin.close();
  }
  const { value = "" } = await output.read();
  await client.status;
  await output.cancel();
  return value.trim().split(" ");
}

Deno.test({
  name: "Listeners.replace() refuses no client of the group during 200 reloads and 200 restarts",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using scene = await openListeners();
    const path = `${scene.directory}/run/socket`;
    const receivers = [receiverAt({ transport: "unix", path, group: "7001" }, "socket")];
    await Deno.chmod(scene.directory, 0o755);
    await scene.listeners.replace(receivers);
    const reloads = await connectDuring(scene.directory, async () => {
      for (let count = 0; count < 200; count++) await scene.listeners.replace(receivers);
    });
    assertEquals(reloads, ["OK"]);
    const restarts = await connectDuring(scene.directory, async () => {
      for (let count = 0; count < 200; count++) {
        await scene.listeners.close();
        await scene.listeners.replace(receivers);
      }
    });
    assertEquals(restarts.filter((result) => !["OK", "ENOENT", "ECONNREFUSED", "ECONNRESET"].includes(result)), []);
  },
});

Deno.test("Listeners.replace() says what to do if an address cannot be used", async () => {
  await using scene = await openListeners();
  const used = await scene.open(LOOPBACK, "used");
  await using other = await openListeners();
  const hintFor = async (address: ListenAddress) => {
    const error = await assertRejects(() => other.listeners.replace([receiverAt(address, "x")]), ConfigError);
    return [error.message.replace(/^.*?:\d+: /, ""), error.hint];
  };
  assertEquals(await hintFor(used), [
    "another process listens there",
    "stop that process, or change serve.http.port",
  ]);
  assertEquals(await hintFor({ ...LOOPBACK, hostname: "192.0.2.1" }), [
    "this host does not have this address",
    "set serve.http.host to an address that `ip address` shows",
  ]);
});

Deno.test("Listeners.replace() refuses two receivers at one address", async () => {
  await using scene = await openListeners();
  const receivers = [receiverAt({ ...LOOPBACK, port: 8411 }, "a"), receiverAt({ ...LOOPBACK, port: 8411 }, "b")];
  await assertRejects(() => scene.listeners.replace(receivers), ConfigError, "two receivers have this address");
});

async function write(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}

for (
  const head of ["GET http://[::1 HTTP/1.1\r\nHost: a", "GET / HTTP/1.1\r\nHost: [[", "GET / HTTP/1.1\r\nHost: a b"]
) {
  Deno.test(`Listeners answer 400 to a request without a valid address: ${JSON.stringify(head)}`, async () => {
    await using scene = await openListeners();
    const address = await scene.open(LOOPBACK, "http");
    const connection = await Deno.connect(address);
    await write(connection, `${head}\r\nConnection: close\r\n\r\n`);
    assertMatch(await new Response(connection.readable).text(), /^HTTP\/1.1 400 /);
  });
}

Deno.test("Listeners answer while 1,000 clients send nothing, half of a request, or read no answers", async () => {
  await using scene = await openListeners();
  const address = await scene.open(LOOPBACK, "http");
  const silent = await Promise.all(Array.from({ length: 1000 }, async (_, at) => {
    const connection = await Deno.connect(address);
    const requests = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20);
    await write(connection, ["", "POST / HTTP/1.1\r\nHost: a\r\nX-", requests][at % 3]);
    return connection;
  }));
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(address)));
  assertEquals([answers, scene.log], [Array(100).fill("http"), []]);
  for (const connection of silent) connection.close();
});
