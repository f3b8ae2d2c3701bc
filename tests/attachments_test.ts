/** Files that are attached: on disk before anybody is told so, delivered once and in order, and gone when nobody needs them. */

import { assertEquals, assertRejects } from "@std/assert";
import { InvalidNotificationError } from "../src/errors.ts";
import type { AttachmentInput } from "../src/notification.ts";
import { type Scene, setScene } from "./fakes/scene.ts";

/** A PNG of one pixel. */
const PIXEL = Uint8Array.fromBase64(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
);

const TEXT = new TextEncoder().encode("Ordner;Größe\nMüll;0\n");

const FILES: readonly AttachmentInput[] = [{ bytes: PIXEL, name: "graph.png" }, { bytes: TEXT, name: "übersicht.csv" }];

/** What is in the room: texts by their subjects, files by their kinds and names. */
function shown({ homeserver, room }: Scene): string[] {
  return homeserver.events(room).map(({ content: { msgtype, body } }) =>
    `${msgtype} ${String(body).split("\n")[0].replace("[jump] ", "")}`
  );
}

/** The names in `attachments/`. */
function kept({ stateDir }: Scene): string[] {
  try {
    return Array.from(Deno.readDirSync(`${stateDir}/attachments`), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

Deno.test("notify() sends text and files in order, with what is known of them", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const outcomes = await notifier.notify({ subject: "Load", attachments: FILES });
  assertEquals(outcomes.map(({ state, file }) => [state, file]), [
    ["delivered", undefined],
    ["delivered", "graph.png"],
    ["delivered", "übersicht.csv"],
  ]);
  assertEquals(shown(scene), ["m.text Load", "m.image graph.png", "m.file übersicht.csv"]);
  const { homeserver, room } = scene;
  const [, image, file] = homeserver.events(room).map(({ content }) => content);
  const [first, second] = homeserver.uploads();
  assertEquals(image, {
    msgtype: "m.image",
    body: "graph.png",
    filename: "graph.png",
    url: first.uri,
    info: { mimetype: "image/png", size: PIXEL.length, w: 1, h: 1 },
    "m.mentions": {},
    "dev.matrix-notify.id": outcomes[1].id,
  });
  assertEquals(file.info, { mimetype: "text/csv", size: TEXT.length });
  assertEquals([first, second].map(({ bytes, type, filename }) => [bytes, type, filename]), [
    [PIXEL, "image/png", "graph.png"],
    [TEXT, "text/csv", "übersicht.csv"],
  ]);
  assertEquals(kept(scene), []);
});

Deno.test("notify() keeps files that are queued, and sends them when the originals are long gone", async () => {
  await using scene = await setScene();
  const path = `${scene.stateDir}/report.txt`;
  Deno.writeTextFileSync(path, "All is well");
  await scene.homeserver.stop();
  {
    await using notifier = await scene.open();
    const outcomes = await notifier.notify({ subject: "Report", attachments: [{ path }] }, { waitMs: 0 });
    assertEquals(outcomes.map(({ state }) => state), ["queued", "queued"]);
  }
  Deno.removeSync(path);
  assertEquals(kept(scene).length, 1);
  await scene.homeserver.restart();
  await using notifier = await scene.open();
  await notifier.flush();
  assertEquals(shown(scene), ["m.text Report", "m.file report.txt"]);
  assertEquals(scene.homeserver.uploads().map(({ bytes }) => new TextDecoder().decode(bytes)), ["All is well"]);
  assertEquals(kept(scene), []);
});

Deno.test("notify() takes nothing when a file cannot be taken", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  const attachments = [...FILES, { path: `${scene.stateDir}/none` }];
  const error = await assertRejects(() => notifier.notify({ subject: "Load", attachments }), InvalidNotificationError);
  assertEquals(error.message, `Cannot attach ${scene.stateDir}/none: there is no such file`);
  assertEquals([shown(scene), kept(scene), notifier.entries()], [[], [], []]);
});
