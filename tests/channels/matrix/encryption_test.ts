/** Encrypted rooms: the warning, the setting `encryptedRooms`, and the cost of the check. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  formatDestination,
  inMemoryRoomCache,
  readRoomNames,
  RoomCacheFile,
} from "../../../src/channels/room_cache.ts";
import { EncryptionGuard } from "../../../src/channels/matrix/encryption.ts";
import { LOOK_EVERY_MS, MAX_RECALLED } from "../../../src/channels/matrix/room_resolver.ts";
import { fieldsOf } from "../../fakes/outcomes.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";
import { type Scene, setScene } from "../../fakes/scene.ts";

const ALIAS = "#alerts:loopback.test";
const ALGORITHM = { algorithm: "m.megolm.v1.aes-sha2" };

function encrypt({ homeserver }: Scene, room: string): void {
  homeserver.setState(room, "m.room.encryption", ALGORITHM);
}

/** Opens a notifier that collects its warnings. */
async function openWith(scene: Scene, settings: Readonly<Record<string, unknown>> = {}) {
  const { homeserver, accessToken, room } = scene;
  const warnings: string[] = [];
  const notifier = await scene.open({
    channels: { matrix: { homeserver: homeserver.url, accessToken, room, ...settings } },
    onWarning: (text) => warnings.push(text),
  });
  return { notifier, warnings };
}

function looks({ homeserver }: Scene): number {
  return homeserver.requests.filter(({ path }) => path.includes("m.room.encryption")).length;
}

Deno.test("MatrixChannel.send() warns about an encrypted room in each process, with one request in all processes", async () => {
  await using scene = await setScene();
  encrypt(scene, scene.room);
  const all: string[] = [];
  for (const subject of ["One", "Two", "Three"]) {
    const { notifier, warnings } = await openWith(scene);
    await using _ = notifier;
    const [outcome] = await notifier.notify({ subject });
    assertEquals(outcome.state, "delivered");
    all.push(...warnings);
  }
  assertEquals(all.length, 3);
  assertStringIncludes(all[0], `Room ${scene.room} is encrypted, but matrix-notify sends unencrypted messages`);
  assertStringIncludes(all[0], "matrix-notify room create NAME");
  assertEquals([looks(scene), scene.subjects()], [1, ["One", "Two", "Three"]]);
});

Deno.test("MatrixChannel.send() warns once about each encrypted room in a process", async () => {
  await using scene = await setScene();
  const { homeserver, room } = scene;
  const other = homeserver.createRoom({ members: ["@bot:loopback.test"] });
  for (const each of [room, other]) encrypt(scene, each);
  const { notifier, warnings } = await openWith(scene, { room: [room, other] });
  await using _ = notifier;
  for (const subject of ["One", "Two", "Three"]) await notifier.notify({ subject });
  assertEquals(warnings.map((text) => text.split(" ")[1]), [room, other]);
  assertEquals([scene.subjects().length, homeserver.events(other).length], [3, 3]);
});

Deno.test("EncryptionGuard.mayWarn() remembers a limited number of rooms", () => {
  using runtime = fakeRuntime();
  const guard = new EncryptionGuard(
    { runtime, baseUrl: "http://127.0.0.1:1", userAgent: "" },
    inMemoryRoomCache(),
    "warn",
  );
  assertEquals([guard.mayWarn("!a"), guard.mayWarn("!a")], [true, false]);
  for (let count = 0; count < MAX_RECALLED; count++) guard.mayWarn(`!${count}`);
  assertEquals(guard.mayWarn("!a"), true);
});

Deno.test("MatrixChannel.send() learns the name of the room with its first message", async () => {
  await using scene = await setScene();
  const { homeserver, room } = scene;
  homeserver.setState(room, "m.room.name", { name: "Alerts" });
  const rooms = new RoomCacheFile(scene.stateDir, scene.runtime);
  for (const subject of ["One", "Two"]) {
    const { notifier } = await openWith(scene);
    await using _ = notifier;
    await notifier.notify({ subject });
    assertEquals(formatDestination(room, readRoomNames(rooms)), `Alerts (${room})`);
  }
  assertEquals(homeserver.requests.filter(({ path }) => path.includes("m.room.name")).length, 1);
});

Deno.test("MatrixChannel.send() delivers to a room whose name cannot be read", async () => {
  await using scene = await setScene();
  scene.homeserver.fault("500", { on: "state", where: ({ path }) => path.includes("m.room.name") });
  const { notifier, warnings } = await openWith(scene);
  await using _ = notifier;
  const [outcome] = await notifier.notify({ subject: "One" });
  assertEquals([outcome.state, warnings], ["delivered", []]);
});

Deno.test("MatrixChannel.send() notices within hours that a room was encrypted", async () => {
  await using scene = await setScene();
  const { notifier, warnings } = await openWith(scene);
  await using _ = notifier;
  for (const subject of ["One", "Two"]) await notifier.notify({ subject });
  assertEquals([warnings, looks(scene)], [[], 1]);
  encrypt(scene, scene.room);
  scene.runtime.time += LOOK_EVERY_MS;
  await notifier.notify({ subject: "Three" });
  assertEquals([warnings.length, looks(scene)], [1, 2]);
});

Deno.test("MatrixChannel.send() warns only after the message was sent", async () => {
  await using scene = await setScene();
  encrypt(scene, scene.room);
  scene.homeserver.fault("500", { times: 1 });
  const { notifier, warnings } = await openWith(scene);
  await using _ = notifier;
  await notifier.notify({ subject: "One" }, { waitMs: 1 });
  assertEquals(warnings, []);
  await notifier.flush();
  assertEquals([warnings.length, scene.subjects()], [1, ["One"]]);
});

Deno.test("MatrixChannel.send() sends without a warning if the state of the room cannot be read", async () => {
  await using scene = await setScene();
  scene.homeserver.fault("500", { on: "state", times: 1 });
  const { notifier, warnings } = await openWith(scene);
  await using _ = notifier;
  const [outcome] = await notifier.notify({ subject: "One" });
  assertEquals([outcome.state, warnings], ["delivered", []]);
});

Deno.test("encryptedRooms: refuse lets only the encrypted room wait, until its alias leads to another room", async () => {
  await using scene = await setScene();
  const { homeserver, room } = scene;
  const secret = homeserver.createRoom({ members: ["@bot:loopback.test"], alias: ALIAS });
  encrypt(scene, secret);
  const { notifier, warnings } = await openWith(scene, { room: [ALIAS, room], encryptedRooms: "refuse" });
  await using _ = notifier;
  const [refused, delivered] = await notifier.notify({ subject: "One" });
  assertEquals([refused.state, delivered.state], ["queued", "delivered"]);
  assertStringIncludes(fieldsOf(refused).reason ?? "", `Room ${ALIAS} is encrypted, and "encryptedRooms" is "refuse"`);
  await notifier.flush();
  assertEquals([homeserver.events(secret).length, warnings], [0, []]);
  const open = homeserver.createRoom({ members: ["@bot:loopback.test"] });
  homeserver.moveAlias(ALIAS, open);
  await notifier.flush();
  assertEquals([homeserver.events(secret).length, homeserver.events(open).length], [0, 1]);
});

Deno.test("encryptedRooms: refuse sends nothing while the state of the room cannot be read", async () => {
  await using scene = await setScene();
  scene.homeserver.fault("500", { on: "state", times: 1 });
  const { notifier } = await openWith(scene, { encryptedRooms: "refuse" });
  await using _ = notifier;
  const [outcome] = await notifier.notify({ subject: "One" }, { waitMs: 1 });
  assertEquals([outcome.state, scene.puts()], ["queued", 0]);
  await notifier.flush();
  assertEquals(scene.subjects(), ["One"]);
});

for (const known of [true, "now"] as const) {
  Deno.test(
    `EncryptionGuard.check() reads the cache once for many messages if the room is ${
      known === true ? "" : "not "
    }encrypted`,
    async () => {
      using runtime = fakeRuntime();
      const cache = inMemoryRoomCache();
      await cache.remember("encrypted !a", known === true ? true : runtime.time);
      let reads = 0;
      const counting = { ...cache, get: (key: string) => (reads++, cache.get(key)) };
      const guard = new EncryptionGuard({ runtime, baseUrl: "http://127.0.0.1:1", userAgent: "" }, counting, "warn");
      const warnings = new Set<boolean>();
      for (let count = 0; count < 3; count++) {
        warnings.add(await guard.check("!a", "!a", { timeoutMs: 1 }) !== undefined);
      }
      assertEquals([reads, [...warnings]], [1, [known === true]]);
      // A sender can name any room, so the number of rooms in memory is limited.
      for (let count = 0; count < MAX_RECALLED; count++) {
        await cache.remember(`encrypted !${count}`, true);
        await guard.check(`!${count}`, "!a", { timeoutMs: 1 });
      }
      reads = 0;
      await guard.check("!a", "!a", { timeoutMs: 1 });
      assertEquals(reads, 1);
    },
  );
}
