/** `logout`: ends a session on the server, and forgets it here. */

import { signOut } from "../../accounts/sign_out.ts";
import { AccountStore } from "../../accounts/store.ts";
import { UsageError } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { signInOf, stateDirOf } from "../sign_in.ts";

const LOGOUT_TIMEOUT_MS = 30_000;

/** Logs one account out. */
export async function logout(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  const signIn = signInOf(context, args.operands[0] ?? onlyAccount(stateDirOf(context)));
  const wasAlive = await signOut({ ...signIn, timeoutMs: LOGOUT_TIMEOUT_MS });
  ui.data(`logged out ${signIn.userId}${wasAlive ? "" : ", whose session was over already"}`);
  return EXIT.ok;
}

/** @throws {UsageError} when it is not clear who is meant */
function onlyAccount(stateDir: string): string {
  const accounts = new AccountStore(stateDir).list();
  if (accounts.length === 1) return accounts[0];
  throw accounts.length === 0
    ? new UsageError("Cannot log out: nobody is logged in")
    : new UsageError("Cannot log out: more than one account is logged in", `name one: ${accounts.join(", ")}`);
}
