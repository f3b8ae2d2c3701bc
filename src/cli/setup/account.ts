/** The account that speaks: who it is, where it lives, and a session for it. */

import type { Account } from "../../accounts/account.ts";
import { openSession } from "../../accounts/session.ts";
import { askForLogins, type LoginOffer, type SignIn, toLoginError } from "../../accounts/sign_in.ts";
import { AccountStore } from "../../accounts/store.ts";
import { parseServer } from "../../runtime/address.ts";
import { DiscoveryError, LoginError } from "../../base/errors.ts";
import { whoami } from "../../matrix/session.ts";
import { USER_AGENT } from "../../base/version.ts";
import { accountLine } from "../account_line.ts";
import { askedWay, chooseWay, logIn, type LoginWay, offeredWays } from "../login_ways.ts";
import { requireUserId } from "../sign_in.ts";
import { choiceOf } from "./asker.ts";
import type { SetupContext } from "./desk.ts";

const WHOAMI_TIMEOUT_MS = 30_000;

/** Asks who it is. Who is in the channel already, or alone logged in, is the usual answer. */
export async function chooseUser({ args, asker, plan, stateDir }: SetupContext): Promise<string> {
  const given = args.text("user");
  if (given !== undefined) return requireUserId(given);
  const known = new AccountStore(stateDir).list();
  return await asker.ask({
    text: "User id of the account that sends",
    option: "--user @bot:example.org",
    usual: plan.before.user ?? (known.length === 1 ? known[0] : undefined),
    read: requireUserId,
  });
}

/** Uses the session that is there, or makes one. */
export async function openAccount(desk: SetupContext, userId: string): Promise<Account> {
  const known = knownAccount(desk, userId);
  if (known !== undefined && await isAlive(known, desk) && await isWanted(known, desk)) return known;
  const signIn = { userId, stateDir: desk.stateDir, runtime: desk.online, userAgent: USER_AGENT, signal: desk.signal };
  const offer = await findHomeserver(desk, { signIn, known: known?.homeserver });
  const account = await newSession(desk, { signIn, offer });
  desk.ui.tell(`Logged in: ${accountLine(account, desk.runtime.now())}`);
  desk.done.push(`the login of ${userId}`);
  return account;
}

/** @returns undefined when nobody is logged in, or only elsewhere than where it is wanted */
function knownAccount({ args, stateDir }: SetupContext, userId: string): Account | undefined {
  const account = new AccountStore(stateDir).read(userId);
  const wanted = parseServer(args.text("homeserver") ?? account?.homeserver ?? "", { insecureHttp: true });
  return "baseUrl" in wanted && wanted.baseUrl === account?.homeserver ? account : undefined;
}

/** Whether the server takes the session still. A token that is over is renewed by the question. */
async function isAlive(
  { userId, homeserver }: Account,
  { online, signal, stateDir, ui }: SetupContext,
): Promise<boolean> {
  const credentials = openSession(stateDir, userId, USER_AGENT).credentials(online);
  const client = { runtime: online, baseUrl: homeserver, userAgent: USER_AGENT, credentials };
  try {
    await whoami(client, { timeoutMs: WHOAMI_TIMEOUT_MS, signal });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    const problem = toLoginError(`Cannot go on with the session of ${userId}`, error, online.now());
    if (!(problem instanceof LoginError) || problem.trouble !== "refused") throw problem;
    ui.warn(problem.message);
    return false;
  }
}

/** How to log in may be said as well: then it is said for a session that is over. */
async function isWanted(account: Account, { asker, runtime, ui }: SetupContext): Promise<boolean> {
  ui.tell(`Logged in already: ${accountLine(account, runtime.now())}`);
  return await asker.ask(choiceOf<boolean, boolean>([
    { title: "with the session that is there", value: true },
    { title: "with a new login", value: false },
  ], { text: "How to go on", option: "--yes", usual: "1", read: (value) => value }));
}

/** By the user's domain, or by what somebody says where that leads nowhere. What was tried is told. */
async function findHomeserver(
  { args, asker, ui }: SetupContext,
  { signIn, known }: { readonly signIn: SignIn; readonly known: string | undefined },
): Promise<LoginOffer> {
  const insecureHttp = args.has("insecure-http");
  const find = async (homeserver?: string) => {
    const offer = await askForLogins(signIn, { homeserver, insecureHttp });
    ui.tell(...offer.homeserver.tried);
    return offer;
  };
  const named = args.text("homeserver");
  try {
    return await find(named ?? known);
  } catch (error) {
    if (named !== undefined || !asker.isPerson || !(error instanceof DiscoveryError)) throw error;
    ui.fail(error.message, error.hint);
  }
  return await asker.ask({
    text: "Address of the homeserver, such as https://matrix.example.org",
    option: "--homeserver URL",
    read: find,
  });
}

/** A person types one password, and after a wrong one decides whether to type another: nobody tries twice by himself. */
async function newSession(
  desk: SetupContext,
  login: { readonly signIn: SignIn; readonly offer: LoginOffer },
): Promise<Account> {
  const { args, asker } = desk;
  const { offer, signIn } = login;
  const run = (way: LoginWay) => logIn(way, { ...desk, ...login });
  if (askedWay(args) !== undefined) return await run(chooseWay(args, offer, asker.isPerson));
  return await asker.ask(choiceOf(
    offeredWays(offer).map((way) => ({ title: way.title, value: way })),
    {
      text: `How to log in to ${offer.homeserver.baseUrl} as ${signIn.userId}`,
      option: "--password-file FILE, or --token-file FILE",
      usual: asker.isPerson ? "1" : undefined,
      read: run,
    },
  ));
}
