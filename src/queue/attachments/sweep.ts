/** Which files nobody needs any more: what the journal says so durably, and what waits beside it. */

import { AttachmentStore } from "./store.ts";
import type { Files } from "../../runtime/files.ts";
import type { Journal } from "../journal.ts";
import type { EnqueueRecord } from "../record.ts";

/** Who knows which files are needed. */
export interface SweepingParts {
  readonly files: Files;
  readonly journal: Journal;
  /** What waits in `spool/`. */
  readonly waiting: () => readonly EnqueueRecord[];
  /** Reads what is new in the journal. */
  readonly refresh: () => void;
  /** Which files entries name, as far as was read. */
  readonly named: () => Iterable<string>;
}

/**
 * Removes the files that no entry needs. What says so is made durable first: a power cut must not bring back an entry whose file is gone.
 *
 * @throws {StorageError} when that cannot be told, or the disk refuses
 */
export async function sweepAttachments(stateDir: string, parts: SweepingParts): Promise<void> {
  const { files, journal, waiting, refresh, named } = parts;
  await new AttachmentStore(stateDir, files).sweep(new Set(named()), async () => {
    // Whoever takes in writes the journal before it removes the file beside it, so that a name is seen in one of them.
    const aside = waiting().flatMap(({ files = [] }) => files);
    await journal.exclusively(() => journal.sync());
    refresh();
    return new Set([...named(), ...aside]);
  });
}
