/**
 * A homeserver, and a state directory in which its user logs in; for tests as one process or as
 * several.
 */

import type { Account } from "../../src/accounts/account.ts";
import { openSession } from "../../src/accounts/session.ts";
import { type SignInContext, signInWithProof } from "../../src/accounts/sign_in.ts";
import { AccountStore } from "../../src/accounts/store.ts";
import type { MatrixClient } from "../../src/matrix/request.ts";
import { whoami } from "../../src/matrix/account.ts";
import { type HomeserverOptions, LoopbackHomeserver, type LoopbackUser } from "../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";

export const LIMITS = { timeoutMs: 1000 };

export interface AccountScene {
  readonly homeserver: LoopbackHomeserver;
  readonly user: LoopbackUser;
  readonly runtime: FakeRuntime;
  readonly stateDir: string;
  readonly store: AccountStore;
  readonly context: SignInContext;
  /** Logs in with the password. */
  login(options?: { readonly passwordFile?: string }): Promise<Account>;
  /** Reads the account from the disk. */
  saved(): Account;
  /** Changes the account on the disk. */
  change(changes: Partial<Account>): Promise<void>;
  /** Creates a client as a channel does; each stands for a process of its own. */
  client(): MatrixClient;
  /** Sends a request with the account's token. Returns the device_id of the answer. */
  use(client?: MatrixClient): Promise<string>;
  /** Counts the requests that the homeserver has received. */
  countRequests(route: string): number;
}

export async function accountTest(
  body: (scene: AccountScene) => Promise<void>,
  options: HomeserverOptions = {},
): Promise<void> {
  using runtime = fakeRuntime({ realIds: true });
  await using homeserver = await LoopbackHomeserver.start({ now: runtime.now, tokenLifetimeMs: 5000, ...options });
  const user = homeserver.addUser("bot");
  const { userId, password } = user;
  const stateDir = Deno.makeTempDirSync({ prefix: "accounts-" });
  const store = new AccountStore(stateDir);
  const context = { userId, stateDir, runtime, userAgent: "test/1" };
  const saved = () => {
    const account = store.read(userId);
    if (account === undefined) throw new Error("Cannot read the account: there is none");
    return account;
  };
  const client = (): MatrixClient => ({
    runtime,
    userAgent: "test/1",
    baseUrl: homeserver.url,
    credentials: openSession(stateDir, userId, "test/1").credentials(runtime),
  });
  try {
    await body({
      homeserver,
      user,
      runtime,
      stateDir,
      store,
      context,
      login: (options) =>
        signInWithProof(context, { type: "m.login.password", user: userId, password }, {
          baseUrl: homeserver.url,
          ...options,
        }),
      saved,
      change: (changes) =>
        store.withLock(userId, { runtime, ...LIMITS }, (locked) => locked.save({ ...saved(), ...changes })),
      client,
      use: async (by = client()) => (await whoami(by, LIMITS)).deviceId ?? "",
      countRequests: (route) => homeserver.requests.filter((request) => request.route === route).length,
    });
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
}
