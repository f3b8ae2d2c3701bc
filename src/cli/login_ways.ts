/**
 * The ways to log in, as data: what they are called, when a server offers them, and how they go. A new one is a file and its lines here.
 *
 * @module
 */

import type { Account } from "../accounts/account.ts";
import { readPassword } from "../accounts/password.ts";
import { type LoginOffer, signInWith, signInWithToken } from "../accounts/sign_in.ts";
import { ConfigError, LoginError } from "../base/errors.ts";
import { isToken } from "../runtime/http.ts";
import type { Stdio } from "../runtime/runtime.ts";
import { requireSecretFile } from "../base/secret.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import type { LoginContext } from "./command.ts";
import { at } from "./outcomes.ts";
import { askSecret } from "./prompt.ts";

/** Longer ones are none. */
const MAX_SECRET_BYTES = 64 * 1024;

/** A way to log in. */
export interface LoginWay {
  /** The option that asks for it. */
  readonly option: string;
  /** How it is called when the ways of a server are told. */
  readonly title: string;
  /** Whether it wants a person at a terminal, or in a browser. */
  readonly wantsPerson: boolean;
  /** Whether the server has it. */
  isOffered(offer: LoginOffer): boolean;
  /** Logs in and saves the account. */
  run(context: LoginContext): Promise<Account>;
}

const PASSWORD: LoginWay = {
  option: "password-file",
  title: "a password",
  wantsPerson: false,
  isOffered: ({ flows }) => flows.includes("m.login.password"),
  async run(context) {
    const { signIn, offer: { homeserver: { baseUrl } } } = context;
    const { password, passwordFile } = await passwordOf(context);
    const proof = { type: "m.login.password", user: signIn.userId, password } as const;
    return await signInWith(signIn, proof, { baseUrl, passwordFile });
  },
};

const DEVICE_CODE: LoginWay = {
  option: "device-code",
  title: "a code that is confirmed in a browser",
  wantsPerson: true,
  isOffered: ({ deviceCode }) => deviceCode,
  async run({ signIn, offer: { homeserver: { baseUrl } }, runtime, ui }) {
    const { signInByDevice } = await import("../accounts/device_login.ts");
    const { showDevicePrompt } = await import("./device_prompt.ts");
    return await signInByDevice(signIn, { baseUrl, show: (prompt) => showDevicePrompt(prompt, runtime, ui) });
  },
};

const SSO: LoginWay = {
  option: "sso",
  title: "single sign-on in a browser",
  wantsPerson: true,
  isOffered: ({ flows }) => flows.includes("m.login.sso"),
  async run(context) {
    const { ssoLogin } = await import("./sso_login.ts");
    return await ssoLogin(context);
  },
};

const TOKEN: LoginWay = {
  option: "token-file",
  title: "an access token",
  wantsPerson: false,
  isOffered: () => true,
  async run({ args, runtime, signIn, offer: { homeserver: { baseUrl } } }) {
    const path = args.text("token-file");
    const token = isFile(path)
      ? requireSecretFile(path, "token file").trim()
      : (await typedSecret(`Access token of ${signIn.userId}: `, { path, stdio: runtime.stdio })).trim();
    if (isToken(token)) return await signInWithToken(signIn, token, { baseUrl });
    throw new ConfigError("Cannot use the access token: it must be one word, and nothing else");
  },
};

/** The ways in the order in which they are taken when nobody says which. */
export const LOGIN_WAYS: readonly LoginWay[] = [PASSWORD, DEVICE_CODE, SSO, TOKEN];

/** The ways that a server offers. */
export function offeredWays(offer: LoginOffer): readonly LoginWay[] {
  return LOGIN_WAYS.filter((way) => way.isOffered(offer));
}

/**
 * The way that the options ask for.
 *
 * @throws {UsageError} when they ask for two
 */
export function askedWay(args: Arguments): LoginWay | undefined {
  const [way, other] = LOGIN_WAYS.filter(({ option }) => args.has(option) || args.text(option) !== undefined);
  if (other === undefined) return way;
  throw new UsageError(`Cannot use --${way.option} together with --${other.option}: one way is enough`);
}

/**
 * Decides how to log in: as the options say, else by the first way that the server offers and that can be gone here.
 *
 * @throws {UsageError} when the options say two, or the server does not offer what they say
 */
export function chooseWay(args: Arguments, offer: LoginOffer, hasTerminal: boolean): LoginWay {
  const way = askedWay(args);
  const offered = offeredWays(offer);
  const titles = offered.map(({ title, option }) => `${title} (--${option})`).join(", ");
  if (way !== undefined && !offered.includes(way)) {
    throw new UsageError(
      `Cannot log in by --${way.option}: ${offer.homeserver.baseUrl} does not offer it`,
      `it takes ${titles}`,
    );
  }
  const found = way ?? offered.find((way) => way !== TOKEN && (hasTerminal || !way.wantsPerson));
  if (found !== undefined) return found;
  throw new UsageError(
    `Cannot log in to ${offer.homeserver.baseUrl} without a word on how: it takes no password`,
    `it takes ${titles}`,
  );
}

/**
 * Goes a way to log in.
 *
 * @throws {LoginError} that says by our own clock when a server takes logins again
 */
export async function logIn(way: LoginWay, context: LoginContext): Promise<Account> {
  try {
    return await way.run(context);
  } catch (error) {
    if (!(error instanceof LoginError) || error.until === undefined) throw error;
    const hint = `try again ${at(error.until, context.runtime.now())}; wrong and right ones count alike`;
    throw new LoginError(error.trouble, error.message, { cause: error, hint });
  }
}

/** From the file, a terminal, or standard input. */
async function passwordOf(
  { args, runtime, signIn }: LoginContext,
): Promise<{ readonly password: string; readonly passwordFile?: string }> {
  const path = args.text("password-file");
  // It is found again from another folder.
  if (isFile(path)) return { password: readPassword(path), passwordFile: Deno.realPathSync(path) };
  const password = (await typedSecret(`Password of ${signIn.userId}: `, { path, stdio: runtime.stdio }))
    .replace(/\r?\n$/, "");
  if (password !== "" && !/[\r\n]/.test(password)) return { password };
  throw new UsageError(`Cannot use the password: ${password === "" ? "it is empty" : "it is more than one line"}`);
}

function isFile(path: string | undefined): path is string {
  return path !== undefined && path !== "-";
}

/** From a terminal, which shows nothing of it; from standard input where there is none, or where `-` asks for that. */
async function typedSecret(
  question: string,
  { path, stdio }: { readonly path: string | undefined; readonly stdio: Stdio },
): Promise<string> {
  if (path === undefined && stdio.stdinIsTerminal()) return await askSecret(question, stdio);
  return new TextDecoder().decode(await stdio.stdin(MAX_SECRET_BYTES));
}
