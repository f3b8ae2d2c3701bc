import { assertEquals } from "@std/assert";
import { needsRoot, onHost } from "./host.ts";

/** Calls the monitoring plug-in, and omits numbers that vary and the performance data. */
const CHECK = `
  check() {
    { env -i PATH="$PATH" HOME=/root DENO_DIR="$FOLDER/deno" $PROGRAM status --check; echo "exit $?"; } |
      sed 's/ | .*//; s/last delivery .*/…/; s/few more files: [0-9]*/few more files: …/; s/[0-9]* MiB/… MiB/'
  }
`;

Deno.test(
  "status --check reports a disk without space, without inodes, and without the reserve",
  needsRoot,
  async () => {
    const { output } = await onHost(`${CHECK}
    mount -t tmpfs -o size=100m,nr_inodes=1200 none /var/lib
    own send One > /dev/null
    check
    fallocate -l 60m /var/lib/large; check
    fallocate -o 60m -l 31m /var/lib/large; check
    fallocate -o 91m -l 3m /var/lib/large; cat /dev/zero > /var/lib/rest 2> /dev/null; check
    rm /var/lib/large /var/lib/rest; mkdir /var/lib/many
    (cd /var/lib/many; seq 1100 | xargs touch); check
    (cd /var/lib/many; seq 1101 1200 | xargs touch 2> /dev/null); check
    rm -r /var/lib/many /var/lib/matrix-notify/queue/reserve.bin; check
    own send Two > /dev/null; check
  `);
    const fine = ["OK - 0 entries waiting; …", "exit 0"];
    assertEquals(output.trim().split("\n"), [
      ...fine,
      ...fine,
      ...["WARNING - the disk is nearly full: … MiB are free", "exit 1"],
      ...["CRITICAL - the disk is full: 0 KiB are free", "exit 2"],
      ...["WARNING - the disk has room for few more files: … inodes are free", "exit 1"],
      ...["CRITICAL - the disk has no room for more files: 0 inodes are free", "exit 2"],
      "WARNING - the file that reserves disk space for the queue is missing: it was deleted on a full disk, or could " +
      "not be written; … MiB are free now",
      "exit 1",
      ...fine,
    ]);
  },
);
