/** Random numbers for tests, the same for the same seed on every machine. */

/** Returns a whole number from 0 to `sides - 1`. */
export type Dice = (sides: number) => number;

/** Creates a generator of random numbers (xorshift, 32 bits). */
export function seededDice(seed: number): Dice {
  let state = Math.imul(seed, 0x9e3779b1) || 1;
  return (sides) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % sides;
  };
}

/** Creates random bytes. */
export function garbage(length: number, dice: Dice): Uint8Array {
  return Uint8Array.from({ length }, () => dice(256));
}
