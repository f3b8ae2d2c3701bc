import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseSendmailArgs } from "../../../src/cli/commands/sendmail.ts";
import { main } from "../../../src/cli/main.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";
import { type Scene, setScene } from "../../fakes/scene.ts";
import { SmtpServer, smtpSuite } from "../../fakes/smtp_server.ts";
import { readMail } from "../../fakes/read_mail.ts";

const smtpTest = await smtpSuite();

const CONTENT = "Zwei Ordner fehlen: Müll und Übrig.\n\n📎 Übersicht.csv (text/csv, 23 bytes)\nOrdner;Größe\nMüll;0";

const TABLE = new TextEncoder().encode("Ordner;Größe\nMüll;0\n");
const LOG = Uint8Array.fromBase64("H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==");

smtpTest("sendmail() with -t sends a mail with UTF-8 headers and attachments to a room and to a mailbox", async () => {
  await using scene = await setScene();
  await using smtp = await SmtpServer.start();
  const { homeserver, accessToken, room, stateDir } = scene;
  const config = {
    channels: {
      matrix: { homeserver: homeserver.url, accessToken, room },
      mailbox: {
        ...{ kind: "email", server: "127.0.0.1", port: smtp.port, caFile: smtp.caFile },
        ...{ from: "jump@example.org", to: "root@example.org" },
      },
    },
  };
  Deno.writeTextFileSync(`${stateDir}/config.json`, JSON.stringify(config), { mode: 0o600 });
  const stdin = Deno.readFileSync(new URL("../../ingest/mail/fixtures/attachment.eml", import.meta.url));
  using runtime = fakeRuntime({ env: { MATRIX_NOTIFY_STATE_DIR: `${stateDir}/state` }, stdin, realIds: true });
  const code = await main(["sendmail", "--config", `${stateDir}/config.json`, "--no-background", "-t", "-oi"], runtime);
  assertEquals([code, runtime.out(), runtime.err()], [0, "", ""]);
  const subject = "[jump] ❌ Sicherung über Nacht ⚠ unvollständig";
  assertEquals(homeserver.events(room).map(({ content: { msgtype, body } }) => [msgtype, body]), [
    ["m.text", `${subject}\n\n${CONTENT}`],
    ["m.file", "Übersicht.csv"],
    ["m.file", "log.gz"],
  ]);
  assertEquals(homeserver.uploads().map(({ type, bytes }) => [type, bytes]), [
    ["text/csv", TABLE],
    ["application/gzip", LOG],
  ]);
  await smtp.waitForMails(1);
  const { headers, parts, files } = await readMail(smtp.mails[0].data);
  assertEquals([headers.subject, parts["text/plain"]], [subject, `${subject}\n\n${CONTENT}`]);
  assertEquals(files, [
    ["Übersicht.csv", "text/csv", TABLE.toBase64()],
    ["log.gz", "application/gzip", LOG.toBase64()],
  ]);
});

/** A Matrix channel that is configured only by environment variables. */
function environmentOf({ homeserver, accessToken, room, stateDir }: Scene): Record<string, string> {
  return {
    MATRIX_HOMESERVER: homeserver.url,
    MATRIX_ACCESS_TOKEN: accessToken,
    MATRIX_ROOM: room,
    HOME: stateDir,
    MATRIX_NOTIFY_STATE_DIR: `${stateDir}/state`,
  };
}

Deno.test("sendmail() sends a mail without its attachments when there is not enough disk space for them", async () => {
  await using scene = await setScene();
  const { homeserver, room, stateDir } = scene;
  Deno.mkdirSync(`${stateDir}/state`);
  Deno.writeTextFileSync(`${stateDir}/state/attachments`, "in the way");
  const stdin = Deno.readFileSync(new URL("../../ingest/mail/fixtures/attachment.eml", import.meta.url));
  using runtime = fakeRuntime({ env: environmentOf(scene), stdin, realIds: true });
  assertEquals(await main(["sendmail", "--no-background", "-t"], runtime), 0);
  assertStringIncludes(runtime.err(), "cannot attach log.gz: Cannot create the directory");
  const bodies = homeserver.events(room).map(({ content }) => String(content.body));
  assertEquals(bodies.length, 1);
  assertStringIncludes(bodies[0], "✂ Cannot attach log.gz: Cannot create the directory");
});

Deno.test("sendmail() sends a mail without its attachments when the queue cannot be created", async () => {
  await using scene = await setScene();
  const { homeserver, room, stateDir } = scene;
  // A link without a target: the directory can be neither read nor written.
  Deno.symlinkSync(`${stateDir}/nowhere/state`, `${stateDir}/state`);
  const stdin = Deno.readFileSync(new URL("../../ingest/mail/fixtures/attachment.eml", import.meta.url));
  using runtime = fakeRuntime({ env: environmentOf(scene), stdin, realIds: true });
  assertEquals(await main(["sendmail", "--no-background", "-t"], runtime), 0);
  assertStringIncludes(runtime.err(), "the notification was sent without the queue");
  assertEquals(homeserver.events(room).length, 1);
});

Deno.test("sendmail() sends the beginning and the end of a mail of more than 10 MiB", async () => {
  await using scene = await setScene();
  const env = environmentOf(scene);
  const head = "Subject: Large\n\n";
  for (const bytes of [10 * 1024 * 1024, 10 * 1024 * 1024 + 1]) {
    using runtime = fakeRuntime({ env, stdin: `${head}${"x".repeat(bytes - head.length - 4)} end`, realIds: true });
    assertEquals(await main(["sendmail", "--no-background", "-t"], runtime), 0, runtime.err());
    const problem = "cannot send the whole mail: it is larger than 10 MiB";
    assertEquals(runtime.err().includes(problem), bytes > 10 * 1024 * 1024);
  }
  assertEquals(scene.subjects(), ["Large", "message.txt", "Large", "message.txt"]);
  for (const { content } of scene.homeserver.events(scene.room).filter(({ content }) => content.msgtype === "m.text")) {
    assertMatch(String(content.body), / end(\n\n✂ .*)?$/);
  }
});

Deno.test("sendmail() sends a mail that is empty or cannot be read, and says so", async () => {
  await using scene = await setScene();
  const env = environmentOf(scene);
  using empty = fakeRuntime({ env, stdin: "", realIds: true });
  assertEquals(await main(["sendmail", "--no-background", "-FCronDaemon"], empty), 0, empty.err());
  assertStringIncludes(empty.err(), "the mail is empty");
  using unreadable = fakeRuntime({ env, stdin: "", realIds: true });
  const stdin = () => new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Deno.errors.IsADirectory("")) });
  const runtime = { ...unreadable, stdio: { ...unreadable.stdio, stdin } };
  assertEquals(await main(["sendmail", "--no-background", "-t"], runtime), 0, unreadable.err());
  assertEquals(scene.homeserver.events(scene.room).map(({ content }) => content.body), [
    "[jump] (no subject)\n\n✂ The mail is empty",
    "[jump] (no subject)\n\n✂ Cannot read the mail from standard input: it is a directory",
  ]);
});

function parse(line: string) {
  const { dotEnds, sender, refused } = parseSendmailArgs(line.split(" "));
  return [dotEnds, sender, refused?.problem];
}

Deno.test("parseSendmailArgs() reads the command lines of cron, smartd, PHP and git", () => {
  assertEquals(parse("-FCronDaemon -i -B8BITMIME -oem root"), [false, "CronDaemon", undefined]);
  assertEquals(parse("-FCronDaemon -i -odi -oem -oi -t -f root"), [false, "CronDaemon", undefined]);
  assertEquals(parse("-t -i"), [false, undefined, undefined]);
  assertEquals(parse("-oi -t"), [false, undefined, undefined]);
  assertEquals(parse("-ti"), [false, undefined, undefined]);
  assertEquals(parse("-bm -f www@example.org -N failure -R hdrs -v root"), [true, "www@example.org", undefined]);
  assertEquals(parse("-r root -- -i"), [true, "root", undefined]);
});

Deno.test("parseSendmailArgs() does not read a value as an option, and ignores unknown options", () => {
  assertEquals(parse("-N -i root"), [true, undefined, undefined]);
  assertEquals(parse("-O i -Z --unknown root"), [true, undefined, undefined]);
  assertEquals(parse("-F"), [true, undefined, undefined]);
});

Deno.test("parseSendmailArgs() refuses the modes of a mail server", () => {
  assertEquals(parse("-bs")[2], "Cannot read SMTP from standard input");
  assertEquals(parse("-bp")[2], "Cannot list a mail queue");
  assertEquals(parse("-bd -q30m")[2], "Cannot deliver a mail queue");
  assertEquals(parse("-bd")[2], "Cannot run a mail server");
  assertEquals(parse("-bi")[2], "Cannot build a table of aliases");
  assertEquals(parse("-bv root")[2], "Cannot verify recipients");
});
