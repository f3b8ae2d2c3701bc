/**
 * The targets of binaries.
 *
 * @module
 */

/** A target of the compiler, with a description. */
export interface Target {
  readonly name: string;
  readonly description: string;
}

/** All targets. */
export const TARGETS: readonly Target[] = [
  { name: "x86_64-unknown-linux-gnu", description: "Linux on PCs and servers, glibc 2.27 or later" },
  { name: "aarch64-unknown-linux-gnu", description: "Linux on 64-bit ARM: Raspberry Pi 3 and later" },
  { name: "x86_64-apple-darwin", description: "macOS on Intel" },
  { name: "aarch64-apple-darwin", description: "macOS on Apple silicon" },
  { name: "x86_64-pc-windows-msvc", description: "Windows on PCs" },
];

/**
 * Returns the requested targets without duplicates, all targets for `all`, or by default the target
 * of this machine.
 *
 * @throws {RangeError} for an unknown target
 */
export function chooseTargets(names: readonly string[], own: string): readonly Target[] {
  if (names.includes("all")) return TARGETS;
  return [...new Set(names.length === 0 ? [own] : names)].map((name) => {
    const target = TARGETS.find((target) => target.name === name);
    if (target) return target;
    throw new RangeError(`Cannot build for ${name}: must be one of ${TARGETS.map(({ name }) => name).join(", ")}, all`);
  });
}

/** The file name of a target's binary. */
export function binaryName({ name }: Target): string {
  return `matrix-notify-${name}${name.includes("windows") ? ".exe" : ""}`;
}
