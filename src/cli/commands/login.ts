/** `login`: makes an account usable by its user id. */

import type { Account } from "../../accounts/account.ts";
import { askForLogins } from "../../accounts/sign_in.ts";
import { HintedError, LoginError } from "../../errors.ts";
import { accountJson, accountLine } from "../account_line.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { chooseWay, LOGIN_WAYS } from "../login_ways.ts";
import { openNotifier } from "../notifier.ts";
import { at } from "../outcomes.ts";
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
  const titles = LOGIN_WAYS.filter((way) => way.isOffered(offer)).map(({ title }) => title);
  ui.tell(`${offer.homeserver.baseUrl} takes ${titles.join(", ")}`);
  const account = await way.run({ ...context, signIn, offer }).catch((error) => {
    throw withTime(error, runtime.now());
  });
  if (args.has("json")) ui.json(accountJson(account));
  else ui.data(`logged in ${accountLine(account, runtime.now())}`);
  tellUse(context, account);
  await release(context);
  return EXIT.ok;
}

/** When a server takes no more logins, people want to know until when by their own clock. */
function withTime(error: unknown, now: number): unknown {
  if (!(error instanceof LoginError) || error.until === undefined) return error;
  const hint = `try again ${at(error.until, now)}; wrong and right ones count alike`;
  return new LoginError(error.trouble, error.message, { cause: error, hint });
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

/** What was held for want of this account goes out now. That a channel is not configured well is no reason to undo a login. */
async function release(context: CommandContext): Promise<void> {
  const { ui } = context;
  try {
    await using notifier = await openNotifier(context);
    const outcomes = await notifier.flush({ waitMs: 0 });
    const delivered = outcomes.filter(({ state }) => state === "delivered").length;
    if (outcomes.length > 0) ui.warn(`${delivered} of ${outcomes.length} that waited in the queue are delivered`);
  } catch (error) {
    if (!(error instanceof HintedError)) throw error;
    ui.fail(error.message, error.hint);
  }
}
