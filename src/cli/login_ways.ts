/**
 * The ways to log in, as data: what they are called, when a server offers them, and how they go. A new one is a file and its lines here.
 *
 * @module
 */

import type { Account } from "../accounts/account.ts";
import { readPassword } from "../accounts/password.ts";
import { type LoginOffer, type SignIn, signInWith, signInWithToken } from "../accounts/sign_in.ts";
import { ConfigError } from "../errors.ts";
import { isToken } from "../http.ts";
import { requireSecretFile } from "../secret.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import type { CommandContext } from "./command.ts";
import { askSecret } from "./prompt.ts";

/** Longer ones are none. */
const MAX_SECRET_BYTES = 64 * 1024;

/** A login that is under way. */
export interface LoginContext extends CommandContext {
  readonly signIn: SignIn;
  readonly offer: LoginOffer;
}

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
    const path = args.text("token-file") ?? "-";
    const token = (path === "-" ? await readStdin(runtime) : requireSecretFile(path, "token file")).trim();
    if (isToken(token)) return await signInWithToken(signIn, token, { baseUrl });
    throw new ConfigError("Cannot use the access token: it must be one word, and nothing else");
  },
};

/** The ways in the order in which they are taken when nobody says which. */
export const LOGIN_WAYS: readonly LoginWay[] = [PASSWORD, DEVICE_CODE, SSO, TOKEN];

/**
 * Decides how to log in: as the options say, else by the first way that the server offers and that can be gone here.
 *
 * @throws {UsageError} when the options say two, or the server does not offer what they say
 */
export function chooseWay(args: Arguments, offer: LoginOffer, hasTerminal: boolean): LoginWay {
  const asked = LOGIN_WAYS.filter(({ option }) => args.has(option) || args.text(option) !== undefined);
  if (asked.length > 1) {
    throw new UsageError(`Cannot use --${asked[0].option} together with --${asked[1].option}: one way is enough`);
  }
  const offered = LOGIN_WAYS.filter((way) => way.isOffered(offer));
  const titles = offered.map(({ title, option }) => `${title} (--${option})`).join(", ");
  const [way] = asked;
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

/** From the file, a terminal, or standard input. */
async function passwordOf(
  { args, runtime, signIn }: LoginContext,
): Promise<{ readonly password: string; readonly passwordFile?: string }> {
  const path = args.text("password-file");
  // It is found again from another folder.
  if (path !== undefined && path !== "-") {
    return { password: readPassword(path), passwordFile: Deno.realPathSync(path) };
  }
  const isAsked = path === undefined && runtime.stdio.stdinIsTerminal();
  const password = isAsked
    ? await askSecret(`Password of ${signIn.userId}: `, runtime.stdio)
    : (await readStdin(runtime)).replace(/\r?\n$/, "");
  if (password !== "" && !/[\r\n]/.test(password)) return { password };
  throw new UsageError(`Cannot use the password: ${password === "" ? "it is empty" : "it is more than one line"}`);
}

async function readStdin({ stdio }: CommandContext["runtime"]): Promise<string> {
  return new TextDecoder().decode(await stdio.stdin(MAX_SECRET_BYTES));
}
