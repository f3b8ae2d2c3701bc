/** `whoami`: the accounts, and what the servers say of them. */

import { understood } from "../../accounts/sign_in.ts";
import { openSession, requireAccount } from "../../accounts/session.ts";
import { AccountStore } from "../../accounts/store.ts";
import { HintedError } from "../../errors.ts";
import { whoami as askWhoami } from "../../matrix/session.ts";
import { USER_AGENT } from "../../version.ts";
import { accountJson, accountLine } from "../account_line.ts";
import type { CommandContext } from "../command.ts";
import { EXIT, exitCodeOf } from "../exit_codes.ts";
import { signInOf, stateDirOf } from "../sign_in.ts";

const WHOAMI_TIMEOUT_MS = 30_000;

/** Tells about one account, or all of them; the exit code is that of the first that cannot be used. */
export async function whoami(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  const [named] = args.operands;
  const users = named === undefined ? new AccountStore(stateDirOf(context)).list() : [signInOf(context, named).userId];
  if (users.length === 0) ui.fail("Nobody is logged in", "run: matrix-notify login @bot:example.org");
  let code: number = users.length === 0 ? EXIT.noPerm : EXIT.ok;
  for (const userId of users) {
    const problem = await check(context, userId);
    if (problem !== undefined && code === EXIT.ok) code = exitCodeOf(problem);
  }
  return code;
}

async function check(context: CommandContext, userId: string): Promise<HintedError | undefined> {
  const { args, runtime, ui } = context;
  const stateDir = stateDirOf(context);
  try {
    const { homeserver } = requireAccount(stateDir, userId);
    const { runtime } = signInOf(context, userId);
    const credentials = openSession(stateDir, userId, USER_AGENT).credentials(runtime);
    const client = { runtime, baseUrl: homeserver, userAgent: USER_AGENT, credentials };
    await askWhoami(client, { timeoutMs: WHOAMI_TIMEOUT_MS });
  } catch (thrown) {
    const error = understood(`Cannot use the account ${userId}`, thrown, runtime.now());
    if (!(error instanceof HintedError)) throw error;
    ui.fail(error.message, error.hint ?? `log in again: matrix-notify login ${userId}`);
    return error;
  }
  const account = requireAccount(stateDir, userId);
  if (args.has("json")) ui.json(accountJson(account));
  else ui.data(accountLine(account, runtime.now()));
}
