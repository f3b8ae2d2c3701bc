/** `whoami`: prints the saved accounts and checks their tokens on the homeservers. */

import { LOGIN_TIMEOUT_MS, toLoginError } from "../../accounts/sign_in.ts";
import { openSession, requireAccount } from "../../accounts/session.ts";
import { AccountStore } from "../../accounts/store.ts";
import type { ChannelSource } from "../../config/load.ts";
import { HintedError } from "../../base/errors.ts";
import { MatrixError } from "../../matrix/errors.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import { type Whoami, whoami as requestWhoami } from "../../matrix/account.ts";
import { USER_AGENT } from "../../base/version.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { EXIT, exitCodeForError } from "../exit_codes.ts";
import { JSON_OPTION } from "../options.ts";

const OPTIONS = [JSON_OPTION] as const;

type WhoamiContext = ContextFor<typeof OPTIONS>;

export const whoami: Command = defineCommand({
  operands: "[USER]",
  options: OPTIONS,
  details: ["Without USER, whoami shows all accounts, and all channels that have their own access token."],
  examples: ["matrix-notify whoami", "matrix-notify whoami @bot:example.org --json"],
  run,
});

/** Checks all accounts. The first account that fails determines the exit code. */
async function run(context: WhoamiContext): Promise<number> {
  const { args, ui } = context;
  const { createSignIn, findMatrixChannels, findStateDir } = await import("../matrix_account.ts");
  const [user] = args.operands;
  const users = user === undefined
    ? new AccountStore(findStateDir(context)).list()
    : [(await createSignIn(context, user)).userId];
  const channels = user === undefined ? await findMatrixChannels(context) : [];
  if (users.length + channels.length === 0) {
    ui.fail("No account is logged in", "run: matrix-notify login @bot:example.org");
    return EXIT.noPerm;
  }
  const problems: (HintedError | undefined)[] = [];
  for (const userId of users) problems.push(await printAccount(context, userId));
  for (const channel of channels) problems.push(await printChannel(context, channel));
  const first = problems.find((problem) => problem !== undefined);
  return first === undefined ? EXIT.ok : exitCodeForError(first);
}

async function printAccount(context: WhoamiContext, userId: string): Promise<HintedError | undefined> {
  const { args, ui } = context;
  const { createSignIn, findStateDir, formatAccount, toAccountJson } = await import("../matrix_account.ts");
  const stateDir = findStateDir(context);
  const check = async () => {
    const { homeserver } = requireAccount(stateDir, userId);
    const { runtime } = await createSignIn(context, userId);
    const credentials = openSession(stateDir, userId, USER_AGENT).credentials(runtime);
    await verifyToken({ runtime, baseUrl: homeserver, userAgent: USER_AGENT, credentials });
    // The account is read again here, because the request above may have renewed the token.
    const account = requireAccount(stateDir, userId);
    if (args.has("json")) ui.json(toAccountJson(account));
    else ui.data(formatAccount(account, runtime.now()));
  };
  return await reportProblem(check, context, {
    what: `Cannot use the account ${userId}`,
    hint: `log in again: matrix-notify login ${userId}`,
  });
}

async function printChannel(context: WhoamiContext, source: ChannelSource): Promise<HintedError | undefined> {
  const { args, runtime, ui } = context;
  const { createChannelClient, formatChannelAccount } = await import("../matrix_account.ts");
  const check = async () => {
    const client = createChannelClient(source, runtime);
    const owner = { ...await verifyToken(client), homeserver: client.baseUrl };
    if (args.has("json")) {
      ui.json({ user: owner.userId, device: owner.deviceId, homeserver: owner.homeserver, channel: source.name });
    } else ui.data(formatChannelAccount(owner, source.name));
  };
  return await reportProblem(check, context, {
    what: `Cannot use the token of channel ${source.name}`,
    hint: "run: matrix-notify doctor",
  });
}

function verifyToken(client: MatrixClient): Promise<Whoami> {
  return requestWhoami(client, { timeoutMs: LOGIN_TIMEOUT_MS });
}

function isTokenRefused({ cause }: HintedError): boolean {
  return cause instanceof MatrixError && cause.errcode === "M_UNKNOWN_TOKEN";
}

async function hintOf(error: HintedError): Promise<string> {
  const { findingOf } = await import("../../channels/check.ts");
  return error.hint ?? findingOf(error.cause).hint ?? "run: matrix-notify doctor";
}

/** Runs a check. If the check fails, prints and returns the error. */
async function reportProblem(
  check: () => Promise<void>,
  { runtime, ui }: WhoamiContext,
  { what, hint }: { readonly what: string; readonly hint: string },
): Promise<HintedError | undefined> {
  try {
    await check();
  } catch (thrown) {
    const error = toLoginError(what, thrown, runtime.now());
    if (!(error instanceof HintedError)) throw error;
    ui.fail(error.message, isTokenRefused(error) ? hint : await hintOf(error));
    return error;
  }
}
