/**
 * Tests the Matrix façade of `serve` with programs that notify Matrix rooms. The lines are those of
 * `docs/serve.md`.
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { until } from "../../scripts/synapse/until.ts";
import { installEnvironment } from "../../scripts/python/environment.ts";
import { commandsOf, readBlocks } from "../e2e/docs_blocks.ts";
import { clientSuite, installGoProgram, installPythonClients } from "./install.ts";
import { type ServeTest, startServe } from "./serve.ts";

/** A PNG image of one pixel. */
const IMAGE = Uint8Array.fromBase64(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=",
);

let python = "";
const appriseTest = await clientSuite("Apprise", async () => python = await installPythonClients());

/** Runs the command line of Apprise without a store, as most containers do. */
function apprise(server: ServeTest, ...args: readonly string[]): Promise<string> {
  return server.run(python, [python.replace(/python$/, "apprise"), "--storage-mode", "memory", ...args]);
}

/** Returns the new messages of the room, each as its type and its HTML, or the name of its file. */
async function arrived(server: ServeTest): Promise<readonly string[]> {
  return (await server.events()).map(({ content: { msgtype, formatted_body, filename } }) =>
    `${msgtype} ${formatted_body ?? filename}`
  );
}

/** Returns the room id of the Matrix channel. */
async function roomOf({ directory }: ServeTest): Promise<string> {
  return JSON.parse(await Deno.readTextFile(`${directory}/config.json`)).channels.matrix.room;
}

appriseTest(
  "Apprise sends text, HTML and Markdown to rooms and aliases, with a token and with a login",
  async (server) => {
    const { host, token } = server, room = await roomOf(server);
    const title = "<strong>[jump] Disk full</strong><br>";
    const cases: readonly (readonly [args: readonly string[], url: string, shown: string])[] = [
      [["-b", "sda1: 98 %\nü"], `matrix://${token}@${host}/${room}?version=3`, `m.text ${title}sda1: 98 %<br>ü`],
      [["-b", "sda1: 98 %"], `matrix://nas:${token}@${host}/%23matrix?version=2`, `m.text ${title}sda1: 98 %`],
      [["-b", "<b>sda1</b>", "-i", "html"], `matrix://nas:${token}@${host}`, `m.text ${title}<b>sda1</b>`],
      [
        ["-b", "**sda1**", "-i", "markdown"],
        `matrix://nas:${token}@${host}/%23other?msgtype=notice`,
        `m.notice ${title}<p><strong>sda1</strong></p>`,
      ],
    ];
    for (const [args, url, shown] of cases) {
      await apprise(server, "-t", "Disk full", ...args, url);
      assertEquals(await arrived(server), [shown], url);
    }
  },
);

appriseTest("Apprise sends files, with one transaction id for all messages if it has a token", async (server) => {
  const { host, token, directory } = server;
  await Deno.writeFile(`${directory}/graph.png`, IMAGE);
  await Deno.writeTextFile(`${directory}/a.txt`, "text");
  for (const login of [token, `nas:${token}`]) {
    await apprise(
      server,
      "-b",
      "See the graph",
      "-a",
      "graph.png",
      "-a",
      "a.txt",
      `matrix://${login}@${host}/%23matrix`,
    );
    assertEquals(await arrived(server), [
      "m.text <strong>[jump] File: graph.png</strong>",
      "m.image graph.png",
      "m.text <strong>[jump] File: a.txt</strong>",
      "m.file a.txt",
      "m.text <strong>[jump] See the graph</strong>",
    ]);
  }
});

appriseTest("Apprise sends the same text again after each login", async (server) => {
  const { host, token } = server;
  const url = `matrix://nas:${token}@${host}/%23matrix`;
  for (let times = 0; times < 2; times++) await apprise(server, "-b", "Backup done", url);
  assertEquals((await arrived(server)).length, 2);
});

appriseTest("Apprise sends to the webhooks of Matrix bridges", async (server) => {
  const { host, token } = server;
  for (const mode of ["matrix", "slack"]) {
    await apprise(server, "-t", "Disk full", "-b", "a & <b>", `matrix://nas:${token}@${host}?mode=${mode}`);
    assertEquals(await arrived(server), ["m.text <strong>[jump] Disk full</strong><br>a &amp; &lt;b&gt;"], mode);
  }
});

const SHOUTRRR = [
  ["github.com/nicholas-fedor/shoutrrr/shoutrrr", "v0.13.2"],
  ["github.com/containrrr/shoutrrr/shoutrrr", "v0.8.0"],
] as const;

for (const [path, version] of SHOUTRRR) {
  let shoutrrr = "";
  const shoutrrrTest = await clientSuite(path, async () => shoutrrr = await installGoProgram(path, version));

  shoutrrrTest(`${path} sends with a token or a login, with and without rooms`, async (server) => {
    const { host, token } = server, room = await roomOf(server);
    const shown = "m.text <strong>[jump] Disk full</strong><br>sda1";
    const cases: readonly (readonly [url: string, shown: readonly string[]])[] = [
      [`matrix://:${token}@${host}/?disableTLS=yes`, [shown]],
      [`matrix://nas:${token}@${host}/?disableTLS=yes&rooms=%23matrix`, [shown]],
      [`matrix://nas:${token}@${host}/?disableTLS=yes&rooms=${room},%23other`, [shown, shown]],
    ];
    for (const [url, shown] of cases) {
      await server.run(shoutrrr, ["send", "-u", url, "-m", "Disk full\nsda1"]);
      assertEquals(await arrived(server), shown, url);
    }
  });
}

let commander = "";
const commanderTest = await clientSuite("matrix-commander", async () => commander = await installCommander());

/** Installs matrix-commander and two libraries. Returns the path of their Python. */
function installCommander(): Promise<string> {
  return installEnvironment({
    title: "matrix-commander",
    name: "clients-matrix-commander",
    package: "matrix-commander",
    version: "8.0.6",
    others: ["matrix-nio[e2e]==0.26.0", "matrix-client==0.4.0"],
  });
}

commanderTest("matrix-commander logs in, and sends texts, HTML and encrypted files", async (server) => {
  const { url, token, directory } = server;
  await Deno.writeFile(`${directory}/graph.png`, IMAGE);
  const run = (...args: readonly string[]) =>
    server.run(commander, [commander.replace(/python$/, "matrix-commander"), "-c", "c.json", "-s", "store", ...args]);
  const login = ["--homeserver", url, "--user-login", "nas", "--password", token, "--device", "nas"];
  await run("--login", "password", ...login, "--room-default", "#matrix:matrix-notify");
  await run("-m", "Disk full\nsda1");
  await run("--html", "-m", "<b>Disk full</b><br><i>sda1</i>", "-i", "graph.png");
  assertEquals((await arrived(server)).toSorted(), [
    "m.image graph.png",
    "m.text <strong>[jump] Disk full</strong><br><i>sda1</i>",
    "m.text <strong>[jump] Disk full</strong><br>sda1",
    "m.text <strong>[jump] File: graph.png</strong>",
  ]);
});

/** Uses two libraries for Matrix clients. Prints the event ids of two requests with one txnId. */
const LIBRARIES = `
import asyncio, sys
from nio import AsyncClient
from matrix_client.client import MatrixClient

async def use_nio(url, token):
    client = AsyncClient(url, "@nas:matrix-notify")
    await client.login(token)
    await client.join("#matrix")
    for _ in range(2):
        sent = await client.room_send("!matrix", "m.room.message", {"msgtype": "m.text", "body": "nio"}, tx_id="1")
        print(sent.event_id)
    await client.sync(timeout=100)
    await client.logout()
    await client.close()

asyncio.run(use_nio(*sys.argv[1:]))
client = MatrixClient(sys.argv[1])
client.login("nas", sys.argv[2])
client.join_room("#matrix").send_html("<b>matrix-client</b>")
client.logout()
`;

commanderTest("matrix-nio and matrix-client send, and a repeated transaction id is one message", async (server) => {
  const output = await server.run(commander, ["-c", LIBRARIES, server.url, server.token]);
  assertMatch(output, /^(\$[\da-f-]{36})\n\1\n/m);
  assertEquals(await arrived(server), [
    "m.text <strong>[jump] nio</strong>",
    "m.text <strong>[jump] matrix-client</strong>",
  ]);
});

/** The messages of the lines in `docs/serve.md`, in the order of the page. */
const PAGE_MESSAGES = [
  ...["[jump] Disk full\n\nsda1: 98 %", "[jump] File: graph.png", "graph.png", "[jump] Load\n\nSee the graph"],
  ...["[jump] Disk full", "[jump] Disk full", "[jump] Disk full", "[jump] Disk full"],
  "[jump] Disk full\n\nsda1: 98 %",
];

let shoutrrr = "";
const pageTest = await clientSuite("the Matrix clients of docs/serve.md", async () => {
  python = await installPythonClients();
  shoutrrr = await installGoProgram(...SHOUTRRR[0]);
  commander = await installCommander();
});

pageTest("the lines for Matrix in docs/serve.md bring their messages to the room", async (server) => {
  const { host, token, directory } = server;
  const lines = readBlocks("docs/serve.md").filter(({ language }) => language === "sh").flatMap(commandsOf)
    .filter((line) => /matrix:\/\/|^matrix-commander|_matrix\//.test(line));
  const script = lines.join("\n").replaceAll("192.168.88.2:8411", host)
    .replaceAll("!abc:example.org", await roomOf(server)).replaceAll("phone", "matrix");
  await Deno.writeFile(`${directory}/graph.png`, IMAGE);
  const functions = `set -e
    apprise() { "${python}" "${python.replace(/python$/, "apprise")}" "$@"; }
    matrix-commander() { "${commander}" "${commander.replace(/python$/, "matrix-commander")}" -c c.json -s store "$@"; }
    shoutrrr() { "${shoutrrr}" "$@"; }`;
  await server.run("bash", ["-c", `${functions}\n${script}`], { TOKEN: token });
  assertEquals(await server.arrived(), PAGE_MESSAGES);
});

Deno.test("another matrix-notify sends texts, files and severities, and its doctor finds the room", async () => {
  await using server = await startServe();
  const { url, token, directory } = server;
  await Deno.writeFile(`${directory}/graph.png`, IMAGE);
  const hub = { kind: "matrix", homeserver: url, accessToken: token, room: "#matrix:matrix-notify" };
  await Deno.writeTextFile(`${directory}/own.json`, JSON.stringify({ identity: "nas", channels: { hub } }), {
    mode: 0o600,
  });
  await server.runOwn("send", "--severity", "error", "--attach", "graph.png", "Backup failed", "line 1\nline 2");
  assertEquals(await arrived(server), [
    "m.text <strong>[jump] ❌ [nas] Backup failed</strong><br>line 1<br>line 2",
    "m.text <strong>[jump] ❌ File: graph.png</strong>",
    "m.image graph.png",
  ]);
  const found = await server.runOwn("doctor").catch((error) => error.message);
  assertStringIncludes(found, "ok       hub/room: @client:matrix-notify is in #matrix:matrix-notify");
});

Deno.test("a message whose PUT was killed before its answer arrives once when the client repeats it", async () => {
  await using server = await startServe();
  const { url, host, token, directory, homeserver } = server;
  const room = await roomOf(server);
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/m.room.message/m1`;
  const body = JSON.stringify({ msgtype: "m.text", body: "Disk full" });
  const put = async () => {
    const response = await fetch(url + path, { method: "PUT", headers: { Authorization: `Bearer ${token}` }, body });
    return (await response.json()).event_id;
  };
  homeserver.fault("502");
  const port = Number(host.split(":")[1]);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = `PUT ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n`;
  await connection.write(new TextEncoder().encode(`${head}Content-Length: ${body.length}\r\n\r\n${body}`));
  const journal = () => Deno.readTextFile(`${directory}/state/queue/queue.jsonl`).catch(() => "");
  await until(async () => (await journal()).includes("Disk full") || undefined, { what: "the entry" });
  await server.stop("SIGKILL");
  connection.close();
  await server.start();
  const first = await put();
  assertEquals(await put(), first);
  homeserver.clearFaults();
  // A message that was attempted before, also shows when it was queued.
  const texts = (await arrived(server)).map((text) => text.replace(/<br><em>⏰ Queued since .* late<\/em>$/, ""));
  assertEquals(texts, ["m.text <strong>[jump] Disk full</strong>"]);
  assertEquals(await put(), first);
  assertEquals(await arrived(server), []);
});
