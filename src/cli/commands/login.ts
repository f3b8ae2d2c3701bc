/** `login`: logs in to a Matrix account and saves it, so that channels can name it as `user`. */

import type { Account } from "../../accounts/account.ts";
import { findLoginOffer } from "../../accounts/sign_in.ts";
import { HintedError } from "../../base/errors.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { chooseLoginMethod, findOfferedMethods, logIn } from "../login_methods.ts";
import { createSignIn, formatAccount, toAccountJson } from "../matrix_account.ts";
import { openNotifier } from "../notifier.ts";
import { releaseHeld } from "../release.ts";

/** Runs `login`. */
export async function login(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  const signIn = createSignIn(context, args.operands[0]);
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

function printUsage({ ui }: CommandContext, { userId, deviceId }: Account): void {
  ui.tell(
    `To use this account, set MATRIX_USER='${userId}' and MATRIX_ROOM, or write in the configuration file:`,
    `  "matrix": { "user": "${userId}", "room": "!…" }`,
  );
  if (deviceId !== undefined) return;
  ui.warn("The token has no device: if the homeserver restarts, a message may be delivered twice");
}

/** Delivers what was held until this login. A broken channel does not make the login fail. */
async function deliverHeld(context: CommandContext): Promise<void> {
  const { ui } = context;
  try {
    await using notifier = await openNotifier(context);
    await releaseHeld(notifier, ui);
  } catch (error) {
    if (!(error instanceof HintedError)) throw error;
    ui.fail(error.message, error.hint);
  }
}
