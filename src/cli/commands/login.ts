/** `login`: makes an account usable by its user id. */

import type { Account } from "../../accounts/account.ts";
import { askForLogins } from "../../accounts/sign_in.ts";
import { HintedError } from "../../base/errors.ts";
import { accountJson, accountLine } from "../account_line.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { chooseWay, logIn, offeredWays } from "../login_ways.ts";
import { openNotifier } from "../notifier.ts";
import { releaseHeld } from "../release.ts";
import { signInOf } from "../sign_in.ts";

/** Logs in, and lets go what waited for it. */
export async function login(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  const signIn = signInOf(context, args.operands[0]);
  const offer = await askForLogins(signIn, {
    homeserver: args.text("homeserver"),
    insecureHttp: args.has("insecure-http"),
  });
  const way = chooseWay(args, offer, runtime.stdio.stdinIsTerminal());
  ui.tell(`${offer.homeserver.baseUrl} takes ${offeredWays(offer).map(({ title }) => title).join(", ")}`);
  const account = await logIn(way, { ...context, signIn, offer });
  if (args.has("json")) ui.json(accountJson(account));
  else ui.data(`logged in ${accountLine(account, runtime.now())}`);
  tellUse(context, account);
  await release(context);
  return EXIT.ok;
}

function tellUse({ ui }: CommandContext, { userId, deviceId }: Account): void {
  ui.tell(
    `Use it with MATRIX_USER='${userId}' and MATRIX_ROOM, or in the configuration file:`,
    `  "matrix": { "user": "${userId}", "room": "!…" }`,
  );
  if (deviceId !== undefined) return;
  ui.warn(
    "The token belongs to no device: a homeserver that restarts may forget what it had, and a message may come twice",
  );
}

/** That a channel is not configured well is no reason to undo a login. */
async function release(context: CommandContext): Promise<void> {
  const { ui } = context;
  try {
    await using notifier = await openNotifier(context);
    await releaseHeld(notifier, ui);
  } catch (error) {
    if (!(error instanceof HintedError)) throw error;
    ui.fail(error.message, error.hint);
  }
}
