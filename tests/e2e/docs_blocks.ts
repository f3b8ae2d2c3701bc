/** Reads the command lines in README.md and docs/. */

const ROOT = new URL("../../", import.meta.url);

/** The pages for users and contributors. */
export const PAGES: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  ...Array.from(Deno.readDirSync(new URL("docs", ROOT)), ({ name }) => `docs/${name}`).toSorted(),
].filter((path) => path.endsWith(".md"));

/** A code block. */
export interface CodeBlock {
  readonly page: string;
  /** The line number of the first line after the fence. */
  readonly line: number;
  /** `sh`, `json`, …; empty if the fence names no language. */
  readonly language: string;
  readonly text: string;
}

/** Reads all code blocks of a page. */
export function readBlocks(page: string): CodeBlock[] {
  const source = Deno.readTextFileSync(new URL(page, ROOT));
  return Array.from(source.matchAll(/^( *)```([^\n`]*)\n(.*?)^\1```$/gms), (match) => {
    const [, indent, language, text] = match;
    const line = source.slice(0, match.index).split("\n").length + 1;
    return { page, line, language, text: text.replaceAll(new RegExp(`^${indent}`, "gm"), "") };
  });
}

/** Reads the command lines in the text of a page: `matrix-notify …` between backticks. */
export function readInlineCommands(page: string): string[] {
  const source = Deno.readTextFileSync(new URL(page, ROOT)).replaceAll(/^ *```.*?^ *```$/gms, "");
  return Array.from(source.matchAll(/`(matrix-notify [^`]+)`/g), ([, command]) => command.replace(/\s+/g, " "));
}

/**
 * Splits a block into command lines. A line belongs to the line before if that line ends with a
 * backslash or an operator. In a block of the language `console`, command lines begin with `$`. In
 * a block of the language `crontab`, they follow the schedule. A block that begins with `#!` is a
 * script, which is started with `--version`.
 */
export function commandsOf({ language, text }: Pick<CodeBlock, "language" | "text">): string[] {
  if (text.startsWith("#!")) return [`sh -s -- --version <<'END'\n${text}END`];
  const commands: string[] = [];
  for (const line of text.split("\n").flatMap((each) => toCommand(each, language))) {
    const last = commands.at(-1);
    if (last !== undefined && /(\\|\|\||&&|\|)$/.test(last)) commands[commands.length - 1] = `${last}\n${line}`;
    else commands.push(line);
  }
  return commands.filter((command) => !/^\s*(#|$)/.test(command));
}

function toCommand(line: string, language: string): string[] {
  if (language === "console") return line.startsWith("$ ") ? [line.slice(2)] : [];
  if (language === "crontab") return [line.replace(/^(@\w+|(\S+ ){5})\s*/, "").replaceAll("\\%", "%")];
  return [line];
}
