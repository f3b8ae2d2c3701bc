/**
 * Attachments on a real homeserver: they arrive in order and once, and another member gets the same
 * bytes.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { IMAGES } from "../notification/attachments/images.ts";
import { readBody, RoomScene } from "./room_scene.ts";
import { type RoomEvent, type Synapse, synapseSuite } from "./harness.ts";

const synapseTest = await synapseSuite();

/**
 * Reads a file as another member: msgtype, name, info, media type, and the bytes from the
 * authenticated endpoint.
 */
async function readFile(synapse: Synapse, scene: RoomScene, { content }: RoomEvent) {
  const [, server, id] = /^mxc:\/\/([^/]+)\/([^/]+)$/.exec(String(content.url)) ?? [];
  const url = `${synapse.url}/_matrix/client/v1/media/download/${server}/${id}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${scene.reader.accessToken}` } });
  const bytes = await response.bytes();
  return [content.msgtype, content.body, content.info, response.headers.get("content-type")?.split(";")[0], bytes];
}

synapseTest("send --attach delivers text, image and file in order, with the same bytes", async (synapse) => {
  await using scene = await RoomScene.open(synapse, { name: "attach" });
  const [, , base64] = IMAGES[0];
  const image = Uint8Array.fromBase64(base64);
  const data = crypto.getRandomValues(new Uint8Array(60_000));
  Deno.writeFileSync(`${scene.stateDir}/Übersicht.png`, image);
  Deno.writeFileSync(`${scene.stateDir}/dump.bin`, data);
  const attach = ["--attach", `${scene.stateDir}/Übersicht.png`, "--attach", `${scene.stateDir}/dump.bin`];
  const { code, stdout, stderr } = await scene.run(["send", "Load", "High", ...attach]);
  assertEquals([code, stderr], [0, ""]);
  const [text, ...files] = await scene.read();
  assertMatch(readBody(text), /Load\n\nHigh$/);
  assertEquals(await Promise.all(files.map((event) => readFile(synapse, scene, event))), [
    [
      ...["m.image", "Übersicht.png"],
      { mimetype: "image/png", size: image.length, w: 37, h: 23 },
      ...["image/png", image],
    ],
    [
      ...["m.file", "dump.bin"],
      { mimetype: "application/octet-stream", size: data.length },
      ...["application/octet-stream", data],
    ],
  ]);
  assertEquals(
    stdout,
    `matrix: delivered ${text.event_id} to ${scene.room}\n` +
      `matrix 📎 Übersicht.png: delivered ${files[0].event_id} to ${scene.room}\n` +
      `matrix 📎 dump.bin: delivered ${files[1].event_id} to ${scene.room}\n`,
  );
  assertEquals(Array.from(Deno.readDirSync(`${scene.stateDir}/attachments`)), []);
});

synapseTest(
  "send --attach keeps files while the homeserver is down, also if the originals are deleted",
  async (synapse) => {
    await using scene = await RoomScene.open(synapse, { name: "attach-down" });
    const path = `${scene.stateDir}/report.csv`;
    Deno.writeTextFileSync(path, "Ordner;Größe\n");
    await synapse.kill();
    const args = ["send", "Report", "", "--attach", path, "--wait", "0", "--no-background"];
    assertMatch((await scene.run(args)).stdout, /^matrix: queued .*\nmatrix 📎 report\.csv: queued /);
    Deno.removeSync(path);
    await synapse.startAgain();
    await scene.flush();
    const [text, file, ...more] = await scene.read();
    assertEquals([/Report/.test(readBody(text)), more], [true, []]);
    const [msgtype, body, , , bytes] = await readFile(synapse, scene, file);
    assertEquals([msgtype, body, bytes], ["m.file", "report.csv", new TextEncoder().encode("Ordner;Größe\n")]);
  },
);

synapseTest("sendmail -t delivers a mail with UTF-8 headers and its attachments", async (synapse) => {
  await using scene = await RoomScene.open(synapse, { name: "attach-mail" });
  const mail = Deno.readTextFileSync(new URL("../ingest/mail/fixtures/attachment.eml", import.meta.url));
  assertEquals(await scene.run(["sendmail", "-t", "-oi"], mail), { code: 0, stdout: "", stderr: "" });
  const [text, ...files] = await scene.read();
  assertMatch(
    readBody(text),
    /^\[.*\] ❌ Sicherung über Nacht ⚠ unvollständig\n\nZwei Ordner fehlen: Müll und Übrig\./,
  );
  const seen = await Promise.all(files.map((event) => readFile(synapse, scene, event)));
  assertEquals(seen.map(([msgtype, body, , type, bytes]) => [msgtype, body, type, bytes]), [
    ["m.file", "Übersicht.csv", "text/csv", new TextEncoder().encode("Ordner;Größe\nMüll;0\n")],
    ["m.file", "log.gz", "application/gzip", Uint8Array.fromBase64("H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==")],
  ]);
});
