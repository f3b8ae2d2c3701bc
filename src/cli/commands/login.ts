/**
 * `login`: logs in to a Matrix account and saves the account. The setting `user` of a channel
 * selects the saved account.
 */

import type { Account } from "../../accounts/account.ts";
import { findLoginOffer } from "../../accounts/sign_in.ts";
import { HintedError } from "../../base/errors.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { chooseLoginMethod, findOfferedMethods, logIn } from "../login_methods.ts";
import { DELIVERY_OPTIONS, JSON_OPTION, SIGN_IN_OPTIONS } from "../options.ts";

const OPTIONS = [...SIGN_IN_OPTIONS, JSON_OPTION, ...DELIVERY_OPTIONS] as const;

type LoginCommandContext = ContextFor<typeof OPTIONS>;

export const login: Command = defineCommand({
  operands: "USER",
  options: OPTIONS,
  details: [
    'To use the account in a channel, set "user" in the configuration (or MATRIX_USER) to the user id.',
    "Without an option for the method, login uses the first of these methods that the server offers: password, " +
    "device code, single sign-on. On a terminal, login asks for the password. Without a terminal, login reads the " +
    "password from standard input. matrix-notify saves the tokens in the state directory and renews them " +
    "automatically.",
    "If the access token expires (soft logout) and there is no refresh token, matrix-notify logs in again with the " +
    "password in the file of --password-file. So keep this file. All logins to an account from this host use the " +
    "same Matrix device.",
  ],
  examples: [
    "matrix-notify login @bot:example.org",
    "matrix-notify login @bot:example.org --password-file /root/password",
  ],
  run,
});

async function run(context: LoginCommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  const { createSignIn, formatAccount, toAccountJson } = await import("../matrix_account.ts");
  const signIn = await createSignIn(context, args.operands[0]);
  const offer = await findLoginOffer(signIn, {
    homeserver: args.text("homeserver"),
    insecureHttp: args.has("insecure-http"),
  });
  const method = chooseLoginMethod(args, offer, runtime.stdio.stdinIsTerminal());
  ui.tell(`${offer.homeserver.baseUrl} accepts ${findOfferedMethods(offer).map(({ title }) => title).join(", ")}`);
  const account = await logIn(method, { ...context, signIn, offer });
  if (args.has("json")) ui.json(toAccountJson(account));
  else ui.data(`logged in ${formatAccount(account, runtime.now())}`);
  printUsage(context, account);
  await deliverHeld(context);
  return EXIT.ok;
}

function printUsage({ ui }: LoginCommandContext, { userId, deviceId }: Account): void {
  ui.tell(
    `To use this account, set MATRIX_USER='${userId}' and MATRIX_ROOM, or write in the configuration file:`,
    `  "matrix": { "user": "${userId}", "room": "!…" }`,
  );
  if (deviceId !== undefined) return;
  ui.warn("The token has no device: if the homeserver restarts, a message may be delivered twice");
}

/**
 * Delivers the queued notifications that could not be sent before this login. Prints errors but
 * does not fail.
 */
async function deliverHeld(context: LoginCommandContext): Promise<void> {
  const { ui } = context;
  const { openNotifier, releaseHeld } = await import("../notifier.ts");
  try {
    await using notifier = await openNotifier(context);
    await releaseHeld(notifier, ui);
  } catch (error) {
    if (!(error instanceof HintedError)) throw error;
    ui.fail(error.message, error.hint);
  }
}
