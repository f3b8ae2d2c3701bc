/**
 * Finds the sender of an HTTP request by the token in the request and the address of the client.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import type { HttpSettings, SenderSettings } from "../config/serve.ts";
import { headerText, type KnownChannel, type Refusal } from "../ingest/http/request.ts";
import { isInSome, parseBits } from "../runtime/networks.ts";
import { equalsSecret } from "./guards.ts";
import { createLogin, deviceOf } from "./logins.ts";
import type { Peer } from "./receiver.ts";

/** A sender. */
export type Sender = Partial<SenderSettings> & {
  readonly name: string;
  /** The Matrix device, if the request contains the access token of a login. @default none */
  readonly device?: string;
};

/** Returns the name of a sender in the log and in the queue. */
export function logName({ name }: Sender): string {
  return `http ${name}`;
}

/** Returns the channels that a sender can use; undefined if the sender can use all channels. */
export function limitOf({ channels = [] }: Sender): readonly string[] | undefined {
  return channels.length === 0 ? undefined : channels;
}

/** Returns the channels that a sender can use. */
export function usableChannels(sender: Sender, all: readonly KnownChannel[]): readonly KnownChannel[] {
  const limit = limitOf(sender);
  return limit === undefined ? all : all.filter(({ name }) => limit.includes(name));
}

/** The senders of the configuration. */
export class Senders {
  readonly #senders: readonly Sender[];

  /** @param senders the senders by name. Without senders, each program of this host may send. */
  constructor(senders: HttpSettings["senders"]) {
    const named = [...senders].map(([name, sender]) => ({ name, ...sender }));
    this.#senders = named.length === 0 ? [{ name: "local" }] : named;
  }

  /**
   * Finds the sender of a request, or the reason why there is none.
   *
   * @param pathToken a token in the path. @default none
   */
  find(headers: Headers, query: URLSearchParams, peer: Peer, pathToken = ""): Promise<Sender | Refusal> {
    return this.identify([...givenTokens(headers, query), pathToken], peer);
  }

  /** Finds the sender with one of these tokens, or the reason why there is none. */
  async identify(given: readonly string[], peer: Peer): Promise<Sender | Refusal> {
    const tokens = given.map((token) => token.trim()).filter((token) => token !== "");
    const device = tokens.map(deviceOf).find((device) => device !== undefined);
    const found = await Promise.all(this.#senders.map(async (sender) => {
      const { token, networks = [] } = sender;
      if (networks.length > 0 && !isInNetworks(peer.ip, networks)) return undefined;
      if (token === undefined) return device === undefined ? sender : { ...sender, device };
      const secret = readToken(token);
      if (secret === undefined) return undefined;
      const equal = await Promise.all(tokens.map((given) => equalsSecret(given, secret)));
      if (equal.includes(true)) return sender;
      const login = device === undefined ? "" : await createLogin(device, secret);
      const isLoggedIn = await Promise.all(tokens.map((given) => equalsSecret(given, login)));
      return isLoggedIn.includes(true) ? { ...sender, device } : undefined;
    }));
    const known = found.filter((sender) => sender !== undefined);
    // Several senders can match. A sender with a token comes first, because a network alone does
    // not identify a sender.
    return known.find(({ token }) => token !== undefined) ?? known[0] ??
      (!this.#hasTokens() ? "forbidden" : tokens.length === 0 ? "no-token" : "unauthorized");
  }

  /**
   * Finds the sender who reads the status page, or the reason why the request is refused. The
   * sender must have a token, because the network of a client does not identify a person. The token
   * must be in a header, because a token in the URL would stay in the history of the browser.
   */
  async findReader(headers: Headers, peer: Peer): Promise<Sender | Refusal> {
    const sender = await this.find(headers, new URLSearchParams(), peer);
    if (typeof sender === "string") return sender;
    if (sender.token === undefined) return this.#hasTokens() ? "no-token" : "forbidden";
    return sender.statusPage === false ? "forbidden" : sender;
  }

  #hasTokens(): boolean {
    return this.#senders.some(({ token }) => token !== undefined);
  }
}

/** Returns undefined if the token cannot be read: `serve` has logged the problem at its start. */
function readToken(token: Secret): string | undefined {
  try {
    return token.reveal();
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

function isInNetworks(ip: string | undefined, networks: readonly string[]): boolean {
  // A listener at "::" sees IPv4 addresses in this form.
  const bits = ip === undefined ? undefined : parseBits(ip.replace(/^::ffff:(?=\d+\.)/i, ""));
  return bits !== undefined && isInSome(networks, bits);
}

/**
 * Returns the tokens of a request. Reads `Authorization` (Bearer, or the password of Basic), the
 * headers of Gotify, and the query (`token` of Gotify, `access_token` of Matrix, `auth` of ntfy).
 */
function givenTokens(headers: Headers, query: URLSearchParams): readonly string[] {
  const auth = query.get("auth") ?? query.get("authorization") ?? "";
  const decodedAuth = decodeBase64(auth);
  return [
    ...tokensOf(headerText(headers, "authorization")),
    headerText(headers, "x-gotify-key"),
    headerText(headers, "x-gotify-token"),
    query.get("token") ?? "",
    query.get("access_token") ?? "",
    ...decodedAuth === undefined ? [] : tokensOf(decodedAuth),
    auth,
  ];
}

/** Returns the tokens in a value of `Authorization`. */
function tokensOf(value: string): readonly string[] {
  const [, scheme = "", credentials = ""] = /^(Bearer|Basic|Token)\s+(\S[^]*)$/i.exec(value.trim()) ?? [];
  if (scheme.toLowerCase() !== "basic") return [credentials];
  const login = decodeBase64(credentials) ?? "";
  const at = login.indexOf(":");
  const user = login.slice(0, at < 0 ? undefined : at), password = at < 0 ? "" : login.slice(at + 1);
  // Some clients have only one field for credentials. They send the token as the user name.
  return [password === "" ? user : password];
}

/** Decodes base64 with either alphabet. Returns undefined for any other text. */
function decodeBase64(text: string): string | undefined {
  if (text === "") return undefined;
  try {
    const plain = text.trim().replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/");
    return new TextDecoder().decode(Uint8Array.fromBase64(plain));
  } catch {
    return undefined;
  }
}
