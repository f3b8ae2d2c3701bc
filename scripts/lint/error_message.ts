import { isProduct, pathOf, urlOf } from "./folders.ts";

/**
 * Messages of errors have one shape: a capital or a name that is filled in first, and no full stop at the end. One that
 * begins with what cannot be done goes on with a colon and the state that stands in the way.
 */
export const errorMessage: Deno.lint.Rule = {
  create(context) {
    const path = pathOf(urlOf(context.filename));
    if (path === undefined || !isProduct(path)) return {};
    return {
      NewExpression(node) {
        if (node.callee.type !== "Identifier" || !node.callee.name.endsWith("Error") || isReason(node)) return;
        for (const message of messagesOf(node.arguments)) {
          if (/^[^A-Z\0]/.test(message)) report(node, message, "begins with a capital letter");
          if (/[.!]\s*$/.test(message)) report(node, message, "ends without a full stop");
          if (/^Cannot /.test(message) && !/: ./s.test(message)) report(node, message, "says why after a colon");
        }
      },
    };
    function report(node: Deno.lint.Node, message: string, must: string): void {
      context.report({ node, message: `An error's message ${must}: "${message.replaceAll("\0", "${…}")}"` });
    }
  },
};

/** The reason of an abort is a note for whoever caught it, no sentence for people. */
function isReason(node: Deno.lint.NewExpression): boolean {
  const { parent } = node;
  return parent.type === "CallExpression" && parent.callee.type === "MemberExpression" &&
    parent.callee.property.type === "Identifier" && parent.callee.property.name === "abort";
}

/** The message comes first, or after a word that says which kind of error it is. */
function messagesOf([first, second]: readonly Deno.lint.Node[]): readonly string[] {
  if (first === undefined) return [];
  const isKind = second !== undefined && first.type === "Literal" && /^[a-z-]+$/.test(`${first.value}`);
  return branchesOf(isKind ? second : first).map(textOf).filter((text) => text !== undefined);
}

function branchesOf(node: Deno.lint.Node): readonly Deno.lint.Node[] {
  if (node.type !== "ConditionalExpression") return [node];
  return [node.consequent, node.alternate].flatMap(branchesOf);
}

/** The text of an expression as far as it is known, with NUL for what is filled in. */
function textOf(node: Deno.lint.Node): string | undefined {
  if (node.type === "Literal") return typeof node.value === "string" ? node.value : undefined;
  if (node.type === "TemplateLiteral") return node.quasis.map((quasi) => quasi.cooked).join("\0");
  if (node.type !== "BinaryExpression" || node.operator !== "+") return undefined;
  const [left, right] = [textOf(node.left), textOf(node.right)];
  return left === undefined && right === undefined ? undefined : `${left ?? "\0"}${right ?? "\0"}`;
}
