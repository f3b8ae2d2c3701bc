/** `whoami`: the accounts, those of channels with a token of their own, and what the servers say of them. */

import { toLoginError } from "../../accounts/sign_in.ts";
import { openSession, requireAccount } from "../../accounts/session.ts";
import { AccountStore } from "../../accounts/store.ts";
import type { ChannelSource } from "../../config/load.ts";
import { HintedError } from "../../base/errors.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import { type Whoami, whoami as askWhoami } from "../../matrix/session.ts";
import { USER_AGENT } from "../../base/version.ts";
import { accountJson, accountLine, channelLine } from "../account_line.ts";
import type { CommandContext } from "../command.ts";
import { EXIT, exitCodeOf } from "../exit_codes.ts";
import { clientOf } from "../matrix_client.ts";
import { channelsOf, signInOf, stateDirOf } from "../sign_in.ts";

const WHOAMI_TIMEOUT_MS = 30_000;

/** Tells about one account, or all of them; the exit code is that of the first that cannot be used. */
export async function whoami(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  const [named] = args.operands;
  const users = named === undefined ? new AccountStore(stateDirOf(context)).list() : [signInOf(context, named).userId];
  const channels = named === undefined ? channelsOf(context) : [];
  const nobody = users.length + channels.length === 0;
  if (nobody) ui.fail("Nobody is logged in", "run: matrix-notify login @bot:example.org");
  let code: number = nobody ? EXIT.noPerm : EXIT.ok;
  const judge = async (problem: Promise<HintedError | undefined>) => {
    const error = await problem;
    if (error !== undefined && code === EXIT.ok) code = exitCodeOf(error);
  };
  for (const userId of users) await judge(tellAccount(context, userId));
  for (const channel of channels) await judge(tellChannel(context, channel));
  return code;
}

/** Somebody who logged in. */
async function tellAccount(context: CommandContext, userId: string): Promise<HintedError | undefined> {
  const { args, ui } = context;
  const stateDir = stateDirOf(context);
  const ask = async () => {
    const { homeserver } = requireAccount(stateDir, userId);
    const { runtime } = signInOf(context, userId);
    const credentials = openSession(stateDir, userId, USER_AGENT).credentials(runtime);
    await agree({ runtime, baseUrl: homeserver, userAgent: USER_AGENT, credentials });
    // Read again: the token may have been renewed.
    const account = requireAccount(stateDir, userId);
    if (args.has("json")) ui.json(accountJson(account));
    else ui.data(accountLine(account, runtime.now()));
  };
  return await trouble(ask, context, {
    what: `Cannot use the account ${userId}`,
    hint: `log in again: matrix-notify login ${userId}`,
  });
}

/** Whoever gave a channel a token. */
async function tellChannel(context: CommandContext, source: ChannelSource): Promise<HintedError | undefined> {
  const { args, runtime, ui } = context;
  const ask = async () => {
    const client = clientOf(source, runtime);
    const who = { ...await agree(client), homeserver: client.baseUrl };
    if (args.has("json")) {
      ui.json({ user: who.userId, device: who.deviceId, homeserver: who.homeserver, channel: source.name });
    } else ui.data(channelLine(who, source.name));
  };
  return await trouble(ask, context, {
    what: `Cannot use the token of channel ${source.name}`,
    hint: "run: matrix-notify doctor",
  });
}

function agree(client: MatrixClient): Promise<Whoami> {
  return askWhoami(client, { timeoutMs: WHOAMI_TIMEOUT_MS });
}

/** What went wrong, which is told. */
async function trouble(
  ask: () => Promise<void>,
  { runtime, ui }: CommandContext,
  { what, hint }: { readonly what: string; readonly hint: string },
): Promise<HintedError | undefined> {
  try {
    await ask();
  } catch (thrown) {
    const error = toLoginError(what, thrown, runtime.now());
    if (!(error instanceof HintedError)) throw error;
    ui.fail(error.message, error.hint ?? hint);
    return error;
  }
}
