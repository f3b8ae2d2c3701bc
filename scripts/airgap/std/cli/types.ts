/**
 * The types of {@linkcode parseArgs}: which options it takes, and what they make of its result.
 *
 * @module
 */

/** What {@linkcode parseArgs} is told about the command line. */
export interface ParseOptions<
  B extends string | boolean | undefined = string | boolean | undefined,
  S extends string | undefined = string | undefined,
  C extends string | undefined = string | undefined,
  N extends string | undefined = string | undefined,
  D extends Record<string, unknown> | undefined = Record<string, unknown> | undefined,
  DD extends boolean | undefined = boolean | undefined,
> {
  /** Puts what follows `--` into a list of its own, instead of among the positional arguments. */
  readonly "--"?: DD;
  /** Other names of an option. */
  readonly alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Options that take no value; `true` makes every long option one unless it is written with `=`. */
  readonly boolean?: B | readonly Extract<B, string>[];
  /** Values of options that were not given. */
  readonly default?: D;
  /** Options whose values stay text, where numbers would become numbers; `_` stands for the positional arguments. */
  readonly string?: S | readonly Extract<S, string>[];
  /** Options that may be given more than once, with all their values in a list. */
  readonly collect?: C | readonly Extract<C, string>[];
  /** Options that `--no-NAME` turns off. */
  readonly negatable?: N | readonly Extract<N, string>[];
  /** Takes everything from the first positional argument on as it is. */
  readonly stopEarly?: boolean;
  /** Is asked about everything that no option names, positional arguments too; `false` leaves it out. */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** The options that were given, the positional arguments as `_`, and what followed `--` where that was asked for. */
export type Args<
  T extends Record<string, unknown> = Record<string, unknown>,
  DD extends boolean | undefined = undefined,
> =
  & T
  & { _: (string | number)[] }
  & (DD extends true ? { "--": string[] } : unknown);

/** What the named options become. Names that are only known at run time leave nothing to say about the values. */
export type Values<B, S, C, N, D> = string extends B | S | C ? Record<string, unknown>
  :
    & Record<string, unknown>
    & { [K in Extract<B, string>]: K extends C ? boolean[] : boolean }
    & { [K in Extract<S, string> as K extends C ? K : never]: string[] | Off<K, N> }
    & { [K in Extract<S, string> as K extends C | keyof D ? never : K]?: string | Off<K, N> }
    & { [K in Extract<S, string> & keyof D as K extends C ? never : K]: string | D[K] | Off<K, N> };

type Off<K, N> = K extends N ? false : never;
