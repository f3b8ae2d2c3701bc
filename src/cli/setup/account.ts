/** The first step of `setup`: asks for the user id, finds the homeserver and logs in. */

import type { Account } from "../../accounts/account.ts";
import { openSession } from "../../accounts/session.ts";
import {
  findLoginOffer,
  LOGIN_TIMEOUT_MS,
  type LoginOffer,
  type SignInContext,
  toLoginError,
} from "../../accounts/sign_in.ts";
import { AccountStore } from "../../accounts/store.ts";
import { parseHomeserver } from "../../matrix/discovery.ts";
import { DiscoveryError, LoginError } from "../../base/errors.ts";
import { whoami } from "../../matrix/account.ts";
import { parseHomeserverName, parseServerName } from "../../matrix/ids.ts";
import { USER_AGENT } from "../../base/version.ts";
import {
  chooseLoginMethod,
  findOfferedMethods,
  findSelectedMethod,
  logIn,
  type LoginMethod,
} from "../login_methods.ts";
import { formatAccount, requireUserId } from "../matrix_account.ts";
import type { SetupContext } from "./context.ts";
import { createChoiceQuestion } from "./prompter.ts";

/**
 * Asks for the user id. The default is the user of the channel. If the channel has no user, the
 * default is the only saved account.
 */
export async function chooseUser({ args, prompter, plan, stateDir }: SetupContext): Promise<string> {
  const given = args.text("user");
  if (given !== undefined) return requireUserId(given);
  const accounts = new AccountStore(stateDir).list();
  return await prompter.ask({
    text: "User id of the account that sends",
    option: "--user @bot:example.org",
    defaultAnswer: plan.before.user ?? (accounts.length === 1 ? accounts[0] : undefined),
    accept: requireUserId,
  });
}

/**
 * Returns the saved account if its login is valid and the user selects this account. Otherwise,
 * logs in.
 */
export async function openAccount(context: SetupContext, userId: string): Promise<Account> {
  const { connected, done, runtime, signal, stateDir, ui } = context;
  const saved = findSavedAccount(context, userId);
  if (saved !== undefined && await hasValidLogin(saved, context) && await isLoginWanted(saved, context)) return saved;
  const signIn = { userId, stateDir, runtime: connected, userAgent: USER_AGENT, signal };
  const offer = await findHomeserver(context, { signIn, saved: saved?.homeserver });
  const account = await logInAs(context, { signIn, offer });
  ui.tell(`Logged in: ${formatAccount(account, runtime.now())}`);
  done.push(`the login of ${userId}`);
  return account;
}

/**
 * Reads the saved account. Returns undefined if there is no saved account, or if `--homeserver` is
 * not the homeserver of the account.
 */
function findSavedAccount({ args, stateDir }: SetupContext, userId: string): Account | undefined {
  const account = new AccountStore(stateDir).read(userId);
  const wanted = args.text("homeserver");
  if (wanted === undefined || parseHomeserverName(wanted) === parseServerName(userId)) return account;
  const address = parseHomeserver(wanted, { insecureHttp: true });
  return "baseUrl" in address && address.baseUrl === account?.homeserver ? account : undefined;
}

/** Checks the saved login with a request to the homeserver. The request renews an expired token. */
async function hasValidLogin(
  { userId, homeserver }: Account,
  { connected, signal, stateDir, ui }: SetupContext,
): Promise<boolean> {
  const credentials = openSession(stateDir, userId, USER_AGENT).credentials(connected);
  const client = { runtime: connected, baseUrl: homeserver, userAgent: USER_AGENT, credentials };
  try {
    await whoami(client, { timeoutMs: LOGIN_TIMEOUT_MS, signal });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    const problem = toLoginError(`Cannot use the saved login of ${userId}`, error, connected.now());
    if (!(problem instanceof LoginError) || problem.code !== "refused") throw problem;
    ui.warn(problem.message);
    return false;
  }
}

async function isLoginWanted(account: Account, { prompter, runtime, ui }: SetupContext): Promise<boolean> {
  ui.tell(`Already logged in: ${formatAccount(account, runtime.now())}`);
  return await prompter.ask(createChoiceQuestion<boolean, boolean>([
    { title: "use this login", value: true },
    { title: "log in again", value: false },
  ], { text: "How to continue", option: "--yes", defaultAnswer: "1", accept: (value) => value }));
}

/**
 * Finds the homeserver from the domain of the user id. If no homeserver is found, asks the
 * user for the address. Prints each address that was tried.
 */
async function findHomeserver(
  { args, prompter, ui }: SetupContext,
  { signIn, saved }: { readonly signIn: SignInContext; readonly saved: string | undefined },
): Promise<LoginOffer> {
  const insecureHttp = args.has("insecure-http");
  const find = async (homeserver?: string) => {
    const offer = await findLoginOffer(signIn, { homeserver, insecureHttp });
    ui.tell(...offer.homeserver.tried);
    return offer;
  };
  const given = args.text("homeserver");
  try {
    return await find(given ?? saved);
  } catch (error) {
    if (given !== undefined || !prompter.isInteractive || !(error instanceof DiscoveryError)) throw error;
    ui.fail(error.message, error.hint);
  }
  return await prompter.ask({
    text: "Address of the homeserver, such as https://matrix.example.org",
    option: "--homeserver URL",
    accept: find,
  });
}

/**
 * Logs in. After a wrong password, the user chooses a login method again. `setup` does not
 * automatically try a wrong password again.
 */
async function logInAs(
  context: SetupContext,
  login: { readonly signIn: SignInContext; readonly offer: LoginOffer },
): Promise<Account> {
  const { args, prompter } = context;
  const { offer, signIn } = login;
  const run = (method: LoginMethod) => logIn(method, { ...context, ...login });
  if (findSelectedMethod(args) !== undefined) return await run(chooseLoginMethod(args, offer, prompter.isInteractive));
  return await prompter.ask(createChoiceQuestion(
    findOfferedMethods(offer).map((method) => ({ title: method.title, value: method })),
    {
      text: `How to log in to ${offer.homeserver.baseUrl} as ${signIn.userId}`,
      option: "--password-file FILE, or --token-file FILE",
      defaultAnswer: prompter.isInteractive ? "1" : undefined,
      accept: run,
    },
  ));
}
