/** Writes roff with the macros of `man(7)`, which man-db and mandoc read. */

/** Characters that roff replaces with typographic ones, or that begin an escape. */
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
};

/**
 * Escapes a text of one line, so that a reader can copy it. Other characters than ASCII get a name.
 */
export function escape(text: string): string {
  return text.replace(/[\\\-'`^~]/g, (character) => ESCAPES[character])
    .replace(/[^\n\x20-\x7e]/gu, (character) => `\\[u${hex(character)}]`)
    .replace(/^\./gm, "\\&.");
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
}

/** Returns a text in bold. */
export function bold(text: string): string {
  return `\\fB${escape(text)}\\fR`;
}

/** Returns a line with a macro and its arguments. */
export function macro(name: string, ...words: readonly string[]): string {
  return [`.${name}`, ...words.map((word) => `"${escape(word).replaceAll('"', "\\(dq")}"`)].join(" ");
}

/** Returns a row of a list. Both parts are roff. */
export function definition(term: string, text: string): string {
  return [".TP", term, text].join("\n");
}

/** Returns lines that are shown as they are, such as an example. */
export function block(text: string): string {
  return [".EX", ...text.split("\n").map(escape), ".EE"].join("\n");
}

/**
 * Converts a page that a script generated: headings, paragraphs, and tables of two columns. A
 * heading becomes a section, and a row of a table becomes a row of a list.
 */
export function markdownToRoff(page: string): string {
  let isFirst = true;
  return page.split("\n\n").filter((part) => part !== "").flatMap((part) => {
    const heading = /^(#+) (.*)$/.exec(part);
    if (heading !== null) {
      isFirst = true;
      return [
        macro(heading[1].length > 2 ? "SS" : "SH", heading[1].length > 2 ? heading[2] : heading[2].toUpperCase()),
      ];
    }
    if (part.startsWith("|")) {
      isFirst = false;
      return part.trimEnd().split("\n").slice(2).map((row) => {
        const [term, text] = row.slice(1, -1).split(/(?<!\\)\|/).map((cell) => inline(cell.trim()));
        return definition(term, text);
      });
    }
    const lines = [...isFirst ? [] : [".PP"], inline(part.trimEnd().replaceAll("\n", " "))];
    isFirst = false;
    return lines;
  }).join("\n");
}

/** Converts code and links. The text of a link stays, its address goes. */
function inline(text: string): string {
  return text.replace(/\[([^\]]+)\]\([^)]*\)/g, "$1").replace(/\\([|*<>[\]`])/g, "$1").split("`")
    .map((part, i) => i % 2 === 1 ? bold(part) : escape(part)).join("");
}
