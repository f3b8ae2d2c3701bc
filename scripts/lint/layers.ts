import { permitFor } from "./permits.ts";
import { type Layer, layerOf, placeOf, urlOf } from "./places.ts";

/** Files that load a library from elsewhere: whoever wants them takes them by a computed specifier, or as a type. */
const LOADED_LATE: readonly string[] = [
  "src/channels/smtp.ts",
  "src/cli/qr_code.ts",
  "src/ingest/mail/mime.ts",
  "src/markup/html.ts",
  "src/markup/markdown.ts",
];

/** Which files and folders may name code from elsewhere, by the beginning of the specifier. Nothing on the way of `send` loads `node:`. */
const FOREIGN: Readonly<Record<string, string>> = {
  "src/channels/smtp.ts": "npm:nodemailer@",
  "src/cli/": "npm:uqr@",
  "src/deps.ts": "jsr:",
  "src/markup/": "npm:",
  "src/cli/called_as.ts": "node:process",
  "src/ingest/mail/mime.ts": "npm:postal-mime@",
};

/** Keeps the layers of the program apart, and code from elsewhere in its places. */
export const layers: Deno.lint.Rule = {
  create(context) {
    const from = urlOf(context.filename);
    const place = placeOf(from);
    const layer = place === undefined ? undefined : layerOf(place);
    if (place === undefined || layer === undefined) return {};
    function visit(node: Deno.lint.Node, source: Deno.lint.Node | null | undefined, asType: boolean): void {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const problem = judge({ from, place: `${place}`, layer: layer as Layer, specifier: source.value, asType });
      if (problem) context.report({ node, message: problem });
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
  readonly place: string;
  readonly layer: Layer;
  readonly specifier: string;
  readonly asType: boolean;
}

/** Says what is wrong with an import; undefined when nothing is. */
function judge({ from, place, layer, specifier, asType }: Import): string | undefined {
  if (!/^(\.{0,2}\/|file:)/.test(specifier)) {
    const allowed = Object.entries(FOREIGN).some(([start, kind]) =>
      place.startsWith(start) && specifier.startsWith(kind)
    );
    return allowed
      ? undefined
      : `${place} must not import ${specifier}: only src/deps.ts and what is loaded late reach outside`;
  }
  const target = placeOf(new URL(specifier, from));
  if (target === "deno.json") return undefined;
  const targetLayer = target === undefined ? undefined : layerOf(target);
  if (target === undefined || targetLayer === undefined) {
    return `${place} must not import ${specifier}: it is not published`;
  }
  if (LOADED_LATE.includes(target) && !LOADED_LATE.includes(place) && !asType) {
    return `${place} must not import ${target} but as a type: it is loaded late`;
  }
  const permit = permitFor({ path: place, layer }, { path: target, layer: targetLayer });
  if (permit === undefined) return `${place} must not import ${target}: see scripts/lint/permits.ts`;
  return permit === "as a type" && !asType ? `${place} may import ${target} only as a type` : undefined;
}

/** An import of nothing is one for its effects, and no type. */
function areAll(types: readonly unknown[], specifiers: readonly unknown[]): boolean {
  return types.length > 0 && types.length === specifiers.length;
}

/** The specifier of an import type: older versions wrap it once more. */
function literalOf(argument: Deno.lint.Node): Deno.lint.Node {
  return argument.type === "TSLiteralType" ? argument.literal : argument;
}
