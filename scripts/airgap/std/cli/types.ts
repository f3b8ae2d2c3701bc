/**
 * The types of {@linkcode parseArgs}: its options, and the result that follows from them.
 *
 * @module
 */

/** The description of a command line. */
export interface ParseOptions<
  B extends string | boolean | undefined = string | boolean | undefined,
  S extends string | undefined = string | undefined,
  C extends string | undefined = string | undefined,
  N extends string | undefined = string | undefined,
  D extends Record<string, unknown> | undefined = Record<string, unknown> | undefined,
  DD extends boolean | undefined = boolean | undefined,
> {
  /** Puts the arguments after `--` into a list of their own, not among the positional arguments. */
  readonly "--"?: DD;
  /** Other names of an option. */
  readonly alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Options without a value. `true`: all long options that are written without `=`. */
  readonly boolean?: B | readonly Extract<B, string>[];
  /** Default values. */
  readonly default?: D;
  /**
   * Options whose values stay text, instead of becoming numbers if possible; `_` means the
   * positional arguments.
   */
  readonly string?: S | readonly Extract<S, string>[];
  /** Options that can be repeated; their values are collected in a list. */
  readonly collect?: C | readonly Extract<C, string>[];
  /** Options that `--no-NAME` turns off. */
  readonly negatable?: N | readonly Extract<N, string>[];
  /** Takes all arguments after the first positional one as positional arguments. */
  readonly stopEarly?: boolean;
  /**
   * Called for each argument without a declared option, also positional ones; `false` ignores it.
   */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/**
 * The options, the positional arguments as `_`, and the arguments after `--` as `--` if requested.
 */
export type Args<
  T extends Record<string, unknown> = Record<string, unknown>,
  DD extends boolean | undefined = undefined,
> =
  & T
  & { _: (string | number)[] }
  & (DD extends true ? { "--": string[] } : unknown);

/** The types of declared options. Names that are known only at run time give no types. */
export type Values<B, S, C, N, D> = string extends B | S | C ? Record<string, unknown>
  :
    & Record<string, unknown>
    & { [K in Extract<B, string>]: K extends C ? boolean[] : boolean }
    & { [K in Extract<S, string> as K extends C ? K : never]: string[] | Off<K, N> }
    & { [K in Extract<S, string> as K extends C | keyof D ? never : K]?: string | Off<K, N> }
    & { [K in Extract<S, string> & keyof D as K extends C ? never : K]: string | D[K] | Off<K, N> };

type Off<K, N> = K extends N ? false : never;
