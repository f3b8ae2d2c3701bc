import { LATE_MODULES } from "../../src/base/late_modules.ts";
import { importProblem, isProduct, pathOf, urlOf } from "./folders.ts";

/**
 * Product files that import packages. Other files load them with `loadLate`, or import their types.
 */
const LATE: readonly string[] = LATE_MODULES.map((path) => `src/${path}`);

/** Other product files that import foreign code, and the beginning of the specifier. */
const FOREIGN: Readonly<Record<string, string>> = {
  "src/cli/program_name.ts": "node:process",
  "src/channels/email/smtp.ts": "node:tls",
  "src/runtime/runtime.ts": "node:inspector",
};

/** The scripts for routers, which the program imports as texts. */
const TEXTS_REGEXP = /^scripts\/(?:routeros|openwrt|opnsense)\//;

/** Keeps imports going down the folders, and packages in the few files that may import them. */
export const layers: Deno.lint.Rule = {
  create(context) {
    const from = urlOf(context.filename);
    const path = pathOf(from);
    if (path === undefined || !isProduct(path)) return {};
    function visit(node: Deno.lint.Node, source: Deno.lint.Node | null | undefined, isType: boolean): void {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const problem = check({ from, path: `${path}`, specifier: source.value, isType });
      if (problem === undefined) return;
      const target = /^\.|^file:/.test(source.value) ? pathOf(new URL(source.value, from)) : undefined;
      context.report({ node, message: `${path} must not import ${target ?? source.value}: ${problem}` });
    }
    return {
      ImportDeclaration(node) {
        const types = node.specifiers.filter((each) => each.type === "ImportSpecifier" && each.importKind === "type");
        visit(node, node.source, node.importKind === "type" || areAll(types, node.specifiers));
      },
      ExportNamedDeclaration(node) {
        const types = node.specifiers.filter((each) => each.exportKind === "type");
        visit(node, node.source, node.exportKind === "type" || areAll(types, node.specifiers));
      },
      ExportAllDeclaration(node) {
        visit(node, node.source, node.exportKind === "type");
      },
      ImportExpression(node) {
        visit(node, node.source, false);
      },
      TSImportType(node) {
        visit(node, literalOf(node.argument), true);
      },
    };
  },
};

interface Import {
  readonly from: URL;
  readonly path: string;
  readonly specifier: string;
  readonly isType: boolean;
}

/** Returns why an import is not allowed; undefined if it is. */
function check({ from, path, specifier, isType }: Import): string | undefined {
  if (!/^(\.{0,2}\/|file:)/.test(specifier)) {
    const isPackage = LATE.includes(path) && path !== "src/cli/main.ts" && specifier.startsWith("npm:");
    const isForeign = Object.hasOwn(FOREIGN, path) && specifier.startsWith(FOREIGN[path]);
    return isPackage || isForeign ? undefined : "it comes from outside; see src/base/late_modules.ts";
  }
  const target = pathOf(new URL(specifier, from));
  if (target === "deno.json" || target !== undefined && TEXTS_REGEXP.test(target)) return undefined;
  if (target === undefined || !isProduct(target)) return "it is not published";
  if (LATE.includes(target) && !LATE.includes(path) && !isType) return "use loadLate";
  return importProblem({ from: path, to: target, isType });
}

/** An import without names runs the module, so it is not a type import. */
function areAll(types: readonly unknown[], specifiers: readonly unknown[]): boolean {
  return types.length > 0 && types.length === specifiers.length;
}

/** Returns the specifier of an import type. Older versions of Deno wrap it once more. */
function literalOf(argument: Deno.lint.Node): Deno.lint.Node {
  return argument.type === "TSLiteralType" ? argument.literal : argument;
}
