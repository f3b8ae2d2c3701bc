/**
 * Parses the URLs of Apprise, a program that sends notifications:
 * `schema://user:password@host:port/path?option=value` (Apprise documentation, "URL Basics"). The
 * syntax differs from RFC 3986: a `#` does not begin a fragment, and a password can contain an `@`.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";

/**
 * Common options of Apprise URLs that matrix-notify ignores. Most of them control how Apprise
 * formats and cuts a text, or how long Apprise waits.
 */
const IGNORED_OPTIONS: ReadonlySet<string> = new Set([
  ...["format", "overflow", "emojis", "interpret", "store", "tz", "rto", "cto", "retry", "wait", "redirect"],
  ...["image", "avatar_url"],
]);

/** Matches the characters that separate names in a path or a list. */
const LIST_REGEXP = /[\s,\\/]+/;

/** A parsed URL. Errors do not show the URL, because it contains secrets. */
export class AppriseUrl {
  /** The scheme of the URL in lower case, for example `ntfys`. */
  readonly schema: string;
  readonly user?: string;
  readonly password?: string;
  readonly host: string;
  /** The port with its colon; empty if the URL has no port. */
  readonly port: string;
  /** The path as it is written in the URL, with percent-encoding. */
  readonly path: string;
  readonly #options = new Map<string, string>();
  /** The names of the options that have a value. */
  readonly #named = new Set<string>();
  readonly #path: string;

  /**
   * @param text the URL as it is written in the configuration
   * @param path the dotted path of the URL in the configuration, for errors
   * @throws {ConfigError} if the text is not an Apprise URL
   */
  constructor(text: string, path: string) {
    this.#path = path;
    const found = /^(?<schema>[a-z]+):\/\/(?<authority>[^/?]*)(?<path>[^?]*)(?:\?(?<query>.*))?$/isu.exec(text.trim());
    const { schema = "", authority = "", path: urlPath = "", query = "" } = found?.groups ?? {};
    if (found === null) throw this.error("it must be a JSON object or an Apprise URL such as ntfys://host/topic");
    const at = authority.lastIndexOf("@");
    const login = at < 0 ? "" : authority.slice(0, at);
    const colon = login.indexOf(":");
    this.schema = schema.toLowerCase();
    [, this.host, this.port] = /^(.*?)(:\d+)?$/s.exec(authority.slice(at + 1)) ?? ["", "", ""];
    this.port ??= "";
    this.path = urlPath;
    for (const pair of query.split("&").filter((pair) => pair !== "")) this.#addOption(pair);
    this.user = this.option("user") ?? (this.decode(colon < 0 ? login : login.slice(0, colon)) || undefined);
    this.password = this.option("pass") ?? (this.decode(colon < 0 ? "" : login.slice(colon + 1)) || undefined);
  }

  /** The decoded names in the path, in order. */
  get entries(): readonly string[] {
    return this.path.split(LIST_REGEXP).filter((entry) => entry !== "").map((entry) => this.decode(entry));
  }

  /** Returns the address of the server: `https://host:port` or `http://host:port`. */
  server(isSecure: boolean): string {
    if (this.host === "") throw this.error("it does not contain a host");
    return `${isSecure ? "https" : "http"}://${this.host}${this.port}`;
  }

  /** Reads an option; returns undefined if the option is absent or empty. */
  option(name: string): string | undefined {
    const value = this.#options.get(name);
    this.#options.delete(name);
    return value || undefined;
  }

  /** Reads an option that is a list of names. */
  list(name: string): readonly string[] {
    return (this.option(name) ?? "").split(LIST_REGEXP).filter((entry) => entry !== "");
  }

  /**
   * Reads the options whose names begin with the given sign: `+` for headers, `-` for parameters,
   * `:` for fields.
   */
  options(sign: "+" | "-" | ":"): readonly (readonly [name: string, value: string])[] {
    const found = [...this.#options].filter(([name]) => name.startsWith(sign));
    for (const [name] of found) this.#options.delete(name);
    return found.map(([name, value]) => [name.slice(1), value]);
  }

  /**
   * Throws an error if the URL contains an option that was not read. Call this method after reading
   * all supported options.
   *
   * @param ignored the names of options to ignore in addition to `IGNORED_OPTIONS`
   */
  end(ignored: readonly string[] = []): void {
    const verify = this.option("verify");
    if (verify !== undefined && !isYes(verify)) {
      throw this.error(
        "certificates are always checked, so the option verify=no is not supported",
        "remove the option",
      );
    }
    for (const name of this.#options.keys()) {
      if (IGNORED_OPTIONS.has(name) || ignored.includes(name)) continue;
      // If a password contains ? or & without an escape, `name` may be a part of the password.
      // Therefore the error shows `name` only if it looks like an option name and `=` follows it.
      const what = /^[a-z_]{1,20}$/.test(name) && this.#named.has(name) ? `the option ${name}` : "an option";
      throw this.error(
        `${what} is not supported`,
        "remove the option, or write the channel as an object; write ? as %3F and & as %26 in a password",
      );
    }
  }

  /** Creates an error about this URL. */
  error(state: string, hint?: string): ConfigError {
    return new ConfigError(`Cannot use ${this.#path}: ${state}`, { hint, place: { setting: this.#path } });
  }

  #addOption(pair: string): void {
    const [, name, value] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
    const key = this.decode(name);
    if (pair.includes("=")) this.#named.add(key.toLowerCase());
    this.#options.set(/^[-+:]/.test(key) ? key : key.toLowerCase(), this.decode(value));
  }

  /**
   * Decodes the percent-encoding of a part of the URL.
   *
   * @throws {ConfigError} if a % does not begin an escaped character
   */
  decode(text: string): string {
    try {
      return decodeURIComponent(text);
    } catch {
      throw this.error("it contains a % that does not begin an escaped character", "write the character % as %25");
    }
  }
}

/** Returns true if the value of an Apprise option means "yes". */
export function isYes(value: string): boolean {
  return /^(y|t|1|on|en|allow|\+)/i.test(value.trim());
}
