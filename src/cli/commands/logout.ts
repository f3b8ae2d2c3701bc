/** `logout`: logs out on the homeserver and deletes the saved account. */

import { signOut } from "../../accounts/sign_out.ts";
import { AccountStore } from "../../accounts/store.ts";
import { ConfigError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import { JSON_OPTION } from "../options.ts";

const OPTIONS = [JSON_OPTION] as const;

export const logout: Command = defineCommand({
  operands: "[USER]",
  options: OPTIONS,
  details: ["You can omit USER if only one account is logged in."],
  examples: ["matrix-notify logout", "matrix-notify logout @bot:example.org"],
  run,
});

const LOGOUT_TIMEOUT_MS = 30_000;

async function run(context: ContextFor<typeof OPTIONS>): Promise<number> {
  const { args, ui } = context;
  const { createSignIn, findStateDir } = await import("../matrix_account.ts");
  const stateDir = findStateDir(context);
  const signIn = await createSignIn(context, args.operands[0] ?? findOnlyAccount(stateDir));
  requireSaved(signIn.userId, stateDir);
  const wasValid = await signOut({ ...signIn, timeoutMs: LOGOUT_TIMEOUT_MS });
  if (args.has("json")) ui.json({ user: signIn.userId, wasLoggedIn: wasValid });
  else ui.data(`logged out ${signIn.userId}${wasValid ? "" : "; the login had already ended"}`);
  return EXIT.ok;
}

/** @throws {UsageError} if no account or more than one account is saved */
function findOnlyAccount(stateDir: string): string {
  const accounts = new AccountStore(stateDir).list();
  if (accounts.length === 1) return accounts[0];
  throw accounts.length === 0
    ? new UsageError("Cannot log out: no account is logged in")
    : new UsageError("Cannot log out: more than one account is logged in", `add the user id: ${accounts.join(", ")}`);
}

/** @throws {ConfigError} if the account is not saved; the hint lists the saved accounts */
function requireSaved(userId: string, stateDir: string): void {
  const accounts = new AccountStore(stateDir).list();
  if (accounts.includes(userId)) return;
  const near = nearest(userId, accounts);
  throw new ConfigError(`Cannot log out ${userId}: it is not logged in`, {
    hint: accounts.length === 0
      ? "no account is logged in"
      : `${near === undefined ? "" : `did you mean ${near}? `}logged in: ${accounts.join(", ")}`,
  });
}
