import { isProduct, pathOf, urlOf } from "./folders.ts";

/** Kinds of effects on the outside world. */
type Effect = "clock" | "dice" | "files" | "network" | "process" | "terminal" | "timer";

/** The folders and files that may use each effect directly. All others get it from a `Runtime`. */
const ALLOWED: Readonly<Record<Effect, readonly string[]>> = {
  clock: ["src/runtime/", "src/testing/"],
  dice: ["src/runtime/", "src/testing/"],
  files: [
    "src/runtime/",
    "src/queue/",
    "src/accounts/",
    "src/notification/attachments/",
    "src/channels/email/smtp.ts",
    "src/config/",
    "src/doctor/",
    "src/cli/",
  ],
  network: ["src/runtime/", "src/testing/", "src/server/", "src/cli/browser_callback.ts"],
  process: ["src/runtime/", "src/notifier/background/", "src/doctor/", "src/cli/"],
  terminal: ["src/runtime/", "src/main.ts", "mod.ts"],
  // `setTimeout` loads `node:timers`; see `src/runtime/timers.ts`.
  timer: ["src/runtime/runtime.ts", "src/testing/"],
};

/** Global functions with an effect. */
const GLOBALS: Readonly<Record<string, Effect>> = {
  Date: "clock",
  setTimeout: "timer",
  setInterval: "timer",
  fetch: "network",
};

const MEMBERS: Readonly<Record<string, Effect>> = {
  "Date.now": "clock",
  "performance.now": "clock",
  "Math.random": "dice",
  "crypto.randomUUID": "dice",
  "crypto.getRandomValues": "dice",
  "AbortSignal.timeout": "clock",
  "Deno.env": "terminal",
  "Deno.args": "terminal",
  "Deno.exit": "terminal",
  "Deno.stdin": "terminal",
  "Deno.stdout": "terminal",
  "Deno.stderr": "terminal",
  "Deno.connect": "network",
  "Deno.connectTls": "network",
  "Deno.createHttpClient": "network",
  "Deno.listen": "network",
  "Deno.listenTls": "network",
  "Deno.resolveDns": "network",
  "Deno.serve": "network",
  "Deno.Command": "process",
  "Deno.addSignalListener": "process",
  "Deno.execPath": "process",
  "Deno.gid": "process",
  "Deno.hostname": "process",
  "Deno.kill": "process",
  "Deno.permissions": "process",
  "Deno.pid": "process",
  "Deno.removeSignalListener": "process",
  "Deno.uid": "process",
};

/**
 * Members of `Deno` without an effect. Members that are not listed at all count as file functions.
 */
const HARMLESS: readonly string[] = ["Deno.SeekMode", "Deno.build", "Deno.errors", "Deno.inspect", "Deno.version"];

/**
 * Allows effects only in their places, so that tests can replace clock, random numbers and network.
 */
export const ambient: Deno.lint.Rule = {
  create(context) {
    const path = pathOf(urlOf(context.filename));
    if (path === undefined || !isProduct(path)) return {};
    function visit(node: Deno.lint.Node, name: string, effect: Effect | undefined): void {
      if (effect === undefined || ALLOWED[effect].some((allowed) => `${path}`.startsWith(allowed))) return;
      context.report({ node, message: `${path} must not use ${name}: take it from a Runtime (${effect})` });
    }
    function visitCall(node: Deno.lint.CallExpression | Deno.lint.NewExpression): void {
      if (node.callee.type !== "Identifier") return;
      const { name } = node.callee;
      // A date with a given time has no effect.
      const effect = name === "Date" && node.arguments.length > 0 ? undefined : own(GLOBALS, name);
      visit(node, name, effect);
    }
    return {
      CallExpression: visitCall,
      NewExpression: visitCall,
      MemberExpression(node) {
        const name = nameOf(node);
        if (name !== undefined) visit(node, name, effectOf(name));
      },
    };
  },
};

function effectOf(name: string): Effect | undefined {
  if (name.startsWith("console.")) return "terminal";
  if (name.startsWith("globalThis.")) return own(GLOBALS, name.slice("globalThis.".length));
  if (HARMLESS.includes(name)) return undefined;
  return own(MEMBERS, name) ?? (name.startsWith("Deno.") ? "files" : undefined);
}

/** Returns a member access as two names with a dot, also if it is written with brackets. */
function nameOf({ object, property, computed }: Deno.lint.MemberExpression): string | undefined {
  if (object.type !== "Identifier") return undefined;
  if (property.type === "Identifier" && !computed) return `${object.name}.${property.name}`;
  return property.type === "Literal" ? `${object.name}.${property.value}` : undefined;
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
