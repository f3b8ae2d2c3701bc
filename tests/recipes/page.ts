/**
 * Reads `docs/recipes.md`, so that the tests run exactly what the page shows. The sentence before a
 * block says what the reader does with it:
 *
 * - "Write `/etc/cron.d/backup`:" or "Write `/usr/local/sbin/alert`, mode 755:" writes a file.
 * - "Add to `/etc/nut/upsmon.conf`:" appends to a file.
 * - "Run:" runs commands as root.
 *
 * All other blocks are examples.
 *
 * @module
 */

/** What a reader does with a block. */
export type Step =
  | { readonly kind: "write" | "append"; readonly path: string; readonly mode: number; readonly text: string }
  | { readonly kind: "run"; readonly text: string }
  | { readonly kind: "example"; readonly text: string };

const PAGE = Deno.readTextFileSync(new URL("../../docs/recipes.md", import.meta.url));

/** The titles of all recipes. */
export const TITLES: readonly string[] = Array.from(PAGE.matchAll(/^## (.+)$/gm), ([, title]) => title);

/**
 * Returns the steps of a recipe, in order.
 *
 * @throws {Error} if the page has no such recipe
 */
export function recipeSteps(title: string): readonly Step[] {
  const start = PAGE.indexOf(`\n## ${title}\n`);
  if (start < 0) throw new Error(`Cannot find the recipe ${title}: docs/recipes.md has ${TITLES.join(", ")}`);
  const end = PAGE.indexOf("\n## ", start + 1);
  const section = PAGE.slice(start, end < 0 ? undefined : end);
  return Array.from(
    section.matchAll(/^(.*?)\n\n```\w*\n(.*?)^```$/gms),
    ([, before, text]) => toStep(before.slice(before.lastIndexOf("\n\n") + 1).replaceAll("\n", " "), text),
  );
}

function toStep(sentence: string, text: string): Step {
  const file = /(Write|write|Add to) `(\/[^`]+)`(?:, mode (\d+))?:$/.exec(sentence);
  if (file !== null) {
    const [, verb, path, mode = "644"] = file;
    return { kind: verb === "Add to" ? "append" : "write", path, mode: Number.parseInt(mode, 8), text };
  }
  return { kind: sentence.endsWith("Run:") ? "run" : "example", text };
}

/** Returns a shell script that does the steps of a recipe. */
export function recipeScript(title: string): string {
  const script = recipeSteps(title).map(toShell).join("");
  if (script === "") throw new Error(`Cannot run the recipe ${title}: it has only examples`);
  return script;
}

function toShell(step: Step): string {
  if (step.kind === "example") return "";
  if (step.kind === "run") return step.text;
  const { kind, path, mode, text } = step;
  const folder = path.slice(0, path.lastIndexOf("/"));
  const quoted = `'${text.replaceAll("'", `'\\''`)}'`;
  const operator = kind === "write" ? ">" : ">>";
  return `mkdir -p ${folder}\nprintf %s ${quoted} ${operator} ${path}\n` +
    (kind === "write" ? `chmod ${mode.toString(8)} ${path}\n` : "");
}
