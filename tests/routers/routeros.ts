/**
 * Runs RouterOS scripts as far as the manual describes the language: the part that our scripts use.
 * It is no RouterOS. A script that it refuses is wrong; a script that it runs can still fail on a
 * router. A variable that is not declared is an error, as on a router.
 *
 * @module
 */

import {
  type CommandArguments,
  type Commands,
  CONVERSIONS,
  element,
  elementsOf,
  isTable,
  OPERATIONS,
  table,
  toText,
  type Value,
} from "./routeros_values.ts";

/** A router: its global variables, its commands, and its log. */
export interface Router {
  readonly globals: Map<string, Value>;
  readonly commands: Commands;
  readonly log: string[];
  /** True if an array keeps the key of an element that was unset. The manual does not say. */
  readonly keepsKeys?: boolean;
}

/** Runs a script. Throws an error of the script, or a mistake in its syntax. */
export async function runScript(source: string, router: Router): Promise<Value> {
  return await new Parser(source).script()(new Scope(router, new Map()));
}

/** Reads a script without running it, and throws the first mistake. */
export function checkScript(source: string): void {
  new Parser(source).script();
}

class Scope {
  constructor(
    readonly router: Router,
    readonly locals: Map<string, Value>,
    readonly outer?: Scope,
    readonly menu: string = "",
  ) {}

  inner(menu = this.menu): Scope {
    return new Scope(this.router, new Map(), this, menu);
  }

  owner(name: string): Map<string, Value> {
    if (!this.locals.has(name)) return this.outer?.owner(name) ?? this.router.globals;
    return this.locals.get(name) === GLOBAL ? this.router.globals : this.locals;
  }
}

/** Marks a name in a scope that is a global variable. */
const GLOBAL = () => Promise.resolve(undefined);

class Returned {
  constructor(readonly value: Value) {}
}

type Run = (scope: Scope) => Promise<Value>;

class Parser {
  readonly #source: string;
  #at = 0;
  /** The declared names, the innermost block last. A function begins with a new list. */
  #declared: Set<string>[] = [new Set()];

  constructor(source: string) {
    this.#source = source;
  }

  script(): Run {
    const run = this.#statements("");
    return (scope) => run(scope).catch(toReturned);
  }

  #fail(state: string): never {
    const lines = this.#source.slice(0, this.#at).split("\n");
    throw new SyntaxError(`${state} (line ${lines.length} column ${lines[lines.length - 1].length + 1})`);
  }

  #match(pattern: RegExp): string | undefined {
    const sticky = new RegExp(pattern, "y");
    sticky.lastIndex = this.#at;
    const [text] = sticky.exec(this.#source) ?? [];
    if (text !== undefined) this.#at += text.length;
    return text;
  }

  #expect(pattern: RegExp, what: string): string {
    return this.#match(pattern) ?? this.#fail(`expected ${what}`);
  }

  /** Skips blanks and joined lines. */
  #blank(): void {
    this.#match(/(?:[ \t\r]|\\\r?\n)*/);
  }

  #statements(end: string): Run {
    const runs: Run[] = [];
    for (;;) {
      this.#match(/(?:\s|;|#[^\n]*)*/);
      if (this.#at === this.#source.length && end === "" || end !== "" && this.#match(/\}/) !== undefined) break;
      if (this.#at === this.#source.length) this.#fail(`expected ${end}`);
      runs.push(this.#statement());
      this.#blank();
      if (!/[;\n}]/.test(this.#source[this.#at] ?? "\n")) this.#fail("expected the end of the command");
    }
    return async (scope) => {
      for (const run of runs) await run(scope);
      return undefined;
    };
  }

  #block(): Run {
    this.#expect(/\{/, "{");
    this.#declared.push(new Set());
    const run = this.#statements("}");
    this.#declared.pop();
    return (scope) => run(scope.inner());
  }

  #function(): Run {
    const outer = this.#declared;
    this.#declared = [new Set(["0", "1", "2", "3", "4"])];
    const body = this.#block();
    this.#declared = outer;
    return ({ router }) =>
      Promise.resolve((args: readonly Value[]) =>
        body(new Scope(router, new Map(args.map((value, at) => [String(at), value])))).catch(toReturned)
      );
  }

  #declare(): string {
    const name = this.#expect(/[A-Za-z0-9]+/, "a name of letters and digits");
    this.#declared.at(-1)?.add(name);
    return name;
  }

  #use(name: string): string {
    if (!this.#declared.some((names) => names.has(name))) this.#fail(`variable ${name} is not declared`);
    return name;
  }

  /** Reads `name=` without blanks around `=`. */
  #parameter(name: string): void {
    this.#blank();
    this.#expect(new RegExp(`${name}=`), `${name}=`);
    this.#blank();
  }

  #statement(): Run {
    const word = this.#match(/:[a-z]+/);
    this.#blank();
    switch (word) {
      case ":global":
      case ":local":
        return this.#declaration(word === ":global");
      case ":set":
        return this.#assignment();
      case ":if":
        return this.#condition();
      case ":foreach":
        return this.#loop();
      case ":onerror":
        return this.#catch();
      case ":retry":
        return this.#retry();
      case ":do": {
        const body = this.#block();
        this.#parameter("while");
        const again = this.#primary();
        return async (scope) => {
          do await body(scope); while (await again(scope) === true);
          return undefined;
        };
      }
      case ":return": {
        const value = this.#primary();
        return async (scope) => {
          throw new Returned(await value(scope));
        };
      }
      case ":error": {
        const value = this.#primary();
        return async (scope) => {
          throw new Error(toText(await value(scope)));
        };
      }
      case ":log": {
        const level = this.#expect(/debug|info|warning|error/, "a topic");
        this.#blank();
        const value = this.#primary();
        return async (scope) => void scope.router.log.push(`${level}: ${toText(await value(scope))}`);
      }
      case undefined:
        return this.#call();
    }
    return this.#fail(`unknown command ${word}`);
  }

  #declaration(isGlobal: boolean): Run {
    const name = this.#declare();
    const value = this.#optionalValue();
    return async (scope) => {
      const given = await value?.(scope);
      scope.locals.set(name, isGlobal ? GLOBAL : given);
      if (isGlobal && value !== undefined) scope.router.globals.set(name, given);
      return undefined;
    };
  }

  #assignment(): Run {
    if (this.#source[this.#at] !== "(") {
      const name = this.#use(this.#expect(/[A-Za-z0-9]+/, "a name"));
      const value = this.#optionalValue();
      return async (scope) => void scope.owner(name).set(name, await value?.(scope));
    }
    this.#expect(/\(/, "(");
    const name = this.#variable();
    const keys: Run[] = [];
    while (this.#match(/->/) !== undefined) keys.push(this.#primary());
    this.#expect(/\)/, ")");
    const value = this.#optionalValue();
    return async (scope) => {
      let target = scope.owner(name).get(name);
      const path = await Promise.all(keys.map((key) => key(scope)));
      for (const key of path.slice(0, -1)) target = element(target, key);
      if (target === undefined || !isTable(target)) throw new Error(`${name} is not an array`);
      const given = await value?.(scope), last = path[path.length - 1];
      if (typeof last === "number") target.list[last] = given;
      else if (given === undefined && !scope.router.keepsKeys) target.keyed.delete(toText(last));
      else target.keyed.set(toText(last), given);
      return undefined;
    };
  }

  #optionalValue(): Run | undefined {
    this.#blank();
    if (/[;\n}]/.test(this.#source[this.#at] ?? "\n")) return undefined;
    return this.#match(/do=/) === undefined ? this.#primary() : this.#function();
  }

  #condition(): Run {
    const test = this.#primary();
    this.#parameter("do");
    const then = this.#block();
    this.#blank();
    const other = this.#match(/else=/) === undefined ? undefined : this.#block();
    return async (scope) => await test(scope) === true ? await then(scope) : await other?.(scope);
  }

  #loop(): Run {
    this.#declared.push(new Set());
    const names = [this.#declare()];
    if (this.#match(/,/) !== undefined) names.push(this.#declare());
    this.#parameter("in");
    const list = this.#primary();
    this.#parameter("do");
    const body = this.#block();
    this.#declared.pop();
    return async (scope) => {
      const items = await list(scope);
      for (const [key, value] of items !== undefined && isTable(items) ? elementsOf(items) : []) {
        const inner = scope.inner();
        inner.locals.set(names[0], names.length === 2 ? key : value);
        if (names.length === 2) inner.locals.set(names[1], value);
        await body(inner);
      }
      return undefined;
    };
  }

  #catch(): Run {
    this.#declared.push(new Set());
    const name = this.#declare();
    this.#parameter("in");
    const tried = this.#block();
    this.#parameter("do");
    const caught = this.#block();
    this.#declared.pop();
    return (scope) =>
      tried(scope).catch(async (error) => {
        if (error instanceof Returned || error instanceof SyntaxError) throw error;
        const inner = scope.inner();
        inner.locals.set(name, error.message);
        return await caught(inner);
      });
  }

  #retry(): Run {
    this.#parameter("command");
    const body = this.#block();
    this.#parameter("delay");
    this.#expect(/\d+/, "a number");
    this.#parameter("max");
    const max = Number(this.#expect(/\d+/, "a number"));
    return async (scope) => {
      for (let tries = 1;; tries++) {
        try {
          return await body(scope);
        } catch (error) {
          if (tries >= max) throw error;
        }
      }
    };
  }

  /** A command of a menu, a function, or a conversion such as `:len`. */
  #call(): Run {
    const start = this.#source[this.#at];
    if (start === "$" || start === "(") {
      const callee = this.#primary(), args = this.#arguments();
      return async (scope) => {
        const found = await callee(scope);
        if (typeof found !== "function") throw new Error("the called value is no function");
        const { unnamed } = await args(scope);
        // A function in parentheses takes its name as the first argument.
        return await found(start === "(" ? unnamed : ["$function", ...unnamed]);
      };
    }
    const path = this.#expect(/(?::[a-z]+)|(?:(?:\/[a-z-]+)+)|find/, "a command");
    const args = this.#arguments();
    return async (scope) => {
      const menu = path.startsWith("/") ? path.replace(/\/[a-z-]+$/, "") : scope.menu;
      const given = await args(scope.inner(menu));
      const [first, ...rest] = given.unnamed;
      if (path.startsWith(":")) return CONVERSIONS[path]?.(first, rest, given) ?? this.#checkConversion(path);
      const full = path === "find" ? `${scope.menu}/find` : path;
      if (!Object.hasOwn(scope.router.commands, full)) throw new Error(`there is no command ${full}`);
      return await scope.router.commands[full](given);
    };
  }

  #checkConversion(path: string): Value {
    if (Object.hasOwn(CONVERSIONS, path)) return undefined;
    throw new SyntaxError(`unknown command ${path}`);
  }

  #arguments(): (scope: Scope) => Promise<CommandArguments> {
    const named: (readonly [string, Run])[] = [], unnamed: Run[] = [];
    for (;;) {
      this.#blank();
      if (/[;\n}\]]/.test(this.#source[this.#at] ?? "\n")) break;
      const name = this.#match(/[a-z-]+=/);
      if (name === undefined) unnamed.push(this.#primary());
      else {
        this.#blank();
        named.push([name.slice(0, -1), this.#primary()]);
      }
    }
    return async (scope) => {
      const values: [string, Value][] = [];
      for (const [name, run] of named) values.push([name, await run(scope)]);
      const others: Value[] = [];
      for (const run of unnamed) others.push(await run(scope));
      return { named: new Map(values), unnamed: others };
    };
  }

  #variable(): string {
    this.#expect(/\$/, "$");
    return this.#use(this.#expect(/[A-Za-z0-9]+/, "a name"));
  }

  /** One value: a text, a number, a variable, `(…)`, `[…]`, `{…}`, or a word. */
  #primary(): Run {
    const next = this.#source[this.#at];
    if (next === '"') return this.#text();
    if (next === "$") {
      const name = this.#variable();
      return (scope) => Promise.resolve(scope.owner(name).get(name));
    }
    if (next === "(") {
      this.#at++;
      this.#gap();
      const run = this.#expression(0);
      this.#expect(/\)/, ")");
      return run;
    }
    if (next === "[") {
      this.#at++;
      this.#blank();
      const run = this.#call();
      this.#blank();
      this.#expect(/\]/, "]");
      return run;
    }
    if (next === "{") return this.#array();
    const word = this.#expect(/[A-Za-z0-9_.,-]+/, "a value");
    const value = /^\d+$/.test(word) ? Number(word) : word === "true" ? true : word === "false" ? false : word;
    return () => Promise.resolve(value);
  }

  #gap(): void {
    this.#match(/(?:\s|\\\n)*/);
  }

  #array(): Run {
    this.#expect(/\{/, "{");
    const items: (readonly [key: string | undefined, run: Run])[] = [];
    for (;;) {
      this.#gap();
      if (this.#match(/\}/) !== undefined) break;
      const key = this.#match(/"[A-Za-z]+"=|[a-z]+=/)?.replace(/["=]/g, "");
      items.push([key, this.#primary()]);
      this.#gap();
      if (this.#match(/;/) === undefined && this.#source[this.#at] !== "}") this.#fail("expected ; or }");
    }
    if (items.length === 0) this.#fail('an empty array must be [ :toarray "" ]');
    return async (scope) => {
      const made = table({});
      for (const [key, run] of items) {
        const value = await run(scope);
        if (key === undefined) made.list.push(value);
        else made.keyed.set(key, value);
      }
      return made;
    };
  }

  #expression(level: number): Run {
    if (level === OPERATORS.length) {
      let run = this.#primary();
      for (this.#gap(); this.#match(/->/) !== undefined; this.#gap()) {
        const target = run, key = this.#primary();
        run = async (scope) => element(await target(scope), await key(scope));
      }
      return run;
    }
    let left = this.#expression(level + 1);
    for (;;) {
      this.#gap();
      const sign = this.#match(OPERATORS[level]);
      if (sign === undefined) return left;
      this.#gap();
      const one = left, other = this.#expression(level + 1);
      left = async (scope) => OPERATIONS[sign](await one(scope), await other(scope));
    }
  }

  #text(): Run {
    this.#expect(/"/, '"');
    const parts: (string | Run)[] = [];
    for (;;) {
      const plain = this.#match(/[^"\\$]+/);
      if (plain !== undefined) parts.push(plain);
      else if (this.#match(/"/) !== undefined) break;
      else if (this.#match(/\\\r?\n[ \t]*/) !== undefined) continue;
      else if (this.#source[this.#at] === "\\") parts.push(this.#escape());
      else if (this.#source[this.#at] === "$") {
        const name = this.#variable();
        parts.push((scope) => Promise.resolve(scope.owner(name).get(name)));
      } else this.#fail("the text does not end");
    }
    return async (scope) => {
      let text = "";
      for (const part of parts) text += typeof part === "string" ? part : toText(await part(scope));
      return text;
    };
  }

  #escape(): string {
    const [, code] = this.#expect(/\\(?:["\\$nrt_abfv]|[0-9A-F]{2})/, "a known escape").match(/^\\(.*)$/s) ?? [];
    return ESCAPES[code] ?? (code.length === 2 ? String.fromCharCode(parseInt(code, 16)) : code);
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: "\n", r: "\r", t: "\t", _: " ", a: "\x07", b: "\b", f: "\f", v: "\v" },
};

/** The operators, those that bind least first. */
const OPERATORS: readonly RegExp[] = [/\|\|/, /&&/, /!=|>=|<=|=|<|>/, /\./, /[+-](?!>)/, /[*/]/];

function toReturned(error: unknown): Value {
  if (error instanceof Returned) return error.value;
  throw error;
}
