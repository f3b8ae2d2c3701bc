/** `logout`: ends a login on the homeserver and deletes the account on this host. */

import { signOut } from "../../accounts/sign_out.ts";
import { AccountStore } from "../../accounts/store.ts";
import { UsageError } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { createSignIn, findStateDir } from "../matrix_account.ts";

const LOGOUT_TIMEOUT_MS = 30_000;

/** Runs `logout`. */
export async function logout(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  const signIn = createSignIn(context, args.operands[0] ?? findOnlyAccount(findStateDir(context)));
  const wasValid = await signOut({ ...signIn, timeoutMs: LOGOUT_TIMEOUT_MS });
  ui.data(`logged out ${signIn.userId}${wasValid ? "" : ", whose login had already ended"}`);
  return EXIT.ok;
}

/** @throws {UsageError} if there is no account, or more than one */
function findOnlyAccount(stateDir: string): string {
  const accounts = new AccountStore(stateDir).list();
  if (accounts.length === 1) return accounts[0];
  throw accounts.length === 0
    ? new UsageError("Cannot log out: no account is logged in")
    : new UsageError("Cannot log out: more than one account is logged in", `name one: ${accounts.join(", ")}`);
}
