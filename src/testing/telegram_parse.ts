/** How a Bot API server parses HTML (its documentation, "HTML style"): which tags it knows, and what it counts. */

/** The text that is left, or why there is none. */
export type ParsedHtml = { readonly text: string; readonly tags: readonly string[] } | { readonly error: string };

const TAGS: ReadonlySet<string> = new Set([
  ...["a", "b", "strong", "i", "em", "s", "strike", "del", "u", "ins", "tg-spoiler", "tg-emoji", "tg-time"],
  ...["span", "pre", "code", "blockquote"],
]);

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };

/** Parses a text. Tags must be known, nest, and end; a bare `<` begins one, whatever follows. */
export function parseHtml(source: string): ParsedHtml {
  const open: string[] = [];
  const tags: string[] = [];
  let text = "", at = 0;
  for (const [token] of source.matchAll(/<[^>]*>?|[^<]+/g)) {
    const offset = at;
    at += new TextEncoder().encode(token).length;
    if (!token.startsWith("<")) {
      text += decode(token);
      continue;
    }
    if (!token.endsWith(">")) return { error: `Unclosed start tag at byte offset ${offset}` };
    const [, slash, name = ""] = /^<(\/?)([^\s>]*)/.exec(token) ?? [];
    const tag = name.toLowerCase();
    if (slash === "/") {
      const expected = open.pop();
      if (expected === undefined) return { error: `Unexpected end tag at byte offset ${offset}` };
      if (tag !== "" && tag !== expected) {
        return { error: `Unmatched end tag at byte offset ${offset}, expected "</${expected}>", found "</${tag}>"` };
      }
      continue;
    }
    if (!TAGS.has(tag)) return { error: `Unsupported start tag "${tag}" at byte offset ${offset}` };
    const problem = attributeProblem(tag, token.slice(1 + name.length, -1));
    if (problem !== undefined) return { error: `${problem} at byte offset ${offset}` };
    open.push(tag);
    tags.push(tag);
  }
  const last = open.at(-1);
  return last === undefined ? { text, tags } : { error: `Can't find end tag corresponding to start tag "${last}"` };
}

function attributeProblem(tag: string, attributes: string): string | undefined {
  const rest = attributes.replace(/\s+[-a-z]+(\s*=\s*("[^"]*"|'[^']*'|[-.\w]+))?/gi, "").trim();
  if (rest !== "") return `Empty attribute name in the tag "${tag}"`;
  if (tag !== "span" || /class\s*=\s*["']?tg-spoiler\b/.test(attributes)) return undefined;
  return 'Tag "span" must have class "tg-spoiler"';
}

/** Four names and numbers are known; everything else stays as it is. */
function decode(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(lt|gt|amp|quot));?/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : parseInt(hex, 16);
    return code > 0 && code < 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
