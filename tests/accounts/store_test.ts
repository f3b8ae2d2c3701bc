import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type Account, accountPath, readAccount } from "../../src/accounts/account.ts";
import { AccountStore, stableDeviceId } from "../../src/accounts/store.ts";
import { ConfigError } from "../../src/base/errors.ts";
import { denoFiles, type Files } from "../../src/runtime/files.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

const USER = "@bot:example.org";
const ACCOUNT: Account = {
  userId: USER,
  homeserver: "https://matrix.example.org",
  deviceId: "DESK",
  accessToken: "syt_1",
  refreshToken: "syr_1",
  expiresAt: 5,
  oauth: {
    issuer: "https://a.example/",
    clientId: "1",
    tokenEndpoint: "https://a.example/t",
    revocationEndpoint: "https://a.example/r",
  },
};

async function folderTest(body: (stateDir: string, store: AccountStore) => Promise<void> | void, files?: Files) {
  const stateDir = Deno.makeTempDirSync({ prefix: "store-" });
  try {
    await body(stateDir, new AccountStore(stateDir, files));
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
}

function save(store: AccountStore, account: Account): Promise<void> {
  using runtime = fakeRuntime();
  return store.withLock(account.userId, { runtime, timeoutMs: 1000 }, (locked) => locked.save(account));
}

Deno.test("AccountStore saves, lists and removes accounts by user", async () => {
  await folderTest(async (_, store) => {
    assertEquals([store.read(USER), store.list()], [undefined, []]);
    await save(store, ACCOUNT);
    await save(store, { ...ACCOUNT, userId: "@a/../b:example.org" });
    assertEquals([store.read(USER), store.list()], [ACCOUNT, ["@a/../b:example.org", USER]]);
    using runtime = fakeRuntime();
    await store.withLock(USER, { runtime, timeoutMs: 1000 }, (locked) => locked.remove());
    assertEquals([store.read(USER), store.list()], [undefined, ["@a/../b:example.org"]]);
  });
});

Deno.test("AccountStore.list() skips files whose names are not user ids", async () => {
  await folderTest(async (stateDir, store) => {
    await save(store, ACCOUNT);
    for (const name of ["%.json", "%FF%FE.json", "notes.txt"]) {
      Deno.writeTextFileSync(`${stateDir}/accounts/${name}`, "{}");
    }
    assertEquals(store.list(), [USER]);
  });
});

Deno.test("AccountStore does not take the mode of a temporary file that was left over", async () => {
  await folderTest(async (stateDir, store) => {
    await save(store, ACCOUNT);
    const path = `${stateDir}/accounts/%40bot%3Aexample.org.json`;
    Deno.writeTextFileSync(`${path}.tmp`, "");
    Deno.chmodSync(`${path}.tmp`, 0o666);
    await save(store, ACCOUNT);
    assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  });
});

Deno.test("AccountStore writes accounts in this format", async () => {
  await folderTest(async (stateDir, store) => {
    await save(store, ACCOUNT);
    assertEquals(JSON.parse(Deno.readTextFileSync(`${stateDir}/accounts/%40bot%3Aexample.org.json`)), {
      version: 1,
      userId: "@bot:example.org",
      homeserver: "https://matrix.example.org",
      deviceId: "DESK",
      accessToken: "syt_1",
      refreshToken: "syr_1",
      expiresAt: 5,
      oauth: {
        issuer: "https://a.example/",
        clientId: "1",
        tokenEndpoint: "https://a.example/t",
        revocationEndpoint: "https://a.example/r",
      },
    });
  });
});

Deno.test("AccountStore syncs the bytes before it renames, and the directory before it returns", async () => {
  const calls: string[] = [];
  const note = (call: string, path: string) =>
    calls.push(`${call} ${path.split("/").at(-1)?.replace(/^%40.*\.json/, "J")}`);
  const files: Files = {
    ...denoFiles,
    open(path, mode) {
      const file = denoFiles.open(path, mode);
      if (mode !== "create") return file;
      note(mode, path);
      return {
        ...file,
        syncData() {
          note("sync", path);
          file.syncData();
        },
      };
    },
    rename(from, to) {
      note("rename", to);
      denoFiles.rename(from, to);
    },
    syncDirectory(path) {
      note("sync", path);
      denoFiles.syncDirectory(path);
    },
  };
  await folderTest(async (_, store) => {
    await save(store, ACCOUNT);
    calls.length = 0;
    await save(store, ACCOUNT);
    assertEquals(calls, ["create J.tmp", "sync J.tmp", "rename J", "sync accounts"]);
  }, files);
});

const DAMAGED: readonly (readonly [content: string, text: string])[] = [
  ["no JSON", "{"],
  ["nothing", ""],
  ["another version", JSON.stringify({ version: 2, ...ACCOUNT })],
  ["another user", JSON.stringify({ version: 1, ...ACCOUNT, userId: "@other:example.org" })],
  ["no token", JSON.stringify({ version: 1, ...ACCOUNT, accessToken: undefined })],
  ["a number for a text", JSON.stringify({ version: 1, ...ACCOUNT, refreshToken: 5 })],
  ["half an OAuth session", JSON.stringify({ version: 1, ...ACCOUNT, oauth: { issuer: "x" } })],
];

for (const [content, text] of DAMAGED) {
  Deno.test(`readAccount() refuses a file with ${content}, with a hint; a login overwrites it`, async () => {
    await folderTest(async (stateDir, store) => {
      Deno.mkdirSync(`${stateDir}/accounts`);
      Deno.writeTextFileSync(accountPath(stateDir, USER), text, { mode: 0o600 });
      const error = assertThrows(() => readAccount(stateDir, USER), ConfigError, "Cannot use account file");
      assertEquals(error.hint, `log in again: matrix-notify login ${USER}`);
      await save(store, ACCOUNT);
      assertEquals(readAccount(stateDir, USER), ACCOUNT);
    });
  });
}

Deno.test("stableDeviceId() creates one device for each state directory", async () => {
  using runtime = fakeRuntime({ realIds: true });
  await folderTest((one) =>
    folderTest((two) => {
      const deviceId = stableDeviceId(one, runtime);
      assertMatch(deviceId, /^[0-9A-F]{16}$/);
      assertEquals(stableDeviceId(one, runtime), deviceId);
      assertEquals(stableDeviceId(two, runtime) === deviceId, false);
      Deno.writeTextFileSync(`${one}/device.json`, "{}");
      assertThrows(() => stableDeviceId(one, runtime), ConfigError, "it is damaged");
    })
  );
});
