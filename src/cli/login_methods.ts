/**
 * The login methods for Matrix accounts: a password, a code that the user confirms in a browser,
 * single sign-on, or an access token. The commands `login` and `setup` use these methods.
 *
 * @module
 */

import type { Account } from "../accounts/account.ts";
import type { DevicePrompt } from "../accounts/device_login.ts";
import { readPassword } from "../accounts/store.ts";
import { type LoginOffer, type SignInContext, signInWithAccessToken, signInWithProof } from "../accounts/sign_in.ts";
import { formatDuration } from "../base/duration.ts";
import { ConfigError, InterruptedError, LoginError } from "../base/errors.ts";
import { loadLate } from "../base/late_modules.ts";
import { requireSecretFile } from "../runtime/secret_file.ts";
import { ssoRedirectUrl } from "../matrix/session.ts";
import { isToken } from "../runtime/http.ts";
import { lastingPath } from "../runtime/paths.ts";
import type { Runtime, Stdio } from "../runtime/runtime.ts";
import { readAtMost } from "../runtime/streams.ts";
import type { ContextFor } from "./command.ts";
import { UsageError } from "./errors.ts";
import type { SIGN_IN_OPTIONS } from "./options.ts";
import { formatWhen } from "./outcomes.ts";
import { eitherSignal, untilAborted } from "../runtime/abort.ts";
import { askSecret, readLine } from "./prompt.ts";

/** The context of a running login. */
export interface LoginContext extends ContextFor<typeof SIGN_IN_OPTIONS> {
  readonly signIn: SignInContext;
  readonly offer: LoginOffer;
}

/** A login method. */
export interface LoginMethod {
  /** The command-line option that selects the method. */
  readonly option: "password-file" | "token-file" | "device-code" | "sso";
  /** The name of the method in lists: `a password`. */
  readonly title: string;
  /** True if a person must do something at the terminal or in a browser. */
  readonly needsPerson: boolean;
  /** Returns true if the homeserver supports the method. */
  isOffered(offer: LoginOffer): boolean;
  /** Logs in and saves the account. */
  logIn(context: LoginContext): Promise<Account>;
}

const PASSWORD: LoginMethod = {
  option: "password-file",
  title: "a password",
  needsPerson: false,
  isOffered: ({ flows }) => flows.includes("m.login.password"),
  logIn: logInByPassword,
};

const DEVICE_CODE: LoginMethod = {
  option: "device-code",
  title: "a code to confirm in a browser",
  needsPerson: true,
  isOffered: ({ deviceCode }) => deviceCode,
  logIn: logInByDeviceCode,
};

const SSO: LoginMethod = {
  option: "sso",
  title: "single sign-on in a browser",
  needsPerson: true,
  isOffered: ({ flows }) => flows.includes("m.login.sso"),
  logIn: logInBySso,
};

const TOKEN: LoginMethod = {
  option: "token-file",
  title: "an access token",
  needsPerson: false,
  isOffered: () => true,
  logIn: logInByToken,
};

/** All methods. If no option selects a method, the first supported method is used. */
const LOGIN_METHODS: readonly LoginMethod[] = [PASSWORD, DEVICE_CODE, SSO, TOKEN];

/** Returns the methods that a homeserver supports. */
export function findOfferedMethods(offer: LoginOffer): readonly LoginMethod[] {
  return LOGIN_METHODS.filter((method) => method.isOffered(offer));
}

/**
 * Returns the method that the options select, or undefined if no option selects a method.
 *
 * @throws {UsageError} if the options select two methods
 */
export function findSelectedMethod(args: LoginContext["args"]): LoginMethod | undefined {
  const [method, other] = LOGIN_METHODS.filter(({ option }) => args.isGiven(option));
  if (other === undefined) return method;
  throw new UsageError(
    `Cannot use --${method.option} with --${other.option}: only one login method is allowed`,
    "keep one of them",
  );
}

/**
 * Returns the login method that the options select. Without a selection, returns the first method
 * that the homeserver supports and that works without an option.
 *
 * @param hasTerminal true if a person can answer questions
 * @throws {UsageError} if the options select two methods, if the selected method is not supported,
 *   or if every supported method needs an option
 */
export function chooseLoginMethod(args: LoginContext["args"], offer: LoginOffer, hasTerminal: boolean): LoginMethod {
  const selected = findSelectedMethod(args);
  const offered = findOfferedMethods(offer);
  const hint = `the server accepts ${offered.map(({ title, option }) => `${title} (--${option})`).join(", ")}`;
  if (selected !== undefined && !offered.includes(selected)) {
    throw new UsageError(
      `Cannot log in with --${selected.option}: ${offer.homeserver.baseUrl} does not offer this method`,
      hint,
    );
  }
  const method = selected ??
    offered.find((method) => method !== TOKEN && (hasTerminal || !method.needsPerson));
  if (method !== undefined) return method;
  throw new UsageError(
    `Cannot log in to ${offer.homeserver.baseUrl}: it does not accept passwords; select another login method`,
    hint,
  );
}

/**
 * Logs in. If the homeserver limits the number of logins, the hint of the error says when to try
 * again.
 *
 * @throws {LoginError} if the homeserver refuses the login
 */
export async function logIn(method: LoginMethod, context: LoginContext): Promise<Account> {
  try {
    return await method.logIn(context);
  } catch (error) {
    if (!(error instanceof LoginError) || error.until === undefined) throw error;
    const hint = `try again ${
      formatWhen(error.until, context.runtime.now())
    }; the server also counts successful logins`;
    throw new LoginError(error.code, error.message, { cause: error, hint });
  }
}

async function logInByPassword(context: LoginContext): Promise<Account> {
  const { signIn, offer: { homeserver: { baseUrl } } } = context;
  const { password, passwordFile } = await findPassword(context);
  const proof = { type: "m.login.password", user: signIn.userId, password } as const;
  return await signInWithProof(signIn, proof, { baseUrl, passwordFile });
}

async function findPassword(
  { args, runtime, signIn }: LoginContext,
): Promise<{ readonly password: string; readonly passwordFile?: string }> {
  const path = args.text("password-file");
  // The absolute path is saved, because later runs can start in another directory.
  if (isFile(path)) return { password: readPassword(path), passwordFile: lastingPath(path) };
  const password = (await readSecret(`Password of ${signIn.userId}: `, { path, stdio: runtime.stdio }))
    .replace(/\r?\n$/, "");
  if (password !== "" && !/[\r\n]/.test(password)) return { password };
  throw new UsageError(`Cannot use the password: ${password === "" ? "it is empty" : "it has more than one line"}`);
}

async function logInByToken(
  { args, runtime, signIn, offer: { homeserver: { baseUrl } } }: LoginContext,
): Promise<Account> {
  const path = args.text("token-file");
  const token = isFile(path)
    ? requireSecretFile(path, "token file").trim()
    : (await readSecret(`Access token of ${signIn.userId}: `, { path, stdio: runtime.stdio })).trim();
  if (isToken(token)) return await signInWithAccessToken(signIn, token, { baseUrl });
  const state = token === "" ? "it is empty" : "it contains a space, a line break or a special character";
  throw new ConfigError(`Cannot use the access token: ${state}`, { hint: "give only the token, without other text" });
}

function isFile(path: string | undefined): path is string {
  return path !== undefined && path !== "-";
}

/** The maximum number of bytes to read from standard input for a password or token. */
const MAX_SECRET_BYTES = 64 * 1024;

/**
 * Asks for a secret on the terminal. If there is no terminal or `path` is `-`, reads standard
 * input.
 */
async function readSecret(
  question: string,
  { path, stdio }: { readonly path: string | undefined; readonly stdio: Stdio },
): Promise<string> {
  if (path === undefined && stdio.stdinIsTerminal()) return await askSecret(question, stdio);
  return new TextDecoder().decode(await readAtMost(stdio.stdin(), MAX_SECRET_BYTES));
}

async function logInByDeviceCode({ signIn, offer, runtime, ui }: LoginContext): Promise<Account> {
  const { signInWithDeviceCode } = await import("../accounts/device_login.ts");
  const { baseUrl } = offer.homeserver;
  return await signInWithDeviceCode(signIn, { baseUrl, show: (prompt) => showDevicePrompt(prompt, { runtime, ui }) });
}

/** Prints the login code and the address to open. On a terminal, adds a QR code of the address. */
async function showDevicePrompt(
  { verificationUri, verificationUriComplete, userCode, expiresAt }: DevicePrompt,
  { runtime, ui }: Pick<LoginContext, "runtime" | "ui">,
): Promise<void> {
  const address = verificationUriComplete ?? verificationUri;
  const drawing = runtime.stdio.stderrIsTerminal() ? await drawInTime(address, runtime) : undefined;
  if (drawing !== undefined) ui.picture(drawing);
  ui.tell("To log in, open this address in a browser on any device:", `  ${address}`);
  if (verificationUriComplete === undefined) ui.tell("and enter this code:", `  ${userCode}`);
  else ui.tell(`or open ${verificationUri} and enter ${userCode}. The page must show this code.`);
  ui.tell(`The code is valid for ${formatDuration(expiresAt - runtime.now())}. Waiting for your confirmation …`);
}

/** The time limit for loading the QR code library, in milliseconds. Loading may need a download. */
const QR_CODE_TIMEOUT_MS = 5_000;

/**
 * Draws a QR code. Returns undefined if the library cannot be loaded in time. The login then works
 * without a QR code, because the address is printed as text.
 */
async function drawInTime(text: string, runtime: Runtime): Promise<string | undefined> {
  try {
    return await untilAborted(draw(text, !runtime.env("NO_COLOR")), runtime.timeout(QR_CODE_TIMEOUT_MS));
  } catch {
    return undefined;
  }
}

async function draw(text: string, colours: boolean): Promise<string> {
  const { drawQrCode } = await loadLate<typeof import("./qr_code.ts")>("cli/qr_code.ts");
  return drawQrCode(text, { colours });
}

/**
 * Logs in with single sign-on. After the login in the browser, the server redirects the browser to
 * a port of this host, with a one-time token in the URL. A browser on another computer cannot reach
 * this port. In that case, the user copies the final URL from the browser to the terminal.
 */
async function logInBySso(
  { ui, runtime, signIn, offer: { homeserver: { baseUrl } } }: LoginContext,
): Promise<Account> {
  const { listenForBrowser } = await import("./browser_callback.ts");
  using callback = listenForBrowser(`/${runtime.uuid()}`, runtime);
  ui.tell(
    "Open this address in a browser and log in:",
    `  ${ssoRedirectUrl(baseUrl, callback.url)}`,
    "If the browser is on another computer, copy the final address from its address bar and paste it here:",
  );
  const limit = runtime.timeout(SSO_TIMEOUT_MS);
  const signal = eitherSignal(signIn.signal, limit);
  const found = Promise.race([callback.token, readPastedToken(runtime.stdio)]);
  const token = await untilAborted(found, signal).catch((error) => {
    if (!limit.aborted || signIn.signal?.aborted) throw error;
    const hours = formatDuration(SSO_TIMEOUT_MS);
    throw new LoginError(
      "expired",
      `Cannot log in as ${signIn.userId}: nothing arrived from a browser within ${hours}`,
    );
  });
  return await signInWithProof(signIn, { type: "m.login.token", token }, { baseUrl });
}

/** The longest wait for a person who logs in with a browser, in milliseconds. */
const SSO_TIMEOUT_MS = 3_600_000;

/**
 * Reads a token, or a URL that contains the token, from the terminal. Without a terminal, the
 * promise never resolves.
 */
async function readPastedToken(stdio: Stdio): Promise<string> {
  if (!stdio.stdinIsTerminal()) return await new Promise<string>(() => {});
  const line = (await readLine(stdio))?.trim();
  if (line === undefined || line === "") {
    throw new InterruptedError("Stopped: no token was pasted, nothing was changed");
  }
  return URL.parse(line)?.searchParams.get("loginToken") ?? line;
}
