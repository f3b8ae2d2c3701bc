/**
 * Secrets: values that never appear in output. A secret is read each time it is used, so that a new
 * token works without a restart.
 *
 * A server or a program may repeat a secret in its answer, even a secret from an earlier request.
 * Therefore this module remembers the secrets that this process has used. Every text from outside
 * passes {@linkcode hideSecrets} twice:
 *
 * - where the text enters: in `runtime/http.ts`, in `channels/email/` and in `channels/exec/`
 * - where an error about an answer is created: in the constructors in `errors.ts`
 *
 * @module
 */

import { decodePercent, HIDDEN, isPlainWord, SecretMask } from "./secret_mask.ts";

/** The secrets that this process has used. */
const USED = new SecretMask();

/** A password or a token. In output and in JSON, a secret appears as `[secret]`. */
export class Secret {
  readonly #read: () => string;

  /**
   * @param read a function that reads the value each time the value is used. `reveal()` throws the
   * errors of `read`.
   */
  constructor(read: () => string) {
    this.#read = read;
  }

  /** Reads, remembers and returns the secret value. */
  reveal(): string {
    return rememberSecret(this.#read());
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [Symbol.for("Deno.customInspect")](): string {
    return HIDDEN;
  }
}

/**
 * Remembers a secret, so that {@linkcode hideSecrets} finds the secret. In a URL, the path, the
 * query and the password are secrets, but the host is not. In `Bearer TOKEN`, only the token is a
 * secret.
 *
 * @returns the secret
 */
export function rememberSecret(secret: string): string {
  for (const part of partsOf(secret)) USED.add(part);
  return secret;
}

function partsOf(secret: string): readonly string[] {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(secret) ? URL.parse(secret) : null;
  if (url !== null) {
    const { username, password, pathname, search } = url;
    const login = decodePercent(password === "" ? username : password);
    const parts = pathname.split("/").filter((part) => !isPlainWord(part));
    return [pathname + search, search.slice(1), ...parts, ...url.searchParams.values(), login];
  }
  const [, scheme, credentials] = /^(Basic|Bearer|Token|Key|ApiKey)\s+(\S.*)$/i.exec(secret) ?? [];
  if (scheme === undefined) return [secret];
  return [credentials, ...scheme.toLowerCase() === "basic" ? decodeBasic(credentials) : []];
}

/** Returns `user:password` and the password of Basic credentials. */
function decodeBasic(credentials: string): readonly string[] {
  try {
    const login = new TextDecoder().decode(Uint8Array.fromBase64(credentials));
    return [login, login.slice(login.indexOf(":") + 1)];
  } catch {
    return [];
  }
}

/**
 * Replaces all used secrets in a text with `[secret]`. Also replaces encoded secrets and parts of
 * secrets; see `secret_mask.ts`.
 */
export function hideSecrets(text: string): string {
  return USED.hide(text);
}

/**
 * Replaces all used secrets in a value on which delivery may depend, such as an id or an error
 * code. See {@linkcode SecretMask.hide}.
 */
export function hideSecretsInData(text: string): string {
  return USED.hide(text, true);
}
