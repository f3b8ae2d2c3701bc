import { isProduct, pathOf, urlOf } from "./folders.ts";

/**
 * Error messages begin with a capital letter or an inserted name, and end without a full stop.
 * After "Cannot …" follows a colon and the state that prevents it.
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

/** The reason of an abort is for the code that catches it, not for users. */
function isReason(node: Deno.lint.NewExpression): boolean {
  const { parent } = node;
  return parent.type === "CallExpression" && parent.callee.type === "MemberExpression" &&
    parent.callee.property.type === "Identifier" && parent.callee.property.name === "abort";
}

/** Returns the message: the first argument, or the second one after the kind of the error. */
function messagesOf([first, second]: readonly Deno.lint.Node[]): readonly string[] {
  if (first === undefined) return [];
  const isKind = second !== undefined && first.type === "Literal" && /^[a-z-]+$/.test(`${first.value}`);
  return branchesOf(isKind ? second : first).map(textOf).filter((text) => text !== undefined);
}

function branchesOf(node: Deno.lint.Node): readonly Deno.lint.Node[] {
  if (node.type !== "ConditionalExpression") return [node];
  return [node.consequent, node.alternate].flatMap(branchesOf);
}

/** Returns the known text of an expression, with NUL for inserted values. */
function textOf(node: Deno.lint.Node): string | undefined {
  if (node.type === "Literal") return typeof node.value === "string" ? node.value : undefined;
  if (node.type === "TemplateLiteral") return node.quasis.map((quasi) => quasi.cooked).join("\0");
  if (node.type !== "BinaryExpression" || node.operator !== "+") return undefined;
  const [left, right] = [textOf(node.left), textOf(node.right)];
  return left === undefined && right === undefined ? undefined : `${left ?? "\0"}${right ?? "\0"}`;
}
