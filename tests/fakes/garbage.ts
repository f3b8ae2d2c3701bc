/** Collects garbage, so that a test can count the objects that are still in use. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Objects of a test. They are not kept alive. */
export class Objects {
  readonly #references: WeakRef<object>[] = [];

  /** Adds an object, and returns it. */
  add<Value extends object>(object: Value): Value {
    this.#references.push(new WeakRef(object));
    return object;
  }

  get count(): number {
    return this.#references.length;
  }

  /** Collects garbage. Returns the number of objects that are still in use. */
  async countUsed(): Promise<number> {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    // A new task: until the end of a task, each object that a WeakRef has returned is in use.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
    return this.#references.filter((reference) => reference.deref() !== undefined).length;
  }
}
