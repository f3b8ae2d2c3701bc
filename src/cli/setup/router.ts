/**
 * Runs `setup router`: adds a sender for a router to `serve.http` in the configuration file,
 * creates its token, and prints the script for the router.
 *
 * @module
 */

import { parseConfig, requireValid } from "../../config/config.ts";
import { requireConfigFile } from "../../config/file.ts";
import { createContext } from "../../config/load.ts";
import { configPath } from "../../config/paths.ts";
import type { HttpSettings } from "../../config/serve.ts";
import { ConfigError, StorageError } from "../../base/errors.ts";
import { isObject } from "../../base/fields.ts";
import { quoteForShell } from "../../base/shell_word.ts";
import { mapFileErrors } from "../../runtime/file_errors.ts";
import { denoFiles, parentDirectory, replaceFile } from "../../runtime/files.ts";
import { isLocalListener, parseBits, parseNetwork } from "../../runtime/networks.ts";
import { absolutePath } from "../../runtime/paths.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import { findStateDir } from "../matrix_account.ts";
import { changeConfig, type ConfigValues, toAbsolutePath } from "./config_file.ts";
import { givenPlaces, listenForInterrupt } from "./context.ts";
import { ROUTER_KINDS, type RouterCommandContext, type RouterKind } from "./options.ts";
import { createChoiceQuestion, createPrompter, type Prompter } from "./prompter.ts";
import { ROUTER_SCRIPTS } from "./router_scripts.ts";

/** The answers of the user about one router. */
interface RouterAnswers {
  /** The name of the sender. */
  readonly name: string;
  readonly kind: RouterKind;
  /** The IP address or host name at which the router reaches this host. */
  readonly address: string;
  /** The addresses of the router. */
  readonly networks: readonly string[];
}

/** The titles of the kinds of routers, in the question for the kind. */
const KIND_TITLES: Readonly<Record<RouterKind, string>> = {
  routeros: "RouterOS: a module for all scripts of the router, with a queue",
  netwatch: "RouterOS: a netwatch that reports an address that does not answer",
  openwrt: "OpenWrt: a command for scripts, with a queue, and alerts about the interface wan",
  opnsense: "OPNsense: a script for Monit",
};

/** Runs all steps of `setup router` and returns the exit code. */
export async function setUpRouter(context: RouterCommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  const path = args.text("config") ?? configPath(runtime);
  const before = await requireConfigFile(path);
  using interrupt = listenForInterrupt(runtime.stdio);
  const prompter = createPrompter(runtime.stdio, { hasYes: args.has("yes"), ui, signal: interrupt.signal });
  const answers = await askAboutRouter(context, prompter, httpOf(before));
  interrupt.signal.throwIfAborted();
  const stateDir = findStateDir(context), tokenFile = absolutePath(`${parentDirectory(path)}/${answers.name}.token`);
  const change = (values: ConfigValues) => addSender(values, { args, answers, tokenFile });
  const after = change(before);
  const http = await requireHttp(context, after);
  const sender = http.senders.get(answers.name);
  if (sender?.token === undefined) {
    throw new ConfigError(`Cannot set up router ${answers.name}: the sender of this name has no token`, {
      hint: "choose another name",
    });
  }
  const isChanged = JSON.stringify(after) !== JSON.stringify(before);
  if (isChanged) {
    // The token is written first, because the configuration must not refer to a file that does not
    // exist.
    if (JSON.stringify(after).includes(JSON.stringify(tokenFile))) createToken(tokenFile, runtime.uuid);
    await changeConfig({ path, lockPath: `${stateDir}/setup.lock` }, change);
    ui.tell(`Wrote ${path}`);
  }
  const url = `${http.certFile === undefined ? "http" : "https"}://${urlHost(answers.address)}:${http.port}`;
  ui.data(ROUTER_SCRIPTS[answers.kind]({ url: `${url}/notify`, token: sender.token.reveal() }));
  ui.tell(...await nextSteps(context, { answers, http, url, isChanged, places: { config: path, stateDir } }));
  return EXIT.ok;
}

async function askAboutRouter(
  { args }: RouterCommandContext,
  prompter: Prompter,
  http: ConfigValues,
): Promise<RouterAnswers> {
  const senders = isObject(http.senders) ? http.senders : {};
  const [given] = args.operands;
  const name = given !== undefined ? requireName(given) : await prompter.ask({
    text: "Name of the router",
    option: "the name of the router: setup router core1",
    defaultAnswer: prompter.isInteractive ? "router" : undefined,
    accept: requireName,
  });
  const kind = args.choice("for", ROUTER_KINDS) ?? await prompter.ask(createChoiceQuestion<RouterKind, RouterKind>(
    ROUTER_KINDS.map((value) => ({ title: KIND_TITLES[value], value })),
    { text: "Script to print", option: "--for routeros", defaultAnswer: "1", accept: (value) => value },
  ));
  const address = args.text("address");
  const sender = Object.hasOwn(senders, name) && isObject(senders[name]) ? senders[name] : {};
  const networks = args.list("network").flatMap(requireNetworks);
  return {
    name,
    kind,
    address: address !== undefined ? requireAddress(address) : await prompter.ask({
      text: "IP address of this host in the network of the router",
      option: "--address 192.168.88.2",
      defaultAnswer: typeof http.host === "string" && isOneAddress(http.host) ? http.host : undefined,
      accept: requireAddress,
    }),
    networks: networks.length > 0 ? networks : await prompter.ask({
      text: "IP address or network of the router",
      option: "--network 192.168.88.1",
      defaultAnswer: Array.isArray(sender.networks) ? sender.networks.join(",") : undefined,
      accept: requireNetworks,
    }),
  };
}

function requireName(text: string): string {
  if (/^[A-Za-z0-9_.-]+$/.test(text)) return text;
  throw new UsageError(
    `Cannot use the name "${text}": it may contain only letters, digits, dots, hyphens and underscores`,
    "write a name such as core1",
  );
}

function requireAddress(text: string): string {
  const host = URL.parse(`http://${urlHost(text)}/`);
  if (host?.pathname === "/" && host.port === "" && host.username === "") return text;
  throw new UsageError(
    `Cannot use the address "${text}": it is not an IP address or a host name`,
    "write the address at which the router reaches this host, such as 192.168.88.2; to list the addresses: ip -brief address",
  );
}

function requireNetworks(text: string): readonly string[] {
  const networks = text.split(/[\s,]+/).filter((part) => part !== "");
  const wrong = networks.find((network) => parseNetwork(network) === undefined);
  if (wrong === undefined && networks.length > 0) return networks;
  throw new UsageError(
    `Cannot use the network "${wrong ?? text}": it is neither an IP address nor a network such as 192.168.88.0/24`,
    "write the address of the router, such as 192.168.88.1, or its network",
  );
}

/** Returns an address as the host of a URL: an IPv6 address is in brackets. */
function urlHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

function httpOf(values: ConfigValues): ConfigValues {
  const serve = isObject(values.serve) ? values.serve : {};
  return isObject(serve.http) ? serve.http : {};
}

/** Returns the values of the configuration file with the sender of the router. */
function addSender(
  values: ConfigValues,
  { args, answers, tokenFile }: {
    readonly args: RouterCommandContext["args"];
    readonly answers: RouterAnswers;
    readonly tokenFile: string;
  },
): ConfigValues {
  const serve = isObject(values.serve) ? values.serve : {};
  const http = httpOf(values), senders = isObject(http.senders) ? http.senders : {};
  const { name, address, networks } = answers;
  const sender = Object.hasOwn(senders, name) && isObject(senders[name])
    ? senders[name]
    : { tokenFile, statusPage: false };
  const [port, certFile, keyFile] = [args.text("port"), args.text("cert-file"), args.text("key-file")];
  return {
    ...values,
    serve: {
      ...serve,
      http: {
        ...http,
        ...listenAt(http, { address, isNew: !isObject(serve.http) }),
        ...port === undefined ? {} : { port: requirePort(port) },
        ...certFile === undefined ? {} : { certFile: toAbsolutePath(certFile, "--cert-file") },
        ...keyFile === undefined ? {} : { keyFile: toAbsolutePath(keyFile, "--key-file") },
        senders: { ...localSender(http, serve), ...senders, [name]: { ...sender, networks } },
      },
    },
  };
}

function requirePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port;
  throw new UsageError(`Cannot use --port "${text}": it is not a port`, "write a number from 1 to 65535");
}

/**
 * Returns the new setting `host` (the address at which `serve` listens), or no setting if the old
 * address is sufficient.
 *
 * - A new `serve.http` listens at the address that the router uses.
 * - If `serve.http` listens only for programs of this host, the new address is `0.0.0.0` (all
 *   addresses). The router and these programs can then send.
 */
function listenAt(
  { host }: ConfigValues,
  { address, isNew }: { readonly address: string; readonly isNew: boolean },
): ConfigValues {
  if (isNew) return { host: parseBits(address) === undefined ? "0.0.0.0" : address };
  const isLocal = host === undefined || typeof host === "string" && isLocalListener(host);
  return isLocal && !isLocalListener(address) ? { host: "0.0.0.0" } : {};
}

/**
 * Returns true for a single address that other hosts can reach. `0.0.0.0` and `::` are not single:
 * they mean all addresses.
 */
function isOneAddress(host: string): boolean {
  return !isLocalListener(host) && parseBits(host)?.includes("1") === true;
}

/**
 * Returns a sender for the programs of this host, if no sender is configured yet. Without senders,
 * `serve` accepts these programs without a token. If the router were the only sender, `serve` would
 * refuse these programs.
 */
function localSender({ senders }: ConfigValues, serve: ConfigValues): ConfigValues {
  const hasSenders = isObject(senders) && Object.keys(senders).length > 0;
  return isObject(serve.http) && !hasSenders ? { local: { networks: ["127.0.0.1", "::1"] } } : {};
}

/** @throws {ConfigError} if the new configuration has a mistake */
async function requireHttp(context: RouterCommandContext, values: ConfigValues): Promise<HttpSettings> {
  const parserContext = createContext(context.runtime, { stateDir: findStateDir(context) }, { names: {} });
  const { serve } = requireValid(await parseConfig(values, parserContext));
  if (serve?.http) return serve.http;
  throw new ConfigError("Cannot set up a router: serve.http is not there");
}

/** Writes a new token, unless an earlier setup has written one. */
function createToken(path: string, uuid: () => string): void {
  const token = `${uuid()}${uuid()}`.replaceAll("-", "");
  try {
    mapFileErrors(`write ${path}`, () => {
      denoFiles.makeDirectory(parentDirectory(path));
      if (!denoFiles.exists(path)) replaceFile(denoFiles, path, `${token}\n`);
    }, "write-failed");
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new StorageError(error.code, error.message, { hint: "the configuration is unchanged", cause: error });
  }
}

/** Says how to start `serve`, and how to see that it works. */
async function nextSteps(
  context: RouterCommandContext,
  { answers: { kind, networks }, http, url, isChanged, places }: {
    readonly answers: RouterAnswers;
    readonly http: HttpSettings;
    readonly url: string;
    readonly isChanged: boolean;
    readonly places: { readonly config: string; readonly stateDir: string };
  },
): Promise<readonly string[]> {
  const { shortWords } = await context.runtime.program();
  const command = await context.runtime.hasSystemd() ? ["service", "install", "--serve"] : ["serve"];
  const start = [...shortWords, ...command, ...givenPlaces(context, places)].map(quoteForShell).join(" ");
  const isHttps = http.certFile !== undefined;
  return [
    "",
    "Next steps:",
    `  serve       ${start}${isChanged ? "" : "   # if it does not run"}`,
    `  firewall    allow port ${http.port} from ${networks.join(", ")}`,
    `  router      ${ROUTER_STEPS[kind]}`,
    ...isHttps && (kind === "routeros" || kind === "netwatch")
      ? ["  authority   /certificate/import file-name=ca.pem"]
      : [],
    `  check       curl ${isHttps ? "--cacert ca.pem " : ""}${url}/healthz`,
    "The text above contains the token of the router. docs/routers.md says what to do if a step fails.",
  ];
}

/** What to do with the printed text. */
const ROUTER_STEPS: Readonly<Record<RouterKind, string>> = {
  routeros: "paste the text above into its terminal; the last line sends a test message",
  netwatch: "replace 192.0.2.1, and paste the text above into its terminal",
  openwrt: "paste the text above into its shell; the last line sends a test message",
  opnsense: "paste the text above into its shell; the last line sends a test message",
};
