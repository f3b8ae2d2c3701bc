/**
 * Finds secrets in texts from servers and programs, and replaces them with `[secret]`. A server may
 * repeat a secret in another encoding, and may repeat only a part of it.
 *
 * ```text
 * the text as it is  -> search, and search again without spaces and punctuation
 * escapes decoded    -> the same two searches (escapes are %73, \u0073, &#115; and =73)
 * search             -> the secret itself, its base64 in each of the three alignments, and its hex
 * ```
 *
 * @module
 */

import { isAscii } from "./printable.ts";

/** The text that replaces a secret. */
export const HIDDEN = "[secret]";

/**
 * A secret with fewer characters is not hidden, because ordinary texts can contain the same few
 * characters by chance.
 */
const MIN_CHARS = 4;

/** A secret with fewer characters is not hidden in an id or an error code. */
const MIN_DATA_CHARS = 12;

/** A secret with fewer characters is hidden only if it is a whole word of the text. */
const MIN_STRONG_CHARS = 8;

/**
 * A secret has several forms, such as its base64. A seed is a short part of a form. For each form,
 * at most this number of seeds with the same hash is stored.
 */
const MAX_EQUAL_SEEDS = 4;

/**
 * The length of a seed, in characters. A search first finds a seed in the text, and then compares
 * the characters before and after the seed.
 */
const SEED_CHARS = 4;

/**
 * A part of a secret is hidden if it has half of the secret's characters, or if it has at least
 * this number of characters.
 */
const MAX_PART_CHARS = 12;

/**
 * A part with fewer characters is not hidden, even if it is half of the secret. This limit does not
 * apply to a complete secret.
 */
const MIN_PART_CHARS = 7;

/**
 * The largest number of stored secrets. Each renewal of a token adds a secret. Above this number,
 * the oldest secret is forgotten.
 */
const MAX_SECRETS = 500;

/** One form of a secret, such as its base64. */
interface Form {
  /** The form, with ASCII letters in lower case. */
  readonly text: string;
  /** A part of the form with at least this length is hidden. */
  readonly minChars: number;
  /** True if the form is hidden only as a whole word, and not inside a longer word. */
  readonly isWord: boolean;
  /**
   * True if this form of the secret is base64 or hex. In this case, the whole word that contains
   * the form is hidden.
   */
  readonly isEncoded: boolean;
}

/** A part of a form, and its position in the form. */
interface Seed {
  readonly form: Form;
  readonly at: number;
}

/** A version of a text: unchanged, decoded, or without spaces and punctuation. */
interface Reading {
  readonly text: string;
  /**
   * Returns the place of each character in the original text. Absent if this version is the
   * original text.
   */
  readonly places?: () => Places;
  /** True if spaces and punctuation were removed. @default {false} */
  readonly isSqueezed?: boolean;
}

/** A search for secrets. */
interface Search {
  /** The original text. */
  readonly text: string;
  /** True if the original text may be an id or an error code. */
  readonly isId: boolean;
  readonly table: SeedTable;
  /** The secrets that were found, as places in the original text. */
  readonly hits: Place[];
}

/** The place of each character of a reading in the original text. */
interface Places {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** A part of a text. */
type Place = readonly [start: number, end: number];

/** The seeds of all forms. */
interface SeedTable {
  readonly seeds: ReadonlyMap<number, readonly Seed[]>;
  /**
   * For each hash: 1 if `seeds` contains the hash, otherwise 0. A lookup in this array is faster
   * than a lookup in `seeds`.
   */
  readonly isUsed: Uint8Array;
}

/** Hides a set of secrets. */
export class SecretMask {
  readonly #secrets = new Set<string>();
  /** The seeds of all forms. Undefined until the next search needs them. */
  #table: SeedTable | undefined;

  /** Adds a secret. */
  add(secret: string): void {
    if (secret.length < MIN_CHARS || this.#secrets.has(secret)) return;
    this.#secrets.add(secret);
    this.#table = undefined;
    const [oldest] = this.#secrets;
    if (this.#secrets.size > MAX_SECRETS) this.#secrets.delete(oldest);
  }

  /**
   * Returns a text without the secrets.
   *
   * @param isData true for a value on which delivery may depend, such as an id or an error code. If
   * the value contains no spaces, only complete secrets of at least 12 characters are hidden.
   */
  hide(text: string, isData = false): string {
    if (this.#secrets.size === 0 || text.length < MIN_CHARS) return text;
    const table = this.#table ??= createTable(this.#secrets);
    const hits: Place[] = [];
    const isId = isData && !/\s/.test(text.trim());
    forEachReading(lowerAscii(text), (reading) => find(reading, { text, isId, table, hits }));
    const secrets = hits.filter(([start, end]) => text.slice(start - 1, end + 1) !== HIDDEN);
    if (secrets.length === 0) return text;
    secrets.sort(([a], [b]) => a - b);
    let shown = "", at = 0;
    for (const [start, end] of secrets) {
      if (start > at || shown === "") shown += `${text.slice(at, start)}${HIDDEN}`;
      at = Math.max(at, end);
    }
    return shown + text.slice(at);
  }
}

function createTable(secrets: Iterable<string>): SeedTable {
  const seeds = new Map<number, Seed[]>();
  const isUsed = new Uint8Array(HASHES);
  for (const form of [...secrets].flatMap(formsOf)) {
    // The seeds are so close together that every part of `minChars` characters contains a whole
    // seed.
    const step = Math.max(1, form.minChars - SEED_CHARS + 1);
    for (let at = 0; at + SEED_CHARS <= form.text.length; at += step) {
      const hash = hashAt(form.text, at);
      isUsed[hash] = 1;
      const known = seeds.get(hash) ?? [];
      seeds.set(hash, known);
      // In a secret such as "aaaa…", all seeds are equal, and a few of them are enough.
      if (known.filter((other) => other.form === form).length < MAX_EQUAL_SEEDS) known.push({ form, at });
    }
  }
  return { seeds, isUsed };
}

/** Returns the forms in which a secret is searched for. */
function formsOf(secret: string): Form[] {
  const bytes = new TextEncoder().encode(secret);
  const isStrong = secret.length >= MIN_STRONG_CHARS && !isPlainWord(secret);
  const plain = new Set([secret, decodePercent(secret), String.fromCharCode(...bytes)].map(lowerAscii));
  const squeezed = [...plain].map((text) => squeeze({ text }).text);
  if (isStrong) { for (const text of squeezed) plain.add(text); }
  const encoded = new Set([bytes.toHex(), ...[0, 1, 2].flatMap((shift) => base64Forms(bytes, shift))].map(lowerAscii));
  return [
    ...[...plain].map((text) => createForm(text, { isStrong, isEncoded: false })),
    ...[...encoded].filter((text) => text.length > SEED_CHARS + 1)
      .map((text) => createForm(text, { isStrong, isEncoded: true })),
  ].filter(({ text }) => text.length >= SEED_CHARS);
}

function createForm(
  text: string,
  { isStrong, isEncoded }: { readonly isStrong: boolean; readonly isEncoded: boolean },
): Form {
  const part = Math.min(MAX_PART_CHARS, Math.max(MIN_PART_CHARS, Math.floor(text.length / 2)));
  const isWhole = !isStrong || text.length < part;
  return { text, minChars: isWhole ? text.length : part, isWord: !isStrong && !isEncoded, isEncoded };
}

/**
 * Returns true for a word such as `backup`. Such a word can occur in an ordinary text without being
 * the secret.
 */
export function isPlainWord(text: string): boolean {
  return text.length < 2 * MIN_STRONG_CHARS && /^([A-Z]?[a-z]+|[A-Z]+)$/.test(text);
}

/**
 * Returns the base64 of bytes that are a part of longer data. In this data, `shift` unknown bytes
 * come before the given bytes, and more unknown bytes may follow. Characters that depend on unknown
 * bytes are left out. The result is three texts: in the usual alphabet, in the alphabet for URLs,
 * and without punctuation.
 */
function base64Forms(bytes: Uint8Array, shift: number): string[] {
  const shifted = new Uint8Array(shift + bytes.length);
  shifted.set(bytes, shift);
  const whole = shifted.toBase64({ omitPadding: true });
  const text = whole.slice(Math.ceil(shift * 8 / 6), shifted.length % 3 === 0 ? undefined : -1);
  return [text, text.replaceAll("+", "-").replaceAll("/", "_"), text.replace(/[+/]/g, "")];
}

/** Decodes a part of a URL. Returns the text unchanged if it cannot be decoded. */
export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Converts ASCII letters to lower case. The length of the text does not change. */
function lowerAscii(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The number of different hashes. */
const HASHES = 2 ** 16;

function hashAt(text: string, at: number): number {
  const hash = text.charCodeAt(at) ^ text.charCodeAt(at + 1) << 5 ^ text.charCodeAt(at + 2) << 10 ^
    text.charCodeAt(at + 3) << 15;
  return hash & (HASHES - 1);
}

/** Finds the secrets in one version of a text (unchanged, decoded, or without punctuation). */
function find(reading: Reading, { text: original, isId, table, hits }: Search): void {
  const { text, places, isSqueezed } = reading;
  const { seeds, isUsed } = table;
  for (let at = 0; at + SEED_CHARS <= text.length; at++) {
    const hash = hashAt(text, at);
    if (isUsed[hash] === 0) continue;
    for (const seed of seeds.get(hash) ?? []) {
      const place = extend(reading, at, seed, isId);
      if (place === undefined) continue;
      const [, end] = place;
      const hit = originalPlace(place, places?.());
      hits.push(isSqueezed && seed.form.isEncoded ? widen(original, hit) : hit);
      at = Math.max(at, end - SEED_CHARS);
      break;
    }
  }
}

/** Converts a place in a reading to the place in the original text. */
function originalPlace([start, end]: Place, places: Places | undefined): Place {
  return places === undefined ? [start, end] : [places.starts[start], places.ends[end - 1]];
}

/**
 * Extends a found seed in both directions, as long as the text and the form are equal. Returns the
 * place of the equal part; undefined if this part is too short or inside a longer word.
 */
function extend(
  { text, isSqueezed }: Reading,
  at: number,
  { form: { text: form, minChars, isWord, isEncoded }, at: formAt }: Seed,
  isId: boolean,
): Place | undefined {
  let start = at, end = at;
  while (end - at + formAt < form.length && text[end] === form[end - at + formAt]) end++;
  if (end - at < SEED_CHARS) return undefined;
  while (start > 0 && formAt - (at - start) > 0 && text[start - 1] === form[formAt - (at - start) - 1]) start--;
  if (end - start < (isId ? Math.max(form.length, MIN_DATA_CHARS) : minChars)) return undefined;
  if (isWord && (isInWord(text, start) || isInWord(text, end))) return undefined;
  return isEncoded && !isSqueezed ? widen(text, [start, end]) : [start, end];
}

/**
 * Extends a place to the whole encoded word. One base64 character can contain bits of two bytes.
 * Therefore the characters next to the place may also contain bits of the secret.
 */
function widen(text: string, [start, end]: Place): Place {
  while (start > 0 && /[\w+/-]/.test(text[start - 1])) start--;
  while (end < text.length && /[\w+/=-]/.test(text[end])) end++;
  return [start, end];
}

/** Returns true if the characters before and after a position belong to the same word. */
function isInWord(text: string, at: number): boolean {
  return /^[\p{L}\p{N}]{2}/u.test(text.slice(at - 1, at + 1)) && at > 0;
}

/**
 * Matches the escapes of URLs, JSON, JavaScript and HTML. Also matches a line break in an SMTP
 * reply, together with the reply code that follows.
 */
const ESCAPE_REGEXP =
  /(?:%|0x(?=[0-9a-f]{2}\b))([0-9a-f]{2})|\\u\{?([0-9a-f]{1,6})\}?|\\x([0-9a-f]{2})|&#x([0-9a-f]{1,6});?|&#(\d{1,7});?|&(amp|lt|gt|quot|apos|sol|colon|equals|plus|lowbar|period);|\\([nrtbf])|\\([^ux])|(\r?\n\d{3}[ -](?:\d\.\d{1,3}\.\d{1,3} ?)?)/g;

/** Escapes of quoted-printable texts (RFC 2045), in lower case. */
const QUOTED_PRINTABLE_REGEXP = /=([0-9a-f]{2})|(=[ \t]*\r?\n)/g;

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", sol: "/", colon: ":", equals: "=", plus: "+" },
  ...{ lowbar: "_", period: "." },
};

/**
 * Encodings can be nested, for example an escaped URL in JSON. A text is decoded at most this
 * number of times.
 */
const MAX_DECODINGS = 3;

/**
 * Calls a function with each version of a text in which secrets are searched for: unchanged,
 * decoded, and without spaces and punctuation. The ASCII letters of the text must be in lower case.
 */
function forEachReading(text: string, search: (reading: Reading) => void): void {
  const searchBoth = (reading: Reading) => {
    search(reading);
    const squeezed = squeeze(reading);
    if (squeezed.text.length < reading.text.length) search(squeezed);
  };
  const plain: Reading = { text };
  searchBoth(plain);
  for (const first of [plain, decode(plain, QUOTED_PRINTABLE_REGEXP)]) {
    if (first === undefined) continue;
    if (first !== plain) searchBoth(first);
    let next: Reading | undefined = first;
    for (let count = 0; count < MAX_DECODINGS; count++) {
      next = decode(next, ESCAPE_REGEXP);
      if (next === undefined) break;
      searchBoth(next);
    }
  }
}

/** Decodes the escapes of a reading. Returns undefined if there are none. */
function decode({ text, places: findPlaces }: Reading, escapes: RegExp): Reading | undefined {
  escapes.lastIndex = 0;
  let found = escapes.exec(text);
  if (found === null) return undefined;
  const places = findPlaces?.();
  const parts: string[] = [];
  // The decoded text is not longer than `text`: an escape is not shorter than its character.
  const starts = new Uint32Array(text.length), ends = new Uint32Array(text.length);
  let at = 0, size = 0;
  const keep = (until: number) => {
    parts.push(text.slice(at, until));
    for (; at < until; at++, size++) {
      starts[size] = places?.starts[at] ?? at;
      ends[size] = places?.ends[at] ?? at + 1;
    }
  };
  for (; found !== null; found = escapes.exec(text)) {
    keep(found.index);
    const char = lowerAscii(decodeEscape(found));
    at += found[0].length;
    parts.push(char);
    starts.fill(places?.starts[found.index] ?? found.index, size, size + char.length);
    ends.fill(places?.ends[at - 1] ?? at, size, size + char.length);
    size += char.length;
  }
  keep(text.length);
  return { text: parts.join(""), places: () => ({ starts, ends }) };
}

function decodeEscape([, ...groups]: RegExpExecArray): string {
  const [percent, unicode, byte, entityHex, entityNumber, entity, control, escaped] = groups;
  const hex = percent ?? unicode ?? byte ?? entityHex;
  if (hex !== undefined && /^[0-9a-f]+$/.test(hex)) return fromCode(parseInt(hex, 16));
  if (entityNumber !== undefined) return fromCode(Number(entityNumber));
  if (entity !== undefined) return ENTITIES[entity];
  return control !== undefined ? " " : escaped ?? "";
}

function fromCode(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : "";
}

/**
 * Matches spaces, punctuation and the invisible characters of Unicode. Does not match letters and
 * digits. The text must be in lower case.
 */
const SEPARATORS_REGEXP = /[^0-9a-z\x80-\x9f\xa1-\xac\xae-\u1fff\u2070-\ufefe\uff00-\uffff]+/g;

/**
 * Removes spaces and punctuation, so that a secret with line breaks in it becomes one word. Most
 * texts contain no secret. Therefore the places of the characters in the original text are computed
 * only after a secret is found.
 */
function squeeze({ text, places }: Reading): Reading {
  const squeezed = text.replace(SEPARATORS_REGEXP, "");
  let found: Places | undefined;
  return { text: squeezed, places: () => found ??= placesBetween(text, places?.()), isSqueezed: true };
}

/** Returns the places of the characters that are not in {@linkcode SEPARATORS_REGEXP}. */
function placesBetween(text: string, places: Places | undefined): Places {
  const starts = new Uint32Array(text.length), ends = new Uint32Array(text.length);
  let at = 0, size = 0;
  const keep = (until: number) => {
    for (; at < until; at++, size++) {
      starts[size] = places?.starts[at] ?? at;
      ends[size] = places?.ends[at] ?? at + 1;
    }
  };
  for (const { index, 0: separators } of text.matchAll(SEPARATORS_REGEXP)) {
    keep(index);
    at += separators.length;
  }
  keep(text.length);
  return { starts, ends };
}
